"""Rows of codes by rank, as the programs of hidden variables read them; tables that are observed need no program.

A hidden variable none of whose descendants is observed is *barren*: its table sums to one, so that it is left out where
only probabilities of what is observed are asked for (Shachter 1986).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import int32

from .jit import kernel, loop
from .pointers import bare, pointer
from .sliced import ANSWERED, BARREN, HIDDEN, LIKELY

__all__ = ["load_rows_cpu"]

TILE = 64  # rows side by side: all of them in every loop, whose length the compiler knows; the last ones may be idle


class Tile(NamedTuple):
    """Scratch for rows side by side."""

    states: np.ndarray  # int32 (n_vars, TILE) flat
    needed: np.ndarray  # uint8 (n_vars, TILE) flat: whether something that descends from it is known
    entry: np.ndarray  # int32 (TILE,): of a table
    least: np.ndarray  # int32 (TILE,): state of the table's variables


@loop
def _copy_codes(network, codes, n_rows, missing, a, n, tile):
    """The code of every variable in rows a to a + n, within its states, or HIDDEN."""
    for r in range(network.n_vars):
        begin, at, last = network.column[r] * n_rows + a, r * TILE, int32(network.n_states[r] - 1)
        for i in range(n):
            code = int32(codes[begin + i])
            tile.states[at + i] = int32(HIDDEN) if code == missing else min(code, last)


@loop
def _mark_likely(network, rows, a, n, tile):
    """LIKELY where the likelihoods of a row tell its states apart."""
    for r in range(network.n_vars):
        first = rows.likelihood_start[r]
        if first >= 0:
            for i in range(n):
                if rows.likelihoods[(a + i) * rows.n_likelihoods + first] >= 0.0:
                    tile.states[r * TILE + i] = int32(LIKELY)


@loop
def _mark_barren(network, tile):
    """BARREN where nothing that descends from a hidden variable is known."""
    for j in range(network.n_vars * TILE):
        tile.needed[j] = 0
    for place in range(network.n_vars):
        own = network.upwards[place] * TILE
        for i in range(TILE):
            tile.needed[own + i] |= tile.states[own + i] != int32(HIDDEN)
        for m in range(network.member_start[network.upwards[place]], network.member_start[network.upwards[place] + 1]):
            parent = network.member[m] * TILE
            for i in range(TILE):
                tile.needed[parent + i] |= tile.needed[own + i]
        for i in range(TILE):
            tile.states[own + i] = tile.states[own + i] if tile.needed[own + i] else int32(BARREN)


@loop
def _add_observed(network, a, tile, log_p):
    """Adds log of the entries of all tables whose variables are observed."""
    for i in range(TILE):
        log_p[a + i] = 0.0
    for r in range(network.n_vars):
        for i in range(TILE):
            tile.entry[i] = int32(network.table_start[r])
            tile.least[i] = int32(0)
        for m in range(network.member_start[r], network.member_start[r + 1]):
            own, stride = network.member[m] * TILE, int32(network.member_stride[m])
            for i in range(TILE):
                tile.least[i] = min(tile.least[i], tile.states[own + i])
                tile.entry[i] += stride * tile.states[own + i]
        for i in range(TILE):  # without a branch, which would go either way as often
            known = tile.least[i] == int32(0)
            log_entry = network.log_tables[tile.entry[i] if known else int32(0)]
            log_p[a + i] += log_entry if known else 0.0


@loop
def _write_rows(network, rows, a, tile):
    """The tile by rows; a few variables at a time, so that they stay in the cache."""
    for begin in range(0, network.n_vars, 16):
        end = min(begin + 16, network.n_vars)
        for i in range(TILE):
            line = (a + i) * network.n_vars
            for r in range(begin, end):
                rows.states[line + r] = tile.states[r * TILE + i]
    for i in range(TILE):
        rows.status[a + i] = ANSWERED


@kernel
def load_rows_cpu(row_begin, row_end, network, codes, prune, rows, tile):
    """rows.states[i, r] = what is known of each variable in column row_begin + i of the codes, and rows.log_p[i] = sum
    of log table entries over tables that are observed; barren variables are marked where ``prune`` says so. Rows have
    lines for a multiple of TILE; the tile is scratch, and the caller's: pointers keep no array alive."""
    missing, n_rows = int32(np.iinfo(codes.dtype).max), codes.shape[1]
    codes, network, rows, tile = pointer(codes), bare(network), bare(rows), bare(tile)
    for a in range(0, row_end - row_begin, TILE):
        n = min(TILE, row_end - row_begin - a)
        _copy_codes(network, codes, n_rows, missing, row_begin + a, n, tile)
        _mark_likely(network, rows, a, n, tile)
        if prune:
            _mark_barren(network, tile)
        _add_observed(network, a, tile, rows.log_p)
        _write_rows(network, rows, a, tile)
