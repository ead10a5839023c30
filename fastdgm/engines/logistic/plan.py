"""Logistic, softmax and noisy-or conditionals -> flat arrays of weights and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import prod
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
from ...kernels.weighted_sums import Groups, WeightedSums
from ...runtime.arrays import freeze
from ..base import Members

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

MOST_CELLS = 256  # of a group's table of one sum, which then stays in the first-level cache
MOST_NUMBERS = 1 << 15  # of the tables of all sums of a group, for memory


class DiscreteParent(NamedTuple):
    """What a discrete parent adds to the sums."""

    row: int  # of the block of codes
    table: Floats  # (sums, states); that of state 0 is 0


class Weighted(NamedTuple):
    """A member as weighted sums of its parents' columns."""

    name: str
    link: int
    bias: Floats  # (sums,)
    discrete: list[DiscreteParent]
    rows: list[int]  # of reals
    weights: Floats  # (sums, rows of reals)
    largest: float  # of all numbers


def weighted(name: str, conditional: Conditional, parents: Sequence[Variable], rows: Sequence[int]) -> Weighted:
    """The sums of a conditional whose parents are these, in blocks from these rows on."""
    link, weights, bias = _sums(conditional)
    discrete, real_rows, real_columns = list[DiscreteParent](), list[int](), list[int]()
    starts = first_columns(parents)
    for parent, row, first, end in zip(parents, rows, starts[:-1], starts[1:], strict=True):
        if isinstance(parent, Discrete):
            table = np.concatenate([np.zeros((len(weights), 1)), weights[:, first:end]], axis=1)
            discrete.append(DiscreteParent(row, table))
        else:
            real_rows.extend(range(row, row + parent.size))
            real_columns.extend(range(first, end))
    largest = max(float(np.abs(own).max(initial=0.0)) for own in (weights, bias))
    return Weighted(name, link, bias, discrete, real_rows, weights[:, real_columns], largest)


def _sums(conditional: Conditional) -> tuple[int, Floats, Floats]:
    """Link, weights (sums, columns) and bias (sums,)."""
    if isinstance(conditional, NoisyOr):
        assert conditional.probabilities is not None
        p = np.array([*conditional.probabilities, conditional.leak])
        fails = np.where(p < 1.0, np.log1p(-np.where(p < 1.0, p, 0.0)), CERTAIN)
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
    for member in own:
        if member.largest > float(np.finfo(dtype).max):
            raise ValueError(
                f"the weights of {member.name!r} leave the range of {dtype}, the largest is {member.largest:g}: use "
                "dtype=float64"
            )
    rows = members.rows
    with np.errstate(over="ignore", invalid="ignore"):  # of sums: a row that meets one has no probability
        sums = _weighted_sums(own, dtype)
    plan = LogisticPlan(
        sums,
        np.array([member.link for member in own], np.uint8),
        np.array([rows[v] for v in columns], np.uint32),
        np.array(columns, np.uint32),
        np.int64(max((len(member.bias) for member in own), default=1)),
        np.uint64(first_word),
    )
    freeze(*plan, *plan.sums, *plan.sums.groups)
    return plan


def _weighted_sums(own: Sequence[Weighted], dtype: np.dtype[Any]) -> WeightedSums:
    return WeightedSums(
        _groups([list(_grouped(member.discrete)) for member in own], dtype),
        _starts(len(member.rows) for member in own),
        np.array([row for member in own for row in member.rows], np.uint32),
        _wide_starts(member.weights.size for member in own),
        _flat([member.weights for member in own], dtype),
        _starts(len(member.bias) for member in own),
        _flat([member.bias for member in own], dtype),
    )


def _grouped(parents: Iterable[DiscreteParent]) -> Iterator[list[DiscreteParent]]:
    """Parents in their order, as many to a group as a table of joint states may have."""
    group = list[DiscreteParent]()
    for parent in parents:
        most = min(MOST_CELLS, MOST_NUMBERS // len(parent.table))
        if group and prod(own.table.shape[1] for own in (*group, parent)) > most:
            yield group
            group = []
        group.append(parent)
    if group:
        yield group


def _groups(by_member: Sequence[Sequence[Sequence[DiscreteParent]]], dtype: np.dtype[Any]) -> Groups:
    groups = [group for own in by_member for group in own]
    tables = [_joint_table(group) for group in groups]
    strides = [stride for group in groups for stride in _strides([own.table.shape[1] for own in group])]
    return Groups(
        _starts(map(len, by_member)),
        _starts(map(len, groups)),
        np.array([parent.row for group in groups for parent in group], np.uint32),
        np.array(strides, np.uint32),
        _wide_starts(table.size for table in tables),
        np.array([table.shape[1] for table in tables], np.uint32),
        _flat(tables, dtype),
    )


def _joint_table(group: Sequence[DiscreteParent]) -> Floats:
    """(sums, cells): what the parents add in each of their joint states, the last parent's state running fastest."""
    total = np.zeros((len(group[0].table), 1))
    for parent in group:
        total = (total[:, :, None] + parent.table[:, None, :]).reshape(len(total), -1)
    return total


def _strides(sizes: Sequence[int]) -> list[int]:
    return [prod(sizes[j + 1 :]) for j in range(len(sizes))]


def _starts(sizes: Iterable[int]) -> npt.NDArray[np.uint32]:
    """Where runs of these sizes begin, and where the last one ends."""
    return np.array([0, *accumulate(sizes)], np.uint32)


def _wide_starts(sizes: Iterable[int]) -> npt.NDArray[np.uint64]:
    return np.array([0, *accumulate(sizes)], np.uint64)


def _flat(arrays: Sequence[Floats], dtype: np.dtype[Any]) -> Array:
    return np.concatenate([np.empty(0), *(array.ravel() for array in arrays)]).astype(dtype)
