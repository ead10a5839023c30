"""NADE's parameters as its kernels read them: padded, with what can be computed ahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.activations import RELU, SIGMOID
from ...kernels.nade import SIGMOID_BY_EXP, nade_factor_cpu
from ...kernels.nade import NADEPlan as NADEPlan
from ...kernels.nade_units import PAD
from ...runtime.arrays import read_only
from ...runtime.memory import check_memory
from ...runtime.pieces import run_ranges, split

Array = npt.NDArray[Any]
NAMES = ("W", "V", "b", "c")  # of the parameters
LARGEST_EXPONENT = {4: 80.0, 8: 690.0}  # by item size: exp(-a) stays comfortable
ENTRIES = 1 << 16  # of flat arrays in a piece


def padded(hidden: int) -> int:
    """Hidden units with padding."""
    return -(-hidden // PAD) * PAD


def plan_of(parameters: dict[str, Array], activation: str, order: Array) -> NADEPlan:
    """Padded copies of the parameters for the kernels."""
    own = padded_to(padded(parameters["W"].shape[1]), parameters)
    return plan_of_padded(own, np.empty_like(own["W"]), activation, order)


def padded_to(units: int, parameters: dict[str, Array]) -> dict[str, Array]:
    """Copies of the parameters with zeros for units that nobody has."""
    n_vars, dtype = len(parameters["W"]), parameters["W"].dtype
    check_memory(2 * flat_size(n_vars, units) * dtype.itemsize, "the parameters of the network")
    own = views_of(np.zeros(flat_size(n_vars, units), dtype), n_vars, units)
    for name, array in parameters.items():
        own[name][..., : array.shape[-1]] = array
    return own


def plan_of_padded(own: dict[str, Array], factor: Array, activation: str, order: Array) -> NADEPlan:
    """The plan of padded parameters; fills ``factor``, which it may keep."""
    mode = RELU if activation == "relu" else SIGMOID_BY_EXP
    if mode == SIGMOID_BY_EXP and float(np.abs(own["c"]).max()) > LARGEST_EXPONENT[own["c"].itemsize]:
        mode = SIGMOID
    return plan_in(mode, own, factor, order)


def plan_in(mode: int, own: dict[str, Array], factor: Array, order: Array) -> NADEPlan:
    """The plan of padded parameters in one mode; fills ``factor``, which it may keep."""
    first = own["c"]
    if mode == SIGMOID_BY_EXP:
        first = np.exp(-own["c"])
        _fill_factor(own["W"], factor)
    else:
        factor = own["W"]
    arrays = (order, own["W"], own["V"], own["b"], own["c"], factor, first)
    return NADEPlan(mode, *(read_only(array) for array in arrays))


def _fill_factor(weight: Array, factor: Array) -> None:
    source, target = read_only(weight.reshape(-1)), factor.reshape(-1)
    run_entries(lambda begin, end: nade_factor_cpu(begin, end, source, target), source.size)


def run_entries(work: Callable[[int, int], None], size: int) -> None:
    """work(begin, end) for all entries of flat arrays."""
    run_ranges(work, split(size, ENTRIES))


def flat_size(n_vars: int, units: int) -> int:
    """How many numbers all padded parameters are."""
    return 2 * n_vars * units + units + n_vars


def without_padding(views: dict[str, Array], hidden: int) -> dict[str, Array]:
    """The same of the hidden units alone, in the order of the names."""
    return {name: views[name] if name == "b" else views[name][..., :hidden] for name in NAMES}


def views_of(flat: Array, n_vars: int, units: int) -> dict[str, Array]:
    """W, V (n_vars, units), c (units,), b (n_vars,) of one flat array, here or on a GPU, of ``flat_size`` numbers."""
    cells = n_vars * units
    W, V = (flat[begin : begin + cells].reshape(n_vars, units) for begin in (0, cells))
    return {"W": W, "V": V, "b": flat[2 * cells + units :], "c": flat[2 * cells : 2 * cells + units]}
