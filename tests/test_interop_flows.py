"""Flows of other libraries with our inverse: the same samples and gradients, whatever else the flow is made of."""

from __future__ import annotations

import copy
import functools
import pickle

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
zuko = pytest.importorskip("zuko", reason="zuko is not installed")

from torch.autograd import grad, gradcheck, gradgradcheck  # noqa: E402
from zuko.flows import Flow, GeneralCouplingTransform, MaskedAutoregressiveTransform  # noqa: E402
from zuko.lazy import UnconditionalTransform  # noqa: E402
from zuko.transforms import LULinearTransform, MonotonicRQSTransform, PermutationTransform  # noqa: E402

import fastdgm as fd  # noqa: E402
from fastdgm.engines.masked.flow import SOFTPLUS  # noqa: E402
from fastdgm.interop.flows import zuko_layers as ours  # noqa: E402
from fastdgm.interop.flows.affine import AffineLayer, shift_and_slope  # noqa: E402
from fastdgm.interop.flows.inverse import fast_inverse, fast_inverse_with_log_det  # noqa: E402

accelerate = fd.interop.flows.accelerate

N_VARS, N_CONTEXT = 5, 2
Masked = functools.partial(MaskedAutoregressiveTransform, N_VARS, N_CONTEXT, hidden_features=(12, 9))
SPLINE = {"univariate": MonotonicRQSTransform, "shapes": [(4,), (4,), (3,)]}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    n = torch.get_num_threads()
    torch.set_num_threads(1)  # of a busy machine: many small calls
    yield
    torch.set_num_threads(n)


def of_layers(*layers):
    return Flow(list(layers), zuko.flows.MAF(N_VARS).base)


def mixed():
    """Our layers between others of all kinds."""
    return of_layers(
        Masked(order=torch.randperm(N_VARS)),
        UnconditionalTransform(PermutationTransform, torch.randperm(N_VARS), buffer=True),
        GeneralCouplingTransform(N_VARS, N_CONTEXT, mask=torch.arange(N_VARS) % 2 == 0),
        Masked(order=torch.arange(N_VARS).flip(0), residual=True, activation=torch.nn.ELU, hidden_features=(8, 8)),
        UnconditionalTransform(LULinearTransform, 0.1 * torch.randn(N_VARS, N_VARS) + torch.eye(N_VARS)),
        Masked(**SPLINE),
        Masked(passes=2, activation=torch.nn.SiLU),
    )


def weight_normed():
    """Weights are computed from two parameters each, of which one is a column."""
    flow = of_layers(Masked())
    for part in list(flow.modules()):
        if isinstance(part, zuko.nn.MaskedLinear):
            torch.nn.utils.parametrizations.weight_norm(part)
    return flow


FLOWS = {
    "maf": lambda: zuko.flows.MAF(N_VARS, N_CONTEXT, randperm=True),
    "mixed": mixed,
    "inverted": lambda: of_layers(Masked().inv, Masked(activation=torch.nn.Tanh)),
    "weight norm": weight_normed,
    "no hidden layer": lambda: of_layers(Masked(hidden_features=())),
}
every_flow = pytest.mark.parametrize("make", FLOWS.values(), ids=FLOWS)


def made(make, dtype=torch.float64):
    """A flow whose weights are large enough for every path to matter."""
    flow = make().to(dtype)
    with torch.no_grad():
        for parameter in flow.parameters():
            if parameter.shape != (N_VARS, N_VARS):  # LU
                parameter.mul_(1.3)
    return flow


def drawn(flow, c, seed=3):
    torch.manual_seed(seed)
    with torch.no_grad():
        return flow(c).rsample_and_log_prob((7,))


@every_flow
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-3)])
def test_samples_are_the_library_s_own(make, dtype, tolerance):
    flow = made(make, dtype)
    fast, c = accelerate(flow), torch.randn(3, N_CONTEXT, dtype=dtype)
    for own, theirs in zip(drawn(fast, c), drawn(flow, c), strict=True):
        assert own.dtype == dtype
        torch.testing.assert_close(own, theirs, rtol=tolerance, atol=tolerance)
    x = torch.randn(4, 3, N_VARS, dtype=dtype)
    torch.testing.assert_close(fast(c).log_prob(x), flow(c).log_prob(x), rtol=tolerance, atol=tolerance)
    assert fast(c[0]).sample().shape == (N_VARS,)
    assert fast(c[:0]).sample((2,)).shape == (2, 0, N_VARS)


@every_flow
def test_gradients_are_the_library_s_own(make):
    flow = made(make)
    fast = accelerate(flow)
    noise, c = torch.randn(3, N_VARS).double().requires_grad_(), torch.randn(3, N_CONTEXT).double().requires_grad_()

    def gradients(own):
        x, log_det = own(c).transform.inv.call_and_ladj(noise)
        loss = x.sin().sum() + log_det.square().sum() + own(c).log_prob(x).sum()
        return grad(loss, [noise, c, *own.parameters()], allow_unused=True)

    for own, theirs in zip(gradients(fast), gradients(flow), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-8, atol=1e-10)


