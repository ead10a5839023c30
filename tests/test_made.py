"""Masked networks against their NumPy oracle: probabilities, layers of every kind, states on file, bad input."""

from __future__ import annotations

import copy
import hashlib
import pickle

import numpy as np
import pytest
import reference_ar as reference
from masked_models import plain, plain_net, random_fvsbn, random_made

from fastdgm.autoregressive.fvsbn import FVSBN
from fastdgm.autoregressive.made import MADE
from fastdgm.autoregressive.nade import NADE
from fastdgm.engines.draw import Draw
from fastdgm.engines.masked import plan as masked
from fastdgm.engines.masked import run as masked_run
from fastdgm.engines.masked.plan import ACTIVATIONS, HEADS, Layer, Shape

TYPES = [np.float32, np.float64]
MODELS = {
    "FVSBN": random_fvsbn,
    "one layer": random_made,
    "two layers": lambda **options: random_made(hidden=(9, 14), **options),
    "random masks": lambda **options: random_made(hidden=(9, 8, 7), masks="random", **options),
    "reversed": lambda **options: random_made(**{**options, "order": "reversed"}),
    "3 states": lambda **options: random_made(5, n_states=3, **options),
    "one variable": lambda **options: random_made(1, **options),
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
every_type = pytest.mark.parametrize("dtype", TYPES)


def check_log_prob(model, x):
    """By the oracle: within 1e-12 (float32: 1e-5) of the sum of the terms' sizes."""
    expected = reference.terms(plain(model), x)
    bound = np.abs(expected).sum(axis=1) * (1e-12 if model.dtype == np.float64 else 1e-5)
    log_prob, terms = model.log_prob(x), model.log_prob(x, per_variable=True)
    assert (np.abs(log_prob - expected.sum(axis=1)) <= bound).all()
    assert (np.abs(terms - expected).max(axis=1) <= bound).all()
    np.testing.assert_allclose(terms.sum(axis=1), log_prob, rtol=1e-12, atol=1e-12)


# --- probabilities ---


@every_type
@every_model
def test_probabilities_sum_to_one_and_are_those_of_the_oracle(make, dtype):
    model = make(dtype=dtype)
    x = reference.all_rows(model.n_vars, model.n_states)
    check_log_prob(model, x)
    assert np.exp(model.log_prob(x)).sum() == pytest.approx(1.0, abs=1e-12 if dtype is np.float64 else 1e-5)


@every_type
@every_model
def test_sample_frequencies(make, dtype):
    model = make(dtype=dtype, scale=0.8)
    x = model.sample(20_000, seed=5)
    few = model.order[:3]
    rows = reference.all_rows(model.n_vars, model.n_states)
    weights = model.n_states ** np.arange(len(few))
    size = model.n_states ** len(few)
    expected = 20_000 * np.bincount(rows[:, few] @ weights, np.exp(model.log_prob(rows)), size)
    counts = np.bincount(x[:, few].astype(int) @ weights, minlength=size)
    assert ((counts - expected) ** 2 / expected).sum() < (24.4 if size <= 8 else 54.1)  # p = 0.001


@every_type
def test_all_variables_are_sampled_right_beyond_one_block(dtype):
    """40 variables in blocks of 16, two layers: means against a large sample's own conditionals."""
    model = random_made(40, (30, 20), dtype=dtype, scale=1.0)
    x = model.sample(20_000, seed=1)
    p = reference.sigmoid(reference.parameters(plain(model), x)[:, :, 0])
    z = (x[:, model.order] - p).sum(axis=0) / np.sqrt((p * (1 - p)).sum(axis=0))
    assert np.abs(z).max() < 4


@pytest.mark.parametrize("n_vars", [1, 2, 15, 16, 17, 33])
@pytest.mark.parametrize("hidden", [(1,), (5,), (40,), (3, 50)])
def test_any_size(n_vars, hidden):
    model = random_made(n_vars, hidden, dtype=np.float64)
    uniforms = np.random.default_rng(0).random((40, n_vars))
    x, log_prob = model.sample(40, uniforms=uniforms, return_log_prob=True)
    assert (x == reference.sample(plain(model), uniforms)).all()
    check_log_prob(model, x)
    np.testing.assert_allclose(log_prob, model.log_prob(x), rtol=1e-12)


@every_type
@every_model
def test_the_log_prob_of_samples_is_theirs(make, dtype):
    model = make(dtype=dtype)
    x, log_prob = model.sample(150, seed=2, return_log_prob=True)
    assert (x == model.sample(150, seed=2)).all()
    np.testing.assert_allclose(log_prob, model.log_prob(x), rtol=1e-12 if dtype is np.float64 else 1e-5, atol=1e-12)


@every_type
def test_rows_share_no_bits_with_their_neighbours(dtype):
    """Huge numbers in one row leave the others as they are."""
    model = random_made(6, 9, dtype=dtype, head="normal", scale=0.3)
    x = model.sample(50, seed=0)
    before = model.log_prob(x)
    x[7] = 1e30
    after = model.log_prob(x)
    assert (np.delete(after, 7) == np.delete(before, 7)).all()
    assert not np.isnan(after).any()


# --- layers of every kind, built from units in the user's order ---


def residual_layers(activation, dtype, n_context=0, order=None, weightless=True, seed=0):
    """Input -> h -> block with a shortcut around it (-> an activation without weights) -> heads; units unsorted."""
    n_vars = 6
    random = np.random.default_rng(seed)
    order = random.permutation(n_vars) if order is None else order
    shape = Shape(order, 1, HEADS["bernoulli"], 1, n_context)
    wide, inner = random.integers(0, n_vars, 11), random.integers(0, n_vars, 7)

    def dense(before, after):
        weights = 1.5 * random.normal(size=(len(after), len(before))) / np.sqrt(len(before))
        return np.where(before <= after[:, np.newaxis], weights, 0).astype(dtype)

    def biases(units):
        return random.normal(size=len(units)).astype(dtype)

    layers = [
        Layer(dense(shape.input_degrees, wide), biases(wide), activation, 0),
        Layer(dense(wide, inner), biases(inner), activation, 1),
        Layer(dense(inner, wide), biases(wide), "linear", 2, 1),
    ]
    degrees = [shape.input_degrees, wide, inner, wide]
    if weightless:
        layers.append(Layer(None, biases(wide), activation, 3, 3))
        degrees.append(wide)
    layers.append(Layer(dense(wide, shape.output_degrees), biases(shape.output_degrees), "linear", len(layers)))
    return layers, [*degrees, shape.output_degrees], shape


@every_type
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("weightless", [False, True])
def test_residual_networks_of_every_activation(activation, weightless, dtype):
    layers, degrees, shape = residual_layers(activation, dtype, weightless=weightless)
    model = MADE._from_net(masked.build(layers, degrees, shape, dtype))
    oracle = reference.Plain([reference.PlainLayer(*layer) for layer in layers], shape.order, "bernoulli")
    x = reference.all_rows(6)
    expected = reference.log_prob(oracle, x)
    np.testing.assert_allclose(model.log_prob(x), expected, rtol=1e-12 if dtype is np.float64 else 2e-5)
    assert np.exp(expected).sum() == pytest.approx(1.0)
    drawn, log_prob = model.sample(200, seed=0, return_log_prob=True)
    np.testing.assert_allclose(log_prob, model.log_prob(drawn), rtol=1e-12 if dtype is np.float64 else 1e-5)
    if dtype is np.float64:
        uniforms = np.random.default_rng(1).random((200, 6))
        assert (model.sample(200, uniforms=uniforms) == reference.sample(oracle, uniforms)).all()


def test_context_is_known_from_the_start():
    layers, degrees, shape = residual_layers("tanh", np.float64, n_context=3)
    net = masked.build(layers, degrees, shape, np.float64)
    random = np.random.default_rng(1)
    context, uniforms = random.normal(size=(90, 3)), random.random((90, 6))
    drawn = masked_run.sample(net, Draw(90, 0, uniforms=uniforms, context=context), 2).values
    assert (drawn == reference.sample(plain_net(net), uniforms, context=context)).all()
    log_prob = masked_run.score(net, drawn, context, False)
    np.testing.assert_allclose(log_prob, reference.log_prob(plain_net(net), drawn, context), rtol=1e-12)


def test_degrees_come_from_the_weights():
    layers, _, shape = residual_layers("relu", np.float64)
    derived = masked.derive_degrees(layers, shape)
    x = reference.all_rows(6)
    oracle = reference.Plain([reference.PlainLayer(*layer) for layer in layers], shape.order, "bernoulli")
    model = MADE._from_net(masked.build(layers, derived, shape, np.float64))
    np.testing.assert_allclose(model.log_prob(x), reference.log_prob(oracle, x), rtol=1e-12)
    uniforms = np.random.default_rng(2).random((100, 6))
    assert (model.sample(100, uniforms=uniforms) == reference.sample(oracle, uniforms)).all()


def test_masks_that_leak_are_refused():
    layers, _, shape = residual_layers("relu", np.float64, order=np.array([3, 1, 0, 2, 5, 4]))
    heads = layers[-1].weights.copy()
    first = np.flatnonzero(masked.derive_degrees(layers, shape)[-2] == 5)[0]
    heads[2, first] = 1.0
    message = r"masks leak: the output of variable 0 \(position 2 of the order\) reads variable 5 \(position 4\)"
    with pytest.raises(ValueError, match=message):
        masked.derive_degrees([*layers[:-1], layers[-1]._replace(weights=heads)], shape)
    dense = Layer(np.ones((6, 6)), np.zeros(6))
    with pytest.raises(ValueError, match=r"variable 3 \(position 0 of the order\) reads variable 4 \(position 5\)"):
        masked.derive_degrees([dense], shape)


# --- structure ---


def test_masks():
    model = random_made(6, (30, 30), activation="tanh")
    x = np.random.default_rng(0).integers(0, 2, (1, 6), np.uint8)
    before = model.log_prob(x, per_variable=True)[0]
    for d, variable in enumerate(model.order):
        flipped = x.copy()
        flipped[0, variable] ^= 1
        after = model.log_prob(flipped, per_variable=True)[0]
        earlier, later = model.order[:d], model.order[d + 1 :]
        assert (after[earlier] == before[earlier]).all()
        assert not len(later) or (after[later] != before[later]).any()


def test_parameters_are_counted():
    assert MADE(1, 1).n_parameters == 1 + 1 + 1 + 0  # the head reads nothing
    dense = MADE(3, 4)  # degrees 1, 1, 2, 2
    assert dense.n_parameters == 4 + 3 + (1 + 1 + 2 + 2) + (0 + 2 + 4)
    assert MADE(3, 4, n_states=3).n_parameters == 4 + 9 + 3 * (1 + 1 + 2 + 2) + 3 * (0 + 2 + 4)


def test_options():
    assert MADE(4, 3, order=[2, 0, 3, 1]).order.tolist() == [2, 0, 3, 1]
    assert MADE(4, 3, order="reversed").order.tolist() == [3, 2, 1, 0]
    assert MADE(4, (3, 5)).hidden == (3, 5)
    assert MADE(4, 7).hidden == (7,)
    assert [MADE(4, 3, **own).head for own in ({}, {"n_states": 2}, {"n_states": 5})] == [
        "bernoulli",
        "bernoulli",
        "categorical",
    ]
    assert MADE(4, 3, head="normal").n_states is None
    assert MADE(4, 3, dtype="float64").dtype == np.float64
    assert repr(MADE(4, (3, 5))) == "MADE(n_vars=4, hidden=(3, 5), head='bernoulli'): 38 parameters, float32"
    assert not MADE(4, 3).order.flags.writeable
    same, other = MADE(4, 3, seed=1, order="random"), MADE(4, 3, seed=1, order="random")
    assert (same.order == other.order).all()
    assert (same._net.weights == other._net.weights).all()


@pytest.mark.parametrize("seed", range(5))
def test_every_head_can_learn_from_all_earlier_variables(seed):
    """Random masks leave no hidden layer without a way from the first variables."""
    model = MADE(5, (40, 40), masks="random", seed=seed, activation="tanh")
    x = np.zeros((6, 5), np.uint8)
    x[np.arange(5), np.arange(5)] = 1
    last = model.log_prob(x, per_variable=True)[:, 4]
    assert len(set(last[:4].tolist())) == 4


# --- states on file ---

FAMILIES = {
    "bernoulli": {},
    "categorical": {"n_states": 4},
    "normal": {"head": "normal"},
    "mixture": {"head": "mixture", "n_components": 2},
}


@every_type
@pytest.mark.parametrize("options", FAMILIES.values(), ids=FAMILIES.keys())
def test_states_and_copies_round_trip(options, dtype):
    model = random_made(5, (7, 6), dtype=dtype, activation="elu", **options)
    x = model.sample(30, seed=0)
    structure, arrays = model._state()
    twins = [
        MADE._from_state(structure, arrays),
        MADE._from_state(structure, {name: array.copy() for name, array in arrays.items()}),
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
    ]
    for twin in twins:
        assert (twin.log_prob(x) == model.log_prob(x)).all()
        assert (twin.sample(30, seed=0) == x).all()
        assert (twin.head, twin.dtype, twin.hidden) == (model.head, model.dtype, model.hidden)
        assert twin.n_parameters == model.n_parameters


def test_the_state_of_a_residual_network_round_trips():
    layers, degrees, shape = residual_layers("silu", np.float64)
    model = MADE._from_net(masked.build(layers, degrees, shape, np.float64))
    x = reference.all_rows(6)
    assert (MADE._from_state(*model._state()).log_prob(x) == model.log_prob(x)).all()


def damaged(change):
    """The state of a model of 4 variables and 5 hidden units after ``change(structure, arrays)``."""
    structure, arrays = copy.deepcopy(random_made(4, 5, dtype=np.float64, order="natural")._state())
    change(structure, arrays)
    return structure, arrays


def put(where, name, value):
    def change(structure, arrays):
        (structure if where == "structure" else arrays)[name] = value

    return change


def put_layer(number, name, value):
    def change(structure, arrays):
        structure["layers"][number][name] = value

    return change


def put_entry(name, index, value):
    def change(structure, arrays):
        arrays[name][index] = value

    return change


def remove(where, name):
    def change(structure, arrays):
        del (structure if where == "structure" else arrays)[name]

    return change


DAMAGE = [
    (remove("structure", "head"), KeyError, "head"),
    (remove("structure", "n_states"), KeyError, "n_states"),
    (remove("structure", "head_size"), KeyError, "head_size"),
    (remove("structure", "layers"), KeyError, "layers"),
    (remove("arrays", "order"), KeyError, "order"),
    (remove("arrays", "layer1.biases"), KeyError, "layer1.biases"),
    (remove("arrays", "layer2.weights"), KeyError, "layer2.weights"),
    (remove("arrays", "layer1.degrees"), KeyError, "layer1.degrees"),
    (put("structure", "head", "poisson"), ValueError, "head must be one of"),
    (put("structure", "head", "normal"), ValueError, "do not go with head 'normal'"),
    (put("structure", "head_size", 2), ValueError, "do not go with head"),
    (put("structure", "n_states", 2.5), TypeError, "n_states must be an integer"),
    (put("structure", "layers", []), ValueError, "at least one layer"),
    (put("structure", "layers", "none"), ValueError, "at least one layer"),
    (put("structure", "layers", [3]), ValueError, "layer 1 must be an object, got int"),
    (put_layer(0, "activation", "maxout"), ValueError, "activation must be one of"),
    (put_layer(0, "source", 1), ValueError, "layer 1 must read earlier layers"),
    (put_layer(1, "source", -1), ValueError, "layer 2 must read earlier layers"),
    (put_layer(1, "source", "x"), TypeError, "source must be an integer"),
    (put_layer(1, "residual", 2), ValueError, "layer 2 must read earlier layers"),
    (put_layer(1, "residual", 1), ValueError, "layer 2"),
    (put_layer(1, "source", 0), ValueError, "layer2.weights must be float64 of shape"),
    (put_layer(1, "weighted", False), ValueError, "layer"),
    (put_layer(1, "activation", "relu"), ValueError, "layer 2"),
    (put("arrays", "extra", np.zeros(3)), ValueError, "arrays that no layer has: .'extra'."),
    (put("arrays", "order", np.array([0, 1, 1, 3])), ValueError, "order must hold every variable 0 .. 3 once"),
    (put("arrays", "order", np.zeros(4)), ValueError, "order must be a vector of integers"),
    (put("arrays", "order", np.arange(5)), ValueError, "layer"),
    (put("arrays", "order", np.arange(4).reshape(2, 2)), ValueError, "order must be a vector of integers"),
    (put("arrays", "layer1.biases", np.zeros(6)), ValueError, "layer1"),
    (put("arrays", "layer1.biases", np.zeros((5, 1))), ValueError, "layer1.biases must be a vector"),
    (put("arrays", "layer1.biases", np.zeros(5, np.int32)), ValueError, "layer1.biases must be float32 or float64"),
    (put("arrays", "layer1.biases", np.zeros(5, np.float32)), ValueError, "layer1.weights must be float32"),
    (put("arrays", "layer1.weights", np.zeros((5, 3))), ValueError, r"layer1.weights must be .* \(5, 4\)"),
    (put("arrays", "layer1.degrees", np.zeros(5)), ValueError, "layer1.degrees must be 5 integers"),
    (put("arrays", "layer1.degrees", np.zeros(4, np.int64)), ValueError, "layer1.degrees must be 5 integers"),
    (put("arrays", "layer1.degrees", np.array([3, 2, 1, 1, 1])), ValueError, "must rise from 0 to at most 4"),
    (put("arrays", "layer1.degrees", np.array([1, 1, 2, 2, 5])), ValueError, "must rise from 0 to at most 4"),
    (put("arrays", "layer1.degrees", np.array([-1, 1, 2, 2, 3])), ValueError, "must rise from 0 to at most 4"),
    (put("arrays", "layer1.degrees", np.array([2**64 - 1, 1, 2, 2, 3], np.uint64)), ValueError, "must rise"),
    (put("arrays", "layer1.degrees", np.zeros(5, np.int64)), ValueError, "layer1.weights must be 0 where a source"),
    (put("arrays", "layer2.degrees", np.array([0, 1, 2, 2])), ValueError, "layer2.degrees must be 0 .. 3, 1 of each"),
    (put_entry("layer1.weights", (0, 3), 1.0), ValueError, "layer1.weights must be 0 where a source"),
    (put_entry("layer2.weights", (0, 0), 1.0), ValueError, "layer2.weights must be 0 where a source"),
    (put_entry("layer1.weights", (0, 0), np.nan), ValueError, "layer1.weights must hold finite numbers"),
    (put_entry("layer1.weights", (0, 3), np.inf), ValueError, "layer1.weights must hold finite numbers"),
    (put_entry("layer2.biases", 1, np.inf), ValueError, "layer2.biases must hold finite numbers"),
]


@pytest.mark.parametrize(("change", "error", "message"), DAMAGE, ids=range(len(DAMAGE)))
def test_damaged_states_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        MADE._from_state(*damaged(change))


def test_a_shortcut_from_units_that_know_more_is_refused():
    layers, degrees, shape = residual_layers("relu", np.float64)
    structure, arrays = MADE._from_net(masked.build(layers, degrees, shape, np.float64))._state()
    for name in arrays:
        arrays[name] = arrays[name] * 0 if "weights" in name else arrays[name]
    MADE._from_state(structure, arrays)
    arrays["layer1.degrees"] = np.minimum(arrays["layer1.degrees"] + 1, 6)
    with pytest.raises(ValueError, match="layer 3 must not know less than its residual layer 1"):
        MADE._from_state(structure, arrays)


# --- bad input ---


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_vars": 0}, ValueError, "n_vars must be at least 1, got 0"),
        ({"n_vars": 2.0}, TypeError, "n_vars must be an integer"),
        ({"hidden": 0}, ValueError, "hidden must name at least one layer of at least 1 unit, got 0"),
        ({"hidden": ()}, ValueError, "hidden must name at least one layer"),
        ({"hidden": (3, 0)}, ValueError, "hidden must name at least one layer"),
        ({"hidden": (3, 1.5)}, TypeError, "hidden must be an integer"),
        ({"activation": "linear"}, ValueError, "activation must be one of"),
        ({"activation": "maxout"}, ValueError, "activation must be one of .*'maxout'"),
        ({"masks": "none"}, ValueError, "masks must be 'even' or 'random'"),
        ({"order": "sideways"}, ValueError, "order must be 'natural', 'reversed', 'random' or a permutation"),
        ({"order": [0, 1, 1]}, ValueError, "order must hold every variable 0 .. 2 once"),
        ({"order": [0, 1]}, ValueError, "order must hold every variable 0 .. 2 once"),
        ({"order": [0.0, 1.0, 2.0]}, ValueError, "order must hold every variable 0 .. 2 once"),
        ({"head": "poisson"}, ValueError, "head must be one of .*'poisson'"),
        ({"n_states": 1}, ValueError, "n_states must be 2 for bernoulli, 2 to 65535 for categorical"),
        ({"n_states": 70_000}, ValueError, "n_states must be 2 for bernoulli, 2 to 65535 for categorical"),
        ({"n_states": 3, "head": "bernoulli"}, ValueError, "n_states must be 2 for bernoulli"),
        ({"n_states": 3, "head": "normal"}, ValueError, "absent for others"),
        ({"n_states": 2.5}, TypeError, "n_states must be an integer"),
        ({"n_components": 2}, ValueError, "n_components goes with head 'mixture' and only there"),
        ({"n_components": 2, "head": "normal"}, ValueError, "n_components goes with head 'mixture'"),
        ({"head": "mixture"}, ValueError, "n_components goes with head 'mixture'"),
        ({"head": "mixture", "n_components": 0}, ValueError, "n_components must be at least 1, got 0"),
        ({"dtype": np.int64}, ValueError, "dtype must be float32 or float64, got int64"),
        ({"dtype": np.float16}, ValueError, "dtype must be float32 or float64, got float16"),
    ],
)
def test_bad_settings(options, error, message):
    with pytest.raises(error, match=message):
        MADE(**{"n_vars": 3, "hidden": 2, **options})


@pytest.mark.parametrize(
    "make",
    [
        lambda: MADE(10**12, 4),
        lambda: MADE(3, 10**12),
        lambda: MADE(3, (10**6, 10**7)),
        lambda: MADE(3, 4, head="mixture", n_components=10**12),
        lambda: MADE(10**7, 4, n_states=65_535),
        lambda: FVSBN(10**7),
        lambda: FVSBN(10**12, order="random"),
        lambda: NADE(10**12, 4),
        lambda: NADE(4, 10**12),
    ],
)
def test_sizes_beyond_memory_are_refused_before_anything_is_allocated(make):
    with pytest.raises(ValueError, match=r"needs [\d.]+ GiB, [\d.]+ GiB are available"):
        make()


# --- golden rows ---

GOLDEN = ["1110101111101000", "1011111010101100"], "fae860f9cf99a45d8e3a4acb3e4db4bc"


@every_type
def test_pinned_rows(dtype):
    """What (seed, row) means for a fixed model; a change here is a CHANGELOG entry, never an accident.

    The logits are sums of few multiples of 1/8 and so exact on any CPU; no uniform lies within 2e-6 of its threshold.
    """
    shape = Shape(np.arange(16)[::-1], 1, HEADS["bernoulli"], 1)
    weights = ((np.arange(256).reshape(16, 16) * 37 % 11) - 5) / 4.0
    layers = [Layer(weights, np.arange(16) / 8.0 - 1.0)]
    model = MADE._from_net(masked.build(layers, [shape.input_degrees, shape.output_degrees], shape, dtype))
    x = model.sample(1000, seed=20_261_122, start=2**32 - 3)
    rows = ["".join(map(str, row)) for row in x[:2].tolist()]
    assert (rows, hashlib.md5(x.tobytes()).hexdigest()) == GOLDEN
