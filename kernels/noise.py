"""Random numbers for modules whose probabilities come from outside: those of a row's words from one on.

out[d, i] is the number of word first + d of row ``start + i``: uniform (uniforms.py), or standard normal (normal.py).
"""

from __future__ import annotations

import numpy as np
from numba import int64, uint64

from .jit import kernel
from .normal import fill_normals
from .uniforms import fill_uniforms

__all__ = ["normals_cpu", "uniforms_cpu"]

TILE = 1024  # rows


@kernel
def uniforms_cpu(row_begin, row_end, key, start, first, out):
    """out[d, i] = uniform of word first + d of row ``start + i``, for rows [row_begin, row_end) of out (count, n)."""
    lead = int64(first) & 3  # whole blocks of four words are filled
    count = out.shape[0] + lead
    words, scratch = np.empty((8, TILE), np.uint32), np.empty(count * TILE, out.dtype)
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        tile = scratch[: count * n].reshape(count, n)
        fill_uniforms(uint64(key), uint64(start) + uint64(a), int64(first) - lead, words, tile)
        out[:, a : a + n] = tile[lead:]


@kernel
def normals_cpu(row_begin, row_end, key, start, first, out):
    """out[d, i] = standard normal number of word first + d of row ``start + i``, for rows [row_begin, row_end) of out
    (count, n)."""
    words, scratch = np.empty((8, TILE), np.uint32), np.empty(out.shape[0] * TILE, out.dtype)
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        tile = scratch[: out.shape[0] * n].reshape(out.shape[0], n)
        fill_normals(uint64(key), uint64(start) + uint64(a), uint64(first), words, tile)
        out[:, a : a + n] = tile
