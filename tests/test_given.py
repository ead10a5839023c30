"""Autoregressive models as conditionals of a network: drawn, scored, learnt, classified by Bayes' rule."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from masked_models import random_made

import fastdgm as fd
from fastdgm.engines.draw import Draw

pytestmark = pytest.mark.kernel

SHARES = np.array([0.2, 0.5, 0.3])


def label_net(seed=0, **options):
    """label -> x, and label -> other."""
    made = random_made(5, (16,), n_context=3, seed=seed, **options)
    other = fd.CPT(["label"], [[0.5, 0.5], [0.1, 0.9], [0.3, 0.7]])
    return made, fd.BayesNet({"label": fd.Categorical(SHARES), "x": made.given(["label"]), "other": other})


def every_row():
    return np.stack(np.meshgrid(*[[0, 1]] * 5), axis=-1).reshape(-1, 5)


def log_joint(net, made, x, other):
    """log P(label, x, other) of every label (n, 3)."""
    parts = [made.log_prob(x, context=np.eye(3)[k]) for k in range(3)]
    return np.stack(parts, axis=1) + np.log(net["label"].table) + np.log(net["other"].table[:, other]).T


def test_the_joint_distribution():
    made, net = label_net()
    rows = net.sample(400, seed=0)
    x, label, other = rows["x"], rows["label"], rows["other"]
    assert x.shape == (400, 5)
    assert x.dtype == np.uint8
    expected = log_joint(net, made, x, other)[np.arange(400), label]
    np.testing.assert_allclose(net.log_prob(rows), expected, rtol=1e-12)
    columns = {"label": label, "x": x.astype(bool), "other": other}
    np.testing.assert_allclose(net.log_prob(columns), expected, rtol=1e-12)
    terms = net.log_prob(rows, per_variable=True)
    np.testing.assert_allclose(terms[:, 1], made.log_prob(x, context=np.eye(3)[label]), rtol=1e-12)
    assert net.n_parameters == 2 + made.n_parameters + 3
    assert repr(net["x"]).startswith("MADE(n_vars=5")
    assert ".given(['label'])" in repr(net["x"])
    digits = net.sample(300, given={"label": 2}, seed=0)
    assert (digits["label"] == 2).all()
    expected = np.exp(made.log_prob(every_row(), context=np.eye(3)[2])) @ every_row()
    np.testing.assert_allclose(digits["x"].mean(axis=0), expected, atol=0.1)


def test_rows_come_from_words_of_their_own_in_any_batch():
    made, net = label_net()
    rows = net.sample(300, seed=4)
    assert (net.sample(20, seed=4, start=130)["x"] == rows["x"][130:150]).all()
    context = np.eye(3, dtype=made.dtype)[rows["label"]]
    engine = next(own.engine for own in net._program.segments if type(own.engine).__name__ == "AutoregressiveEngine")
    first = engine._words[1]
    assert first % 4 == 0 < first
    assert engine.n_words >= 5
    drawn = made._sample(Draw(300, 4, context=context, first_word=first)).values
    assert (drawn == rows["x"]).all()
    root = fd.MADE(6, (4,))
    twins = fd.BayesNet({"a": root.given([]), "b": root.given([])}).sample(200, seed=0)
    assert (twins["a"] == root.sample(200, seed=0)).all()
    assert (twins["a"] != twins["b"]).any()


@pytest.mark.parametrize("options", [{"head": "normal"}, {"n_states": 4}, {"head": "mixture", "n_components": 2}])
@pytest.mark.parametrize("first_word", [8])
def test_words_from_a_place_of_their_own(options, first_word):
    made = random_made(5, (8,), scale=0.5, **options)
    words = made.uniforms_per_variable
    shifted = made._sample(Draw(30, 3, first_word=first_word)).values
    longer = random_made(5 + first_word // words, (8,), **options)  # only to count words
    assert longer.words_per_row == 5 * words + first_word
    from reference_ar import uniforms

    own = uniforms(3, 0, 30, 5 * words + first_word, np.float64)[:, first_word:].reshape(30, 5, words)
    np.testing.assert_allclose(
        made.sample(30, uniforms=own if words == 2 else own[:, :, 0]), shifted, rtol=2e-3, atol=2e-3
    )
    few = made._sample(Draw(2, 3, first_word=first_word)).values
    assert (few == shifted[:2]).all()


def test_bayes_rule_classifies():
    made, net = label_net()
    rows = net.sample(300, seed=1)
    x, other = rows["x"], rows["other"]
    joint = np.exp(log_joint(net, made, x, other))
    expected = joint / joint.sum(axis=1, keepdims=True)
    found = net.predict_proba({"x": x, "other": other}, "label")
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert (net.predict({"x": x, "other": other}, "label") == expected.argmax(axis=1)).all()


def test_parents_of_every_kind():
    made = fd.MADE(3, (8,), head="normal", n_context=2 + 1 + 2 + 2, dtype=np.float64)
    net = fd.BayesNet(
        {
            "k": fd.Categorical([0.5, 0.5]),
            "u": fd.Normal(0.0, 1.0),
            "v": fd.MultivariateNormal([0.0, 1.0], np.eye(2)),
            "b": fd.MADE(2, (4,)).given([]),
            "x": made.given(["k", "u", "v", "b"]),
        }
    )
    rows = net.sample(50, seed=0, dtype=np.float64)
    assert rows["x"].shape == (50, 3)
    assert rows["x"].dtype == np.float64
    context = np.column_stack([np.eye(2)[rows["k"]], rows["u"], rows["v"], rows["b"]])
    term = net.log_prob(rows, per_variable=True)[:, 4]
    np.testing.assert_allclose(term, made.log_prob(rows["x"], context=context), rtol=1e-12)


def class_rows(n, seed=0):
    random = np.random.default_rng(seed)
    label = random.integers(0, 3, n)
    return label, (random.random((n, 5)) < np.array([0.1, 0.5, 0.9])[label][:, np.newaxis]).astype(int)


def test_fit_learns_label_and_rows():
    (label, x), (other_label, other_x) = class_rows(2000), class_rows(300, 1)
    made = fd.MADE(5, (24,), n_context=3)
    net = fd.BayesNet({"label": fd.Categorical(SHARES), "x": made.given(["label"])})
    valid = {"label": other_label, "x": other_x}
    before = net.log_prob(valid).mean()
    net.fit({"label": label, "x": x}, valid=valid, epochs=6, learning_rate=0.02, seed=0, progress=False)
    assert net["x"].model is made
    assert len(made.history) == len(net.history) == 6
    assert net.log_prob(valid).mean() > before + 0.4
    np.testing.assert_allclose(net["label"].table, (np.bincount(label) + 1) / 2003, rtol=1e-12)
    alone = fd.MADE(5, (24,), n_context=3)
    contexts = {"context": np.eye(3)[label], "valid_context": np.eye(3)[other_label]}
    alone.fit(x, other_x, epochs=6, learning_rate=0.02, progress=False, **contexts)
    assert (alone.log_prob(x, context=np.eye(3)[label]) == made.log_prob(x, context=np.eye(3)[label])).all()
    accuracy = (net.predict({"x": other_x}, "label") == other_label).mean()
    assert accuracy > 0.6


def test_nothing_changes_where_fit_fails():
    label, x = class_rows(50)
    made = fd.MADE(5, (8,), n_context=3)
    net = fd.BayesNet({"label": fd.Categorical(SHARES), "x": made.given(["label"])})
    before = made.log_prob(x, context=np.eye(3)[label])
    for options, error, text in (
        ({"sample_weight": np.arange(50.0)}, ValueError, "MADE of 'x' learns from rows that"),
        ({"n_particles": 2}, TypeError, "n_particles= is about"),
        ({"learning_rate": 1e30, "epochs": 3, "progress": False}, ValueError, "the MADE of 'x'"),
    ):
        with pytest.raises(error, match=text):
            net.fit({"label": label, "x": x}, **options)
    with pytest.raises(TypeError, match="partial_fit cannot learn 'x'"):
        net.partial_fit({"label": label, "x": x})
    assert (made.log_prob(x, context=np.eye(3)[label]) == before).all()
    assert (net["label"].table == SHARES).all()


def test_files_and_copies(tmp_path):
    _, net = label_net()
    rows = net.sample(100, seed=0)
    fd.write(net, tmp_path / "net.safetensors")
    for other in (fd.read(tmp_path / "net.safetensors"), pickle.loads(pickle.dumps(net))):
        assert (other.log_prob(rows) == net.log_prob(rows)).all()
        assert (other.sample(50, seed=2)["x"] == net.sample(50, seed=2)["x"]).all()


BAD = {
    "too many numbers": (
        lambda: fd.BayesNet({"a": fd.Categorical([0.5, 0.5]), "x": fd.MADE(3, n_context=3).given(["a"])}),
        r"'x' are 2 numbers \('a' 2\), its MADE takes 3: make it with n_context=2",
    ),
    "no parents": (lambda: fd.MADE(3, n_context=3).given([]), "takes a context of 3 numbers"),
    "no context": (lambda: fd.MADE(3).given(["a"]), "takes no context"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit(name):
    call, text = BAD[name]
    with pytest.raises(ValueError, match=text):
        call()


def test_a_module_as_conditional():
    torch = pytest.importorskip("torch")

    class Sum(torch.nn.Module):
        def forward(self, codes, context):
            before = torch.nn.functional.pad(codes[:, :-1].float().cumsum(1), (1, 0))
            return before - 1.0 + context[:, :1]

        def init_state(self, n, context):
            return torch.zeros(n), context

        def step(self, state, previous):
            total, context = state
            total = total if previous is None else total + previous
            return total - 1.0 + context[:, 0], (total, context)

    model = fd.Autoregressive(Sum(), 4, 2, n_context=2)
    net = fd.BayesNet({"a": fd.Categorical([0.5, 0.5]), "x": model.given(["a"])})
    rows = net.sample(60, seed=0)
    assert (net.sample(10, seed=0, start=20)["x"] == rows["x"][20:30]).all()
    expected = np.log(0.5) + model.log_prob(rows["x"], context=np.eye(2)[rows["a"]])
    np.testing.assert_allclose(net.log_prob(rows), expected, rtol=1e-6)


def test_a_missing_label_is_summed_out():
    net = fd.BayesNet({"a": fd.Categorical([0.2, 0.3, 0.5]), "x": fd.MADE(4, (5,), n_context=3, seed=1).given(["a"])})
    rows = net.sample(20, seed=0)
    each = [net.log_prob({"a": np.full(20, k), "x": rows["x"]}) for k in range(3)]
    np.testing.assert_allclose(net.log_prob({"x": rows["x"]}), np.logaddexp.reduce(each), rtol=1e-9)
    some = np.where(np.arange(20) < 10, rows["a"].astype(int), -1)
    found = net.log_prob({"a": some, "x": rows["x"]})
    np.testing.assert_allclose(found[10:], np.logaddexp.reduce(each)[10:], rtol=1e-9)
    np.testing.assert_allclose(found[:10], net.log_prob(rows)[:10], rtol=1e-9)


@pytest.mark.slow
def test_torch_stays_out():
    code = (
        "import sys, fastdgm as fd\n"
        "net = fd.BayesNet({'a': fd.Categorical([0.5, 0.5]), 'x': fd.MADE(3, (4,), n_context=2).given(['a'])})\n"
        "net.log_prob(net.sample(5, seed=0)); assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_class_beside_a_parent_that_is_known_in_part():
    net = fd.BayesNet(
        {
            "t": fd.Bernoulli(0.4),
            "s": fd.Bernoulli(0.5),
            "r": fd.Normal(0, 1),
            "v": random_made(3, (8,), n_context=2, seed=0).given(["s"]),
            "y": random_made(2, (8,), n_context=5, seed=1).given(["v", "t"]),
        }
    )
    rows = dict(net.sample(3, seed=0).items())
    in_part = np.array(rows["v"], np.int64)
    in_part[1, 0] = -1
    for ask in (net.log_prob, lambda data: net.predict_proba(data, "t")):
        ask(rows)
        with pytest.raises(ValueError, match="'v' is known in part, a vector of discrete variables, and 'y' depends"):
            ask({**rows, "v": in_part})
