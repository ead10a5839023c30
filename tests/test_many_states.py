"""Categorical heads of many states: rare states come as often as they should, and truncation costs about a sort."""

from __future__ import annotations

import time

import numpy as np
import pytest
from test_heads import constant

TYPES = [np.float32, np.float64]
every_type = pytest.mark.parametrize("dtype", TYPES)
HIGHEST = 1 - 2.0**-53


def weights_of(logits):
    """The exact weights of the logits as a float32 network holds them, and their running sums."""
    z = np.asarray(logits, np.float32).astype(np.float64)
    weights = np.exp(z - z.max())
    return weights / weights.sum()


def rare_at(n_states, where, drop):
    """Logits 0, but ``drop`` below in a run of states that ``where`` = (begin, end) cuts out."""
    logits = np.zeros(n_states)
    logits[slice(*(int(part * n_states) for part in where))] = -drop
    return logits


PLACES = {"first": (0, 0.5), "last": (0.5, 1), "inner": (0.25, 0.75), "all but the first": (0.0001, 1)}


@pytest.mark.parametrize("drop", [9.0, 16.7])
@pytest.mark.parametrize("where", PLACES.values(), ids=PLACES)
def test_each_state_has_its_share_of_the_unit_interval(where, drop):
    """The inverse distribution function at the middle of what belongs to a state, wherever that lies."""
    logits = rare_at(20_000, where, drop)
    p = weights_of(logits)
    ends = np.cumsum(p)
    states = np.arange(0, 20_000, 37)
    states = states[p[states] > 1e-12]
    x = constant([logits], np.float32, n_states=20_000).sample(len(states), uniforms=(ends - p / 2)[states, np.newaxis])
    # exp is within 3 ulp in float32, which moves later thresholds by as much of what lies before them
    own = np.abs(x.ravel().astype(int) - states)
    reach = 1 + 1e-6 * np.minimum(ends, 1 - ends)[states] / p[states]
    assert (own <= reach).all()


@pytest.mark.parametrize("scale", [1.1, 0.3])
def test_frequencies_of_20_000_states(scale):
    """Chi-square at a fixed seed; states that are too rare for it are taken together."""
    n, logits = 40_000, -scale * np.log(np.arange(1, 20_001))
    counts = np.bincount(constant([logits], np.float32, n_states=20_000).sample(n, seed=1).ravel(), minlength=20_000)
    expected = n * weights_of(logits)
    rare = expected < 5
    observed, means = np.append(counts[~rare], counts[rare].sum()), np.append(expected[~rare], expected[rare].sum())
    observed, means = observed[means > 0], means[means > 0]
    statistic, freedom = ((observed - means) ** 2 / means).sum(), len(means) - 1
    assert abs(statistic - freedom) < 4 * np.sqrt(2 * freedom)


def test_rare_states_come_as_often_as_they_should():
    logits = rare_at(256, PLACES["last"], 9.0)
    n, p = 400_000, weights_of(logits)[128:].sum()
    drawn = int((constant([logits], np.float32, n_states=256).sample(n, seed=1) >= 128).sum())
    assert abs(drawn - n * p) < 4 * np.sqrt(n * p)


LOGITS = {
    "equal": np.zeros,
    "Zipf": lambda n: -1.1 * np.log(np.arange(1, n + 1)),
    "half rare": lambda n: rare_at(n, PLACES["last"], 9.0),
    "one large": lambda n: rare_at(n, PLACES["all but the first"], 16.7),
    "normal": lambda n: np.random.default_rng(0).normal(size=n) * 3,
}


@pytest.mark.parametrize("make", LOGITS.values(), ids=LOGITS)
@pytest.mark.parametrize(("dtype", "n"), [(np.float32, 50_000), (np.float64, 3000)])
def test_probabilities_of_many_states_sum_to_one(make, n, dtype):
    """Every state of K = 50 000; one variable is enough to see a sum, and K**2 terms to know it."""
    logits = make(n)
    model = constant([logits], dtype, n_states=n)
    log_prob = model.log_prob(np.arange(n)[:, np.newaxis])
    assert np.exp(log_prob).sum() == pytest.approx(1.0, abs=1e-6 if dtype is np.float32 else 1e-12)
    exact = np.log(weights_of(logits)) if dtype is np.float32 else logits - np.logaddexp.reduce(logits)
    assert np.abs(log_prob - exact).max() < (4e-6 if dtype is np.float32 else 1e-11)


