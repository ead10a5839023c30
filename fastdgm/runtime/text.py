"""Text of bounded length for messages and pictures: names and values come from files, and may be anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

_LONGEST = 1000  # characters of a message: values in hostile files have any length
_MOST_COMPARED, _LONGEST_COMPARED = 1000, 60  # names, and their characters, that a mistyped one is compared with


def shortened(message: str, longest: int = _LONGEST) -> str:
    """A message of bounded length: its begin and its end.

    Examples
    --------
    >>> shortened("x" * 1000, longest=20)
    'xxxxxxx ... xxxxxxxx'
    """
    if len(message) <= longest:
        return message
    half = (longest - 5) // 2
    return f"{message[:half]} ... {message[half + 5 - longest :]}"


def preview(names: Sequence[str] | Mapping[str, object], limit: int = 10) -> str:
    """The first few names, for an error message."""
    shown = list(names)[:limit]
    return f"{shown}"[:-1] + (", ...]" if len(names) > limit else "]")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the known name that is most like a mistyped one, if any of the first 1000 is.

    Examples
    --------
    >>> print("no example 'alram'" + did_you_mean("alram", ["alarm", "asia"]))
    no example 'alram'; did you mean 'alarm'?
    >>> did_you_mean("zebra", ["alarm", "asia"])
    ''
    """
    from difflib import get_close_matches

    if len(name) > _LONGEST_COMPARED:
        return ""
    names = [own for own in islice(known, _MOST_COMPARED) if len(own) <= _LONGEST_COMPARED]
    lower = {own.lower(): own for own in reversed(names)}
    close = get_close_matches(name.lower(), lower, n=1)
    return f"; did you mean {lower[close[0]]!r}?" if close else ""


MAX_LABEL = 24  # characters


def printable(text: str, longest: int = MAX_LABEL) -> str:
    """The text without control characters (names come from files), cut to 24 characters or ``longest``."""
    clean = "".join(c if c.isprintable() else "?" for c in text[: longest + 1])
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"
