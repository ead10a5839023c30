"""The rows that a network with modules is trained on, with values missing, and records of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.boundary import is_table, read_once
from ..data.code_arrays import rows_array
from ..data.mixed import columns_but, known_rows
from ..data.partial import PartialRows, as_partial_rows
from ..data.samples import Samples
from ..data.schema import Schema, Values
from ..errors import UnknownNameError
from ..runtime.arrays import code_type
from ..runtime.memory import check_memory
from .counts import UnknownLabels, check_unknown
from .dropped_rows import Dropped
from .hidden_rows import has_column

Array = npt.NDArray[Any]


def read_rows(
    data: Any, schema: Schema, guide: Collection[str], unknown: UnknownLabels
) -> tuple[PartialRows, Dropped | None]:
    """Rows of a table, columns of which may be absent, or of an array of all variables, or of all without a guide."""
    check_unknown(unknown)
    data = read_once(data, schema.names)
    if not (is_table(data) or isinstance(data, Samples)):
        data = _columns(rows_array(data), schema, guide)
    try:
        return as_partial_rows(data, schema), None
    except UnknownNameError as error:
        if unknown == "error":
            raise
        return _without_unknown(data, schema, str(error))


def _columns(array: Array, schema: Schema, guide: Collection[str]) -> dict[str, Any]:
    """The columns of an array by name."""
    for absent in ((), guide):
        columns = columns_but(array, schema, absent)
        if columns is not None:
            return columns
    sizes = {name: variable.size for name, variable in schema.variables.items()}
    widths = sum(sizes.values()), sum(size for name, size in sizes.items() if name not in guide)
    wanted = " or ".join(f"(n_rows, {width})" for width in dict.fromkeys(widths))
    raise ValueError(f"an array of rows has shape {wanted}, got shape {array.shape}")


def _without_unknown(data: Any, schema: Schema, problem: str) -> tuple[PartialRows, Dropped]:
    """The rows of a table whose labels are all states; only columns may be absent."""
    own = Schema({name: variable for name, variable in schema.variables.items() if has_column(data, name)})
    block, kept = known_rows(data, own)  # raises for unknown columns
    part = block.read(0, block.n)
    codes = np.zeros((schema.n_codes, block.n), schema.code_dtype)
    reals = np.full((schema.n_reals, block.n), np.nan, part.reals.dtype)
    missing: dict[int, Array | None] = {}
    for name, variable in schema.variables.items():
        if name not in own.variables:
            missing |= dict.fromkeys(cells(name, schema))
            continue
        out, found = (codes, part.codes) if name in schema.states else (reals, part.reals)
        first, own_first = schema.rows[name], own.rows[name]
        out[first : first + variable.size] = found[own_first : own_first + variable.size]
    dropped = int((~kept).sum())
    warning = f"{dropped} of {len(kept)} rows hold a label that is no state and were left out: {problem}"
    return PartialRows(Values(codes, reals), schema, missing), Dropped(kept, warning)


def cells(name: str, schema: Schema) -> range:
    """Where a variable is in the blocks, codes before reals."""
    first = schema.rows[name] + (0 if name in schema.states else schema.n_codes)
    return range(first, first + schema.variables[name].size)


def missing_in(rows: PartialRows, names: Sequence[str]) -> Array | None:
    """In which rows any of some variables lacks a value; None: in no row."""
    found: Array | None = None
    for name in names:
        for cell in cells(name, rows.schema):
            if cell in rows.missing:
                own = rows.missing[cell]
                whole = np.ones(rows.n, bool) if own is None else own
                found = whole if found is None else found | whole
    return found


def records_of(rows: PartialRows, schema: Schema, weights: Array | None) -> Array:
    """(n,) records of the variables of ``schema``; see ``engines/torch/bounds/records.py``."""
    from ..engines.torch.bounds.records import record_type

    most = max((len(states) + 1 for states in schema.states.values()), default=2)
    kind = record_type(schema, code_type(most), rows.values.reals.dtype, weights is not None)
    check_memory(rows.n * kind.itemsize, f"a copy of {rows.n} rows to take minibatches from")
    records = np.zeros(rows.n, kind)
    for name in schema.names:
        first, own = rows.schema.rows[name], schema.rows[name]
        size = schema.variables[name].size
        if name in schema.states:
            records["codes"][:, own : own + size] = rows.values.codes[first : first + size].T
            if (missing := missing_in(rows, [name])) is not None:
                records["codes"][missing, own] = len(schema.states[name])
        else:
            records["reals"][:, own : own + size] = rows.values.reals[first : first + size].T
    records["number"] = np.arange(rows.n)
    if weights is not None:
        records["weight"] = weights
    return records
