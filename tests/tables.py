"""What the engine of tables reads: rows of a table with named columns as codes, and the plans of a network."""

from __future__ import annotations

from fastdgm.data.tables import TableReader


def encode_table(data, states, dtype):
    reader = TableReader(data, states, dtype)
    return reader.read(0, reader.n_rows)


def plans_of(net):
    """The plans of a network of tables only."""
    (engine,) = net._program.scoring
    return engine.plans
