"""Rows on a GPU as the twins read them: codes and reals by column."""

from __future__ import annotations

from typing import Any, NamedTuple

from .schema import Schema


class CudaPart(NamedTuple):
    """Rows of a block on a GPU; all arrays are numba's."""

    codes: Any  # (n_codes, n), of the network's code type
    reals: Any  # (n_reals, n)


class CudaBlock(NamedTuple):
    """Rows of the variables of a network on a GPU, whose codes are in range."""

    n: int
    schema: Schema
    part: CudaPart
