"""A piece of rows -> the moments of every stratum."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import Part
from ...kernels.moments import HEADER
from .loops import LOOPS
from .plan import Strata
from .sums import Moments, merged, moments_from_records

Array = npt.NDArray[Any]
AllMoments = tuple[Moments, ...]  # one for each stratum


def collect_moments(strata: Strata, begin: int, end: int, part: Part, weights: Array | None) -> AllMoments:
    """Moments of the rows ``begin`` to ``end`` of a part, whose codes and reals have been checked.

    Sums that overflow are infinite or NaN, and nothing says so here.
    """
    sums = np.zeros(strata.n_sums)
    LOOPS["moments", "cpu"](begin, end, strata.plan, part.codes, part.reals, weights, sums)
    starts = strata.plan.record_start
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for s, own in enumerate(strata.strata):
            records = sums[int(starts[s]) : int(starts[s + 1])].reshape(own.n_configurations, own.record)
            found.append(moments_from_records(records, len(own.columns), HEADER, strata.pairs[s]))
    return tuple(found)


def merge_moments(strata: Strata, first: AllMoments, second: AllMoments) -> AllMoments:
    """Those of the rows of both."""
    with np.errstate(over="ignore", invalid="ignore"):
        return tuple(merged(*both) for both in zip(first, second, strata.pairs, strict=True))
