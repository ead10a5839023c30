"""The boundary for data: any accepted form -> an array of unsigned codes that a kernel can read.

Nothing is copied where dtype and layout allow: columns of the network's own code type, or row-major codes of any
integer type, go to the kernels as they are, and the tile loader checks them on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.arrays import read_only
from ..runtime.text import preview
from .columns import kinds_of, table_columns
from .labels import Variable, bad_code, missing_value, whole_numbers
from .samples import Samples

if TYPE_CHECKING:
    from ..engines.tables.plan import Structure
    from .tables import TableReader

States = Mapping[str, tuple[str, ...]]
Array = npt.NDArray[Any]


class Columns(NamedTuple):
    """Unsigned codes ``(n_vars, n)`` of the network's own type, which kernels read and check where they are."""

    array: Array
    signed: bool = False  # as they came, so that an error can quote them

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.array.shape[1])

    def columns(self, begin: int, end: int, structure: Structure) -> tuple[Array, int]:
        """A block that holds rows ``begin`` to ``end``, and the row at which it starts."""
        return self.array, 0

    def rows(self, begin: int, end: int) -> Array:
        """Rows for an error message."""
        return self.array[:, begin:end].T


class Rows(NamedTuple):
    """Unsigned codes ``(n, n_vars)`` of any width, in C order."""

    array: Array
    states: States
    signed: bool = False

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.array.shape[0])

    def columns(self, begin: int, end: int, structure: Structure) -> tuple[Array, int]:
        """Rows ``begin`` to ``end`` as a fresh, checked block by column."""
        from ..kernels.tiles import columns_from_rows_cpu

        block = np.empty((len(self.states), end - begin), structure.dtype)
        bad = columns_from_rows_cpu(0, end - begin, structure.largest, self.array[begin:end], block)
        refuse_bad_codes(bad if bad < 0 else begin + bad, self, self.states)
        return read_only(block), begin

    def rows(self, begin: int, end: int) -> Array:
        """Rows for an error message."""
        return self.array[begin:end]


class WideColumns(NamedTuple):
    """Unsigned codes ``(n_vars, n)`` of a wider type than the network's own, in C order: what pandas calls values."""

    array: Array
    states: States
    signed: bool = False

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.array.shape[1])

    def columns(self, begin: int, end: int, structure: Structure) -> tuple[Array, int]:
        """Rows ``begin`` to ``end`` as a fresh, checked block."""
        from ..kernels.tiles import narrow_columns_cpu

        block = np.empty((len(self.states), end - begin), structure.dtype)
        refuse_bad_codes(narrow_columns_cpu(begin, end, structure.largest, self.array, block), self, self.states)
        return read_only(block), begin

    def rows(self, begin: int, end: int) -> Array:
        """Rows for an error message."""
        return self.array[:, begin:end].T


class Table(NamedTuple):
    """A table with named columns, encoded piece by piece while the piece is in the cache."""

    reader: TableReader

    @property
    def n(self) -> int:
        """Number of rows."""
        return self.reader.n_rows

    def columns(self, begin: int, end: int, structure: Structure) -> tuple[Array, int]:
        """Rows ``begin`` to ``end`` as a fresh, checked block by column."""
        return read_only(self.reader.read(begin, end)), begin

    def rows(self, begin: int, end: int) -> Array:
        """Rows for an error message."""
        return self.reader.read(begin, min(end, self.n)).T

    @property
    def signed(self) -> bool:
        """Codes that a reader made are unsigned."""
        return False


Codes = Columns | WideColumns | Rows | Table


def as_codes(data: Any, states: States, dtype: np.dtype[Any]) -> Codes:
    """Samples, arrays, sequences of rows, torch CPU tensors, mappings of columns and frames -> Codes."""
    if isinstance(data, Samples) and list(data.states.items()) == list(states.items()):
        if data.dtype == dtype:
            return Columns(read_only(np.ascontiguousarray(data.block)))
        return _array_codes(data.block.T, states, dtype)
    if isinstance(data, Samples) or _is_table(data):
        from .tables import TableReader

        return Table(TableReader(data, states, dtype))
    return _array_codes(_as_array(data), states, dtype)


def _as_array(data: Any) -> Array:
    if isinstance(data, np.ma.MaskedArray):
        return data
    if hasattr(data, "detach") and hasattr(data, "numpy"):  # a torch tensor shares its memory
        return np.asarray(data.detach().numpy())
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"data must be a rectangular array of codes: {error}") from None
    if array.ndim == 0 or isinstance(data, memoryview) or not isinstance(data, Sequence):
        return array
    return array.astype(np.int64) if array.size == 0 else _listed_rows(data, array)  # NumPy makes floats of no rows


