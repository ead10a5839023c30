"""nflows' flows and sbi's posteriors with our inverse; ``fd.patch`` for zuko and nflows."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from torch.autograd import grad  # noqa: E402

import fastdgm as fd  # noqa: E402
from fastdgm.interop.flows import accelerate  # noqa: E402

N_VARS, N_CONTEXT = 5, 2


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    n = torch.get_num_threads()
    torch.set_num_threads(1)  # of a busy machine: many small calls
    yield
    torch.set_num_threads(n)


def made(module):
    """With weights that are large enough for every path to matter."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module


def nflows_flow(dtype=torch.float64, **options):
    """Our layers between others of all kinds; in eval mode for the batch normalisation."""
    pytest.importorskip("nflows", reason="nflows is not installed")
    from nflows import transforms
    from nflows.distributions import StandardNormal
    from nflows.flows import Flow

    masked = transforms.MaskedAffineAutoregressiveTransform
    layers = [
        transforms.PointwiseAffineTransform(0.5, 2.0),
        masked(N_VARS, 12, context_features=N_CONTEXT, activation=torch.tanh, **options),
        transforms.RandomPermutation(N_VARS),
        masked(N_VARS, 9, context_features=N_CONTEXT, use_residual_blocks=False, random_mask=True),
        transforms.BatchNorm(N_VARS),
        transforms.InverseTransform(masked(N_VARS, 8, context_features=N_CONTEXT, num_blocks=1)),
        transforms.HouseholderSequence(N_VARS, 2),
    ]
    embedding = torch.nn.Linear(3, N_CONTEXT)
    flow = Flow(transforms.CompositeTransform(layers), StandardNormal([N_VARS]), embedding)
    return made(flow).to(dtype).eval()


@pytest.mark.parametrize("options", [{}, {"use_batch_norm": True}], ids=["plain", "batch norm"])
def test_nflows_gradients_are_its_own(options):
    flow = nflows_flow(**options)
    fast = accelerate(flow)
    noise, c = torch.randn(4, N_VARS).double().requires_grad_(), torch.randn(4, 3).double().requires_grad_()

    def results(own):
        x, log_det = own._transform.inverse(noise, own._embedding_net(c))
        loss = x.sin().sum() + log_det.square().sum() - own.log_prob(x, c).sum()
        return x, log_det, *grad(loss, [noise, c, *own.parameters()], allow_unused=True)

    for own, theirs in zip(results(fast), results(flow), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-8, atol=1e-9)


def test_nflows_samples_are_its_own():
    flow = nflows_flow(torch.float32)
    fast = accelerate(flow)
    assert type(fast) is type(flow)
    c, results = torch.randn(3, 3), []
    for own in (fast, flow):
        torch.manual_seed(1)
        results.append((own.sample(20, c), *own.sample_and_log_prob(20, c)))
    for own, theirs in zip(*results, strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-3, atol=1e-3)
    for call in (fast._transform, fast._transform.inverse):
        with pytest.raises(ValueError, match=r"context of 2 features, got one of shape \(3, 4\)"):
            call(torch.zeros(3, N_VARS), torch.zeros(3, 4))
    with pytest.raises(TypeError, match="Flow has PiecewiseRationalQuadraticCDF"):
        from nflows import distributions, flows, transforms

        accelerate(flows.Flow(transforms.PiecewiseRationalQuadraticCDF([2]), distributions.StandardNormal([2])))


def test_batch_norm_in_training_mode():
    fast = accelerate(nflows_flow(use_batch_norm=True)).train()
    layer = fast._transform._transforms[1]
    with pytest.raises(RuntimeError, match="batch normalisation has no inverse in training mode"):
        layer.inverse(torch.zeros(3, N_VARS).double(), torch.zeros(3, 2).double())
    original = nflows_flow(use_batch_norm=True).train()._transform._transforms[1]
    with fd.patch("nflows"), pytest.warns(UserWarning, match="runs the library's own code: a layer with batch"):
        original.inverse(torch.zeros(3, N_VARS).double(), torch.zeros(3, 2).double())


@pytest.mark.parametrize("model", ["maf", "zuko_maf"])
def test_posteriors_of_sbi(model):
    pytest.importorskip("sbi", reason="sbi is not installed")
    from sbi.inference.posteriors import DirectPosterior
    from sbi.neural_nets import posterior_nn
    from sbi.utils import BoxUniform

    theta, x = torch.randn(200, 3), torch.randn(200, 4)
    embedding = torch.nn.Linear(4, 2)
    build = posterior_nn(model, hidden_features=8, num_transforms=2, embedding_net=embedding)
    estimator = made(build(theta, x)).eval()
    posterior = DirectPosterior(estimator, BoxUniform(-5 * torch.ones(3), 5 * torch.ones(3)))
    fast = accelerate(posterior)
    assert posterior.posterior_estimator is estimator
    assert any(type(part).__name__.startswith("Fast") for part in fast.posterior_estimator.modules())
    assert not any(type(part).__name__.startswith("Fast") for part in estimator.modules())
    results = []
    for own in (fast, posterior):
        torch.manual_seed(1)
        samples = own.sample((50,), x=x[:1], show_progress_bars=False)
        results.append((samples, *own.posterior_estimator.sample_and_log_prob((6,), x[:2])))
    for own, theirs in zip(*results, strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-3, atol=1e-3)


# --- fd.patch ---


def test_patched_zuko():
    zuko = pytest.importorskip("zuko", reason="zuko is not installed")
    flow = zuko.flows.MAF(N_VARS, hidden_features=(8,))
    spline = zuko.flows.NSF(N_VARS, hidden_features=(8,))
    torch.manual_seed(1)
    theirs = flow().sample((10,))
    with fd.patch("zuko"):
        torch.manual_seed(1)
        ours = flow().sample((10,))
        assert type(flow().transform.transforms[0]).__name__ == "PatchedAutoregressiveTransform"
        assert type(spline().transform.transforms[0]).__name__ == "AutoregressiveTransform"
        both = accelerate(flow)
        torch.manual_seed(1)
        torch.testing.assert_close(both().sample((10,)), ours)
    assert type(flow().transform.transforms[0]).__name__ == "AutoregressiveTransform"
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_what_zuko_does_it_does_when_patched():
    zuko = pytest.importorskip("zuko", reason="zuko is not installed")
    layer = zuko.flows.MaskedAutoregressiveTransform(N_VARS, N_CONTEXT, hidden_features=(8,))
    layer.hyper.append(torch.nn.Dropout(0.5))
    y, c = torch.randn(3, N_VARS), torch.zeros(N_CONTEXT)
    theirs = (torch.manual_seed(1), layer(c).inv(y))[1]
    with fd.patch("zuko"):
        with pytest.warns(UserWarning, match="runs the library's own code: a layer with dropout"):
            ours = (torch.manual_seed(1), layer(c).inv(y))[1]
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            layer(torch.zeros(3)).inv(y)
    assert torch.equal(ours, theirs)


def test_patched_nflows():
    flow, c = nflows_flow(torch.float32), torch.randn(3, 3)
    results = [(torch.manual_seed(1), flow.sample(20, c))[1]]
    with fd.patch("nflows"):
        results.append((torch.manual_seed(1), flow.sample(20, c))[1])
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            flow._transform.inverse(torch.zeros(3, N_VARS), torch.zeros(3, 4))
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-3)
