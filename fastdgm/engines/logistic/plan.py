"""Logistic, softmax and noisy-or conditionals -> flat arrays of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...conditionals.base import Conditional
from ...conditionals.columns import first_columns
from ...conditionals.logistic import LogLinear, Softmax
from ...conditionals.noisy_or import NoisyOr
from ...data.variables import Discrete, Variable
from ...kernels.logistic import LOGISTIC, NOISY_OR, SOFTMAX, LogisticPlan
from ...kernels.noisy_or import CERTAIN
from ...kernels.weighted_sums import Runs, WeightedSums
from ...runtime.arrays import freeze
from ..base import Members

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class Weighted(NamedTuple):
    """A member as weighted sums of its parents' columns."""

    name: str
    link: int
    weights: Floats  # (sums, columns)
    bias: Floats  # (sums,)
    binary: list[int]  # rows of codes of the parents with two states
    binary_columns: list[int]
    many: list[int]  # rows of codes of those with more
    many_columns: list[slice]
    real: list[int]  # rows of reals
    real_columns: list[int]


def weighted(name: str, conditional: Conditional, parents: Sequence[Variable], rows: Sequence[int]) -> Weighted:
    """The sums of a conditional whose parents are these, in blocks from these rows on."""
    link, weights, bias = _sums(conditional)
    own = Weighted(name, link, weights, bias, [], [], [], [], [], [])
    starts = first_columns(parents)
    for parent, row, first, end in zip(parents, rows, starts, starts[1:], strict=False):
        if not isinstance(parent, Discrete):
            own.real.extend(range(row, row + parent.size))
            own.real_columns.extend(range(first, end))
        elif parent.n_states == 2:
            own.binary.append(row)
            own.binary_columns.append(first)
        elif parent.n_states > 2:
            own.many.append(row)
            own.many_columns.append(slice(first, end))
    return own


def _sums(conditional: Conditional) -> tuple[int, Floats, Floats]:
    """Link, weights (sums, columns) and bias (sums,)."""
    if isinstance(conditional, NoisyOr):
        assert conditional.probabilities is not None
        fails = np.log1p(-np.minimum([*conditional.probabilities, conditional.leak], 1.0 - 2.0**-53))
        fails[np.array([*conditional.probabilities, conditional.leak]) == 1.0] = CERTAIN
        return NOISY_OR, fails[None, :-1], fails[-1:]
    assert isinstance(conditional, LogLinear)
    assert conditional.weights is not None and conditional.bias is not None
    if isinstance(conditional, Softmax):
        return SOFTMAX, conditional.weights, conditional.bias
    return LOGISTIC, conditional.weights[None, :], conditional.bias.reshape(1)


def make_plan(
    members: Members, columns: Sequence[int], own: Sequence[Weighted], first_word: int, dtype: np.dtype[Any]
) -> LogisticPlan:
    """The plan of some members, whose numbers are ``columns``, with sums of a float type.

    Raises ValueError where a weight leaves its range.
    """
    rows = members.rows
    plan = LogisticPlan(
        _weighted_sums(own, dtype),
        np.array([member.link for member in own], np.uint8),
        np.array([rows[v] for v in columns], np.uint32),
        np.array(columns, np.uint32),
        np.int64(max((len(member.bias) for member in own), default=1)),
        np.uint64(first_word),
    )
    freeze(*plan, *plan.sums, *plan.sums.binary, *plan.sums.many, *plan.sums.real)
    return plan


def _weighted_sums(own: Sequence[Weighted], dtype: np.dtype[Any]) -> WeightedSums:
    matrices = [member.weights[:, member.binary_columns + member.real_columns] for member in own]
    tables = [_table(member.weights[:, columns]) for member in own for columns in member.many_columns]
    for member in own:
        _check_range(member, dtype)
    return WeightedSums(
        _runs([member.binary for member in own]),
        _runs([member.many for member in own]),
        np.array([table.shape[1] for table in tables], np.uint32),
        _starts([table.size for table in tables])[:-1].astype(np.uint64),
        _flat(tables, dtype),
        _runs([member.real for member in own]),
        _starts([matrix.size for matrix in matrices]).astype(np.uint64),
        _flat(matrices, dtype),
        _starts([len(member.bias) for member in own]).astype(np.uint32),
        _flat([member.bias for member in own], dtype),
    )


def _table(weights: Floats) -> Floats:
    """The weights of all states of a parent: those of state 0 are 0."""
    return np.concatenate([np.zeros((len(weights), 1)), weights], axis=1)


def _runs(rows: Sequence[Sequence[int]]) -> Runs:
    flat = [row for own in rows for row in own]
    return Runs(_starts([len(own) for own in rows]).astype(np.uint32), np.array(flat, np.uint32))


def _starts(sizes: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)


def _flat(arrays: Sequence[Floats], dtype: np.dtype[Any]) -> Array:
    return np.concatenate([np.empty(0), *(array.ravel() for array in arrays)]).astype(dtype)


def _check_range(member: Weighted, dtype: np.dtype[Any]) -> None:
    largest = max(float(np.abs(member.weights).max(initial=0.0)), float(np.abs(member.bias).max(initial=0.0)))
    if largest > float(np.finfo(dtype).max):
        raise ValueError(
            f"the weights of {member.name!r} leave the range of {dtype}, the largest is {largest:g}: use dtype=float64"
        )
