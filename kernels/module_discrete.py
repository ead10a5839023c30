"""Vectors of discrete variables by logits that a torch module gave, in rows.

    BITS      logits (n, cells)       p(x = 1) = 1 / (1 + exp(-z))            bernoulli.py
    STATES    logits (n, cells, k)    p(x = j) = exp(z_j) / sum_l exp(z_l)    softmax.py

Cell c draws from word ``cells.word + c`` of a row and, where 32 bits leave it open, from that of the refinement stream,
as logistic.py does: a state is drawn as often as the float64 formula says, to 2^-64. Infinite logits of bits
and those of -inf of states are probabilities of 0 and 1. Sums over cells are float64, in the order of the cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float32, float64, uint64

from .elementary import exp, log1p
from .jit import kernel, loop, wide_vectors
from .logistic import MARGIN, logistic_bit
from .module_tiles import TILE, TOGETHER, flat_of, load_columns, new_columns, rows_of_tile, shaped, tile_rows
from .philox import STREAM_REFINE, STREAM_SAMPLE, fill_words, one_word
from .portable import multiply_add
from .softmax import Rows, draw_states, new_tile, states_log_prob
from .uniforms import WORD

__all__ = ["log_prob_bits_cpu", "log_prob_states_cpu", "sample_bits_cpu", "sample_states_cpu"]

LOGS = 16  # cells whose logarithm is taken at once: the product stays below 2^16


class _Scratch(NamedTuple):
    """What draws of bits need for a tile of rows."""

    words: np.ndarray  # uint32 (4, TILE)
    reached: np.ndarray  # float32 (TILE,)
    close: np.ndarray  # float32 (TILE,): how many cells of a row a word does not decide


# Bits -------------------------------------------------------------------------------------------------------------


@loop
def _compare(words, z, reached, close, out):
    """out = whether u < sigmoid(z) by a word, without a division; close += 1 where that is open, or z NaN."""
    wide_vectors()
    for i in range(out.shape[0]):
        above = float32(1.0) + exp(-float32(z[i]))
        reached[i] = float32(words[i]) * float32(WORD) * above - float32(1.0)
        close[i] += float32(0.0) if abs(reached[i]) > float32(MARGIN) * above else float32(1.0)
    for i in range(out.shape[0]):  # a loop of its own: numbers of several widths in one are not vectorised
        out[i] = reached[i] < float32(0.0)


@loop
def _decide(rows, i, z, codes, row):
    """Draw all cells of row i of a tile by two words each; returns whether their logits are numbers."""
    fine = True
    number = rows.number + uint64(i)
    for j in range(z.shape[0]):
        word = rows.word + uint64(j)
        high = one_word(rows.key, number, word, uint64(STREAM_SAMPLE))
        low = one_word(rows.key, number, word, uint64(STREAM_REFINE))
        codes[row + j, rows.first + i] = logistic_bit(z[j, i], high, low)
        fine &= z[j, i] == z[j, i]
    return fine


@loop
def _draw_bits(rows, z, n, scratch, codes, row):
    """Draw n rows of a few cells; returns -1 or the first row with a logit that is NaN."""
    close, bad = scratch.close[:n], np.int64(-1)
    close[:] = 0
    for j in range(z.shape[0]):
        word = rows.word + uint64(j)
        lane = word & uint64(3)
        if j == 0 or lane == uint64(0):
            fill_words(rows.key, rows.number, word >> uint64(2), uint64(STREAM_SAMPLE), n, scratch.words)
        out = codes[row + j, rows.first : rows.first + n]
        _compare(scratch.words[lane], z[j], scratch.reached, close, out)
    for i in range(n - 1, -1, -1):
        if close[i] > 0.0 and not _decide(rows, i, z, codes, row):
            bad = i
    return bad


@kernel
def sample_bits_cpu(row_begin, row_end, key, start, cells, logits, codes):
    """Draw columns [row_begin, row_end) of the vector's rows of ``codes`` (n_codes, n); column i is row start + i.

    Returns -1, or the first column that was found whose logits are NaN.
    """
    scratch = _Scratch(np.empty((4, TILE), np.uint32), np.empty(TILE, np.float32), np.empty(TILE, np.float32))
    numbers, n_cells = new_columns(logits), logits.shape[1]
    a = row_begin
    while a < row_end:
        row, n = uint64(start) + uint64(a), rows_of_tile(start, a, row_end, TILE)
        for c in range(0, n_cells, TOGETHER):
            z = numbers[: min(TOGETHER, n_cells - c)]
            load_columns(logits, a - cells.first, n, c, z.shape[0], z)
            rows = Rows(a, row, uint64(key), uint64(cells.word) + uint64(c))
            bad = _draw_bits(rows, z, n, scratch, codes, cells.row + c)
            if bad >= 0:
                return a + bad
        a += n
    return np.int64(-1)


@loop
def _add_bits(codes, z, scaled, below):
    """log p = -max(s, 0) - log(1 + exp(-|z|)), s = -z of a 1 and z of a 0: below += max(s, 0), and 1 + scaled is the
    product of the 1 + exp(-|z|), kept without the 1 so that small ones count."""
    wide_vectors()
    zero = z.dtype.type(0)
    for i in range(below.shape[0]):
        own = z[i]
        share = exp(-abs(own))
        s = own if codes[i] == 0 else -own
        below[i] += s if s > zero else zero
        scaled[i] = multiply_add(scaled[i], share, scaled[i] + share)


@loop
def _add_logs(scaled, below, total):
    """total -= below + log(1 + scaled), both of which become 0."""
    wide_vectors()
    for i in range(scaled.shape[0]):
        below[i] += log1p(scaled[i])
    for i in range(scaled.shape[0]):
        total[i] -= float64(below[i])
        below[i] = scaled[i] = 0


@kernel
def log_prob_bits_cpu(row_begin, row_end, cells, logits, codes, out):
    """out[i] += sum over cells of log p(codes[cells.row + c, i]), NaN where a logit is."""
    z, n_cells = new_columns(logits), logits.shape[1]
    scaled, below = np.zeros(TILE, logits.dtype), np.zeros(TILE, logits.dtype)
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        for c in range(0, n_cells, TOGETHER):
            count = min(TOGETHER, n_cells - c)
            load_columns(logits, a - cells.first, n, c, count, z)
            for j in range(count):
                _add_bits(codes[cells.row + c + j, a : a + n], z[j], scaled, below[:n])
                if j % LOGS == LOGS - 1 or j == count - 1:
                    _add_logs(scaled[:n], below, out[a : a + n])


# States -----------------------------------------------------------------------------------------------------------


@kernel
def sample_states_cpu(row_begin, row_end, key, start, cells, logits, codes):
    """Draw columns [row_begin, row_end) of the vector's rows of ``codes`` (n_codes, n); column i is row start + i.

    Returns -1, or the first column that was found whose logits are NaN, have +inf or nothing but -inf.
    """
    n_cells, k = logits.shape[1], logits.shape[2]
    flat, size = logits.reshape(logits.shape[0], n_cells * k), tile_rows(k)
    words, numbers = np.empty((4, size), np.uint32), flat_of(k, size, logits)
    tile = new_tile(shaped(numbers, k, size))
    a = row_begin
    while a < row_end:
        row, n = uint64(start) + uint64(a), rows_of_tile(start, a, row_end, size)
        z = shaped(numbers, k, n)
        for c in range(n_cells):
            load_columns(flat, a - cells.first, n, c * k, k, z)
            word = uint64(cells.word) + uint64(c)
            lane = word & uint64(3)
            if c == 0 or lane == uint64(0):
                fill_words(key, row, word >> uint64(2), uint64(STREAM_SAMPLE), n, words)
            rows, out = Rows(a, row, key, word), codes[cells.row + c, a : a + n]
            bad = draw_states(rows, words[lane], z, tile, out)
            if bad >= 0:
                return a + bad
        a += n
    return np.int64(-1)


@kernel
def log_prob_states_cpu(row_begin, row_end, cells, logits, codes, out):
    """out[i] += sum over cells of log p(codes[cells.row + c, i]), NaN where the logits are no numbers."""
    n_cells, k = logits.shape[1], logits.shape[2]
    flat, size = logits.reshape(logits.shape[0], n_cells * k), tile_rows(k)
    numbers, terms = flat_of(k, size, logits), np.empty(size)
    tile = new_tile(shaped(numbers, k, size))
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        z = shaped(numbers, k, n)
        for c in range(n_cells):
            load_columns(flat, a - cells.first, n, c * k, k, z)
            states_log_prob(z, codes[cells.row + c, a : a + n], tile, terms[:n])
            for i in range(n):
                out[a + i] += terms[i]
