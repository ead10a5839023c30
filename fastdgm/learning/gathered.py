"""Estimators that need all rows at once, where rows come with weights and piece by piece, as in EM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.blocks import Part
from ..data.mixed import values_block
from ..data.schema import Schema, Values
from ..runtime.memory import check_memory
from .base import Guarded, Learnt, RowsEstimator, SumEstimator, Target, Weights
from .counts import Prior

Array = npt.NDArray[Any]


class Rows(NamedTuple):
    """Rows of positive weight, in pieces."""

    values: tuple[Values, ...]
    weights: tuple[Array, ...]


class GatheredRows(SumEstimator):
    """Keeps copies of the rows as statistics, and learns from them together."""

    def __init__(
        self, kind: type[RowsEstimator], targets: Sequence[Target], schema: Schema, prior: Prior, n_rows: int
    ) -> None:
        """``n_rows`` is how many there may be."""
        super().__init__(targets, schema, prior)
        self._estimator = kind(targets, schema, prior)
        n_bytes = n_rows * (schema.n_codes * schema.code_dtype.itemsize + 8 * schema.n_reals + 8)
        check_memory(2 * n_bytes, f"EM for {self.targets[0].name!r}, which is learnt from {n_rows} weighted rows")

    @property
    def n_sums(self) -> int:
        """No sums."""
        return 0

    def collect(self, begin: int, end: int, part: Part, weights: Weights) -> Rows:
        """The rows of positive weight."""
        own = np.ones(end - begin) if weights is None else weights[begin:end]
        kept = np.flatnonzero(own > 0.0)
        values = Values(part.codes[:, begin:end][:, kept], part.reals[:, begin:end][:, kept])
        return Rows((values,), (own[kept],))

    def merged(self, earlier: Rows, later: Rows) -> Rows:
        """Those of both."""
        return Rows(earlier.values + later.values, earlier.weights + later.weights)

    def estimate(self, statistics: Any) -> Learnt:
        """As the estimator of rows does. Raises what it raises."""
        codes, reals = (
            np.ascontiguousarray(np.concatenate(own, axis=1)) for own in zip(*statistics.values, strict=True)
        )
        return self._estimator.fit(values_block(Values(codes, reals), self.schema), np.concatenate(statistics.weights))

    def guarded(self, statistics: Any, background: Any, held: Sequence[Any]) -> Guarded:
        """All targets together: the background helps where it leaves less to say than their rows alone."""
        found = None
        if not any(held):
            try:
                found = self.estimate(statistics)
            except ValueError:  # a state without rows, separable rows
                found = None
            if found is not None and not found.notes:
                return Guarded(found, [False] * len(self.targets))
        helped = self.estimate(self.merged(statistics, background))
        if found is not None and len(found.notes) <= len(helped.notes):
            return Guarded(found, [False] * len(self.targets))
        return Guarded(helped, [True] * len(self.targets))
