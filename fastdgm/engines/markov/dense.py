"""A chain with a cell for every context and symbol."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from ...data.sequences import Stream, rows_as_stream, symbol_type
from ...kernels import markov, markov_sampling
from ...runtime.arrays import code_type, freeze
from ...runtime.lazy import cached_property
from ...runtime.memory import check_memory
from ..draw import Draw
from ..tables.clusters import slot_bits
from . import run
from .alias import alias_tables
from .chain import MarkovTables, RowsDrawn, SequencesDrawn
from .counts import Counts, Layout
from .dense_automaton import Automaton, cells_by_number
from .truncated import truncate

Array = npt.NDArray[Any]


class DenseTables(MarkovTables):
    """Full tables. What is tempered, truncated or given uniforms has tables of its own, made for the call."""

    loops: ClassVar[run.Loops] = run.DENSE

    def __init__(self, counts: Counts, layout: Layout, automaton: Automaton) -> None:
        super().__init__(counts, layout, automaton.complete)
        self.automaton = automaton
        freeze(*automaton)

    @cached_property
    def scoring(self) -> markov.Chain:
        """The automaton with the logarithms of its probabilities."""
        return self.chain(self.log_table(self.automaton.probabilities))

    @cached_property
    def sampler(self) -> markov_sampling.Sampler:
        """The automaton with the alias tables of its probabilities."""
        return self.sampler_of(self.automaton.probabilities)

    def chain(self, table: Array) -> markov.Chain:
        """The automaton with a number in every cell."""
        automaton, layout = self.automaton, self.layout
        return markov.Chain(
            successor=automaton.successor.ravel(),
            table=table.ravel(),
            width=layout.width,
            order=layout.order,
            root=automaton.root,
            start=automaton.start,
            aligned=layout.aligned,
            cells=self._cells,
        )

    @cached_property
    def _cells(self) -> Array:
        return cells_by_number(self.automaton, self.layout)

    def draw_rows(self, draw: Draw, prefix: Stream | None) -> RowsDrawn:
        """Rows of ``layout.n_vars`` codes."""
        n_vars, dtype = self.layout.n_vars, code_type(self.layout.n_states)
        assert n_vars is not None
        changed = self._truncated(draw)
        if draw.uniforms is None:
            codes = self._draw_rows(self._sampler_for(changed), draw, prefix, dtype)
        else:
            codes, _ = self._by_uniforms(changed, draw, prefix, n_vars, dtype)
        if changed is None or not draw.return_log_prob:
            return RowsDrawn(codes)
        stream = rows_as_stream(codes, self.layout.n_states)
        begin = stream.starts[:-1] + draw.prefix_length
        return RowsDrawn(codes, run.sum_terms(self._terms_under(changed, stream), begin, stream.starts[1:]))

    def draw_sequences(self, draw: Draw, prefix: Stream | None, limit: int, must_end: bool) -> SequencesDrawn:
        """Sequences to their end or to ``limit`` symbols."""
        changed = self._truncated(draw)
        if draw.uniforms is None:
            drawn = self._draw_stream(self._sampler_for(changed), draw, prefix, limit, must_end)
        else:
            dtype = symbol_type(self.layout.n_states)
            codes, lengths = self._by_uniforms(changed, draw, prefix, limit, dtype)
            drawn = run.as_sequences(codes, lengths, limit, must_end, self.layout.n_states, by_uniforms=True)
        if changed is None or not draw.return_log_prob:
            return SequencesDrawn(drawn)
        given = 0 if prefix is None else (np.diff(prefix.starts) - 1)[np.arange(draw.n) // draw.n_per_row]
        return SequencesDrawn(drawn, drawn.sum_terms(self._terms_under(changed, drawn.stream), given))

    # --- other distributions than the model's; None stands for its own ---

    def _truncated(self, draw: Draw) -> Array | None:
        return self.truncated(draw) if draw.truncated else None

    def truncated(self, draw: Draw) -> Array:
        """The distributions of all states, as a draw asks for them."""
        return truncate(self.automaton.probabilities, draw)

    def _sampler_for(self, changed: Array | None) -> markov_sampling.Sampler:
        return self.sampler if changed is None else self.sampler_of(changed)

    def _by_uniforms(
        self, changed: Array | None, draw: Draw, prefix: Stream | None, limit: int, dtype: np.dtype[Any]
    ) -> tuple[Array, Array]:
        assert draw.uniforms is not None
        chain = self.chain(self.automaton.probabilities if changed is None else changed)
        request = run.request_of(draw, prefix, limit, self.layout.n_states)
        return run.draw_by_uniforms(chain, request, draw.uniforms, dtype)

    def _terms_under(self, changed: Array, stream: Stream) -> Array:
        return run.terms(self.loops, self.chain(self.log_table(changed)), stream)

    def log_table(self, probabilities: Array) -> Array:
        """Their logarithms, and 0 for the end of a row of fixed length."""
        with np.errstate(divide="ignore"):
            table = np.log(probabilities)
        if self.layout.n_vars is not None:
            table[:, -1] = 0.0
        return table

    def sampler_of(self, probabilities: Array) -> markov_sampling.Sampler:
        """Alias tables of any distributions over the states of this chain."""
        (n, width), allowed = probabilities.shape, self.layout.allowed
        check_memory(12 * n << slot_bits(allowed), f"sampling tables of {n} contexts of {width - 1} states")
        tables = alias_tables(np.ascontiguousarray(probabilities[:, :allowed]))
        return markov_sampling.Sampler(
            successor=self.automaton.successor.ravel(),
            slots=tables.slots.ravel(),
            fine=tables.fine.ravel(),
            bits=tables.bits,
            width=width,
            start=self.automaton.start,
        )
