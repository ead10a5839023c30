"""Terms of several engines on a device, added up: where a network has conditionals of more than one kind.

Bound by memory: 24 bytes a row to add, 0.008 ns on an H100, 0.015 on an A100, 0.08 on a T4; a third of that to clear.
"""

from __future__ import annotations

from numba import cuda

__all__ = ["add_cuda", "clear_cuda"]


@cuda.jit
def add_cuda(term, out):
    """out[i] += term[i], for all rows."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[i] += term[i]


@cuda.jit
def clear_cuda(out):
    """out[i] = 0, for all rows."""
    for i in range(cuda.grid(1), out.shape[0], cuda.gridsize(1)):
        out[i] = 0.0
