"""Tables of discrete variables of which some are vectors: their rows as blocks of codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..kernels.tiles import columns_from_rows_cpu
from ..runtime.arrays import read_only
from .blocks import CodeBlock
from .code_vectors import code_vectors, explained, whole_codes
from .schema import Schema
from .tables import TableReader
from .variables import Discrete
from .vectors import Elements, element_names

Array = npt.NDArray[Any]


class VectorColumn:
    """The column of a discrete vector, as it is stored."""

    def __init__(self, name: str, column: Any, variable: Discrete, keep_unknown: bool = False) -> None:
        self._parts = list(code_vectors(name, column, variable, keep_unknown))

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write the codes of rows ``begin`` to ``end`` into ``out`` (size, end - begin)."""
        row = -begin  # where the next part starts in ``out``
        for part in self._parts:
            first, last = max(row, 0), min(row + part.n, end - begin)
            if first == 0 and last == end - begin > 0:
                part.read(-row, last - row, out)
            elif first < last:
                own = np.empty((len(out), last - first), out.dtype)
                part.read(first - row, last - row, own)
                out[:, first:last] = own
            row += part.n


class CellColumns:
    """A discrete vector with one column for each of its cells."""

    def __init__(
        self, name: str, columns: Elements, variable: Discrete, dtype: npt.DTypeLike, keep_unknown: bool = False
    ) -> None:
        cells = element_names(name, variable.size)
        own = dict(zip(cells, columns.columns, strict=True))
        self._reader = TableReader(own, dict.fromkeys(cells, variable.states), dtype, keep_unknown)

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write the codes of rows ``begin`` to ``end`` into ``out`` (size, end - begin)."""
        out[:] = self._reader.read(begin, end)


class VectorTableReader:
    """As :class:`fastdgm.data.tables.TableReader`, for columns that are matched already and may hold vectors."""

    def __init__(
        self, columns: Mapping[str, Any], n: int, schema: Schema, dtype: npt.DTypeLike, keep_unknown: bool = False
    ) -> None:
        self.n_rows = n
        self._dtype = dtype
        self._schema = schema
        scalars = {name: own for name, own in schema.states.items() if not schema.variables[name].event_shape}
        self._scalar_rows = [schema.rows[name] for name in scalars]
        self._scalars = TableReader({name: columns[name] for name in scalars}, scalars, dtype, keep_unknown)
        self._vectors: dict[str, VectorColumn | CellColumns] = {}
        for name, variable in schema.variables.items():
            if isinstance(variable, Discrete) and variable.event_shape:
                column = columns[name]
                self._vectors[name] = (
                    CellColumns(name, column, variable, dtype, keep_unknown)
                    if isinstance(column, Elements)
                    else VectorColumn(name, column, variable, keep_unknown)
                )

    def read(self, begin: int, end: int) -> Array:
        """The codes of rows ``begin`` to ``end`` as a fresh C-ordered block ``(n_codes, end - begin)``."""
        block = np.empty((self._schema.n_codes, end - begin), self._dtype)
        block[self._scalar_rows] = self._scalars.read(begin, end)
        for name, own in self._vectors.items():
            first = self._schema.rows[name]
            own.read(begin, end, block[first : first + self._schema.variables[name].size])
        return block


class VectorTableBlock(CodeBlock):
    """A table whose columns are those of the discrete variables of a network, vectors among them."""

    def __init__(self, columns: Mapping[str, Any], n: int, schema: Schema) -> None:
        super().__init__(np.empty(0), schema.cell_states)
        self._reader = VectorTableReader(columns, n, schema, schema.code_dtype)

    @property
    def n(self) -> int:
        """Number of rows."""
        return self._reader.n_rows

    def _copy(self, begin: int, end: int, largest: Array) -> tuple[Array, int]:
        return self._reader.read(begin, end), -1  # the reader names what is wrong

    def _rows(self, begin: int, end: int) -> Array:
        return self._reader.read(begin, min(end, self.n)).T


class WholeRowBlock(CodeBlock):
    """Codes ``(n, n_codes)`` as whole floats."""

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.array.shape[0])

    def _copy(self, begin: int, end: int, largest: Array) -> tuple[Array, int]:
        block = np.empty((len(self.states), end - begin), largest.dtype)
        codes, bad = whole_codes(self.array[begin:end], largest.dtype)
        if bad < 0:
            bad = columns_from_rows_cpu(0, end - begin, largest, read_only(np.ascontiguousarray(codes)), block)
        return block, bad if bad < 0 else begin + bad

    def _rows(self, begin: int, end: int) -> Array:
        return self.array[begin:end]

    def explain(self, row: int) -> ValueError:
        """The error for the first number that is no code from ``row`` on."""
        return explained(self.array, self.states, row)
