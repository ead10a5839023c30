"""Networks with torch modules on a GPU: rows and scores are the CPU's. In numba's simulator torch's CPU is the card."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")
from numba import config  # noqa: E402
from test_neural import CASES, case_net  # noqa: E402

pytestmark = pytest.mark.gpu

N, SEED, START = 9, 2**40 + 1, 2**32 - 4


def on_card(net):
    """Its modules moved to where kernels run."""
    for own in net.conditionals.values():
        if isinstance(own, fd.Neural) and not config.ENABLE_CUDASIM:
            own.module.to("cuda")
    return net


def assert_same_rows(net, found, expected):
    for name in net.names:
        close = {"rtol": 1e-4, "atol": 1e-5} if expected[name].dtype.kind == "f" else {"rtol": 0}
        np.testing.assert_allclose(np.asarray(found[name]), np.asarray(expected[name]), err_msg=name, **close)


@pytest.mark.parametrize("event_shape", [(), (3,)], ids=str)
@pytest.mark.parametrize("case", CASES)
def test_rows_and_scores_are_those_of_the_cpu(case, event_shape, monkeypatch):
    monkeypatch.setattr("fastdgm.engines.torch.batches.MOST_ROWS", {"cpu": 5, "cuda": 5})  # two batches
    monkeypatch.setattr("fastdgm.engines.torch.batches.FEWEST_ROWS", 1)
    net = case_net(case, event_shape)
    expected = net.sample(N, seed=SEED, start=START)
    log_prob, terms = net.log_prob(expected), net.log_prob(expected, per_variable=True)
    net = on_card(net)
    there = net.sample(N, seed=SEED, start=START, device="cuda")
    assert_same_rows(net, there.to("cpu"), expected)
    np.testing.assert_allclose(net.log_prob(there).copy_to_host(), log_prob, rtol=1e-4)
    found = net.log_prob(there, per_variable=True).copy_to_host()
    np.testing.assert_allclose(found, terms, rtol=1e-4, atol=1e-5)


def test_columns_one_by_one():
    class Both(torch.nn.Module):
        def forward(self, a, b):
            return a.to(b.dtype) * b

    net = fd.BayesNet(
        {
            "a": fd.Categorical([0.2, 0.3, 0.5]),
            "b": fd.Normal(0, 1),
            "x": fd.Neural(["a", "b"], Both(), family="bernoulli", separate=True),
        }
    )
    there = net.sample(N, seed=SEED, device="cuda")
    assert_same_rows(net, there.to("cpu"), net.sample(N, seed=SEED))


def test_modules_elsewhere_are_named():
    net = fd.BayesNet(
        {"a": fd.Bernoulli(0.3), "x": fd.Neural(["a"], torch.nn.Linear(2, 1), family="bernoulli", event_shape=1)}
    )
    net["x"].module.to("meta")
    with pytest.raises(ValueError, match=r"the module of 'x' is on meta, the rows are on .*\.to\("):
        net.sample(3, device="cuda")


@pytest.mark.parametrize("family", ["bernoulli", "normal"])
def test_parameters_that_are_none_are_refused_with_their_row(family):
    class Fails(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fails = False

        def forward(self, features):
            bad = self.fails * (features[:, 1] > 0) * float("nan")
            mean = torch.where(features[:, 1] > 0, bad, features[:, 0]) if self.fails else features[:, 0]
            return mean if family == "bernoulli" else (mean, 0 * mean)

    net = fd.BayesNet({"a": fd.Bernoulli(0.5), "x": fd.Neural(["a"], Fails(), family=family)})
    x = net.sample(N, seed=1, device="cuda")
    net["x"].module.fails = True
    row = int(np.flatnonzero(np.asarray(x.to("cpu")["a"]))[0])
    with pytest.raises(ValueError, match=f"'x'.*row {row}|row {row}.*'x'"):
        net.log_prob(x)
    with pytest.raises(ValueError, match=f"'x'.*row {row}|row {row}.*'x'"):
        net.sample(N, seed=1, device="cuda")
