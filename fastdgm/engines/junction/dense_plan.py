"""A bucket tree -> sums of products over cells, in which all rows take the same steps.

Every *step* fills rows of a workspace: each new row is a sum over *cells*, of a weight (from the tables; cells of
weight 0 are left out) times one to three rows filled before. The first rows are the indicators, one for each state of
each variable: 1 where the evidence allows it, or its likelihood. A bucket is one step that sums its variable out, after
steps that multiply factors whose product is much smaller than the bucket, so that few factors are left for each cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.junction import DensePlan
from ...runtime.arrays import freeze
from .buckets import Bucket, BucketTree

Array = npt.NDArray[Any]

MAX_FACTORS = 3  # rows that are multiplied in one cell
SMALLEST = -300.0  # log2: below it rows of a step are scaled


class Factor(NamedTuple):
    """A function of some variables: ``rows[configuration]`` of the workspace, one axis for each."""

    scope: tuple[int, ...]
    rows: Array
    log2_smallest: float  # of its values that are not 0


class Counted(NamedTuple):
    """Where the cells of a step are in the table of one variable."""

    variable: int
    cells: Array  # numbers of cells of the plan
    entries: Array  # of the table, in C order


class Lowered(NamedTuple):
    """What the loops read, and where answers are."""

    plan: DensePlan
    counted: tuple[Counted, ...]


class _Steps:
    """Steps as they are added, in lists."""

    def __init__(self, n_states: Sequence[int]) -> None:
        self.n_states = n_states
        self.indicator_row = [0, *accumulate(n_states)]
        self.n_rows = self.indicator_row[-1]
        self.n_factors: list[int] = []
        self.step_start = [0]  # rows
        self.scaled: list[bool] = []
        self.lengths: list[Array] = []  # cells of every row
        self.weights: list[Array] = []
        self.rows: list[Array] = []  # (cells, factors) of every step
        self.states: list[Array] = []  # of the variable that is summed out, for every cell
        self.n_cells = 0

    def indicator(self, v: int) -> Factor:
        """The indicators of a variable."""
        return Factor((v,), np.arange(self.n_states[v]) + self.indicator_row[v], 0.0)

    def add(
        self, scope: tuple[int, ...], summed: int | None, factors: Sequence[Factor], table: Array
    ) -> tuple[Factor, Array]:
        """A step for all configurations of a scope; ``table`` has its axes and that of the variable summed out, last.

        Returns the new factor, and which configurations (flat, with the summed variable last) became cells.
        """
        axes = scope if summed is None else (*scope, summed)
        shape = [self.n_states[v] for v in axes]
        inner = 1 if summed is None else shape[-1]
        rows = np.stack([_spread(own, axes, shape).ravel() for own in factors], axis=-1)
        weights = np.broadcast_to(table, shape).ravel()
        kept = np.flatnonzero(weights)
        n_new = prod(shape) // inner
        self.lengths.append(np.bincount(kept // inner, minlength=n_new))
        self.weights.append(weights[kept])
        self.rows.append(rows[kept])
        self.states.append(kept % inner)
        self.n_factors.append(len(factors))
        self.step_start.append(self.step_start[-1] + n_new)
        self.n_cells += len(kept)
        smallest = sum(own.log2_smallest for own in factors)
        smallest += float(np.log2(weights[kept].min())) if len(kept) else 0.0
        self.scaled.append(smallest < SMALLEST)
        new = np.arange(self.n_rows, self.n_rows + n_new).reshape([self.n_states[v] for v in scope])
        self.n_rows += n_new
        return Factor(scope, new, max(smallest, SMALLEST)), kept

    def join(self, first: Factor, second: Factor) -> Factor:
        """Their product."""
        scope = tuple(sorted({*first.scope, *second.scope}))
        return self.add(scope, None, (first, second), np.ones([self.n_states[v] for v in scope]))[0]


def dense_plan(
    tree: BucketTree, families: Sequence[tuple[int, ...]], tables: Sequence[Array], n_states: Sequence[int]
) -> Lowered:
    """The steps of a tree; ``tables[v]`` has the axes ``families[v]``."""
    steps = _Steps(n_states)
    messages: dict[int, Factor] = {}
    totals: list[Factor] = []
    counted: list[Counted] = []
    sum_step = np.zeros(len(n_states), np.uint32)
    for bucket in tree.buckets:
        factors = [steps.indicator(bucket.variable), *(messages.pop(v) for v in bucket.messages)]
        axes = (*bucket.scope, bucket.variable)
        factors = _few(factors, axes, steps)
        table = np.ones([1] * len(axes))
        for v in bucket.tables:
            table = table * _along(tables[v], families[v], axes)
        first_cell = steps.n_cells
        sum_step[bucket.variable] = len(steps.n_factors)
        message, kept = steps.add(bucket.scope, bucket.variable, factors, table)
        counted += _counted(bucket, first_cell, kept, families, n_states)
        if bucket.scope:
            messages[bucket.variable] = message
        else:
            totals.append(message)
    _few(totals, (), steps, most=1)
    return Lowered(_plan(steps, tree, sum_step), tuple(counted))


def _few(factors: Sequence[Factor], axes: Sequence[int], steps: _Steps, most: int = MAX_FACTORS) -> list[Factor]:
    """The same product by fewer factors: two are joined where that is cheaper, or as many as have to be."""
    waiting = list(factors)
    whole = prod(steps.n_states[v] for v in axes)

    def size(pair: tuple[int, int]) -> int:
        return prod(steps.n_states[v] for v in {*waiting[pair[0]].scope, *waiting[pair[1]].scope})

    while len(waiting) > 1:
        pairs = [(i, j) for j in range(len(waiting)) for i in range(j)]
        i, j = min(pairs, key=size)
        if len(waiting) <= most and size((i, j)) * 2 > whole:
            break
        joined = steps.join(waiting[i], waiting[j])
        waiting = [own for k, own in enumerate(waiting) if k not in (i, j)] + [joined]
    return waiting


def _counted(
    bucket: Bucket, first_cell: int, kept: Array, families: Sequence[tuple[int, ...]], n_states: Sequence[int]
) -> list[Counted]:
    axes = (*bucket.scope, bucket.variable)
    codes = np.unravel_index(kept, [n_states[v] for v in axes])
    place = {v: codes[i] for i, v in enumerate(axes)}
    found = []
    for v in bucket.tables:
        shape = [n_states[u] for u in families[v]]
        entries = np.ravel_multi_index([place[u] for u in families[v]], shape)
        found.append(Counted(v, np.arange(first_cell, first_cell + len(kept)), entries))
    return found


def _along(table: Array, family: Sequence[int], axes: Sequence[int]) -> Array:
    """A table along the axes of a bucket."""
    order = sorted(range(len(family)), key=lambda i: axes.index(family[i]))
    shape = [1] * len(axes)
    for i in order:
        shape[axes.index(family[i])] = table.shape[i]
    return table.transpose(order).reshape(shape)


def _spread(factor: Factor, axes: Sequence[int], shape: Sequence[int]) -> Array:
    return np.broadcast_to(_along(factor.rows, factor.scope, axes), shape)


def _plan(steps: _Steps, tree: BucketTree, sum_step: Array) -> DensePlan:
    scope_start, scope_variable, scope_stride = [0], list[int](), list[int]()
    for bucket in reversed(tree.buckets):
        sizes = [steps.n_states[v] for v in bucket.scope]
        scope_variable += bucket.scope
        scope_stride += [prod(sizes[i + 1 :]) for i in range(len(sizes))]
        scope_start.append(len(scope_variable))
    cells = [own.size for own in steps.rows]
    plan = DensePlan(
        indicator_row=np.array(steps.indicator_row, np.uint32),
        n_factors=np.array(steps.n_factors, np.uint32),
        step_start=np.array(steps.step_start, np.uint32),
        scaled=np.array(steps.scaled, np.bool_),
        cell_start=np.array([0, *np.cumsum(np.concatenate(steps.lengths))], np.uint32),
        weight=np.concatenate(steps.weights),
        state=np.concatenate(steps.states).astype(np.uint32),
        factor_start=np.array([0, *accumulate(cells)], np.uint32),
        factor_row=np.concatenate([own.ravel() for own in steps.rows]).astype(np.uint32),
        drawn=np.array([bucket.variable for bucket in reversed(tree.buckets)], np.uint32),
        drawn_step=sum_step[[bucket.variable for bucket in reversed(tree.buckets)]],
        scope_start=np.array(scope_start, np.uint32),
        scope_variable=np.array(scope_variable, np.uint32),
        scope_stride=np.array(scope_stride, np.uint32),
    )
    freeze(*plan)
    return plan
