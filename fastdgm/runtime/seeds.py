"""Checks of what every drawing method takes: n, seed and start."""

from __future__ import annotations

import operator
import secrets
from typing import Any

import numpy as np

MAX_ROWS = 2**40
ROW_LIMIT = 2**64


def whole_number(value: Any, name: str) -> int:
    """An int from any integer type; a bool or a float is a TypeError."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None


def at_least_one(value: Any, name: str) -> int:
    """A whole number above 0."""
    number = whole_number(value, name)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number


def check_rows(n: Any, start: Any = 0) -> tuple[int, int]:
    """n rows from global row ``start`` on: 0 <= n <= 2**40 and start + n <= 2**64."""
    n, start = whole_number(n, "n"), whole_number(start, "start")
    if not 0 <= n <= MAX_ROWS:
        raise ValueError(f"n must be between 0 and 2**40 rows, got {n}")
    if not 0 <= start <= ROW_LIMIT - n:
        raise ValueError(f"start must be at least 0 and start + n at most 2**64, got start {start} with n {n}")
    return n, start


def check_chunk(chunk: Any) -> int:
    """Rows at a time: at least one."""
    size = whole_number(chunk, "chunk")
    if size < 1:
        raise ValueError(f"chunk must be at least 1 row, got {size}")
    return size


def key_from_seed(seed: int | np.random.Generator | None) -> int:
    """The 64-bit key: the seed itself, or one drawn from the generator, or a fresh one."""
    if seed is None:
        return secrets.randbits(64)
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 2**64, dtype=np.uint64))
    key = whole_number(seed, "seed")
    if not 0 <= key < 2**64:
        raise ValueError(f"seed must be between 0 and 2**64 - 1, got {key}")
    return key
