"""Settings for all tests: a compile cache of the checkout's own, doctests with fastdgm at hand."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".numba_cache"))
