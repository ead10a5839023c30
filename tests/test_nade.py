"""NADE against its NumPy oracle, and the mathematics every autoregressive model obeys."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import reference_nade as reference

from fastdgm.autoregressive.nade import NADE
from fastdgm.engines.nade import run
from fastdgm.errors import MissingValuesError

TYPES = [np.float32, np.float64]
KINDS = ["sigmoid", "relu"]


def random_nade(n_vars=10, hidden=7, *, scale=1.0, seed=0, **options):
    """A model of random weights of about ``scale``, in a random order."""
    model = NADE(n_vars, hidden, order="random", seed=seed, **options)
    random = np.random.default_rng(seed)
    weights = {name: scale * random.normal(size=own.shape) for name, own in model.parameters.items()}
    return NADE.from_parameters(
        **{name: own.astype(model.dtype) for name, own in weights.items()},
        activation=model.activation,
        order=model.order,
    )


def plain(model):
    return reference.Plain(**model.parameters, order=model.order, activation=model.activation)


def tolerance(model, double, single):
    return double if model.dtype == np.float64 else single


# --- log_prob ---


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("activation", KINDS)
def test_log_prob_is_that_of_the_oracle_and_sums_to_one(dtype, activation):
    model = random_nade(dtype=dtype, activation=activation)
    x = reference.all_rows(10)
    log_prob, terms = model.log_prob(x), model.log_prob(x, per_variable=True)
    close = {"rtol": tolerance(model, 1e-12, 1e-5), "atol": tolerance(model, 1e-12, 1e-5)}
    np.testing.assert_allclose(log_prob, reference.log_prob(plain(model), x), **close)
    np.testing.assert_allclose(terms, reference.terms(plain(model), x), **close)
    np.testing.assert_allclose(terms.sum(axis=1), log_prob, rtol=1e-12)
    assert np.exp(log_prob).sum() == pytest.approx(1.0, abs=tolerance(model, 1e-12, 1e-6))


@pytest.mark.parametrize("hidden", [1, 64, 65, 200])
def test_any_number_of_hidden_units(hidden):
    model = random_nade(20, hidden, dtype=np.float64)
    x = model.sample(50, seed=0)
    np.testing.assert_allclose(model.log_prob(x), reference.log_prob(plain(model), x), rtol=1e-12)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("part", ["W", "c"])
def test_pre_activations_beyond_the_range_of_their_exponentials(dtype, part):
    model = random_nade(dtype=dtype)
    weights = dict(model.parameters)
    weights[part] = weights[part] * dtype(2000.0)
    model = NADE.from_parameters(**weights, order=model.order)
    x = reference.all_rows(10)
    np.testing.assert_allclose(
        model.log_prob(x), reference.log_prob(plain(model), x), rtol=tolerance(model, 1e-11, 1e-4)
    )
    _, gradients, _ = model.gradients(x, np.ones(len(x)))
    assert all(np.isfinite(gradient).all() for gradient in gradients.values())


@pytest.mark.parametrize("dtype", TYPES)
def test_rows_do_not_depend_on_their_batch_or_on_threads(dtype, monkeypatch):
    model = random_nade(60, 100, dtype=dtype)
    monkeypatch.setattr(run, "work_per_row", lambda plan: 1e9)  # pieces of a few rows
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "1")
    x, log_prob = model.sample(101, seed=3, return_log_prob=True)
    assert (log_prob == model.log_prob(x)).all()
    assert (model.log_prob(x[40:]) == log_prob[40:]).all()
    assert [model.log_prob(row)[0] for row in x] == log_prob.tolist()
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "3")
    assert (model.sample(101, seed=3) == x).all()
    assert (model.log_prob(x) == log_prob).all()
    split = [model.sample(n, seed=3, start=start) for start, n in ((0, 1), (1, 63), (64, 37))]
    assert (np.concatenate(split) == x).all()


# --- sample ---


@pytest.mark.parametrize("activation", KINDS)
def test_float64_samples_are_those_of_the_naive_method(activation):
    model = random_nade(12, 9, activation=activation, dtype=np.float64)
    uniforms = np.random.default_rng(1).random((500, 12))
    assert (model.sample(500, uniforms=uniforms) == reference.sample(plain(model), uniforms)).all()


def test_float32_samples_differ_only_where_a_uniform_is_close_to_its_threshold():
    model = random_nade(40, 30)
    uniforms = np.random.default_rng(2).random((2000, 40), dtype=np.float32)
    x = model.sample(2000, uniforms=uniforms)
    expected = reference.sample(plain(model), uniforms)
    probabilities = reference.sigmoid(reference.logits(plain(model), expected))
    for row in np.flatnonzero((x != expected).any(axis=1)):
        first = int(np.argmax((x != expected)[row, model.order]))
        assert abs(uniforms[row, first] - probabilities[row, model.order[first]]) < 1e-5


@pytest.mark.parametrize("dtype", TYPES)
def test_sample_frequencies(dtype):
    model = random_nade(4, 5, dtype=dtype)
    n = 20_000
    cells = model.sample(n, seed=5) @ (1 << np.arange(4))
    expected = n * np.exp(reference.log_prob(plain(model), reference.all_rows(4)))
    assert ((np.bincount(cells, minlength=16) - expected) ** 2 / expected).sum() < 37.7  # p = 0.001 at 15 degrees


@pytest.mark.parametrize("dtype", TYPES)
def test_completions_keep_the_prefix_and_follow_the_conditional(dtype):
    model = random_nade(5, 5, dtype=dtype)
    rows = reference.all_rows(5)
    p = np.exp(reference.log_prob(plain(model), rows))
    prefix = np.array([[1, 0], [0, 1]])
    x = model.sample(prefix=prefix, n_per_row=10_000, seed=6)
    assert (x[:, model.order[:2]] == np.repeat(prefix, 10_000, axis=0)).all()
    for given, own in zip(prefix, np.split(x, 2), strict=True):
        expected = np.where((rows[:, model.order[:2]] == given).all(axis=1), p, 0.0)
        expected *= 10_000 / expected.sum()
        counts = np.bincount(own @ (1 << np.arange(5)), minlength=32)
        possible = expected > 0
        assert (counts[~possible] == 0).all()
        assert ((counts - expected)[possible] ** 2 / expected[possible]).sum() < 24.4  # p = 0.001 at 7 degrees


def test_log_prob_of_completions_counts_the_prefix_too():
    model = random_nade(12, 6)
    prefix = model.sample(30, seed=0)[:, model.order[:5]]
    x, log_prob = model.sample(prefix=prefix, seed=1, return_log_prob=True)
    assert (x == model.sample(prefix=prefix, seed=1)).all()
    assert (log_prob == model.log_prob(x)).all()
    whole = model.sample(prefix=x[:, model.order], seed=2)
    assert (whole == x).all()
    assert (model.sample(prefix=np.empty((30, 0), np.uint8), seed=3) == model.sample(30, seed=3)).all()


def test_temperature():
    model = random_nade(6, 5, dtype=np.float64)
    uniforms = np.random.default_rng(0).random((300, 6))
    x, log_prob, sampling = model.sample(300, temperature=2.0, uniforms=uniforms, return_log_prob=True)
    half = plain(model)._replace(V=model.parameters["V"] / 2, b=model.parameters["b"] / 2)
    assert (x == reference.sample(half, uniforms)).all()
    np.testing.assert_allclose(log_prob, reference.log_prob(plain(model), x), rtol=1e-12)
    np.testing.assert_allclose(sampling, reference.log_prob(half, x), rtol=1e-12)


def test_top_k_and_top_p():
    model = random_nade(6, 5, dtype=np.float64)
    greedy, _, sampling = model.sample(5, top_k=1, seed=0, return_log_prob=True)
    assert (greedy == greedy[0]).all()
    assert (sampling == 0.0).all()
    z = reference.logits(plain(model), greedy)
    assert (greedy == (z > 0)).all()
    assert (model.sample(50, top_k=2, seed=1) == model.sample(50, seed=1)).all()
    assert (model.sample(50, top_p=1.0, seed=1) == model.sample(50, seed=1)).all()
    x, _, sampling = model.sample(500, top_p=0.8, seed=2, return_log_prob=True)
    p = reference.sigmoid(reference.logits(plain(model), x))
    sure = np.maximum(p, 1 - p) >= 0.8
    assert (x[sure] == (p > 0.5)[sure]).all()
    terms = np.where(sure, 0.0, np.log(np.where(x == 1, p, 1 - p)))
    np.testing.assert_allclose(sampling, terms.sum(axis=1), rtol=1e-12, atol=1e-12)


def test_ties_go_to_the_lower_state():
    zeros = np.zeros((3, 2))
    model = NADE.from_parameters(zeros, zeros, zeros[:, 0], zeros[0])
    assert (model.sample(20, top_k=1, seed=0) == 0).all()


# --- gradients and fitting ---


@pytest.mark.parametrize("activation", KINDS)
def test_gradients_are_those_of_finite_differences(activation):
    model = random_nade(6, 4, activation=activation, dtype=np.float64)
    random = np.random.default_rng(3)
    x, weights = random.integers(0, 2, (60, 6), np.uint8), random.normal(size=60)
    log_prob, gradients, dx = model.gradients(x, weights)
    assert dx is None
    np.testing.assert_allclose(log_prob, reference.log_prob(plain(model), x), rtol=1e-12)
    for name, gradient in gradients.items():
        for index in np.ndindex(gradient.shape):
            sums = []
            for step in (1e-5, -1e-5):
                moved = {key: array.copy() for key, array in model.parameters.items()}
                moved[name][index] += step
                sums.append(weights @ reference.log_prob(plain(model)._replace(**moved), x))
            assert gradient[index] == pytest.approx((sums[0] - sums[1]) / 2e-5, rel=1e-6, abs=1e-7)


def test_gradients_do_not_depend_on_threads(monkeypatch):
    model = random_nade(30, 20)
    x = model.sample(300, seed=0)
    results = []
    for threads in ("1", "3"):
        monkeypatch.setenv("FASTDGM_NUM_THREADS", threads)
        results.append(model.gradients(x, np.ones(300))[1])
    assert all((results[0][name] == results[1][name]).all() for name in results[0])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("activation", KINDS)
def test_fit_learns_a_toy_distribution(dtype, activation):
    random = np.random.default_rng(0)
    first = random.integers(0, 2, (400, 1))
    rows = np.concatenate([first, 1 - first, first], axis=1)
    model = NADE(3, 8, activation=activation, dtype=dtype)
    before = model.log_prob(rows).mean()
    model.fit(rows, epochs=30, learning_rate=0.05, progress=False)
    assert before < -1.9
    assert model.log_prob(rows).mean() > -0.75  # the best is -log 2 = -0.69
    assert [epoch["epoch"] for epoch in model.history] == list(range(1, 31))


def test_a_fit_is_reproducible_and_padding_stays_out_of_it(monkeypatch):
    rows = random_nade(8, 6).sample(200, seed=0)
    fits = []
    for threads in ("1", "3"):
        monkeypatch.setenv("FASTDGM_NUM_THREADS", threads)
        fits.append(NADE(8, 6).fit(rows, epochs=3, weight_decay=0.01, progress=False))
    assert all((fits[0].parameters[name] == fits[1].parameters[name]).all() for name in "WVbc")
    stepper = fits[0]._stepper()
    assert stepper.parameters["V"].shape == (8, 6)
    assert (stepper._padded["V"][:, 6:] == 0).all()
    assert (stepper.log_prob(rows) == fits[0].log_prob(rows)).all()


# --- the model ---


def test_parameters():
    model = NADE(5, 3)
    assert model.n_parameters == 2 * 15 + 5 + 3
    assert not any(array.flags.writeable for array in model.parameters.values())
    assert (NADE(5, 3, seed=1).parameters["W"] != model.parameters["W"]).all()
    assert NADE(4, 3, order="reversed").order.tolist() == [3, 2, 1, 0]
    assert sorted(NADE(9, 3, order="random").order) == list(range(9))
    assert NADE(3, 3, order=[2, 0, 1]).order.tolist() == [2, 0, 1]


@pytest.mark.parametrize(("order", "rule"), [(0, "a permutation of 0 to 0"), ("", "natural, reversed, random")])
def test_an_order_of_another_shape_or_name(order, rule):
    with pytest.raises(ValueError, match=f"order must be {rule}"):
        NADE(1, 2, order=order)


@pytest.mark.parametrize("dtype", TYPES)
def test_state_and_copies_round_trip(dtype):
    model = random_nade(5, 3, activation="relu", dtype=dtype)
    x = reference.all_rows(5)
    twins = [NADE._from_state(*model._state()), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)]
    for twin in twins:
        assert (twin.log_prob(x) == model.log_prob(x)).all()
        assert (twin.dtype, twin.activation) == (model.dtype, model.activation)


def test_no_rows():
    model = NADE(4, 3)
    assert model.sample(0, seed=0).shape == (0, 4)
    assert model.log_prob(np.empty((0, 4))).shape == (0,)
    assert model.log_prob(np.empty((0, 4)), per_variable=True).shape == (0, 4)


# --- bad input ---


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_vars": 0}, ValueError, "n_vars must be at least 1, got 0"),
        ({"hidden": 0}, ValueError, "hidden must be at least 1, got 0"),
        ({"hidden": 2.5}, TypeError, "hidden must be an integer"),
        ({"activation": "tanh"}, ValueError, "activation must be one of sigmoid, relu, got 'tanh'"),
        ({"order": "sideways"}, ValueError, "natural, reversed, random or a permutation, got 'sideways'"),
        ({"order": [0, 1, 1]}, ValueError, "a permutation of 0 to 2"),
        ({"order": [0, 1]}, ValueError, "a permutation of 0 to 2"),
        ({"order": [0.0, 1.0, 2.0]}, TypeError, "order must hold integers"),
        ({"dtype": np.int64}, ValueError, "float32 or float64, got int64"),
    ],
)
def test_bad_settings(options, error, message):
    with pytest.raises(error, match=message):
        NADE(**{"n_vars": 3, "hidden": 2, **options})


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((2, 4)), ValueError, r"shape \(n_rows, 3\), got \(2, 4\)"),
        ([[0, 1, 2]], ValueError, "got 2 in row 0, variable 2"),
        ([[0, 0.5, 1]], ValueError, "got 0.5 in row 0, variable 1"),
        ([[0, np.nan, 1]], MissingValuesError, "row 0, variable 1 is missing"),
        ([[0, 1, -1]], MissingValuesError, "row 0, variable 2 is missing"),
    ],
)
def test_bad_rows(x, error, message):
    model = NADE(3, 2)
    with pytest.raises(error, match=message):
        model.log_prob(x)
    with pytest.raises(error, match=message):
        model.fit(x, progress=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"W": np.zeros(3)}, "W must have shape"),
        ({"W": np.zeros((0, 2))}, "W must have shape"),
        ({"V": np.zeros((3, 3))}, r"V must have shape \(3, 2\), got \(3, 3\)"),
        ({"b": np.array([0, np.inf, 0])}, "b must be finite"),
        ({"c": np.zeros(3)}, "c must have shape"),
        ({"order": "random"}, "random"),
    ],
)
def test_bad_weights(change, message):
    weights = {"W": np.zeros((3, 2)), "V": np.zeros((3, 2)), "b": np.zeros(3), "c": np.zeros(2)}
    with pytest.raises(ValueError, match=message):
        NADE.from_parameters(**{**weights, **change})


def test_bad_states():
    structure, arrays = NADE(3, 2)._state()
    with pytest.raises(ValueError, match="the structure of a NADE is its activation"):
        NADE._from_state({}, arrays)
    with pytest.raises(KeyError, match="the arrays of a NADE are W, V, b, c and order"):
        NADE._from_state(structure, {"W": arrays["W"]})
    with pytest.raises(ValueError, match="of one type"):
        NADE._from_state(structure, {**arrays, "b": np.zeros(3)})
    with pytest.raises(ValueError, match="activation must be one of"):
        NADE._from_state({"activation": 3}, arrays)
    with pytest.raises(ValueError, match="permutation"):
        NADE._from_state(structure, {**arrays, "order": np.array([0, 0, 1])})
    model = NADE(3, 2)
    with pytest.raises(ValueError, match="V must have shape"):
        model._adopt({**model.parameters, "V": np.zeros((2, 2))})
    assert model.parameters["V"].shape == (3, 2)
