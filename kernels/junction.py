"""Exact evidence by one pass over a tree of buckets, with rows side by side in the lanes.

All rows take the same steps, whatever is missing in each: what a row knows is in its indicators, 1 for the states that
its evidence allows and 0 for others (or likelihoods). Every step fills rows of a workspace (n_rows, LANES):

    w[t] = sum_c weight[c] prod_f w[factor_row[c, f]]      c: the cells of row t, one to three factors each

(``engines/junction/dense_plan.py`` makes the steps). The last row is p(e). Walked back, the same steps give the slope
of p(e) by every indicator, which is a marginal (Darwiche 2003); with max in place of sums they give the most probable
states; and the cells of one row of a bucket are, scaled, the distribution of its variable given those that are summed
out later, from which variables are drawn, the last one first (Dawid 1992).

Where a bound says that numbers may become small, a step takes a power of two out of its rows, lane by lane.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import uint32, uint64

from .jit import kernel, loop, scalar
from .philox import STREAM_EVIDENCE, one_word

__all__ = [
    "DensePlan",
    "collect_max_cpu",
    "draw_cpu",
    "expected_counts_cpu",
    "log_evidence_cpu",
    "marginals_cpu",
]

LANES = 64
LOG_2 = math.log(2.0)
SMALLEST = 2.0**-200  # of numbers that are not 0, beside the largest of their step in the row


class DensePlan(NamedTuple):
    """Steps in order. Arrays named ``*_start`` have one entry more than there are owners."""

    indicator_row: np.ndarray  # uint32: first row of the indicators of each variable
    n_factors: np.ndarray  # uint32: of the cells of each step
    step_start: np.ndarray  # uint32: run of rows of each step, counted from the last indicator on
    scaled: np.ndarray  # bool: whether the step takes a power of two out
    cell_start: np.ndarray  # uint32: run of cells of each row
    weight: np.ndarray  # float64, of each cell
    state: np.ndarray  # uint32, of each cell: that of the variable which the step sums out
    factor_start: np.ndarray  # uint32: run of factors of each step
    factor_row: np.ndarray  # uint32: rows of the workspace
    drawn: np.ndarray  # uint32: variables, the last one that is summed out first
    drawn_step: np.ndarray  # uint32: the steps that sum them out
    scope_start: np.ndarray  # uint32: run of variables that they depend on then
    scope_variable: np.ndarray  # uint32
    scope_stride: np.ndarray  # uint32: in the rows of the step


class DenseEvidence(NamedTuple):
    """What is known of rows; see ``data/evidence_rows.py``."""

    codes: np.ndarray  # (n_vars, n)
    likelihood_row: np.ndarray  # int32: first row of the likelihoods of each variable, -1 without
    likelihoods: np.ndarray  # (., n) float64


@loop
def _fill_indicators(plan, evidence, a, n, w):
    """1 where a state is possible, or its likelihood; lanes from n on are those of a row of which nothing is known."""
    missing = np.iinfo(evidence.codes.dtype).max
    for v in range(plan.indicator_row.shape[0] - 1):
        first, last = plan.indicator_row[v], plan.indicator_row[v + 1]
        for k in range(last - first):
            own = w[first + k]
            own[:] = 1.0
            if evidence.likelihood_row[v] >= 0:
                given = evidence.likelihoods[evidence.likelihood_row[v] + k]
                for i in range(n):
                    own[i] = given[a + i]
            else:
                codes = evidence.codes[v]
                for i in range(n):
                    own[i] = 1.0 if (codes[a + i] == k) | (codes[a + i] == missing) else 0.0


@loop
def _product(plan, step, c, t, w, out):
    """out = weight of a cell times its factors, c the cell's number in the step."""
    n_factors = plan.n_factors[step]
    at = plan.factor_start[step] + c * n_factors
    out[:] = plan.weight[t]
    for f in range(n_factors):
        own = w[plan.factor_row[at + f]]
        for i in range(LANES):
            out[i] *= own[i]


@loop
def _add(target, source):
    for i in range(LANES):
        target[i] += source[i]


@loop
def _keep_largest(target, source):
    for i in range(LANES):
        target[i] = max(target[i], source[i])


@loop
def _scale(rows, exponent, flagged, factor):
    """Take a power of two out of rows, lane by lane: the largest number is in [1/2, 1) then."""
    for i in range(LANES):
        largest, smallest = 0.0, math.inf
        for t in range(rows.shape[0]):
            largest = max(largest, rows[t, i])
            if rows[t, i] > 0.0:
                smallest = min(smallest, rows[t, i])
        factor[i] = 1.0
        if largest > 0.0:
            power = math.frexp(largest)[1]
            factor[i] = math.ldexp(1.0, -power)
            exponent[i] += power
            flagged[i] |= smallest < largest * SMALLEST
        for t in range(rows.shape[0]):
            rows[t, i] *= factor[i]


