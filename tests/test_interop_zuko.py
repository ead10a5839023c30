"""zuko's masked autoregressive flows: the same densities and, for the same noise, the same samples."""

from __future__ import annotations

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
zuko = pytest.importorskip("zuko", reason="zuko is not installed")

from fastdgm.interop.zuko import accelerate  # noqa: E402

N_VARS = 6
FLOWS = {
    "one transform": {"transforms": 1},
    "three": {"transforms": 3},
    "random orders": {"transforms": 3, "randperm": True},
    "context": {"transforms": 3, "context": 2, "randperm": True},
    "residual": {"transforms": 2, "residual": True, "hidden_features": (16, 16, 12)},
    "residual with context": {"transforms": 2, "residual": True, "context": 3, "activation": torch.nn.ELU},
    "tanh": {"transforms": 1, "activation": torch.nn.Tanh, "context": 1},
    "coupling": {"transforms": 3, "passes": 2, "randperm": True},
}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def make(options, dtype=torch.float64):
    """A flow whose weights are large enough for every path to matter."""
    flow = zuko.flows.MAF(N_VARS, **{"hidden_features": (20, 20), **options}).to(dtype)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.mul_(1.5)
    return flow


def context_of(options, n, dtype=torch.float64):
    return torch.randn(n, options["context"], dtype=dtype) if "context" in options else None


@pytest.mark.parametrize("dtype, tolerance", [(torch.float64, 1e-9), (torch.float32, 1e-4)])
@pytest.mark.parametrize("options", FLOWS.values(), ids=FLOWS)
def test_everything_is_as_in_zuko(options, dtype, tolerance):
    flow = make(options, dtype)
    fast = accelerate(flow)
    x, c = torch.randn(70, N_VARS, dtype=dtype), context_of(options, 70, dtype)
    close = functools.partial(torch.testing.assert_close, rtol=tolerance, atol=tolerance, check_dtype=False)
    with torch.no_grad():
        distribution = flow(c)
        z, log_det = distribution.transform.call_and_ladj(x)
        close(fast.log_prob(x, c), distribution.log_prob(x))
        own_z, own_log_det = fast.forward(x, c)
        close(own_z, z)
        close(own_log_det, log_det)
        assert own_z.dtype == dtype and own_log_det.dtype == torch.float64
        noise = torch.randn(70, N_VARS, dtype=dtype)
        close(fast.inverse(noise, c), distribution.transform.inv(noise))
        close(fast.inverse(own_z, c), x)


def test_shapes_broadcast_as_in_zuko():
    flow = make(FLOWS["context"])
    fast = accelerate(flow)
    x, c = torch.randn(4, 3, N_VARS).double(), torch.randn(3, 2).double()
    with torch.no_grad():
        expected = flow(c).log_prob(x)
    assert expected.shape == (4, 3)
    torch.testing.assert_close(fast.log_prob(x, c), expected)
    torch.testing.assert_close(fast.log_prob(x[0, 0], c[0]), expected[0, 0])
    assert fast.log_prob(x[:, :1], c).shape == (4, 3)  # zuko broadcasts the context alone
    assert fast.sample((5, 2), c, seed=0).shape == flow(c).sample((5, 2)).shape == (5, 2, 3, N_VARS)
    assert fast.sample(c=c[0]).shape == flow(c[0]).sample().shape == (N_VARS,)
    assert fast.sample(7, c[0]).shape == (7, N_VARS)
    assert fast.log_prob(x[:0], c).shape == (0, 3)


def test_samples_have_the_flow_s_distribution():
    flow = make(FLOWS["three"])
    fast = accelerate(flow)
    x = fast.sample(4000, seed=1)
    z, _ = fast.forward(x)
    assert abs(z.mean(0)).max() < 5 / np.sqrt(4000)
    assert abs(torch.cov(z.T) - torch.eye(N_VARS)).max() < 8 / np.sqrt(4000)


def test_samples_by_seed():
    fast = accelerate(make(FLOWS["three"]))
    assert torch.equal(fast.sample(50, seed=1)[:20], fast.sample(20, seed=1))
    assert not torch.equal(fast.sample(20, seed=2), fast.sample(20, seed=1))
    assert torch.equal(fast.sample(5, seed=np.random.default_rng(3)), fast.sample((5,), seed=np.random.default_rng(3)))