def test_first_and_second_derivatives_are_exact():
    fast = accelerate(made(lambda: of_layers(Masked(activation=torch.nn.Tanh, hidden_features=(4,)))))
    y, c = torch.randn(2, N_VARS).double().requires_grad_(), torch.randn(2, N_CONTEXT).double().requires_grad_()

    def inverse(y, c, *parameters):
        return fast(c).transform.inv(y)

    assert gradcheck(inverse, (y, c, *fast.parameters()))
    assert gradgradcheck(inverse, (y, c))


def test_many_rows_and_threads():
    """Several tiles of the backward sweep; the same numbers by any number of threads."""
    fast = accelerate(made(FLOWS["maf"]))
    noise, c = torch.randn(1300, N_VARS).double().requires_grad_(), torch.randn(N_CONTEXT).double()
    results = []
    for n in (1, 3):
        with fd.num_threads(n):
            x = fast(c).transform.inv(noise)
            results.append((x, *grad(x.sin().sum(), noise)))
    assert all(torch.equal(one, three) for one, three in zip(*results, strict=True))
    (few,) = grad(fast(c).transform.inv(noise)[1020:1030].sin().sum(), noise)
    torch.testing.assert_close(few[1020:1030], results[0][1][1020:1030])


# --- the flow stays a flow ---


def test_parameters_are_the_flow_s_own_and_are_read_again():
    flow = made(FLOWS["maf"])
    fast, c = accelerate(flow), torch.zeros(N_CONTEXT).double()
    assert all(own is theirs for own, theirs in zip(fast.parameters(), flow.parameters(), strict=True))
    assert all(own is theirs for own, theirs in zip(fast.buffers(), flow.buffers(), strict=True))
    assert type(fast) is type(flow)
    assert all(isinstance(layer, MaskedAutoregressiveTransform) for layer in fast.transform.transforms)
    assert list(fast.state_dict()) == list(flow.state_dict())
    assert type(flow.transform.transforms[0]) is MaskedAutoregressiveTransform
    optimizer = torch.optim.SGD(flow.parameters(), 0.1)
    before = drawn(fast, c)[0]
    fast(c).rsample((10,)).square().sum().backward()
    optimizer.step()
    torch.testing.assert_close(drawn(fast, c), drawn(flow, c))
    assert not torch.equal(drawn(fast, c)[0], before)
    next(flow.parameters()).data.mul_(2)  # no version counter tells
    torch.testing.assert_close(drawn(fast, c), drawn(flow, c))


def test_copies_casts_and_pickles(monkeypatch):
    flow = made(FLOWS["maf"])
    fast, c = accelerate(flow), torch.zeros(N_CONTEXT).double()
    for again in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast)), accelerate(fast)):
        assert isinstance(again.transform.transforms[0], ours.FAST)
        assert torch.equal(drawn(again, c)[0], drawn(fast, c)[0])
    assert fast.float()(c.float()).sample().dtype == torch.float32
    layer = accelerate(Masked().double())
    assert layer(c).inv(torch.zeros(N_VARS).double()).shape == (N_VARS,)


def counted(monkeypatch):
    """How often our loops were used, in a list."""
    calls = []
    whole = ours.fast_inverse
    monkeypatch.setattr(ours, "fast_inverse", lambda *given: (calls.append(whole(*given)), calls[-1])[1])
    return calls


def test_what_is_not_ours_runs_the_library_s_own_code(monkeypatch):
    flow = made(lambda: of_layers(Masked()))
    fast, c = accelerate(flow), torch.zeros(N_CONTEXT).double()
    calls = counted(monkeypatch)
    inverse = fast(c).transform.inv
    y = torch.randn(4, N_VARS).double()
    bad = y.clone()
    bad[1, 2] = torch.nan
    torch.testing.assert_close(inverse(bad), flow(c).transform.inv(bad), equal_nan=True)
    assert torch.func.jacrev(inverse)(y[0]).shape == (N_VARS, N_VARS)
    assert torch.func.vmap(inverse)(y).shape == y.shape
    with torch.autograd.forward_ad.dual_level():
        inverse(y)
    inverse(y.float())
    with pytest.raises(RuntimeError):
        inverse(y[:, :4])
    assert len(calls) >= 6
    assert all(own is None for own in calls)
    inverse(y)
    assert calls[-1] is not None
    assert fast.to("meta")(torch.zeros(N_CONTEXT, device="meta")).sample().device.type == "meta"


def test_a_layer_that_cannot_be_read_keeps_its_inverse():
    flow = of_layers(Masked(), Masked(activation=torch.nn.Softsign))
    with pytest.warns(UserWarning, match=r"layer transform.transforms.1 keeps .* Softsign is not supported"):
        fast = accelerate(flow)
    c = torch.zeros(N_CONTEXT)
    torch.testing.assert_close(drawn(fast, c), drawn(flow, c), rtol=1e-4, atol=1e-4)


