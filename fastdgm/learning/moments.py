"""What conditionals learnt from means and moments have in common: one pass over the rows for all of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.blocks import Part
from ..data.cuda_blocks import CudaBlock
from ..data.schema import Schema
from ..data.variables import Discrete, Real, Variable
from ..engines.moments.collect import AllMoments, collect_moments, merge_moments
from ..engines.moments.plan import Family, Strata
from ..engines.moments.sums import Moments
from ..runtime.cuda_queue import CudaQueue
from .background import with_background
from .base import Guarded, Learnt, SumEstimator, Target, Weights
from .counts import Prior


class MomentsEstimator(SumEstimator):
    """Gathers the moments of each variable and its real parents, for each joint state of its discrete parents."""

    def __init__(self, targets: Sequence[Target], schema: Schema, prior: Prior) -> None:
        super().__init__(targets, schema, prior)
        self._strata = Strata([_family(target, schema) for target in targets])

    @property
    def n_sums(self) -> int:
        """Numbers in all records."""
        return self._strata.n_sums

    def collect(self, begin: int, end: int, part: Part, weights: Weights) -> AllMoments:
        """Moments by stratum."""
        return collect_moments(self._strata, begin, end, part, weights)

    def collect_on_card(self, queue: CudaQueue, block: CudaBlock, weights: Any) -> AllMoments:
        """The same of rows on a GPU."""
        from ..engines.moments.cuda_collect import collect_moments_on_card

        return collect_moments_on_card(self._strata, queue, block, weights)

    def merged(self, earlier: AllMoments, later: AllMoments) -> AllMoments:
        """Those of the rows of both."""
        return merge_moments(self._strata, earlier, later)

    @abstractmethod
    def learnt(self, moments: Sequence[Moments]) -> Learnt:
        """The conditionals from the moments of each target. Raises as ``estimate``."""

    @abstractmethod
    def is_degenerate(self, moments: Moments) -> npt.NDArray[np.bool_]:
        """(c,): which configurations of a target have moments that do not determine its parameters."""

    def estimate(self, statistics: Any) -> Learnt:
        """The conditionals. Raises ValueError where rows are too few, or do not determine them."""
        return self.learnt(self.all_moments(statistics))

    def guarded(self, statistics: Any, background: Any, held: Sequence[Any]) -> Guarded:
        """Each configuration of each target for itself."""
        found, degenerate = [], []
        pairs = zip(self.all_moments(statistics), self.all_moments(background), held, strict=True)
        for own, of_background, own_held in pairs:
            helped = self.is_degenerate(own) & ~self.is_degenerate(of_background)
            found.append(with_background(own, of_background, helped | own_held))
            degenerate.append(helped)
        return Guarded(self.learnt(found), degenerate)

    def all_moments(self, statistics: AllMoments) -> list[Moments]:
        """Those of each target: the columns of its real parents in their order, then its own.

        Raises ValueError, naming a target, where sums of squares have left the range of float64.
        """
        found = [self._strata.moments_of(number, statistics) for number in range(len(self.targets))]
        if not all(map(_is_finite, statistics)):
            for target, own in zip(self.targets, found, strict=True):
                if not _is_finite(own):
                    raise ValueError(
                        f"the sums of squares of {target.name!r} and its real parents, times their weights, leave the "
                        "range of float64: scale the columns or weights"
                    )
        return found


def _is_finite(moments: Moments) -> bool:
    return bool(np.isfinite(moments.offset).all() and np.isfinite(moments.cross).all())


def _family(target: Target, schema: Schema) -> Family:
    discrete = {name: own for name, own in target.parents.items() if isinstance(own, Discrete)}
    columns = [row for name, own in target.parents.items() for row in _rows(name, own, schema)]
    return Family(
        axes=tuple(schema.rows[name] for name in discrete),
        n_states=tuple(own.n_states for own in discrete.values()),
        columns=(*columns, *_rows(target.name, target.variable, schema)),
    )


def _rows(name: str, variable: Variable, schema: Schema) -> range:
    """The rows of the block of reals that are a variable's; a discrete one has none."""
    first = schema.rows[name]
    return range(first, first + variable.size) if isinstance(variable, Real) else range(0)
