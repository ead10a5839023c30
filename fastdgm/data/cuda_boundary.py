"""The boundary for data on a GPU: any accepted form -> columns there, checked there."""

from __future__ import annotations

from typing import Any

from ..runtime.cuda_queue import CudaQueue
from .cuda_blocks import CudaBlock
from .cuda_reader import CudaReader, Empty
from .schema import Schema


def as_cuda_block(data: Any, schema: Schema, queue: CudaQueue, empty: Empty | None = None) -> CudaBlock:
    """Complete rows on a GPU: CudaSamples, arrays ``(n, n_cells)`` and mappings of columns -> columns.

    Codes are integers, whole floats or booleans, reals any numbers. What has the network's own type and lies by column
    is read where it is. Rows of CudaSamples that were drawn by us are known to be right; others are checked by the card
    in the pass that reads them, and that is waited for.

    Parameters
    ----------
    empty : gives memory where rows are copied to; by default the queue's own.

    Raises
    ------
    MissingValuesError : values that are missing. UnknownNameError : columns that are absent, or no variables.
        ValueError : what is no code, or not finite; another shape. TypeError : values of another kind.
    """
    reader = CudaReader(data, schema, queue, empty)
    reader.refuse_absent()
    block = reader.read(0, reader.n)
    block.refuse_missing()
    return block


def as_partial_cuda_block(data: Any, schema: Schema, queue: CudaQueue, empty: Empty | None = None) -> CudaBlock:
    """As ``as_cuda_block`` for rows in which values may be missing: -1 in signed integers, all ones in unsigned ones
    (where no state has that name or code), NaN, and columns that are absent."""
    reader = CudaReader(data, schema, queue, empty)
    return reader.read(0, reader.n)
