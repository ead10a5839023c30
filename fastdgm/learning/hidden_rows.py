"""Training data in which discrete variables are hidden: what EM learns from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.boundary import is_table
from ..data.code_arrays import rows_array
from ..data.collected import collected
from ..data.columns import table_columns
from ..data.learnt_variables import infer_variables
from ..data.partial import PartialRows, as_partial_rows
from ..data.samples import Samples
from ..data.schema import Schema
from ..data.variables import Discrete, Real, Variable
from ..runtime.text import preview


def read_once(data: Any, names: Sequence[str]) -> Any:
    """A table as its columns, because an Arrow stream can be read only once; anything else as it is."""
    data = collected(data)
    return table_columns(data, names) if is_table(data) and not isinstance(data, Samples) else data


def absent_variables(data: Any, known: Mapping[str, Variable], names: Sequence[str]) -> list[str]:
    """The variables for which data have no column, in networks that have real variables besides; none otherwise.

    An array as wide as the real variables holds these.
    """
    if isinstance(data, Samples):
        return []
    if isinstance(data, Mapping):
        present = [name for name in names if name in data or any(str(own).startswith(f"{name}[") for own in data)]
        absent = [name for name in names if name not in present]
        all_discrete = all(isinstance(known.get(name), Discrete) for name in names)
        return absent if present and not all_discrete else []
    reals = [name for name in names if isinstance(known.get(name), Real)]
    if not reals or any(name not in known for name in names):
        return []
    n_reals = Schema(known).n_reals
    array = rows_array(data)
    return [name for name in names if name not in reals] if array.ndim == 2 and array.shape[1] == n_reals else []


def hidden_rows(data: Any, known: Mapping[str, Variable], names: Sequence[str]) -> PartialRows:
    """The rows of data with values missing. ValueError for variables of which nothing is known."""
    absent = absent_variables(data, known, names)
    for name in absent:
        if name not in known:
            raise ValueError(
                f"the data has no column {name!r}: a hidden variable needs its states declared, as in "
                "from_edges(..., states=...)"
            )
        if isinstance(known[name], Real):
            raise ValueError(f"the data has no column {name!r}: only discrete variables can be hidden from fit")
    present = [name for name in names if name not in absent]
    undeclared = [name for name in present if name not in known]
    if undeclared:
        if not isinstance(data, Mapping):
            raise ValueError(f"the states of {preview(undeclared)} are not known: pass columns by name, or declare them")
        known = {**known, **infer_variables({name: data[name] for name in present}, known, present)}
    rows = as_partial_rows(data, Schema({name: known[name] for name in names}))
    if rows.schema.is_discrete:
        raise ValueError(
            f"EM learns networks with real variables so far; all of {preview(names)} are discrete, and {preview(absent)} "
            "have no values" if absent else "EM learns networks with real variables so far: drop or fill rows with "
            "missing values"
        )
    _check_some_value(rows)
    return rows


def _check_some_value(rows: PartialRows) -> None:
    """Real variables have values in some rows, or nothing can be learnt of them."""
    for name, size in rows.schema.sizes.items():
        first = rows.schema.n_codes + rows.schema.rows[name]
        if any(cell in rows.missing and rows.missing[cell] is None for cell in range(first, first + size)):
            raise ValueError(f"only discrete variables can be hidden from fit, the real variable {name!r} has no values")
    if not np.isfinite(rows.values.reals).any() and rows.n:
        raise ValueError("no real variable has a value in any row")
