"""Memory of a GPU as an array of any layout: views that cost nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..runtime.cuda_simulator import is_simulated
from .dlpack import LEGACY_STREAM, exported


@dataclass(frozen=True, slots=True)
class CudaMemory:
    """Numbers on a GPU at ``pointer``, ``strides`` in bytes; ``owner`` keeps them alive."""

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    owner: Any = field(repr=False)

    @classmethod
    def of(cls, array: Any) -> CudaMemory:
        """That of an array with the CUDA array interface, of one of numba's, or of one with DLPack alone.

        Raises TypeError for masked arrays and foreign orders of bytes.
        """
        interface = _interface(array)
        if interface is None:
            pointer, shape, strides, dtype, owner = exported(array)
            return cls(pointer, shape, _c_strides(shape, dtype.itemsize) if strides is None else strides, dtype, owner)
        if interface.get("mask") is not None:
            raise TypeError("masked arrays of a GPU are not read: missing values are -1, or NaN among floats")
        dtype, shape = np.dtype(interface["typestr"]), tuple(map(int, interface["shape"]))
        if not dtype.isnative:
            raise TypeError(f"arrays of a GPU have its own order of bytes, got values of type {dtype}")
        strides = interface.get("strides")
        return cls(
            interface["data"][0], shape, _c_strides(shape, dtype.itemsize) if strides is None else strides, dtype, array
        )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def is_c_contiguous(self) -> bool:
        """Whether the numbers lie one after another, those of the last axis side by side."""
        return _is_like(self, _c_strides(self.shape, self.dtype.itemsize))

    @property
    def transposed(self) -> CudaMemory:
        """The axes in the opposite order."""
        return replace(self, shape=self.shape[::-1], strides=self.strides[::-1])

    def rows(self, begin: int, end: int) -> CudaMemory:
        """Rows ``begin`` to ``end`` of the first axis."""
        shape = max(end - begin, 0), *self.shape[1:]
        return replace(self, pointer=self.pointer + begin * self.strides[0], shape=shape)

    def columns(self, begin: int, end: int) -> CudaMemory:
        """Columns ``begin`` to ``end`` of the second axis."""
        return self.transposed.rows(begin, end).transposed

    def cell(self, row: int, column: int) -> CudaMemory:
        """One number of two axes, as an array of one."""
        pointer = self.pointer + row * self.strides[0] + column * self.strides[1]
        return replace(self, pointer=pointer, shape=(1,), strides=(self.dtype.itemsize,))

    def seen_as(self, dtype: Any) -> CudaMemory:
        """The same bytes as numbers of another type of the same size."""
        return replace(self, dtype=np.dtype(dtype))

    def vectors(self) -> list[CudaMemory]:
        """Rows of any number of axes as rows ``(n, size)``; several, side by side, where strides do not allow one."""
        n, *event = self.shape
        if len(event) == 1:
            return [self]
        if not event:
            return [replace(self, shape=(n, 1), strides=(self.strides[0], self.dtype.itemsize))]
        if self.strides[1:] == _c_strides(event, self.strides[-1]):
            return [replace(self, shape=(n, prod(event)), strides=(self.strides[0], self.strides[-1]))]
        rest = replace(self, shape=(n, *event[1:]), strides=(self.strides[0], *self.strides[2:]))
        starts = (self.pointer + k * self.strides[1] for k in range(event[0]))
        return [own for pointer in starts for own in replace(rest, pointer=pointer).vectors()]

    def interface(self, stream: int = 0) -> dict[str, Any]:
        """The CUDA array interface, of what is written on a stream; 0 is the default one."""
        return {
            "shape": self.shape,
            "strides": self.strides,
            "typestr": self.dtype.str,
            "data": (self.pointer, False),
            "version": 3,
            "stream": stream or 1,
        }

    def array(self) -> Any:
        """An array of numba's that shares the memory."""
        interface = self.interface()
        if is_simulated():
            return _simulated(interface, self.owner)
        from numba import cuda

        return cuda.from_cuda_array_interface(interface, owner=self.owner, sync=False)


def _interface(array: Any) -> Mapping[str, Any] | None:
    """Of an array of a GPU, None where it has none; in numba's simulator its arrays lie in the memory of the host."""
    if is_simulated() and hasattr(type(array), "__cuda_ndarray__"):
        found: Mapping[str, Any] = array.__array_interface__
        return found
    return getattr(array, "__cuda_array_interface__", None)


def stream_of(array: Any) -> int:
    """The handle of the stream on which an array is written, where it says so; else that of the default one."""
    stream = (_interface(array) or {}).get("stream")
    return 0 if stream in (None, LEGACY_STREAM) else int(stream)  # 2 is the default stream of a thread, also a handle


def _c_strides(shape: Sequence[int], innermost: int) -> tuple[int, ...]:
    """Strides in C order, from that of the last axis."""
    strides: list[int] = []
    for length in reversed(shape):
        strides.append(innermost)
        innermost *= length
    return tuple(reversed(strides))


def _is_like(memory: CudaMemory, strides: Sequence[int]) -> bool:
    """Whether strides are these, where there is more than one step to go."""
    axes = zip(memory.shape, memory.strides, strides, strict=True)
    return 0 in memory.shape or all(length == 1 or own == wanted for length, own, wanted in axes)


def _simulated(interface: Mapping[str, Any], owner: Any) -> Any:
    """In numba's simulator, where the memory of the card is that of the host."""
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    if 0 in interface["shape"]:
        return FakeCUDAArray(np.empty(interface["shape"], interface["typestr"]))
    return FakeCUDAArray(np.asarray(SimpleNamespace(__array_interface__=dict(interface), owner=owner)))
