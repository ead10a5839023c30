"""What every fitted chain can do, whatever its tables store: score streams, draw rows and sequences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.sequences import Stream
from ...runtime.arrays import freeze
from ...runtime.lazy import cached_property
from ..draw import Draw
from . import run
from .counts import Counts, Layout, allows_empty
from .run import AnyChain, AnySampler, Loops, Sequences

Array = npt.NDArray[Any]


class RowsDrawn(NamedTuple):
    """Codes (n, n_vars) and, of a truncated draw, the log-probability (n,) of the drawn symbols in it."""

    codes: Array
    sampling_log_prob: Array | None = None


class SequencesDrawn(NamedTuple):
    """Sequences and, of a truncated draw, the log-probability (n,) of the drawn symbols in it."""

    sequences: Sequences
    sampling_log_prob: Array | None = None


class MarkovTables(ABC):
    """Counts and all that follows from them; never changed, so that plans are never stale."""

    loops: ClassVar[Loops]

    def __init__(self, counts: Counts, layout: Layout, complete: Array) -> None:
        self.counts: Counts = counts
        self.layout: Layout = layout
        self.n_contexts: int = len(complete)
        freeze(*counts)

    @property
    def n_parameters(self) -> int:
        """Free parameters of all contexts: one less than the symbols that may follow."""
        ends_later = self.layout.n_vars is None and not allows_empty(self.counts, self.layout)
        return self.n_contexts * (self.layout.allowed - 1) - ends_later

    @cached_property
    def symbols_per_sequence(self) -> float:
        """In the data of the fit."""
        if self.layout.n_vars is not None:
            return float(self.layout.n_vars)
        ends = self.counts.counts[self.counts.symbols == self.layout.n_states].sum()
        return float(self.counts.counts.sum() / max(1, ends))

    @property
    @abstractmethod
    def scoring(self) -> AnyChain:
        """Log-probabilities; the end of a row of fixed length is certain."""

    @property
    @abstractmethod
    def sampler(self) -> AnySampler:
        """Alias tables of the model itself."""

    def log_prob(self, stream: Stream) -> Array:
        """log p (n,) of every sequence, its end included."""
        return run.log_prob(self.loops, self.scoring, stream)

    def terms(self, stream: Stream) -> Array:
        """The log-probability of every symbol of a stream, given those before it."""
        return run.terms(self.loops, self.scoring, stream)

    @abstractmethod
    def draw_rows(self, draw: Draw, prefix: Stream | None) -> RowsDrawn:
        """Rows of ``layout.n_vars`` codes."""

    @abstractmethod
    def draw_sequences(self, draw: Draw, prefix: Stream | None, limit: int, must_end: bool) -> SequencesDrawn:
        """Sequences to their end or to ``limit`` symbols; ValueError where one that must end has not."""

    def _draw_stream(
        self, sampler: AnySampler, draw: Draw, prefix: Stream | None, limit: int, must_end: bool
    ) -> Sequences:
        request = run.request_of(draw, prefix, limit, self.layout.n_states)
        return run.draw_stream(self.loops, sampler, request, draw.n, self.symbols_per_sequence, must_end)

    def _draw_rows(self, sampler: AnySampler, draw: Draw, prefix: Stream | None, dtype: np.dtype[Any]) -> Array:
        assert self.layout.n_vars is not None
        request = run.request_of(draw, prefix, self.layout.n_vars, self.layout.n_states)
        return run.draw_rows(self.loops, sampler, request, draw.n, dtype)
