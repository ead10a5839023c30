"""Loops that read codes of which some are missing, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from fastdgm.kernels import evidence_tiles, tiles
from fastdgm.runtime.arrays import read_only

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu]

N_STATES = read_only(np.array([2, 3, 255, 1, 8], np.uint8))
N = 2 * tiles.TILE + 5


def some_codes(n_states: np.ndarray = N_STATES, n: int = N) -> np.ndarray:
    """(n, n_vars) int64, a third of them -1."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, n_states.astype(np.int64), (n, n_states.size))
    codes[rng.random(codes.shape) < 1 / 3] = -1
    return codes


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("begin", [0, 11])
def test_rows_and_columns_are_narrowed(width, begin):
    codes = some_codes()
    rows = codes.astype(f"u{width // 8}")
    for loop, array in [
        (evidence_tiles.evidence_from_rows_cpu, rows),
        (evidence_tiles.evidence_from_columns_cpu, np.ascontiguousarray(rows.T)),
    ]:
        out = np.empty((N_STATES.size, N - begin), np.uint8)
        assert loop(begin, N, N_STATES, read_only(array), out) == -1
        assert (out == np.transpose(codes[begin:]).astype(np.uint8)).all()


def test_two_bytes():
    n_states = read_only(np.array([65_535, 300, 2], np.uint16))
    codes = some_codes(n_states)
    rows, out = codes.astype(np.uint16), np.empty((3, N), np.uint16)
    assert evidence_tiles.evidence_from_rows_cpu(0, N, n_states, read_only(rows), out) == -1
    assert (out == rows.T).all()


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("bad", [0, tiles.TILE, N - 1])
@pytest.mark.parametrize("value", [8, 254])
def test_a_bad_code_is_reported_by_its_tile(width, bad, value):
    rows = some_codes().astype(f"u{width // 8}")
    rows[bad, 4] = value
    check_reported(rows, bad)


@pytest.mark.parametrize("value", [255, 256, 2**40 + 1, 2**64 - 2, 2**63])
def test_a_wide_bad_code_is_reported(value):
    rows = some_codes().astype(np.uint64)
    rows[tiles.TILE + 3, 4] = value
    check_reported(rows, tiles.TILE + 3)


def check_reported(rows: np.ndarray, bad: int) -> None:
    out = np.empty((N_STATES.size, N), np.uint8)
    for found in (
        evidence_tiles.evidence_from_rows_cpu(0, N, N_STATES, read_only(rows), out),
        evidence_tiles.evidence_from_columns_cpu(0, N, N_STATES, read_only(np.ascontiguousarray(rows.T)), out),
    ):
        assert 0 <= found <= bad < found + tiles.TILE


@pytest.mark.parametrize("width", [8, 32])
def test_values_are_relabelled(width):
    codes = some_codes()[:, 1]
    table, out = read_only(np.array([255, 4, 0, 2], np.uint8)), np.empty(N, np.uint8)
    values = codes.astype(f"u{width // 8}")
    assert evidence_tiles.relabel_or_missing_cpu(read_only(values), table, out) == 3
    assert (out == np.take(table, codes + 1)).all()
    values[7] = 3  # beyond the table
    assert evidence_tiles.relabel_or_missing_cpu(read_only(values), table, out) == 4
    assert out[7] == 255


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_become_codes(dtype):
    values = np.array([0, -0.0, 1, 65_534, np.nan, 65_535, -1, 0.5, 1e300, -np.inf, np.inf], np.float64)
    with np.errstate(over="ignore"):
        values = values.astype(dtype)
    out = np.empty(len(values), np.uint32)
    evidence_tiles.codes_of_floats_cpu(read_only(values), out)
    assert out[:5].tolist() == [0, 0, 1, 65_534, 2**32 - 1]
    assert (out[5:] == 2**32 - 2).all()
