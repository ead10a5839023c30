"""Output heads: densities that integrate to one, the oracle's terms and values, and what extreme parameters do."""

from __future__ import annotations

import numpy as np
import pytest
import reference_ar as reference
from masked_models import plain, plain_net, random_made, random_uniforms
from reference_ar import Rule

from fastdgm.engines.draw import Draw
from fastdgm.engines.masked import plan as masked
from fastdgm.engines.masked import run as masked_run
from fastdgm.engines.masked.plan import Layer, Shape
from fastdgm.kernels import heads

pytestmark = pytest.mark.kernel

TYPES = [np.float32, np.float64]
DISCRETE = {"bernoulli": {}, "categorical": {"n_states": 3}, "two states": {"head": "categorical", "n_states": 2}}
CONTINUOUS = {
    "normal": {"head": "normal", "activation": "tanh"},
    "mixture": {"head": "mixture", "n_components": 3, "activation": "tanh"},
}
HEADS = {**DISCRETE, **CONTINUOUS}
every_head = pytest.mark.parametrize("options", HEADS.values(), ids=HEADS.keys())
every_type = pytest.mark.parametrize("dtype", TYPES)


def constant(z, dtype=np.float64, **options):
    """A model whose heads get ``z`` (n_vars, head_size) whatever the data are."""
    z = np.asarray(z, np.float64)
    model = random_made(len(z), 2, scale=0.0, order="natural", dtype=dtype, **options)
    biases = np.zeros_like(model._net.biases)
    masked.bias_view(model._net, 2, biases)[:] = z.ravel()
    return type(model)._from_net(masked.with_parameters(model._net, model._net.weights, biases))


# --- against mathematics and the oracle ---


@every_type
@pytest.mark.parametrize("options", CONTINUOUS.values(), ids=CONTINUOUS.keys())
def test_densities_integrate_to_one(options, dtype):
    model = random_made(2, 6, scale=0.5, dtype=dtype, **options)
    axis = np.linspace(-25, 25, 601)
    x = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = np.exp(model.log_prob(x)).sum() * (axis[1] - axis[0]) ** 2
    assert total == pytest.approx(1.0, abs=1e-4)


@every_type
@every_head
def test_terms_are_those_of_the_oracle(options, dtype):
    model = random_made(7, 9, dtype=dtype, scale=1.0, **options)
    x = model.sample(200, seed=0)
    expected = reference.terms(plain(model), x)
    bound = np.abs(expected).sum(axis=1) * (1e-12 if dtype is np.float64 else 1e-5)
    terms, log_prob = model.log_prob(x, per_variable=True), model.log_prob(x)
    assert (np.abs(terms - expected).max(axis=1) <= bound).all()
    assert (np.abs(log_prob - expected.sum(axis=1)) <= bound).all()
    np.testing.assert_allclose(terms.sum(axis=1), log_prob, rtol=1e-12, atol=1e-12)


@every_head
def test_float64_samples_are_those_of_the_naive_method(options):
    model = random_made(20, 15, dtype=np.float64, scale=1.0, **options)
    uniforms = random_uniforms(model, 150)
    x, expected = model.sample(150, uniforms=uniforms), reference.sample(plain(model), uniforms)
    if model.n_states is None:
        np.testing.assert_allclose(x, expected, rtol=1e-10, atol=1e-10)
    else:
        assert (x == expected).all()


@every_head
def test_float32_samples_differ_only_where_a_uniform_is_close_to_a_threshold(options):
    model = random_made(20, 15, scale=1.0, **options)
    uniforms = random_uniforms(model, 800)
    x, expected = model.sample(800, uniforms=uniforms), reference.sample(plain(model), uniforms)
    different = ~np.isclose(x, expected, rtol=1e-3, atol=1e-3)[:, model.order]
    if options == CONTINUOUS["normal"]:
        assert not different.any()
        return
    z = reference.parameters(plain(model), expected)
    first_words = uniforms.reshape(800, 20, -1)[:, :, 0]
    distance = np.abs(reference.thresholds(plain(model).head, z) - first_words[:, :, np.newaxis]).min(axis=-1)
    rows = np.flatnonzero(different.any(axis=1))
    assert (distance[rows, different[rows].argmax(axis=1)] < 1e-5).all()
    assert len(rows) < 30


def test_more_states_than_a_byte_holds():
    model = random_made(3, 5, n_states=300, dtype=np.float64)
    uniforms = random_uniforms(model, 400)
    x, log_prob = model.sample(400, uniforms=uniforms, return_log_prob=True)
    assert x.dtype == np.uint16
    assert x.max() > 255
    assert (x == reference.sample(plain(model), uniforms)).all()
    np.testing.assert_allclose(log_prob, reference.log_prob(plain(model), x), rtol=1e-12)


