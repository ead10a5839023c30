"""Of the twins of tables."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import uint64

from fastdgm.engines.tables.loops_cuda import LOOPS
from fastdgm.kernels.cpt import SamplingPlan, ScoringPlan

from .signature import Signature, array, plan_type


def table_signatures() -> Iterator[Signature]:
    """All verbs, for both types of codes."""
    for codes in ("uint8", "uint16"):
        short, flat, block, totals = "uint32", array(codes, 1), array(codes, 2), array("float64", 1)
        sampling = plan_type(SamplingPlan, *[short] * 8, "uint64", "uint64", short, uint64)
        scoring = plan_type(ScoringPlan, *[short] * 3, "uint64", "float64")
        arguments = {
            "sample": [uint64, uint64, sampling, block],
            "log_prob columns": [scoring, flat, block, totals],
            "log_prob per variable": [scoring, flat, block, array("float64", 2)],
            "count": [scoring, flat, block, totals, array("float64", 2)],
            "log_prob of states": [scoring, flat, block, array("float64", 2)],
            "first bad row": [flat, block, array("int64", 1)],
        }
        for verb, own in arguments.items():
            yield Signature("tables", verb, codes, LOOPS[verb, "cuda"], own)
