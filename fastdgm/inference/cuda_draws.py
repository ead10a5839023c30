"""Rows drawn on a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.cuda_samples import CudaSamples
from ..data.placement import Placement
from ..engines.cuda_program import CudaProgram


def sample(
    program: CudaProgram, placement: Placement, n: int, key: int, start: int, dtype: np.dtype[Any]
) -> CudaSamples:
    """Rows ``start`` to ``start + n`` of the stream of a key, parents first.

    Raises ValueError for more rows than fit in the memory of the card.
    """
    schema = program.program.schema
    bytes_per_row = schema.n_codes * schema.code_dtype.itemsize + schema.n_reals * dtype.itemsize
    placement.check_room(n * bytes_per_row, f"sampling {n} rows (iter_samples draws them in pieces)")
    values = program.sample(placement.cuda, n, key, start, dtype, placement.empty)
    return CudaSamples(values, schema, placement, key, start)
