"""Lets the benchmarks import their neighbours, as ``python bench/compare.py`` does."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
