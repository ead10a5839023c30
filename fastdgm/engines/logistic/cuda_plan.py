"""Weighted sums as the CUDA twins read them: packed into two arrays, because every argument of a launch costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels.logistic import LogisticPlan
from ...kernels.logistic_cuda import PackedLogistic

Array = npt.NDArray[Any]
LARGEST = 1 << 32  # numbers that a word can count


def packed(plan: LogisticPlan) -> PackedLogistic:
    """The plan, member by member. ValueError where it has too many numbers."""
    sums, groups = plan.sums, plan.sums.groups
    n_biases, n_weights = sums.bias.size, sums.weights.size
    numbers = np.concatenate([sums.bias, sums.weights, groups.tables])
    if numbers.size >= LARGEST:
        raise ValueError(f"weighted sums on a GPU have less than 2**32 weights and cells of tables, got {numbers.size}")
    words = [len(plan.link), int(plan.first_word)]
    for m in range(len(plan.link)):
        own_groups, own_reals = _run(groups.start, m), _run(sums.real_start, m)
        words += [int(plan.link[m]), int(plan.row[m]), int(plan.number[m])]
        words += [_size(_run(sums.sum_start, m)), _size(own_groups), _size(own_reals)]
        words += [int(sums.sum_start[m]), n_biases + int(sums.weight_start[m])]
        for g in range(own_groups.start, own_groups.stop):
            parents = _run(groups.parent_start, g)
            table = n_biases + n_weights + int(groups.table_start[g])
            pairs = np.stack([groups.row[parents], groups.stride[parents]], axis=1)
            words += [_size(parents), int(groups.cells[g]) - 1, table, *pairs.ravel().tolist()]
        words += sums.real_row[own_reals].tolist()
    return PackedLogistic(np.array(words, np.uint32), numbers)


def _run(starts: Array, m: int) -> slice:
    return slice(int(starts[m]), int(starts[m + 1]))


def _size(run: slice) -> int:
    return int(run.stop - run.start)