@every_type
def test_rows_of_normals_have_the_right_moments(dtype):
    model = constant([[1.5, np.log(0.5)]], dtype, head="normal")
    x = model.sample(100_000, seed=3)[:, 0]
    assert x.mean() == pytest.approx(1.5, abs=0.01)
    assert x.std() == pytest.approx(0.5, abs=0.01)
    warm = model.sample(100_000, temperature=4.0, seed=3)[:, 0]
    assert warm.std() == pytest.approx(1.0, abs=0.02)


# --- affine heads, with context (flows) ---


@every_type
@pytest.mark.parametrize("head", [heads.AFFINE, heads.SOFTPLUS_AFFINE])
def test_affine_heads_turn_noise_into_values_and_back(head, dtype):
    random = np.random.default_rng(0)
    shape = Shape(np.array([2, 0, 3, 1]), 1, head, 2, n_context=2)
    hidden = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    degrees = [shape.input_degrees, hidden, shape.output_degrees]
    layers = [  # build() drops what the degrees forbid
        Layer(random.normal(size=(8, 6)), random.normal(size=8), "tanh"),
        Layer(random.normal(size=(8, 8)), random.normal(size=8), source=1),
    ]
    net = masked.build(layers, degrees, shape, dtype)
    noise, context = random.normal(size=(70, 4)), random.normal(size=(70, 2)).astype(dtype)
    x = masked_run.sample(net, Draw(70, 0, context=context), None, noise).values
    close = {"rtol": 1e-10, "atol": 1e-10} if dtype is np.float64 else {"rtol": 1e-3, "atol": 1e-4}
    np.testing.assert_allclose(x, reference.sample(plain_net(net), noise, context=context), **close)
    by_position = masked_run.score(net, x, context, True)[:, shape.order]
    np.testing.assert_allclose(by_position, noise, **close)
    log_determinant = masked_run.score(net, x, context, False)
    np.testing.assert_allclose(log_determinant, reference.log_prob(plain_net(net), x, context), **close)


# --- extreme parameters ---


@every_type
def test_huge_logits(dtype):
    model = constant([[1e4], [-1e4], [0.0]], dtype)
    x, log_prob = model.sample(100, seed=0, return_log_prob=True)
    assert (x[:, :2] == [1, 0]).all()
    np.testing.assert_allclose(log_prob, np.log(0.5), rtol=1e-6)
    assert model.log_prob([0, 1, 0])[0] == pytest.approx(-20_000 + np.log(0.5))


@every_type
def test_huge_logits_of_states(dtype):
    model = constant([[1e4, -1e4, 0.0], [-1e4, 3.0, 3.0]], dtype, n_states=3)
    x, log_prob = model.sample(200, seed=0, return_log_prob=True)
    assert (x[:, 0] == 0).all()
    assert set(x[:, 1].tolist()) == {1, 2}
    np.testing.assert_allclose(log_prob, np.log(0.5), rtol=1e-6)
    assert model.log_prob([1, 1])[0] == pytest.approx(-20_000 + np.log(0.5))


@every_type
@pytest.mark.parametrize("u", [0.0, 1 - 2.0**-53])
def test_states_of_no_probability_never_appear(u, dtype):
    model = constant([[-1e4, 0.0, -1e4, 0.0, -1e4]], dtype, n_states=5)
    x = model.sample(3, uniforms=np.full((3, 1), u))
    assert (x == (1 if u == 0 else 3)).all()


@every_type
@pytest.mark.parametrize("u", [0.0, 1 - 2.0**-53])
def test_certain_bits_are_certain(u, dtype):
    model = constant([[1e4], [-1e4], [200.0], [-200.0]], dtype)
    assert (model.sample(1, uniforms=np.full((1, 4), u)) == [1, 0, 1, 0]).all()


@every_type
def test_small_probabilities_keep_their_digits(dtype):
    """log p of what is nearly certain is no difference of large numbers."""
    model = constant([[12.0], [-12.0]], dtype)
    expected = np.log1p(np.exp(-12.0)) * -2
    assert model.log_prob([1, 0])[0] == pytest.approx(expected, rel=1e-5 if dtype is np.float32 else 1e-12)


@every_type
@pytest.mark.parametrize("log_sigma", [-1e4, -60.0, 0.0, 60.0, 1e4])
@pytest.mark.parametrize("value", [0.0, 1.0, -1e30, "largest"])
def test_normals_far_from_their_data_are_never_nan(value, log_sigma, dtype):
    normal = constant([[0.0, log_sigma]], dtype, head="normal")
    mixture = constant([[0.0, 3.0, 0.0, 1.0, log_sigma, log_sigma]], dtype, head="mixture", n_components=2)
    for model in (normal, mixture):
        log_prob = model.log_prob([0.9 * float(np.finfo(dtype).max) if value == "largest" else value])[0]
        assert not np.isnan(log_prob)
        assert log_prob < 1e5


