"""Roots -> the flat arrays that kernels/roots.py reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...conditionals.base import Conditional
from ...conditionals.roots import Exponential, Laplace, Root, Uniform
from ...errors import NotFittedError
from ...kernels.roots import EXPONENTIAL, LAPLACE, UNIFORM, RootPlan
from ...runtime.arrays import freeze
from ..base import Members


class _Line(NamedTuple):
    """One member: the columns of a plan."""

    kind: int
    shift: float
    scale: float
    bottom: float
    top: float
    rate: float
    log_density: float


def _uniform(low: float, high: float) -> _Line:
    return _Line(UNIFORM, low, high - low, low, high, 0.0, -math.log(high - low))


def _exponential(rate: float) -> _Line:
    return _Line(EXPONENTIAL, 0.0, 1.0 / rate if rate > 1e-308 else math.inf, 0.0, math.inf, rate, math.log(rate))


def _laplace(loc: float, scale: float) -> _Line:
    if scale == 0.0:
        return _Line(LAPLACE, loc, 0.0, loc, loc, 0.0, 0.0)
    rate = 1.0 / scale if scale > 1e-308 else math.inf
    return _Line(LAPLACE, loc, scale, -math.inf, math.inf, rate, -math.log(2.0) - math.log(scale))


LINES: dict[type[Root], Callable[..., _Line]] = {Uniform: _uniform, Exponential: _exponential, Laplace: _laplace}


def root_plan(members: Members, dtype: np.dtype[Any], first_word: int) -> RootPlan:
    """The plan for reals of a type. ValueError where a parameter leaves the range of it; NotFittedError without any."""
    conditionals, rows = list(members.conditionals.items()), members.rows
    lines = [_line(*conditionals[v], dtype) for v in members.columns]
    kind, shift, scale, bottom, top, rate, log_density = np.array(lines, np.float64).reshape(-1, len(_Line._fields)).T
    plan = RootPlan(
        row=np.array([rows[v] for v in members.columns], np.uint32),
        kind=kind.astype(np.uint8),
        shift=shift.astype(dtype),
        scale=scale.astype(dtype),
        bottom=bottom.astype(dtype),
        top=top.astype(dtype),
        rate=rate.copy(),
        log_density=log_density.copy(),
        first_word=np.uint64(first_word),
    )
    freeze(*plan)
    return plan


def _line(name: str, own: Conditional, dtype: np.dtype[Any]) -> _Line:
    assert isinstance(own, Root)
    if own.values is None:
        raise NotFittedError(f"{name!r} has no parameters yet: call fit first")
    line = next(make for kind, make in LINES.items() if isinstance(own, kind))(*own.values)
    limits = np.finfo(dtype)
    largest, least = float(limits.max), float(limits.tiny)
    is_uniform = line.kind == UNIFORM
    if max(abs(line.shift), line.scale) > largest or (is_uniform and abs(line.top) > largest):
        raise ValueError(f"the parameters of {name!r} must lie within the range of {dtype}, got {own!r}")
    if not is_uniform and line.scale > 0.0 and not least <= line.scale <= 1.0 / least:
        what = "1 / rate" if line.kind == EXPONENTIAL else "scale"
        raise ValueError(
            f"{what} of {name!r} must lie within the range of {dtype}, {least:.3g} to {1.0 / least:.3g}, got {own!r}"
        )
    return line
