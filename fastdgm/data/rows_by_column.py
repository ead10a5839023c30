"""What samples are wherever they lie: names, states and sizes of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from .schema import Schema, Values


class RowsByColumn:
    """A block of codes and one of reals, whose rows are the variables of a schema."""

    _blocks: Values
    _schema: Schema

    @property
    def schema(self) -> Schema:
        """The variables."""
        return self._schema

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in column order."""
        return self._schema.names

    @property
    def states(self) -> Mapping[str, tuple[str, ...]]:
        """State names of every discrete variable; code k is the k-th name."""
        return MappingProxyType(self._schema.states)

    @property
    def shape(self) -> tuple[int, int]:
        """``(n_rows, n_cells)``: a cell for each variable, for each value of a vector."""
        return len(self), self._schema.n_codes + self._schema.n_reals

    def __len__(self) -> int:
        return int(self._blocks.codes.shape[1])

    def keys(self) -> Sequence[str]:
        """Column names."""
        return self.names

    def __contains__(self, name: object) -> bool:
        return name in self._schema.variables
