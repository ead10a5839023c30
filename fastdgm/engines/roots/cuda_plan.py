"""Roots as the CUDA twins read them: packed into three arrays, because every argument of a launch costs."""

from __future__ import annotations

import numpy as np

from ...kernels.roots import RootPlan
from ...kernels.roots_cuda import PackedRoots


def packed(plan: RootPlan) -> PackedRoots:
    """The plan, member by member."""
    header = np.array([len(plan.row), int(plan.first_word)], np.uint32)
    words = np.concatenate([header, np.stack([plan.row, plan.kind.astype(np.uint32)], axis=1).ravel()])
    numbers = np.stack([plan.shift, plan.scale, plan.bottom, plan.top], axis=1).ravel()
    return PackedRoots(words, numbers, np.stack([plan.rate, plan.log_density], axis=1).ravel())
