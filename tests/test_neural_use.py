"""Networks with modules in use: copied after training, guides of any make."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")
nn = torch.nn


class OneStd(nn.Module):
    """A mean by row, and log standard deviations that are the same in all rows."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.log_std = nn.Linear(3, 2), nn.Parameter(torch.zeros(2))

    def forward(self, x):
        mean = self.mean(x)
        return mean, self.log_std.expand_as(mean)


def test_copies_after_training():
    torch.manual_seed(0)
    module = nn.Linear(1, 2)
    net = fd.BayesNet({"a": fd.Normal(0, 1), "y": fd.Neural(["a"], module, family="categorical", n_states=2)})
    rows = {"a": np.arange(50.0), "y": np.arange(50) % 2}
    net.fit(rows, epochs=1, seed=0, progress=False)
    for other in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        np.testing.assert_array_equal(other.log_prob(rows), net.log_prob(rows))


def test_a_guide_whose_std_is_a_parameter():
    torch.manual_seed(0)
    decoder = fd.Neural(["z"], nn.Linear(2, 3), family="normal", event_shape=(3,), std=0.5)
    encoder = OneStd()
    guide = {"z": fd.Neural(["x"], encoder, family="normal", event_shape=(2,))}
    net = fd.BayesNet({"z": fd.MultivariateNormal.standard(2), "x": decoder}).guided(guide)
    rows = net.sample(4, seed=0)["x"]
    np.testing.assert_allclose(net.encode({"x": rows}), encoder.mean(torch.tensor(rows)).detach(), rtol=1e-6)
    assert np.isfinite(net.log_prob({"x": rows}, n_importance=50, seed=0)).all()


class FarOut(nn.Module):
    """Normals around 1000 that are narrower than float32 tells apart there."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 2)

    def forward(self, a):
        mean, log_std = self.linear(a).unbind(1)
        return mean + 1000.0, log_std - 6.0


def test_gradients_do_not_narrow_the_data():
    torch.manual_seed(0)
    net = fd.BayesNet({"a": fd.Normal(0, 1), "x": fd.Neural(["a"], FarOut(), family="normal")})
    rows = net.sample(200, seed=0, dtype=np.float64)
    tensors = {name: torch.tensor(rows[name], requires_grad=True) for name in net.names}
    np.testing.assert_allclose(net.log_prob(tensors).detach(), net.log_prob(rows), rtol=1e-5)


class Late(fd.Exponential):
    """A kind of one's own goes with its class."""


def test_subclasses_of_roots_have_gradients():
    net = fd.BayesNet({"t": Late(2.0)})
    t = torch.tensor([0.5, 1.0], dtype=torch.float64, requires_grad=True)
    found = net.log_prob({"t": t})
    np.testing.assert_allclose(found.detach(), net.log_prob({"t": [0.5, 1.0]}))
    found.sum().backward()
    assert t.grad.tolist() == [-2.0, -2.0]
