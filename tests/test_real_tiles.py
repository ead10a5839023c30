"""Loops at the boundary for real numbers: rows to columns, and what they report."""

from __future__ import annotations

import numpy as np
import pytest

from fastdgm.kernels import real_tiles

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu]

N = 1037  # with rows beyond the last full eight


def numbers(dtype, n=N, n_cells=7):
    rows = np.random.default_rng(0).normal(size=(n, n_cells)).astype(dtype)
    rows[3, 2], rows[4, 5] = np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal
    return rows


def as_input(array):
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


CELLS = [[0, 4, 6], [], [3], range(7), range(2, 6), range(30), range(9, 18), range(4, 12), [*range(8), 29]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("begin", "end"), [(0, N), (5, 1000), (8, 8), (N - 1, N)])
@pytest.mark.parametrize("cells", CELLS)
def test_rows_become_columns(dtype, begin, end, cells):
    rows, cells = numbers(dtype, n_cells=30), np.array(cells, np.int64)
    out = np.empty((len(cells), end - begin), dtype)
    assert real_tiles.reals_from_rows_cpu(begin, end, False, as_input(rows), as_input(cells), out) == -1
    np.testing.assert_array_equal(out, np.transpose(rows[begin:end, cells]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bad", [0, 700, N - 1])
def test_what_is_no_number_is_reported(dtype, value, bad):
    rows, cells = numbers(dtype), as_input(np.arange(7))
    rows[bad, 6] = value
    out = np.empty((7, N), dtype)
    for missing in (False, True):
        found = [
            real_tiles.reals_from_rows_cpu(0, N, missing, as_input(rows), cells, out),
            real_tiles.check_reals_cpu(0, N, missing, as_input(rows.T)),
        ]
        expected = not np.isfinite(rows[bad, 6]) and not (missing and np.isnan(value))
        assert [0 <= row <= bad for row in found] == [expected, expected]
        if not expected:
            np.testing.assert_array_equal(out, rows.T)


def test_only_the_rows_asked_for_are_checked():
    rows, cells = numbers(np.float32), as_input(np.arange(7))
    rows[10, 0] = np.nan
    assert real_tiles.check_reals_cpu(11, N, False, as_input(rows.T)) == -1
    assert real_tiles.reals_from_rows_cpu(11, N, False, as_input(rows), cells, np.empty((7, N - 11), np.float32)) == -1
