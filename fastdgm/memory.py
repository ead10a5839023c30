"""Sizes are computed in Python ints and compared with the memory at hand before anything is allocated."""

from __future__ import annotations

import os
from pathlib import Path

SMALL = 1 << 28  # not worth asking the system about


def available_memory() -> int | None:
    """Bytes that could be allocated without swapping; None where the system does not tell."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def check_memory(n_bytes: int, what: str) -> None:
    """Raise ValueError before an allocation that cannot succeed; ``what`` names it and what to do instead."""
    if n_bytes <= SMALL:
        return
    available = available_memory()
    if available is not None and n_bytes > available:
        raise ValueError(f"{what} needs {n_bytes / 2**30:.1f} GiB, {available / 2**30:.1f} GiB are available")
