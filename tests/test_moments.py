"""Moments of real columns by configuration, against exact fractions."""

from __future__ import annotations

import numpy as np
import pytest
import reference_moments

from fastdgm.data.blocks import Part
from fastdgm.engines.moments.collect import collect_moments, merge_moments
from fastdgm.engines.moments.loops import LOOPS
from fastdgm.engines.moments.plan import Family, Strata
from fastdgm.engines.moments.sums import Moments, pooled

pytestmark = pytest.mark.kernel

FAMILIES = [
    Family((), (), (0,)),
    Family((), (), (0, 3, 1)),
    Family((1,), (3,), (4, 2)),
    Family((0, 1), (2, 3), (2, 0, 3)),
    Family((1, 0), (3, 2), (1,)),
]


def data(n: int, dtype=np.float64, seed: int = 0):
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(0, k, n) for k in (2, 3)]).astype(np.uint8)
    reals = rng.normal(size=(5, n)) * [[1], [3], [0.1], [10], [1]] + [[0], [5], [-2], [100], [0]]
    return codes, reals.astype(dtype)


def collect(strata: Strata, codes, reals, weights=None, begin: int = 0, end: int | None = None):
    part = Part("columns", codes, 0, reals)
    return collect_moments(strata, begin, reals.shape[1] if end is None else end, part, weights)


def check(family: Family, found: Moments, codes, reals, weights=None, tolerance: float = 1e-12):
    expected = reference_moments.moments(family.axes, family.columns, codes, reals, weights)
    for c, key in enumerate(np.ndindex(*family.n_states)):
        if key not in expected:
            assert found.rows[c] == found.weight[c] == 0
            continue
        rows, weight, mean, cross = expected[key]
        spread = np.sqrt(np.diagonal(cross))
        assert found.rows[c] == rows
        assert found.weight[c] == pytest.approx(weight, rel=1e-14)
        np.testing.assert_allclose(found.mean[c], mean, rtol=1e-15, atol=tolerance * spread.max())
        assert (np.abs(found.cross[c] - cross) <= tolerance * (spread[:, None] * spread + 1e-300)).all()


def check_equal(own: Moments, other: Moments):
    assert (own.rows == other.rows).all()
    for a, b in zip((own.weight, own.mean, own.cross), (other.weight, other.mean, other.cross), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [1, 37, 300])
def test_moments_are_those_of_exact_fractions(n, weighted, dtype):
    codes, reals = data(n, dtype)
    weights = np.random.default_rng(1).uniform(0, 2, n) * (np.arange(n) % 5 != 3) if weighted else None
    strata = Strata(FAMILIES)
    found = collect(strata, codes, reals, weights)
    for number, family in enumerate(FAMILIES):
        check(family, strata.moments_of(number, found), codes, reals, weights)


@pytest.mark.parametrize("weighted", [False, True])
def test_large_offsets_do_not_cancel(weighted):
    """Columns of 1e6 +- 1e-3, and modes far apart: the moments of each are as exact as the numbers themselves."""
    rng = np.random.default_rng(2)
    n = 400
    codes = np.stack([rng.integers(0, 2, n), np.zeros(n, int)]).astype(np.uint8)
    reals = np.stack([1e6 + 1e-3 * rng.normal(size=n), np.where(codes[0], 1e6, -1e6) + 1e-3 * rng.normal(size=n)])
    weights = rng.uniform(0.5, 1.5, n) if weighted else None
    families = [Family((), (), (0,)), Family((0,), (2,), (0, 1))]
    strata = Strata(families)
    found = collect(strata, codes, reals, weights)
    halves = [collect(strata, codes, reals, weights, *rows) for rows in ((0, 150), (150, n))]
    for sums in (found, merge_moments(strata, *halves)):
        for number, family in enumerate(families):
            check(family, strata.moments_of(number, sums), codes, reals, weights)


def test_a_row_of_weight_0_is_as_if_it_were_not_there():
    codes, reals = data(60)
    reals[:, 0] = 1e300  # the first row, and so a shift, if it counted
    weights = np.ones(60)
    weights[0] = 0.0
    strata = Strata(FAMILIES)
    found, without = collect(strata, codes, reals, weights), collect(strata, codes[:, 1:], reals[:, 1:].copy())
    for own, other in zip(found, without, strict=True):
        check_equal(own, other)


