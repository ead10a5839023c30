"""Tables with named columns: their rows as blocks of codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .column_pieces import column_pieces
from .columns import matched_columns
from .labels import Column, Encoder


class TableReader:
    """A table with named columns, checked as to its columns, whose rows are turned into codes when they are read.

    Integers and whole floats are codes, strings are labels, booleans match the states False / True, categoricals
    go by category name. Label columns go through their dictionary, never row by row. Reading is safe from several
    threads.

    Parameters
    ----------
    data : a mapping from names to columns, Samples, a pandas or polars DataFrame, a pyarrow Table or RecordBatch,
        or anything else with ``__arrow_c_stream__``. Columns are matched by name, in any order.
    states : names of the states of every variable, in the order of the rows of a block.
    dtype : uint8 or uint16.
    keep_unknown : a label that is no state is read as one more code, the number of states, instead of refused.

    Raises
    ------
    KeyError : an unknown or missing column, an unknown label. TypeError : no table, or values of another kind.
    ValueError : repeated column names, columns of different lengths, floats that are not whole, missing values,
        numbers where they could be codes or state names, and when read: codes out of range, missing values.
    """

    def __init__(
        self, data: Any, states: Mapping[str, tuple[str, ...]], dtype: npt.DTypeLike, keep_unknown: bool = False
    ) -> None:
        columns, n_rows = matched_columns(data, states)
        self.n_rows: int = n_rows
        self._dtype = np.dtype(dtype)
        self._encoders: list[list[Encoder]] = []
        for name, own_states in states.items():
            variable = Column(name, own_states)
            row = 0
            own: list[Encoder] = []
            for piece in column_pieces(name, columns[name]):
                own.append(Encoder(piece, variable, row, keep_unknown))
                row += len(piece)
            self._encoders.append(own)

    def read(self, begin: int, end: int) -> npt.NDArray[np.unsignedinteger[Any]]:
        """The codes of rows ``begin`` to ``end`` as a fresh C-ordered block ``(n_vars, end - begin)``."""
        block = np.empty((len(self._encoders), end - begin), self._dtype)
        for out, encoders in zip(block, self._encoders, strict=True):
            row = -begin  # where the next piece starts in the block
            for encoder in encoders:
                first, last = max(row, 0), min(row + len(encoder), end - begin)
                if first < last:
                    encoder.encode(first - row, last - row, out[first:last])
                row += len(encoder)
        return block
