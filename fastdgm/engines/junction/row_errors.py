"""Errors about one row, which say its number in the rows that were asked about, however these were cut into pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt


class RowError(ValueError):
    """What is wrong with a row; ``row`` is its number in what the raising function was given."""

    def __init__(self, row: int, before: str, after: str) -> None:
        super().__init__(row, before, after)
        self.row: int = row
        self._before, self._after = before, after

    def __str__(self) -> str:
        return f"{self._before}row {self.row}{self._after}"


@contextmanager
def numbered(rows: Sequence[int] | npt.NDArray[Any]) -> Iterator[None]:
    """Row i of an error that is raised within is row ``rows[i]``."""
    try:
        yield
    except RowError as error:
        error.row = int(rows[error.row])
        raise
