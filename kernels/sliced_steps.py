"""The steps of a program of sliced elimination, written down word by word: slices of tables, sums, products.

Small functions are inlined: handing over a dozen pointers costs more than what they do.
"""

from __future__ import annotations

import numpy as np

from .jit import inlined, loop
from .sliced import (
    AXIS_WORDS,
    FAMILY,
    FIRST,
    FIRST_ENTRY,
    FIRST_JUMP,
    FIRST_SIZE,
    KIND,
    N_AXES,
    N_HIDDEN,
    N_OBSERVED,
    N_STATES,
    NOTHING,
    OUT_SIZE,
    PAIR_SUM,
    PRODUCT,
    RANK,
    SECOND,
    SECOND_JUMP,
    SECOND_SIZE,
    SLICE_HEAD,
    STATES,
    SUM,
    SUMMED,
    axis_at,
    is_hidden,
)

__all__ = ["clipped", "write_likelihoods", "write_slice", "write_sum"]

LARGEST = 2.0**31 - 1.0


@inlined
def clipped(size):
    """A size as a word; programs with more cells are never run."""
    return np.int32(min(size, LARGEST))


@inlined
def write_slice(network, states, line, table, step, words):
    """Head and observed variables of the slice of a table, then its axes; returns (number of axes, cells)."""
    place = step + SLICE_HEAD
    for m in range(network.member_start[table], network.member_start[table + 1]):
        if states[line + network.member[m]] >= 0:
            words[place] = network.member[m]
            words[place + 1] = network.member_stride[m]
            place += 2
    words[step + FAMILY], words[step + FIRST_ENTRY] = table, network.table_start[table]
    words[step + N_OBSERVED] = (place - step - SLICE_HEAD) >> 1
    n_axes, size, moved = 0, 1.0, 0
    for m in range(network.member_start[table], network.member_start[table + 1]):
        u = network.member[m]
        if is_hidden(states[line + u]):
            words[place + RANK], words[place + STATES] = u, network.n_states[u]
            words[place + FIRST_JUMP] = network.member_stride[m] - moved
            moved = network.member_stride[m] * network.n_states[u]
            size *= network.n_states[u]
            place += AXIS_WORDS
            n_axes += 1
    words[step + N_HIDDEN] = n_axes
    words[step + OUT_SIZE] = clipped(size)
    return n_axes, size


@loop
def write_likelihoods(network, v, step, words):
    """Slice of the likelihoods of a variable."""
    words[step + FAMILY] = network.n_vars + v
    words[step + FIRST_ENTRY] = 0
    words[step + N_OBSERVED], words[step + N_HIDDEN] = 0, 1
    place = step + SLICE_HEAD
    words[place + RANK], words[place + STATES] = v, network.n_states[v]
    words[place + FIRST_JUMP] = 1
    words[step + OUT_SIZE] = network.n_states[v]


@inlined
def _merge_axes(network, lowering, first, second, inner, step, words):
    """The axes of two factors, but for the innermost, that both have with ``inner`` states; returns their
    configurations. ``second`` may be NOTHING."""
    i, n_i, at_i = 0, lowering.n_axes[first], lowering.axes[first]
    j, n_j, at_j = 0, 0, 0
    if second != NOTHING:
        n_j, at_j = lowering.n_axes[second], lowering.axes[second]
    stride_i, stride_j, moved_i, moved_j = inner, inner, 0, 0
    n_axes, size = 0, 1.0
    while i < n_i or j < n_j:
        rank_i = words[at_i + AXIS_WORDS * i] if i < n_i else 1 << 30
        rank_j = words[at_j + AXIS_WORDS * j] if j < n_j else 1 << 30
        rank = min(rank_i, rank_j)
        n_states = network.n_states[rank]
        in_i, in_j = rank_i == rank, rank_j == rank
        by_i, by_j = stride_i if in_i else 0, stride_j if in_j else 0
        place = axis_at(step, n_axes)
        words[place + RANK], words[place + STATES] = rank, n_states
        words[place + FIRST_JUMP], words[place + SECOND_JUMP] = by_i - moved_i, by_j - moved_j
        moved_i, moved_j = by_i * n_states, by_j * n_states
        if in_i:
            stride_i, i = moved_i, i + 1
        if in_j:
            stride_j, j = moved_j, j + 1
        size *= n_states
        n_axes += 1
    words[step + N_AXES] = n_axes
    return size


@inlined
def write_sum(network, lowering, v, first, second, keeps, step, words):
    """A sum over variable v, or where it ``keeps`` v a product; returns its cells."""
    inner = network.n_states[v]
    size = _merge_axes(network, lowering, first, second, inner, step, words)
    words[step + KIND] = PRODUCT if keeps else (SUM if second == NOTHING else PAIR_SUM)
    words[step + SUMMED], words[step + N_STATES] = v, inner
    words[step + FIRST], words[step + FIRST_SIZE] = lowering.out[first], clipped(lowering.size[first])
    words[step + SECOND], words[step + SECOND_SIZE] = 0, 0
    if second != NOTHING:
        words[step + SECOND], words[step + SECOND_SIZE] = lowering.out[second], clipped(lowering.size[second])
    size = size * inner if keeps else size
    words[step + OUT_SIZE] = clipped(size)
    return size
