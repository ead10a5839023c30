"""All rows of a table with named columns as one block of codes, as scoring and fitting read it piece by piece."""

from __future__ import annotations

from fastdgm.data.tables import TableReader


def encode_table(data, states, dtype):
    reader = TableReader(data, states, dtype)
    return reader.read(0, reader.n_rows)
