"""Neural conditionals in networks: densities are torch.distributions', draws have them, rows depend on nothing else."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")
from torch import distributions, nn  # noqa: E402


class Parts(nn.Module):
    """A perceptron of several heads, each reshaped to a part."""

    def __init__(self, n_inputs, *shapes, hidden=8):
        super().__init__()
        self.shapes = shapes
        self.body = nn.Sequential(nn.Linear(n_inputs, hidden), nn.Tanh())
        self.heads = nn.ModuleList(nn.Linear(hidden, int(np.prod(shape))) for shape in shapes)

    def forward(self, features):
        hidden = self.body(features)
        parts = [head(hidden).reshape(-1, *shape) for head, shape in zip(self.heads, self.shapes, strict=True)]
        return parts[0] if len(parts) == 1 else tuple(parts)


def seeded(make):
    torch.manual_seed(0)
    return make()


CASES = {
    "bernoulli": {"family": "bernoulli"},
    "categorical": {"family": "categorical", "n_states": 3},
    "normal": {"family": "normal"},
    "fixed": {"family": "normal", "std": 0.5},
    "mixture": {"family": "mixture"},
}


def shapes_of(case, event_shape):
    parts = {"bernoulli": 1, "categorical": 1, "normal": 2, "fixed": 1, "mixture": 3}[case]
    last = {"categorical": (3,), "mixture": (4,)}.get(case, ())
    return [(*event_shape, *last)] * parts


def distribution(case, outputs):
    parts = [part.double() for part in (outputs if isinstance(outputs, tuple) else (outputs,))]
    if case == "bernoulli":
        return distributions.Bernoulli(logits=parts[0])
    if case == "categorical":
        return distributions.Categorical(logits=parts[0])
    if case == "fixed":
        return distributions.Normal(parts[0], 0.5)
    if case == "normal":
        return distributions.Normal(parts[0], parts[1].exp())
    components = distributions.Normal(parts[1], parts[2].exp())
    return distributions.MixtureSameFamily(distributions.Categorical(logits=parts[0]), components)


def case_net(case, event_shape, dtype=torch.float32):
    """A child of two states, a real number and a vector: 3 + 1 + 2 features."""
    module = seeded(lambda: Parts(6, *shapes_of(case, event_shape))).to(dtype)
    return fd.BayesNet(
        {
            "a": fd.Categorical([0.2, 0.3, 0.5]),
            "b": fd.Normal(0, 1),
            "c": fd.MultivariateNormal.standard(2),
            "x": fd.Neural(["a", "b", "c"], module, event_shape=event_shape, **CASES[case]),
        }
    )


def features_of(x, dtype):
    one_hot = np.eye(3)[np.asarray(x["a"])]
    return torch.tensor(np.column_stack([one_hot, x["b"], x["c"]])).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("event_shape", [(), (2, 3)])
@pytest.mark.parametrize("case", CASES)
def test_log_prob_is_torchs(case, event_shape, dtype):
    net = case_net(case, event_shape, dtype)
    x = net.sample(50, seed=1, dtype=np.float64 if dtype == torch.float64 else np.float32)
    assert x["x"].shape == (50, *event_shape)
    with torch.no_grad():
        own = distribution(case, net["x"].module(features_of(x, dtype)))
        expected = own.log_prob(torch.tensor(np.asarray(x["x"])).double()).reshape(50, -1).sum(1).numpy()
    terms = net.log_prob(x, per_variable=True)
    tolerance = 1e-10 if dtype == torch.float64 else 1e-4
    np.testing.assert_allclose(terms[:, 3], expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(net.log_prob(x), terms.sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_draws_have_the_distribution(case):
    """Rows of one parent value: the network's other variables are fixed by tables with one state."""
    module = seeded(lambda: Parts(1, *shapes_of(case, (2,))))
    net = fd.BayesNet({"a": fd.Categorical([1.0]), "x": fd.Neural(["a"], module, event_shape=(2,), **CASES[case])})
    n = 20_000
    x = np.asarray(net.sample(n, seed=2)["x"])
    with torch.no_grad():
        own = distribution(case, module(torch.ones(1, 1)))
    for cell in range(2):
        if net["x"].states is None:
            ordered = np.sort(x[:, cell])
            reached = own.cdf(torch.tensor(ordered)[:, None].expand(-1, 2).double())[:, cell].numpy()
            steps = np.arange(n + 1) / n
            distance = max(np.abs(reached - steps[1:]).max(), np.abs(reached - steps[:-1]).max())
            assert distance < 1.95 / np.sqrt(n)  # Kolmogorov and Smirnov, at 0.1 %
        else:
            p = own.probs[0, cell].numpy()
            p = np.array([1 - p, p]) if case == "bernoulli" else p / p.sum()
            counts = np.bincount(x[:, cell].astype(int), minlength=len(p))
            assert ((counts - n * p) ** 2 / (n * p)).sum() < {2: 10.83, 3: 13.82}[len(p)]  # chi-square, at 0.1 %
    assert abs(np.corrcoef(x[:, 0].astype(float), x[:, 1].astype(float))[0, 1]) < 0.03


# Rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_rows_do_not_depend_on_chunks_or_threads(case, monkeypatch):
    net = case_net(case, (5,))
    whole = net.sample(3000, seed=3, start=2**32 - 1000)
    for chunk, threads in ((100, 1), (1000, 2), (3000, 2)):
        with fd.num_threads(threads):
            parts = [
                net.sample(min(chunk, 3000 - begin), seed=3, start=2**32 - 1000 + begin)
                for begin in range(0, 3000, chunk)
            ]
        for name in net.names:
            found = np.concatenate([part[name] for part in parts])
            if net[name].variable.__class__.__name__ == "Discrete":
                assert (found != whole[name]).mean() < 1e-4
            else:
                np.testing.assert_allclose(found, whole[name], rtol=1e-5, atol=1e-5)
    monkeypatch.setattr("fastdgm.engines.torch.batches.MOST_ROWS", {"cpu": 64, "cuda": 64})
    np.testing.assert_allclose(net.log_prob(whole), case_net(case, (5,)).log_prob(whole), rtol=1e-5, atol=1e-4)


def test_neural_variables_between_others():
    """A table below a neural variable, which is below a table; a neural variable below that."""
    first, second = seeded(lambda: (Parts(2, (3,)), Parts(2, (), ())))
    net = fd.BayesNet(
        {
            "a": fd.Bernoulli(0.3),
            "b": fd.Neural(["a"], first, family="categorical", n_states=3),
            "c": fd.CPT(["b"], [[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]]),
            "y": fd.Neural(["c"], second, family="normal"),
            "z": fd.LinearGaussian(["y"], 0.0, [2.0], 1.0),
        }
    )
    x = net.sample(4000, seed=0)
    assert abs(np.cov(x["z"], x["y"])[0, 1] / np.var(x["y"]) - 2) < 0.3
    assert np.isfinite(net.log_prob(x)).all()
    assert len(net.sample(0, seed=0)) == 0 and net.log_prob(x[:0]).shape == (0,)


