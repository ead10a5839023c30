"""Exact answers about rows of discrete variables on a GPU, whatever is missing in each."""

from __future__ import annotations

from collections.abc import Collection
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from ..data.cuda_blocks import CudaBlock
from ..data.cuda_loading import new_flags
from ..data.evidence_block import Evidence, evidence_type, held_evidence, missing_code
from ..data.placement import Placement
from ..engines.junction.cuda_run import CudaAnswers, CudaDense, CudaDraws, CudaEvidence, CudaStates, Known, first_rows
from ..engines.junction.engine import DENSE_CELLS
from ..engines.junction.loops_cuda import LOOPS
from ..engines.tables.cuda_run import CudaTables
from ..engines.tables.run import TableEngine
from ..runtime.cuda_launch import launch_on
from ..runtime.cuda_queue import CudaQueue
from ..runtime.lazy import cached_property
from .completions import How
from .exact import Exact
from .impossible import Impossible, impossible_row, reason


class RowsOnCard(NamedTuple):
    """Rows of evidence on a card, some variables of which may not count, and where answers about them go."""

    block: CudaBlock
    placement: Placement
    hidden: frozenset[int] = frozenset()

    def without(self, hidden: Collection[int]) -> RowsOnCard:
        """The same rows with nothing known of some variables."""
        return self._replace(hidden=self.hidden | set(hidden))

    @property
    def queue(self) -> CudaQueue:
        """That of the card."""
        return self.placement.cuda

    @property
    def known(self) -> Known:
        """As the engine takes it."""
        return Known(self.hidden)

    def empty(self, *shape: int, dtype: Any = np.float64) -> Any:
        """Memory beside the rows."""
        return self.placement.empty(shape, dtype)


