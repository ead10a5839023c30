"""Arrays in -> which loop runs, on which rows: the one table of kernels, and how rows are split into pieces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .kernels import cpt, tiles
from .threads import run_pieces

INLINE_CELLS = 1 << 17  # about 0.1 ms of work: not worth waking a thread
PIECE_CELLS = 1 << 21  # about 1 ms: long enough to forget the call, short enough to share out evenly

LOOPS: dict[str, Callable[..., Any]] = {
    "sample": cpt.sample_cpu,
    "log_prob columns": cpt.log_prob_cpu,
    "log_prob rows": cpt.log_prob_rows_cpu,
    "log_prob per variable": cpt.log_prob_per_variable_cpu,
    "count": cpt.count_cpu,
    "columns from rows": tiles.columns_from_rows_cpu,
}


def pieces_of(n: int, n_vars: int, piece_cells: int = PIECE_CELLS) -> list[tuple[int, int]]:
    """Row ranges of whole tiles; the same for any number of threads."""
    if n * n_vars <= INLINE_CELLS:
        return [(0, n)] if n else []
    size = -(-n // max(2, n * n_vars // piece_cells))
    size = -(-size // tiles.TILE) * tiles.TILE
    return [(begin, min(begin + size, n)) for begin in range(0, n, size)]


def run(loop: str, n: int, n_vars: int, *arguments: Any) -> int:
    """Run a loop over all rows; returns -1 or the smallest row that a loop reported."""
    function = LOOPS[loop]
    pieces = pieces_of(n, n_vars)
    if len(pieces) > 1:
        function(0, 0, *arguments)  # compile here, not in several workers at once

    def work(begin: int, end: int) -> int:
        reported = function(begin, end, *arguments)
        return -1 if reported is None else reported

    return min((row for row in run_pieces(work, pieces) if row >= 0), default=-1)