def _listed_rows(rows: Sequence[Any], array: Array) -> Array:
    """What NumPy made of a list of rows, unless it turned booleans or codes into numbers or labels, or lost a mask."""
    if any(isinstance(row, np.ma.MaskedArray) for row in rows):
        return np.ma.array(rows)
    cells = np.array(rows, dtype=object)
    kinds = kinds_of(cells.ravel().tolist())
    return array if kinds <= {"integer", "float"} or len(kinds) == 1 else cells


def refuse_bad_codes(bad: int, codes: Codes, states: States) -> None:
    """Name the first code out of range from row ``bad`` on, where a kernel met one; nothing if ``bad`` is -1.

    What a kernel reports always raises, also where the data has changed since and no such code is found any more.
    """
    if bad < 0:
        return
    names = list(states)
    n_states = np.array([len(states[name]) for name in names])
    for begin in range(bad, codes.n, 4096):
        tile = codes.rows(begin, begin + 4096)
        wrong = tile >= n_states
        if wrong.any():
            row, v = (int(i) for i in np.argwhere(wrong)[0])
            value = tile[row, v]
            came = value.view(f"i{value.itemsize}") if codes.signed else value
            raise bad_code(Variable(names[v], states[names[v]]), begin + row, came)
    raise ValueError(
        f"data must not change while it is read: a code out of range came at or after row {bad}, and is no longer there"
    )


def infer_states(data: Any, known: States, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """States of the variables that ``known`` lacks: categories, sorted labels, or codes up to the largest seen."""
    from .tables import infer_states as infer_from_columns

    if not isinstance(data, Samples) and not _is_table(data):
        array = _as_array(data)
        if array.ndim != 2 or array.shape[1] != len(names):
            raise ValueError(f"an array of codes has shape (n_rows, {len(names)}), got shape {array.shape}")
        data = {name: array[:, v] for v, name in enumerate(names)}
    return infer_from_columns(data, known, names)


def readable_twice(data: Any, names: Sequence[str]) -> Any:
    """The same data; a table as the mapping of its columns, because an Arrow stream can be read only once."""
    return table_columns(data, names) if _is_table(data) and not isinstance(data, Samples) else data


def _is_table(data: Any) -> bool:
    """Whether data has named columns."""
    return (
        isinstance(data, Mapping)
        or hasattr(data, "__arrow_c_stream__")
        or hasattr(data, "__dataframe__")
        or hasattr(data, "columns")
        or hasattr(data, "column_names")
    )


def _array_codes(array: Array, states: States, dtype: np.dtype[Any]) -> Codes:
    if array.ndim != 2 or array.shape[1] != len(states):
        raise ValueError(
            f"an array of codes has shape (n_rows, {len(states)}), one column per variable in the order "
            f"{preview(states)}, got shape {array.shape}"
        )
    if isinstance(array, np.ma.MaskedArray) and array.mask.any():
        row, v = (int(i) for i in np.argwhere(array.mask)[0])
        raise missing_value(list(states)[v], row)
    array = np.asarray(array)  # a masked array, matrix or memory map as what it holds
    if array.dtype.kind == "f":
        array = _whole_codes(array, list(states))
    elif array.dtype.kind not in "iu":
        from .tables import TableReader

        columns = {name: array[:, v] for v, name in enumerate(states)}
        return Table(TableReader(columns, states, dtype))
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "i" and _may_hide_missing(array.dtype, states):
        return Columns(_narrow_columns(array, states, dtype))
    signed = array.dtype.kind == "i"
    unsigned = array.view(f"u{array.itemsize}") if signed else array
    if unsigned.dtype == dtype and unsigned.flags.f_contiguous:
        return Columns(read_only(unsigned.T), signed)
    if unsigned.flags.c_contiguous:
        return Rows(read_only(unsigned), states, signed)
    if unsigned.itemsize > dtype.itemsize and unsigned.flags.f_contiguous:
        return WideColumns(read_only(unsigned.T), states, signed)
    return Columns(_narrow_columns(array, states, dtype))


def _whole_codes(array: Array, names: list[str]) -> Array:
    """Floats as integers, column by column; NaN is missing, fractions are refused."""
    codes = np.empty(array.shape, np.int64, order="F")
    for v, name in enumerate(names):
        codes[:, v] = whole_numbers(array[:, v], name, 0)
    return codes


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
            raise bad_code(Variable(name, labels), row, column[row])
        block[v] = column
    return read_only(block)
