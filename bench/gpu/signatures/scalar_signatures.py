"""Of the twins of real scalars: linear Gaussians and variables without parents."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import float64, uint64

from fastdgm.engines.gaussian.loops_cuda import LOOPS as GAUSSIAN
from fastdgm.engines.roots.loops_cuda import LOOPS as ROOTS
from fastdgm.kernels.gaussian import GaussianPlan
from fastdgm.kernels.gaussian_gradient import GaussianSums
from fastdgm.kernels.roots import RootPlan

from .signature import Signature, array, plan_type


def scalar_signatures() -> Iterator[Signature]:
    """All verbs, for numbers of both types."""
    for element in ("float32", "float64"):
        yield from gaussian_signatures(element)
        yield from root_signatures(element)


def gaussian_signatures(element: str) -> Iterator[Signature]:
    """Of linear Gaussians."""
    short, block, codes = "uint32", array(element, 2), array("uint8", 2)
    plan = plan_type(
        GaussianPlan, *[short] * 6, "uint64", *[element] * 2, *["float64"] * 2, "uint8", "uint64", element, float64,
        uint64,
    )  # fmt: skip
    totals = array("float64", 1)
    arguments = {
        "sample": [uint64, uint64, plan, codes, block],
        "log_prob": [plan, codes, block, totals],
        "log_prob per variable": [plan, array(short, 1), codes, block, array("float64", 2)],
    }
    if element == "float64":
        arguments["gradient"] = [plan, codes, block, totals, block, plan_type(GaussianSums, *["float64"] * 3)]
    for verb, own in arguments.items():
        yield Signature("gaussian", verb, element, GAUSSIAN[verb, "cuda"], own)


def root_signatures(element: str) -> Iterator[Signature]:
    """Of variables without parents."""
    short, block = "uint32", array(element, 2)
    plan = plan_type(RootPlan, short, "uint8", *[element] * 4, *["float64"] * 2, uint64)
    arguments = {
        "sample": [uint64, uint64, plan, block],
        "log_prob": [plan, block, array("float64", 1)],
        "log_prob per variable": [plan, array(short, 1), block, array("float64", 2)],
    }
    for verb, own in arguments.items():
        yield Signature("roots", verb, element, ROOTS[verb, "cuda"], own)