def test_numpy_in_numpy_out():
    fast = accelerate(make(FLOWS["context"]))
    x, c = np.ones((3, N_VARS)), np.zeros(2)
    assert isinstance(fast.log_prob(x, c), np.ndarray)
    assert isinstance(fast.sample(3, c), np.ndarray)
    assert all(isinstance(part, np.ndarray) for part in fast.forward(x, c))
    assert isinstance(fast.inverse(x, torch.from_numpy(c)), torch.Tensor)


def test_the_flow_is_copied():
    flow = make(FLOWS["three"])
    fast = accelerate(flow)
    x = torch.randn(5, N_VARS).double()
    before = fast.log_prob(x)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.zero_()
    assert torch.equal(fast.log_prob(x), before)
    assert "FastMAF(n_vars=6, n_context=0, transforms=3)" in repr(fast)


def with_base(base, *parameters):
    flow = make({"transforms": 1})
    flow.base = zuko.flows.UnconditionalDistribution(base, *parameters, buffer=True)
    return flow


def with_univariate(univariate):
    flow = make({"transforms": 1})
    flow.transform.transforms[0].univariate = univariate
    return flow


def with_other_numbers():
    """Changes outputs through a view of them, which is not seen."""

    def add(module, inputs, outputs):
        copy = outputs.clone()
        copy.view(copy.shape).add_(1)
        return copy

    flow = make({"transforms": 1})
    flow.transform.transforms[0].hyper.register_forward_hook(add)
    return flow


ZEROS, ONES = torch.zeros(N_VARS), torch.ones(N_VARS)


@pytest.mark.parametrize(
    ("make_flow", "message"),
    [
        (lambda: zuko.flows.NSF(N_VARS), "MonotonicAffineTransform with slope 1e-3, got .*MonotonicRQSTransform"),
        (lambda: zuko.flows.NICE(N_VARS), "got GeneralCouplingTransform"),
        (lambda: zuko.flows.MAF(1), "got ElementWiseTransform"),
        (lambda: with_base(zuko.distributions.BoxUniform, ZEROS, ONES), "got the base BoxUniform"),
        (lambda: with_base(zuko.distributions.DiagNormal, ZEROS, 2 * ONES), "standard normal"),
        (lambda: with_univariate(functools.partial(zuko.transforms.MonotonicAffineTransform, slope=1e-2)), "slope"),
        (lambda: make({"transforms": 1, "activation": torch.nn.Softsign}), "Softsign is not supported"),
        (lambda: zuko.flows.MAF(4, transforms=0), "at least one transform"),
        (with_other_numbers, "something else than the masked layers"),
        (lambda: torch.nn.Linear(2, 2), "takes a zuko flow"),
    ],
)
def test_what_is_refused(make_flow, message):
    with pytest.raises(TypeError, match=message):
        accelerate(make_flow())


def test_bad_arguments():
    plain, conditional = accelerate(make(FLOWS["three"])), accelerate(make(FLOWS["context"]))
    with pytest.raises(ValueError, match=r"x must have shape \(..., 6\)"):
        plain.log_prob(torch.zeros(3, 5))
    with pytest.raises(ValueError, match="context of 0 features, c is one"):
        plain.log_prob(torch.zeros(3, 6), torch.zeros(2))
    with pytest.raises(ValueError, match="context of 2 features, c is none"):
        conditional.sample(3)
    with pytest.raises(ValueError, match=r"c must have shape \(..., 2\)"):
        conditional.sample(3, torch.zeros(3))
    with pytest.raises(ValueError, match="must broadcast"):
        conditional.log_prob(torch.zeros(3, 6), torch.zeros(2, 2))
    with pytest.raises(ValueError, match="n must be between 0"):
        plain.sample(-1)
    with pytest.raises(TypeError, match="seed"):
        plain.sample(3, seed=1.5)
    with pytest.raises(ValueError, match="finite"):
        plain.log_prob(torch.full((1, 6), float("nan")))
