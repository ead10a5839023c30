"""Of the twins that load and check arrays that come in."""

from __future__ import annotations

from collections.abc import Iterator

import numba
from numba.types import int64

from fastdgm.data.cuda_loading import LOOPS
from fastdgm.kernels.tiles_cuda import CellPlan

from .signature import Signature, array, plan_type

KINDS = (  # types of what comes and of the block that it becomes, and whether it is contiguous
    ("uint8", "uint8", "C"),
    ("uint8", "uint8", "A"),
    ("int64", "uint16", "A"),
    ("uint64", "uint8", "C"),
    ("float32", "uint8", "C"),
    ("float16", "float32", "A"),
    ("float64", "float64", "C"),
    ("int8", "float64", "A"),
)


def loader_signatures() -> Iterator[Signature]:
    """All verbs."""
    plan, flags = plan_type(CellPlan, int64, int64, "int32", "int32", "uint8"), array("int64", 1)
    for source, target, layout in KINDS:
        marker, absent = getattr(numba.types, "float64" if "float" in source else source), getattr(numba.types, target)
        rows, columns = array(source, 2, layout), array(target, 2)
        arguments = {
            "check columns": [plan, marker, rows, flags],
            "load columns": [plan, marker, absent, rows, columns, flags],
            "load rows": [plan, marker, absent, rows, columns, flags],
        }
        for verb, own in arguments.items():
            yield Signature("loader", verb, f"{source} to {target}, {layout}", LOOPS[verb], own)
    for target in ("uint8", "uint16"):
        columns = array(target, 2)
        yield Signature("loader", "fill", target, LOOPS["fill"], [getattr(numba.types, target), columns])
        yield Signature("loader", "relabel", target, LOOPS["relabel"], [plan, array("int32", 1), columns, flags])
    yield Signature("loader", "reset flags", "", LOOPS["reset flags"], [flags])
