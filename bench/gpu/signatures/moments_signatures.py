"""Of the twin of moments."""

from __future__ import annotations

from collections.abc import Iterator

from fastdgm.engines.moments.loops_cuda import LOOPS
from fastdgm.kernels.moments import MomentsPlan

from .signature import Signature, array, plan_type


def moments_signatures() -> Iterator[Signature]:
    """For numbers of both types."""
    plan, codes, flat = plan_type(MomentsPlan, *["uint32"] * 9, "uint64"), array("uint8", 2), array("float64", 1)
    for element in ("float32", "float64"):
        arguments = [plan, codes, array(element, 2), flat, flat]
        yield Signature("moments", "moments", element, LOOPS["moments", "cuda"], arguments)
