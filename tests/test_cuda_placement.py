"""Arrays of other libraries on a GPU: found, viewed on the right card and stream, given back as theirs."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from device_array import DeviceArray, simulated
from numba import config

import fastdgm as fd
from fastdgm.data import cuda_arrays
from fastdgm.data.cuda_arrays import cuda_view, is_cuda_array, is_on_card, queue_of
from fastdgm.data.cuda_memory import CudaMemory
from fastdgm.data.placement import Placement
from fastdgm.runtime.cuda_queue import CudaQueue

pytestmark = pytest.mark.gpu

SIDE_STREAM = 0xABC0


class DlpackArray:
    """An array that says by DLPack alone that it is on a card."""

    def __init__(self, array: np.ndarray, kind: int = 2) -> None:
        self._array, self._kind = array, kind

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._kind, 0

    def __dlpack__(self, stream: int | None = None) -> Any:
        assert stream == 1, "memory that is ready for the default stream"
        if config.ENABLE_CUDASIM:
            return self._array.__dlpack__()
        torch = pytest.importorskip("torch")
        return torch.as_tensor(DeviceArray(self._array), device="cuda").__dlpack__(stream=stream)


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8", "bool"])
def test_dlpack(dtype):
    numbers = np.arange(12).reshape(4, 3)[:, ::2].astype(dtype)
    for own in (numbers, numbers.T, numbers[1:, :1], numbers[:0]):
        array = DlpackArray(own)
        assert is_cuda_array(array)
        found = cuda_view(array)
        assert found.dtype == own.dtype and found.shape == own.shape
        assert (found.copy_to_host() == own).all()
    assert not is_on_card(DlpackArray(numbers, kind=1)) and not is_on_card(numbers)


def test_scores_of_dlpack_arrays():
    net = fd.example("asia")
    rows = np.asarray(net.sample(5, seed=0)).copy()
    np.testing.assert_allclose(net.log_prob(DlpackArray(rows)).copy_to_host(), net.log_prob(rows), rtol=1e-12)


@pytest.mark.parametrize(("said", "meant"), [(None, 0), (1, 0), (2, 2), (SIDE_STREAM, SIDE_STREAM)])
def test_streams_that_arrays_name(said, meant):
    array = DeviceArray(np.zeros(3), stream=said)
    assert queue_of(array) == CudaQueue(0, meant)


class Tensor(DeviceArray):
    """What is asked of a torch tensor."""

    __module__ = "torch"
    is_cuda, requires_grad = True, False

    def __init__(self, array: Any, index: int = 0) -> None:
        super().__init__(array)
        self.device = SimpleNamespace(index=index)

    def detach(self) -> Tensor:
        return self


@pytest.fixture
def torch(monkeypatch):
    """A stand-in for torch whose current stream is a side stream; it notes where tensors are made."""
    made: list[str] = []

    def as_tensor(array: Any, device: str) -> Tensor:
        made.append(device)
        return Tensor(np.asarray(array._ary), int(device[-1]))

    stand_in = SimpleNamespace(
        Tensor=Tensor,
        is_grad_enabled=lambda: False,
        cuda=SimpleNamespace(current_stream=lambda device: SimpleNamespace(cuda_stream=SIDE_STREAM)),
        as_tensor=as_tensor,
        empty=lambda shape, dtype, device: made.append(device) or Tensor(np.empty(shape, dtype)),
        made=made,
        **{name: name for name in ("float64", "float32", "uint8", "uint16")},
    )
    monkeypatch.setitem(sys.modules, "torch", stand_in)
    return stand_in


@simulated
def test_tensors_stay_tensors_on_their_card_and_stream(torch):
    placement = Placement.of(Tensor(np.zeros(3), 1))
    assert placement == ("torch", (1, SIDE_STREAM))
    rows = placement.empty((2, 3), np.uint8)
    assert rows.shape == (2, 3)
    assert placement.give_back(rows).device.index == 1
    assert torch.made == ["cuda:1", "cuda:1"]


def test_tensors_in_columns(torch):
    assert Placement.of({"a": Tensor(np.zeros(2))}).library == "torch"
    assert Placement.of(None, [1], Tensor(np.zeros(2), 1)).cuda.device == 1
    with pytest.raises(ValueError, match="arrays of one call are on one GPU, got cuda:0 and cuda:1"):
        Placement.of(Tensor(np.zeros(2), 1), Tensor(np.zeros(2)))
    columns = {"asia": Tensor(np.zeros(2, np.uint8)), "tub": Tensor(np.zeros(2, np.uint8), 1)}
    with pytest.raises(ValueError, match="'asia' on 0, 'tub' on 1"):
        fd.example("asia").log_prob(columns)


def test_device_and_like(torch):
    like = Tensor(np.zeros(1), 1)
    assert Placement.asked(None, like).cuda.device == Placement.asked("cuda", like).cuda.device == 1
    assert Placement.asked("cpu", like) == ("torch", None)
    with pytest.raises(ValueError, match=r"device is cuda:0, but like= is on cuda:1"):
        Placement.asked("cuda:0", like)


@simulated
def test_arrays_of_cupy(monkeypatch):
    class Device:
        def __init__(self, number: int) -> None:
            self.id = number

        def __enter__(self) -> None:
            entered.append(self.id)

        def __exit__(self, *error: object) -> None:
            pass

    class CupyArray(DeviceArray):
        __module__ = "cupy"
        device = Device(1)

    entered: list[int] = []
    cuda = SimpleNamespace(get_current_stream=lambda: SimpleNamespace(ptr=SIDE_STREAM), Device=Device)
    stand_in = SimpleNamespace(
        ndarray=CupyArray,
        cuda=cuda,
        empty=lambda shape, dtype: CupyArray(np.empty(shape, dtype)),
        asarray=lambda array: CupyArray(array.copy_to_host()),
    )
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    placement = Placement.of(CupyArray(np.zeros(2)))
    assert placement == ("cupy", (1, SIDE_STREAM))
    assert isinstance(placement.give_back(placement.empty((2,), np.float64)), CupyArray)
    assert entered == [1, 1, 1]


def test_layouts_are_read_where_they_lie():
    numbers = np.arange(24).reshape(4, 6)
    backwards = (numbers[::-1],) if config.ENABLE_CUDASIM else ()  # numba's own copies refuse it, its kernels do not
    for own in (numbers, numbers.T, numbers[::2, 1::3], *backwards):
        memory = CudaMemory.of(DeviceArray(own))
        assert (memory.array().copy_to_host() == own).all()
        assert (memory.transposed.array().copy_to_host() == own.T).all()
        assert (memory.rows(1, 2).array().copy_to_host() == own[1:2]).all()
        assert (memory.columns(0, 1).array().copy_to_host() == own[:, :1]).all()
        assert memory.is_c_contiguous == own.flags.c_contiguous


def test_masked_arrays_and_foreign_bytes_are_refused():
    masked = DeviceArray(np.zeros(3))
    masked.mask = DeviceArray(np.zeros(3, bool))
    with pytest.raises(TypeError, match="masked arrays of a GPU are not read"):
        CudaMemory.of(masked)
    with pytest.raises(TypeError, match="own order of bytes"):
        CudaMemory.of(DeviceArray(np.zeros(3, ">i4")))


def test_arrays_that_are_elsewhere(monkeypatch):
    monkeypatch.setattr(cuda_arrays, "device_of", lambda pointer: 3)
    assert queue_of(DeviceArray(np.zeros(3))).device == 3
