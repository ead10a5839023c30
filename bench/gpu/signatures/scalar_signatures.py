"""Of the twins of real scalars: linear Gaussians and variables without parents."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import float64, uint64

from fastdgm.engines.gaussian.loops_cuda import LOOPS as GAUSSIAN
from fastdgm.engines.roots.loops_cuda import LOOPS as ROOTS
from fastdgm.kernels.gaussian import GaussianPlan
from fastdgm.kernels.gaussian_cuda import PackedGaussians
from fastdgm.kernels.gaussian_gradient import GaussianSums
from fastdgm.kernels.roots_cuda import PackedRoots

from .signature import Signature, array, plan_type


def scalar_signatures() -> Iterator[Signature]:
    """All verbs, for numbers of both types."""
    for element, codes in (("float32", "uint8"), ("float64", "uint16")):
        yield from gaussian_signatures(element, codes)
        yield from root_signatures(element)
    yield gradient_signature()


def gaussian_signatures(element: str, codes_type: str) -> Iterator[Signature]:
    """Of linear Gaussians."""
    plan, block, codes = (
        plan_type(PackedGaussians, "uint32", element, "float64"),
        array(element, 2),
        array(codes_type, 2),
    )
    arguments = {
        "sample": [uint64, uint64, plan, codes, block],
        "log_prob": [plan, codes, block, array("float64", 1)],
        "log_prob per variable": [plan, array("uint32", 1), codes, block, array("float64", 2)],
    }
    for verb, own in arguments.items():
        yield Signature("gaussian", verb, f"{element}, {codes_type}", GAUSSIAN[verb, "cuda"], own)


def gradient_signature() -> Signature:
    """Of the gradient of linear Gaussians."""
    indices, numbers = ["uint32"] * 6, ["float64"] * 4
    plan = plan_type(GaussianPlan, *indices, "uint64", *numbers, "uint8", "uint64", "float64", float64, uint64)
    block, sums = array("float64", 2), plan_type(GaussianSums, *["float64"] * 3)
    arguments = [plan, array("uint8", 2), block, array("float64", 1), block, sums]
    return Signature("gaussian", "gradient", "", GAUSSIAN["gradient", "cuda"], arguments)


def root_signatures(element: str) -> Iterator[Signature]:
    """Of variables without parents."""
    plan, block = plan_type(PackedRoots, "uint32", element, "float64"), array(element, 2)
    arguments = {
        "sample": [uint64, uint64, plan, block],
        "log_prob": [plan, block, array("float64", 1)],
        "log_prob per variable": [plan, array("uint32", 1), block, array("float64", 2)],
    }
    for verb, own in arguments.items():
        yield Signature("roots", verb, element, ROOTS[verb, "cuda"], own)
