"""Loops at the boundary: rows to columns, wide codes to narrow ones, labels to codes, and what they report."""

from __future__ import annotations

import numpy as np
import pytest

from fastdgm.kernels import tiles

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu]

LARGEST = np.array([1, 2, 254, 0, 7], np.uint8)
N = 3 * tiles.TILE + 5


def codes(n: int = N) -> np.ndarray:
    """(n, n_vars), unsigned as the boundary hands them over."""
    return np.random.default_rng(0).integers(0, LARGEST.astype(int) + 1, (n, LARGEST.size)).astype(np.uint64)


@pytest.mark.parametrize("begin", [0, 11])
def test_rows_become_columns(begin):
    rows, out = codes(), np.zeros((LARGEST.size, N), np.uint8)
    assert tiles.columns_from_rows_cpu(begin, N, LARGEST, rows, out) == -1
    assert (out[:, begin:] == np.transpose(rows[begin:])).all() and not out[:, :begin].any()


@pytest.mark.parametrize("begin", [0, 11])
def test_columns_are_narrowed(begin):
    columns = np.ascontiguousarray(codes().T)
    out = np.zeros((LARGEST.size, N - begin), np.uint8)
    assert tiles.narrow_columns_cpu(begin, N, LARGEST, columns, out) == -1
    assert (out == columns[:, begin:].astype(np.uint8)).all()


@pytest.mark.parametrize("bad", [0, tiles.TILE, N - 1])
@pytest.mark.parametrize("value", [8, 256, 2**63])
def test_a_bad_code_is_reported_by_its_tile(bad, value):
    rows = codes()
    rows[bad, 4] = value
    out = np.zeros((LARGEST.size, N), np.uint8)
    for found in (
        tiles.columns_from_rows_cpu(0, N, LARGEST, rows, out),
        tiles.narrow_columns_cpu(0, N, LARGEST, np.ascontiguousarray(rows.T), out),
    ):
        assert 0 <= found <= bad < found + tiles.TILE


def test_bytes_are_relabelled():
    values = np.random.default_rng(1).integers(0, 4, N).astype(np.uint8)
    table, out = np.array([3, 0, 2, 1], np.uint8), np.empty(N, np.uint8)
    assert tiles.relabel_cpu(values, table, out) == 3
    assert (out == np.take(table, values)).all()
    assert tiles.relabel_cpu(values, np.empty(0, np.uint8), out) == 3
    assert (out == values).all()
