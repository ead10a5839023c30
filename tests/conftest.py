"""Settings for all tests: a compile cache of the checkout's own, and hypothesis without clocks or chance."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".numba_cache"))

# The first example of a test may compile; the same examples in every run, so that a failure is never a fluke.
settings.register_profile("fastdgm", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("fastdgm")
