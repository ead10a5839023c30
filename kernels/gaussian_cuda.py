"""CUDA twins of gaussian.py: the same chains of multiply_adds, squares added up in float64; four rows to a thread.

A twin has its CPU loop's arguments but the range of rows, and reads a plan packed into three arrays. It returns
nothing: a value that is not finite stays in its place, and a mean that is none makes the row's sum NaN.

Of the plan every thread of a warp reads the same cell: a broadcast from the first-level cache, once for 128 rows.
Expected for 100 variables of two parents, float32, in ns a row:
    sample      H100 0.5, A100 0.8, T4 3: instructions, about 120 a number (Philox 21, quantile 50); to write the
                numbers takes 0.13, 0.2 and 1.3
    log_prob    H100 0.18, A100 0.3: memory, 408 bytes a row, with the parents from the caches; T4 3.2: float64 sums
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import cuda, float64, uint32, uint64

from .four_numbers_cuda import four_normals, no_words, words_of
from .four_rows_cuda import beyond, cells, first_row, four, places, put, row_step, rows_from
from .portable import multiply_add

__all__ = ["FIELDS", "HEADER", "PackedGaussians", "log_prob_cuda", "log_prob_per_variable_cuda", "sample_cuda"]

HEADER, FIELDS = 2, 7
FIRST_MEMBER, FIRST_PARENT, TWO = np.uint64(HEADER), np.uint64(FIELDS), np.uint64(2)
device: Any = cuda.jit(device=True)


class PackedGaussians(NamedTuple):
    """Members in topological order.

    ``words`` begin with their number and their first random word. Then each has its row of reals, its numbers of real
    and of discrete parents, 1 if some std is 0, its last joint state of discrete parents, and where it begins in
    ``numbers`` and ``wide``; then the rows of the real parents; then row and stride of each discrete one. Every joint
    state has an intercept, std and slopes in ``numbers``; a half_precision and log_scale in ``wide``.
    """

    words: np.ndarray  # uint32
    numbers: np.ndarray  # of the type of the reals
    wide: np.ndarray  # float64


class _Member(NamedTuple):
    row: int
    n_parents: int
    n_selectors: int
    is_point: int
    last: int
    numbers: int
    wide: int
    at: int  # of its real parents


@device
def _member(words, at):
    own = at + FIRST_PARENT
    return _Member(
        uint64(words[at]),
        uint64(words[at + uint64(1)]),
        uint64(words[at + uint64(2)]),
        uint64(words[at + uint64(3)]),
        uint64(words[at + uint64(4)]),
        uint64(words[at + uint64(5)]),
        uint64(words[at + uint64(6)]),
        own,
    )


@device
def _after(member):
    """Where the next member begins."""
    return member.at + member.n_parents + TWO * member.n_selectors


@device
def _states(words, member, codes, rows):
    """The joint states of the discrete parents in four rows, clamped to their tables."""
    states = four(uint32(0))
    at, end = member.at + member.n_parents, _after(member)
    while at < end:
        states = places(states, uint64(words[at + uint64(1)]), cells(codes, uint64(words[at]), rows))
        at += TWO
    last = uint32(member.last)
    return min(states[0], last), min(states[1], last), min(states[2], last), min(states[3], last)


@device
def _starts(member, states):
    """Where the numbers of these states begin."""
    return places(four(uint32(member.numbers)), TWO + member.n_parents, states)


@device
def _fused(a, b, c):
    return (
        multiply_add(a[0], b[0], c[0]),
        multiply_add(a[1], b[1], c[1]),
        multiply_add(a[2], b[2], c[2]),
        multiply_add(a[3], b[3], c[3]),
    )


@device
def _means(plan, member, starts, reals, rows):
    """The means of a member in four rows, whose numbers begin at ``starts``."""
    differ = member.n_selectors > uint64(0)
    means, j = beyond(plan.numbers, starts, uint64(0), differ), uint64(0)
    while j < member.n_parents:
        slopes = beyond(plan.numbers, starts, j + TWO, differ)
        means = _fused(slopes, cells(reals, uint64(plan.words[member.at + j]), rows), means)
        j += uint64(1)
    return means


@cuda.jit
def sample_cuda(key, start, plan, codes, reals):
    """Draw all rows of the members' rows of ``reals`` (n_reals, n); column i is row ``start + i``."""
    n, first, like = uint64(reals.shape[1]), first_row(), plan.numbers[0]
    while first < n:
        rows, at = rows_from(first, n), FIRST_MEMBER
        word = uint64(plan.words[1])
        end = word + uint64(plan.words[0])
        words = no_words()
        while word < end:
            if at == FIRST_MEMBER or word & uint64(3) == uint64(0):
                words = words_of(key, start, rows, word, like)
            member = _member(plan.words, at)
            starts = _starts(member, _states(plan.words, member, codes, rows))
            means = _means(plan, member, starts, reals, rows)
            z = four_normals(key, start, rows, word, words, like)
            values = _fused(beyond(plan.numbers, starts, uint64(1), member.n_selectors > uint64(0)), z, means)
            put(reals, member.row, rows, values)
            at, word = _after(member), word + uint64(1)
        first += row_step()


