"""CUDA loops of masked networks against the CPU loops: on a GPU, or in numba's simulator (--device sim)."""

from __future__ import annotations

import numpy as np
import pytest
import reference_ar as reference
from device import run
from masked_models import plain, random_fvsbn, random_made, random_uniforms
from test_heads import constant

from fastdgm.engines.masked import plan as masked
from fastdgm.engines.masked.flow import to_noise
from fastdgm.engines.masked.plan import Layer, Shape
from fastdgm.engines.masked.run import no_context
from fastdgm.kernels import heads, made_sampling
from fastdgm.kernels.outputs import Draws, Scores

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value"),  # NumPy's, in the simulator
]

N = 6
MODELS = {
    "FVSBN": lambda **options: random_fvsbn(5, **options),
    "two layers": lambda **options: random_made(5, (4, 5), activation="elu", **options),
    "gelu": lambda **options: random_made(4, 5, activation="gelu", **options),
    "categorical": lambda **options: random_made(4, 5, n_states=3, activation="silu", **options),
    "normal": lambda **options: random_made(4, 5, head="normal", activation="tanh", **options),
    "mixture": lambda **options: random_made(3, 5, head="mixture", n_components=2, activation="softplus", **options),
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
every_type = pytest.mark.parametrize("dtype", [np.float32, np.float64])


TILE = 128  # rows of a block of threads


def state_rows(net):
    return net.biases.size + 2 * net.head_size


@pytest.fixture(scope="module")
def loops():
    from fastdgm.engines.masked.loops_cuda import LOOPS

    return LOOPS


def state(net, n):
    return np.full((state_rows(net), 2 * TILE), np.nan, net.biases.dtype)


def log_prob_on_device(loops, model, x):
    net = model._net
    scores = Scores(np.empty(len(x)), np.empty(x.shape), state(net, len(x)))
    run(loops["log_prob", "cuda"], len(x), net, x, no_context(net, len(x)), scores)
    return scores.terms, scores.log_prob


def draw_on_device(loops, model, like, *, seed=0, start=0, prefix=None, n_per_row=1, uniforms=None):
    """Draws shaped like the rows of the CPU."""
    net, n = model._net, len(like)
    source = made_sampling.PHILOX if uniforms is None else made_sampling.UNIFORMS
    length = 0 if prefix is None else prefix.shape[1]
    request = made_sampling.Request(
        np.uint64(seed), np.uint64(start), 0, length, n_per_row, 1.0, 0, 1.0, False, True, source
    )
    given = made_sampling.Given(
        np.empty((1, 1), like.dtype) if length == 0 else prefix,
        np.empty((1, 1)) if uniforms is None else uniforms.reshape(n, -1),
        no_context(net, n),
    )
    draws = Draws(np.empty_like(like), np.empty(n), np.empty(0), np.zeros(n, np.bool_), state(net, n))
    run(loops["sample", "cuda"], n, net, request, given, draws)
    return draws


def sample_on_device(loops, model, like, **options):
    """Rows shaped like those of the CPU, and their log_prob."""
    draws = draw_on_device(loops, model, like, **options)
    assert not draws.undefined.any()
    return draws.values, draws.log_prob


def check_rows(model, values, expected, uniforms):
    """Equal, but from the first variable whose uniform lies within 1e-5 of a threshold."""
    close = {"rtol": 1e-9, "atol": 1e-9} if model.dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-3}
    different = ~np.isclose(values, expected, **close)[:, model.order]
    if model.head == "normal" or not different.any():
        assert not different.any()
        return
    z = reference.parameters(plain(model), expected)
    first_words = uniforms.reshape(len(values), model.n_vars, -1)[:, :, 0]
    distance = np.abs(reference.thresholds(model.head, z) - first_words[:, :, np.newaxis]).min(axis=-1)
    rows = np.flatnonzero(different.any(axis=1))
    assert (distance[rows, different[rows].argmax(axis=1)] < 1e-5).all()


