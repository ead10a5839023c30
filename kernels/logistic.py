"""Discrete variables by weighted sums of their parents: logistic regression, softmax regression and noisy-or.

    LOGISTIC   p(x = 1) = 1 / (1 + exp(-z))         one sum z (bernoulli.py)
    SOFTMAX    p(x = k) = exp(z_k) / sum_j exp(z_j) a sum for each state (softmax.py)
    NOISY_OR   p(x = 0) = exp(z)                    one sum z, at most 0 (noisy_or.py)

Member m of a plan draws from word first_word + m of a row and, where 32 bits leave it open, from the same word of the
refinement stream: a bit's word is compared with a float32 chance first, and what lies within MARGIN of it is decided by
64 bits and float64. So a state is drawn as often as the float64 formula says, to 2^-64, whichever end it is at.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, float64, uint64

from .bernoulli import bit_log_prob, draw_bit
from .elementary import exp
from .jit import kernel, loop, scalar, wide_vectors
from .noisy_or import noisy_or_bit, noisy_or_chances, noisy_or_log_prob
from .philox import LOW, STREAM_REFINE, STREAM_SAMPLE, fill_words, one_word
from .softmax import Rows, Tile, draw_states, new_tile, states_log_prob
from .uniforms import WORD, uniform64
from .weighted_sums import WeightedSums, add_sums

LOGISTIC, SOFTMAX, NOISY_OR = range(3)
MARGIN = 1e-6  # more than a float32 chance and a word of 32 bits are off
LARGEST_TILE, CELLS = 1024, 1 << 17  # sums of a tile stay in the second-level cache


class LogisticPlan(NamedTuple):
    """Members in topological order."""

    sums: WeightedSums
    link: np.ndarray  # uint8: LOGISTIC, SOFTMAX or NOISY_OR
    row: np.ndarray  # uint32: of the block of codes
    number: np.ndarray  # uint32: of the variable, in the order of declaration
    most_sums: np.int64  # of any member
    first_word: np.uint64


class _Scratch(NamedTuple):
    index: np.ndarray  # uint16 (tile,)
    z: np.ndarray  # (most_sums, tile)
    chances: np.ndarray  # float32 (tile,)
    softmax: Tile


@scalar
def logistic_bit(z, high, low):
    """Whether u < sigmoid(z), by 64 random bits counted from the end that the less probable state is at."""
    wide = float64(z)
    if wide <= 0.0:
        return draw_bit(wide, uniform64(high, low))
    return not draw_bit(-wide, uniform64(uint64(LOW) - uint64(high), uint64(LOW) - uint64(low)))


@scalar
def bit_by_words(link, z, high, low):
    """A bit by its link's formula in float64 and two words."""
    return noisy_or_bit(float64(z), high, low) if link == NOISY_OR else logistic_bit(z, high, low)


@scalar
def bit_term(link, x, z):
    """log p of a bit by its link's formula."""
    return float64(noisy_or_log_prob(x, z)) if link == NOISY_OR else float64(bit_log_prob(x, z))


