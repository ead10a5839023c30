"""Steps -> programs: operations in order, and where in the workspace their rows are.

The slope of p(e) by a row is a sum over the cells that read it, of their weights times the slope of the cell's own row
times its other factors: a step like any other. So the slopes by all factors of the steps, the last step first, follow
the steps themselves.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.junction import COUNTS, INDICATORS, MARGINALS, SCALE, SUMS, TURN, UNSCALE, DenseProgram
from ...kernels.junction_states import StatePlan
from ...runtime.arrays import freeze
from .buckets import Bucket
from .dense_steps import Lowered, Step, Summed

Array = npt.NDArray[Any]
Run = tuple[int, int]  # first row, number of rows


class Cells(NamedTuple):
    """Of the rows that an operation fills, or counted."""

    row: Array  # counted from the first that is filled, ascending
    factor_rows: Array  # (cells, factors)
    weight: Array


class Operation(NamedTuple):
    """One of a program, with rows as the steps number them; slopes are numbered after all rows."""

    kind: int
    run: Run  # filled, scaled, or slopes that are read
    subject: int = 0
    reads: tuple[int, ...] = ()  # first rows of runs
    other: int = 0  # first row of a second run that is read
    cells: Cells | None = None


class Counted(NamedTuple):
    """Cells that are counted."""

    n_cells: int
    steps: tuple[int, ...]  # whose cells they are, one after the other
    tables: dict[int, tuple[Array, Array]]  # for every variable: cells, and their entries of its table in C order


def evidence_program(low: Lowered) -> DenseProgram:
    """log p(e)."""
    return _program(low, [*_collect(low), _turn(low)])


def marginals_program(low: Lowered) -> DenseProgram:
    """log p(e) and the marginals of all variables."""
    return _program(low, _marginals(low))


def _marginals(low: Lowered) -> list[Operation]:
    operations = [*_collect(low), _turn(low)]
    for number, step in _backwards(low):
        operations += _unscaled(low, number)
        for f, factor in enumerate(step.factors):
            slopes = _slopes(low, step, f)
            operations.append(slopes)
            v = _variable(low, factor.first_row)
            if v is not None:
                reads = (slopes.run[0], factor.first_row)
                operations.append(Operation(MARGINALS, slopes.run, v, reads, factor.first_row))
    return operations


def posterior_program(low: Lowered, target: int) -> DenseProgram:
    """log p(e) and the marginals of one variable."""
    operations = _marginals(low)
    kept: list[Operation] = []
    needed: set[int] = set()  # first rows of runs that a later operation reads
    for own in reversed(operations):
        if own.kind == TURN or own.run[0] in needed or (own.kind == MARGINALS and own.subject == target):
            kept.append(own)
            needed.update((own.run[0], *own.reads))
    return _program(low, kept[::-1])


def counts_program(low: Lowered, families: Sequence[tuple[int, ...]]) -> tuple[DenseProgram, Counted]:
    """log p(e) and the probabilities of the cells of all tables; of steps that are not merged."""
    operations = [*_collect(low), _turn(low)]
    buckets = {own.step: own.bucket for own in low.summed}
    n_cells, steps, found = 0, list[int](), dict[int, tuple[Array, Array]]()
    for number, step in _backwards(low):
        operations += _unscaled(low, number)
        operations += [
            _slopes(low, step, f) for f, own in enumerate(step.factors) if _variable(low, own.first_row) is None
        ]
        if number in buckets and buckets[number].tables:
            operations.append(_counted(low, step, n_cells))
            cells = np.arange(n_cells, n_cells + len(step.row))
            found |= {v: (cells, own) for v, own in _entries(low, step, buckets[number], families).items()}
            n_cells += len(step.row)
            steps.append(number)
    return _program(low, operations), Counted(n_cells, tuple(steps), found)


def states_plan(low: Lowered) -> StatePlan:
    """All rows, kept, and the order in which variables get their states; of steps that are not merged."""
    cell_start = list(accumulate((len(own.row) for own in low.steps), initial=0))
    factor_start = list(accumulate((own.factor_rows.size for own in low.steps), initial=0))
    order = low.summed[::-1]
    strides = [_strides([low.n_states[u] for u in own.bucket.scope]) for own in order]
    cells = [_cells_of_configurations(low, own, cell_start[own.step]) for own in order]
    plan = StatePlan(
        program=_arranged(low, list(_collect(low)), np.arange(low.n_rows), low.n_rows),
        variable=_unsigned([own.bucket.variable for own in order]),
        n_factors=_unsigned([len(low.steps[own.step].factors) for own in order]),
        step_cell=_unsigned([cell_start[own.step] for own in order]),
        step_factor=_unsigned([factor_start[own.step] for own in order]),
        scope_start=_unsigned(list(accumulate(map(len, strides), initial=0))),
        scope_variable=_unsigned([u for own in order for u in own.bucket.scope]),
        scope_stride=_unsigned([stride for own in strides for stride in own]),
        first_configuration=_unsigned(list(accumulate((len(first) for first, _ in cells), initial=0))),
        first_cell=_unsigned(np.concatenate([first for first, _ in cells])),
        n_cells=_unsigned(np.concatenate([count for _, count in cells])),
        state=_states(low, cell_start),
        result=np.uint32(low.result),
    )
    freeze(*plan[1:-1])
    return plan


# --- operations ---


def _collect(low: Lowered) -> Iterator[Operation]:
    """Indicators where they are first read, and the steps."""
    for number, step in enumerate(low.steps):
        for factor in step.factors:
            v = _variable(low, factor.first_row)
            if v is not None:
                yield Operation(INDICATORS, (factor.first_row, factor.n_rows), v)
        run = (step.first_row, step.n_rows)
        reads = tuple(own.first_row for own in step.factors)
        yield Operation(SUMS, run, 0, reads, cells=Cells(step.row, step.factor_rows, step.weight))
        if step.scaled:
            yield Operation(SCALE, run, number, (step.first_row,))


def _turn(low: Lowered) -> Operation:
    return Operation(TURN, (low.n_rows + low.result, 1), 0, (low.result,), low.result)


def _backwards(low: Lowered) -> Iterator[tuple[int, Step]]:
    return zip(range(len(low.steps) - 1, -1, -1), reversed(low.steps), strict=True)


def _unscaled(low: Lowered, number: int) -> list[Operation]:
    step = low.steps[number]
    if not step.scaled:
        return []
    first = low.n_rows + step.first_row
    return [Operation(UNSCALE, (first, step.n_rows), number, (first, step.first_row), step.first_row)]


def _slopes(low: Lowered, step: Step, f: int) -> Operation:
    """Those by the rows of a factor."""
    factor = step.factors[f]
    row = step.factor_rows[:, f] - factor.first_row
    order = np.argsort(row, kind="stable")
    rows = step.factor_rows.copy()
    rows[:, f] = low.n_rows + step.first_row + step.row
    reads = [own.first_row for g, own in enumerate(step.factors) if g != f]
    run = (low.n_rows + factor.first_row, factor.n_rows)
    cells = Cells(row[order], rows[order], step.weight[order])
    return Operation(SUMS, run, 0, (low.n_rows + step.first_row, *reads), cells=cells)


def _counted(low: Lowered, step: Step, first: int) -> Operation:
    """The probabilities of all cells of a step."""
    slopes = low.n_rows + step.first_row
    rows = np.column_stack([slopes + step.row, step.factor_rows])
    reads = (slopes, *(own.first_row for own in step.factors))
    return Operation(COUNTS, (slopes, len(rows)), first, reads, cells=Cells(step.row, rows, step.weight))


def _entries(low: Lowered, step: Step, bucket: Bucket, families: Sequence[tuple[int, ...]]) -> dict[int, Array]:
    """Where the cells of a step are in its tables."""
    axes = (*bucket.scope, bucket.variable)
    codes = np.unravel_index(step.configuration, [low.n_states[v] for v in axes])
    place = dict(zip(axes, codes, strict=True))
    return {
        v: np.ravel_multi_index([place[u] for u in families[v]], [low.n_states[u] for u in families[v]])
        for v in bucket.tables
    }


def _variable(low: Lowered, row: int) -> int | None:
    """Whose indicators begin at a row, if any do."""
    return low.indicators.get(row)


# --- states ---


def _strides(shape: Sequence[int]) -> list[int]:
    return [prod(shape[i + 1 :]) for i in range(len(shape))]


def _cells_of_configurations(low: Lowered, own: Summed, begin: int) -> tuple[Array, Array]:
    """The first cell, and how many, of every configuration of the scope; none where it is impossible."""
    step, row = low.steps[own.step], own.message.rows.ravel()
    counts = np.bincount(step.row, minlength=step.n_rows)
    first = begin + np.cumsum(counts) - counts
    row = np.where(row < 0, -1, row - step.first_row)
    return np.append(first, begin)[row], np.append(counts, 0)[row]


def _states(low: Lowered, cell_start: Sequence[int]) -> Array:
    """That of the variable which a step sums out, for every cell."""
    state = np.zeros(cell_start[-1], np.uint32)
    for own in low.summed:
        codes = low.steps[own.step].configuration % low.n_states[own.bucket.variable]
        state[cell_start[own.step] : cell_start[own.step + 1]] = codes
    return state


# --- the workspace ---


def _program(low: Lowered, operations: Sequence[Operation]) -> DenseProgram:
    """Operations whose rows are used again once nothing reads them."""
    place, n_rows = _places(operations, 2 * low.n_rows)
    return _arranged(low, operations, place, n_rows)


def _places(operations: Sequence[Operation], n_rows: int) -> tuple[Array, int]:
    """The place of every row in the workspace, and how many places there are."""
    last = {first: o for o, own in enumerate(operations) for first in (own.run[0], *own.reads)}
    place, workspace, where = np.zeros(n_rows, np.int64), _Workspace(), dict[int, Run]()
    for o, own in enumerate(operations):
        first, size = own.run
        if own.kind in (INDICATORS, SUMS, TURN):
            begin = workspace.take(size)
            where[first] = (begin, size)
            place[first : first + size] = np.arange(begin, begin + size)
        for done in {first, *own.reads}:
            if last[done] == o:
                workspace.give_back(where.pop(done))
    return place, workspace.n_rows


class _Workspace:
    """Rows that are free, and those that are not."""

    def __init__(self) -> None:
        self.n_rows = 0
        self._gaps: list[Run] = []  # ascending, no two side by side

    def take(self, size: int) -> int:
        """The first gap that is wide enough, or new rows; returns the first row."""
        for i, (begin, n) in enumerate(self._gaps):
            if n >= size:
                self._gaps[i : i + 1] = [(begin + size, n - size)] if n > size else []
                return begin
        begin = self.n_rows
        if self._gaps and sum(self._gaps[-1]) == begin:
            begin = self._gaps.pop()[0]
        self.n_rows = begin + size
        return begin

    def give_back(self, run: Run) -> None:
        """Rows that nothing reads any more."""
        i = bisect(self._gaps, run)
        begin, end = run[0], sum(run)
        if i < len(self._gaps) and self._gaps[i][0] == end:
            end = sum(self._gaps.pop(i))
        if i and sum(self._gaps[i - 1]) == begin:
            i -= 1
            begin = self._gaps.pop(i)[0]
        self._gaps.insert(i, (begin, end - begin))


def _arranged(low: Lowered, operations: Sequence[Operation], place: Array, n_rows: int) -> DenseProgram:
    """The arrays of a program."""
    scaled = {own.subject: i for i, own in enumerate(own for own in operations if own.kind == SCALE)}
    lines: list[tuple[int, ...]] = []  # as the fields of a program
    cell = factor = 0
    for own in operations:
        first, size = own.run
        subject = scaled[own.subject] if own.kind in (SCALE, UNSCALE) else own.subject
        other, n_factors = int(place[own.other]), 0
        if own.cells is not None:
            n_factors, other = own.cells.factor_rows.shape[1], factor
        if own.kind == SUMS and own.cells is not None:
            lines += _runs_of_sums(own.cells.row, int(place[first]), size, cell, factor, n_factors)
        else:
            lines.append((own.kind, subject, int(place[first]), size, cell, other, 1, n_factors))
        if own.cells is not None:
            cell += len(own.cells.row)
            factor += own.cells.factor_rows.size
    cells = [own.cells for own in operations if own.cells is not None]
    kind, *columns = np.array(lines, np.uint32).T
    program = DenseProgram(
        kind.astype(np.uint8),
        *(np.ascontiguousarray(own) for own in columns),
        weight=np.concatenate([own.weight for own in cells]),
        factor_row=_unsigned(place[np.concatenate([own.factor_rows.ravel() for own in cells])]),
        size=_unsigned([n_rows, len(scaled), int(low.scaling.widest)]),
    )
    freeze(*program)
    return program


def _runs_of_sums(row: Array, first: int, n_rows: int, cell: int, factor: int, n_factors: int) -> list[tuple[int, ...]]:
    """An operation for all neighbours with equally many cells."""
    counts = np.bincount(row, minlength=n_rows)
    begins = np.cumsum(counts) - counts
    edges = [0, *(np.flatnonzero(np.diff(counts)) + 1).tolist(), n_rows]
    return [
        (
            SUMS,
            0,
            first + a,
            b - a,
            cell + int(begins[a]),
            factor + int(begins[a]) * n_factors,
            int(counts[a]),
            n_factors,
        )
        for a, b in pairwise(edges)
    ]


def _unsigned(numbers: npt.ArrayLike) -> Array:
    return np.array(numbers, np.uint32)
