"""Rows -> pieces for the kernels of neural families: by the work they are, not by their number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .threads import run_pieces, thread_count

PIECE_WORK = 5e8  # multiply-adds: about 5 ms
SMALL_WORK = 1e7  # not worth waking a thread
STEP = 16  # rows: pieces end at multiples of it


def pieces(n: int, work_per_row: float) -> list[tuple[int, int]]:
    """Row ranges of about equal work, at least one for every thread if there is enough to do."""
    work = n * work_per_row
    if work <= SMALL_WORK:
        return [(0, n)] if n else []
    count = max(thread_count(), round(work / PIECE_WORK))
    size = -(-n // (count * STEP)) * STEP
    return [(begin, min(begin + size, n)) for begin in range(0, n, size)]


def run_rows(work: Callable[[int, int], Any], n: int, work_per_row: float) -> None:
    """work(begin, end) for all rows, on all threads."""
    ranges = pieces(n, work_per_row)
    if len(ranges) > 1:
        work(0, 0)  # compile here, not in several threads at once
    run_pieces(work, ranges)
