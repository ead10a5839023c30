"""A Markov chain of rows of one length on a GPU."""

from __future__ import annotations

from typing import Any

from ...data.cuda_sequences import CudaCodes
from ...runtime.arrays import code_type
from ...runtime.cuda_queue import CudaQueue
from ..cuda_rows import CudaDrawn, CudaRows, Empty
from ..draw import Draw
from .chain import MarkovTables
from .cuda_run import Scored, cuda_chain

NO_ENDS = 0


class CudaMarkovRows(CudaRows):
    """The tables of a chain on one card."""

    def __init__(self, tables: MarkovTables) -> None:
        self._chain = cuda_chain(tables)
        self._dtype = code_type(tables.layout.n_states)

    def log_prob(self, queue: CudaQueue, x: Any, context: Any, per_variable: bool, empty: Empty) -> Any:
        """By one or two look-ups per symbol."""
        if not per_variable:
            return self._chain.log_prob(queue, _codes(x), Scored(NO_ENDS), empty)
        return self._chain.terms(queue, _codes(x), Scored(NO_ENDS), empty).reshape(*x.shape)

    def sample(self, queue: CudaQueue, draw: Draw, empty: Empty) -> CudaDrawn:
        """Symbol by symbol, a thread for each row."""
        if draw.uniforms is not None:
            raise TypeError("uniforms= of a Markov chain are for the CPU: draw there, with device='cpu'")
        prefix = None if draw.prefix is None else _codes(draw.prefix)
        codes = self._chain.draw_rows(queue, draw, prefix, self._dtype, empty)
        values = codes.values.reshape(codes.n, codes.longest)
        if not draw.return_log_prob:
            return CudaDrawn(values)
        log_prob = self._chain.log_prob(queue, codes, Scored(NO_ENDS), empty)
        if not draw.truncated:
            return CudaDrawn(values, log_prob)
        drawn = Scored(NO_ENDS, first=draw.prefix_length)
        return CudaDrawn(values, log_prob, self._chain.sampling_log_prob(queue, draw, codes, drawn, empty))


def _codes(x: Any) -> CudaCodes:
    """Rows (n, width) in C order."""
    n, width = x.shape
    return CudaCodes(x.reshape(n * width), None, n, n * width, width)
