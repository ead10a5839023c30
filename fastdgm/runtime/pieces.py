"""Rows -> pieces, shared out among threads: the one place that splits work and compiles before it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .threads import get_num_threads, run_pieces

Ranges = list[tuple[int, int]]
Result = TypeVar("Result")

PIECE_WORK = 5e8  # multiply-adds: about 5 ms
SMALL_WORK = 1e7  # not worth waking a thread
STEP = 16  # rows: pieces of work end at multiples of it

SMALL_CELLS = 1 << 17  # about 0.1 ms of look-ups: not worth waking a thread
TILE = 4096  # rows: pieces of cells are whole tiles of the kernels
EVEN = 8  # many pieces are made a multiple of this, to share out evenly


def run_ranges(work: Callable[[int, int], Result], ranges: Sequence[tuple[int, int]]) -> list[Result]:
    """work(begin, end) for every range, on all threads; results in order.

    Several threads do not compile the same loop at once: where there are several ranges, work(0, 0) comes first, here.
    """
    if len(ranges) > 1:
        work(0, 0)
    return run_pieces(work, ranges)


def run_rows(work: Callable[[int, int], Any], n: int, work_per_row: float) -> None:
    """work(begin, end) for all rows, in pieces by the multiply-adds that a row is."""
    run_ranges(work, work_ranges(n, work_per_row))


def work_ranges(n: int, work_per_row: float) -> Ranges:
    """Row ranges of about equal work, equally many for every thread if there is enough to do."""
    work = n * work_per_row
    if work <= SMALL_WORK:
        return [(0, n)] if n else []
    threads = get_num_threads()
    count = max(1, round(work / PIECE_WORK / threads)) * threads
    return split(n, -(-n // (count * STEP)) * STEP)


def cell_ranges(n: int, n_vars: int, cells_per_piece: int) -> Ranges:
    """Row ranges of whole tiles and about so many cells; the same for any number of threads."""
    if n * n_vars <= SMALL_CELLS:
        return [(0, n)] if n else []
    count = max(2, n * n_vars // cells_per_piece)
    size = -(-n // (count // EVEN * EVEN or count))
    return split(n, -(-size // TILE) * TILE)


def split(n: int, size: int) -> Ranges:
    """0 to n in ranges of ``size``; the last has what is left."""
    return [(begin, min(begin + size, n)) for begin in range(0, n, size)]
