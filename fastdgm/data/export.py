"""Samples out: pandas and Arrow tables of ordered categoricals and floats; those of Arrow share memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..runtime.extras import how_to_install
from .labels import Column, codes_in_range
from .optional import import_pyarrow
from .schema import Schema, Values

Array = npt.NDArray[Any]


def to_pandas(values: Values, schema: Schema) -> Any:
    """Blocks as a pandas DataFrame, which may be edited, because it has a copy of them: ordered categoricals, floats,
    and a column for each number of a vector.

    Raises ValueError for codes out of range, and where a number of a vector has the name of another variable.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(f"to_pandas needs pandas: {how_to_install('frames', 'pandas')}") from None

    codes, reals = values.codes.copy(), values.reals.copy()  # once: columns are views of them
    types: dict[tuple[str, ...], Any] = {}  # making a type costs more than wrapping a column: share them
    columns: list[Any] = []
    for name in schema.names:
        row = schema.rows[name]
        if name not in schema.states:
            columns += list(reals[row : row + schema.sizes[name]])
            continue
        own = schema.states[name]
        if own not in types:
            types[own] = pd.CategoricalDtype(own, ordered=True)
        checked = codes_in_range(codes[row], Column(name, own))
        columns.append(pd.Categorical.from_codes(_signed(checked, len(own)), dtype=types[own], validate=False))
    return pd.DataFrame(dict(zip(schema.cell_names, columns, strict=True)), copy=False)


def to_arrow(values: Values, schema: Schema) -> Any:
    """Blocks as a pyarrow Table: ordered dictionary columns, floats, and fixed-size lists for vectors.

    Codes (but for 256 states) and floats are shared, vectors are copied. Raises ValueError for codes out of range.
    """
    pa = import_pyarrow("to_arrow")
    columns, fields = [], []
    for name in schema.names:
        row = schema.rows[name]
        if name in schema.states:
            own = schema.states[name]
            column, metadata = _arrow_labels(values.codes[row], Column(name, own)), _polars_enum(own)
        else:
            size = schema.vectors.get(name)
            column, metadata = _arrow_reals(values.reals[row : row + schema.sizes[name]], size), None
        columns.append(column)
        fields.append(pa.field(name, column.type, metadata=metadata))
    return pa.table(columns, schema=pa.schema(fields))


def _arrow_labels(codes: Array, variable: Column) -> Any:
    import pyarrow as pa

    own = variable.states
    codes = codes_in_range(codes, variable)
    # polars wants two bytes for 256 states: its own largest byte is a null, and it panics where it meets a code
    indices = pa.array(codes.astype(np.uint16) if len(own) == 256 else _signed(codes, len(own)))
    return pa.DictionaryArray.from_arrays(indices, pa.array(own, pa.string()), ordered=True, safe=False)


def _arrow_reals(rows: Array, size: int | None) -> Any:
    import pyarrow as pa

    if size is None:
        return pa.array(rows[0])
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(rows.T).reshape(-1)), size)


def _polars_enum(states: tuple[str, ...]) -> dict[str, str]:
    """What polars writes into a field to know an Enum again: without it, it forgets the order of a dictionary."""
    return {"_PL_ENUM_VALUES2": "".join(f"{len(state.encode())};{state}" for state in states)}


def _signed(codes: Array, n_states: int) -> Array:
    """The same bytes as signed integers, which pandas and Arrow prefer, where the largest code allows it."""
    signed = np.dtype(f"i{codes.dtype.itemsize}")
    return codes.view(signed) if n_states - 1 <= np.iinfo(signed).max else codes