@loop
def _collect(plan, use_max, w, exponent, flagged, factors):
    """Fill all rows below the indicators; ``factors[step]`` are what the rows of a step were multiplied by."""
    first = plan.indicator_row[-1]
    term = np.empty(LANES)
    exponent[:] = 0
    for step in range(plan.n_factors.shape[0]):
        begin, end = plan.step_start[step], plan.step_start[step + 1]
        first_cell = plan.cell_start[begin]
        for t in range(begin, end):
            out = w[first + t]
            out[:] = 0.0
            for c in range(plan.cell_start[t], plan.cell_start[t + 1]):
                _product(plan, step, c - first_cell, c, w, term)
                if use_max:
                    _keep_largest(out, term)
                else:
                    _add(out, term)
        if plan.scaled[step]:
            _scale(w[first + begin : first + end], exponent, flagged, factors[step])


@scalar
def log_scaled(value, exponent):
    """log(value 2^exponent), -inf of 0."""
    return math.log(value) + exponent * LOG_2 if value > 0.0 else -math.inf


@loop
def _n_rows(plan):
    return plan.indicator_row[-1] + plan.step_start[-1]


@kernel
def log_evidence_cpu(row_begin, row_end, plan, evidence, flagged, out):
    """out[i] = log p(e_i); flagged[i]: a number fell below what the bound allows."""
    w = np.empty((_n_rows(plan), LANES))
    exponent, flags = np.empty(LANES, np.int64), np.empty(LANES, np.bool_)
    factors = np.empty((plan.n_factors.shape[0], LANES))
    for a in range(row_begin, row_end, LANES):
        n = min(LANES, row_end - a)
        flags[:] = False
        _fill_indicators(plan, evidence, a, n, w)
        _collect(plan, False, w, exponent, flags, factors)
        for i in range(n):
            out[a + i] = log_scaled(w[-1, i], exponent[i])
            flagged[a + i] = flags[i]


@loop
def _slopes_of_step(plan, step, w, slopes, factors, belief, cell_counts):
    """Add to the slopes of the factors of a step; belief is scratch, cell_counts (or none) get weighted beliefs."""
    first, n_factors = plan.indicator_row[-1], plan.n_factors[step]
    first_cell = plan.cell_start[plan.step_start[step]]
    for t in range(plan.step_start[step], plan.step_start[step + 1]):
        own, value = slopes[first + t], w[first + t]
        for i in range(LANES):
            scaled = own[i] * factors[step, i] if plan.scaled[step] else own[i]
            own[i] = scaled if value[i] > 0.0 else 0.0  # what is impossible has no cell that counts
        for c in range(plan.cell_start[t], plan.cell_start[t + 1]):
            at = plan.factor_start[step] + (c - first_cell) * n_factors
            for f in range(n_factors):
                for i in range(LANES):
                    belief[i] = own[i] * plan.weight[c]
                for other in range(n_factors):
                    if other != f:
                        factor = w[plan.factor_row[at + other]]
                        for i in range(LANES):
                            belief[i] *= factor[i]
                target = slopes[plan.factor_row[at + f]]
                for i in range(LANES):
                    target[i] += belief[i]
            if cell_counts.shape[0]:
                factor = w[plan.factor_row[at + n_factors - 1]]
                for i in range(LANES):
                    cell_counts[c, i] += belief[i] * factor[i]


@loop
def _walk_back(plan, weights, w, slopes, factors, cell_counts):
    """The slopes of weights * log p(e) by all rows of the workspace."""
    belief = np.empty(LANES)
    slopes[:] = 0.0
    for i in range(LANES):
        slopes[-1, i] = weights[i] / w[-1, i] if w[-1, i] > 0.0 else 0.0
    for step in range(plan.n_factors.shape[0] - 1, -1, -1):
        _slopes_of_step(plan, step, w, slopes, factors, belief, cell_counts)


@kernel
def marginals_cpu(row_begin, row_end, plan, evidence, flagged, log_p, out):
    """out[first cell of v + k, i] = P(x_v = k | e_i), NaN where e_i is impossible; log_p[i] = log p(e_i)."""
    w, slopes = np.empty((_n_rows(plan), LANES)), np.empty((_n_rows(plan), LANES))
    exponent, flags = np.empty(LANES, np.int64), np.empty(LANES, np.bool_)
    factors, ones = np.empty((plan.n_factors.shape[0], LANES)), np.ones(LANES)
    nothing = np.empty((0, LANES))
    for a in range(row_begin, row_end, LANES):
        n = min(LANES, row_end - a)
        flags[:] = False
        _fill_indicators(plan, evidence, a, n, w)
        _collect(plan, False, w, exponent, flags, factors)
        _walk_back(plan, ones, w, slopes, factors, nothing)
        for i in range(n):
            log_p[a + i] = log_scaled(w[-1, i], exponent[i])
            flagged[a + i] = flags[i]
        for r in range(out.shape[0]):
            for i in range(n):
                out[r, a + i] = w[r, i] * slopes[r, i] if w[-1, i] > 0.0 else math.nan


