"""FVSBN: a chain of logistic regressions, and what is special about it among the masked networks."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import reference_ar as reference
from masked_models import plain, random_fvsbn

from fastdgm.autoregressive.fvsbn import FVSBN
from fastdgm.engines.masked import plan as masked

pytestmark = pytest.mark.generic_cpu

TYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", TYPES)
def test_a_new_model_is_uniform(dtype):
    model = FVSBN(8, dtype=dtype)
    np.testing.assert_allclose(model.log_prob(np.eye(8)), 8 * np.log(0.5), rtol=1e-6)
    assert model.bits_per_variable(np.eye(8)) == pytest.approx(1.0, rel=1e-6)
    x = model.sample(20_000, seed=0)
    assert np.abs(x.mean(axis=0) - 0.5).max() < 0.015


@pytest.mark.parametrize("dtype", TYPES)
def test_every_variable_is_a_logistic_regression_on_those_before(dtype):
    model = random_fvsbn(7, dtype=dtype)
    weights = masked.layer_view(model._net, 1).astype(np.float64)
    biases = masked.bias_view(model._net, 1).astype(np.float64)
    assert (np.triu(weights) == 0).all()
    x = model.sample(300, seed=1)
    terms = model.log_prob(x, per_variable=True)
    for d, variable in enumerate(model.order):
        z = biases[d] + x[:, model.order[:d]] @ weights[d, :d]
        p = reference.sigmoid(np.where(x[:, variable] == 1, z, -z))
        np.testing.assert_allclose(
            terms[:, variable], np.log(p), rtol=1e-5 if dtype is np.float32 else 1e-12, atol=1e-6
        )


@pytest.mark.parametrize("n_vars", [1, 2, 16, 17, 50])
def test_samples_are_those_of_the_naive_method(n_vars):
    model = random_fvsbn(n_vars, dtype=np.float64)
    uniforms = np.random.default_rng(0).random((40, n_vars))
    x, log_prob = model.sample(40, uniforms=uniforms, return_log_prob=True)
    assert (x == reference.sample(plain(model), uniforms)).all()
    np.testing.assert_allclose(log_prob, reference.log_prob(plain(model), x), rtol=1e-12)


def test_float32_samples_differ_only_where_a_uniform_is_close_to_its_threshold():
    model = random_fvsbn(40)
    uniforms = np.random.default_rng(2).random((1000, 40), dtype=np.float32)
    x, expected = model.sample(1000, uniforms=uniforms), reference.sample(plain(model), uniforms)
    p = reference.sigmoid(reference.parameters(plain(model), expected)[:, :, 0])
    for row in np.flatnonzero((x != expected).any(axis=1)):
        first = int(np.argmax((x != expected)[row, model.order]))
        assert abs(uniforms[row, first] - p[row, first]) < 1e-5


def test_structure():
    model = FVSBN(5, order="random", seed=2)
    assert model.n_parameters == 5 + 10
    assert (model.n_states, model.head) == (2, "bernoulli")
    assert sorted(model.order) == list(range(5))
    assert repr(model) == "FVSBN(n_vars=5): 15 parameters, float32"


@pytest.mark.parametrize("dtype", TYPES)
def test_states_and_copies_round_trip(dtype):
    model = random_fvsbn(6, dtype=dtype)
    x = reference.all_rows(6)
    for twin in (FVSBN._from_state(*model._state()), copy.deepcopy(model)):
        assert isinstance(twin, FVSBN)
        assert (twin.log_prob(x) == model.log_prob(x)).all()
        assert (twin.order == model.order).all()


def test_the_state_of_another_network_is_refused():
    from fastdgm.autoregressive.made import MADE

    for other in (MADE(3, 4), MADE(3, 4, head="normal")):
        with pytest.raises(ValueError, match="an FVSBN is one bernoulli layer, got 2"):
            FVSBN._from_state(*other._state())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_vars": 0}, ValueError, "n_vars must be at least 1, got 0"),
        ({"n_vars": "3"}, TypeError, "n_vars must be an integer"),
        ({"order": [0, 0, 1]}, ValueError, "order must hold every variable 0 .. 2 once"),
        ({"dtype": complex}, ValueError, "dtype must be float32 or float64"),
    ],
)
def test_bad_settings(options, error, message):
    with pytest.raises(error, match=message):
        FVSBN(**{"n_vars": 3, **options})
