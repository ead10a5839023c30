"""Finite parameters whose sums leave the range of their float type: a limit or an error, never NaN, never a guess."""

from __future__ import annotations

import numpy as np
import pytest
from masked_models import random_fvsbn, random_made
from test_heads import constant

from fastdgm.autoregressive.nade import NADE
from fastdgm.engines.defined import refuse_undefined
from fastdgm.engines.masked import plan as masked

TYPES = [np.float32, np.float64]
every_type = pytest.mark.parametrize("dtype", TYPES)
MODELS = {
    "FVSBN": lambda dtype: random_fvsbn(5, dtype=dtype),
    "bernoulli": lambda dtype: random_made(5, (6, 6), dtype=dtype),
    "categorical": lambda dtype: random_made(4, (6,), n_states=3, activation="silu", dtype=dtype),
    "normal": lambda dtype: random_made(4, (6,), head="normal", activation="elu", scale=0.3, dtype=dtype),
    "mixture": lambda dtype: random_made(4, (6,), head="mixture", n_components=2, activation="tanh", dtype=dtype),
}


def scaled(model, factor):
    """The same signs, but every weight and bias of the given size."""
    net = model._net
    weights, biases = (np.sign(own) * model.dtype.type(factor) for own in (net.weights, net.biases))
    return type(model)._from_net(masked.with_parameters(net, weights, biases))


def huge_nade(factor, dtype, activation):
    random = np.random.default_rng(0)
    W, V, b, c = (np.sign(random.normal(size=size)) * dtype(factor) for size in ((5, 6), (5, 6), 5, 6))
    return NADE.from_parameters(
        W.astype(dtype), V.astype(dtype), b.astype(dtype), c.astype(dtype), activation=activation
    )


def check(model, rows):
    """Numbers, -inf, or an error that says where; the same for rows drawn and for rows given."""
    for verb in (
        lambda: model.log_prob(rows),
        lambda: model.log_prob(rows, per_variable=True),
        lambda: model.sample(70, seed=0, return_log_prob=True)[1],
        lambda: model.sample(3, seed=0, return_log_prob=True)[1],
    ):
        try:
            log_prob = verb()
        except ValueError as error:
            assert "the parameters are too large" in str(error)
            assert "row " in str(error)
            assert str(model.dtype) in str(error)
        else:
            assert (log_prob < np.inf).all()
    for n in (70, 3):
        try:
            x = model.sample(n, seed=0)
        except ValueError as error:
            assert "cannot be drawn" in str(error)
        else:
            assert np.isfinite(x).all()


@every_type
@pytest.mark.parametrize("share", [1e-19, 0.3, 1.0])
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_masked_networks(make, share, dtype):
    model = make(dtype)
    rows = model.sample(40, seed=1)
    check(scaled(model, share * float(np.finfo(dtype).max)), rows)


@every_type
@pytest.mark.parametrize("share", [1e-19, 0.3, 1.0])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_nade(activation, share, dtype):
    rows = np.random.default_rng(0).integers(0, 2, (40, 5))
    check(huge_nade(share * float(np.finfo(dtype).max), dtype, activation), rows)


@every_type
def test_errors_name_row_and_variable(dtype):
    """log sigma of variable 1 is beyond the range in every row."""
    large = float(np.finfo(dtype).max)
    model = random_made(3, 2, dtype=dtype, order=[2, 0, 1], scale=0.0, head="normal")
    net = model._net
    weights, biases = np.zeros_like(net.weights), np.zeros_like(net.biases)
    masked.bias_view(net, 2, biases)[5] = -large
    masked.bias_view(net, 2, biases)[4] = 0.5 * large
    wide = type(model)._from_net(masked.with_parameters(net, weights, biases))
    assert wide.log_prob([[0, 1, 0]])[0] == -np.inf
    biases[:] = 0
    masked.bias_view(net, 2, biases)[5] = large
    wide = type(model)._from_net(masked.with_parameters(net, weights, biases))
    with pytest.raises(
        ValueError, match=r"row 0 cannot be drawn, seen first at variable 1; the parameters are too large"
    ):
        wide.sample(5, seed=0)
    with pytest.raises(ValueError, match=r"row 0 cannot be drawn, seen first at variable 1, at temperature 2; "):
        wide.sample(5, seed=0, temperature=2)


def test_which_row_and_variable_are_named():
    order, dtype = np.array([2, 0, 1]), np.dtype(np.float32)
    terms = np.array([[-1.0, -2.0, -np.inf], [-1.0, np.nan, np.inf]])
    refuse_undefined(terms[:1], lambda row: terms[row], order, dtype)
    for log_prob in (terms, terms.sum(axis=1)):
        with pytest.raises(
            ValueError, match=r"^log_prob of row 1 is not defined, seen first at variable 2; .* float32$"
        ):
            refuse_undefined(log_prob, lambda row: terms[row], order, dtype)


# --- limits ---


