"""Families -> strata, and strata -> the flat arrays that the loop reads. The only place that knows their layout."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.moments import HEADER, MomentsPlan
from ...runtime.memory import check_memory
from .sums import Moments

Array = npt.NDArray[Any]
LARGEST = 1 << 31  # configurations, so that their numbers fit 32 bits
BYTES = 48  # per number of a record: sums of pieces, means and moments of them, their total


class Family(NamedTuple):
    """What one variable needs to know of the data: where its columns are."""

    axes: tuple[int, ...]  # rows of the block of codes: its discrete parents
    n_states: tuple[int, ...]  # of these
    columns: tuple[int, ...]  # rows of the block of reals: the numbers of its real parents, then its own


class Stratum(NamedTuple):
    """Families with the same discrete parents: the columns of all, and the pairs of columns that any of them has."""

    axes: tuple[int, ...]
    n_states: tuple[int, ...]
    columns: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]  # places among the columns, the smaller first

    @property
    def n_configurations(self) -> int:
        """Joint states of the discrete parents."""
        return prod(self.n_states)

    @property
    def record(self) -> int:
        """Numbers of a record."""
        return HEADER + 2 * len(self.columns) + len(self.pairs)


class Strata:
    """All families of a network whose moments are learnt in one pass."""

    def __init__(self, families: Sequence[Family]) -> None:
        self.families: tuple[Family, ...] = tuple(families)
        groups: dict[tuple[int, ...], list[Family]] = {}
        for family in families:
            groups.setdefault(tuple(sorted(family.axes)), []).append(family)
        self.strata: tuple[Stratum, ...] = tuple(_stratum(axes, own) for axes, own in groups.items())
        number = {axes: s for s, axes in enumerate(groups)}
        self.stratum_of: list[int] = [number[tuple(sorted(family.axes))] for family in families]
        self._check()
        self.plan: MomentsPlan = _plan(self.strata)
        self.pairs: list[Array] = [np.array(own.pairs, np.intp).reshape(-1, 2).T for own in self.strata]
        self._column_places = [{column: j for j, column in enumerate(own.columns)} for own in self.strata]
        self._pair_places = [{pair: p for p, pair in enumerate(own.pairs)} for own in self.strata]

    def _check(self) -> None:
        """Refuse what cannot be indexed or held; computed in Python ints before anything is allocated."""
        most = max((own.n_configurations for own in self.strata), default=0)
        if most >= LARGEST:
            raise ValueError(f"discrete parents of a real variable have less than 2**31 joint states, got {most}")
        total = sum(own.n_configurations * own.record for own in self.strata)
        check_memory(BYTES * total, f"learning real variables with {most} joint states of discrete parents")

    @property
    def n_sums(self) -> int:
        """Numbers of all records."""
        return int(self.plan.record_start[-1])

    def new_records(self, shifts: Sequence[Array] | None = None) -> Array:
        """Sums of no rows, about shifts (c, d) of each stratum; None, or NaN among them: the first row will give it."""
        sums, starts = np.zeros(self.n_sums), self.plan.record_start
        for s, own in enumerate(self.strata):
            records = sums[int(starts[s]) : int(starts[s + 1])].reshape(own.n_configurations, own.record)
            records[:, HEADER : HEADER + len(own.columns)] = np.nan if shifts is None else shifts[s]
        return sums

    def moments_of(self, number: int, all_moments: Sequence[Moments]) -> Moments:
        """Those of one family, ``cross`` as matrices (c, d, d), configurations in the order of its own axes."""
        family, s = self.families[number], self.stratum_of[number]
        stratum, own = self.strata[s], all_moments[s]
        order = _configuration_order(stratum, family)
        columns = [self._column_places[s][column] for column in family.columns]
        places = self._pair_places[s]
        pairs = [[places[min(j, k), max(j, k)] for k in columns] for j in columns]
        cross = own.cross[order][:, np.array(pairs, np.intp).reshape(len(columns), len(columns))]
        shift, offset = (part[order][:, columns] for part in (own.shift, own.offset))
        return Moments(own.rows[order], own.weight[order], shift, offset, cross)


def _configuration_order(stratum: Stratum, family: Family) -> Array | slice:
    """Configurations of the stratum, in the order of the family's."""
    if family.axes == stratum.axes:
        return slice(None)
    numbers = np.arange(stratum.n_configurations).reshape(stratum.n_states)
    return numbers.transpose([stratum.axes.index(axis) for axis in family.axes]).ravel()


def _stratum(axes: tuple[int, ...], families: Sequence[Family]) -> Stratum:
    columns = sorted({column for own in families for column in own.columns})
    place = {column: j for j, column in enumerate(columns)}
    pairs = {
        (place[min(first, second)], place[max(first, second)])
        for own in families
        for first in own.columns
        for second in own.columns
    }
    n_states = dict(zip(families[0].axes, families[0].n_states, strict=True))
    return Stratum(axes, tuple(n_states[axis] for axis in axes), tuple(columns), tuple(sorted(pairs)))


def _plan(strata: Sequence[Stratum]) -> MomentsPlan:
    return MomentsPlan(
        axis_start=_starts([len(own.axes) for own in strata]),
        axis_row=_flat([own.axes for own in strata]),
        axis_stride=_flat([[prod(own.n_states[i + 1 :]) for i in range(len(own.axes))] for own in strata]),
        n_configurations=np.array([own.n_configurations for own in strata], np.uint32),
        column_start=_starts([len(own.columns) for own in strata]),
        column_row=_flat([own.columns for own in strata]),
        pair_start=_starts([len(own.pairs) for own in strata]),
        pair_first=_flat([[first for first, _ in own.pairs] for own in strata]),
        pair_second=_flat([[second for _, second in own.pairs] for own in strata]),
        record_start=_starts([own.n_configurations * own.record for own in strata], np.uint64),
    )


def _starts(lengths: Sequence[int], dtype: npt.DTypeLike = np.uint32) -> Array:
    return np.array([0, *accumulate(lengths)], dtype)


def _flat(lists: Sequence[Sequence[int]]) -> Array:
    return np.array([number for own in lists for number in own], np.uint32)