# --- nflows' slopes, on a network of zuko's ---


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_softplus_slopes(dtype):
    adjacency = torch.ones(N_VARS, N_VARS).tril(-1).bool().repeat_interleave(2, 0)
    network = zuko.nn.MaskedMLP(adjacency, (12,), torch.nn.Tanh).to(dtype)
    layer = AffineLayer(network, N_VARS, 0, SOFTPLUS, shift_first=False, joined=True)
    y, c = torch.randn(6, N_VARS, dtype=dtype, requires_grad=True), torch.empty(6, 0, dtype=dtype)
    x = torch.zeros_like(y)
    for _ in range(N_VARS):
        shift, slope = shift_and_slope(layer, network(x))
        x = (y - shift) / slope
    expected = x, -slope.log().sum(-1)
    close = functools.partial(
        torch.testing.assert_close, **dict.fromkeys(("rtol", "atol"), 1e-10 if dtype == torch.float64 else 1e-4)
    )
    for own, theirs in zip(fast_inverse_with_log_det(layer, y, c), expected, strict=True):
        close(own, theirs)
        inputs = [y, *network.parameters()]
        gradients = (grad(each.sin().sum(), inputs, retain_graph=True) for each in (own, theirs))
        for pair in zip(*gradients, strict=True):
            close(*pair)
    with torch.no_grad():
        for own, theirs in zip(fast_inverse_with_log_det(layer, y, c), expected, strict=True):
            close(own, theirs)
    huge = torch.full((1, N_VARS), torch.finfo(dtype).max, dtype=dtype)  # divided by 1 / 1000 at the least
    with torch.no_grad():
        network[-1].bias[::2] = -100
    assert fast_inverse(layer, huge, c[:1]) is None


# --- what is refused ---


def with_leaking_masks():
    flow = of_layers(Masked())
    for part in flow.modules():
        if isinstance(part, zuko.nn.MaskedLinear):
            part.mask.fill_(True)
    return flow


def with_other_numbers():
    """Changes outputs through a view of them, which is not seen."""

    def add(module, inputs, outputs):
        changed = outputs.clone()
        changed.view(changed.shape).add_(1)
        return changed

    flow = of_layers(Masked())
    flow.transform.transforms[0].hyper.register_forward_hook(add)
    return flow


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: zuko.flows.NSF(3), TypeError, "NSF has MaskedAutoregressiveTransform of MonotonicRQSTransform"),
        (lambda: zuko.flows.NICE(3), TypeError, "NICE has GeneralCouplingTransform"),
        (lambda: zuko.flows.MAF(1), TypeError, "MAF has ElementWiseTransform"),
        (
            lambda: Masked(univariate=functools.partial(zuko.transforms.MonotonicAffineTransform, slope=0.1)),
            TypeError,
            "MonotonicAffineTransform, slope=0.1",
        ),
        (lambda: Masked(activation=torch.nn.Softsign), TypeError, "Softsign is not supported"),
        (with_other_numbers, TypeError, "something else than its masked layers"),
        (lambda: torch.nn.Linear(2, 2), TypeError, "Linear has no layers of zuko or nflows"),
        (lambda: "flow.pt", TypeError, "a torch module, or a posterior of sbi .* got str"),
        (lambda: zuko.flows.MAF(3).half(), TypeError, "float32 or float64, got .* of torch.float16"),
        (lambda: zuko.flows.MAF(3).to("meta"), ValueError, "on the CPU, got .* on meta"),
        (with_leaking_masks, ValueError, "layer transform.transforms.0 of the flow: masks leak"),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        accelerate(make())


def test_flows_without_context():
    flow = zuko.flows.MAF(N_VARS, hidden_features=(8,))
    fast = accelerate(flow)
    torch.testing.assert_close(drawn(fast, None), drawn(flow, None), rtol=1e-4, atol=1e-4)
    assert fast().sample().shape == (N_VARS,)
    with pytest.raises(ValueError, match="context of 0 features, got one"):
        fast(torch.zeros(2))


def test_contexts_of_another_width():
    fast = accelerate(made(FLOWS["maf"]))
    with pytest.raises(ValueError, match=r"context of 2 features, got one of shape \(3,\)"):
        fast(torch.zeros(3).double())
    with pytest.raises(ValueError, match=r"context of 2 features, got one of shape \(\)"):
        fast(torch.tensor(0.0).double())
    with pytest.raises(ValueError, match="context of 2 features, got none"):
        fast()


def test_dropout_in_training_mode():
    layer = Masked()
    layer.hyper.append(torch.nn.Dropout(0.5))
    fast = accelerate(layer)
    c = torch.zeros(N_CONTEXT)
    with pytest.raises(RuntimeError, match="dropout has no inverse in training mode"):
        fast(c).inv(torch.zeros(N_VARS))
    assert fast.eval()(c).inv(torch.zeros(N_VARS)).shape == (N_VARS,)
