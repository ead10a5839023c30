"""Batches of rows for a torch module: few enough for the memory at hand, and fewer where torch says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ...runtime.pieces import split
from ...runtime.torch_modules import is_out_of_memory

Result = TypeVar("Result")

MOST_ROWS = {"cpu": 2048, "cuda": 1 << 16}
FEWEST_ROWS = 16
CELLS = {"cpu": 1 << 22, "cuda": 1 << 26}  # features and parameters of a batch
SMALLER = 8  # times, where memory was not enough


def rows_at_once(device: str, cells_per_row: int) -> int:
    """Rows of a batch on a kind of device; hidden layers are taken to be no wider than what goes in and comes out."""
    kind = device if device in CELLS else "cuda"
    return max(FEWEST_ROWS, min(MOST_ROWS[kind], CELLS[kind] // max(1, cells_per_row)))


def in_batches(
    begin: int, end: int, size: int, work: Callable[[int, int], Result], what: str
) -> Iterator[tuple[int, int, Result]]:
    """(first, last, work(first, last)) for all rows.

    A batch for which memory is not enough is worked on in smaller ones; MemoryError where one of those is too large.
    """
    for first, last in split(end - begin, size):
        found = _tried(begin + first, begin + last, work)
        if not isinstance(found, str):
            yield begin + first, begin + last, found[0]
            continue
        for own_first, own_last in split(last - first, -(-(last - first) // SMALLER)):
            part = begin + first + own_first, begin + first + own_last
            again = _tried(*part, work)
            if isinstance(again, str):
                raise MemoryError(f"{what} does not fit into memory for {part[1] - part[0]} rows at once: {again}")
            yield *part, again[0]


def _tried(first: int, last: int, work: Callable[[int, int], Result]) -> tuple[Result] | str:
    """The result, or torch's words; its error, and all that it keeps alive, is gone by then."""
    try:
        return (work(first, last),)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return str(error)[:500] or "out of memory"
