"""Samples out: pandas and Arrow tables of ordered categoricals, floats and vectors; those of Arrow share memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..runtime.extras import how_to_install
from .labels import Column, codes_are_ambiguous, codes_in_range
from .missing_codes import missing_in, signed_where_possible, with_minus_one
from .optional import import_pyarrow
from .schema import Schema, Values
from .variables import Discrete
from .vectors import cells_in_range

Array = npt.NDArray[Any]


def to_pandas(values: Values, schema: Schema) -> Any:
    """Blocks as a pandas DataFrame, which may be edited, because it has a copy of them: ordered categoricals, floats,
    and a column for each value of a vector.

    Raises ValueError for codes out of range, and where a value of a vector has the name of another variable.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(f"to_pandas needs pandas: {how_to_install('frames', 'pandas')}") from None

    codes, reals = values.codes.copy(), values.reals.copy()  # once: columns are views of them
    types: dict[tuple[str, ...], Any] = {}  # making a type costs more than wrapping a column: share them
    columns: list[Any] = []
    for name in schema.names:
        row, variable = schema.rows[name], schema.variables[name]
        if not isinstance(variable, Discrete):
            columns += list(reals[row : row + variable.size])
            continue
        own = variable.states
        if own not in types:
            types[own] = pd.CategoricalDtype(own, ordered=True)
        cells = cells_in_range(codes[row : row + variable.size], name, variable)
        for cell in with_minus_one(cells, len(own)):
            columns.append(pd.Categorical.from_codes(cell, dtype=types[own], validate=False))
    return pd.DataFrame(dict(zip(schema.cell_names, columns, strict=True)), copy=False)


def to_arrow(values: Values, schema: Schema) -> Any:
    """Blocks as a pyarrow Table: ordered dictionary columns, floats, and fixed-size lists for vectors, flat ones of all
    their axes.

    Lists are of numbers or codes, of labels where numbers could be meant as either. Codes (but for 256 states) and
    floats are shared, vectors are copied. Raises ValueError for codes out of range.
    """
    pa = import_pyarrow("to_arrow")
    columns, fields = [], []
    for name in schema.names:
        row, variable, metadata = schema.rows[name], schema.variables[name], None
        if not isinstance(variable, Discrete):
            own_reals = values.reals[row : row + variable.size]
            column = _arrow_lists(own_reals) if variable.event_shape else pa.array(own_reals[0])
        elif variable.event_shape:
            column = _arrow_codes(values.codes[row : row + variable.size], name, variable)
        else:
            column = _arrow_labels(values.codes[row], Column(name, variable.states))
            metadata = _polars_enum(variable.states)
        columns.append(column)
        fields.append(pa.field(name, column.type, metadata=metadata))
    return pa.table(columns, schema=pa.schema(fields))


def _arrow_labels(codes: Array, variable: Column) -> Any:
    import pyarrow as pa

    own = variable.states
    codes = codes_in_range(codes, variable)
    # polars wants two bytes for 256 states: its own largest byte is a null, and it panics where it meets a code
    indices = codes.astype(np.uint16) if len(own) == 256 else signed_where_possible(codes, len(own))
    indices = pa.array(indices, mask=missing_in(codes, len(own)))
    return pa.DictionaryArray.from_arrays(indices, pa.array(own, pa.string()), ordered=True, safe=False)


def _arrow_lists(rows: Array, missing: Array | None = None) -> Any:
    """Vectors as fixed-size lists."""
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(_arrow_cells(rows, missing), len(rows))


def _arrow_cells(rows: Array, missing: Array | None) -> Any:
    """The values of one vector after another, null where they are missing."""
    import pyarrow as pa

    return pa.array(_one_after_another(rows), mask=None if missing is None else _one_after_another(missing))


def _arrow_codes(rows: Array, name: str, variable: Discrete) -> Any:
    import pyarrow as pa

    cells = cells_in_range(rows, name, variable)
    missing = missing_in(cells, variable.n_states)
    if not codes_are_ambiguous(variable.states):
        return _arrow_lists(cells, missing)
    labels = pa.array(variable.states, pa.string()).take(_arrow_cells(cells, missing))
    return pa.FixedSizeListArray.from_arrays(labels, len(rows))


def _one_after_another(rows: Array) -> Array:
    """The values of one vector after another, (size, n) -> (n * size,)."""
    return np.ascontiguousarray(rows.T).reshape(-1)


def _polars_enum(states: tuple[str, ...]) -> dict[str, str]:
    """What polars writes into a field to know an Enum again: without it, it forgets the order of a dictionary."""
    return {"_PL_ENUM_VALUES2": "".join(f"{len(state.encode())};{state}" for state in states)}
