"""Rows with missing values without those that hold a label which is no state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.boundary import columns_of
from ..data.column_pieces import column_pieces
from ..data.columns import table_columns
from ..data.labels import Labels, label_code
from ..data.partial import PartialRows, as_partial_rows
from ..data.schema import Schema, Values
from ..errors import UnknownNameError
from .counts import UnknownLabels, check_unknown, checked_weights, dropped_warning

Array = npt.NDArray[Any]


class Dropped(NamedTuple):
    """Rows that were left out because they hold labels that are no states."""

    kept: Array  # (n,) booleans: which were not
    warning: str


class Column(NamedTuple):
    """A column, None in rows whose label is no state, and which rows these are."""

    values: Any
    unknown: Array


def known_partial_rows(data: Any, schema: Schema, unknown: UnknownLabels) -> tuple[PartialRows, Dropped | None]:
    """Rows of data of any form, values of which may be missing; "drop" leaves out those with labels that are no states.

    Raises as ``as_partial_rows`` for everything else that is wrong.
    """
    check_unknown(unknown)
    try:
        return as_partial_rows(data, schema), None
    except UnknownNameError as error:
        if unknown == "error":
            raise
        columns = table_columns(columns_of(data, schema.names, schema.vectors), schema.names)
        scalars = [name for name in schema.code_names if name in columns and not schema.variables[name].event_shape]
        found = {name: _known_column(name, columns[name], schema.states[name]) for name in scalars}
        rows = as_partial_rows({**columns, **{name: own.values for name, own in found.items()}}, schema)
        kept = ~np.any([own.unknown for own in found.values()], axis=0)
        warning = dropped_warning(int((~kept).sum()), len(kept), str(error))
        return taken_rows(rows, kept), Dropped(kept, warning)


def _known_column(name: str, column: Any, states: Sequence[str]) -> Column:
    position = {state: k for k, state in enumerate(states)}
    values, unknown = list[Any](), list[bool]()
    for piece in column_pieces(name, column, partial=True):
        if not isinstance(piece, Labels):
            values += piece.values.tolist()
            unknown += [False] * len(piece)
            continue
        bad = {k for k, label in enumerate(piece.labels) if label not in (None, "") and label_code(label, position) < 0}
        index = piece.values.tolist()
        unknown += [k in bad for k in index]
        values += [None if k < 0 or k in bad else piece.labels[k] for k in index]
    return Column(values if any(unknown) else column, np.array(unknown, bool))


def weights_of(rows: PartialRows, dropped: Dropped | None, sample_weight: Any) -> npt.NDArray[np.float64]:
    """Those of the rows, of which some were left out; 1 where there are none."""
    if sample_weight is None:
        return np.ones(rows.n)
    if dropped is None:
        return checked_weights(sample_weight, rows.n)
    return checked_weights(sample_weight, len(dropped.kept))[dropped.kept]


def taken_rows(rows: PartialRows, kept: Array) -> PartialRows:
    """Some of the rows."""
    missing = {cell: None if own is None else own[kept] for cell, own in rows.missing.items()}
    some = {cell: own for cell, own in missing.items() if own is None or own.any()}
    return PartialRows(Values(rows.values.codes[:, kept], rows.values.reals[:, kept]), rows.schema, some)
