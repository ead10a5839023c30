"""Arrays of a GPU that have DLPack and no CUDA array interface: where their numbers lie.

The structure is that of DLPack, version 0 (https://dmlc.github.io/dlpack/latest/c_api.html).
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np

CUDA_KINDS = (2, 13)  # memory of a card, and memory that the driver moves
LEGACY_STREAM = 1
KINDS = {0: "i", 1: "u", 2: "f", 6: "b"}


class _Device(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int32), ("number", ctypes.c_int32))


class _Type(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16))


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _Type),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),  # in numbers; none: C order
        ("offset", ctypes.c_uint64),
    )


class Exported(NamedTuple):
    """What a library says of an array."""

    pointer: int
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None  # in bytes
    dtype: np.dtype[Any]
    owner: Any  # the capsule, which gives the memory free


def is_cuda_dlpack(array: Any) -> bool:
    """Whether an array says by DLPack that it is on a GPU."""
    if isinstance(array, np.ndarray) or not hasattr(type(array), "__dlpack_device__"):
        return False
    try:
        kind, _ = array.__dlpack_device__()
    except (BufferError, TypeError, ValueError, NotImplementedError):  # of Arrow: no such type
        return False
    return int(kind) in CUDA_KINDS


def exported(array: Any) -> Exported:
    """Where the numbers are, ready for the default stream. TypeError for types that NumPy has not."""
    capsule = array.__dlpack__(stream=LEGACY_STREAM)
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    tensor = _Tensor.from_address(pointer_of(capsule, b"dltensor"))
    kind, size = KINDS.get(tensor.dtype.code), tensor.dtype.bits // 8
    if kind is None or tensor.dtype.lanes != 1:
        raise TypeError(
            f"arrays hold integers, floats or booleans, {type(array).__name__} has DLPack's {tensor.dtype.code}"
        )
    dtype = np.dtype(bool) if kind == "b" else np.dtype(f"{kind}{size}")
    axes = range(tensor.ndim)
    strides = tuple(tensor.strides[k] * size for k in axes) if tensor.strides else None
    return Exported((tensor.data or 0) + tensor.offset, tuple(tensor.shape[k] for k in axes), strides, dtype, capsule)
