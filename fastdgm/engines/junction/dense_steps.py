"""A bucket tree -> sums of products over cells, in which all rows take the same steps.

Every *step* fills rows: each is a sum over *cells*, of a weight (from the tables) times one to three rows filled
before. The first rows are the indicators, one for each state of each variable: 1 where the evidence allows it, or its
likelihood. A bucket is one step that sums its variable out, after steps that multiply factors whose product is much
smaller than the bucket, so that few factors are left for each cell. Cells that are 0 whatever the evidence are left
out, and so are rows without cells and the cells that would read them; rows with the same cells are one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .buckets import Bucket, BucketTree
from .order import Families

Array = npt.NDArray[Any]

MAX_FACTORS = 3  # rows that are multiplied in one cell
MANY_FACTORS = 8  # of which all pairs are looked at
LEAST = -900.0  # log2: no step may have smaller numbers. Likelihoods may take a hundred more; float64 holds -1022


class Scaling(NamedTuple):
    """When powers of two are taken out, in log2."""

    below: float  # a step with smaller numbers is scaled
    widest: float  # rows in which the numbers of a scaled step are further apart are answered in logarithms


SCALINGS = (Scaling(-400.0, 200.0), Scaling(-200.0, 100.0), Scaling(-100.0, 50.0))  # the first that keeps all in range


class Factor(NamedTuple):
    """A function of some variables: ``rows[configuration]``, one axis for each; -1 where it is always 0."""

    scope: tuple[int, ...]
    rows: Array
    first_row: int
    n_rows: int
    log2_smallest: float  # of its values that are not 0


class Step(NamedTuple):
    """Rows filled together; cells in the order of their rows."""

    first_row: int
    n_rows: int
    factors: tuple[Factor, ...]
    row: Array  # of each cell, counted from the first
    factor_rows: Array  # (cells, factors)
    weight: Array  # of each cell
    log_weight: Array  # of each cell
    configuration: Array  # of each cell, with the variable that is summed out last; -1 where cells were merged
    scaled: bool


class Summed(NamedTuple):
    """Where a variable is summed out."""

    bucket: Bucket
    step: int
    message: Factor


class Lowered(NamedTuple):
    """Steps in order."""

    n_states: tuple[int, ...]
    indicators: dict[int, int]  # variable by its first row
    steps: tuple[Step, ...]
    summed: tuple[Summed, ...]  # in the order of elimination
    result: int  # the row of p(e)
    n_rows: int
    scaling: Scaling
    in_range: bool  # whether float64 holds all numbers


class _Steps:
    """Steps as they are added."""

    def __init__(self, n_states: Sequence[int], merged: bool, scaling: Scaling) -> None:
        self.n_states, self.merged, self.scaling = n_states, merged, scaling
        self.indicator_row = [0, *accumulate(n_states)]
        self.n_rows = self.indicator_row[-1]
        self.steps: list[Step] = []
        self.in_range = True

    def indicator(self, v: int) -> Factor:
        """The indicators of a variable."""
        first, n = self.indicator_row[v], self.n_states[v]
        return Factor((v,), np.arange(first, first + n), first, n, 0.0)

    def add(
        self, scope: tuple[int, ...], summed: tuple[int, ...], factors: Sequence[Factor], tables: Sequence[Array]
    ) -> Factor:
        """A step for all configurations of a scope; tables have its axes and last that of the variable summed out."""
        axes = (*scope, *summed)
        shape = [self.n_states[v] for v in axes]
        inner = prod(self.n_states[v] for v in summed)
        rows = np.stack([_spread(own, axes, shape) for own in factors], axis=-1)
        weight, log_weight = np.ones(prod(shape)), np.zeros(prod(shape))
        for table in tables:
            full = np.broadcast_to(table, shape).ravel()
            weight = weight * full
            with np.errstate(divide="ignore"):
                log_weight = log_weight + np.log(full)
        kept = np.flatnonzero((log_weight > -np.inf) & (rows >= 0).all(axis=1))
        cells = _Cells(kept // inner, rows[kept], weight[kept], log_weight[kept], kept)
        n_configurations = prod(shape) // inner
        if self.merged:
            cells, row_of = _merge_rows(cells, n_configurations)
        else:
            cells, row_of = _sorted_rows(cells, n_configurations)
        n_new = int(row_of.max(initial=-1)) + 1
        smallest = sum(own.log2_smallest for own in factors)
        smallest += float(cells.log_weight.min(initial=0.0)) / np.log(2.0)
        self.in_range &= smallest >= LEAST
        scaled = smallest < self.scaling.below
        self.steps.append(Step(self.n_rows, n_new, tuple(factors), *cells, scaled))
        new = np.where(row_of < 0, -1, row_of + self.n_rows).reshape([self.n_states[v] for v in scope])
        made = Factor(scope, new, self.n_rows, n_new, -self.scaling.widest - 1.0 if scaled else smallest)
        self.n_rows += n_new
        return made

    def join(self, first: Factor, second: Factor) -> Factor:
        """Their product."""
        return self.add(tuple(sorted({*first.scope, *second.scope})), (), (first, second), ())


class _Cells(NamedTuple):
    """Those of a step, as there."""

    row: Array
    factor_rows: Array
    weight: Array
    log_weight: Array
    configuration: Array

    def take(self, chosen: Array, row: Array) -> _Cells:
        """Some of them, with new rows, in the order of these."""
        order = np.argsort(row, kind="stable")
        chosen = chosen[order]
        return _Cells(row[order], *(own[chosen] for own in self[1:]))


def lowered(
    tree: BucketTree, families: Families, tables: Sequence[Array], n_states: Sequence[int], *, merged: bool
) -> Lowered:
    """The steps of a tree; ``tables[v]`` has the axes ``families[v]``.

    Merged ones are fewer, and their cells do not belong to single configurations.
    """
    for scaling in SCALINGS:
        low = _lowered(tree, families, tables, _Steps(n_states, merged, scaling))
        if low.in_range:
            break
    return low


def _lowered(tree: BucketTree, families: Families, tables: Sequence[Array], steps: _Steps) -> Lowered:
    messages: dict[int, Factor] = {}
    totals: list[Factor] = []
    summed: list[Summed] = []
    for bucket in tree.buckets:
        factors = [steps.indicator(bucket.variable), *(messages.pop(v) for v in bucket.messages)]
        axes = (*bucket.scope, bucket.variable)
        factors = _few(factors, axes, steps)
        own = [_along(tables[v], families[v], axes) for v in bucket.tables]
        message = steps.add(bucket.scope, (bucket.variable,), factors, own)
        summed.append(Summed(bucket, len(steps.steps) - 1, message))
        if bucket.scope:
            messages[bucket.variable] = message
        else:
            totals.append(message)
    result = int(_few(totals, (), steps, most=1)[0].rows)
    first = {row: v for v, row in enumerate(steps.indicator_row[:-1])}
    return Lowered(
        tuple(steps.n_states),
        first,
        tuple(steps.steps),
        tuple(summed),
        result,
        steps.n_rows,
        steps.scaling,
        steps.in_range,
    )


def _few(factors: Sequence[Factor], axes: Sequence[int], steps: _Steps, most: int = MAX_FACTORS) -> list[Factor]:
    """The same product by fewer factors: two are joined where that is cheaper, or as many as have to be."""
    waiting = _one_for_each_scope(factors, steps, most)
    whole = prod(steps.n_states[v] for v in axes)

    def size(pair: tuple[int, int]) -> int:
        first, second = waiting[pair[0]], waiting[pair[1]]
        return min(prod(steps.n_states[v] for v in {*first.scope, *second.scope}), first.n_rows * second.n_rows)

    while len(waiting) > 1:
        pairs = [(i, j) for j in range(len(waiting)) for i in range(j)]
        i, j = min(pairs, key=size)
        if len(waiting) <= most and size((i, j)) * 2 > whole:
            break
        joined = steps.join(waiting[i], waiting[j])
        waiting = [own for k, own in enumerate(waiting) if k not in (i, j)] + [joined]
    return waiting


def _one_for_each_scope(factors: Sequence[Factor], steps: _Steps, most: int) -> list[Factor]:
    """Of many factors those of one scope are joined first, so that few pairs are looked at."""
    if len(factors) <= max(most, MANY_FACTORS):
        return list(factors)
    waiting: dict[tuple[int, ...], Factor] = {}
    for own in factors:
        scope = tuple(sorted(own.scope))
        waiting[scope] = steps.join(waiting[scope], own) if scope in waiting else own
    return list(waiting.values())


def _sorted_rows(cells: _Cells, n: int) -> tuple[_Cells, Array]:
    """Rows with equally many cells side by side, none without; and the row of each of n configurations."""
    counts = np.bincount(cells.row, minlength=n)
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    row_of = np.full(n, -1)
    row_of[order] = np.arange(len(order))
    return cells.take(np.arange(len(cells.row)), row_of[cells.row]), row_of


def _merge_rows(cells: _Cells, n: int) -> tuple[_Cells, Array]:
    """One row for all configurations that have the same cells, and one cell for all of a row with the same factors."""
    cells = _merge_cells(cells)
    counts = np.bincount(cells.row, minlength=n)
    place = np.arange(len(cells.row)) - (np.cumsum(counts) - counts)[cells.row]
    n_factors = cells.factor_rows.shape[1]
    key = np.full((n, int(counts.max(initial=0)), n_factors + 1), -1)
    key[cells.row, place, :n_factors] = cells.factor_rows
    key[cells.row, place, n_factors] = cells.weight.view(np.int64)
    _, representative, found = np.unique(_records(key.reshape(n, -1)), return_index=True, return_inverse=True)
    order = np.lexsort((representative, counts[representative]))
    order = order[counts[representative[order]] > 0]
    new = np.full(len(representative), -1)
    new[order] = np.arange(len(order))
    row_of = new[found.ravel()]
    first = np.zeros(n, np.bool_)
    first[representative[order]] = True
    chosen = np.flatnonzero(first[cells.row])
    return cells.take(chosen, row_of[cells.row[chosen]]), row_of


def _merge_cells(cells: _Cells) -> _Cells:
    key = _records(np.column_stack([cells.row, cells.factor_rows]))
    _, first, found = np.unique(key, return_index=True, return_inverse=True)
    if len(first) == len(key):
        return cells
    weight = np.bincount(found.ravel(), cells.weight)
    order = np.argsort(first)
    first, weight = first[order], weight[order]
    return _Cells(cells.row[first], cells.factor_rows[first], weight, np.log(weight), np.full(len(first), -1))


def _records(rows: Array) -> Array:
    """Every row as one thing that is compared as a whole."""
    rows = np.ascontiguousarray(rows, np.int64)
    return rows.view(np.dtype((np.void, rows.shape[1] * 8))).ravel()


def _along(table: Array, family: Sequence[int], axes: Sequence[int]) -> Array:
    """A table along the axes of a bucket."""
    order = sorted(range(len(family)), key=lambda i: axes.index(family[i]))
    shape = [1] * len(axes)
    for i in order:
        shape[axes.index(family[i])] = table.shape[i]
    return table.transpose(order).reshape(shape)


def _spread(factor: Factor, axes: Sequence[int], shape: Sequence[int]) -> Array:
    return np.broadcast_to(_along(factor.rows, factor.scope, axes), shape).ravel()
