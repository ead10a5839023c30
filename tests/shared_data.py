"""Where the optional folder of real networks is: ``../shared/data``, or ``FASTDGM_SHARED_DATA``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("FASTDGM_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def shared(path: str) -> Path:
    """The file, or a skip that says what is missing."""
    file = ROOT / path
    if not file.exists():
        pytest.skip(f"optional data file {path} is not in {ROOT}")
    return file


def shared_files(pattern: str) -> list[Path]:
    """All files that match a glob; empty when the folder is absent."""
    return sorted(ROOT.glob(pattern))


requires_shared = pytest.mark.skipif(not ROOT.is_dir(), reason=f"optional data folder {ROOT} is absent")
