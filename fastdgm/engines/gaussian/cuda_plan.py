"""Linear Gaussians as the CUDA twins read them: packed into three arrays, because every argument of a launch costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.gaussian import GaussianPlan
from ...kernels.gaussian_cuda import PackedGaussians

Array = npt.NDArray[Any]
LARGEST = 1 << 32  # numbers that a word can count


def packed(plan: GaussianPlan) -> PackedGaussians:
    """The plan, member by member. ValueError where it has too many numbers."""
    if plan.intercept.size * 2 + plan.slope.size >= LARGEST:
        raise ValueError(f"linear Gaussians on a GPU have less than 2**31 parameters, got {plan.slope.size}")
    words, numbers = [len(plan.row), int(plan.first_word)], [np.empty(0, plan.slope.dtype)]
    at = 0
    for m in range(len(plan.row)):
        selectors, parents = _run(plan.selector_start, m), plan.parent_row[_run(plan.parent_start, m)]
        own = _run(plan.table_start, m)
        n_states = own.stop - own.start
        words += [int(plan.row[m]), len(parents), selectors.stop - selectors.start, int(plan.is_point[m])]
        words += [n_states - 1, at, 2 * own.start, *parents.tolist()]
        pairs = np.stack([plan.selector_row[selectors], plan.selector_stride[selectors]], axis=1)
        words += pairs.ravel().tolist()
        slopes = plan.slope[_run(plan.slope_start, m)].reshape(n_states, len(parents))
        table = np.concatenate([plan.intercept[own, None], plan.std[own, None], slopes], axis=1)
        numbers.append(table.ravel())
        at += table.size
    wide = np.stack([plan.half_precision, plan.log_scale], axis=1).ravel()
    return PackedGaussians(np.array(words, np.uint32), np.concatenate(numbers), wide)


def _run(starts: Sequence[int] | Array, m: int) -> slice:
    return slice(int(starts[m]), int(starts[m + 1]))
