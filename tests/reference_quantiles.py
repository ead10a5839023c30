"""Inverse CDFs of 64-bit numbers R, one at a time: u = (R + 1/2) / 2**64, in 50 digits, from whichever end is nearer.

A float32 number is that of its first 32 bits, the middle of their interval, unless these lie in an outer 2**-8.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np

BITS = 64


def tail(number: int, dtype: type) -> tuple[mpmath.mpf, bool]:
    """min(u, 1 - u) of a 64-bit number, and whether u is above 1/2."""
    upper = number >= 2**63
    steps, bits = (2**BITS - 1 - number if upper else number), BITS
    if dtype is np.float32 and steps >> 32 >= 2**24:
        steps, bits = steps >> 32, 32
    with mpmath.workdps(50):
        return (steps + mpmath.mpf("0.5")) / 2**bits, upper


def normal(number: int, dtype: type) -> mpmath.mpf:
    """z with Phi(z) = u."""
    nearer, upper = tail(number, dtype)
    with mpmath.workdps(50):
        z = mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * nearer)
        return z if upper else -z


def exponential(number: int, dtype: type) -> mpmath.mpf:
    """-log(1 - u)"""
    nearer, upper = tail(number, dtype)
    with mpmath.workdps(50):
        return -mpmath.log(nearer) if upper else -mpmath.log1p(-nearer)


def laplace(number: int, dtype: type) -> mpmath.mpf:
    """log(2 u) below 1/2, -log(2 (1 - u)) above."""
    nearer, upper = tail(number, dtype)
    with mpmath.workdps(50):
        return -mpmath.log(2 * nearer) if upper else mpmath.log(2 * nearer)


def relative_errors(x: np.ndarray, numbers: np.ndarray, quantile: Callable) -> np.ndarray:
    """|x - exact| / |exact|"""
    kind = x.dtype.type
    errors = np.empty(len(x))
    for i, (own, number) in enumerate(zip(x.tolist(), numbers.tolist(), strict=True)):
        exact = quantile(number, kind)
        errors[i] = abs((mpmath.mpf(own) - exact) / exact)
    return errors
