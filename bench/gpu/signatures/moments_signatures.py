"""Of the twins of moments."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import int64

from fastdgm.engines.moments.loops_cuda import LOOPS
from fastdgm.kernels.moments_cuda import PackedMoments

from .signature import Signature, array, plan_type


def moments_signatures() -> Iterator[Signature]:
    """All verbs, for numbers of both types."""
    plan, sums, parts = plan_type(PackedMoments, *["uint32"] * 3, int64), array("float64", 1), array("float64", 2)
    for codes, element in (("uint8", "float32"), ("uint16", "float64")):
        reals = array(element, 2)
        arguments = {
            "block moments": [plan, array(codes, 2), reals, sums, sums, parts],
            "first values": [array("uint32", 1), reals, sums],
            "first bad weight": [array(element, 1), array("int64", 1)],
        }
        for verb, own in arguments.items():
            yield Signature("moments", verb, f"{codes}, {element}", LOOPS[verb, "cuda"], own)
    yield Signature("moments", "fold", "", LOOPS["fold", "cuda"], [parts, sums])
