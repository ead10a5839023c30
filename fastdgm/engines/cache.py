"""Where compiled kernels are kept, for people: the kernels look after it themselves."""

from __future__ import annotations

from pathlib import Path


def cache_folder() -> Path | None:
    """The folder of this user and this version of numba; None where there is none that may be trusted."""
    from ..kernels.cache import CACHE_FOLDER

    folder: Path | None = CACHE_FOLDER
    return folder
