"""The boundary for data on a GPU: any accepted form -> columns there, checked there."""

from __future__ import annotations

from typing import Any

from ..runtime.cuda_queue import CudaQueue
from .cuda_arrays import cuda_view
from .cuda_blocks import CudaBlock, CudaPart
from .cuda_samples import CudaSamples
from .schema import Schema


def as_cuda_block(data: Any, schema: Schema, queue: CudaQueue) -> CudaBlock:
    """Samples, arrays of rows and mappings of columns on a GPU -> columns."""
    if isinstance(data, CudaSamples) and data.schema == schema:
        return CudaBlock(len(data), schema, CudaPart(*data.blocks))
    rows = cuda_view(data)
    raise NotImplementedError(rows)