@pytest.mark.parametrize("begin", [0, 1, 40])
@pytest.mark.parametrize(("far", "weight"), [(1e9, 1e-15), (1e8, 1e-17), (1e9, 1e-20), (-1e6, 1.0)])
def test_rows_far_out_that_come_first(far, weight, begin):
    """Whatever their weight; by themselves, too, in a piece of their own that is merged with the others."""
    codes, reals = data(200)
    weights = np.random.default_rng(5).uniform(0.5, 1.5, 200)
    reals[:, :40] += far
    weights[:40] *= weight
    strata = Strata(FAMILIES)
    pieces = [collect(strata, codes, reals, weights, *rows) for rows in ((0, begin), (begin, 200))]
    for number, family in enumerate(FAMILIES):
        found = strata.moments_of(number, merge_moments(strata, *pieces))
        check(family, found, codes, reals, weights, tolerance=1e-11)


@pytest.mark.parametrize("split", [1, 100, 299])
def test_merged_moments_are_those_of_all_rows(split):
    codes, reals = data(300)
    strata = Strata(FAMILIES)
    whole = collect(strata, codes, reals)
    parts = [collect(strata, codes, reals, None, *rows) for rows in ((0, split), (split, 300))]
    for own, other in zip(merge_moments(strata, *parts), whole, strict=True):
        check_equal(own, other)


def test_pooled_moments_are_those_without_axes():
    codes, reals = data(300)
    strata = Strata([Family((0, 1), (2, 3), (2, 0, 3)), Family((), (), (2, 0, 3))])
    found = collect(strata, codes, reals)
    check_equal(pooled(strata.moments_of(0, found)), strata.moments_of(1, found))


def test_many_rows_and_runs():
    """More rows than are sorted at once, and more columns than a long run has room for."""
    rng = np.random.default_rng(3)
    n = 9000
    codes = rng.integers(0, 7, (1, n)).astype(np.uint8)
    reals = rng.normal(size=(120, n)).astype(np.float32)
    weights = rng.uniform(size=n)
    families = [Family((), (), tuple(range(120))), Family((0,), (7,), tuple(range(100, 120)))]
    strata = Strata(families)
    for own_weights in (None, weights):
        found = collect(strata, codes, reals, own_weights)
        w = np.ones(n) if own_weights is None else own_weights
        for number, family in enumerate(families):
            own = strata.moments_of(number, found)
            for c in range(len(own.rows)):
                rows = slice(None) if not family.axes else codes[0] == c
                x = reals[list(family.columns)][:, rows].astype(float)
                mean = np.average(x, axis=1, weights=w[rows])
                x -= mean[:, None]
                np.testing.assert_allclose(own.mean[c], mean, atol=1e-12)
                np.testing.assert_allclose(own.cross[c], (x * w[rows]) @ x.T, atol=1e-8)


def test_configurations_without_rows_and_many_of_them():
    codes = np.array([[0, 299, 299, 7], [255, 255, 255, 0]], np.uint16)
    reals = np.array([[1.0, 2.0, 4.0, 8.0]])
    strata = Strata([Family((0, 1), (300, 256), (0,))])
    own = strata.moments_of(0, collect(strata, codes, reals))
    assert own.rows.sum() == 4 and np.flatnonzero(own.rows).tolist() == [255, 7 * 256, 299 * 256 + 255]
    assert own.mean[299 * 256 + 255, 0] == 3.0 and own.cross[299 * 256 + 255, 0, 0] == 2.0


def test_codes_out_of_range_stay_within_the_records():
    """Rows that another thread changes after they were checked: wrong numbers at worst."""
    strata = Strata([Family((0,), (2,), (0,))])
    sums = strata.new_records()
    codes = np.array([[0, 255, 1]], np.uint8)
    LOOPS["moments", "cpu"](0, 3, strata.plan, codes, np.ones((1, 3)), None, sums)
    assert sums.reshape(2, -1)[:, 0].tolist() == [1.0, 2.0]


def test_no_families_and_no_rows():
    assert Strata([]).n_sums == 0
    strata = Strata(FAMILIES)
    empty = np.empty((2, 0), np.uint8), np.empty((5, 0))
    assert all(own.rows.sum() == 0 for own in collect(strata, *empty))


def test_too_many_configurations_are_refused():
    with pytest.raises(ValueError, match="less than 2\\*\\*31 joint states"):
        Strata([Family((0, 1), (65535, 65535), (0,))])
