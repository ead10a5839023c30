"""The boundary for data: any accepted form -> an array of unsigned codes that a kernel can read.

Nothing is copied where dtype and layout allow: columns of the network's own code type, or row-major codes of any
integer type, go to the kernels as they are, and the tile loader checks them on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .errors import MissingValuesError
from .graph import preview
from .samples import Samples

if TYPE_CHECKING:
    from .lowering import Structure

States = Mapping[str, tuple[str, ...]]
Array = npt.NDArray[Any]
MISSING = "missing values are not supported by this operation: drop or fill them first"


class Codes(NamedTuple):
    """Unsigned codes, ``(n_vars, n)`` by columns or ``(n, n_vars)`` by rows, read-only; their range is unchecked."""

    array: Array
    by_rows: bool
    signed: bool = False  # as they came, so that an error can quote them

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.array.shape[0 if self.by_rows else 1])


def as_codes(data: Any, states: States, dtype: np.dtype[Any]) -> Codes:
    """Samples, arrays, sequences of rows, torch CPU tensors, mappings of columns and frames -> Codes."""
    if isinstance(data, Samples):
        return Codes(_samples_block(data, states, dtype), by_rows=False)
    if isinstance(data, np.ndarray):
        return _array_codes(data, states, dtype)
    if _is_table(data):
        from .frames import encode_table

        return Codes(_read_only(encode_table(data, states, dtype)), by_rows=False)
    if hasattr(data, "detach") and hasattr(data, "numpy"):  # a torch tensor shares its memory
        return _array_codes(data.detach().numpy(), states, dtype)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"data must be a rectangular array of codes: {error}") from None
    if array.size == 0 and array.dtype == np.float64:  # what NumPy makes of an empty list
        array = array.astype(np.int64)
    return _array_codes(array, states, dtype)


def as_columns(codes: Codes, states: States, structure: Structure) -> Array:
    """The codes by column, checked while they are transposed."""
    if not codes.by_rows:
        return codes.array
    from .dispatch import run

    n_vars = len(structure.n_states)
    block = np.empty((n_vars, codes.n), structure.dtype)
    bad = run("columns from rows", codes.n, n_vars, structure.largest, codes.array, block)
    refuse_bad_codes(bad, codes, states)
    return _read_only(block)


def refuse_bad_codes(bad: int, codes: Codes, states: States) -> None:
    """Name the first code out of range from row ``bad`` on, where a kernel met one; nothing if ``bad`` is -1."""
    if bad < 0:
        return
    names = list(states)
    n_states = np.array([len(states[name]) for name in names])
    for begin in range(bad, codes.n, 4096):
        tile = codes.array[begin : begin + 4096] if codes.by_rows else codes.array[:, begin : begin + 4096].T
        wrong = tile >= n_states
        if wrong.any():
            row, v = (int(i) for i in np.argwhere(wrong)[0])
            value = tile[row, v]
            missing = value == np.iinfo(tile.dtype).max
            came = value.view(f"i{value.itemsize}") if codes.signed else value
            _refuse(came, missing, begin + row, names[v], states[names[v]])


def _refuse(value: Any, missing: bool, row: int, name: str, labels: tuple[str, ...]) -> None:
    if missing:
        raise MissingValuesError(f"variable {name!r}, row {row}: {MISSING}")
    allowed = f"0 .. {len(labels) - 1} for the states {preview(labels)}"
    raise ValueError(f"variable {name!r}, row {row}: code {value} is out of range, allowed are {allowed}")


def infer_states(data: Any, known: States, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """States of the variables that ``known`` lacks: categories, sorted labels, or codes up to the largest seen."""
    from .frames import infer_states as infer_from_columns

    if isinstance(data, Samples):
        data = {name: data.labels(name) for name in data.names}
    if not _is_table(data):
        array = data.detach().numpy() if hasattr(data, "detach") else np.asarray(data)
        if array.ndim != 2 or array.shape[1] != len(names):
            raise ValueError(f"an array of codes has shape (n_rows, {len(names)}), got shape {array.shape}")
        data = {name: array[:, v] for v, name in enumerate(names)}
    return infer_from_columns(data, known, names)


def _is_table(data: Any) -> bool:
    """Whether data has named columns."""
    return (
        isinstance(data, Mapping)
        or hasattr(data, "__arrow_c_stream__")
        or hasattr(data, "__dataframe__")
        or hasattr(data, "columns")
        or hasattr(data, "column_names")
    )


def _read_only(array: Array) -> Array:
    """A read-only view: inputs always reach numba this way, so that each kernel has one signature."""
    view = array[...]
    view.flags.writeable = False
    return view


def _samples_block(samples: Samples, states: States, dtype: np.dtype[Any]) -> Array:
    """By position where columns and states are the network's, in its order; by name and label elsewhere."""
    if list(samples.states.items()) == list(states.items()):
        return _read_only(np.ascontiguousarray(samples.block, dtype=dtype))
    from .frames import encode_table

    return _read_only(encode_table({name: samples.labels(name) for name in samples.names}, states, dtype))


def _array_codes(array: Array, states: States, dtype: np.dtype[Any]) -> Codes:
    if array.ndim != 2 or array.shape[1] != len(states):
        raise ValueError(
            f"an array of codes has shape (n_rows, {len(states)}), one column per variable in the order "
            f"{preview(states)}, got shape {array.shape}"
        )
    if isinstance(array, np.ma.MaskedArray) and array.mask.any():
        row, v = (int(i) for i in np.argwhere(array.mask)[0])
        _refuse(None, True, row, list(states)[v], ())
    array = np.asarray(array)  # a masked array, matrix or memory map as what it holds
    if array.dtype.kind not in "iu":
        from .frames import encode_table

        columns = {name: array[:, v] for v, name in enumerate(states)}
        return Codes(_read_only(encode_table(columns, states, dtype)), by_rows=False)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "i" and _may_hide_missing(array.dtype, states):
        return Codes(_narrow_columns(array, states, dtype), by_rows=False)
    signed = array.dtype.kind == "i"
    unsigned = array.view(f"u{array.itemsize}") if signed else array
    if unsigned.dtype == dtype and unsigned.flags.f_contiguous:
        return Codes(_read_only(unsigned.T), by_rows=False, signed=signed)
    if unsigned.flags.c_contiguous:
        return Codes(_read_only(unsigned), by_rows=True, signed=signed)
    return Codes(_narrow_columns(array, states, dtype), by_rows=False)


def _may_hide_missing(dtype: np.dtype[Any], states: States) -> bool:
    """Whether a negative code, seen as unsigned, could pass for a state: 200 states in int8."""
    return max(len(labels) for labels in states.values()) > np.iinfo(dtype).max + 1


def _narrow_columns(array: Array, states: States, dtype: np.dtype[Any]) -> Array:
    """Any integer array, column by column into a checked block of the network's code type."""
    block = np.empty((len(states), len(array)), dtype)
    for v, (name, labels) in enumerate(states.items()):
        column = array[:, v]
        if len(column) and not (column.min() >= 0 and column.max() < len(labels)):
            row = int(np.flatnonzero((column < 0) | (column >= len(labels)))[0])
            value = column[row]
            all_ones = array.dtype.kind == "u" and value == np.iinfo(array.dtype).max
            _refuse(value, value == -1 or all_ones, row, name, labels)
        block[v] = column
    return _read_only(block)
