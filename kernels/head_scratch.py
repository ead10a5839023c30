"""The rows of a head's scratch (JOINT + size, lanes): what the loops of heads.py leave for each other."""

from __future__ import annotations

import numpy as np

from .jit import loop

# From WIDE on two rows of float64 (two rows of float32 hold one), from JOINT on one for each parameter.
TERM, NOISE, LARGEST, TOTAL, BELOW, UNDEFINED, WIDE = range(7)
SUM, REACHED = np.int64(0), np.int64(1)  # the wide rows
JOINT = WIDE + 4


@loop
def wide_row(scratch, number):
    """Row ``number`` of those of float64, (lanes,)."""
    lanes, per_number = scratch.shape[1], 8 // scratch.itemsize
    begin = (WIDE + 2 * number) * lanes
    return scratch.reshape(scratch.size)[begin : begin + per_number * lanes].view(np.float64)


@loop
def mark_infinite(values, v, scratch):
    """Row UNDEFINED becomes 1 where values[v] is infinite or NaN."""
    one, zero = scratch.dtype.type(1), scratch.dtype.type(0)
    for i in range(values.shape[1]):
        scratch[UNDEFINED, i] = scratch[UNDEFINED, i] if values[v, i] - values[v, i] == zero else one
