"""torch works on the stream of a queue, and nobody is warned of what is no mistake."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from fastdgm.data.placement import Placement
from fastdgm.runtime import cuda_launch, torch_streams
from fastdgm.runtime.cuda_launch import Twin, launch
from fastdgm.runtime.cuda_queue import CudaQueue

NEW, SIDE = 7, 1234  # handles of a stream that torch makes, and of the user's


@pytest.fixture
def torch(monkeypatch):
    """A stand-in for torch, whose allocations note where they are made."""
    streams, devices, made = [0], [0], []

    def external(handle: int, device: int) -> SimpleNamespace:
        return SimpleNamespace(cuda_stream=handle or NEW)  # as torch does

    def entered(stack: list[int], number: int) -> Iterator[None]:
        stack.append(number)
        yield
        stack.pop()

    own = SimpleNamespace(
        cuda=SimpleNamespace(
            ExternalStream=external,
            current_device=lambda: devices[-1],
            current_stream=lambda device: SimpleNamespace(cuda_stream=streams[-1]),
            default_stream=lambda device: SimpleNamespace(cuda_stream=0),
            device=contextmanager(lambda number: entered(devices, number)),
            stream=contextmanager(lambda stream: entered(streams, stream.cuda_stream)),
        ),
        uint8="uint8",
        empty=lambda shape, dtype, device: made.append((devices[-1], streams[-1])),
        made=made,
        streams=streams,
    )
    monkeypatch.setitem(sys.modules, "torch", own)
    monkeypatch.setattr(torch_streams, "is_simulated", lambda: False)
    return own


@pytest.mark.parametrize("now", [0, SIDE])
@pytest.mark.parametrize("queue", [CudaQueue(0, 0), CudaQueue(0, SIDE), CudaQueue(1, 0), CudaQueue(1, SIDE)])
def test_torch_allocates_on_the_stream_of_the_queue(torch, monkeypatch, queue, now):
    monkeypatch.setattr("fastdgm.data.placement.cuda_view", lambda array: array)
    torch.streams.append(now)
    Placement("torch", queue).empty((3,), np.uint8)
    assert torch.made == [(queue.device, queue.stream)]
    assert torch.streams == [0, now]


class Kernel:
    """Warns as numba-cuda does, when it is configured for few blocks, and of what it is called with."""

    def __init__(self) -> None:
        self.blocks: list[int] = []

    def __getitem__(self, shape: tuple[int, ...]) -> Kernel:
        if shape[0] < cuda_launch.QUIET_BLOCKS:
            warnings.warn(
                f"Grid size {shape[0]} will likely result in GPU under-utilization due to low occupancy.", stacklevel=2
            )
        self.blocks.append(shape[0])
        return self

    def __call__(self, text: str) -> None:
        warnings.warn(text, stacklevel=2)


@pytest.mark.parametrize(("n", "blocks"), [(1, 1), (256, 2), (10**9, cuda_launch.MAX_BLOCKS)])
def test_few_rows_are_no_reason_to_warn(n, blocks):
    kernel = Kernel()
    with pytest.warns(UserWarning, match="of another kind") as told:
        launch(Twin(kernel, 128), n, "of another kind")
    assert len(told) == 1 and kernel.blocks == [blocks]
