"""Few rows of a masked network are scored and drawn by other kernels: the same numbers and rows, bit for bit."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from masked_models import random_fvsbn, random_made, random_uniforms
from test_made import residual_layers

import fastdgm as fd
from fastdgm.autoregressive.made import MADE
from fastdgm.engines.draw import Draw
from fastdgm.engines.masked import plan as masked
from fastdgm.engines.masked import run as masked_run
from fastdgm.engines.masked.plan import ACTIVATIONS
from fastdgm.engines.masked.strips import FEW_SAMPLED, FEW_SCORED, new_strips

TYPES = [np.float32, np.float64]
MANY = 40  # rows that are drawn in tiles
MODELS = {
    "FVSBN": lambda **options: random_fvsbn(150, scale=1.0, **options),
    "one layer": lambda **options: random_made(150, (100,), scale=1.0, **options),
    "two layers": lambda **options: random_made(100, (90, 150), scale=1.0, order="natural", **options),
    "wide": lambda **options: random_made(7, (300, 200), activation="elu", order="reversed", **options),
    "random masks": lambda **options: random_made(20, (40, 30, 20), masks="random", activation="tanh", **options),
    "3 states": lambda **options: random_made(50, (60, 40), n_states=3, **options),
    "200 states": lambda **options: random_made(4, (9,), n_states=200, **options),
    "normal": lambda **options: random_made(70, (80,), head="normal", scale=0.5, activation="softplus", **options),
    "mixture": lambda **options: random_made(30, (50,), head="mixture", n_components=3, scale=0.5, **options),
    "one variable": lambda **options: random_made(1, (3,), **options),
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
every_type = pytest.mark.parametrize("dtype", TYPES)


def check_same(few, many, n):
    """Arrays of a call for n rows are the first n rows of those for many."""
    for own, expected in zip(few, many, strict=True):
        assert len(own) == n
        assert own.tobytes() == np.ascontiguousarray(expected[:n]).tobytes()


@every_type
@every_model
def test_few_rows_are_those_of_many(make, dtype):
    model = make(dtype=dtype)
    many = model.sample(MANY, seed=3, return_log_prob=True)
    for n in range(1, FEW_SAMPLED + 1):
        check_same(model.sample(n, seed=3, return_log_prob=True), many, n)
    assert model._strips is not None
    assert (model.sample(3, seed=3, start=7) == many[0][7:10]).all()
    assert model.sample(0, seed=3).shape == (0, model.n_vars)


@every_type
@every_model
def test_few_rows_are_scored_as_many(make, dtype):
    model = make(dtype=dtype)
    x = model.sample(MANY, seed=5)
    many = [model.log_prob(x), model.log_prob(x, per_variable=True)]
    for n in range(1, FEW_SCORED + 1):
        check_same([model.log_prob(x[:n]), model.log_prob(x[:n], per_variable=True)], many, n)


@every_type
@every_model
def test_given_uniforms(make, dtype):
    model = make(dtype=dtype)
    uniforms = random_uniforms(model, MANY)
    many = model.sample(MANY, uniforms=uniforms)
    for n in (1, 4):
        check_same([model.sample(n, uniforms=uniforms[:n])], [many], n)


@every_type
@pytest.mark.parametrize("name", ["one layer", "3 states", "normal"])
@pytest.mark.parametrize("length", [1, 16, 37, 50])
def test_prefixes(name, length, dtype):
    model = MODELS[name](dtype=dtype)
    prefix = model.sample(20, seed=1)[:, model.order[:length]]
    many = model.sample(prefix=prefix, n_per_row=2, seed=2, return_log_prob=True)
    for rows in (1, 2):
        few = model.sample(prefix=prefix[:rows], n_per_row=2, seed=2, return_log_prob=True)
        check_same(few, many, 2 * rows)
        assert (few[0][:, model.order[:length]] == np.repeat(prefix[:rows], 2, axis=0)).all()


@every_type
@pytest.mark.parametrize("options", [{"temperature": 0.7}, {"top_k": 1}, {"top_k": 2, "top_p": 0.8}])
@pytest.mark.parametrize("name", ["two layers", "3 states"])
def test_truncation(name, options, dtype):
    model = MODELS[name](dtype=dtype)
    many = model.sample(MANY, seed=4, return_log_prob=True, **options)
    for n in (1, 3):
        check_same(model.sample(n, seed=4, return_log_prob=True, **options), many, n)


@every_type
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_residual_layers_and_context(activation, dtype):
    net = masked.build(*residual_layers(activation, dtype, n_context=3), dtype)
    random = np.random.default_rng(0)
    context, uniforms = random.normal(size=(MANY, 3)).astype(dtype), random.random((MANY, 6))
    many = masked_run.sample(net, Draw(MANY, 0, uniforms=uniforms, context=context), 2).values
    for n in (1, 8):
        draw = Draw(n, 0, uniforms=uniforms[:n], context=context[:n])
        few = masked_run.sample(net, draw, 2, strips=new_strips(net)).values
        assert (few == many[:n]).all()
        scored = masked_run.score(net, few, context[:n], True, new_strips(net))
        assert (scored == masked_run.score(net, many, context, True)[:n]).all()


# --- strips are derived: never stale, never stored ---


def test_new_parameters_count_at_once():
    model, other = MODELS["one layer"](seed=0), MODELS["one layer"](seed=1)
    model.sample(1, seed=0)
    model._adopt({"weights": other._net.weights, "biases": other._net.biases})
    assert (model.sample(2, seed=0) == model.sample(MANY, seed=0)[:2]).all()


def test_shared_parameters_are_read_where_they_are():
    model = MODELS["one layer"]()
    model.sample(1, seed=0)
    shared = model.share_parameters()
    shared["weights"] *= 2
    assert (model.sample(2, seed=0) == model.sample(MANY, seed=0)[:2]).all()
    assert model._strips is None


def test_pickles_leave_them_out():
    model = MODELS["3 states"]()
    before = pickle.dumps(model)
    model.sample(1, seed=0)
    assert pickle.dumps(model) == before
    assert isinstance(pickle.loads(before), MADE)
    assert (pickle.loads(before).sample(1, seed=0) == model.sample(1, seed=0)).all()


def test_few_rows_after_a_fit_come_from_the_new_parameters():
    model = fd.MADE(6, (8,), seed=0)
    model.sample(2, seed=0)  # caches what few rows are drawn from
    model.fit(np.ones((200, 6)), epochs=5, learning_rate=0.1, progress=False)
    assert np.array_equal(model.sample(2, seed=3), model.sample(100, seed=3)[:2])


@pytest.mark.parametrize("n", [2, 100])
def test_the_coldest_temperature_is_the_most_probable_row(n):
    model = fd.FVSBN(5)  # logits of exactly 0, where infinite factors would give NaN
    rows, lp, sampling = model.sample(n, temperature=1e-300, top_k=2, return_log_prob=True, seed=0)
    assert np.isfinite(lp).all()
    assert np.isfinite(sampling).all()
    assert rows.shape == (n, 5)


def test_no_rows_at_the_end_of_the_stream():
    assert fd.FVSBN(5).sample(0, seed=0, start=2**64).shape == (0, 5)
