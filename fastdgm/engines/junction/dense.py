"""The engine of small trees: all rows take the same steps, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.evidence_rows import Evidence, missing_code
from ...kernels.junction import DenseAnswers, DenseEvidence, DenseProgram, new_scratch
from ...kernels.junction_states import FoundStates, StatePlan
from ...kernels.junction_vectors import COUNT_LANES, LANES
from ...runtime.arrays import read_only
from ...runtime.lazy import cached_property
from .buckets import BucketTree
from .dense_logarithms import draw, log_rows, most_probable, shares
from .dense_program import Counted, counts_program, evidence_program, marginals_program, states_plan
from .dense_steps import Lowered
from .loops import LOOPS
from .lowered_network import LoweredNetwork
from .order import Families

Array = npt.NDArray[Any]

PIECE = 256  # rows that are answered in logarithms at once


class DenseEngine(LoweredNetwork):
    """Answers about pieces of rows.

    Rows whose numbers leave the range of float64 are answered once more, in logarithms.
    """

    def __init__(self, tree: BucketTree, families: Families, tables: Sequence[Array], n_states: Sequence[int]) -> None:
        super().__init__(tree, families, tables, n_states)
        self._first_cell = np.array([*accumulate(n_states, initial=0)], np.uint32)

    @cached_property
    def _evidence_program(self) -> DenseProgram:
        return evidence_program(self._merged)

    @cached_property
    def _marginals_program(self) -> DenseProgram:
        return marginals_program(self._merged)

    @cached_property
    def _counts_program(self) -> tuple[DenseProgram, Counted]:
        return counts_program(self._single, self._families)

    @cached_property
    def _states_plan(self) -> StatePlan:
        return states_plan(self._single)

    def log_evidence(self, evidence: Evidence, out: Array) -> None:
        """out (n,) = log p(e), nats, -inf where it is impossible."""
        flagged = self._answer(self._merged, self._evidence_program, evidence, out)
        for rows, own in _pieces(evidence, flagged):
            out[rows] = log_rows(self._single, own)[self._single.result]

    def marginals(self, evidence: Evidence, log_p: Array, out: Array) -> None:
        """out (n_cells, n) = P(x_v = k | e), variable after variable; NaN where impossible; log_p (n,) = log p(e)."""
        flagged = self._answer(self._merged, self._marginals_program, evidence, log_p, marginals=out)
        for rows, own in _pieces(evidence, flagged):
            values = log_rows(self._single, own)
            log_p[rows] = values[self._single.result]
            found, _ = shares(self._single, values, np.ones(len(rows)))
            certain = np.repeat(own.codes != missing_code(own.codes.dtype), self._n_states, axis=0)
            found = self._normalised(np.where(certain, np.exp(values[: len(out)]), found[: len(out)]))
            out[:, rows] = np.where(log_p[rows] > -np.inf, found, np.nan)

    def _normalised(self, cells: Array) -> Array:
        """Marginals (n_cells, n), each by its own sum, which large logarithms, being rounded, leave a bit off one."""
        with np.errstate(invalid="ignore"):  # of impossible rows
            shares: Array = cells / np.repeat(np.add.reduceat(cells, self._first_cell[:-1]), self._n_states, axis=0)
        return shares

    def expected_counts(self, evidence: Evidence, weights: Array, log_p: Array, counts: Array) -> None:
        """counts += sum_i weights[i] P(x_v, parents | e_i), the tables of all variables flat, one after the other."""
        program, counted = self._counts_program
        cells = np.zeros((counted.n_cells, COUNT_LANES))
        flagged = self._answer(self._single, program, evidence, log_p, weights, counts=cells)
        totals = cells.sum(axis=1)
        for rows, own in _pieces(evidence, flagged):
            values = log_rows(self._single, own)
            log_p[rows] = values[self._single.result]
            _, found = shares(self._single, values, weights[rows])
            totals += np.concatenate([found[step] for step in counted.steps])
        starts = [0, *accumulate(table.size for table in self._tables)]
        for v, (own_cells, entries) in counted.tables.items():
            counts[starts[v] : starts[v + 1]] += np.bincount(entries, totals[own_cells], self._tables[v].size)

    def most_probable(self, evidence: Evidence, log_p: Array, codes: Array) -> None:
        """codes (n_vars, n) = argmax p(x, e), log_p (n,) its logarithm; missing codes where it is impossible."""
        flagged, scratch = np.ones(len(log_p), np.bool_), new_scratch(self._states_plan.program)
        for rows, own in _tiles(evidence) if self._single.in_range else ():
            n = own.codes.shape[1]
            found = FoundStates(np.empty(n, np.bool_), np.empty(n), np.empty((len(codes), n), codes.dtype))
            LOOPS["most probable", "cpu"](0, n, self._states_plan, self.read(own), scratch, found)
            flagged[rows], log_p[rows], codes[:, rows] = (_first(part, rows) for part in found)
        for chosen, own in _pieces(evidence, flagged):
            states = np.empty((len(codes), len(chosen)), codes.dtype)
            log_p[chosen] = most_probable(self._single, own, states)
            codes[:, chosen] = states

    def draw(self, evidence: Evidence, key: int, rows: Array, codes: Array) -> None:
        """codes (n_vars, n) ~ p(x | e), by the random words of the given global rows; missing where impossible."""
        flagged, scratch = np.ones(len(rows), np.bool_), new_scratch(self._states_plan.program)
        for part, own in _tiles(evidence) if self._single.in_range else ():
            n = own.codes.shape[1]
            numbers = np.zeros(n, np.uint64)
            numbers[: part.stop - part.start] = rows[part]
            found = FoundStates(np.empty(n, np.bool_), np.empty(n), np.empty((len(codes), n), codes.dtype))
            LOOPS["draw", "cpu"](0, n, np.uint64(key), numbers, self._states_plan, self.read(own), scratch, found)
            flagged[part], codes[:, part] = _first(found.flagged, part), _first(found.codes, part)
        for chosen, own in _pieces(evidence, flagged):
            states = np.empty((len(codes), len(chosen)), codes.dtype)
            draw(self._single, own, key, rows[chosen], states)
            codes[:, chosen] = states

    def _answer(
        self,
        low: Lowered,
        program: DenseProgram,
        evidence: Evidence,
        log_p: Array,
        weights: Array | None = None,
        marginals: Array | None = None,
        counts: Array | None = None,
    ) -> Array:
        """Run a program; returns which rows it does not answer."""
        flagged, scratch = np.ones(len(log_p), np.bool_), new_scratch(program)
        counts = np.empty((0, COUNT_LANES)) if counts is None else counts
        for rows, own in _tiles(evidence) if low.in_range else ():
            n, given = own.codes.shape[1], rows.stop - rows.start
            own_weights = np.zeros(0 if weights is None else n)
            if weights is not None:
                own_weights[:given] = weights[rows]
            out = None if marginals is None else marginals[:, rows] if n == given else np.empty((len(marginals), n))
            answers = DenseAnswers(np.empty(n, np.bool_), np.empty(n), *_flat(out), counts)
            LOOPS["answer", "cpu"](0, n, program, self.read(own), own_weights, scratch, answers)
            flagged[rows], log_p[rows] = _first(answers.flagged, rows), _first(answers.log_p, rows)
            if marginals is not None and out is not None and n > given:
                marginals[:, rows] = _first(out, rows)
        return flagged

    def read(self, evidence: Evidence) -> DenseEvidence:
        """Evidence as the loops read it."""
        first = np.full(len(self._n_states), -1, np.int32)
        row = 0
        for v in evidence.soft:
            first[v] = row
            row += self._n_states[v]
        codes, stride = _flat(evidence.codes)
        likelihoods = np.ascontiguousarray(evidence.likelihoods, np.float64)
        return DenseEvidence(read_only(codes), stride, first, read_only(likelihoods), self._first_cell)


def _tiles(evidence: Evidence) -> Iterator[tuple[slice, Evidence]]:
    """Rows by whole tiles of LANES, the last ones with rows of which nothing is known behind them.

    Of no rows a tile, too, so that the loops are compiled.
    """
    n = evidence.codes.shape[1]
    whole = n - n % LANES
    if whole:
        rows = slice(0, whole)
        yield rows, evidence._replace(codes=evidence.codes[:, rows], likelihoods=evidence.likelihoods[:, rows])
    if whole < n or not n:
        rows = slice(whole, n)
        codes = np.full((len(evidence.codes), LANES), missing_code(evidence.codes.dtype), evidence.codes.dtype)
        codes[:, : n - whole] = evidence.codes[:, rows]
        likelihoods = np.ones((len(evidence.likelihoods), LANES))
        likelihoods[:, : n - whole] = evidence.likelihoods[:, rows]
        yield rows, evidence._replace(codes=codes, likelihoods=likelihoods)


def _pieces(evidence: Evidence, flagged: Array) -> Iterator[tuple[Array, Evidence]]:
    """The flagged rows, a few at a time."""
    rows = np.flatnonzero(flagged)
    for begin in range(0, len(rows), PIECE):
        own = rows[begin : begin + PIECE]
        yield own, Evidence(evidence.codes[:, own], evidence.soft, evidence.likelihoods[:, own])


def _first(answer: Array, rows: slice) -> Array:
    return answer[..., : rows.stop - rows.start]


def _flat(block: Array | None) -> tuple[Array, int]:
    """The memory of a block whose rows are contiguous, and the cells from row to row: one type for all loops."""
    if block is None:
        return np.empty(0), 0
    if block.strides[-1] != block.itemsize or block.strides[0] % block.itemsize or not block.size:
        block = np.ascontiguousarray(block)
    stride = block.strides[0] // block.itemsize if len(block) > 1 else block.shape[1]
    size = (len(block) - 1) * stride + block.shape[1]
    return np.lib.stride_tricks.as_strided(block, (size,), (block.itemsize,)), stride
