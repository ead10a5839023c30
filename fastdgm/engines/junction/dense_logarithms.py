"""The steps of dense programs in logarithms: exact where numbers leave the range of float64, and slow.

They answer the rows that the loops flag, and all rows of networks whose tables hold numbers too small for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.evidence_block import Evidence, likelihoods_of, missing_code
from ...kernels.philox import STREAM_EVIDENCE, philox4x32
from ...kernels.uniforms import uniform53
from .dense_steps import Lowered, Step

Array = npt.NDArray[Any]


def log_rows(low: Lowered, evidence: Evidence, *, largest: bool = False) -> npt.NDArray[np.float64]:
    """The logarithms of all rows of all steps (n_rows, n): sums, or the largest cells."""
    values = np.full((low.n_rows, evidence.codes.shape[1]), -np.inf)
    values[: sum(low.n_states)] = _log_indicators(low, evidence)
    for step in low.steps:
        if len(step.row):
            own = _log_largest if largest else _log_sums
            values[step.first_row : step.first_row + step.n_rows] = own(_log_cells(step, values), step.row)
    return values


def shares(low: Lowered, values: Array, weights: Array) -> tuple[npt.NDArray[np.float64], list[Array]]:
    """The posterior of every row (n_rows, n), times weights (n,), and that of cells, summed over rows with weights.

    That of the indicators is the marginals; 0 where the evidence is impossible.
    """
    found = np.zeros_like(values)
    found[low.result] = np.where(values[low.result] > -np.inf, weights, 0.0)
    cells = [np.empty(0)] * len(low.steps)
    for s in range(len(low.steps) - 1, -1, -1):
        step = low.steps[s]
        rows = step.first_row + step.row
        total = values[rows]
        own = np.exp(_log_cells(step, values) - np.where(total > -np.inf, total, 0.0)) * found[rows]
        for f in range(step.factor_rows.shape[1]):
            np.add.at(found, step.factor_rows[:, f], own)
        cells[s] = own.sum(axis=1)
    return found, cells


def most_probable(low: Lowered, evidence: Evidence, codes: Array) -> npt.NDArray[np.float64]:
    """codes (n_vars, n) = argmax p(x, e); returns log p (n,) of them."""
    values = log_rows(low, evidence, largest=True)
    for v, states, terms in _backwards(low, values, codes):
        codes[v] = states[np.argmax(terms, axis=0)]
    return _possible(low, values, codes)


def draw(low: Lowered, evidence: Evidence, key: int, rows: Array, codes: Array) -> npt.NDArray[np.float64]:
    """codes (n_vars, n) ~ p(x | e), by the random words of the given global rows; returns log p(e) (n,)."""
    values = log_rows(low, evidence)
    for v, states, terms in _backwards(low, values, codes):
        top = terms.max(axis=0)
        reached = np.exp(terms - np.where(top > -np.inf, top, 0.0)).cumsum(axis=0)
        left = _uniforms(key, rows, v) * reached[-1]
        chosen = np.argmax((reached > left) & (terms > -np.inf), axis=0)
        codes[v] = states[chosen]
    return _possible(low, values, codes)


def _log_indicators(low: Lowered, evidence: Evidence) -> Array:
    rows, likelihoods = list[Array](), likelihoods_of(evidence, low.n_states)
    for v, k in enumerate(low.n_states):
        if v in likelihoods:
            with np.errstate(divide="ignore"):
                rows.append(np.log(likelihoods[v]))
        else:
            codes = evidence.codes[v]
            possible = (codes == np.arange(k)[:, None]) | (codes == missing_code(codes.dtype))
            rows.append(np.where(possible, 0.0, -np.inf))
    return np.concatenate(rows)


def _log_cells(step: Step, values: Array) -> Array:
    cells = np.repeat(step.log_weight[:, None], values.shape[1], axis=1)
    for f in range(step.factor_rows.shape[1]):
        cells += values[step.factor_rows[:, f]]
    return cells


def _log_largest(cells: Array, row: Array) -> Array:
    return np.maximum.reduceat(cells, np.flatnonzero(np.diff(row, prepend=-1)), axis=0)


def _log_sums(cells: Array, row: Array) -> Array:
    largest = _log_largest(cells, row)
    top = np.where(largest > -np.inf, largest, 0.0)
    total = np.add.reduceat(np.exp(cells - top[row]), np.flatnonzero(np.diff(row, prepend=-1)), axis=0)
    with np.errstate(divide="ignore"):
        return top + np.log(total)


def _backwards(low: Lowered, values: Array, codes: Array) -> Iterator[tuple[int, Array, Array]]:
    """Variables, the last one that is summed out first: states of its cells, and their logarithms given ``codes``."""
    for own in reversed(low.summed):
        step, v = low.steps[own.step], own.bucket.variable
        row = own.message.rows[tuple(codes[u] for u in own.bucket.scope)] - step.first_row
        terms = np.where(step.row[:, None] == row, _log_cells(step, values), -np.inf)
        yield v, step.configuration % low.n_states[v], terms


def _possible(low: Lowered, values: Array, codes: Array) -> Array:
    """log p, and missing codes where the evidence is impossible."""
    log_p: Array = values[low.result]
    codes[:, log_p == -np.inf] = missing_code(codes.dtype)
    return log_p


def _uniforms(key: int, rows: Array, v: int) -> Array:
    """Of variable v, as ``draw_cpu`` makes them."""
    low, zero = np.uint64(0xFFFFFFFF), np.zeros(len(rows), np.uint64)
    k0, k1 = np.uint64(key) & low, np.uint64(key) >> np.uint64(32)
    block, stream = zero + np.uint64(v // 2), zero + np.uint64(STREAM_EVIDENCE)
    words = philox4x32(rows & low, rows >> np.uint64(32), block, stream, k0, k1)
    high, lower = words[2 * (v % 2) : 2 * (v % 2) + 2]
    return np.array([uniform53(int(a), int(b)) for a, b in zip(high, lower, strict=True)])
