"""The loops over parameters that modules gave: draws and log-probabilities are the oracle's, whatever the range."""

from __future__ import annotations

import numpy as np
import pytest
from module_vectors import FIRST, KEY, START, features_case, vector

from fastdgm.engines.torch.neural_loops import LOOPS
from fastdgm.kernels.module_reals import NormalParts
from fastdgm.runtime.arrays import read_only

pytestmark = pytest.mark.kernel
FAMILIES = ["bernoulli", "categorical", "normal", "mixture"]
N = 333


def test_features():
    plan, codes, reals, expected = features_case(N)
    for dtype in (np.float32, np.float64):
        out = np.full(expected.shape, np.nan, dtype)
        for begin, end in ((0, 5), (5, 200), (200, N)):
            LOOPS["features", "cpu"](begin, end, plan, FIRST, read_only(codes), read_only(reals), out)
        np.testing.assert_array_equal(out, expected.astype(np.float32))


def drawn(own, family, ranges):
    for begin, end in ranges:
        bad = LOOPS[f"sample {family}", "cpu"](
            FIRST + begin, FIRST + end, np.uint64(KEY), np.uint64(START), own.cells, own.parameters, own.block
        )
        assert bad == -1
    return own.block[own.own].T


def scored(own, family, ranges):
    out = np.ones(FIRST + own.n)
    for begin, end in ranges:
        LOOPS[f"log_prob {family}", "cpu"](
            FIRST + begin, FIRST + end, own.cells, own.parameters, read_only(own.block), out
        )
    assert (out[:FIRST] == 1).all()
    return out[FIRST:] - 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("family", FAMILIES)
def test_draws_are_the_oracles(family, dtype):
    own = vector(family, dtype, N, 70 if family == "bernoulli" else 5)
    expected = own.drawn()
    found = drawn(own, family, [(0, N)])
    if family in ("normal", "mixture"):
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        wrong = ~np.isclose(found, expected, rtol=tolerance, atol=tolerance)
        assert wrong.sum() <= (family == "mixture" and dtype == np.float32)  # a threshold between components
    else:
        assert (found != expected).sum() <= (dtype == np.float32)  # a uniform that lies on a threshold but for rounding
    untouched = own.block.copy()
    untouched[own.own] = 0
    assert not untouched.any()


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_do_not_depend_on_the_range(family):
    own, other = (vector(family, np.float32, N, 9) for _ in range(2))
    assert (drawn(own, family, [(0, N)]) == drawn(other, family, [(0, 1), (1, 130), (130, 147), (147, N)])).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("family", FAMILIES)
def test_log_prob_is_the_oracles(family, dtype):
    own = vector(family, dtype, N, 70 if family == "bernoulli" else 5)
    drawn(own, family, [(0, N)])
    terms = own.terms(own.block[own.own].T.astype(np.float64), *own.parts)
    found = scored(own, family, [(0, N)])
    limit = (1e-12 if dtype == np.float64 else 1e-5) * (np.abs(terms).sum(axis=1) + 1)
    assert (np.abs(found - terms.sum(axis=1)) <= limit).all()
    assert (found == scored(own, family, [(0, 3), (3, 131), (131, N)])).all()


def test_tiny_terms_count():
    own = vector("bernoulli", np.float32, 40, 33)
    own.parameters[:] = -60.0  # log p(0) = -exp(-60)
    found = scored(own, "bernoulli", [(0, 40)])
    np.testing.assert_allclose(found, 0.0, atol=1e-15)
    out = np.zeros(FIRST + 40)
    LOOPS["log_prob bernoulli", "cpu"](FIRST, FIRST + 40, own.cells, own.parameters, read_only(own.block), out)
    np.testing.assert_allclose(out[FIRST:], -33 * np.exp(-60.0), rtol=1e-5)


def test_a_fixed_standard_deviation_is_one_row():
    own = vector("normal", np.float32, N, 5)
    log_std = own.parts[1][:1].copy()
    fixed = own._replace(parameters=NormalParts(own.parts[0], log_std))
    full = own._replace(parameters=NormalParts(own.parts[0], np.repeat(log_std, N, 0)), block=own.block.copy())
    assert (drawn(fixed, "normal", [(0, N)]) == drawn(full, "normal", [(0, N)])).all()
    assert (scored(fixed, "normal", [(0, N)]) == scored(full, "normal", [(0, N)])).all()


def test_infinite_logits_are_sure():
    own = vector("bernoulli", np.float32, 200, 4)
    own.parameters[:, ::2], own.parameters[:, 1::2] = np.inf, -np.inf
    assert (drawn(own, "bernoulli", [(0, 200)]) == [1, 0, 1, 0]).all()
    assert (scored(own, "bernoulli", [(0, 200)]) == 0).all()
    own.block[own.own] = 1 - own.block[own.own]
    assert (scored(own, "bernoulli", [(0, 200)]) == -np.inf).all()


@pytest.mark.parametrize("impossible", [[0], [1], [3], [0, 2], [1, 2, 3]])
def test_states_of_probability_zero_never_appear(impossible):
    own = vector("categorical", np.float32, 5000, 2, 4)
    own.parameters[:, :, impossible] = -np.inf
    assert not np.isin(drawn(own, "categorical", [(0, 5000)]), impossible).any()


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_that_are_none(family):
    own = vector(family, np.float32, N, 5)
    own.parts[0][150, 3] = np.nan
    bad = LOOPS[f"sample {family}", "cpu"](
        FIRST, FIRST + N, np.uint64(KEY), np.uint64(START), own.cells, own.parameters, own.block
    )
    assert FIRST <= bad <= FIRST + 150
    assert np.flatnonzero(np.isnan(scored(own, family, [(0, N)]))).tolist() == [150]


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_logits_of_states_that_no_limit_explains(bad):
    own = vector("categorical", np.float64, 20, 2)
    own.parameters[3, 1] = bad
    arguments = np.uint64(KEY), np.uint64(START), own.cells, own.parameters, own.block
    assert LOOPS["sample categorical", "cpu"](FIRST, FIRST + 20, *arguments) == FIRST + 3
    assert np.isnan(scored(own, "categorical", [(0, 20)])[3])
