"""The engine of linear Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import Part
from ...data.schema import Values
from ...kernels.gaussian import GaussianPlan
from ..real import RealEngine
from .loops import LOOPS
from .plan import gaussian_plan


class GaussianEngine(RealEngine[GaussianPlan]):
    """Real variables that are normal around a linear function of their real parents."""

    def make_plan(self, dtype: np.dtype[Any]) -> GaussianPlan:
        """Parameters as flat arrays."""
        return gaussian_plan(self.members, dtype, self.first_word)

    def draw(self, begin: int, end: int, key: np.uint64, start: np.uint64, plan: GaussianPlan, values: Values) -> int:
        """By one normal number each."""
        return int(LOOPS["sample", "cpu"](begin, end, key, start, plan, *values))

    def score(self, begin: int, end: int, plan: GaussianPlan, part: Part, out: npt.NDArray[np.float64]) -> None:
        """All members of a tile of rows after the other."""
        LOOPS["log_prob", "cpu"](begin, end, plan, part.codes, part.reals, out)

    def score_each(self, begin: int, end: int, plan: GaussianPlan, part: Part, out: npt.NDArray[np.float64]) -> None:
        """The same terms, each in its place."""
        LOOPS["log_prob per variable", "cpu"](begin, end, plan, self.numbers, part.codes, part.reals, out)