@every_type
def test_logits_that_are_infinite_are_a_limit_where_there_is_one(dtype):
    large = float(np.finfo(dtype).max)
    assert constant([[large], [-large]], dtype).log_prob([[1, 0]])[0] == 0.0
    model = constant([[-large, -large, -large]], dtype, n_states=3)
    assert model.log_prob([[1]])[0] == pytest.approx(-np.log(3), rel=1e-6)
    assert set(model.sample(100, seed=0).ravel().tolist()) == {0, 1, 2}
    model = constant([[large, -large, large]], dtype, n_states=3)
    assert model.log_prob([[0]])[0] == pytest.approx(-np.log(2), rel=1e-6)
    assert model.log_prob([[1]])[0] < -1e38
    assert set(model.sample(100, seed=0).ravel().tolist()) == {0, 2}


@every_type
@pytest.mark.parametrize("log_sigma", [-200.0, -100.0, -90.0, 90.0, 200.0, 800.0, -800.0])
@pytest.mark.parametrize("distance", [0.0, 1e-30, 1.0, 1e30, "largest"])
def test_densities_of_extreme_widths(distance, log_sigma, dtype):
    """Exact, or -inf where the exact value is beyond the type."""
    value = 0.9 * float(np.finfo(dtype).max) if distance == "largest" else distance
    model = constant([[-value, log_sigma]], dtype, head="normal")
    value, mean = (np.longdouble(dtype(number)) for number in (value, -value))
    r = (value - mean) / np.exp(np.longdouble(log_sigma))
    exact = -0.5 * r * r - np.longdouble(log_sigma) - 0.5 * np.log(2 * np.pi)
    log_prob = model.log_prob([float(value)])[0]
    if exact < -float(np.finfo(dtype).max):
        assert log_prob == -np.inf
    else:
        assert log_prob == pytest.approx(float(exact), rel=1e-4 if dtype is np.float32 else 1e-10)


@every_type
def test_widths_that_cannot_be_drawn_are_refused(dtype):
    for log_sigma in (100.0 if dtype is np.float32 else 720.0, 1e4, 1e30):
        normal = constant([[0.0, 0.0], [0.0, log_sigma]], dtype, head="normal")
        mixture = constant([[0.0, 0.0, 0.0, 0.0, log_sigma, log_sigma]], dtype, head="mixture", n_components=2)
        with pytest.raises(
            ValueError, match=r"row 0 cannot be drawn, seen first at variable 1; the parameters are too large"
        ):
            normal.sample(10, seed=0)
        with pytest.raises(ValueError, match=r"row 0 cannot be drawn, seen first at variable 0"):
            mixture.sample(10, seed=0)


@every_type
def test_outliers_of_mixtures_are_impossible_where_their_density_is_beyond_the_type(dtype):
    mixture = constant([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]], dtype, head="mixture", n_components=2)
    value = 1e25 if dtype is np.float32 else 1e200
    assert mixture.log_prob([[value]])[0] == -np.inf


# --- temperature ---


@every_type
@pytest.mark.parametrize("temperature", [1e308, 1e39])
def test_the_hot_limit_is_uniform(temperature, dtype):
    u = (np.arange(300) + 0.5) / 300
    for model, share in (
        (constant([[40.0]], dtype), 1 / 2),
        (constant([[40.0, -3.0, 1e30]], dtype, n_states=3), 1 / 3),
        (huge_nade(3.0, dtype, "sigmoid"), 1 / 2),
    ):
        uniforms = np.repeat(u[:, np.newaxis], model.n_vars, axis=1)
        x, _, sampling = model.sample(300, uniforms=uniforms, temperature=temperature, return_log_prob=True)
        if dtype is np.float64 and temperature == 1e39:
            continue  # no limit yet: 1e30 / 1e39 is a number, and so is the rest
        shares = np.bincount(x[:, 0], minlength=round(1 / share)) / 300
        np.testing.assert_allclose(shares, share, atol=0.01)
        np.testing.assert_allclose(sampling, model.n_vars * np.log(share), rtol=1e-6)


@every_type
@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-40, 1e-25])
def test_the_cold_limit_is_the_most_probable_state(temperature, dtype):
    for model in (
        constant([[1e-4]], dtype),
        constant([[-1.0, 1e-4, 0.0]], dtype, n_states=3),
        constant([[-1e30, 1e30, 0.9e30]], dtype, n_states=3),
    ):
        x, _, sampling = model.sample(20, seed=0, temperature=temperature, return_log_prob=True)
        assert (x == 1).all()
        assert (sampling == 0).all()


@every_type
def test_tempered_normals_at_the_ends(dtype):
    model = constant([[1.0, 0.0]], dtype, head="normal")
    assert (model.sample(20, seed=0, temperature=5e-324) == 1.0).all()
    u = np.array([[0.25]])
    widths = [abs(model.sample(1, uniforms=u, temperature=t)[0, 0]) for t in (1e60, 1e62)]
    assert widths[1] == pytest.approx(10 * widths[0], rel=1e-4)
    if dtype is np.float32:
        with pytest.raises(
            ValueError, match=r"row 0 cannot be drawn, seen first at variable 0, at temperature 1e\+308"
        ):
            model.sample(2, seed=0, temperature=1e308)
    else:
        assert np.isfinite(model.sample(20, seed=0, temperature=1e308)).all()
