"""Errors about a row of one part of a larger table: which part, and what the row is called there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import ImpossibleEvidenceError, MissingValuesError, UnknownNameError

# Those that are made of one text, and are raised for what is wrong with data.
_OURS = (ValueError, TypeError, KeyError, UnknownNameError, MissingValuesError, ImpossibleEvidenceError)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")  # names, labels and values, any of which may read "row 5"
_ROW = re.compile(r"\brow ([0-9]+)\b")


@contextmanager
def located(part: str, index: Sequence[Any] | None = None) -> Iterator[None]:
    """Errors of the body begin with the part that they are about.

    Where they name a row of it, they end with its entry in ``index``, by which the user knows it.

    Examples
    --------
    >>> with located("partition 3", index=["x7", "x8"]):
    ...     raise ValueError("column 'a', row 1 is missing")
    Traceback (most recent call last):
        ...
    ValueError: partition 3: column 'a', row 1 is missing; row 1 of partition 3 has the index 'x8'
    """
    try:
        yield
    except _OURS as error:
        if type(error) not in _OURS or len(error.args) != 1:
            raise
        text = str(error.args[0])
        raise type(error)(f"{part}: {text}{_called(text, part, index)}") from None


def _called(text: str, part: str, index: Sequence[Any] | None) -> str:
    """What the row that a text names is called; "" where it names none."""
    found = _ROW.search(_QUOTED.sub("", text))
    if found is None or index is None or int(found[1]) >= len(index):
        return ""
    entry = index[int(found[1])]
    for plain in ("item", "as_py"):  # numbers of NumPy, scalars of Arrow
        entry = getattr(entry, plain)() if hasattr(entry, plain) else entry
    return f"; row {found[1]} of {part} has the index {entry!r:.80}"
