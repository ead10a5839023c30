"""The verbs of a Markov chain of ragged sequences for arrays of a GPU."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..data.cuda_codes import as_cuda_codes, starts_of, uploaded
from ..data.cuda_sequences import CudaCodes, CudaSequences, sequences_placement
from ..data.placement import Placement
from ..data.sequences import Kind
from ..data.vocabularies import as_stream, decoder
from ..engines.cuda_matrices import mean_of
from ..engines.draw import SampleOptions, check_draw
from ..engines.markov.cuda_run import CudaChain, Scored
from ..engines.markov.run import MAX_LENGTH
from ..runtime.seeds import at_least_one

NEVER_CUT = 2**62


class CudaMarkovSequences(NamedTuple):
    """A chain on a card, for sequences of one placement."""

    chain: CudaChain
    kind: Kind
    vocabulary: tuple[str, ...] | None
    placement: Placement

    def log_prob(self, x: Any, *, per_variable: bool) -> Any:
        """log p of each sequence; or the terms of the sums, and where those of each sequence begin."""
        queue, empty = self.placement.cuda, self.placement.empty
        codes = self._codes(x)
        if not per_variable:
            return self.placement.give_back(self.chain.log_prob(queue, codes, Scored(NEVER_CUT), empty))
        terms, starts = self.chain.terms(queue, codes, Scored(NEVER_CUT), empty), starts_of(codes, queue, empty)
        return self.placement.give_back(terms), self.placement.give_back(starts)

    def bits_per_variable(self, x: Any) -> float:
        """Mean code length in bits per symbol, ends included; a few numbers are copied from the card."""
        queue, empty = self.placement.cuda, self.placement.empty
        codes = self._codes(x)
        if not codes.n:
            raise ValueError("bits_per_variable needs at least one sequence, got none")
        mean = mean_of(queue, self.chain.log_prob(queue, codes, Scored(NEVER_CUT), empty), empty)
        return -mean * codes.n / ((codes.size + codes.n) * math.log(2))

    def draw(self, asked: SampleOptions) -> Any:
        """Sequences from their start or prefix to their end."""
        if asked.uniforms is not None:
            raise TypeError("uniforms= is on the CPU only: draw there, with device='cpu'")
        prefix = None if asked.prefix is None else self._prefix(asked.prefix)
        max_length = None if asked.max_length is None else at_least_one(asked.max_length, "max_length")
        limit = max_length or MAX_LENGTH
        if prefix is not None and prefix.longest > limit:
            raise ValueError(f"a prefix has {prefix.longest} symbols, more than the limit of {limit}")
        draw = check_draw(asked, (), n_prefixes=None if prefix is None else prefix.n)
        queue, empty = self.placement.cuda, self.placement.empty
        codes = self.chain.draw_sequences(queue, draw, prefix, limit, max_length is None, empty)
        n_states = self.chain.tables.layout.n_states
        drawn = CudaSequences(codes, n_states, self.placement, decoder(self.kind, self.vocabulary))
        if not draw.return_log_prob:
            return drawn
        give_back = self.placement.give_back
        log_prob = give_back(self.chain.log_prob(queue, codes, Scored(limit), empty))
        if not draw.truncated:
            return drawn, log_prob
        scored = Scored(limit, prefix=prefix, n_per_row=draw.n_per_row)
        return drawn, log_prob, give_back(self.chain.sampling_log_prob(queue, draw, codes, scored, empty))

    def _prefix(self, prefix: Any) -> CudaCodes:
        """Sequences on a GPU, or of the CPU, such as strings, which are copied there."""
        if sequences_placement(prefix) is not None:
            return self._codes(prefix)
        given = [prefix] if isinstance(prefix, str) else prefix
        return uploaded(as_stream(given, self.chain.tables.layout.n_states, self.vocabulary), self.placement.cuda)

    def _codes(self, x: Any) -> CudaCodes:
        return as_cuda_codes(x, self.chain.tables.layout.n_states, self.placement.cuda, self.placement.empty)
