"""Exact answers about rows of a network of discrete variables, whatever is missing in each."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.blocks import ColumnBlock
from ..data.evidence_block import Evidence, EvidenceBlock, complete_rows, missing_code, taken_evidence
from ..data.partial import PartialRows
from ..data.schema import Schema, Values
from ..engines.hybrid import Program
from ..engines.junction.engine import JunctionEngine
from ..engines.junction.order import Families
from ..engines.junction.row_errors import RowError, numbered
from ..engines.junction.sliced import MOST_CELLS, TooManyCellsError
from ..runtime.arrays import read_only
from ..runtime.lazy import cached_property
from ..runtime.memory import check_memory
from ..runtime.pieces import Ranges, run_ranges, split
from ..runtime.text import preview
from .joint import Joint
from .latent import Inference
from .tabular import tables_of

Array = npt.NDArray[Any]

PIECE_CELLS = 1 << 23  # rows of a piece x cells of the tree
FEWEST_ROWS = 256  # of a piece
SECONDS_PER_CELL = 1e-9  # of large sums, about, on one thread
PIECES_AT_ONCE = 64  # bounds the memory of the counts of pieces


class Exact:
    """The engines of one network, made on first use, and rows through them on all threads."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.network: Joint = Joint.of(program)
        self.schema: Schema = program.schema
        self.n_states: tuple[int, ...] = tuple(len(states) for states in self.schema.states.values())
        self.first_cell: tuple[int, ...] = tuple(accumulate(self.n_states, initial=0))  # of each variable in marginals

    @cached_property
    def families(self) -> Families:
        """The variables of every table: parents, then its own."""
        rows = self.schema.rows
        return tuple(tuple(rows[u] for u in (*own, name)) for name, own in self.network.parents.items())

    @cached_property
    def tables(self) -> list[Array]:
        """P(x_v | parents) of every variable, with the axes of its family."""
        return tables_of(self.network)

    @cached_property
    def engine(self) -> JunctionEngine:
        """What answers pieces of rows."""
        return JunctionEngine(self.families, self.tables, self.n_states)

    def log_evidence(self, block: EvidenceBlock) -> npt.NDArray[np.float64]:
        """log p(e) of every row (n,), nats; -inf where the evidence is impossible.

        A row in which nothing is missing has the bits that ``log_prob`` of complete rows gives it.
        """
        out = np.empty(block.n)

        def work(begin: int, end: int) -> None:
            evidence = block.read(begin, end)
            complete = complete_rows(evidence)
            n_complete = int(np.count_nonzero(complete))
            if 2 * n_complete <= end - begin:  # a few are answered twice, which costs less than to pick the others
                self._log_evidence(evidence, out[begin:end])
            elif n_complete < end - begin:
                part = np.empty(end - begin - n_complete)
                with numbered(np.flatnonzero(~complete)):
                    self._log_evidence(taken_evidence(evidence, ~complete), part)
                out[begin:end][~complete] = part
            if n_complete:
                codes = evidence.codes if n_complete == end - begin else evidence.codes[:, complete]
                rows = read_only(np.ascontiguousarray(codes, self.schema.code_dtype))
                out[begin:end][complete] = self.program.log_prob(ColumnBlock(rows, self.schema.states))

        self._run(work, self._pieces(block.n))
        return out

    def _log_evidence(self, evidence: Evidence, out: Array) -> None:
        """log p(e) of a piece of rows, by the sums over what is missing."""
        flagged = self.engine.log_evidence(evidence, out)
        for rows in self._in_logarithms(evidence, flagged):
            out[flagged] = self._inference.log_prob(rows)

    def marginals(self, block: EvidenceBlock) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """log p(e) (n,), and P(x_v = k | e) (n_cells, n) with state k of v in row ``first_cell[v] + k``.

        What is observed is certain; NaN where the evidence is impossible.
        """
        n_cells = self.first_cell[-1]
        check_memory(8 * block.n * n_cells, f"the marginals of {block.n} rows x {n_cells} states")
        log_p, out = np.empty(block.n), np.empty((n_cells, block.n))

        def work(begin: int, end: int) -> None:
            evidence = block.read(begin, end)
            flagged = self.engine.marginals(evidence, log_p[begin:end], out[:, begin:end])
            np.minimum(out[:, begin:end], 1.0, out=out[:, begin:end])  # sums of rounded terms may be a bit more
            for rows in self._in_logarithms(evidence, flagged):
                place = begin + np.flatnonzero(flagged)
                log_p[place] = self._inference.log_prob(rows)
                for v, name in enumerate(self.schema.names):
                    own = slice(self.first_cell[v], self.first_cell[v + 1])
                    codes = evidence.codes[v, flagged]
                    observed = codes != missing_code(codes.dtype)
                    found = np.eye(self.n_states[v])[np.where(observed, codes, 0)]
                    if not observed.all():
                        found[~observed] = self._inference.posterior_of_possible(rows, name)[~observed]
                    found[log_p[place] == -np.inf] = np.nan
                    out[own, place] = found.T

        self._run(work, self._pieces(block.n))
        return log_p, out

    def posterior(self, block: EvidenceBlock, name: str) -> npt.NDArray[np.float64]:
        """P(name = k | the other values of the row) (n, k), NaN where these are impossible."""
        v = self.schema.rows[name]
        return self.marginals(block.without(name))[1][self.first_cell[v] : self.first_cell[v + 1]].T

    def most_probable(self, block: EvidenceBlock) -> tuple[npt.NDArray[np.float64], Array]:
        """log max p(x, e) (n,), and the x (n_vars, n); where log p is -inf the codes say nothing."""
        log_p, codes = np.empty(block.n), self._codes(block.n)

        def work(begin: int, end: int) -> None:
            evidence = block.read(begin, end)
            _refuse(self.engine.most_probable(evidence, log_p[begin:end], codes[:, begin:end]))

        self._run(work, self._pieces(block.n))
        return log_p, codes

    def draws(self, block: EvidenceBlock, key: int, start: int = 0, n_per_row: int = 1) -> Array:
        """x (n_vars, n * n_per_row) ~ p(x | e): draw j of row i is column and global row start + i * n_per_row + j.

        Missing codes where the evidence is impossible; with 256 states these are those of the last state.
        """
        codes = self._codes(block.n * n_per_row)

        def work(begin: int, end: int) -> None:
            first = begin // n_per_row
            evidence = block.read(first, (end - 1) // n_per_row + 1)
            own = np.arange(begin, end) // n_per_row - first
            repeated = Evidence(
                np.take(evidence.codes, own, axis=1), evidence.soft, np.take(evidence.likelihoods, own, axis=1)
            )
            rows = np.arange(begin, end, dtype=np.uint64) + np.uint64(start)
            _refuse(self.engine.draw(repeated, key, rows, codes[:, begin:end]))

        self._run(work, self._pieces(block.n * n_per_row), n_per_row)
        return codes

    def expected_counts(self, block: EvidenceBlock, weights: Array) -> tuple[npt.NDArray[np.float64], list[Array]]:
        """log p(e) (n,), and sum_i weights[i] P(x_v, parents | e_i) of every variable, with the axes of its table."""
        log_p = np.empty(block.n)
        sizes = [table.size for table in self.tables]

        def work(begin: int, end: int) -> Array:
            counts = np.zeros(sum(sizes))
            evidence = block.read(begin, end)
            own = np.ascontiguousarray(weights[begin:end], np.float64)
            _refuse(self.engine.expected_counts(evidence, own, log_p[begin:end], counts))
            return counts

        total = np.zeros(sum(sizes))
        pieces = self._pieces(block.n)
        for first in range(0, len(pieces), PIECES_AT_ONCE):
            for counts in self._run(work, pieces[first : first + PIECES_AT_ONCE]):
                total += counts
        parts = np.split(total, list(accumulate(sizes))[:-1])
        return log_p, [own.reshape(table.shape) for own, table in zip(parts, self.tables, strict=True)]

    def _run(self, work: Callable[[int, int], Any], pieces: Ranges, n_per_row: int = 1) -> list[Any]:
        """work(begin, end) for pieces of rows, or of draws of which each row has ``n_per_row``; errors name the row."""

        def checked(begin: int, end: int) -> Any:
            try:
                return work(begin, end)
            except RowError as error:
                own = self._too_large(error) if isinstance(error, TooManyCellsError) else error
                own.row = (begin + error.row) // n_per_row
                raise own from None

        return run_ranges(checked, pieces)

    def _pieces(self, n: int) -> Ranges:
        """Ranges of rows that do not depend on the number of threads."""
        return split(n, max(FEWEST_ROWS, PIECE_CELLS // self.engine.tree.n_cells // 64 * 64))

    def _too_large(self, error: TooManyCellsError) -> RowError:
        """The error for a row whose sums take more memory or time than there is."""
        names = [self.schema.names[v] for v in error.variables]
        return RowError(
            error.row,
            f"what is missing is summed out exactly in at most {MOST_CELLS:.3g} cells a row, and ",
            f", with {len(names)} hidden variables ({preview(names)}), takes {error.cells:.3g}: up to "
            f"{error.n_bytes:.3g} bytes and about {SECONDS_PER_CELL * error.cells:.2g} seconds; "
            'method="weighted" estimates it by sampling',
        )

    def _codes(self, n: int) -> Array:
        dtype = self.schema.code_dtype
        check_memory(n * len(self.n_states) * dtype.itemsize, f"{n} rows x {len(self.n_states)} variables")
        return np.empty((len(self.n_states), n), dtype)

    @cached_property
    def _inference(self) -> Inference:
        """Sums of logarithms, pattern by pattern: slow, for rows whose numbers are too small for anything else."""
        return Inference(self.program)

    def _in_logarithms(self, evidence: Evidence, flagged: Array) -> list[PartialRows]:
        """The flagged rows, if any."""
        if not flagged.any():
            return []
        if evidence.soft:
            _refuse(flagged)
        codes = evidence.codes[:, flagged]
        missing = codes == missing_code(codes.dtype)
        known = np.where(missing, 0, codes).astype(self.schema.code_dtype)
        own = {v: missing[v] if not missing[v].all() else None for v in range(len(codes)) if missing[v].any()}
        return [PartialRows(Values(known, np.empty((0, codes.shape[1]), np.float32)), self.schema, own)]


def _refuse(flagged: Array) -> None:
    """RowError for the first row whose numbers are too small, in a network that has no other way to answer it."""
    if flagged.any():
        raise RowError(
            int(np.argmax(flagged)),
            "probabilities of what is hidden leave the range of float64 in ",
            ', and the network is too wide to be answered in logarithms: method="weighted" estimates it by sampling',
        )
