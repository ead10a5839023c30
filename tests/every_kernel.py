"""Compiles what ``fastdgm warm-up`` compiles, and fails where a loop has no step: python tests/every_kernel.py

A program and no test: it takes minutes, and what it compiles is kept for the tests that come after it.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module

import fastdgm.kernels as kernels
from fastdgm.cli.warm_up import steps


def never_compiled() -> Iterator[str]:
    """Kernels, called from Python, that have not one signature."""
    for module in pkgutil.iter_modules(kernels.__path__):
        if module.name.endswith("_cuda"):
            continue
        loaded = import_module(f"fastdgm.kernels.{module.name}")
        for name, value in vars(loaded).items():
            if hasattr(value, "signatures") and value.py_func.__module__ == loaded.__name__ and not value.signatures:
                yield f"{module.name}.{name}"


def main() -> None:
    """All steps; those of neural models first, from the last one on: tests that run meanwhile begin with the others."""
    every = list(steps())
    neural = [step for step in every if "float" in step.name]
    for step in neural[::-1] + [step for step in every if step not in neural]:
        step.run()
    missing = list(never_compiled())
    if missing:
        sys.exit(f"fastdgm warm-up has no step for {', '.join(missing)}")


if __name__ == "__main__":
    main()
