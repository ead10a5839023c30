"""Alias tables of whole distributions, as every draw of a symbol reads them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.alias import fill_slots
from ..tables.clusters import slot_bits

Array = npt.NDArray[Any]


class AliasTables(NamedTuple):
    """A table of 2**bits slots for each distribution."""

    slots: Array  # uint64 (n, 2**bits)
    fine: Array  # uint32 (n, 2**bits)
    bits: int


def alias_tables(probabilities: Array) -> AliasTables:
    """The tables of distributions (n, states), C-contiguous."""
    n, width = probabilities.shape
    bits = slot_bits(width)
    slots, fine = np.empty((n, 1 << bits), np.uint64), np.empty((n, 1 << bits), np.uint32)
    fill_slots(probabilities, np.arange(width, dtype=np.uint32), np.uint64(bits), slots, fine)
    return AliasTables(slots, fine, bits)
