"""One file per neighbour library; each loads on first use, and only then imports its library."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["batches", "dask", "flows", "nltk", "patches", "pgmpy", "pyagrum", "sklearn", "torch", "zuko"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'fastdgm.interop' has no attribute {name!r}")
    return import_module(f".{name}", __name__)
