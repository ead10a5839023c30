"""Draws from alias tables on the device: those of alias.py, bit for bit."""

from __future__ import annotations

from typing import Any

from numba import cuda

from . import alias

__all__ = ["exact_outcome", "undecided"]

device: Any = cuda.jit(device=True)  # numba-cuda cannot inline a formula: it calls a function of the device
undecided, exact_outcome = device(alias.undecided), device(alias.exact_outcome)
