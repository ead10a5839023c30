"""NADE's parameters as its twins read them: padded to what a team of threads keeps, the cheapest exact mode known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.activations import RELU, SIGMOID
from ...kernels.nade import SIGMOID_BY_EXP, NADEPlan
from ...kernels.nade_team_cuda import MOST_ROWS, MOST_UNITS, TEAM_UNITS, UNITS
from ...runtime.cuda_launch import Twin
from .loops_cuda import LOOPS
from .plan import LARGEST_EXPONENT, padded_to, plan_in

Array = npt.NDArray[Any]


def cuda_plan_of(parameters: dict[str, Array], activation: str, order: Array) -> NADEPlan:
    """Padded copies of the parameters. TypeError where a team cannot keep so many hidden units."""
    hidden = len(parameters["c"])
    check_hidden(hidden)
    own = padded_to(cuda_units(hidden), parameters)
    mode = RELU if activation == "relu" else SIGMOID_BY_EXP if _stays_comfortable(parameters) else SIGMOID
    return plan_in(mode, own, np.empty_like(own["W"]), order)


def check_hidden(hidden: int) -> None:
    """TypeError where a team cannot keep so many hidden units."""
    if hidden > MOST_UNITS:
        raise TypeError(
            f"on a GPU a NADE may have {MOST_UNITS} hidden units, this one has {hidden}: copy the arrays to the CPU, "
            "as with .cpu() or .get()"
        )


def cuda_units(hidden: int) -> int:
    """Hidden units with padding."""
    return -(-hidden // TEAM_UNITS) * TEAM_UNITS


def team_twin(verb: str, plan: NADEPlan) -> Twin:
    """The twin with as many threads in a team as keep the hidden units of a plan."""
    units, dtype = plan.c.shape[0], plan.c.dtype
    item, threads = np.dtype(dtype).itemsize, units // UNITS
    parts, sums, by_position = (MOST_ROWS + 1) * threads, threads, 3 * MOST_ROWS * threads
    return Twin(LOOPS[verb, "cuda"].kernel, threads, (parts + sums + by_position) * item, MOST_ROWS * 4 // item)


def _stays_comfortable(parameters: dict[str, Array]) -> bool:
    """Whether no row at all can take a pre-activation out of the range in which products of exp(-W) are exact."""
    W, c = parameters["W"].astype(np.float64), parameters["c"].astype(np.float64)
    highest = c + np.maximum(W, 0.0).sum(axis=0)
    lowest = c + np.minimum(W, 0.0).sum(axis=0)
    return bool(max(highest.max(), -lowest.min()) <= LARGEST_EXPONENT[parameters["c"].itemsize])
