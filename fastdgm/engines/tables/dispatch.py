"""Arrays in -> which loop runs, on which rows: the one table of kernels, and how rows are split into pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import Codes, Columns, Table
from ...kernels import cpt, tiles
from ...runtime.threads import run_pieces

if TYPE_CHECKING:
    from .plan import Structure

INLINE_CELLS = 1 << 17  # about 0.1 ms of work: not worth waking a thread
PIECE_CELLS = 1 << 21  # about 0.5 ms: long enough to forget the call, short enough to share out evenly
TABLE_PIECE_CELLS = 1 << 23  # tables with named columns also cost a few microseconds per column
EVEN = 8  # many pieces are made a multiple of this, to share out evenly

LOOPS: dict[str, Callable[..., Any]] = {
    "sample": cpt.sample_cpu,
    "log_prob columns": cpt.log_prob_cpu,
    "log_prob rows": cpt.log_prob_rows_cpu,
    "log_prob per variable": cpt.log_prob_per_variable_cpu,
    "count": cpt.count_cpu,
}


def piece_cells(codes: Codes) -> int:
    """How many cells a piece should have."""
    return TABLE_PIECE_CELLS if isinstance(codes, Table) else PIECE_CELLS


def pieces_of(n: int, n_vars: int, cells: int = PIECE_CELLS) -> list[tuple[int, int]]:
    """Row ranges of whole tiles; the same for any number of threads."""
    if n * n_vars <= INLINE_CELLS:
        return [(0, n)] if n else []
    count = max(2, n * n_vars // cells)
    size = -(-n // (count // EVEN * EVEN or count))
    size = -(-size // tiles.TILE) * tiles.TILE
    return [(begin, min(begin + size, n)) for begin in range(0, n, size)]


def run(loop: str, n: int, n_vars: int, *arguments: Any) -> int:
    """Run a loop over all rows; returns -1 or the smallest row that a loop reported."""
    function = LOOPS[loop]

    def work(begin: int, end: int) -> int:
        reported = function(begin, end, *arguments)
        return -1 if reported is None else reported

    pieces = pieces_of(n, n_vars)
    if len(pieces) > 1:
        work(0, 0)  # compile here, not in several workers at once
    return min((row for row in run_pieces(work, pieces) if row >= 0), default=-1)


def run_on_columns(loop: str, codes: Codes, structure: Structure, plan: Any, out: npt.NDArray[Any]) -> int:
    """As ``run`` for a loop (begin, end, plan, largest, columns, out) whose columns may come piece by piece."""
    function = LOOPS[loop]

    def work(begin: int, end: int) -> int:
        columns, _ = codes.columns(begin, end, structure)
        if isinstance(codes, Columns):
            return function(begin, end, plan, structure.largest, columns, out)
        part = np.empty((*out.shape[:-1], end - begin))
        bad = function(0, end - begin, plan, structure.largest, columns, part)
        out[..., begin:end] = part
        return bad if bad < 0 else begin + bad

    pieces = pieces_of(codes.n, len(structure.n_states), piece_cells(codes))
    if len(pieces) > 1:
        work(0, 0)
    return min((row for row in run_pieces(work, pieces) if row >= 0), default=-1)
