"""The engine of roots."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import Part
from ...data.schema import Values
from ...kernels.roots import RootPlan
from ..real import RealEngine
from .loops import LOOPS
from .plan import root_plan


class RootEngine(RealEngine[RootPlan]):
    """Uniform, exponential and Laplace variables."""

    def make_plan(self, dtype: np.dtype[Any]) -> RootPlan:
        """Parameters as flat arrays."""
        return root_plan(self.members, dtype, self.first_word)

    def draw(self, begin: int, end: int, key: np.uint64, start: np.uint64, plan: RootPlan, values: Values) -> int:
        """By one standard number each."""
        return int(LOOPS["sample", "cpu"](begin, end, key, start, plan, values.reals))

    def score(self, begin: int, end: int, plan: RootPlan, part: Part, out: npt.NDArray[np.float64]) -> None:
        """All members of a tile of rows after the other."""
        LOOPS["log_prob", "cpu"](begin, end, plan, part.reals, out)

    def score_each(self, begin: int, end: int, plan: RootPlan, part: Part, out: npt.NDArray[np.float64]) -> None:
        """The same terms, each in its place."""
        LOOPS["log_prob per variable", "cpu"](begin, end, plan, self.numbers, part.reals, out)
