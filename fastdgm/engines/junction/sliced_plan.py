"""A network of tables as the loops of sliced elimination read it: variables by rank, axes in that order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import ceil, log2
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.sliced import SlicedNetwork
from ...runtime.arrays import freeze
from .order import Families

Array = npt.NDArray[Any]


class SlicedPlan(NamedTuple):
    """What the loops read, and where the entries of its tables are in those that were given."""

    network: SlicedNetwork
    entries: Array  # int64: place of every entry, all tables flat in the order of their variables' numbers


class _Axes(NamedTuple):
    """The variables of a table by rank, ascending."""

    ranks: list[int]
    strides: list[int]
    order: list[int]  # of the axes of the table that was given: descending ranks


def sliced_plan(
    tables: Sequence[Array], families: Families, n_states: Sequence[int], order: Sequence[int]
) -> SlicedPlan:
    """That of an order of elimination; ``tables[v]`` has the axes ``families[v]``, its own variable last."""
    rank = {v: r for r, v in enumerate(order)}
    axes = [_axes(families[v], n_states, rank) for v in order]
    first_entry = [0, *accumulate(table.size for table in tables)]
    entries = [
        first_entry[v] + np.arange(tables[v].size).reshape(tables[v].shape).transpose(own.order).ravel()
        for v, own in zip(order, axes, strict=True)
    ]
    flat = [
        np.ascontiguousarray(tables[v].transpose(own.order), np.float64).ravel()
        for v, own in zip(order, axes, strict=True)
    ]
    touching: list[list[int]] = [[] for _ in order]
    for r, own in enumerate(axes):
        for member in own.ranks:
            touching[member].append(r)
    neighbours = [sorted({r for table in own for r in axes[table].ranks} - {v}) for v, own in enumerate(touching)]
    first_cell = [0, *accumulate(n_states)]
    with np.errstate(divide="ignore"):
        log_tables = np.log(np.concatenate(flat))
    network = SlicedNetwork(
        n_vars=len(order),
        n_cells=sum(n_states),
        column=_numbers(order),
        first_cell=_numbers(first_cell[v] for v in order),
        n_states=_numbers(n_states[v] for v in order),
        upwards=_numbers(_children_first([own.ranks for own in axes])),
        member_start=_starts(own.ranks for own in axes),
        member=_numbers(r for own in axes for r in own.ranks),
        member_stride=_numbers(stride for own in axes for stride in own.strides),
        touching_start=_starts(touching),
        touching=_numbers(r for own in touching for r in own),
        neighbour_start=_starts(neighbours),
        neighbour=_numbers(r for own in neighbours for r in own),
        table_start=_numbers(accumulate((own.size for own in flat[:-1]), initial=0)),
        tables=np.concatenate(flat),
        log_tables=log_tables,
        state_bits=_numbers((n_states[v] - 1).bit_length() for v in order),
        small_bits=_numbers(map(_small_bits, flat)),
    )
    freeze(*network)
    return SlicedPlan(network, np.concatenate(entries))


def _axes(family: Sequence[int], n_states: Sequence[int], rank: dict[int, int]) -> _Axes:
    places = sorted(range(len(family)), key=lambda place: rank[family[place]])
    sizes = [n_states[family[place]] for place in places]
    strides = list(accumulate(sizes[:-1], int.__mul__, initial=1))
    return _Axes([rank[family[place]] for place in places], strides, places[::-1])


def _children_first(families: Sequence[Sequence[int]]) -> list[int]:
    """All variables, none behind one of its parents; ``families[r]`` are the parents of r and r itself."""
    waiting = [0] * len(families)  # children
    for r, family in enumerate(families):
        for member in family:
            waiting[member] += member != r
    found = [r for r, n_children in enumerate(waiting) if not n_children]
    for r in found:
        for member in families[r]:
            if member != r:
                waiting[member] -= 1
                if not waiting[member]:
                    found.append(member)
    return found


def _small_bits(entries: Array) -> int:
    positive = entries[entries > 0.0]
    return max(0, ceil(-log2(positive.min()))) if len(positive) else 0


def _numbers(values: Any) -> npt.NDArray[np.int64]:
    return np.fromiter(values, np.int64)


def _starts(runs: Any) -> npt.NDArray[np.int64]:
    return _numbers(accumulate(map(len, runs), initial=0))