@loop
def _new_scratch(plan):
    size = max(32, min(LARGEST_TILE, CELLS // plan.most_sums))
    z = np.empty((plan.most_sums, size), plan.sums.bias.dtype)
    return _Scratch(np.empty(size, np.uint16), z, np.empty(size, np.float32), new_tile(z))


@loop
def _logistic_chances(z, chances):
    """chances = sigmoid(z) in float32"""
    wide_vectors()
    for i in range(z.shape[0]):
        chances[i] = float32(1.0) / (float32(1.0) + exp(-float32(z[i])))


@loop
def _compare(words, chances, out):
    """out = whether u < chance; the least distance between them, 0 where a chance is NaN."""
    wide_vectors()
    nearest = float32(1.0)
    for i in range(out.shape[0]):
        u = float32(words[i]) * float32(WORD)
        chance = chances[i] if chances[i] == chances[i] else u
        out[i] = u < chance
        nearest = min(nearest, abs(u - chance))
    return nearest


@loop
def _draw_bits(link, rows, words, z, chances, out):
    """Draw a tile of a variable with two states; returns -1 or the first row whose sum is NaN."""
    if link == NOISY_OR:
        noisy_or_chances(z, chances)
    else:
        _logistic_chances(z, chances)
    if _compare(words, chances, out) > float32(MARGIN):
        return -1
    for i in range(out.shape[0]):
        if not abs(float32(words[i]) * float32(WORD) - chances[i]) > float32(MARGIN):
            if np.isnan(z[i]):
                return i
            second = one_word(rows.key, rows.number + uint64(i), rows.word, uint64(STREAM_REFINE))
            out[i] = bit_by_words(link, z[i], words[i], second)
    return -1


@loop
def _sums_of(plan, m, codes, reals, a, n, scratch):
    """The sums of member m for rows a to a + n."""
    z = scratch.z[: np.int64(plan.sums.sum_start[m + 1]) - np.int64(plan.sums.sum_start[m]), :n]
    add_sums(plan.sums, m, codes, reals, a, scratch.index, z)
    return z


@loop
def _draw_member(plan, m, rows, words, codes, reals, n, scratch):
    z = _sums_of(plan, m, codes, reals, rows.first, n, scratch)
    out = codes[plan.row[m], rows.first : rows.first + n]
    if plan.link[m] == SOFTMAX:
        return draw_states(rows, words, z, scratch.softmax, out)
    return _draw_bits(plan.link[m], rows, words, z[0], scratch.chances[:n], out)


@kernel
def sample_cpu(row_begin, row_end, key, start, plan, codes, reals):
    """Draw the members' rows of ``codes`` (n_codes, n), parents first; column i of the blocks is row start + i.

    Returns -1, or a row whose sums leave the range of their type.
    """
    words = np.empty((4, LARGEST_TILE), np.uint32)
    scratch = _new_scratch(plan)
    a = row_begin
    while a < row_end:
        row = uint64(start) + uint64(a)
        before_wrap = uint64(LOW) + uint64(1) - (row & uint64(LOW))
        n = np.int64(min(uint64(min(scratch.chances.shape[0], row_end - a)), before_wrap))
        for m in range(plan.link.shape[0]):
            word = plan.first_word + uint64(m)
            if m == 0 or word & uint64(3) == 0:
                fill_words(key, row, word >> uint64(2), uint64(STREAM_SAMPLE), n, words)
            rows = Rows(a, row, key, word)
            bad = _draw_member(plan, m, rows, words[word & uint64(3)], codes, reals, n, scratch)
            if bad >= 0:
                return a + bad
        a += n
    return np.int64(-1)


@loop
def _score_member(plan, m, codes, reals, a, scratch, term):
    """term = log p of member m for rows from a on."""
    n = term.shape[0]
    z = _sums_of(plan, m, codes, reals, a, n, scratch)
    own = codes[plan.row[m], a : a + n]
    if plan.link[m] == SOFTMAX:
        states_log_prob(z, own, scratch.softmax, term)
    elif plan.link[m] == NOISY_OR:
        for i in range(n):
            term[i] = noisy_or_log_prob(own[i], z[0, i])
    else:
        _score_bits(own, z[0], term)


@loop
def _score_bits(codes, z, term):
    wide_vectors()
    for i in range(term.shape[0]):
        term[i] = float64(bit_log_prob(codes[i], z[i]))


@loop
def _add(total, term):
    for i in range(total.shape[0]):
        total[i] += term[i]


@kernel
def log_prob_cpu(row_begin, row_end, plan, codes, reals, out):
    """out[i] += sum over members of log P(x_m | its parents) in row i; NaN where sums leave the range of their type."""
    scratch, terms = _new_scratch(plan), np.empty(LARGEST_TILE)
    size = scratch.chances.shape[0]
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        total, term = out[a : a + n], terms[:n]
        for m in range(plan.link.shape[0]):
            _score_member(plan, m, codes, reals, a, scratch, term)
            _add(total, term)


@kernel
def log_prob_per_variable_cpu(row_begin, row_end, plan, codes, reals, out):
    """out[v, i] = log P(x_v | parents of v) in row i for the members' variables v."""
    scratch = _new_scratch(plan)
    size = scratch.chances.shape[0]
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        for m in range(plan.link.shape[0]):
            _score_member(plan, m, codes, reals, a, scratch, out[plan.number[m], a : a + n])
