"""What a network answers about rows on a GPU, and draws there: one method for each verb, the work in a file of its own.

What has no loops for GPUs is refused, by the name of the verb or option: nothing is copied to the CPU unasked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..data.cuda_samples import CudaSamples
from ..data.placement import Placement, refuse_on_card
from ..engines.cuda_program import CudaProgram
from . import cuda_draws, cuda_scores


class CudaVerbs(NamedTuple):
    """The verbs of a network for arrays of one placement."""

    program: CudaProgram
    placement: Placement

    def sample(self, n: int, key: int, start: int, dtype: np.dtype[Any]) -> CudaSamples:
        """Rows drawn parents first."""
        return cuda_draws.sample(self.program, self.placement, n, key, start, dtype)

    def iter_samples(self, n: int, chunk: int, key: int, start: int, dtype: np.dtype[Any]) -> Iterator[CudaSamples]:
        """The same, ``chunk`` rows at a time."""
        starts = range(start, start + n, chunk)
        return (self.sample(min(chunk, start + n - first), key, first, dtype) for first in starts)

    def log_prob(self, data: Any) -> Any:
        """log p of rows (n,), of the library and on the card of the data."""
        return cuda_scores.log_prob(self.program, self.placement, data)

    def log_prob_per_variable(self, data: Any) -> Any:
        """Its terms (n, n_vars), of complete rows."""
        return cuda_scores.log_prob_per_variable(self.program, self.placement, data)

    def log_prob_given(self, data: Any, given: Any, impossible: str) -> Any:
        """log p(the others | given) of rows (n,)."""
        return refuse_on_card("log_prob", {"given=": True})

    def sample_given(self, given: Any, n: int | None, n_per_row: int, key: int, start: int) -> Any:
        """Rows drawn from the posterior."""
        return refuse_on_card("sample", {"given=": True})

    def predict_proba(self, data: Any, name: str, impossible: str) -> Any:
        """P(name = k | the row's other values) (n, k)."""
        return refuse_on_card("predict_proba")

    def predict(self, data: Any, name: str, impossible: str) -> Any:
        """Codes (n,) of the most probable state."""
        return refuse_on_card("predict")

    def marginals(self, data: Any, impossible: str) -> Any:
        """{name: P(name = k | the row) (n, k)}."""
        return refuse_on_card("marginals")

    def impute(self, data: Any, how: str, n_per_row: int, key: int, start: int, impossible: str) -> Any:
        """Rows with all values."""
        return refuse_on_card("impute")

    def outlier_scores(self, data: Any, impossible: str) -> Any:
        """- log p(x_v | others) (n, n_vars)."""
        return refuse_on_card("outlier_scores")
