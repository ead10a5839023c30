"""CUDA twins of sliced_answers.py, for programs that the host lowered: one thread to a row at a time.

Every thread has a line of memory of its own, so that as many rows are worked on as there are lines.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from .sliced import SlicedMemory
from .sliced_answers import collect, is_possible, share_all

__all__ = ["log_evidence_cuda", "marginals_cuda"]

device: Any = cuda.jit(device=True)


@device
def _line(memory, line):
    """The memory of one thread."""
    return SlicedMemory(memory.cells[line], memory.slopes[line], memory.counts[line], memory.weights[line])


@cuda.jit
def log_evidence_cuda(network, rows, programs, memory):
    """rows.log_p[i] = log sum_x p(x, e_i), nats."""
    thread, n_lines = cuda.grid(1), min(cuda.gridsize(1), memory.cells.shape[0])
    if thread < n_lines:
        own = _line(memory, thread)
        for i in range(thread, rows.log_p.shape[0], n_lines):
            if is_possible(rows, i):
                collect(network, rows, i, programs.words, False, own)


@cuda.jit
def marginals_cuda(network, rows, programs, memory, posterior):
    """posterior[i, cell of state k of v] = P(x_v = k | e_i), and rows.log_p[i] = log p(e_i)."""
    thread, n_lines = cuda.grid(1), min(cuda.gridsize(1), memory.cells.shape[0])
    if thread < n_lines:
        own = _line(memory, thread)
        for i in range(thread, rows.log_p.shape[0], n_lines):
            if is_possible(rows, i):
                collect(network, rows, i, programs.words, False, own)
            share_all(network, rows, i, programs.words, own, posterior[i], 0)
