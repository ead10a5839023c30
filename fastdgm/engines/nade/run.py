"""Rows through the loops of a NADE: log_prob and ancestral sampling, on all threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.nade import NEVER_SURE, NADEDraw, NADEPlan
from ...kernels.outputs import Draws, Scores
from ...runtime.arrays import read_only
from ...runtime.memory import check_memory
from ...runtime.pieces import run_rows
from ..defined import refuse_undefined, undefined_draw
from ..draw import Draw, Drawn
from .loops import LOOPS

Array = npt.NDArray[Any]


def score(plan: NADEPlan, x: Array, per_variable: bool) -> Array:
    """``log_prob`` of rows, where it is defined; ValueError names the row and variable where it is not."""
    result = log_prob(plan, x, per_variable)
    refuse_undefined(result, lambda row: log_prob(plan, x[row : row + 1], True)[0], plan.order, plan.W.dtype)
    return result


def log_prob(plan: NADEPlan, x: Array, per_variable: bool) -> Array:
    """log p of codes (n, n_vars): (n,), or the terms (n, n_vars); float64."""
    terms = np.empty((len(x) if per_variable else 0, x.shape[1]))
    scores = Scores(np.empty(len(x)), terms, np.empty((0, 0), plan.W.dtype))
    rows = read_only(x)
    run_rows(lambda begin, end: LOOPS["log_prob", "cpu"](begin, end, plan, rows, scores), len(x), work_per_row(plan))
    return terms if per_variable else scores.log_prob


def sample(plan: NADEPlan, draw: Draw) -> Drawn:
    """Draw rows; ValueError names the row and variable whose probability is not defined."""
    want, n_vars = draw.return_log_prob, len(plan.order)
    check_memory(draw.n * (n_vars + 16), f"{draw.n} rows of {n_vars} variables")
    values = np.empty((draw.n, n_vars), np.uint8)
    total, sampling_total = np.empty((2, draw.n if want else 0))
    undefined = np.empty(draw.n, np.bool_)
    prefix = np.empty((1, 0), np.uint8) if draw.prefix is None else draw.prefix
    uniforms = np.empty((0, n_vars)) if draw.uniforms is None else draw.uniforms_in(plan.W.dtype)
    uniforms = read_only(np.ascontiguousarray(uniforms, plan.W.dtype))
    request = request_of(draw, plan.W.dtype, read_only(prefix), uniforms)
    draws = Draws(values, total, sampling_total, undefined, np.empty((0, 0), plan.W.dtype))
    run_rows(lambda begin, end: LOOPS["sample", "cpu"](begin, end, plan, request, draws), draw.n, work_per_row(plan))

    def terms(row: int) -> Array:
        return log_prob(plan, values[row : row + 1], True)[0]

    if undefined.any():
        row = int(undefined.argmax())
        raise undefined_draw(row, terms(row) < np.inf, plan.order, plan.W.dtype, draw.temperature)
    refuse_undefined(total, terms, plan.order, plan.W.dtype)
    return Drawn(values, total if want else None, sampling_total if want and draw.truncated else None)


def request_of(draw: Draw, dtype: np.dtype[Any], prefix: Any, uniforms: Any) -> NADEDraw:
    """The draw as the loops read it, with arrays of the device that draws."""
    sure = NEVER_SURE if draw.top_p is None or draw.top_p == 1.0 else draw.top_p
    number = dtype.type
    return NADEDraw(
        key=np.uint64(draw.key),
        start=np.uint64(draw.start if draw.n else 0),  # no rows may start at 2**64
        temperature=number(draw.temperature_in(dtype)),
        sure=number(0.0 if draw.top_k == 1 else sure),
        prefix=prefix,
        n_per_row=max(1, draw.n) if draw.prefix is None else draw.n_per_row,
        uniforms=uniforms,
        want_log_prob=draw.return_log_prob,
    )


def work_per_row(plan: NADEPlan) -> float:
    """In the units of ``run_rows``."""
    return 4.0 * plan.W.size
