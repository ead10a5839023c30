"""Uniforms for models whose probabilities come from outside: the same as those that our own families draw with."""

from __future__ import annotations

from numba import uint64

from .jit import kernel
from .uniforms import fill_uniforms


@kernel
def uniforms_cpu(key, row, words, out):
    """out[d, i] = uniform in (0, 1) of position d of row ``row + i``; ``words`` is scratch (8, n) uint32."""
    fill_uniforms(uint64(key), uint64(row), 0, words, out)
