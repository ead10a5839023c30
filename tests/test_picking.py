"""Picking states from logits that come from outside: rare states, ties, and the ends of the temperature scale."""

from __future__ import annotations

import numpy as np
import pytest
from test_many_states import HIGHEST, PLACES, kept_by, rare_at, weights_of

from fastdgm.engines.draw import Draw
from fastdgm.engines.torch.picking import log_softmax, pick, pick_log_odds, truncated


@pytest.mark.parametrize("drop", [9.0, 16.7, 30.0])
@pytest.mark.parametrize("where", PLACES.values(), ids=PLACES)
def test_each_state_has_its_share_of_the_unit_interval(where, drop):
    logits = rare_at(20_000, where, drop)
    p = np.exp(logits) / np.exp(logits).sum()
    states = np.arange(0, 20_000, 37)
    states = states[p[states] > 1e-13]
    middles = (np.cumsum(p) - p / 2)[states]
    assert (pick(np.broadcast_to(logits, (len(states), 20_000)), middles) == states).all()


@pytest.mark.parametrize("u", [0.0, 2.0**-60, 0.3, HIGHEST])
def test_impossible_states_never_appear(u):
    logits = np.where(np.arange(999) % 3 == 1, 0.0, -np.inf)[np.newaxis]
    assert pick(logits, np.array([u]))[0] % 3 == 1


def test_probabilities_sum_to_one():
    logits = rare_at(50_000, PLACES["last"], 9.0)[np.newaxis]
    log_p = log_softmax(logits, 0)[0]
    assert np.exp(log_p).sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(log_p, np.log(weights_of(logits[0])), rtol=1e-12)


@pytest.mark.parametrize(("top_k", "top_p"), [(1, None), (7, None), (99, None), (None, 0.31), (None, 0.9), (40, 0.8)])
@pytest.mark.parametrize("levels", [4, 1000])
def test_what_truncation_keeps(levels, top_k, top_p):
    logits = np.random.default_rng(3).integers(0, levels, (1, 64)) * (4.0 / levels)
    kept = truncated(logits, Draw(1, 0, top_k=top_k, top_p=top_p))[0] > -np.inf
    p = np.exp(logits[0]) / np.exp(logits).sum()
    assert (np.flatnonzero(kept) == kept_by(p, top_k, top_p)).all()


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-20])
def test_the_cold_limit_is_the_most_probable_state(temperature):
    logits = np.array([[-1.0, 1e-4, 0.0], [1e300, 1.5e300, -np.inf]])
    cold = truncated(logits, Draw(2, 0, temperature=temperature))
    assert (pick(cold, np.array([0.001, 0.999])) == 1).all()
    assert (log_softmax(cold, 0)[:, 1] == 0).all()
    assert (pick_log_odds(cold[:, :2], np.array([0.001, 0.999])) == 1).all()


def test_the_hot_limit_is_uniform():
    hot = truncated(np.array([[40.0, -3.0, 1e30]]), Draw(1, 0, temperature=1e308))
    np.testing.assert_allclose(log_softmax(hot, 0), -np.log(3))


@pytest.mark.parametrize(
    ("p", "top_p", "n_kept"), [([0.5, 0.35, 0.1, 0.05], 0.5, 1), ([0.45, 0.3, 0.2, 0.05], 0.75, 3), ([0.5] * 2, 0.5, 1)]
)
def test_shares_that_are_top_p_up_to_rounding_are_what_they_were(p, top_p, n_kept):
    kept = truncated(np.log([p]), Draw(1, 0, top_p=top_p))
    assert np.isfinite(kept).sum() == n_kept
