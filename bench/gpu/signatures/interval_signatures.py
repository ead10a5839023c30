"""Of the twin of intervals."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import float64

from fastdgm.engines.intervals.loops_cuda import LOOPS

from .signature import Signature, array


def interval_signatures() -> Iterator[Signature]:
    """The one verb."""
    verb, flat = "log mean density", array("float64", 1)
    yield Signature("intervals", verb, "", LOOPS[verb, "cuda"], [flat, float64, flat])
