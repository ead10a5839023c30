"""Samples out: pandas and Arrow tables of ordered categoricals; those of Arrow share the codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..runtime.extras import how_to_install
from .labels import Column, codes_in_range
from .optional import import_pyarrow


def to_pandas(block: npt.NDArray[Any], states: Mapping[str, tuple[str, ...]]) -> Any:
    """Codes ``(n_vars, n)`` as a pandas DataFrame of ordered categoricals, which may be edited: it has a copy of them.

    Raises ValueError for codes out of range.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(f"to_pandas needs pandas: {how_to_install('frames', 'pandas')}") from None

    block = block.copy()  # once: columns are views of it
    types: dict[tuple[str, ...], Any] = {}  # making a type costs more than wrapping a column: share them
    frame = {}
    for (name, own), codes in zip(states.items(), block, strict=True):
        if own not in types:
            types[own] = pd.CategoricalDtype(own, ordered=True)
        codes = codes_in_range(codes, Column(name, own))
        frame[name] = pd.Categorical.from_codes(_signed(codes, len(own)), dtype=types[own], validate=False)
    return pd.DataFrame(frame, copy=False)


def to_arrow(block: npt.NDArray[Any], states: Mapping[str, tuple[str, ...]]) -> Any:
    """Codes ``(n_vars, n)`` as a pyarrow Table of ordered dictionary columns, which share them (but for 256 states).

    Raises ValueError for codes out of range.
    """
    pa = import_pyarrow("to_arrow")
    columns, fields = [], []
    for (name, own), codes in zip(states.items(), block, strict=True):
        codes = codes_in_range(codes, Column(name, own))
        # polars wants two bytes for 256 states: its own largest byte is a null, and it panics where it meets a code
        indices = pa.array(codes.astype(np.uint16) if len(own) == 256 else _signed(codes, len(own)))
        column = pa.DictionaryArray.from_arrays(indices, pa.array(own, pa.string()), ordered=True, safe=False)
        columns.append(column)
        fields.append(pa.field(name, column.type, metadata=_polars_enum(own)))
    return pa.table(columns, schema=pa.schema(fields))


def _polars_enum(states: tuple[str, ...]) -> dict[str, str]:
    """What polars writes into a field to know an Enum again: without it, it forgets the order of a dictionary."""
    return {"_PL_ENUM_VALUES2": "".join(f"{len(state.encode())};{state}" for state in states)}


def _signed(codes: npt.NDArray[Any], n_states: int) -> npt.NDArray[Any]:
    """The same bytes as signed integers, which pandas and Arrow prefer, where the largest code allows it."""
    signed = np.dtype(f"i{codes.dtype.itemsize}")
    return codes.view(signed) if n_states - 1 <= np.iinfo(signed).max else codes