def test_tables_and_a_neural_variable_equal_a_table():
    """P(b | a) by a module, b hidden or not, its child observed: the same network in tables is the oracle."""
    module = seeded(lambda: Parts(2, (3,)))
    with torch.no_grad():
        table = torch.softmax(module(torch.eye(2)).double(), -1).numpy()
    below = fd.CPT(["b"], [[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    neural = fd.Neural(["a"], module, family="categorical", n_states=3)
    net = fd.BayesNet({"a": fd.Bernoulli(0.3), "b": neural, "c": below})
    tables = fd.BayesNet({"a": fd.Bernoulli(0.3), "b": fd.CPT(["a"], table), "c": below})
    x = tables.sample(200, seed=0)
    np.testing.assert_allclose(net.log_prob(x), tables.log_prob(x), rtol=1e-5)
    codes = np.asarray(x)
    for hidden in ("a", "b", "c"):
        rest = {name: codes[:, i] for i, name in enumerate(net.names) if name != hidden}
        np.testing.assert_allclose(
            net.predict_proba(rest, hidden), tables.predict_proba(rest, hidden), rtol=1e-4, atol=1e-6
        )


def test_states_of_a_neural_variable_are_one_call():
    calls = []
    module = seeded(lambda: Parts(1, (4,)))
    module.register_forward_hook(lambda *_: calls.append(1))
    net = fd.BayesNet({"y": fd.Normal(0, 1), "x": fd.Neural(["y"], module, family="categorical", n_states=4)})
    x = net.sample(30, seed=0)
    calls.clear()
    found = net.predict_proba({"y": x["y"]}, "x")
    assert len(calls) == 1
    with torch.no_grad():
        np.testing.assert_allclose(found, torch.softmax(module(torch.tensor(x["y"])[:, None]), -1), rtol=1e-5)


# Parents ----------------------------------------------------------------------------------------------------------


class Seen(nn.Module):
    """Keeps what it was called with."""

    def forward(self, *inputs):
        self.inputs = inputs
        return inputs[0].new_zeros(len(inputs[0]), dtype=torch.float32)


class Reshaped(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.shape = shape
        self.numbers = nn.Parameter(torch.zeros(shape))

    def forward(self, features):
        return self.numbers.expand(len(features), *self.shape)


def test_features_are_concatenated():
    bits, digits, own = Reshaped(2, 2), Reshaped(2, 3), Seen()
    parts = {
        "a": fd.Bernoulli(0.5),
        "k": fd.Categorical([0.2, 0.3, 0.5]),
        "v": fd.Neural([], bits, family="bernoulli", event_shape=(2, 2)),
        "w": fd.Neural([], digits, family="categorical", event_shape=(2,), n_states=3),
        "r": fd.Normal(0, 1),
    }
    net = fd.BayesNet({**parts, "x": fd.Neural(list(parts), own, family="bernoulli")})
    x = net.sample(6, seed=0)
    (features,) = own.inputs
    eye = np.eye(3)
    expected = np.column_stack(
        [
            np.eye(2)[np.asarray(x["a"]).astype(int)],
            eye[x["k"]],
            x["v"].reshape(6, 4),
            eye[x["w"]].reshape(6, 6),
            x["r"],
        ]
    )
    assert features.dtype == torch.float32
    np.testing.assert_array_equal(features.numpy(), expected.astype(np.float32))
    apart = fd.BayesNet({**parts, "x": fd.Neural(list(parts), own, family="bernoulli", separate=True)})
    apart.sample(6, seed=0)
    a, k, v, w, r = own.inputs
    assert [tuple(one.shape) for one in own.inputs] == [(6,), (6,), (6, 2, 2), (6, 2), (6,)]
    assert [one.dtype for one in own.inputs] == [torch.int64] * 4 + [torch.float32]
    np.testing.assert_array_equal(w.numpy(), x["w"])
    assert (a.numpy() == np.asarray(x["a"]).astype(int)).all() and v.max() <= 1 and k.max() <= 2 and len(r) == 6


def test_a_module_may_write_into_its_features():
    module = nn.Sequential(nn.ReLU(inplace=True), nn.Flatten(0))
    net = fd.BayesNet({"y": fd.Normal(0, 1), "x": fd.Neural(["y"], module, family="normal", std=1.0)})
    x = net.sample(100, seed=0)
    y = x["y"].copy()
    net.log_prob(x)
    assert (x["y"] == y).all() and (y < 0).any()


# Modules ----------------------------------------------------------------------------------------------------------


def test_modules_stay_as_they_are():
    module = seeded(
        lambda: nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1), nn.Flatten(0))
    )
    module[2].eval()
    before = {name: own.clone() for name, own in module.state_dict().items()}
    random = torch.random.get_rng_state()
    net = fd.BayesNet({"y": fd.Normal(0, 1), "x": fd.Neural(["y"], module, family="bernoulli")})
    x = net.sample(300, seed=0)
    assert (net.log_prob(x) == net.log_prob(x)).all()
    assert (torch.random.get_rng_state() == random).all()
    assert all((own == before[name]).all() for name, own in module.state_dict().items())
    assert module.training and module[1].training and not module[2].training
    assert all(own.requires_grad and own.grad is None for own in module.parameters())


def test_tied_modules_count_once():
    module = seeded(lambda: Parts(1, ()))
    y = fd.Normal(0, 1)
    both = {name: fd.Neural(["y"], module, family="bernoulli") for name in ("a", "b")}
    net = fd.BayesNet({"y": y, **both})
    assert net["a"].n_parameters == sum(own.numel() for own in module.parameters())
    assert net.n_parameters == y.n_parameters + net["a"].n_parameters
    other = seeded(lambda: Parts(1, (), ()))
    other.body = module.body
    tied = fd.BayesNet({"y": y, "a": both["a"], "c": fd.Neural(["y"], other, family="normal")})
    own = sum(one.numel() for one in {*module.parameters(), *other.parameters()})
    assert tied.n_parameters == y.n_parameters + own
    coin = fd.Bernoulli(0.5)
    assert fd.BayesNet({"u": coin, "v": coin}).n_parameters == 2


def test_half_precision_and_double():
    for dtype in (torch.bfloat16, torch.float64):
        net = case_net("bernoulli", (3,), dtype)
        x = net.sample(20, seed=0)
        with torch.no_grad():
            own = distribution("bernoulli", net["x"].module(features_of(x, dtype)))
            expected = own.log_prob(torch.tensor(x["x"]).double()).sum(1).numpy()
        np.testing.assert_allclose(net.log_prob(x, per_variable=True)[:, 3], expected, rtol=0.02, atol=0.02)


def test_equality_copies_and_pickles():
    module = seeded(lambda: Parts(1, ()))
    own = fd.Neural(["y"], module, family="bernoulli")
    assert own == fd.Neural(["y"], module, family="bernoulli") and hash(own) == hash(copy.copy(own))
    assert own != fd.Neural(["y"], module, family="normal", std=1.0) and own != fd.Neural(
        ["y"], seeded(lambda: Parts(1, ())), family="bernoulli"
    )
    net = fd.BayesNet({"y": fd.Normal(0, 1), "x": own})
    x = net.sample(20, seed=0)
    for other in (copy.deepcopy(net["x"]), pickle.loads(pickle.dumps(net["x"]))):
        assert other.module is not module and repr(other) == repr(net["x"])
        same = fd.BayesNet({"y": fd.Normal(0, 1), "x": other})
        assert (same.log_prob(x) == net.log_prob(x)).all()
    assert copy.copy(net["x"]).module is module
    assert fd.BayesNet(net.conditionals)["x"] is net["x"]  # it is tried out once


def test_threads_share_a_module():
    net = case_net("bernoulli", (20,))
    expected = net.sample(2000, seed=0)
    net["x"].module.train()
    found = []
    threads = [threading.Thread(target=lambda: found.append(net.sample(2000, seed=0))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4 and all((one["x"] == expected["x"]).all() for one in found)
    assert net["x"].module.training


@pytest.mark.slow
def test_networks_without_neural_variables_do_without_torch():
    code = (
        "import sys, fastdgm as fd; "
        "net = fd.BayesNet({'a': fd.Bernoulli(0.2), 'b': fd.CPT(['a'], [[.5, .5], [.1, .9]]),"
        "'y': fd.Normal(0, 1)}); x = net.sample(10, seed=0); net.log_prob(x); net.log_prob(x, per_variable=True); "
        "net.n_parameters; repr(net); net.fit(x); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
