"""What modules and options get that make no conditional: errors that name the variable and what came."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402


class By(nn.Module):
    """A module that is a function of its features."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def net_of(function, event_shape=(), family="bernoulli", **options):
    module = function if isinstance(function, nn.Module) else By(function)
    own = fd.Neural(["y"], module, family=family, event_shape=event_shape, **options)
    return fd.BayesNet({"y": fd.MultivariateNormal.standard(3), "x": own})


def ones(*shape, dtype=torch.float32):
    return lambda f: torch.ones(len(f), *shape, dtype=dtype)


OPTIONS = [
    ({"family": "poisson"}, ValueError, "one of bernoulli, categorical, normal, mixture, got 'poisson'"),
    ({"family": None}, ValueError, "one of bernoulli"),
    ({"family": "categorical"}, ValueError, "n_states= or states="),
    ({"family": "normal", "n_states": 3}, ValueError, "has no states, got 3"),
    ({"family": "bernoulli", "states": ["a", "b", "c"]}, ValueError, "two states, got 3"),
    ({"family": "categorical", "n_states": 2, "states": ["a", "b", "c"]}, ValueError, "disagree"),
    ({"family": "categorical", "n_states": 2.5}, TypeError, "n_states"),
    ({"family": "categorical", "n_states": 0}, ValueError, "1 to 65535 states"),
    ({"family": "bernoulli", "std": 1.0}, ValueError, "std= goes with the normal family"),
    ({"family": "normal", "std": 0.0}, ValueError, "above 0 and finite"),
    ({"family": "normal", "std": float("nan")}, ValueError, "above 0 and finite"),
    ({"family": "normal", "std": "wide"}, TypeError, "std"),
    ({"family": "bernoulli", "event_shape": (0,)}, ValueError, "whole numbers from 1 on"),
    ({"family": "bernoulli", "event_shape": (2.0,)}, ValueError, "whole numbers from 1 on"),
    ({"family": "bernoulli", "event_shape": "3"}, TypeError, "event_shape"),
]


@pytest.mark.parametrize(("options", "kind", "text"), OPTIONS)
def test_options(options, kind, text):
    with pytest.raises(kind, match=text):
        fd.Neural(["y"], nn.Linear(1, 1), **options)


def test_no_module():
    with pytest.raises(TypeError, match=r"is a torch.nn.Module, got function"):
        fd.Neural(["y"], lambda x: x, family="bernoulli")
    with pytest.raises(TypeError, match=r"is a torch.nn.Module, got type"):
        fd.Neural(["y"], nn.Linear, family="bernoulli")


def test_nothing_says_how_many_rows():
    with pytest.raises(ValueError, match=r"there are none to say how many rows"):
        fd.Neural([], nn.Identity(), family="bernoulli", separate=True)


def test_torch_is_absent(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="needs torch: pip install"):
        fd.Neural(["y"], object(), family="bernoulli")


SHAPES = [
    (ones(1), {}, r"the logits of 'x' have shape \(3,\), the module gave \(3, 1\): add .squeeze\(-1\)"),
    (ones(2), {}, r"one logit of the second state; family='categorical'"),
    (ones(), {"family": "categorical", "n_states": 2}, r"one logit for each state; family='bernoulli'"),
    (ones(4), {"family": "categorical", "n_states": 3}, r"n_states=4 would fit"),
    (ones(4, 4), {"event_shape": (16,)}, r"the module gave \(3, 4, 4\): .* torch.nn.Unflatten"),
    (lambda f: torch.ones(5), {"event_shape": (5,)}, "the first axis is that of the rows"),
    (lambda f: torch.ones(()), {}, "a number for each row"),
    (ones(6), {"event_shape": (3,), "family": "normal", "std": 1.0}, r"chunk\(2, dim=-1\)"),
    (ones(6), {}, r"event_shape=\(6,\) would fit"),
]


@pytest.mark.parametrize(("function", "options", "text"), SHAPES)
def test_shapes(function, options, text):
    with pytest.raises(ValueError, match=text):
        net_of(function, **options)


PARTS = [
    (ones(), {"family": "normal"}, r"tuple of 2 tensors \(mean, log_std\), got Tensor: .* std="),
    (lambda f: (f[:, 0], f[:, 0]), {"family": "normal", "std": 1.0}, r"gives a tensor \(mean\).* comes alone"),
    (lambda f: {"logits": f[:, 0]}, {}, r"got a dict of 'logits'"),
    (lambda f: None, {}, "got NoneType"),
    (lambda f: f.numpy()[:, 0], {}, "got ndarray"),
    (ones(dtype=torch.int64), {}, r"the logits of 'x' are floats, the module gave torch.int64"),
    (ones(dtype=torch.bool), {}, r"are floats, the module gave torch.bool"),
    (ones(dtype=torch.complex64), {}, r"are floats, the module gave torch.complex64"),
]


@pytest.mark.parametrize(("function", "options", "text"), PARTS)
def test_parts(function, options, text):
    with pytest.raises(TypeError, match=text):
        net_of(function, **options)


