"""The rows that a network with modules is trained on: what is observed, latent or hidden, and records of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.boundary import as_network_block, is_table, read_once
from ..data.code_arrays import rows_array
from ..data.mixed import columns_by_name
from ..data.partial import PartialRows, as_partial_rows
from ..data.samples import Samples
from ..data.schema import Schema, Values
from ..data.variables import Discrete, Real
from ..errors import MissingValuesError
from ..runtime.arrays import code_type
from ..runtime.memory import check_memory

Array = npt.NDArray[Any]


class Seen(NamedTuple):
    """What rows say: variables that have a value in every one, real ones that have none, and discrete ones that lack
    one in some or all."""

    observed: frozenset[str]
    latent: frozenset[str]
    hidden: tuple[str, ...]


def read_rows(data: Any, schema: Schema, guided: Sequence[str]) -> PartialRows:
    """Rows of a table, columns of which may be absent, or of an array of all variables, or of all without a guide."""
    data = read_once(data, schema.names)
    if isinstance(data, Samples):
        data = {name: data[name] for name in data.keys()}  # noqa: SIM118
    if not is_table(data):
        data = _columns(rows_array(data), schema, guided)
    return _partial_rows(data, schema)


def _columns(array: Array, schema: Schema, guided: Sequence[str]) -> dict[str, Any]:
    """The columns of an array by name."""
    choices = [schema.names, tuple(name for name in schema.names if name not in guided)]
    widths = [sum(schema.variables[name].size for name in names) for names in choices]
    for names, width in zip(choices, widths, strict=True):
        if array.ndim == 2 and array.shape[1] == width:
            return dict(columns_by_name(array, names, schema.vectors))
    wanted = " or ".join(f"(n_rows, {width})" for width in dict.fromkeys(widths))
    raise ValueError(f"an array of rows has shape {wanted}, got shape {array.shape}")


def _partial_rows(columns: Mapping[str, Any], schema: Schema) -> PartialRows:
    vectors = [name for name in schema.states if schema.variables[name].event_shape]
    blocks = {}
    rest = dict(columns)
    for name in vectors:
        own = {key: rest.pop(key) for key in list(rest) if key == name or str(key).startswith(f"{name}[")}
        if own:
            block = as_network_block(own, Schema({name: schema.variables[name]}))
            blocks[name] = block.read(0, block.n).codes
    others = Schema({name: own for name, own in schema.variables.items() if name not in vectors})
    n = next((own.shape[1] for own in blocks.values()), 0)
    found = as_partial_rows(rest, others) if rest or not blocks else None
    if found is not None and blocks and found.n != n:
        raise ValueError(f"columns are equally long: {next(iter(blocks))!r} has {n} rows, others have {found.n}")
    n = n if found is None else found.n
    codes = np.zeros((schema.n_codes, n), schema.code_dtype)
    missing: dict[int, Array | None] = {}
    for name in schema.states:
        first, size = schema.rows[name], schema.variables[name].size
        if name in blocks:
            codes[first : first + size] = blocks[name]
        elif name in vectors or found is None:
            missing |= dict.fromkeys(range(first, first + size))
        else:
            codes[first] = found.values.codes[others.rows[name]]
            if others.rows[name] in found.missing:
                missing[first] = found.missing[others.rows[name]]
    if found is None:
        missing |= dict.fromkeys(range(schema.n_codes, schema.n_codes + schema.n_reals))
        return PartialRows(Values(codes, np.full((schema.n_reals, n), np.nan, np.float32)), schema, missing)
    for row in range(schema.n_reals):
        if others.n_codes + row in found.missing:
            missing[schema.n_codes + row] = found.missing[others.n_codes + row]
    return PartialRows(Values(codes, found.values.reals), schema, missing)


def seen_in(rows: PartialRows) -> Seen:
    """What rows say.

    Raises MissingValuesError for vectors and numbers that lack values in some rows, or in some of their cells.
    """
    schema, observed, latent, hidden = rows.schema, set[str](), set[str](), list[str]()
    for name, variable in schema.variables.items():
        missing = [rows.missing[cell] for cell in cells(name, schema) if cell in rows.missing]
        if not missing:
            observed.add(name)
        elif isinstance(variable, Discrete) and not variable.event_shape:
            hidden.append(name)
        elif len(missing) == variable.size and all(own is None for own in missing) and isinstance(variable, Real):
            latent.add(name)
        else:
            some = next((own for own in missing if own is not None), None)
            row = 0 if some is None else int(np.argmax(some))
            raise MissingValuesError(
                f"{name!r} has a missing value in row {row}: beside Neural nodes only discrete variables that are no "
                "vectors may lack values in some rows, and real ones in all rows: leave such rows out"
            )
    return Seen(frozenset(observed), frozenset(latent), tuple(hidden))


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


def taken_rows(rows: PartialRows, kept: Array) -> PartialRows:
    """Some of the rows."""
    missing = {cell: None if own is None else own[kept] for cell, own in rows.missing.items()}
    some = {cell: own for cell, own in missing.items() if own is None or own.any()}
    return PartialRows(Values(rows.values.codes[:, kept], rows.values.reals[:, kept]), rows.schema, some)


def records_of(rows: PartialRows, schema: Schema, real_dtype: Any, weights: Array | None) -> Array:
    """(n,) records of the variables of ``schema``; see ``engines/torch/bounds/records.py``."""
    from ..engines.torch.bounds.records import record_type

    most = max((len(states) + 1 for states in schema.states.values()), default=2)
    kind = record_type(schema, code_type(most), real_dtype, weights is not None)
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
