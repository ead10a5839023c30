"""Settings for all tests: a compile cache of the checkout's own, hypothesis without chance, and the device."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).resolve().parents[1] / ".numba_cache"))
SIMULATOR = "NUMBA_ENABLE_CUDASIM"  # numba reads it when it is imported

# The first example of a test may compile; the same examples in every run, so that a failure is never a fluke.
settings.register_profile("fastdgm", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("fastdgm")

# Shells start background jobs with interrupts ignored, and so would processes be that tests start to interrupt them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--device`` says where tests marked gpu run."""
    parser.addoption(
        "--device",
        choices=["cpu", "sim", "cuda"],
        default="sim" if os.environ.get(SIMULATOR) == "1" else "cpu",
        help="cpu: skip tests of CUDA twins; sim: run them in numba's simulator; cuda: on the GPU",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Switch the simulator on before anything imports numba."""
    if config.getoption("--device") == "sim" and os.environ.get(SIMULATOR) != "1":
        if "numba" in sys.modules:
            raise pytest.UsageError(f"numba is imported already: set {SIMULATOR}=1 instead of --device sim")
        os.environ[SIMULATOR] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the twins without a device; where a GPU was asked for and is not there, say so instead."""
    device = config.getoption("--device")
    marked = [item for item in items if item.get_closest_marker("gpu")]
    for item in marked:
        item.add_marker(pytest.mark.filterwarnings("ignore:.*Grid size"))  # so few rows are no way to use a real GPU
        if device == "cpu":
            item.add_marker(pytest.mark.skip(reason="a CUDA twin: --device sim runs it in numba's simulator"))
        elif device == "sim" and item.get_closest_marker("card"):
            item.add_marker(pytest.mark.skip(reason="needs a real card: --device cuda"))
    if device == "cuda" and marked:
        from numba import cuda

        if not cuda.is_available():
            raise pytest.UsageError("--device cuda: numba finds no GPU here")
