"""CUDA twins of logistic.py: the same words and formulas; sums may be rounded otherwise (fused).

A thread draws row after row, because decisions take many registers, and scores four rows at once.

A twin has its CPU loop's arguments but the range of rows, and reads a plan packed into two arrays; it writes sums of
log-probabilities where the CPU loop adds to what is there. A row whose sums
leave the range of their type gets NaN, or the last state of its variable, where the CPU loop returns its number.

A first word decides a bit unless it lies within MARGIN of the chance; states of softmax take two words and three walks
over their sums, row after row, which need no memory so. Expected for 16 bits of 64 parents each, eight parents to a
look-up, in ns a row: H100 0.3, A100 0.6, T4 4: instructions, about 450 a bit (to read 80 bytes takes 0.03, 0.05 and
0.27); look-ups in tables of 2 KB come from the first-level cache.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import cuda, float32, float64, uint32, uint64

from .elementary import exp
from .four_rows_cuda import beyond, cells, first_row, four, places, put, replaced, row_step, rows_from
from .logistic import MARGIN, NOISY_OR, SOFTMAX, bit_by_words, bit_term
from .philox import STREAM_REFINE, STREAM_SAMPLE
from .philox_cuda import block_words, lane_word, one_word
from .uniforms import WORD, uniform64

__all__ = ["FIELDS", "HEADER", "PackedLogistic", "log_prob_cuda", "log_prob_per_variable_cuda", "sample_cuda"]

HEADER, FIELDS, GROUP = 2, 8, 3
FARTHEST = 1e30  # a sum beyond it leaves nothing to chance
FIRST_MEMBER, FIRST_GROUP, FIRST_PARENT, TWO = np.uint64(HEADER), np.uint64(FIELDS), np.uint64(GROUP), np.uint64(2)
device: Any = cuda.jit(device=True)


class PackedLogistic(NamedTuple):
    """Members in topological order.

    ``words`` begin with their number and their first random word. Then each has its link, its row of codes, its number
    in the order of declaration, its numbers of sums, of groups and of real parents, and where its biases and weights
    begin; then its groups: parents, last cell, where the table begins, then row and stride of each parent; then the
    rows of the real parents.
    """

    words: np.ndarray  # uint32
    numbers: np.ndarray  # of the float type that sums are taken in


class _Member(NamedTuple):
    link: int
    row: int
    number: int
    n_sums: int
    n_groups: int
    n_reals: int
    bias: int
    weights: int
    groups: int


@device
def _member(words, at):
    return _Member(
        uint64(words[at]),
        uint64(words[at + uint64(1)]),
        uint64(words[at + uint64(2)]),
        uint64(words[at + uint64(3)]),
        uint64(words[at + uint64(4)]),
        uint64(words[at + uint64(5)]),
        uint64(words[at + uint64(6)]),
        uint64(words[at + uint64(7)]),
        at + FIRST_GROUP,
    )


@device
def _after(words, member):
    """Where the next member begins."""
    at, g = member.groups, uint64(0)
    while g < member.n_groups:
        at += FIRST_PARENT + TWO * uint64(words[at])
        g += uint64(1)
    return at + member.n_reals


@device
def _added(a, b):
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]


@device
def _group_places(words, at, k, codes, rows):
    """Where in the numbers the cells of a group's table for sum k are; those of codes out of range are the last."""
    states, end, last = four(uint32(0)), at + FIRST_PARENT + TWO * uint64(words[at]), uint32(words[at + uint64(1)])
    own = at + FIRST_PARENT
    while own < end:
        states = places(states, uint64(words[own + uint64(1)]), cells(codes, uint64(words[own]), rows))
        own += TWO
    states = min(states[0], last), min(states[1], last), min(states[2], last), min(states[3], last)
    first = uint64(words[at + uint64(2)]) + k * (uint64(last) + uint64(1))
    return places(four(uint32(first)), uint64(1), states)


@device
def _sums(plan, member, k, codes, reals, rows):
    """Sum k of a member in four rows, added in the order of the CPU loop."""
    words, numbers = plan.words, plan.numbers
    z, at, g = four(numbers[member.bias + k]), member.groups, uint64(0)
    while g < member.n_groups:
        z = _added(z, beyond(numbers, _group_places(words, at, k, codes, rows), uint64(0), True))
        at += FIRST_PARENT + TWO * uint64(words[at])
        g += uint64(1)
    j, place = uint64(0), member.weights + k * member.n_reals
    while j < member.n_reals:
        weight, x = numbers[place + j], cells(reals, uint64(words[at + j]), rows)
        kind = type(weight)
        z = _added(z, (weight * kind(x[0]), weight * kind(x[1]), weight * kind(x[2]), weight * kind(x[3])))
        j += uint64(1)
    return z


# Draws ------------------------------------------------------------------------------------------------------------


@device
def _narrow(z):
    """z as a float32, within its range; NaN stays NaN."""
    if abs(z) > FARTHEST:
        return float32(FARTHEST if z > 0.0 else -FARTHEST)
    return float32(z)


@device
def _bit(link, z, high, key, row, word):
    """A bit by its first word, or by two where that is too near the chance; the last state where z is no number."""
    narrow = _narrow(z)
    if link == NOISY_OR:
        chance = float32(1.0) - exp(narrow)
    else:
        chance = float32(1.0) / (float32(1.0) + exp(-narrow))
    u = float32(high) * float32(WORD)
    if abs(u - chance) > float32(MARGIN):
        return u < chance
    if z != z:
        return True
    return bit_by_words(link, z, high, one_word(key, row, word, STREAM_REFINE))


