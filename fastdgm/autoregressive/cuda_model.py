"""The verbs of an autoregressive model for arrays of a GPU."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..data.placement import Placement
from ..engines.cuda_rows import CudaRows
from ..engines.draw import SampleOptions


class CudaModel(NamedTuple):
    """A model's loops on a card, for arrays of one placement."""

    rows: CudaRows
    placement: Placement

    def log_prob(self, x: Any, context: Any, per_variable: bool) -> Any:
        """log p of each row, of the library and on the card of x."""
        raise NotImplementedError

    def draw(self, asked: SampleOptions) -> Any:
        """What ``sample`` gives for these options."""
        raise NotImplementedError
