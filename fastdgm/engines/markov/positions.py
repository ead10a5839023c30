"""Sparse chains drawn position by position, where every context's full distribution is needed.

Tempered, truncated and given uniform numbers, a draw depends on all symbols at once. The distributions of the contexts
that occur at a position are made when they are needed, a few at a time: the tables of all of them would not fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.sequences import Stream
from ...kernels import markov_sparse as kernels
from ...runtime.memory import check_memory
from ..draw import Draw
from .alias import alias_tables
from .truncated import truncate

Array = npt.NDArray[Any]
CELLS = 1 << 20  # of the distributions at hand at a time


class PositionsDrawn(NamedTuple):
    """Codes (n, room), of which lengths (n,) count, and the log-probability of the symbols drawn, ends included."""

    codes: Array
    lengths: Array
    log_prob: Array


def draw_positions(chain: kernels.SparseChain, draw: Draw, prefix: Stream | None, limit: int) -> PositionsDrawn:
    """Rows to their end symbol or to ``limit`` symbols; ``chain`` holds probabilities, not logarithms."""
    codes, lengths, states = _begin(chain, draw, prefix, limit)
    log_prob = np.zeros(draw.n)
    going = np.flatnonzero(lengths < limit)
    while len(going):
        symbols = np.empty(len(going), np.int64)
        for part, distributions, table in _distributions(chain, draw, states[going]):
            rows = going[part]
            symbols[part] = _pick(draw, rows, lengths[rows], distributions, table)
            log_prob[rows] += np.log(distributions[table, symbols[part]])
        goes_on = symbols < chain.width - 1
        going, symbols = going[goes_on], symbols[goes_on]
        codes = _with_room(codes, int(lengths[going].max(initial=0)) + 1, limit)
        codes[going, lengths[going]] = symbols
        lengths[going] += 1
        following = states[going]
        kernels.advance_cpu(chain, following, symbols)
        states[going] = following
        going = going[lengths[going] < limit]
    return PositionsDrawn(codes, lengths, log_prob)


def _begin(chain: kernels.SparseChain, draw: Draw, prefix: Stream | None, limit: int) -> tuple[Array, Array, Array]:
    """The prefixes, their lengths and the states after them."""
    dtype = np.uint8 if chain.width <= 257 else np.uint16
    if prefix is None or not len(prefix):
        codes = _with_room(np.empty((draw.n, 0), dtype), 16, limit)
        return codes, np.zeros(draw.n, np.int64), np.full(draw.n, chain.start, np.int64)
    after = np.empty(len(prefix), np.int64)
    kernels.states_after(chain, prefix.symbols, prefix.starts, after)
    of_row = np.arange(draw.n) // draw.n_per_row
    lengths = np.diff(prefix.starts) - 1
    codes = _with_room(np.empty((draw.n, 0), dtype), max(16, int(lengths.max())), limit)
    for row, i in enumerate(of_row.tolist()):
        codes[row, : lengths[i]] = prefix[i]
    return codes, lengths[of_row], after[of_row]


def _with_room(codes: Array, needed: int, limit: int) -> Array:
    """Wider, twice at a time, where there are less columns than needed."""
    n, width = codes.shape
    if needed <= width:
        return codes
    wider = min(limit, max(needed, 2 * width))
    check_memory(n * wider * codes.itemsize, f"a sample of {n} rows of {wider} symbols")
    larger = np.zeros((n, wider), codes.dtype)
    larger[:, :width] = codes
    return larger


def _distributions(chain: kernels.SparseChain, draw: Draw, states: Array) -> Iterator[tuple[Array, Array, Array]]:
    """Which of the rows, the distributions of their states, and which one each of them has; a few states at a time."""
    different, which = np.unique(states, return_inverse=True)
    size = max(1, CELLS // chain.width)
    for begin in range(0, len(different), size):
        own = different[begin : begin + size]
        probabilities = np.empty((len(own), chain.width))
        kernels.distributions(chain, own, probabilities)
        if draw.truncated:
            probabilities = truncate(probabilities, draw)
        probabilities = np.ascontiguousarray(probabilities[:, : chain.width - chain.certain_end])
        part = np.flatnonzero((which >= begin) & (which < begin + size))
        yield part, probabilities, which[part] - begin


def _pick(draw: Draw, rows: Array, positions: Array, probabilities: Array, table: Array) -> Array:
    """One symbol of each row, by its own random words or its uniform number."""
    symbols = np.empty(len(rows), np.int64)
    if draw.uniforms is not None:
        uniforms = draw.uniforms[rows, positions].astype(np.float64)
        kernels.pick_by_uniforms(uniforms, probabilities, table, symbols)
        return symbols
    tables = alias_tables(probabilities)
    numbers = rows.astype(np.uint64) + np.uint64(draw.start % 2**64)
    kernels.pick_by_words(np.uint64(draw.key), numbers, positions, *tables, table, symbols)
    return symbols