@device
def _sum(plan, member, k, codes, reals, i):
    """Sum k of a member in row i."""
    words, numbers = plan.words, plan.numbers
    z, at, g = numbers[member.bias + k], member.groups, uint64(0)
    while g < member.n_groups:
        last, state, own = uint64(words[at + uint64(1)]), uint64(0), at + FIRST_PARENT
        after = own + TWO * uint64(words[at])
        while own < after:
            state += uint64(words[own + uint64(1)]) * uint64(codes[uint64(words[own]), i])
            own += TWO
        z += numbers[uint64(words[at + uint64(2)]) + k * (last + uint64(1)) + min(state, last)]
        at, g = after, g + uint64(1)
    j, place = uint64(0), member.weights + k * member.n_reals
    while j < member.n_reals:
        z += numbers[place + j] * type(z)(reals[uint64(words[at + j]), i])
        j += uint64(1)
    return z


@device
def _largest_and_total(plan, member, codes, reals, i):
    """max_k z_k, and the sum of exp(z_k - max)."""
    largest, k, total = _sum(plan, member, uint64(0), codes, reals, i), uint64(1), 0.0
    while k < member.n_sums:
        largest = max(largest, _sum(plan, member, k, codes, reals, i))
        k += uint64(1)
    k = uint64(0)
    while k < member.n_sums:
        total += float64(exp(_sum(plan, member, k, codes, reals, i) - largest))
        k += uint64(1)
    return largest, total


@device
def _softmax_state(plan, member, u, codes, reals, i):
    """A state of row i by a uniform: as many as there are cumulative sums that it has passed; the last one where the
    sums are no numbers."""
    largest, total = _largest_and_total(plan, member, codes, reals, i)
    reached, passed, k = 0.0, uint32(0), uint64(0)
    while k < member.n_sums:
        reached += float64(exp(_sum(plan, member, k, codes, reals, i) - largest))
        passed = uint32(passed + uint32(reached <= total * u))
        k += uint64(1)
    last = uint32(member.n_sums - uint64(1))
    return min(passed, last) if total >= 1.0 else last


@cuda.jit
def sample_cuda(key, start, plan, codes, reals):
    """Draw the members' rows of ``codes`` (n_codes, n), parents first; column i of the blocks is row start + i."""
    n, i, count = uint64(codes.shape[1]), uint64(cuda.grid(1)), uint64(plan.words[0])
    while i < n:
        row, at, m, words = uint64(start) + i, FIRST_MEMBER, uint64(0), four(uint64(0))
        while m < count:
            word = uint64(plan.words[1]) + m
            if m == uint64(0) or word & uint64(3) == uint64(0):
                words = block_words(key, row, word >> uint64(2), STREAM_SAMPLE)
            member, high = _member(plan.words, at), lane_word(words, word & uint64(3))
            if member.link == SOFTMAX:
                u = uniform64(high, one_word(key, row, word, STREAM_REFINE))
                codes[member.row, i] = _softmax_state(plan, member, u, codes, reals, i)
            else:
                z = _sum(plan, member, uint64(0), codes, reals, i)
                codes[member.row, i] = uint32(_bit(member.link, z, high, key, row, word))
            at, m = _after(plan.words, member), m + uint64(1)
        i += uint64(cuda.gridsize(1))


# Densities --------------------------------------------------------------------------------------------------------


@device
def _softmax_term(plan, member, x, codes, reals, i):
    largest, total = _largest_and_total(plan, member, codes, reals, i)
    z = _sum(plan, member, min(uint64(x), member.n_sums - uint64(1)), codes, reals, i)
    return float64(z) - float64(largest) - math.log(total)


@device
def _softmax_terms(plan, member, codes, reals, rows):
    x, terms, k = cells(codes, member.row, rows), four(0.0), uint64(0)
    while k < uint64(4):
        term = _softmax_term(plan, member, lane_word(x, k), codes, reals, lane_word(rows, k))
        terms = replaced(terms, k, term)
        k += uint64(1)
    return terms


@device
def _terms(plan, member, codes, reals, rows):
    """log p of a member in four rows."""
    if member.link == SOFTMAX:
        return _softmax_terms(plan, member, codes, reals, rows)
    x, z, link = cells(codes, member.row, rows), _sums(plan, member, uint64(0), codes, reals, rows), member.link
    return (
        bit_term(link, x[0], z[0]),
        bit_term(link, x[1], z[1]),
        bit_term(link, x[2], z[2]),
        bit_term(link, x[3], z[3]),
    )


@cuda.jit
def log_prob_cuda(plan, codes, reals, out):
    """out[i] = sum over members of log P(x_m | its parents) in row i; NaN where sums leave the range of their type."""
    n, first, count = uint64(out.shape[0]), first_row(), uint64(plan.words[0])
    while first < n:
        rows, at, m, totals = rows_from(first, n), FIRST_MEMBER, uint64(0), four(0.0)
        while m < count:
            member = _member(plan.words, at)
            totals = _added(totals, _terms(plan, member, codes, reals, rows))
            at, m = _after(plan.words, member), m + uint64(1)
        out[rows[0]], out[rows[1]], out[rows[2]], out[rows[3]] = totals
        first += row_step()


@cuda.jit
def log_prob_per_variable_cuda(plan, codes, reals, out):
    """out[v, i] = log P(x_v | parents of v) in row i for the members' variables v."""
    n, first, count = uint64(out.shape[1]), first_row(), uint64(plan.words[0])
    while first < n:
        rows, at, m = rows_from(first, n), FIRST_MEMBER, uint64(0)
        while m < count:
            member = _member(plan.words, at)
            put(out, member.number, rows, _terms(plan, member, codes, reals, rows))
            at, m = _after(plan.words, member), m + uint64(1)
        first += row_step()
