"""Linear Gaussians -> the flat arrays that kernels/gaussian.py reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...conditionals.gaussian import LinearGaussian
from ...data.variables import Discrete
from ...errors import NotFittedError
from ...kernels.gaussian import GaussianPlan
from ...runtime.arrays import freeze
from ..base import Members

Array = npt.NDArray[Any]
LOG_ROOT_2_PI = math.log(2.0 * math.pi) / 2.0


class _Parts(NamedTuple):
    """What one member adds to a plan."""

    row: int
    parent_rows: Sequence[int]  # of real parents, a vector's all
    selector_rows: Sequence[int]
    selector_strides: Sequence[int]
    intercept: Array  # (K,), K joint states of the discrete parents
    std: Array  # (K,)
    slopes: Array  # (K m,), those of the first joint state first


def gaussian_plan(members: Members, dtype: np.dtype[Any], first_word: int) -> GaussianPlan:
    """The plan for reals of a type. ValueError where a parameter leaves the range of it; NotFittedError without any."""
    parts = [_parts_of(members, v, dtype) for v in members.columns]
    std = _joined([own.std for own in parts], np.float64)
    with np.errstate(divide="ignore"):
        log_scale = np.where(std > 0.0, -np.log(std) - LOG_ROOT_2_PI, 0.0)
        half_precision = np.where(std > 0.0, math.sqrt(0.5) / std, 0.0)
    table_start = _starts([own.std.size for own in parts], np.uint64)
    without_choice = [at for at, own in zip(table_start[:-1].tolist(), parts, strict=True) if not own.selector_rows]
    plan = GaussianPlan(
        row=np.array([own.row for own in parts], np.uint32),
        parent_start=_starts([len(own.parent_rows) for own in parts], np.uint32),
        parent_row=_joined([own.parent_rows for own in parts], np.uint32),
        selector_start=_starts([len(own.selector_rows) for own in parts], np.uint32),
        selector_row=_joined([own.selector_rows for own in parts], np.uint32),
        selector_stride=_joined([own.selector_strides for own in parts], np.uint32),
        table_start=table_start,
        intercept=_joined([own.intercept for own in parts], dtype),
        std=std.astype(dtype),
        half_precision=half_precision,
        log_scale=log_scale,
        is_point=np.array([not own.std.all() for own in parts], np.uint8),
        slope_start=_starts([own.slopes.size for own in parts], np.uint64),
        slope=_joined([own.slopes for own in parts], dtype),
        constant=math.fsum(log_scale[without_choice]),
        first_word=np.uint64(first_word),
    )
    freeze(*plan)
    return plan


def _parts_of(members: Members, v: int, dtype: np.dtype[Any]) -> _Parts:
    name, own = list(members.conditionals.items())[v]
    assert isinstance(own, LinearGaussian)
    if own.intercept is None or own.coefficients is None or own.std is None:
        raise NotFittedError(f"{name!r} has no parameters yet: call fit first")
    _check_range(name, dtype, intercept=own.intercept, coefficients=own.coefficients)
    _check_std(name, dtype, own.std)
    variables, rows, parents = members.variables, members.rows, members.parents[v]
    n_states = own.intercept.shape
    strides = [math.prod(n_states[j + 1 :]) for j in range(len(n_states))]
    selector_rows, parent_rows = list[int](), list[int]()
    for parent in parents:
        variable = variables[parent]
        if isinstance(variable, Discrete):
            selector_rows.append(rows[parent])
        else:
            parent_rows.extend(range(rows[parent], rows[parent] + variable.size))
    parameters = own.intercept, own.std, own.coefficients
    return _Parts(rows[v], parent_rows, selector_rows, strides, *(array.ravel() for array in parameters))


def _check_range(name: str, dtype: np.dtype[Any], **arrays: Array) -> None:
    largest = float(np.finfo(dtype).max)
    for what, array in arrays.items():
        worst = float(np.abs(array).max(initial=0.0))
        if worst > largest:
            raise ValueError(f"{what} of {name!r} must lie within the range of {dtype}, got {worst:g} in size")


def _check_std(name: str, dtype: np.dtype[Any], std: Array) -> None:
    least, largest = float(np.finfo(dtype).tiny), 1.0 / float(np.finfo(dtype).tiny)
    bad = (std > 0.0) & ((std < least) | (std > largest))
    if bad.any():
        raise ValueError(
            f"the std of {name!r} must be 0 or lie within the range of {dtype}, {least:.3g} to {largest:.3g}, "
            f"got {std[bad].flat[0]:g}"
        )


def _starts(sizes: Sequence[int], dtype: npt.DTypeLike) -> Array:
    return np.array([0, *accumulate(sizes)], dtype)


def _joined(parts: Sequence[npt.ArrayLike], dtype: npt.DTypeLike) -> Array:
    return np.concatenate([np.empty(0), *parts]).astype(dtype)
