"""Data with repetitions: {sequence: how often it occurs}, as ``collections.Counter`` and ``value_counts`` give it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..runtime.seeds import whole_number
from .frames import distinct_names

Array = npt.NDArray[Any]
MAX_COUNT = 2**53  # of all symbols together: up to here floats hold counts exactly


def split_counts(data: Any) -> tuple[Any, Array | None]:
    """(sequences, counts) of a mapping or a pandas Series of numbers; (data, None) of anything else.

    Sequences that occur 0 times are left out. TypeError, ValueError: keys that are no sequences, values that are no
    counts.
    """
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(data, Mapping):
        pairs = data.items()
    elif _is_series_of_numbers(data):
        pairs = zip(data.index, data, strict=True)
    else:
        return data, None
    sequences, counts = [], []
    for key, value in pairs:
        count = _checked_count(key, value)
        if count:
            sequences.append(key)
            counts.append(count)
    return sequences, np.array(counts, np.int64)


def counted_columns(data: Any) -> tuple[str, ...] | None:
    """Names of the columns of the frame whose ``value_counts`` these are; None of anything else."""
    if not _is_series_of_numbers(data) or not hasattr(data.index, "levels"):
        return None
    return distinct_names(data.index.names)


def _is_series_of_numbers(data: Any) -> bool:
    """Of pandas: its index are the sequences, as in the result of ``value_counts``."""
    is_series = type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "index")
    return is_series and getattr(data, "ndim", 0) == 1 and getattr(data.dtype, "kind", "O") in "biuf"


def _checked_count(key: Any, value: Any) -> int:
    if not isinstance(key, str | tuple):
        raise TypeError(f"counts are given by sequence, a string or a tuple, got the key {key!r:.60}")
    try:
        count = whole_number(value, "count")
    except TypeError:
        raise TypeError(
            f"a mapping says how often each sequence occurs, {{sequence: integer}}, but holds {value!r:.60} for "
            f"{key!r:.60}; give sequences alone as a list"
        ) from None
    if not 0 <= count <= MAX_COUNT:
        raise ValueError(f"counts must be between 0 and 2**53, got {count} for {key!r:.60}")
    return count
