"""The engine of large trees: each row sums over what is hidden in it alone, and what is observed slices the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.evidence_block import Evidence, missing_code
from ...kernels.sliced import (
    ANSWERED,
    BARREN,
    HIDDEN,
    TOO_LARGE,
    TOO_SMALL,
    SlicedCounts,
    SlicedRandom,
    SlicedRows,
)
from ...runtime.arrays import read_only
from .order import Families
from .row_errors import RowError
from .sliced_loops import LOOPS
from .sliced_memory import Workspace
from .sliced_plan import sliced_plan

Array = npt.NDArray[Any]

MOST_CELLS = 1 << 27  # of a row: 1 GiB, twice that with slopes


class TooManyCellsError(RowError):
    """The sums over the hidden variables of a row take more memory than they may."""

    def __init__(self, row: int, cells: float, most_cells: int, variables: Sequence[int]) -> None:
        self.cells = cells
        self.n_bytes: float = 16.0 * cells  # with slopes
        self.variables: tuple[int, ...] = tuple(variables)  # numbers of those that are hidden
        before = f"the sums over the {len(self.variables)} hidden variables of "
        after = f" take {cells:.3g} cells, up to {self.n_bytes:.3g} bytes; at most {most_cells} cells are allowed"
        super().__init__(row, before, after)


class _Likelihoods(NamedTuple):
    """Those of a piece of rows, scaled; -1 in place of those that tell no states apart."""

    values: Array  # (n, cells)
    start: Array  # (n_vars,) by rank, -1 without
    bits: Array  # (n,): none is smaller than 2 to the power of minus these
    log_scale: Array  # (n,): what to add to log p


class _Batch(NamedTuple):
    """Some rows of a piece that have their programs."""

    begin: int  # in the piece
    end: int
    first: int  # line of memory of the first
    rows: SlicedRows


class SlicedEngine:
    """Answers about pieces of rows. Methods return which rows are flagged: their numbers became too small.

    ``tables[v]`` has the axes ``families[v]``, its own variable last; variables are summed out in the given order.
    Raises TooManyCellsError where a row's sums take more than ``most_cells`` numbers of 8 bytes.
    """

    def __init__(
        self,
        tables: Sequence[Array],
        families: Families,
        n_states: Sequence[int],
        order: Sequence[int],
        most_cells: int = MOST_CELLS,
    ) -> None:
        self._plan, self._entries = sliced_plan(tables, families, n_states, order)
        self._n_states, self._most_cells = tuple(n_states), most_cells
        self._rank = np.argsort(self._plan.column)
        self._free: list[Workspace] = []  # taken and given back whole: a thread's own while it answers

    def log_evidence(self, evidence: Evidence, out: Array) -> Array:
        """out (n,) = log p(e), nats, -inf where it is impossible."""

        def answer(batch: _Batch, work: Workspace) -> None:
            self._loop("log evidence", batch, work)

        return self._answer(evidence, out, answer, prune=True)

    def marginals(self, evidence: Evidence, log_p: Array, out: Array) -> Array:
        """out (n_cells, n) = P(x_v = k | e), variable after variable; NaN where impossible. log_p (n,) = log p(e)."""
        posterior = np.empty((0, len(out)))

        def answer(batch: _Batch, work: Workspace) -> None:
            nonlocal posterior
            if not len(posterior):
                posterior = np.empty((work.n_rows, len(out)))
            self._loop("marginals", batch, work, posterior, with_slopes=True)
            n = batch.end - batch.begin
            out[:, batch.begin : batch.end] = posterior[batch.first : batch.first + n].T

        return self._answer(evidence, log_p, answer, prune=False)

    def most_probable(self, evidence: Evidence, log_p: Array, codes: Array) -> Array:
        """codes (n_vars, n) = argmax p(x, e), log_p (n,) its logarithm; missing codes where impossible."""

        def answer(batch: _Batch, work: Workspace) -> None:
            self._loop("most probable", batch, work)
            self._write_codes(batch, codes)

        return self._answer(evidence, log_p, answer, prune=False)

    def draw(self, evidence: Evidence, key: int, rows: Array, codes: Array) -> Array:
        """codes (n_vars, n) ~ p(x | e), by the random words of the given global rows; missing where impossible."""
        numbers = np.ascontiguousarray(rows, np.uint64)

        def answer(batch: _Batch, work: Workspace) -> None:
            own = np.zeros(work.n_rows, np.uint64)
            own[batch.first : batch.first + batch.end - batch.begin] = numbers[batch.begin : batch.end]
            self._loop("draw", batch, work, SlicedRandom(np.uint64(key), own))
            self._write_codes(batch, codes)

        return self._answer(evidence, np.empty(len(rows)), answer, prune=True)

    def expected_counts(self, evidence: Evidence, weights: Array, log_p: Array, counts: Array) -> Array:
        """counts += sum_i weights[i] P(x_v, parents | e_i), the tables of all variables flat; log_p (n,) = log p(e)."""
        found = np.zeros(len(self._plan.tables))
        weights = np.ascontiguousarray(weights, np.float64)

        def answer(batch: _Batch, work: Workspace) -> None:
            own = np.zeros(work.n_rows)
            own[batch.first : batch.first + batch.end - batch.begin] = weights[batch.begin : batch.end]
            self._loop("expected counts", batch, work, SlicedCounts(own, found), with_slopes=True)

        flagged = self._answer(evidence, log_p, answer, prune=False)
        counts[self._entries] += found
        return flagged

    # --- batches ---

    def _answer(
        self, evidence: Evidence, log_p: Array, answer: Callable[[_Batch, Workspace], None], prune: bool
    ) -> Array:
        """Runs all rows through ``answer``; log_p (n,) is filled, the flagged rows are returned."""
        flagged = np.zeros(len(log_p), np.bool_)
        with self._workspace() as work:
            for batch in self._batches(evidence, work, prune):
                answer(batch, work)
                own = slice(batch.first, batch.first + batch.end - batch.begin)
                log_p[batch.begin : batch.end] = batch.rows.log_p[own]
                flagged[batch.begin : batch.end] = batch.rows.status[own] == TOO_SMALL
        return flagged

    def _batches(self, evidence: Evidence, work: Workspace, prune: bool) -> Iterator[_Batch]:
        """Rows that fit in memory, loaded and lowered."""
        codes, likelihoods = read_only(np.ascontiguousarray(evidence.codes)), self._likelihoods(evidence)
        for begin in range(0, max(codes.shape[1], 1), work.n_rows):  # of no rows a batch of none: loops are compiled
            n = min(work.n_rows, codes.shape[1] - begin)
            rows = work.rows._replace(
                n_likelihoods=likelihoods.values.shape[1],
                likelihoods=likelihoods.values[begin : begin + n].reshape(-1),
                likelihood_start=likelihoods.start,
                likelihood_bits=likelihoods.bits[begin : begin + n],
            )
            LOOPS["load rows", "cpu"](begin, begin + n, self._plan, codes, prune, rows, work.tile)
            rows.log_p[:n] += likelihoods.log_scale[begin : begin + n]
            first, has_room = 0, False
            while True:
                end = LOOPS["lower rows", "cpu"](first, n, self._plan, rows, work.programs, work.lowering)
                self._check_sizes(begin, rows.status[:n], rows.states, work)
                if end > first or not n:
                    yield _Batch(begin + first, begin + end, first, rows)
                if end == n:
                    break
                work.make_room(larger=has_room and end == first)
                first, has_room = end, True

    def _check_sizes(self, begin: int, status: Array, states: Array, work: Workspace) -> None:
        large = np.flatnonzero(status == TOO_LARGE)
        if len(large):
            row = int(large[0])
            own = states[row * self._plan.n_vars : (row + 1) * self._plan.n_vars]
            hidden = (own <= HIDDEN) & (own > BARREN)
            cells = float(work.lowering.cells[2])
            work.lowering.cells[2] = 0.0
            raise TooManyCellsError(begin + row, cells, self._most_cells, sorted(map(int, self._plan.column[hidden])))

    def _loop(self, verb: str, batch: _Batch, work: Workspace, *others: Any, with_slopes: bool = False) -> None:
        memory = work.cells(self._plan, with_slopes)
        end = batch.first + batch.end - batch.begin
        LOOPS[verb, "cpu"](batch.first, end, self._plan, batch.rows, work.programs, memory, *others)

    @contextmanager
    def _workspace(self) -> Iterator[Workspace]:
        try:
            work = self._free.pop()
        except IndexError:
            work = Workspace(self._plan, self._most_cells)
        yield work
        work.give_up_large(self._plan)
        self._free.append(work)  # not after an error

    def _write_codes(self, batch: _Batch, codes: Array) -> None:
        own = slice(batch.first, batch.first + batch.end - batch.begin)
        answered = (batch.rows.status[own] == ANSWERED) & (batch.rows.log_p[own] > -np.inf)
        states = batch.rows.states.reshape(-1, self._plan.n_vars)[own][:, self._rank].T
        codes[:, batch.begin : batch.end] = np.where(answered, states, missing_code(codes.dtype))

    def _likelihoods(self, evidence: Evidence) -> _Likelihoods:
        """The likelihoods by rows, each variable's scaled by a power of two."""
        n = evidence.codes.shape[1]
        values, start = np.empty((n, len(evidence.likelihoods))), np.full(len(self._n_states), -1, np.int32)
        bits, log_scale = np.zeros(n, np.int32), np.zeros(n)
        firsts = accumulate((self._n_states[v] for v in evidence.soft), initial=0)
        for v, first in zip(evidence.soft, firsts, strict=False):
            own = evidence.likelihoods[first : first + self._n_states[v]]
            largest, tells = own.max(axis=0), (own != own[0]).any(axis=0)
            exponent = np.frexp(largest)[1]
            scaled = np.ldexp(own, -exponent)
            values[:, first : first + len(own)] = np.where(tells, scaled, -1.0).T
            start[self._rank[v]] = first
            with np.errstate(divide="ignore"):
                log_scale += np.where(tells, exponent * np.log(2.0), np.log(largest))
                least = np.where(scaled > 0.0, scaled, 1.0).min(axis=0)
            bits += np.where(tells, 1 - np.frexp(least)[1], 0).astype(np.int32)
        return _Likelihoods(values, start, bits, log_scale)
