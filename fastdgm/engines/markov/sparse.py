"""A chain that stores only what was seen."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...data.sequences import Stream
from ...kernels import markov_sparse
from ...runtime.arrays import code_type, freeze
from ...runtime.lazy import cached_property
from ...runtime.memory import check_memory
from ...runtime.pieces import run_ranges, split
from ..draw import Draw
from . import run
from .chain import MarkovTables, RowsDrawn, SequencesDrawn
from .counts import Counts, Layout
from .positions import PositionsDrawn, draw_positions
from .sparse_automaton import SparseAutomaton

Array = npt.NDArray[Any]
PIECE_CONTEXTS = 1 << 14  # whose alias tables are filled by one thread at a time


class SparseTables(MarkovTables):
    """Sparse tables, too large to be changed as a whole: what is tempered, truncated or given uniforms is drawn
    position by position, from distributions made for the contexts that occur."""

    loops: ClassVar[run.Loops] = run.SPARSE

    def __init__(self, counts: Counts, layout: Layout, automaton: SparseAutomaton) -> None:
        super().__init__(counts, layout, automaton.complete)
        self.automaton = automaton
        freeze(*automaton)

    @cached_property
    def scoring(self) -> markov_sparse.SparseChain:
        """The automaton with logarithms."""
        with np.errstate(divide="ignore"):
            return self._chain(np.log(self.automaton.probabilities), np.log(self.automaton.back_off))

    @cached_property
    def sampler(self) -> markov_sparse.SparseSampler:
        """The automaton, and alias tables of what was seen in each context and of all else."""
        automaton, allowed = self.automaton, self.layout.allowed
        outcomes = np.minimum(np.diff(automaton.first) + 1, allowed)
        bits = np.maximum(1, np.ceil(np.log2(outcomes)).astype(np.int64))  # as slot_bits
        ends = (1 << bits).cumsum()
        check_memory(12 * int(ends[-1]), f"sampling tables of {len(bits)} contexts")
        sampler = markov_sparse.SparseSampler(
            chain=self._probabilities,
            slots=np.empty(ends[-1], np.uint64),
            fine=np.empty(ends[-1], np.uint32),
            slot_first=ends - (1 << bits),
            bits=bits.astype(np.uint8),
        )

        def work(begin: int, end: int) -> None:
            masses, back_masses = automaton.masses, automaton.back_masses
            markov_sparse.fill_sparse_slots(begin, end, automaton.first, masses, back_masses, allowed, sampler)

        run_ranges(work, split(len(bits), PIECE_CONTEXTS))
        return sampler

    def draw_rows(self, draw: Draw, prefix: Stream | None) -> RowsDrawn:
        """Rows of ``layout.n_vars`` codes."""
        assert self.layout.n_vars is not None
        if not _needs_distributions(draw):
            return RowsDrawn(self._draw_rows(self.sampler, draw, prefix, code_type(self.layout.n_states)))
        found = self._draw_positions(draw, prefix, self.layout.n_vars)
        return RowsDrawn(found.codes, found.log_prob if draw.truncated else None)

    def draw_sequences(self, draw: Draw, prefix: Stream | None, limit: int, must_end: bool) -> SequencesDrawn:
        """Sequences to their end or to ``limit`` symbols."""
        if not _needs_distributions(draw):
            return SequencesDrawn(self._draw_stream(self.sampler, draw, prefix, limit, must_end))
        found = self._draw_positions(draw, prefix, limit)
        n_states, by_uniforms = self.layout.n_states, draw.uniforms is not None
        drawn = run.as_sequences(found.codes, found.lengths, limit, must_end, n_states, by_uniforms)
        return SequencesDrawn(drawn, found.log_prob if draw.truncated else None)

    def _draw_positions(self, draw: Draw, prefix: Stream | None, limit: int) -> PositionsDrawn:
        return draw_positions(self._probabilities, draw, prefix, limit)

    @property
    def _probabilities(self) -> markov_sparse.SparseChain:
        return self._chain(self.automaton.probabilities, self.automaton.back_off)

    def _chain(self, table: Array, back_off: Array) -> markov_sparse.SparseChain:
        """The automaton with a number in every cell."""
        automaton, layout = self.automaton, self.layout
        return markov_sparse.SparseChain(
            first=automaton.first,
            symbols=automaton.symbols,
            table=table,
            successor=automaton.successor,
            suffix=automaton.suffix,
            back_off=back_off,
            width=layout.width,
            order=layout.order,
            root=automaton.root,
            start=automaton.start,
            aligned=layout.aligned,
            certain_end=int(layout.n_vars is not None),
        )


def _needs_distributions(draw: Draw) -> bool:
    return draw.truncated or draw.uniforms is not None
