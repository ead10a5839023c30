"""A piece of rows -> the moments of every stratum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import Part
from ...kernels.moments import HEADER
from .loops import LOOPS
from .plan import Strata
from .sums import Moments, is_resolved, merged, moments_from_records

Array = npt.NDArray[Any]
AllMoments = tuple[Moments, ...]  # one for each stratum


def collect_moments(strata: Strata, begin: int, end: int, part: Part, weights: Array | None) -> AllMoments:
    """Moments of the rows ``begin`` to ``end`` of a part, whose codes and reals have been checked.

    Where the first row of a configuration lies so far out that sums about it have lost digits (an outlier, above all
    one of small weight), a second pass takes the sums about the means that the first has found. Sums that overflow are
    infinite or NaN, and nothing says so here.
    """

    def summed(records: Array) -> Array:
        LOOPS["moments", "cpu"](begin, end, strata.plan, part.codes, part.reals, weights, records)
        return records

    return found_twice(strata, summed)


def found_twice(strata: Strata, summed: Callable[[Array], Array]) -> AllMoments:
    """Moments by ``summed(records)``, which adds rows to records that hold shifts; by a second pass where they must."""
    found, resolved = _moments_of(strata, summed(strata.new_records()))
    if not resolved:
        means = [np.where(np.isfinite(own.mean), own.mean, np.nan) for own in found]
        found, _ = _moments_of(strata, summed(strata.new_records(means)))
    return found


def _moments_of(strata: Strata, sums: Array) -> tuple[AllMoments, bool]:
    """The moments, and whether their sums have kept their digits."""
    starts = strata.plan.record_start
    found, resolved = [], True
    with np.errstate(over="ignore", invalid="ignore"):
        for s, own in enumerate(strata.strata):
            records = sums[int(starts[s]) : int(starts[s + 1])].reshape(own.n_configurations, own.record)
            moments = moments_from_records(records, len(own.columns), HEADER, strata.pairs[s])
            resolved = resolved and is_resolved(moments, strata.pairs[s])
            found.append(moments)
    return tuple(found), resolved


def merge_moments(strata: Strata, first: AllMoments, second: AllMoments) -> AllMoments:
    """Those of the rows of both."""
    with np.errstate(over="ignore", invalid="ignore"):
        return tuple(merged(*both) for both in zip(first, second, strata.pairs, strict=True))