class CudaExact:
    """The engine of one network on one card, made on first use, and rows through it.

    Answers are numba's arrays, which nobody waits for but where an error must name a row: impossible ones, where these
    are no answer, and those whose numbers leave the range of float64, where a network has so small ones. These are not
    answered here: the CPU adds logarithms for them.
    """

    def __init__(self, exact: Exact) -> None:
        self.exact = exact
        self.n_states: tuple[int, ...] = exact.n_states
        self._first_cell: Any = None  # on the card
        self._unread: Any = None  # likewise, the status of calls that have nothing to say

    @cached_property
    def dense(self) -> CudaDense:
        """The engine. TypeError where the tree of the network is too large for it."""
        own = self.exact
        if not own.engine.has_dense:
            raise TypeError(
                f"what is missing is summed out on a GPU where the tree of a network has at most {DENSE_CELLS} cells, "
                f'here it has {own.engine.tree.n_cells:.3g}: copy the rows to the CPU, by x.to("cpu") or .cpu()'
            )
        found = CudaDense(own.engine.tree, own.families, own.tables, own.n_states)
        if not found.in_range:
            raise TypeError(
                "the tables hold probabilities so small that sums over what is missing leave the range of float64, and "
                'a GPU does not add logarithms: copy the rows to the CPU, by x.to("cpu") or .cpu()'
            )
        return found

    @cached_property
    def _tables(self) -> CudaTables | None:
        """The tables, where the network has nothing else."""
        first, *others = self.exact.program.scoring
        return CudaTables(first) if isinstance(first, TableEngine) and not others else None

    def log_evidence(self, rows: RowsOnCard) -> Any:
        """log p(e) of every row (n,), nats; -inf where the evidence is impossible."""
        return self._log_evidence(rows, "log_prob", "nan")

    def log_evidence_given(self, rows: RowsOnCard, names: Collection[str], impossible: Impossible) -> Any:
        """log p(what is observed) - log p(what is observed of some variables), NaN where the latter is impossible."""
        others = [v for v, name in enumerate(self.exact.schema.names) if name not in names]
        total = self.log_evidence(rows)
        given = self._log_evidence(rows.without(others), "log_prob given these names", impossible)
        launch_on(rows.queue, LOOPS["subtract", "cuda"], rows.block.n, given, total)
        return total

    def posterior(self, rows: RowsOnCard, name: str, impossible: Impossible) -> Any:
        """P(name = k | the other values of the row), one row (k,) after the other, flat; NaN where it is impossible.

        Complete rows are answered by the tables alone, as on the CPU.
        """
        v = self.exact.schema.rows[name]
        rows = rows.without([v])
        by_tables = not rows.block.has_missing and rows.hidden == {v} and self._tables is not None
        may_flag = not by_tables and self.dense.may_flag
        status = self._new_status(rows, may_flag, impossible)
        answers = CudaAnswers(rows.empty(rows.block.n), rows.empty(rows.block.n * self.n_states[v]), status)
        if by_tables and self._tables is not None:
            terms = rows.empty(self.n_states[v], rows.block.n)
            self._tables.posterior(rows.queue, rows.block.part, v, terms, answers)
        else:
            self.dense.posterior(rows.queue, self._evidence(rows), rows.known, v, answers)
        self._check(rows, status, may_flag, f"posterior of {name!r}", impossible)
        return answers.cells

    def most_probable_state(self, rows: RowsOnCard, name: str, impossible: Impossible) -> Any:
        """argmax_k P(name = k | the other values) (n,); the missing code where these are impossible."""
        shares = self.posterior(rows, name, impossible)
        dtype = np.dtype(np.uint8 if self.n_states[self.exact.schema.rows[name]] < 256 else np.uint16)
        codes = rows.empty(rows.block.n, dtype=dtype)
        launch_on(rows.queue, LOOPS["largest share", "cuda"], rows.block.n, shares, missing_code(dtype), codes)
        return codes

    def marginals(self, rows: RowsOnCard, impossible: Impossible, what: str = "marginals") -> Any:
        """P(x_v = k | e), (n, k) flat, variable after variable; certain where observed, NaN where impossible."""
        status, n = self._new_status(rows, self.dense.may_flag, impossible), rows.block.n
        answers = CudaAnswers(rows.empty(n), rows.empty(n * sum(self.n_states)), status)
        self.dense.marginals(rows.queue, self._evidence(rows), rows.known, answers)
        self._check(rows, status, self.dense.may_flag, what, impossible)
        return answers.cells

    def completed(self, rows: RowsOnCard, how: How, draws: CudaDraws, impossible: Impossible, what: str) -> Any:
        """Codes (n_vars, n * n_per_row) of rows, all of them filled in; impossible ones as they came."""
        schema, n = self.exact.schema, rows.block.n
        dtype = evidence_type(schema) if impossible == "nan" else schema.code_dtype
        codes = rows.empty(schema.n_codes, n * draws.n_per_row, dtype=dtype)
        evidence = self._evidence(rows)
        if how == "mode":
            shares = self.marginals(rows, impossible, what)
            launch_on(rows.queue, LOOPS["modes", "cuda"], n, self._cells(rows.queue), evidence.codes, shares, codes)
            return codes
        found = CudaStates(codes, self._new_status(rows, self.dense.may_flag, impossible))
        if how == "mpe":
            self.dense.most_probable(rows.queue, evidence, rows.known, found)
        else:
            self.dense.draw(rows.queue, evidence, rows.known, draws, found)
        self._check(rows, found.status, self.dense.may_flag, what, impossible)
        return codes

    def _log_evidence(self, rows: RowsOnCard, what: str, impossible: Impossible) -> Any:
        log_p, status = rows.empty(rows.block.n), self._new_status(rows, self.dense.may_flag, impossible)
        self.dense.log_evidence(rows.queue, self._evidence(rows), rows.known, log_p, status)
        self._check(rows, status, self.dense.may_flag, what, impossible)
        return log_p

    def _evidence(self, rows: RowsOnCard) -> CudaEvidence:
        """In a type that has a code for missing values."""
        codes, dtype = rows.block.part.codes, evidence_type(self.exact.schema)
        if codes.dtype != dtype:
            wide = rows.empty(*codes.shape, dtype=dtype)
            launch_on(rows.queue, LOOPS["widen", "cuda"], rows.block.n, codes, wide)
            codes = wide
        return self.dense.evidence(rows.queue, codes)

    def _cells(self, queue: CudaQueue) -> Any:
        """The first cell of every variable, and one more."""
        if self._first_cell is None:
            self._first_cell = queue.to_device(np.array([*accumulate(self.n_states, initial=0)]))
        return self._first_cell

    def _new_status(self, rows: RowsOnCard, may_flag: bool, impossible: Impossible) -> Any:
        """What a call lowers to rows of which there is something to say; one for all calls that say nothing."""
        if may_flag or impossible == "error":
            return new_flags(rows.queue)
        if self._unread is None:
            self._unread = new_flags(rows.queue)
        return self._unread

    def _check(self, rows: RowsOnCard, status: Any, may_flag: bool, what: str, impossible: Impossible) -> None:
        """Wait for what a call has to say of rows, where it may have something to say."""
        if not may_flag and impossible == "nan":
            return
        flagged, first_impossible = first_rows(rows.queue, status)
        if flagged is not None:
            raise ValueError(
                f"row {flagged} has no {what} on a GPU: probabilities of what is hidden leave the range of "
                'float64; the CPU adds logarithms, by x.to("cpu") or .cpu()'
            )
        if impossible == "error" and first_impossible is not None:
            raise self._impossible(rows, first_impossible, what)

    def _impossible(self, rows: RowsOnCard, row: int, what: str) -> Exception:
        """The error of the CPU; the row is copied here for it."""
        codes = self._evidence(rows).codes
        own = rows.queue.empty((codes.shape[0], 1), codes.dtype)
        launch_on(rows.queue, LOOPS["copy row", "cuda"], codes.shape[0], codes, row, own)
        known = np.array(rows.queue.to_host(own))
        known[[*rows.hidden]] = missing_code(known.dtype)
        block = held_evidence(Evidence(known, (), np.empty((0, 1))), self.exact.schema)
        return impossible_row(row, what, reason(self.exact.log_evidence, block, 0))
