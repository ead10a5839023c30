"""CUDA twins of roots.py: the same numbers of the same words, the same formulas; four rows to a thread.

A twin has its CPU loop's arguments but the range of rows, and reads a plan packed into three arrays, each cell a
broadcast to the threads of a warp. Expected in ns for each number of a row, float32: sample H100 0.005, A100 0.008,
T4 0.03 (instructions, about 110; memory would take 0.001, 0.002 and 0.013); log_prob H100 0.0015, A100 0.003 (memory),
T4 0.03 (float64 sums).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import cuda, uint64

from .exponential import far_exponential, near_exponential
from .four_numbers_cuda import four_drawer, no_words, words_of
from .four_rows_cuda import cells, first_row, four, put, row_step, rows_from
from .laplace import far_laplace, near_laplace
from .roots import EXPONENTIAL, UNIFORM, root_term, root_value, standard_uniform

__all__ = ["FIELDS", "HEADER", "PackedRoots", "log_prob_cuda", "log_prob_per_variable_cuda", "sample_cuda"]

HEADER, FIELDS = 2, 2
FIRST_MEMBER, TWO, FOUR = np.uint64(HEADER), np.uint64(2), np.uint64(4)
device: Any = cuda.jit(device=True)
four_uniforms = four_drawer(standard_uniform, standard_uniform)
four_exponentials = four_drawer(near_exponential, far_exponential)
four_laplaces = four_drawer(near_laplace, far_laplace)


class PackedRoots(NamedTuple):
    """Members in topological order; ``words`` begin with their number and their first random word."""

    words: np.ndarray  # uint32: then row and kind of each
    numbers: np.ndarray  # of the type of the reals: shift, scale, bottom, top of each
    wide: np.ndarray  # float64: rate and log_density of each


@device
def _standards(kind, key, start, rows, word, words, like):
    """Four standard numbers of a kind."""
    if kind == UNIFORM:
        return four_uniforms(key, start, rows, word, words, like)
    if kind == EXPONENTIAL:
        return four_exponentials(key, start, rows, word, words, like)
    return four_laplaces(key, start, rows, word, words, like)


@device
def _values(z, numbers, at):
    shift, scale, bottom, top = (
        numbers[at],
        numbers[at + uint64(1)],
        numbers[at + uint64(2)],
        numbers[at + uint64(3)],
    )
    return (
        root_value(z[0], shift, scale, bottom, top),
        root_value(z[1], shift, scale, bottom, top),
        root_value(z[2], shift, scale, bottom, top),
        root_value(z[3], shift, scale, bottom, top),
    )


@cuda.jit
def sample_cuda(key, start, plan, reals):
    """Draw all rows of the members' rows of ``reals`` (n_reals, n); column i is row ``start + i``."""
    n, first, like = uint64(reals.shape[1]), first_row(), plan.numbers[0]
    while first < n:
        rows, m, words = rows_from(first, n), uint64(0), no_words()
        while m < uint64(plan.words[0]):
            word, at = uint64(plan.words[1]) + m, FIRST_MEMBER + TWO * m
            if m == uint64(0) or word & uint64(3) == uint64(0):
                words = words_of(key, start, rows, word, like)
            z = _standards(plan.words[at + uint64(1)], key, start, rows, word, words, like)
            put(reals, uint64(plan.words[at]), rows, _values(z, plan.numbers, FOUR * m))
            m += uint64(1)
        first += row_step()


@device
def _terms(plan, m, reals, rows):
    """log p of member m in four rows."""
    x, at = cells(reals, uint64(plan.words[FIRST_MEMBER + TWO * m]), rows), FOUR * m
    shift, bottom, top = plan.numbers[at], plan.numbers[at + uint64(2)], plan.numbers[at + uint64(3)]
    rate, log_density = plan.wide[TWO * m], plan.wide[TWO * m + uint64(1)]
    return (
        root_term(x[0], shift, bottom, top, rate, log_density),
        root_term(x[1], shift, bottom, top, rate, log_density),
        root_term(x[2], shift, bottom, top, rate, log_density),
        root_term(x[3], shift, bottom, top, rate, log_density),
    )


@cuda.jit
def log_prob_cuda(plan, reals, out):
    """out[i] = sum over members of log p(x), for all rows of ``reals`` (n_reals, n)."""
    n, first = uint64(out.shape[0]), first_row()
    while first < n:
        rows, m, totals = rows_from(first, n), uint64(0), four(0.0)
        while m < uint64(plan.words[0]):
            terms = _terms(plan, m, reals, rows)
            totals = (totals[0] + terms[0], totals[1] + terms[1], totals[2] + terms[2], totals[3] + terms[3])
            m += uint64(1)
        out[rows[0]], out[rows[1]], out[rows[2]], out[rows[3]] = totals
        first += row_step()


@cuda.jit
def log_prob_per_variable_cuda(plan, columns, reals, out):
    """out[columns[m], i] = log p(x) of every member m, for all rows of ``reals`` (n_reals, n)."""
    n, first = uint64(out.shape[1]), first_row()
    while first < n:
        rows, m = rows_from(first, n), uint64(0)
        while m < uint64(plan.words[0]):
            put(out, uint64(columns[m]), rows, _terms(plan, m, reals, rows))
            m += uint64(1)
        first += row_step()
