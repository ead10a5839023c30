"""Log-density and gradient of linear Gaussians for parameters that come from outside, on all threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.gaussian import GaussianPlan
from ...kernels.gaussian_gradient import GaussianSums
from ...runtime.arrays import read_only
from ...runtime.pieces import cell_ranges, run_ranges
from .loops import LOOPS
from .plan import LOG_ROOT_2_PI

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

CELLS_PER_PIECE = 1 << 18


class Parameters(NamedTuple):
    """Flat, in the places of a plan."""

    intercept: Floats
    slope: Floats
    log_std: Floats  # -inf: a point mass


class Layout(NamedTuple):
    """Where members and parents are in blocks, and their parameters in flat arrays: see GaussianPlan."""

    row: Array
    parent_start: Array
    parent_row: Array
    selector_start: Array
    selector_row: Array
    selector_stride: Array
    table_start: Array
    slope_start: Array


def plan_of(layout: Layout, parameters: Parameters) -> GaussianPlan:
    """The plan of parameters for scoring."""
    std = np.exp(parameters.log_std)
    positive = std > 0.0
    log_scale = np.where(positive, -parameters.log_std - LOG_ROOT_2_PI, 0.0)
    half_precision = np.sqrt(0.5) / np.where(positive, std, np.inf)
    begins = layout.table_start[:-1].astype(np.int64)
    alike = np.diff(layout.selector_start) == 0
    is_point = np.logical_or.reduceat(~positive, begins) if len(begins) else np.empty(0, np.bool_)
    return GaussianPlan(
        row=layout.row,
        parent_start=layout.parent_start,
        parent_row=layout.parent_row,
        selector_start=layout.selector_start,
        selector_row=layout.selector_row,
        selector_stride=layout.selector_stride,
        table_start=layout.table_start,
        intercept=read_only(parameters.intercept),
        std=read_only(std),
        half_precision=read_only(half_precision),
        log_scale=read_only(log_scale),
        is_point=read_only(is_point.astype(np.uint8)),
        slope_start=layout.slope_start,
        slope=read_only(parameters.slope),
        constant=float(log_scale[begins[alike]].sum()),
        first_word=np.uint64(0),
    )


def log_prob(layout: Layout, parameters: Parameters, codes: Array, reals: Floats) -> Floats:
    """(n,) nats; codes (n_codes, n), reals (n_reals, n), neither of them checked."""
    plan, n = plan_of(layout, parameters), reals.shape[1]
    own_codes, own_reals, out = read_only(codes), read_only(reals), np.empty(n)

    def work(begin: int, end: int) -> None:
        LOOPS["log_prob", "cpu"](begin, end, plan, own_codes, own_reals, out)

    run_ranges(work, cell_ranges(n, len(reals), CELLS_PER_PIECE))
    return out


def gradient(
    layout: Layout, parameters: Parameters, codes: Array, reals: Floats, weights: Floats, by_reals: bool
) -> tuple[Floats, Parameters]:
    """Of sum_i weights[i] log p(row i): by the reals (n_reals, n), which are (0, 0) unless ``by_reals``, and by all
    parameters; the same bits for any number of threads."""
    plan, n = plan_of(layout, parameters), reals.shape[1]
    own_codes, own_reals, own_weights = read_only(codes), read_only(reals), read_only(weights)
    out = np.empty(reals.shape if by_reals else (0, 0))

    def work(begin: int, end: int) -> GaussianSums:
        sums = GaussianSums(*(np.zeros(len(own)) for own in parameters))
        LOOPS["gradient", "cpu"](begin, end, plan, own_codes, own_reals, own_weights, out, sums)
        return sums

    found: Sequence[GaussianSums] = run_ranges(work, cell_ranges(n, len(reals), CELLS_PER_PIECE))
    total = [np.sum([own[k] for own in found], axis=0) if found else np.zeros(len(parameters[k])) for k in range(3)]
    return out, Parameters(*total)
