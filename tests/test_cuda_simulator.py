"""Numba's simulator, mended: threads leave device functions of another module at different times."""

from __future__ import annotations

import time
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from fastdgm.runtime.cuda_launch import Twin, launch
from fastdgm.runtime.cuda_simulator import is_simulated

pytestmark = pytest.mark.gpu

LATE = """
    @cuda.jit(device=True)
    def late_place():
        time.sleep(0.05 * cuda.threadIdx.x)
        return cuda.threadIdx.x
"""
FILL = """
    @cuda.jit
    def fill(out):
        out[cuda.threadIdx.x] = late_place()
"""


def module(source: str, **names: Any) -> dict[str, Any]:
    exec(dedent(source), names)
    return names


def test_a_thread_that_returns_first_leaves_the_simulated_module_to_the_others():
    if not is_simulated():
        pytest.skip("a real card: only the simulator puts another module in place of cuda")
    from numba import cuda

    late = module(LATE, cuda=cuda, time=time)
    fill = module(FILL, cuda=cuda, late_place=late["late_place"])["fill"]
    out = np.full(4, -1)
    launch(Twin(fill, 4), 4, out)
    assert out.tolist() == [0, 1, 2, 3]
    assert late["cuda"] is cuda  # put back
