"""dask: rows drawn, scored and learnt from on a cluster, the same as on one machine."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ...runtime.extras import how_to_install

_HOME = {
    "fit": "learning",
    "log_prob": "scoring",
    "predict_proba": "scoring",
    "sample": "sampling",
    "to_parquet": "parquet",
}

__all__ = [*_HOME]  # noqa: PLE0604, RUF100


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fastdgm.interop.dask' has no attribute {name!r}")
    try:
        import dask.dataframe  # noqa: F401
    except ImportError as error:
        install = how_to_install("dask", '"dask[dataframe,distributed]" pyarrow')
        raise ImportError(f"fastdgm.interop.dask.{name} needs dask: {install}") from error
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
