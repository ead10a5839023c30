"""Counting: rows of codes -> how often each joint state of a cluster occurs, on all threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.blocks import Block
from ...runtime.pieces import cell_ranges
from ...runtime.threads import run_pieces
from .loops import LOOPS
from .plan import Structure

Array = npt.NDArray[Any]
CELLS_PER_COUNT = 128  # a piece has so many cells of data per cell of its own tables, which are cleared and added up
LARGEST_PIECE = 1 << 31  # cells, so that a 32-bit count cannot overflow
PIECES_AT_ONCE = 64  # bounds the memory of partial counts


def count_piece(structure: Structure, begin: int, end: int, codes: Array, weights: Array | None) -> tuple[Array, int]:
    """Counts of rows ``begin`` to ``end`` of columns of codes, and -1 or a row from which on a code is out of range."""
    plan = structure.counting
    cells = np.zeros((4, int(plan.table_start[-1])), np.uint32 if weights is None else np.float64)
    bad = LOOPS["count", "cpu"](begin, end, plan, structure.largest, codes, weights, cells)
    return cells.sum(axis=0, dtype=np.int64 if weights is None else np.float64), int(bad)


def count_cells(structure: Structure, block: Block, weights: Array | None) -> Array:
    """Counts by cell of ``structure.counting``: int64, or float64 when weighted.

    Pieces are added in order, whatever the number of threads. Raises what the block makes of a code out of range.
    """

    def count(begin: int, end: int) -> Array:
        part = block.read(begin, end, ("columns",))
        own_weights = None if weights is None else weights[part.first :]
        cells, bad = count_piece(structure, begin - part.first, end - part.first, part.codes, own_weights)
        if bad >= 0:
            raise block.explain(part.first + bad)
        return cells

    total = count(0, 0)  # compiles in this thread
    size = min(max(block.cells_per_piece, CELLS_PER_COUNT * total.size), LARGEST_PIECE)
    pieces = cell_ranges(block.n, len(structure.n_states), size)
    for first in range(0, len(pieces), PIECES_AT_ONCE):
        for cells in run_pieces(count, pieces[first : first + PIECES_AT_ONCE]):
            total += cells
    return total
