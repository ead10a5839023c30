"""A fitted Markov chain of rows of one length: a family of autoregressive models like the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from ..data.sequences import rows_as_stream
from ..engines.draw import Draw, Drawn, SampleOptions
from ..engines.markov.counts import Counts, Layout
from ..engines.markov.plan import make_tables
from ..engines.markov.smoothing import Smoothing
from ..runtime.arrays import code_type, read_only
from .base import AutoregressiveModel

if TYPE_CHECKING:
    from ..engines.cuda_rows import CudaRows
    from ..engines.markov.chain import MarkovTables

Array = npt.NDArray[Any]


class MarkovRows(AutoregressiveModel):
    """p(x) = prod_d p(x_d | x_{d-order}, ..., x_{d-1}), from counts; made by ``MarkovChain.fit``."""

    n_states: int
    kind = None  # of sequences
    vocabulary = None

    def __init__(
        self, counts: Counts, layout: Layout, smoothing: Smoothing, alpha: float, columns: tuple[str, ...] | None
    ) -> None:
        assert layout.n_vars is not None
        self.n_vars: int = layout.n_vars
        self.n_states: int = layout.n_states
        self.dtype: np.dtype[Any] = code_type(layout.n_states)
        self.order: Array = read_only(np.arange(layout.n_vars))
        self._names = columns  # of the frame of the fit, if it was one
        self._arguments = counts, layout, smoothing, alpha, columns
        self.tables: MarkovTables = make_tables(counts, layout, smoothing, alpha)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    @property
    def n_parameters(self) -> int:
        """Free parameters of all contexts: one less than the number of states."""
        return self.tables.n_parameters

    def _log_prob(self, x: Array, context: Array, per_variable: bool) -> Array:
        stream = rows_as_stream(x, self.n_states)
        if not per_variable:
            return self.tables.log_prob(stream)
        return self.tables.terms(stream).reshape(len(x), x.shape[1] + 1)[:, :-1]

    def draw(self, asked: SampleOptions) -> Any:
        """Rows, as every autoregressive model draws them."""
        if asked.max_length is not None:
            raise ValueError("max_length is for ragged sequences, this model's rows have a fixed length")
        return super().draw(asked)

    def _sample(self, draw: Draw) -> Drawn:
        prefix = None if draw.prefix is None else rows_as_stream(draw.prefix, self.n_states)
        codes, sampling_log_prob = self.tables.draw_rows(draw, prefix)
        if not draw.return_log_prob:
            return Drawn(codes)
        return Drawn(codes, self.tables.log_prob(rows_as_stream(codes, self.n_states)), sampling_log_prob)

    def _uniforms_type(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    def _cuda_source(self) -> MarkovTables:
        return self.tables

    def _cuda_rows(self) -> CudaRows:
        from ..engines.markov.cuda_rows import CudaMarkovRows  # imports the twins

        return CudaMarkovRows(self.tables)

    def _state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        raise TypeError("rows of a Markov chain are stored by their MarkovChain")

    @classmethod
    def _from_state(cls, structure: dict[str, Any], arrays: dict[str, Array]) -> Self:
        raise TypeError("rows of a Markov chain are stored by their MarkovChain")
