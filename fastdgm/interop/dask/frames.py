"""dask DataFrames and Arrays as the verbs read them: partition by partition, whose errors say which."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..located_errors import located


def checked_data(data: Any, verb: str) -> Any:
    """A dask DataFrame as it is, a dask Array (n, n_vars) with all columns in each block.

    Raises TypeError for anything else, ValueError for an Array of other than two axes.
    """
    import dask.array
    import dask.dataframe

    if isinstance(data, dask.dataframe.DataFrame):
        return data
    if isinstance(data, dask.array.Array):
        if data.ndim != 2:
            raise ValueError(f"an array of rows has two axes, (n_rows, n_vars), got {data.ndim}")
        return data if data.numblocks[1] == 1 else data.rechunk({1: -1})
    if isinstance(data, dask.dataframe.Series):
        raise TypeError(f"{verb} reads frames, whose columns go by name, got a dask Series: call its to_frame(name)")
    found = f"{type(data).__module__}.{type(data).__qualname__}"
    raise TypeError(f"{verb} reads dask DataFrames and dask Arrays, got {found}: net.{verb}(data) reads what is here")


def is_frame(data: Any) -> bool:
    """Whether data that was checked has named columns."""
    return hasattr(data, "map_partitions") and hasattr(data, "columns")


@contextmanager
def in_partition(number: int | None, index: Any = None) -> Iterator[None]:
    """Errors of the body name the partition and, where they name a row of it, its index."""
    with located("a partition" if number is None else f"partition {number}", index):
        yield


def place_of(partition_info: dict[str, Any] | None) -> int | None:
    """A partition's number, from what dask says of it."""
    return None if partition_info is None else int(partition_info["number"])
