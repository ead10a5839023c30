"""Whether there is a GPU to work on; where there is none, what is missing and how to get it."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from ..errors import CudaUnavailableError
from .cuda_simulator import is_simulated
from .extras import how_to_install

DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
OLDER = "cu12 in the place of cu13 for drivers older than 580"
NO_DEVICE = 100  # what the driver calls it
DEVICE_ORDINAL = 9  # of an attribute of a pointer


def check_card(device: int) -> None:
    """That a card can be used.

    Raises CudaUnavailableError where there is none, or something is missing that its use needs; ValueError for a number
    that no card has.
    """
    n = _number_of_cards()
    if device >= n:
        raise ValueError(
            f"this machine has {n} GPU{'s' * (n > 1)}, cuda:0{f' to cuda:{n - 1}' * (n > 1)}, got cuda:{device}"
        )


def device_of(pointer: int) -> int:
    """The number of the card on which memory lies."""
    if is_simulated() or not pointer:
        return 0
    number = ctypes.c_int()
    code = _driver().cuPointerGetAttribute(ctypes.byref(number), DEVICE_ORDINAL, ctypes.c_uint64(pointer))
    return 0 if code else number.value


@lru_cache(maxsize=1)
def _number_of_cards() -> int:
    """How many there are, at least one; what raises is asked again."""
    if is_simulated():
        return 1
    if find_spec("numba_cuda") is None:
        raise CudaUnavailableError(
            f"a GPU needs numba-cuda, which is not installed: {how_to_install('cuda', 'numba-cuda[cu13]')}; {OLDER}"
        )
    n = _visible_cards(_driver())
    if not _has_compiler():
        raise CudaUnavailableError(
            "a GPU needs the CUDA toolkit's compiler (NVVM), which numba-cuda does not find: "
            f"{how_to_install('cuda', 'numba-cuda[cu13]')}; {OLDER}; or CUDA_HOME names a toolkit"
        )
    return n


@lru_cache(maxsize=1)
def _driver() -> Any:
    try:
        return ctypes.CDLL(DRIVER)
    except OSError:
        raise CudaUnavailableError(
            f"a GPU needs NVIDIA's driver, which is not installed ({DRIVER} is not found): on Ubuntu "
            "sudo ubuntu-drivers install, in a container docker run --gpus all; nvidia-smi shows whether it works"
        ) from None


def _visible_cards(driver: Any) -> int:
    """How many cards the driver shows to this process."""
    code, n = driver.cuInit(0), ctypes.c_int()
    if code == 0:
        code = driver.cuDeviceGetCount(ctypes.byref(n))
    if code not in (0, NO_DEVICE):
        raise CudaUnavailableError(
            f"NVIDIA's driver does not start (error {code}): nvidia-smi says why; after an update of the driver the "
            "machine is restarted"
        )
    if n.value == 0:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        raise CudaUnavailableError(
            "there is no NVIDIA GPU, says the driver"
            + ("" if hidden is None else f"; CUDA_VISIBLE_DEVICES={hidden!r} may hide it")
        )
    return n.value


def _has_compiler() -> bool:
    from numba.cuda.cuda_paths import get_cuda_paths

    return bool(get_cuda_paths()["nvvm"].info)