@every_type
def test_mixtures_of_many_components(dtype):
    """Half of 2000 components are rare; a component shows by its mean."""
    m, rare = 2000, 1000
    logits = rare_at(m, PLACES["last"], 9.0)
    z = np.concatenate([logits, (np.arange(m) >= rare) * 100.0, np.zeros(m)])
    model, n, p = constant([z], dtype, head="mixture", n_components=m), 100_000, weights_of(logits)[rare:].sum()
    assert abs(int((model.sample(n, seed=2) > 50).sum()) - n * p) < 4 * np.sqrt(n * p)
    assert model.log_prob([100.0])[0] == pytest.approx(np.log(p) - 0.5 * np.log(2 * np.pi), abs=1e-5)


@every_type
@pytest.mark.parametrize("u", [0.0, 2.0**-60, 0.3, HIGHEST])
def test_impossible_states_among_many_never_appear(u, dtype):
    logits = np.where(np.arange(3000) % 3 == 1, 0.0, -1e4)
    x = constant([logits], dtype, n_states=3000).sample(2, uniforms=np.full((2, 1), u)).ravel()
    assert (x % 3 == 1).all()
    if u in (0.0, HIGHEST):
        assert (x == (1 if u == 0.0 else 2998)).all()


# --- truncation ---


def kept_by(p, top_k, top_p):
    """The top_k most probable states, of equals the first; of these the first ones until their share is top_p."""
    largest = np.argsort(-p, kind="stable")[:top_k]
    share = p[largest] / p[largest].sum()
    before = np.cumsum(share) - share
    return np.sort(largest[before < (2.0 if top_p is None else top_p)])


@every_type
@pytest.mark.parametrize(("top_k", "top_p"), [(1, None), (7, None), (64, None), (None, 0.31), (None, 0.9), (40, 0.8)])
@pytest.mark.parametrize("kind", ["distinct", "ties", "all equal"])
def test_what_truncation_keeps(kind, top_k, top_p, dtype):
    random = np.random.default_rng(3)
    logits = {"distinct": random.normal(size=64), "ties": random.integers(0, 4, 64) * 1.0, "all equal": np.zeros(64)}
    z = logits[kind].astype(dtype).astype(np.float64)
    p = np.exp(z) / np.exp(z).sum()
    kept = kept_by(p, top_k, top_p)
    middles = (np.cumsum(p[kept]) - p[kept] / 2) / p[kept].sum()
    model = constant([z], dtype, n_states=64)
    x, _, sampling = model.sample(
        len(kept), uniforms=middles[:, np.newaxis], top_k=top_k, top_p=top_p, return_log_prob=True
    )
    assert (x.ravel() == kept).all()
    np.testing.assert_allclose(sampling, np.log(p[kept] / p[kept].sum()), atol=1e-6)


@every_type
def test_truncation_of_logits_far_from_zero(dtype):
    """What truncation removes has probability 0, however small the logits of the others are."""
    model = constant([[-1e35, -2e35, -1e35, -3e35]], dtype, n_states=4)
    assert set(model.sample(200, top_k=2, seed=0).ravel().tolist()) == {0, 2}
    assert (model.sample(50, top_p=0.4, seed=0) == 0).all()


def test_truncation_costs_about_a_sort():
    """26 s for these cells once: kept x K. The bound is 20 times what a stable argsort of them takes."""
    model = constant(np.random.default_rng(0).normal(size=(4, 10_000)) * 0.1, np.float32, n_states=10_000)
    for rule in ({"top_p": 0.9}, {"top_k": 5000}):
        model.sample(16, seed=0, **rule)
        begin = time.perf_counter()
        model.sample(16, seed=0, **rule)
        taken = time.perf_counter() - begin
        begin = time.perf_counter()
        for _ in range(64):
            np.argsort(np.random.default_rng(0).normal(size=10_000), kind="stable")
        assert taken < 20 * (time.perf_counter() - begin) + 0.5
