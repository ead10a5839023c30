"""Ancestral sampling from a torch module, batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.uniforms import uniforms_cpu
from ...runtime.arrays import code_type
from ...runtime.memory import check_memory
from ...runtime.torch_modules import evaluating
from ..draw import Draw, Drawn
from .outputs import Outputs
from .picking import log_softmax, pick, pick_log_odds, truncated

Array = npt.NDArray[Any]


def sample(outputs: Outputs, draw: Draw) -> Drawn:
    """Draw rows, position by position."""
    check_memory(draw.n * (outputs.n_vars + 16), f"a sample of {draw.n} rows x {outputs.n_vars} variables")
    values = np.empty((draw.n, outputs.n_vars), code_type(outputs.n_states))
    log_prob, sampling = np.zeros(draw.n), np.zeros(draw.n)
    with evaluating(outputs.module):
        for begin in range(0, draw.n, outputs.rows_at_once):
            own = slice(begin, min(draw.n, begin + outputs.rows_at_once))
            values[own], log_prob[own], sampling[own] = _draw_batch(outputs, draw, own.start, own.stop)
    if not draw.return_log_prob:
        return Drawn(values)
    return Drawn(values, log_prob, sampling if draw.truncated else None)


def _draw_batch(outputs: Outputs, draw: Draw, begin: int, end: int) -> tuple[Array, Array, Array]:
    n, given = end - begin, draw.prefix_length
    rows = np.zeros((n, outputs.n_vars), np.int64)
    if draw.prefix is not None:
        rows[:, :given] = draw.prefix[np.arange(begin, end) // draw.n_per_row]
    uniforms = _uniforms(draw, begin, end, outputs.n_vars)
    codes = outputs.tensor(rows)  # the generators below read what is written here
    context = None if draw.context is None else outputs.context_tensor(draw.context[begin:end])
    log_prob, sampling = np.zeros(n), np.zeros(n)
    by_passes = outputs.by_whole_passes(codes, context, given, draw.return_log_prob)
    for d, found in outputs.by_steps(codes, context) if outputs.has_steps else by_passes:
        logits = found.cpu().numpy()
        log_p = log_softmax(logits, d)
        if d >= given:
            weighted = truncated(logits, draw) if draw.truncated else logits
            rows[:, d] = pick_log_odds(weighted, uniforms[d]) if outputs.binary else pick(weighted, uniforms[d])
            codes[:, d] = outputs.tensor(rows[:, d])
            if draw.truncated:
                sampling += log_softmax(weighted, d)[np.arange(n), rows[:, d]]
        log_prob += log_p[np.arange(n), rows[:, d]]
    return rows, log_prob, sampling


def _uniforms(draw: Draw, begin: int, end: int, n_vars: int) -> Array:
    """(n_vars, n): those given, or Philox's."""
    if draw.uniforms is not None:
        return np.ascontiguousarray(draw.uniforms[begin:end].T, np.float64)
    n = end - begin
    result = np.empty((draw.first_word + n_vars, n))  # uniforms_cpu begins at word 0
    uniforms_cpu(np.uint64(draw.key), np.uint64(draw.start + begin), np.empty((8, n), np.uint32), result)
    return result[draw.first_word :]