@device
def _term(residual, half_precision, log_scale, is_point):
    """log p by what a value is off its mean; NaN where the mean has left its type's range."""
    wide = float64(residual + (residual - residual))
    if is_point and half_precision == 0.0 and wide != 0.0:
        return wide - np.inf
    scaled = wide * half_precision
    return multiply_add(-scaled, scaled, log_scale)


@device
def _terms(plan, at, codes, reals, rows):
    """log p of the member that begins at ``at`` in four rows, and where the next one begins."""
    member = _member(plan.words, at)
    states, differ = _states(plan.words, member, codes, rows), member.n_selectors > uint64(0)
    means = _means(plan, member, _starts(member, states), reals, rows)
    values, is_point = cells(reals, member.row, rows), member.is_point > 0
    at_wide = places(four(uint32(member.wide)), TWO, states)
    halves, scales = beyond(plan.wide, at_wide, uint64(0), differ), beyond(plan.wide, at_wide, uint64(1), differ)
    terms = (
        _term(values[0] - means[0], halves[0], scales[0], is_point),
        _term(values[1] - means[1], halves[1], scales[1], is_point),
        _term(values[2] - means[2], halves[2], scales[2], is_point),
        _term(values[3] - means[3], halves[3], scales[3], is_point),
    )
    return terms, _after(member)


@cuda.jit
def log_prob_cuda(plan, codes, reals, out):
    """out[i] = sum over members of log p(x | parents), for all rows of codes and reals."""
    n, first, count = uint64(out.shape[0]), first_row(), uint64(plan.words[0])
    while first < n:
        rows, at, m = rows_from(first, n), FIRST_MEMBER, uint64(0)
        totals = four(0.0)
        while m < count:
            terms, at = _terms(plan, at, codes, reals, rows)
            totals = (totals[0] + terms[0], totals[1] + terms[1], totals[2] + terms[2], totals[3] + terms[3])
            m += uint64(1)
        out[rows[0]], out[rows[1]], out[rows[2]], out[rows[3]] = totals
        first += row_step()


@cuda.jit
def log_prob_per_variable_cuda(plan, columns, codes, reals, out):
    """out[columns[m], i] = log p(x_m | parents of m) of every member, for all rows."""
    n, first, count = uint64(out.shape[1]), first_row(), uint64(plan.words[0])
    while first < n:
        rows, at, m = rows_from(first, n), FIRST_MEMBER, uint64(0)
        while m < count:
            terms, at = _terms(plan, at, codes, reals, rows)
            put(out, uint64(columns[m]), rows, terms)
            m += uint64(1)
        first += row_step()
