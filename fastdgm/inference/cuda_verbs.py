"""What a network answers about rows on a GPU, and draws there; each group of verbs has a file of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..data.cuda_samples import CudaSamples
from ..data.placement import Placement
from ..engines.cuda_program import CudaProgram
from . import cuda_draws, cuda_scores
from .cuda_refusals import not_on_card

if TYPE_CHECKING:
    from ..data.cuda_blocks import CudaBlock
    from .cuda_evidence_verbs import EvidenceVerbs
    from .cuda_exact import CudaExact
    from .impossible import Impossible


class CudaVerbs(NamedTuple):
    """The verbs of a network for arrays of one placement."""

    program: CudaProgram
    placement: Placement
    exact: CudaExact | None = None  # of networks of discrete variables

    def sample(self, n: int, key: int, start: int, dtype: np.dtype[Any]) -> CudaSamples:
        """Rows drawn parents first."""
        with self.placement.cuda.on_card():
            return cuda_draws.sample(self.program, self.placement, n, key, start, dtype)

    def iter_samples(self, n: int, chunk: int, key: int, start: int, dtype: np.dtype[Any]) -> Iterator[CudaSamples]:
        """The same, ``chunk`` rows at a time, each on the stream on which the library works when it is asked for."""
        for first in range(start, start + n, chunk):
            own = self._replace(placement=self.placement.current())
            yield own.sample(min(chunk, start + n - first), key, first, dtype)

    def log_prob(self, data: Any) -> Any:
        """log p of rows (n,), of the library and on the card of the data; missing values are summed out."""
        with self.placement.cuda.on_card():
            return cuda_scores.log_prob(self.program, self.placement, data, self._log_evidence)

    def log_prob_per_variable(self, data: Any) -> Any:
        """Its terms (n, n_vars), of complete rows."""
        with self.placement.cuda.on_card():
            return cuda_scores.log_prob_per_variable(self.program, self.placement, data)

    def log_prob_given(self, data: Any, names: Sequence[str], impossible: Impossible) -> Any:
        """log p(the others | these)."""
        return self.evidence("log_prob(given=)").log_prob_given(data, names, impossible)

    def evidence(self, what: str) -> EvidenceVerbs:
        """The verbs for what is missing. TypeError that names the verb beside real variables."""
        from .cuda_evidence_verbs import EvidenceVerbs

        if self.exact is None:
            raise not_on_card(f"{what} in networks of other variables than tables")
        return EvidenceVerbs(self.exact, self.placement)

    def _log_evidence(self, block: CudaBlock) -> Any:
        """log p of what is observed in every row (n,), numba's."""
        if self.program.program.refuses_missing:
            block.refuse_missing()
        return self.evidence("log_prob of rows in which values are missing").log_prob_of(block)
