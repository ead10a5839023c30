"""A state of K by a tile of logits z (K, n), one column to a row: p(k) = exp(z_k) / sum_j exp(z_j).

    drawn by a uniform u    the smallest k with sum_{j <= k} exp(z_j) > u sum_j exp(z_j)
    log p(k)                z_k - log sum_j exp(z_j)

Sums over states are float64. A first word of 32 bits decides nearly every row: it leaves an interval to u, and where
both ends of that name one state, so does u. Elsewhere a second word decides.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import float64, uint64

from .categorical import state_of
from .elementary import exp
from .jit import loop, wide_vectors
from .philox import STREAM_REFINE, one_word
from .uniforms import WORD, uniform64

__all__ = ["Rows", "Tile", "draw_states", "new_tile", "states_log_prob"]


class Rows(NamedTuple):
    """One tile of rows to draw."""

    first: int  # column of the blocks
    number: int  # uint64: global row of the first
    key: int  # uint64
    word: int  # uint64


class Tile(NamedTuple):
    """What the draw and the score of a tile of rows leave for each other."""

    largest: np.ndarray  # float, of the type of the logits: max_k z_k
    total: np.ndarray  # float64: sum_k exp(z_k - largest), at least 1; NaN where that is undefined
    reached: np.ndarray  # float64
    least: np.ndarray  # uint16: the state, were u the smallest that the first word leaves
    most: np.ndarray  # uint16: were it the largest


@loop
def new_tile(z):
    """For tiles of as many rows as z has columns."""
    n = z.shape[1]
    return Tile(np.empty(n, z.dtype), np.empty(n), np.empty(n), np.empty(n, np.uint16), np.empty(n, np.uint16))


@loop
def weigh(z, tile):
    """z becomes exp(z - largest); their sum is ``total``."""
    wide_vectors()
    n = z.shape[1]
    largest, total = tile.largest[:n], tile.total[:n]
    largest[:] = z[0]
    total[:] = 0.0
    for k in range(1, z.shape[0]):
        for i in range(n):
            largest[i] = max(largest[i], z[k, i])
    for k in range(z.shape[0]):
        for i in range(n):
            z[k, i] = exp(z[k, i] - largest[i])
            total[i] += float64(z[k, i])


@loop
def pick_states(words, z, tile):
    """``least`` and ``most`` of every row, from weights z and their total; how many rows they do not agree in."""
    n, last = z.shape[1], np.uint16(z.shape[0] - 1)
    tile.reached[:n] = 0.0
    tile.least[:n] = 0
    tile.most[:n] = 0
    for k in range(z.shape[0]):
        for i in range(n):
            low, word = tile.total[i] * (float64(words[i]) * WORD), float64(words[i]) + 1.0
            tile.reached[i] += float64(z[k, i])
            tile.least[i] += np.uint16(tile.reached[i] <= low)
            tile.most[i] += np.uint16(tile.reached[i] <= tile.total[i] * (word * WORD))
    undecided = 0
    for i in range(n):
        tile.least[i], tile.most[i] = min(tile.least[i], last), min(tile.most[i], last)
        undecided += tile.least[i] != tile.most[i]
    return undecided


@loop
def state_by_uniform(z, i, total, u):
    """The smallest state of row i whose cumulative weight exceeds u times the total."""
    reached, target = 0.0, total * u
    for k in range(z.shape[0]):
        reached += float64(z[k, i])
        if reached > target:
            return k
    return z.shape[0] - 1


@loop
def draw_states(rows, words, z, tile, out):
    """Draw a tile of a variable with any number of states; returns -1 or the first row whose logits are no numbers."""
    weigh(z, tile)
    undecided = pick_states(words, z, tile)
    for i in range(out.shape[0]):
        if not tile.total[i] >= 1.0:
            return i
        out[i] = tile.least[i]
    if undecided:
        for i in range(out.shape[0]):
            if tile.least[i] != tile.most[i]:
                second = one_word(rows.key, rows.number + uint64(i), rows.word, uint64(STREAM_REFINE))
                out[i] = state_by_uniform(z, i, tile.total[i], uniform64(words[i], second))
    return -1


@loop
def states_log_prob(z, codes, tile, term):
    """term = log p(codes), of logits z, which become weights."""
    n, size = z.shape[1], z.shape[0]
    for i in range(n):
        term[i] = float64(z[state_of(codes[i], size), i])
    weigh(z, tile)
    for i in range(n):
        term[i] = term[i] - float64(tile.largest[i]) - math.log(tile.total[i])
