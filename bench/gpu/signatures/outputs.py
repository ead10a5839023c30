"""What the twins of autoregressive networks write."""

from __future__ import annotations

from typing import Any

import numba

from fastdgm.kernels.outputs import Draws, Scores

from .signature import array, plan_type


def output_types(values: str, element: str) -> tuple[Any, Any]:
    """Scores and Draws; ``values`` is the type of the data, ``element`` that of a network's numbers."""
    total, block, scratch = array("float64", 1), array("float64", 2), array(element, 2)
    flags = numba.types.Array(numba.types.boolean, 1, "C")
    draws = plan_type(Draws, array(values, 2), total, total, flags, scratch)
    return plan_type(Scores, total, block, scratch), draws
