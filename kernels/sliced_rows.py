"""Rows of codes by rank, as the programs of hidden variables read them; tables that are observed need no program.

A hidden variable none of whose descendants is observed is *barren*: its table sums to one, so that it is left out where
only probabilities of what is observed are asked for (Shachter 1986).
"""

from __future__ import annotations

import numpy as np
from numba import int32

from .jit import kernel, loop
from .sliced import ANSWERED, HIDDEN, LIKELY

__all__ = ["load_rows_cpu"]

TILE = 64


@loop
def _copy_codes(network, codes, a, states):
    """states[r, i] = code of the variable of rank r in row a + i, within its states, or HIDDEN."""
    missing = np.iinfo(codes.dtype).max
    for r in range(states.shape[0]):
        own, last = codes[network.column[r]], network.n_states[r] - 1
        for i in range(states.shape[1]):
            code = own[a + i]
            states[r, i] = int32(-1) if code == missing else int32(min(int32(code), last))


@loop
def _mark_likely(rows, a, states):
    """LIKELY where the likelihoods of a row tell its states apart."""
    for r in range(states.shape[0]):
        first = rows.likelihood_start[r]
        if first >= 0:
            for i in range(states.shape[1]):
                if rows.likelihoods[a + i, first] >= 0.0:
                    states[r, i] = LIKELY


@loop
def _mark_barren(network, states, needed):
    """BARREN where nothing that descends from a hidden variable is known."""
    needed[:] = False
    for r in network.upwards:
        own = needed[r]
        for i in range(states.shape[1]):
            own[i] |= states[r, i] != HIDDEN
        for m in range(network.member_start[r], network.member_start[r + 1]):
            parent = needed[network.member[m]]
            for i in range(states.shape[1]):
                parent[i] |= own[i]
        for i in range(states.shape[1]):
            states[r, i] = states[r, i] if own[i] else int32(-3)


@loop
def _add_observed(network, states, index, known, log_p):
    """log_p[i] += log of the entries of all tables whose variables are observed."""
    n = states.shape[1]
    log_p[:] = 0.0
    for r in range(states.shape[0]):
        index[:] = network.table_start[r]
        known[:] = True
        for m in range(network.member_start[r], network.member_start[r + 1]):
            own, stride = states[network.member[m]], int32(network.member_stride[m])
            for i in range(n):
                known[i] &= own[i] >= int32(0)
                index[i] += stride * own[i]
        for i in range(n):
            if known[i]:
                log_p[i] += network.log_tables[np.uint64(index[i])]


@kernel
def load_rows_cpu(row_begin, row_end, network, codes, prune, rows):
    """rows.states[i, r] = what is known of each variable of column row_begin + i of the codes, and rows.log_p[i] = sum
    of log table entries over tables that are observed; barren variables are marked where ``prune`` says so."""
    n_vars = network.column.shape[0]
    states, needed = np.empty((n_vars, TILE), np.int32), np.empty((n_vars, TILE), np.bool_)
    index, known = np.empty(TILE, np.int32), np.empty(TILE, np.bool_)
    for a in range(0, row_end - row_begin, TILE):
        n = min(TILE, row_end - row_begin - a)
        own = states[:, :n]
        _copy_codes(network, codes, row_begin + a, own)
        _mark_likely(rows, a, own)
        if prune:
            _mark_barren(network, own, needed[:, :n])
        _add_observed(network, own, index[:n], known[:n], rows.log_p[a : a + n])
        for i in range(n):
            rows.status[a + i] = ANSWERED
            for r in range(n_vars):
                rows.states[a + i, r] = own[r, i]
