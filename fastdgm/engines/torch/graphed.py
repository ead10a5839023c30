"""A module's whole pass as a CUDA graph: launched as one, however many kernels it has."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

WARM_UP = 3  # passes before a capture, as torch asks for: libraries choose their kernels in them
FEWEST_PASSES = 16  # that are worth a capture, which costs a few


def graphed(compute: Callable[[], Tensor], on_gpu: bool, n_passes: int) -> Callable[[], Tensor]:
    """The same function, on a GPU as a graph that reads what its tensors hold at every call, and writes one result.

    Where the module cannot be captured (it reads a tensor on the CPU, or decides by one), a UserWarning says why, and
    its kernels are launched one by one.
    """
    import torch

    if not on_gpu or n_passes < FEWEST_PASSES:
        return compute
    caller, side = torch.cuda.current_stream(), torch.cuda.Stream()
    side.wait_stream(caller)
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            compute()
    caller.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.graph(graph):
            result = compute()
    except RuntimeError as error:
        warnings.warn(
            f"the module cannot be captured as a CUDA graph, so each of {n_passes} passes launches its kernels one by "
            f"one: {str(error)[:200]}",
            UserWarning,
            stacklevel=2,
        )
        return compute

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay
