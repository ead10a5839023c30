"""Of the twins of NADE, and of Adam's step."""

from __future__ import annotations

from collections.abc import Iterator

import numba
from numba.types import boolean, float64, int64, uint64

from fastdgm.engines.nade.loops_cuda import LOOPS
from fastdgm.kernels.adam import AdamSettings
from fastdgm.kernels.nade import NADEDraw, NADEPlan

from .outputs import output_types
from .signature import Signature, array, plan_type


def nade_signatures() -> Iterator[Signature]:
    """All verbs, for numbers of both types."""
    for element in ("float32", "float64"):
        number, flat, block = getattr(numba.types, element), array(element, 1), array(element, 2)
        codes = array("uint8", 2)
        plan = plan_type(NADEPlan, int64, "int64", block, block, flat, flat, block, flat)
        wide = array("float64", 2)
        draw = plan_type(NADEDraw, uint64, uint64, number, number, codes, int64, wide, boolean)
        scores, draws = output_types("uint8", element)
        settings = plan_type(AdamSettings, *[float64] * 7)
        arguments = {
            "log_prob": [plan, codes, scores],
            "sample": [plan, draw, draws],
            "slopes": [plan, codes, flat, array("float64", 1), block],
            "rows": [codes, array("int64", 1), int64, codes],
            "gradients of slopes": [plan, int64, codes, block, block],
            "sum parts": [block, flat],
            "adam": [settings, flat, flat, flat, flat],
        }
        for verb, own in arguments.items():
            yield Signature("nade", verb, element, LOOPS[verb, "cuda"], own)