@every_type
def test_outliers_of_mixtures(dtype):
    model = constant([[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]], dtype, head="mixture", n_components=2)
    assert model.log_prob([100.0])[0] == pytest.approx(reference.log_prob(plain(model), [[100.0]])[0], rel=1e-5)
    assert model.log_prob([1e25])[0] < -1e30


# --- tempering and truncation ---

RULES = [
    Rule(0.5),
    Rule(3.0),
    Rule(1.0, top_k=1),
    Rule(1.0, top_k=2),
    Rule(1.0, top_p=0.6),
    Rule(2.0, top_p=0.85),
    Rule(0.7, top_k=2, top_p=0.95),
    Rule(1.0, top_p=1e-9),
    Rule(1.0, top_k=99, top_p=1.0),
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("options", DISCRETE.values(), ids=DISCRETE.keys())
def test_truncated_samples_are_those_of_the_brute_force_distribution(options, rule):
    model = random_made(5, 8, dtype=np.float64, scale=1.5, **options)
    uniforms = random_uniforms(model, 400)
    x, log_prob, sampling = model.sample(400, uniforms=uniforms, return_log_prob=True, **rule._asdict())
    assert (x == reference.sample(plain(model), uniforms, rule=rule)).all()
    np.testing.assert_allclose(log_prob, model.log_prob(x), rtol=1e-12)
    expected = reference.terms(plain(model), x, rule=rule).sum(axis=1)
    np.testing.assert_allclose(sampling, expected, rtol=1e-11, atol=1e-12)
    every_row = reference.all_rows(5, model.n_states)
    assert np.exp(reference.terms(plain(model), every_row, rule=rule).sum(axis=1)).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("rule", [Rule(0.5), Rule(1.0, top_k=2), Rule(0.7, top_p=0.8)])
@pytest.mark.parametrize("options", DISCRETE.values(), ids=DISCRETE.keys())
def test_the_sampling_log_prob_sums_to_one_over_what_can_appear(options, rule):
    model = random_made(3, 8, **options)
    x, _, sampling = model.sample(20_000, seed=0, return_log_prob=True, **rule._asdict())
    _, first = np.unique(x, axis=0, return_index=True)
    assert np.exp(sampling[first]).sum() == pytest.approx(1.0, abs=2e-3)


@every_type
@pytest.mark.parametrize("options", DISCRETE.values(), ids=DISCRETE.keys())
def test_top_1_takes_the_most_probable_state(options, dtype):
    model = random_made(6, 9, dtype=dtype, **options)
    x, _, sampling = model.sample(20, top_k=1, seed=0, return_log_prob=True)
    assert (x == x[0]).all()
    assert (sampling == 0).all()
    z = reference.parameters(plain(model), x)
    log_p = reference.log_probabilities(plain(model).head, z)
    assert (x[:, model.order] == log_p.argmax(axis=-1)).all()


@every_type
def test_of_equal_states_truncation_keeps_the_lower(dtype):
    assert (constant([[0.0]], dtype).sample(20, top_k=1, seed=0) == 0).all()
    model = constant([[0.0, 1.0, 1.0, 1.0]], dtype, n_states=4)
    assert set(model.sample(200, top_k=2, seed=0)[:, 0].tolist()) == {1, 2}
    assert (model.sample(50, top_p=0.1, seed=0) == 1).all()


@pytest.mark.parametrize("temperature", [0.25, 4.0])
def test_tempered_normals(temperature):
    model = random_made(5, 8, dtype=np.float64, **CONTINUOUS["normal"])
    rule = Rule(temperature)
    uniforms = random_uniforms(model, 100)
    x, log_prob, sampling = model.sample(100, uniforms=uniforms, temperature=temperature, return_log_prob=True)
    np.testing.assert_allclose(x, reference.sample(plain(model), uniforms, rule=rule), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(log_prob, model.log_prob(x), rtol=1e-12)
    np.testing.assert_allclose(sampling, reference.terms(plain(model), x, rule=rule).sum(axis=1), rtol=1e-10)


def test_what_cannot_be_truncated():
    for options in CONTINUOUS.values():
        with pytest.raises(ValueError, match="top_k and top_p need discrete variables"):
            random_made(3, 4, **options).sample(2, top_k=1)
    with pytest.raises(ValueError, match="a mixture of Normals cannot be tempered"):
        random_made(3, 4, **CONTINUOUS["mixture"]).sample(2, temperature=0.5)
