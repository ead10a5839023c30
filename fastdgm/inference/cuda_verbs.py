"""What a network answers about rows on a GPU, and draws there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..data.cuda_boundary import as_cuda_block
from ..data.cuda_samples import CudaSamples
from ..data.placement import Placement
from ..engines.cuda_program import CudaProgram


class CudaVerbs(NamedTuple):
    """The verbs of a network for arrays of one placement."""

    program: CudaProgram
    placement: Placement

    def sample(self, n: int, key: int, start: int, dtype: np.dtype[Any]) -> CudaSamples:
        """Rows drawn parents first."""
        values = self.program.sample(self.placement.cuda, n, key, start, dtype, self.placement.empty)
        return CudaSamples(values, self.program.program.schema, self.placement, key, start)

    def log_prob(self, data: Any) -> Any:
        """log p of complete rows, of the library and on the card of the data."""
        block = as_cuda_block(data, self.program.program.schema, self.placement.cuda)
        return self.placement.give_back(self.program.log_prob(self.placement.cuda, block, self.placement.empty))
