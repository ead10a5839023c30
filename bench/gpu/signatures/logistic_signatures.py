"""Of the twins of logistic variables."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import uint64

from fastdgm.engines.logistic.loops_cuda import LOOPS
from fastdgm.kernels.logistic_cuda import PackedLogistic

from .signature import Signature, array, plan_type


def logistic_signatures() -> Iterator[Signature]:
    """All verbs, for sums of both types, of codes and reals of both types."""
    kinds = (("float64", "float32", "uint8"), ("float32", "float32", "uint8"), ("float64", "float64", "uint16"))
    for sums, reals, codes in kinds:
        plan = plan_type(PackedLogistic, "uint32", sums)
        blocks = [array(codes, 2), array(reals, 2)]
        arguments = {
            "sample": [uint64, uint64, plan, *blocks],
            "log_prob": [plan, *blocks, array("float64", 1)],
            "log_prob per variable": [plan, *blocks, array("float64", 2)],
        }
        for verb, own in arguments.items():
            yield Signature("logistic", verb, f"sums {sums}, {reals}, {codes}", LOOPS[verb, "cuda"], own)
