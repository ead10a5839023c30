"""What a network answers about rows on a GPU, and draws there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..data.cuda_boundary import as_partial_cuda_block
from ..data.cuda_samples import CudaSamples
from ..data.placement import Placement
from ..engines.cuda_program import CudaProgram
from .cuda_refusals import not_on_card

if TYPE_CHECKING:
    from .cuda_evidence_verbs import EvidenceVerbs
    from .exact import Exact
    from .impossible import Impossible


class CudaVerbs(NamedTuple):
    """The verbs of a network for arrays of one placement."""

    program: CudaProgram
    placement: Placement
    exact: Exact | None = None  # of networks of discrete variables

    def sample(self, n: int, key: int, start: int, dtype: np.dtype[Any]) -> CudaSamples:
        """Rows drawn parents first."""
        values = self.program.sample(self.placement.cuda, n, key, start, dtype, self.placement.empty)
        return CudaSamples(values, self.program.program.schema, self.placement, key, start)

    def log_prob(self, data: Any) -> Any:
        """log p of rows, of the library and on the card of the data; missing values are summed out."""
        queue, empty = self.placement.cuda, self.placement.empty
        block = as_partial_cuda_block(data, self.program.program.schema, queue, empty)
        if block.first_missing is None:
            return self.placement.give_back(self.program.log_prob(queue, block, empty))
        if self.exact is None:
            block.refuse_missing()
        return self.evidence("log_prob of rows in which values are missing").log_prob_of(block)

    def log_prob_given(self, data: Any, names: Sequence[str], impossible: Impossible) -> Any:
        """log p(the others | these)."""
        return self.evidence("log_prob(given=)").log_prob_given(data, names, impossible)

    def evidence(self, what: str) -> EvidenceVerbs:
        """The verbs for what is missing. TypeError that names the verb beside real variables."""
        from .cuda_evidence_verbs import EvidenceVerbs

        if self.exact is None:
            raise not_on_card(f"{what} in networks of other variables than tables")
        return EvidenceVerbs(self.exact.on_card(self.placement.cuda.device), self.placement)