@kernel
def expected_counts_cpu(row_begin, row_end, plan, evidence, weights, flagged, log_p, cell_counts):
    """cell_counts[c, lane] += weights[i] P(cell c | e_i); log_p[i] = log p(e_i)."""
    w, slopes = np.empty((_n_rows(plan), LANES)), np.empty((_n_rows(plan), LANES))
    exponent, flags = np.empty(LANES, np.int64), np.empty(LANES, np.bool_)
    factors, own = np.empty((plan.n_factors.shape[0], LANES)), np.empty(LANES)
    for a in range(row_begin, row_end, LANES):
        n = min(LANES, row_end - a)
        flags[:] = False
        _fill_indicators(plan, evidence, a, n, w)
        _collect(plan, False, w, exponent, flags, factors)
        own[:] = 0.0
        for i in range(n):
            log_p[a + i] = log_scaled(w[-1, i], exponent[i])
            flagged[a + i] = flags[i]
            own[i] = 0.0 if flags[i] else weights[a + i]
        _walk_back(plan, own, w, slopes, factors, cell_counts)


@loop
def _cell(plan, step, c, w, i):
    """The value of a cell in lane i."""
    n_factors = plan.n_factors[step]
    at = plan.factor_start[step] + (c - plan.cell_start[plan.step_start[step]]) * n_factors
    value = plan.weight[c]
    for f in range(n_factors):
        value *= w[plan.factor_row[at + f], i]
    return value


@loop
def _row_of(plan, d, codes, i):
    """The row of the step that sums variable ``drawn[d]`` out, for the codes of its scope."""
    row = plan.step_start[plan.drawn_step[d]]
    for j in range(plan.scope_start[d], plan.scope_start[d + 1]):
        row += plan.scope_stride[j] * codes[plan.scope_variable[j], i]
    return row


@loop
def _most_probable_state(plan, step, row, w, i):
    """The state of the largest cell."""
    best, largest = plan.state[plan.cell_start[row]], -1.0
    for c in range(plan.cell_start[row], plan.cell_start[row + 1]):
        value = _cell(plan, step, c, w, i)
        if value > largest:
            best, largest = plan.state[c], value
    return best


@kernel
def collect_max_cpu(row_begin, row_end, plan, evidence, flagged, log_p, codes):
    """codes[:, i] = the most probable states given e_i, all ones where it is impossible; log_p[i] = log p of them."""
    w = np.empty((_n_rows(plan), LANES))
    exponent, flags = np.empty(LANES, np.int64), np.empty(LANES, np.bool_)
    factors = np.empty((plan.n_factors.shape[0], LANES))
    for a in range(row_begin, row_end, LANES):
        n = min(LANES, row_end - a)
        flags[:] = False
        _fill_indicators(plan, evidence, a, n, w)
        _collect(plan, True, w, exponent, flags, factors)
        for i in range(n):
            log_p[a + i] = log_scaled(w[-1, i], exponent[i])
            flagged[a + i] = flags[i]
            if w[-1, i] == 0.0:
                codes[:, a + i] = np.iinfo(codes.dtype).max
                continue
            for d in range(plan.drawn.shape[0]):
                row = _row_of(plan, d, codes, a + i)
                codes[plan.drawn[d], a + i] = _most_probable_state(plan, plan.drawn_step[d], row, w, i)


@loop
def _drawn_state(plan, step, row, w, i, u):
    """The state whose share of the cells' sum has u in it, from [0, 1); never one of weight 0."""
    total = 0.0
    for c in range(plan.cell_start[row], plan.cell_start[row + 1]):
        total += _cell(plan, step, c, w, i)
    left, found = u * total, plan.state[plan.cell_start[row]]
    for c in range(plan.cell_start[row], plan.cell_start[row + 1]):
        value = _cell(plan, step, c, w, i)
        if value > 0.0:
            found = plan.state[c]
            if left < value:
                return found
            left -= value
    return found


@scalar
def uniform53(high, low):
    """53 bits of two words, in [0, 1)."""
    return float((uint64(high) << uint64(21)) | (uint64(low) >> uint64(11))) * 2.0**-53


@kernel
def draw_cpu(row_begin, row_end, key, rows, plan, evidence, flagged, codes):
    """codes[:, i] = a draw from p(x | e_i), by the words of global row rows[i]; all ones where e_i is impossible."""
    w = np.empty((_n_rows(plan), LANES))
    exponent, flags = np.empty(LANES, np.int64), np.empty(LANES, np.bool_)
    factors = np.empty((plan.n_factors.shape[0], LANES))
    for a in range(row_begin, row_end, LANES):
        n = min(LANES, row_end - a)
        flags[:] = False
        _fill_indicators(plan, evidence, a, n, w)
        _collect(plan, False, w, exponent, flags, factors)
        for i in range(n):
            flagged[a + i] = flags[i]
            if w[-1, i] == 0.0:
                codes[:, a + i] = np.iinfo(codes.dtype).max
                continue
            for d in range(plan.drawn.shape[0]):
                word = uint64(2) * uint64(plan.drawn[d])
                high = one_word(key, rows[a + i], word, uint32(STREAM_EVIDENCE))
                low = one_word(key, rows[a + i], word + uint64(1), uint32(STREAM_EVIDENCE))
                row = _row_of(plan, d, codes, a + i)
                state = _drawn_state(plan, plan.drawn_step[d], row, w, i, uniform53(high, low))
                codes[plan.drawn[d], a + i] = state