def test_another_device():
    with pytest.raises(ValueError, match="are on cpu as the module is, it gave them on meta"):
        net_of(lambda f: torch.ones(len(f), device="meta"))


@pytest.mark.parametrize("separate", [False, True])
def test_a_module_without_parameters_works_where_its_columns_are(separate):
    call = net_of(lambda f: f[:, 0], separate=separate)["x"].call
    (found,) = call.outputs("x", [torch.zeros((2, 3), device="meta")], 2)
    assert found.device.type == "meta"


def test_a_module_that_raises():
    with pytest.raises(
        ValueError, match=r"of 'x' takes tensors of shape \(3, 3\) float32, it raised: RuntimeError"
    ) as e:
        net_of(nn.Linear(4, 1))
    assert isinstance(e.value.__cause__, RuntimeError)


NONE = [
    (lambda f: torch.where(torch.arange(len(f)) == 1, torch.nan, f[:, 0]), {}, r"logits .* in row 1 .*: .* is nan"),
    (lambda f: f[:, 0] / 0 * 0, {}, "are no parameters in row 0"),
    (lambda f: (f[:, 0], f[:, 0] * torch.inf), {"family": "normal"}, "the log_std .* 'x' gives are no parameters"),
]


@pytest.mark.parametrize(("function", "options", "text"), NONE)
def test_parameters_that_are_none(function, options, text):
    with pytest.raises(ValueError, match=text):
        net_of(function, **options)


MIXING = [
    lambda f: f[:, 0] - f[:, 0].mean(),
    lambda f: f[:, 0] / f.abs().max(),
    lambda f: f[:, 0].cumsum(0),
    lambda f: f[:, 0].flip(0),
    lambda f: f[:, 0] + len(f),
    nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 1), nn.Flatten(0)),
]


@pytest.mark.parametrize("function", MIXING)
def test_rows_that_mix(function):
    with pytest.raises(ValueError, match=r"the module of 'x' .* mixes the rows of a batch"):
        net_of(function)


def test_a_module_that_is_random():
    state = torch.random.get_rng_state()
    with pytest.raises(ValueError, match=r"'x' .* random in eval mode"):
        net_of(lambda f: f[:, 0] + torch.rand(len(f)))
    assert (torch.random.get_rng_state() == state).all()


def test_buffers_are_put_back():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, features):
            self.calls += 1
            return features[:, 0]

    module = Counting()
    net_of(module)
    assert module.calls == 0


def test_limits_are_allowed():
    net = net_of(lambda f: torch.where(f[:, 0] > 0, torch.inf, -torch.inf))
    x = net.sample(100, seed=0)
    assert (np.asarray(x["x"]).astype(bool) == (x["y"][:, 0] > 0)).all()
    assert np.isfinite(net.log_prob(x)).all()


# In use -----------------------------------------------------------------------------------------------------------


def far(f):
    return torch.where(f[:, 0].abs() < 2.5, f[:, 0], torch.nan)


def test_parameters_that_are_none_in_use():
    net = net_of(far)
    y = net["y"].mean + np.zeros((200, 3))
    rows = {"y": y.astype(np.float32), "x": np.zeros(200, int)}
    rows["y"][123, 0] = 4.0
    for per_variable in (False, True):
        with pytest.raises(ValueError, match=r"logits .* 'x' gives are no parameters in row 123"):
            net.log_prob(rows, per_variable=per_variable)
    with pytest.raises(ValueError, match=r"logits .* 'x' gives are no parameters in row \d+"):
        net.sample(5000, seed=0)


def test_what_leaves_its_type():
    net = net_of(lambda f: (f[:, 0], 60.0 * f[:, 1]), family="normal")
    with pytest.raises(ValueError, match=r"cannot be drawn: what the module of 'x' gives"):
        net.sample(5000, seed=0)
    states = net_of(lambda f: torch.where(f[:, :2] > 0, -torch.inf, 0.0), family="categorical", n_states=2)
    with pytest.raises(ValueError, match=r"row \d+ cannot be drawn: .* 'x' .* no distribution: logits \[-inf -inf\]"):
        states.sample(100, seed=0)


def test_memory(monkeypatch):
    sizes = []

    def hungry(f):
        sizes.append(len(f))
        if len(f) > 100:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 12345678 bytes.")
        return f[:, 0]

    net = net_of(hungry)
    monkeypatch.setattr("fastdgm.engines.torch.batches.MOST_ROWS", {"cpu": 640, "cuda": 640})
    x = net.sample(1000, seed=0)
    assert len(x) == 1000 and max(sizes) == 640 and 80 in sizes
    monkeypatch.setattr("fastdgm.engines.torch.batches.MOST_ROWS", {"cpu": 2048, "cuda": 2048})
    with pytest.raises(MemoryError, match=r"the module of 'x' does not fit .* 12345678 bytes"):
        net.sample(2000, seed=0)
