"""dask DataFrames and Arrays as the verbs read them: partition by partition, whose errors say which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..located_errors import located

Work = Callable[..., Any]
_AS_IT_IS = {"enforce_metadata": False}  # results that are no frames


def checked_data(data: Any, verb: str) -> Any:
    """A dask DataFrame as it is, a dask Array (n, n_vars) with all columns in each block.

    Raises TypeError for anything else, ValueError for an Array of other than two axes, or of unknown width.
    """
    import dask.array
    import dask.dataframe

    if isinstance(data, dask.dataframe.DataFrame):
        return data
    if isinstance(data, dask.array.Array):
        if data.ndim != 2:
            raise ValueError(f"an array of rows has two axes, (n_rows, n_vars), got {data.ndim}")
        if np.isnan(data.shape[1]):
            raise ValueError(
                "an array of rows has a known number of columns, got one of unknown width, as after a[:, mask]: call "
                "its compute_chunk_sizes()"
            )
        return data if data.numblocks[1] == 1 else data.rechunk({1: -1})
    if isinstance(data, dask.dataframe.Series):
        raise TypeError(f"{verb} reads frames, whose columns go by name, got a dask Series: call its to_frame(name)")
    found = f"{type(data).__module__}.{type(data).__qualname__}"
    raise TypeError(f"{verb} reads dask DataFrames and dask Arrays, got {found}: net.{verb}(data) reads what is here")


def is_frame(data: Any) -> bool:
    """Whether data that was checked has named columns."""
    return hasattr(data, "map_partitions") and hasattr(data, "columns")


def no_rows(data: Any) -> Any:
    """None of the rows of data that was checked, of the types that dask knows of."""
    return data._meta if is_frame(data) else np.empty((0, data.shape[1]), data.dtype)


def checked_weights(weights: Any, data: Any) -> Any:
    """Weights (n_rows,) of a dask collection of the kind and partitions of ``data``, or None.

    Raises TypeError and ValueError otherwise; of their lengths, which may be unknown, the partitions tell.
    """
    import dask.array
    import dask.dataframe

    if weights is None:
        return None
    kind: Any = dask.dataframe.Series if is_frame(data) else dask.array.Array
    if not isinstance(weights, kind):
        expected = "Series beside a DataFrame" if is_frame(data) else "Array beside an Array"
        raise TypeError(f"sample_weight is a dask {expected}, got {type(weights).__module__}.{type(weights).__name__}")
    if weights.ndim != 1:
        raise ValueError(f"sample_weight has one weight per row, got {weights.ndim} axes")
    if weights.npartitions != data.npartitions:
        raise ValueError(
            f"sample_weight has the partitions of the data, got {weights.npartitions} beside {data.npartitions}"
        )
    if is_frame(data) and data.known_divisions and weights.known_divisions and weights.divisions != data.divisions:
        raise ValueError("sample_weight has the divisions of the data, got others: call its repartition(divisions=)")
    return weights


def partitions_of(data: Any, weights: Any, work: Work, *args: Any) -> list[Any]:
    """``work(partition, weights, number, index, *args)`` as tasks, one for each partition; weights may be None."""
    import dask

    if is_frame(data):
        beside = () if weights is None else (weights,)
        results = data.map_partitions(_worked, *beside, work=work, args=args, meta=("found", object), **_AS_IT_IS)
        return list(results.to_delayed())
    delayed = dask.delayed(_worked_block, pure=False)
    blocks = data.to_delayed().ravel()
    own_weights = [None] * len(blocks) if weights is None else weights.to_delayed()
    return [delayed(*both, number, work, args) for number, both in enumerate(zip(blocks, own_weights, strict=True))]


def _worked(part: Any, weights: Any = None, *, work: Work, args: Any, partition_info: Any = None) -> Any:
    number, index = place_of(partition_info), part.index
    if weights is not None:
        if not weights.index.equals(index):
            raise ValueError(f"{name_of(number)}: sample_weight has the index of the data, row by row, got another")
        weights = weights.to_numpy()
    return work(part, weights, number, index, *args)


def _worked_block(block: Any, weights: Any, number: int, work: Work, args: Any) -> Any:
    return work(block, weights, number, None, *args)


def name_of(number: int | None) -> str:
    """What errors call a partition."""
    return "a partition" if number is None else f"partition {number}"


@contextmanager
def in_partition(number: int | None, index: Any = None) -> Iterator[None]:
    """Errors of the body name the partition and, where they name a row of it, its index."""
    with located(name_of(number), index):
        yield


def place_of(partition_info: dict[str, Any] | None) -> int | None:
    """A partition's number, from what dask says of it."""
    return None if partition_info is None else int(partition_info["number"])
