"""Lets the benchmarks import their neighbours, as ``python bench/run.py`` does, and be tried on a few rows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--rows N``."""
    parser.addoption("--rows", type=int, default=None, help="benchmarks on at most so many rows of each workload")