@every_type
@every_model
def test_log_prob(loops, make, dtype):
    model = make(dtype=dtype)
    x = model.sample(N, seed=0)
    terms, log_prob = log_prob_on_device(loops, model, x)
    close = {"rtol": 1e-11, "atol": 1e-11} if dtype is np.float64 else {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(terms, model.log_prob(x, per_variable=True), **close)
    np.testing.assert_allclose(log_prob, model.log_prob(x), **close)


@every_type
@every_model
@pytest.mark.parametrize("start", [5, 2**32 - 3])
def test_samples(loops, make, start, dtype):
    model = make(dtype=dtype)
    expected, log_prob = model.sample(N, seed=2**63 + 1, start=start, return_log_prob=True)
    values, own = sample_on_device(loops, model, expected, seed=2**63 + 1, start=start)
    words = model.n_vars * model.uniforms_per_variable
    check_rows(model, values, expected, reference.uniforms(2**63 + 1, start, N, words, np.float64))
    if (values == expected).all() or dtype is np.float64:
        close = 1e-9 if dtype is np.float64 else 1e-4
        np.testing.assert_allclose(own, log_prob, rtol=close, atol=close)


@every_model
def test_completions_from_given_uniforms(loops, make):
    model = make(dtype=np.float64)
    prefix = model.sample(N // 2, seed=3)[:, model.order[:2]]
    uniforms = random_uniforms(model, N)
    expected, log_prob = model.sample(prefix=prefix, n_per_row=2, uniforms=uniforms, return_log_prob=True)
    values, own = sample_on_device(loops, model, expected, prefix=prefix, n_per_row=2, uniforms=uniforms)
    assert (values[:, model.order[:2]] == np.repeat(prefix, 2, axis=0)).all()
    check_rows(model, values, expected, uniforms)
    np.testing.assert_allclose(own, log_prob, rtol=1e-9, atol=1e-9)


@every_type
def test_rare_states_among_many(loops, dtype):
    """Half of 600 states have weight exp(-16): each is drawn by the middle of what belongs to it, as on the CPU."""
    logits = np.where(np.arange(600) < 300, 0.0, -16.0)
    p = np.exp(logits) / np.exp(logits).sum()
    states = np.array([0, 150, 299, 300, 450, 599])
    model = constant([logits], dtype, n_states=600)
    uniforms = (np.cumsum(p) - p / 2)[states, np.newaxis]
    expected, log_prob = model.sample(N, uniforms=uniforms, return_log_prob=True)
    values, own = sample_on_device(loops, model, expected, uniforms=uniforms)
    assert (values.ravel() == states).all()
    assert (expected.ravel() == states).all()
    np.testing.assert_allclose(own, log_prob, atol=2e-6)
    np.testing.assert_allclose(own, np.log(p[states]), atol=2e-6)


@every_type
@pytest.mark.parametrize("log_sigma", [-100.0, 100.0, 800.0])
@pytest.mark.parametrize("value", [0.0, 1e30])
def test_densities_of_extreme_widths(loops, value, log_sigma, dtype):
    for z, options in (
        ([0.0, log_sigma], {"head": "normal"}),
        ([0.0, 0.0, 0.0, 1.0, log_sigma, log_sigma], {"head": "mixture", "n_components": 2}),
    ):
        model = constant([z], dtype, **options)
        x = np.full((2, 1), value, dtype)
        _, log_prob = log_prob_on_device(loops, model, x)
        np.testing.assert_allclose(log_prob, model.log_prob(x), rtol=1e-5)


@every_type
@pytest.mark.parametrize("nan", [[0, 1], [2, 3], [4, 5], [0], [3]], ids=str)
def test_densities_that_are_none(loops, nan, dtype):
    """Terms of a mixture that are all NaN are no density of 0."""
    z = np.zeros(6)
    z[nan] = np.nan
    _, log_prob = log_prob_on_device(
        loops, constant([z], dtype, head="mixture", n_components=2), np.zeros((2, 1), dtype)
    )
    assert np.isnan(log_prob).all()


@every_type
@pytest.mark.parametrize(
    ("z", "options"),
    [
        ([np.nan], {}),
        ([0.0, np.nan, 1.0], {"n_states": 3}),
        ([0.0, np.inf], {"head": "normal"}),
        ([np.nan, 0.0, 0.0, 0.0, 0.0, 0.0], {"head": "mixture", "n_components": 2}),
    ],
)
def test_rows_that_cannot_be_drawn_are_marked(loops, z, options, dtype):
    model = constant([z], dtype, **options)
    like = np.zeros((2, 1), np.uint8 if model.n_states else dtype)
    assert draw_on_device(loops, model, like).undefined.all()


@pytest.mark.parametrize("head", [heads.AFFINE, heads.SOFTPLUS_AFFINE])
def test_affine_heads(loops, head):
    random = np.random.default_rng(0)
    shape = Shape(np.array([1, 2, 0]), 1, head, 2)
    weights = random.normal(size=(6, 3)) * (np.arange(3)[:, np.newaxis] > np.arange(3)).repeat(2, axis=0)
    layers = [Layer(weights, random.normal(size=6))]
    net = masked.build(layers, [shape.input_degrees, shape.output_degrees], shape, np.float64)
    x = random.normal(size=(N, 3))
    scores = Scores(np.empty(N), np.empty(x.shape), state(net, N))
    run(loops["log_prob", "cuda"], N, net, x, no_context(net, N), scores)
    for own, on_cpu in zip((scores.terms, scores.log_prob), to_noise(net, x, no_context(net, N)), strict=True):
        np.testing.assert_allclose(own, on_cpu, rtol=1e-12, atol=1e-12)
