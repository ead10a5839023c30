"""Rows through the loops of a masked network: log_prob and ancestral sampling, on all threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels import heads
from ...kernels import made_sampling as sampling
from ...kernels.made import MaskedNet
from ...kernels.made_rows import Strips
from ...kernels.made_sampling import Given, Request
from ...kernels.outputs import Draws, Scores
from ...runtime.arrays import code_type, read_only
from ...runtime.memory import check_memory
from ...runtime.pieces import run_rows
from ..defined import refuse_undefined, undefined_draw
from ..draw import Draw, Drawn
from .loops import LOOPS

Array = npt.NDArray[Any]


def no_context(net: MaskedNet, n: int) -> Array:
    """The context of a model that has none."""
    return np.empty((n, 0), net.weights.dtype)


def work_per_row(net: MaskedNet) -> float:
    """Multiply-adds of one row."""
    return float(net.reach.sum() + net.biases.size)


def log_prob(net: MaskedNet, x: Array, context: Array, per_variable: bool, strips: Strips | None = None) -> Array:
    """``score`` where it is defined; ValueError names the row and variable where it is not."""
    result = score(net, x, context, per_variable, strips)

    def terms(row: int) -> Array:
        return row_terms(net, x[row : row + 1], context[row : row + 1])

    refuse_undefined(result, terms, net.order, net.weights.dtype)
    return result


def score(net: MaskedNet, x: Array, context: Array, per_variable: bool, strips: Strips | None = None) -> Array:
    """log_prob of rows (n,), or its terms (n, n_vars). With the net's ``strips`` few rows take less time, with the same
    result bit for bit."""
    n, n_vars = x.shape
    check_memory(8 * n * (n_vars if per_variable else 1), "log_prob")
    scores = Scores(np.empty(n), np.empty((n if per_variable else 0, n_vars)), np.empty((0, 0), net.weights.dtype))
    x, context = _given(x), _given(context)

    def work(begin: int, end: int) -> None:
        if strips is None:
            LOOPS["log_prob", "cpu"](begin, end, net, x, context, scores)
        else:
            LOOPS["log_prob few rows", "cpu"](begin, end, net, strips, x, context, scores)

    run_rows(work, n, work_per_row(net))
    return scores.terms if per_variable else scores.log_prob


def sample(
    net: MaskedNet,
    draw: Draw,
    n_states: int | None,
    noise: Array | None = None,
    strips: Strips | None = None,
) -> Drawn:
    """Draw rows; ``noise`` (n, n_vars) by position, instead of random numbers, is what the heads take. With the net's
    ``strips`` few rows are drawn in less time, the same bit for bit."""
    n, n_vars, dtype = draw.n, len(net.order), net.weights.dtype
    value_type = dtype if n_states is None else code_type(n_states)
    check_memory(n * n_vars * value_type.itemsize, "sample")
    scored = n if draw.return_log_prob else 0
    draws = Draws(
        np.empty((n, n_vars), value_type),
        np.empty(scored),
        np.empty(scored if draw.truncated else 0),
        np.empty(n, np.bool_),
        np.empty((0, 0), dtype),
    )
    context = no_context(net, n) if draw.context is None else draw.context
    request = Request(
        np.uint64(draw.key),
        np.uint64(draw.start if n else 0),  # no rows may start at 2**64
        draw.first_word,
        draw.prefix_length,
        draw.n_per_row,
        draw.temperature if net.head == heads.NORMAL else draw.temperature_in(dtype),
        min(draw.top_k or 0, net.head_size + 1),
        1.0 if draw.top_p is None else draw.top_p,
        draw.truncated,
        draw.return_log_prob,
        _source(draw, noise),
    )
    given = Given(
        _given(np.empty((0, 0), dtype) if draw.prefix is None else draw.prefix.astype(dtype)),
        _given(_noise(draw, noise, net)),
        _given(context),
    )

    def work(begin: int, end: int) -> None:
        if strips is None:
            LOOPS["sample", "cpu"](begin, end, net, request, given, draws)
        else:
            LOOPS["sample few rows", "cpu"](begin, end, net, strips, request, given, draws)

    run_rows(work, n, work_per_row(net))

    def terms(row: int) -> Array:
        return row_terms(net, draws.values[row : row + 1], context[row : row + 1])

    if draws.undefined.any():
        row = int(draws.undefined.argmax())
        defined = np.isfinite(draws.values[row]) if n_states is None else terms(row) < np.inf
        raise undefined_draw(row, defined, net.order, dtype, draw.temperature)
    refuse_undefined(draws.log_prob, terms, net.order, dtype)
    if not draw.return_log_prob:
        return Drawn(draws.values)
    return Drawn(draws.values, draws.log_prob, draws.sampling_log_prob if draw.truncated else None)


def row_terms(net: MaskedNet, x: Array, context: Array) -> Array:
    """The terms (n_vars,) of one row."""
    return score(net, x, context, True)[0]


def _given(array: Array) -> Array:
    return read_only(np.ascontiguousarray(array))


def _source(draw: Draw, noise: Array | None) -> int:
    if noise is not None:
        return sampling.NOISE
    return sampling.PHILOX if draw.uniforms is None else sampling.UNIFORMS


def _noise(draw: Draw, noise: Array | None, net: MaskedNet) -> Array:
    """Given noise, or given uniforms, (n, n_vars * words)."""
    if noise is not None:
        return noise
    if draw.uniforms is None:
        return np.empty((0, 0), np.float64)
    return draw.uniforms_in(net.weights.dtype if net.head == heads.BERNOULLI else np.float64)
