"""Sizes are computed in Python ints and compared with the memory at hand before anything is allocated."""

from __future__ import annotations

import os
from pathlib import Path

SMALL = 1 << 28  # not worth asking the system about
MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")  # of version 2, as a container sees its own


def available_memory() -> int | None:
    """Bytes that could be allocated without swapping, here and in this container; None where nothing tells."""
    known = [size for size in (_system_memory(), _cgroup_memory()) if size is not None]
    return min(known, default=None)


def _cgroup_memory() -> int | None:
    """Bytes up to the limit of a cgroup, where there is one; file pages count as free, the kernel drops them first."""
    try:
        limit = int((CGROUP / "memory.max").read_text())  # "max" is no limit
        used = int((CGROUP / "memory.current").read_text())
        statistics = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        return max(0, limit - used + int(statistics["inactive_file"]))
    except (OSError, ValueError, KeyError):
        return None


def _system_memory() -> int | None:
    try:
        for line in MEMINFO.read_text(encoding="utf-8").splitlines():
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
