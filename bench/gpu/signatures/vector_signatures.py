"""Of the twins of normal vectors."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import int64, uint64

from fastdgm.engines.multivariate.loops_cuda import LOOPS
from fastdgm.kernels.multivariate import Components, Vector

from .signature import Signature, array, plan_type


def vector_signatures() -> Iterator[Signature]:
    """All verbs, for numbers of both types."""
    for element in ("float32", "float64"):
        components = plan_type(Components, array(element, 2), element, array("int64", 2), "float64")
        vector = plan_type(Vector, components, "int64", "int64", int64, int64)
        codes, reals = array("uint8", 2), array(element, 2)
        arguments = {
            "sample": [uint64, uint64, vector, codes, reals],
            "log_prob": [vector, codes, reals, array("float64", 1)],
            "log_prob of components": [components, int64, reals, array("float64", 2)],
        }
        for verb, own in arguments.items():
            yield Signature("multivariate", verb, element, LOOPS[verb, "cuda"], own)
