"""Exact evidence by one pass over a tree of buckets, with rows side by side in the lanes.

All rows take the same steps, whatever is missing in each: what a row knows is in its indicators, 1 for the states
that its evidence allows and 0 for others (or likelihoods). A program fills rows of a workspace (n_rows, LANES), each a
sum of products of rows filled before (``junction_vectors.py``), until one of them is p(e). Walked back, the same steps
give the slopes of p(e), which are sums of products too: that by an indicator is, times the indicator, P(x = k, e)
(Darwiche 2003), and the slope of a sum times one of its cells is the probability of the cell.

``engines/junction/dense_program.py`` makes programs. Rows that nothing reads any more are used again, so that those
of small networks stay in the first levels of the cache. Where a bound says that numbers may become small, an operation
takes a power of two out of the rows of a step, lane by lane.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import int64, uint64

from .jit import kernel, loop, not_inlined, scalar
from .junction_vectors import LANES, count_cells, fill_indicators, fill_marginals, rows_filler

__all__ = [
    "COUNTS",
    "INDICATORS",
    "MARGINALS",
    "SCALE",
    "SUMS",
    "TURN",
    "UNSCALE",
    "DenseAnswers",
    "DenseEvidence",
    "DenseProgram",
    "DenseScratch",
    "answer_cpu",
    "log_scaled",
    "new_scratch",
    "run_largest",
    "run_sums",
]

# Operations of a program.
INDICATORS, SUMS, SCALE, TURN, UNSCALE, MARGINALS, COUNTS = range(7)
LOG_2 = math.log(2.0)
SOFTEST = 100  # log2(largest / smallest likelihood that is not 0), summed over the variables of a row


class DenseProgram(NamedTuple):
    """Operations in order: what each reads is filled before."""

    operation: np.ndarray  # uint8: one of those above
    subject: np.ndarray  # uint32: variable, number of the scaled step, or first of the cells that are counted
    first_row: (
        np.ndarray
    )  # uint32: of the rows that are filled, scaled, or marginals when multiplied by their indicators
    n_rows: np.ndarray  # uint32: of them; of cells that are counted
    cell: np.ndarray  # uint32: the first
    factor: np.ndarray  # uint32: the first; MARGINALS: the first indicator
    n_cells: np.ndarray  # uint32: of each row
    n_factors: np.ndarray  # uint32: of each cell
    weight: np.ndarray  # float64, of each cell
    factor_row: np.ndarray  # uint32: rows of the workspace
    size: np.ndarray  # uint32: rows of the workspace, scaled steps, most log2(largest / smallest) of a scaled step


class DenseEvidence(NamedTuple):
    """What is known of rows; see ``data/evidence_rows.py``."""

    codes: np.ndarray  # variable v of row i at v stride + i
    stride: int
    likelihood_row: np.ndarray  # int32: first row of the likelihoods of each variable, -1 without
    likelihoods: np.ndarray  # (., n)
    first_cell: np.ndarray  # uint32: the first state of each variable among those of all


class DenseAnswers(NamedTuple):
    """What is filled; empty where a program does not."""

    flagged: np.ndarray  # (n,) bool: a number fell below what the bound allows
    log_p: np.ndarray  # (n,) log p(e_i), -inf where it is 0
    marginals: np.ndarray  # P(x_v = k | e_i) at (first_cell[v] + k) stride + i, NaN where e_i is impossible
    stride: int
    counts: np.ndarray  # (n_cells, COUNT_LANES): sum over i of weights[i] P(cell | e_i) is added, if summed over lanes


class DenseScratch(NamedTuple):
    """Of one thread of the CPU; on a GPU with a column for each thread."""

    w: np.ndarray  # (n_rows, LANES)
    exponent: np.ndarray  # (LANES,) int64: powers of two that were taken out
    softness: np.ndarray  # (LANES,) int64: log2(largest / smallest likelihood), of all variables
    flags: np.ndarray  # (LANES,) bool
    scales: np.ndarray  # (scaled steps, LANES): what their rows were multiplied by
    extremes: np.ndarray  # (2, LANES): the largest number of a step, and the smallest that is not 0


def new_scratch(program, n=LANES):
    """Scratch of a program for n rows at once: LANES of them on the CPU, all threads on a GPU."""
    n_rows, n_scaled = program.size[0], program.size[1]
    exponent, softness, flags = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.bool_)
    return DenseScratch(np.empty((n_rows, n)), exponent, softness, flags, np.empty((n_scaled, n)), np.empty((2, LANES)))


@loop
def _scale_likelihoods(rows, i, scratch):
    """Take a power of two out of the likelihoods of one variable in lane i; flags it where they spread too far."""
    largest, smallest = 0.0, math.inf
    for k in range(rows.shape[0]):
        largest = max(largest, rows[k, i])
        if rows[k, i] > 0.0:
            smallest = min(smallest, rows[k, i])
    if largest > 0.0:
        power = math.frexp(largest)[1]
        scratch.exponent[i] += power
        scratch.softness[i] += power - math.frexp(smallest)[1]
        scratch.flags[i] |= scratch.softness[i] > SOFTEST
        for k in range(rows.shape[0]):
            rows[k, i] = math.ldexp(rows[k, i], -power)


@loop
def _soften(evidence, v, first, n_states, a, scratch):
    """Likelihoods in place of the indicators of a variable that has them."""
    likelihoods = evidence.likelihoods[evidence.likelihood_row[v] :]
    for i in range(LANES):
        for k in range(n_states):
            scratch.w[first + k, i] = likelihoods[k, a + i]
        _scale_likelihoods(scratch.w[first : first + n_states], i, scratch)


@loop
def _scale(rows, scale, widest, scratch):
    """Take a power of two out of every lane: the largest number is in [1/2, 1) then. Numbers are normal here."""
    largest, smallest = scratch.extremes[0], scratch.extremes[1]
    largest[:], smallest[:] = 0.0, math.inf
    for t in range(rows.shape[0]):
        own = rows[t]
        for i in range(LANES):
            largest[i] = max(largest[i], own[i])
            smallest[i] = min(smallest[i], own[i] if own[i] > 0.0 else math.inf)
    high, low, bits = largest.view(np.int64), smallest.view(np.int64), scale.view(np.int64)
    for i in range(LANES):
        power = (high[i] >> 52) - 1022
        scratch.flags[i] |= (power - ((low[i] >> 52) - 1022) > widest) & (high[i] > 0)
        power = power if high[i] > 0 else 0
        scratch.exponent[i] += power
        bits[i] = (1023 - power) << 52
    for t in range(rows.shape[0]):
        own = rows[t]
        for i in range(LANES):
            own[i] *= scale[i]


@loop
def _unscale(slopes, values, scales):
    """Slopes by the rows before they were scaled; what is impossible has no cell that counts."""
    for t in range(slopes.shape[0]):
        for i in range(LANES):
            slopes[t, i] = slopes[t, i] * scales[i] if values[t, i] > 0.0 else 0.0


@scalar
def log_scaled(value, exponent):
    """log(value 2^exponent), -inf of 0."""
    return math.log(value) + exponent * LOG_2 if value > 0.0 else -math.inf


@loop
def _turn(w, value, slope, weights, a, scratch, answers):
    """log p(e), and the slope of weight * log p(e) by p(e)."""
    for i in range(LANES):
        own = w[value, i]
        answers.log_p[a + i] = log_scaled(own, scratch.exponent[i])
        answers.flagged[a + i] = scratch.flags[i]
        weight = weights[a + i] if weights.shape[0] else 1.0
        w[slope, i] = weight / own if own > 0.0 and not scratch.flags[i] else 0.0


@loop
def _mark_impossible(a, answers):
    for i in range(a, a + LANES):
        if answers.log_p[i] == -math.inf:
            answers.marginals[i :: answers.stride] = math.nan


def _runner(fill_rows):
    """Loop: the operations of a program for rows a .. a + LANES of the evidence."""

    @loop
    def run(program, evidence, weights, a, scratch, answers):
        not_inlined()
        w, widest = scratch.w, int64(program.size[2])
        scratch.exponent[:], scratch.softness[:], scratch.flags[:] = 0, 0, False
        for o in range(uint64(program.operation.shape[0])):
            kind, subject = program.operation[o], int64(program.subject[o])
            first, n_rows, factor = int64(program.first_row[o]), int64(program.n_rows[o]), int64(program.factor[o])
            cell, n, n_factors = int64(program.cell[o]), int64(program.n_cells[o]), int64(program.n_factors[o])
            if kind == SUMS:
                fill_rows(w, program.weight, cell, program.factor_row, factor, first, n_rows, n, n_factors)
            elif kind == INDICATORS:
                fill_indicators(w, first, n_rows, evidence.codes, subject * evidence.stride + a)
                if evidence.likelihood_row[uint64(subject)] >= 0:
                    _soften(evidence, subject, first, n_rows, a, scratch)
            elif kind == MARGINALS:
                at, out = subject * evidence.stride + a, int64(evidence.first_cell[subject]) * answers.stride + a
                fill_marginals(w, first, factor, n_rows, evidence.codes, at, answers.marginals, out, answers.stride)
            elif kind == COUNTS:
                counts = answers.counts
                count_cells(w, program.weight, cell, program.factor_row, factor, counts, subject, n_rows, n_factors)
            elif kind == SCALE:
                _scale(w[first : first + n_rows], scratch.scales[subject], widest, scratch)
            elif kind == UNSCALE:
                _unscale(w[first : first + n_rows], w[factor:], scratch.scales[subject])
            else:
                _turn(w, factor, first, weights, a, scratch, answers)

    return run


run_sums, run_largest = _runner(rows_filler(largest=False)), _runner(rows_filler(largest=True))


@kernel
def answer_cpu(row_begin, row_end, program, evidence, weights, scratch, answers):
    """Run a program for rows [row_begin, row_end), so many times LANES: whatever it answers.

    Weights (n,) are those of the counts, or empty: 1.
    """
    for a in range(row_begin, row_end, LANES):
        run_sums(program, evidence, weights, a, scratch, answers)
        if answers.stride:
            _mark_impossible(a, answers)
