"""Numba's simulator of a GPU."""

from __future__ import annotations


def is_simulated() -> bool:
    """Whether kernels run in numba's simulator, where the memory of the card is that of the host."""
    from numba import config

    return bool(config.ENABLE_CUDASIM)  # type: ignore[attr-defined]  # numba sets its settings when it is imported
