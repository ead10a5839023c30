"""A fitted Markov chain of ragged sequences: symbols from a start to an end that has a probability like any other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..data.cuda_sequences import sequences_placement
from ..data.placement import Placement
from ..data.sequences import Kind, Stream
from ..data.vocabularies import as_stream, decoder
from ..engines.draw import Draw, SampleOptions, check_draw, refuse_given
from ..engines.markov.counts import Counts, Layout
from ..engines.markov.plan import make_tables
from ..engines.markov.run import MAX_LENGTH
from ..engines.markov.smoothing import Smoothing
from ..runtime.seeds import at_least_one

if TYPE_CHECKING:
    from ..engines.markov.chain import MarkovTables
    from ..engines.markov.cuda_run import CudaChain
    from .cuda_sequences import CudaMarkovSequences

Array = npt.NDArray[Any]


class MarkovSequences:
    """p(x) = prod_t p(x_t | x_{t-order}, ..., x_{t-1}), its end included; made by ``MarkovChain.fit``.

    Its verbs are those of ``MarkovChain``, which says what they take and give.
    """

    names = None  # of the variables of rows

    def __init__(
        self,
        counts: Counts,
        layout: Layout,
        smoothing: Smoothing,
        alpha: float,
        kind: Kind,
        vocabulary: tuple[str, ...] | None,
    ) -> None:
        self.vocabulary: tuple[str, ...] | None = vocabulary
        self.kind = kind
        self._arguments = counts, layout, smoothing, alpha, kind, vocabulary
        self.tables: MarkovTables = make_tables(counts, layout, smoothing, alpha)
        self._chains: dict[int, CudaChain] = {}  # by card; neither copied nor pickled

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    def log_prob(self, x: Any, *, per_variable: bool = False) -> Any:
        """log p of each sequence; or the terms of the sums, and where those of each sequence begin."""
        placement = sequences_placement(x)
        if placement is not None:
            return self._on_card(placement).log_prob(x, per_variable=per_variable)
        stream = self._as_stream(x)
        if per_variable:
            return self.tables.terms(stream), stream.starts
        return self.tables.log_prob(stream)

    def bits_per_variable(self, x: Any) -> float:
        """Mean code length in bits per symbol, ends included."""
        placement = sequences_placement(x)
        if placement is not None:
            return self._on_card(placement).bits_per_variable(x)
        stream = self._as_stream(x)
        if not len(stream):
            raise ValueError("bits_per_variable needs at least one sequence, got none")
        return float(-self.tables.log_prob(stream).sum() / (len(stream.symbols) * math.log(2)))

    def draw(self, asked: SampleOptions) -> Any:
        """Sequences from their start or prefix to their end."""
        refuse_given(asked.given)
        placement = _asked(asked)
        if placement.queue is not None:
            return self._on_card(placement).draw(asked)
        if asked.prefix is not None and sequences_placement(asked.prefix) is not None:
            raise TypeError("prefix is on a GPU: copy it to the CPU, as in prefix.to('cpu'), or draw there")
        if asked.like is not None:
            raise TypeError("like= needs rows of a fixed length; ragged sequences come as a list")
        if asked.uniforms is not None and (np.ndim(asked.uniforms) != 2 or np.shape(asked.uniforms)[1] < 1):
            raise ValueError(f"uniforms must have shape (n, m) with m at least 1, got {np.shape(asked.uniforms)}")
        max_length = None if asked.max_length is None else at_least_one(asked.max_length, "max_length")
        prefix = None if asked.prefix is None else self._check_prefix(asked.prefix)
        n_prefixes = None if prefix is None else len(prefix)
        draw = check_draw(asked, np.shape(asked.uniforms)[1:2], n_prefixes=n_prefixes)
        limit = _limit(draw, prefix, max_length)
        drawn, sampling_log_prob = self.tables.draw_sequences(draw, prefix, limit, must_end=limit != max_length)
        values = decoder(self.kind, self.vocabulary)(drawn.stream)
        if not draw.return_log_prob:
            return values
        log_prob = drawn.sum_terms(self.tables.terms(drawn.stream))
        return (values, log_prob) if sampling_log_prob is None else (values, log_prob, sampling_log_prob)

    def _on_card(self, placement: Placement) -> CudaMarkovSequences:
        """The verbs for arrays of a GPU, whose tables stay there as long as this is."""
        from ..engines.markov.cuda_run import cuda_chain
        from .cuda_sequences import CudaMarkovSequences

        chain = self._chains.setdefault(placement.cuda.device, cuda_chain(self.tables))
        return CudaMarkovSequences(chain, self.kind, self.vocabulary, placement)

    def _as_stream(self, x: Any) -> Stream:
        return as_stream(x, self.tables.layout.n_states, self.vocabulary)

    def _check_prefix(self, prefix: Any) -> Stream:
        """Sequences as a stream; an empty one says nothing: what follows is drawn from the start."""
        return self._as_stream([prefix] if isinstance(prefix, str) else prefix)


def _asked(asked: SampleOptions) -> Placement:
    """Where sequences are drawn: where ``device`` says, or where the prefix is."""
    given = None if asked.prefix is None else sequences_placement(asked.prefix)
    found = Placement.asked(asked.device, asked.like)
    return found if asked.device is not None or given is None else given


def _limit(draw: Draw, prefix: Stream | None, max_length: int | None) -> int:
    """Symbols at most; ValueError for a prefix that has more."""
    limit = max_length or MAX_LENGTH
    if draw.uniforms is not None:
        width = draw.uniforms.shape[1]
        limit = min(width, max_length or width)
    if prefix is not None and len(prefix) and np.diff(prefix.starts).max() - 1 > limit:
        longest = int(np.diff(prefix.starts).argmax())
        raise ValueError(f"prefix {longest} has {len(prefix[longest])} symbols, more than the limit of {limit}")
    return limit
