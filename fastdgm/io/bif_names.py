"""Names in BIF: quoted or not, in lists separated by commas or blanks, and intervals with a comma of their own.

A list without quotes is taken at its commas. Where that gives another number of names than the file declares, as in
``{ [18,35], (35,60] }`` with two states, commas inside an interval are part of its name.
"""

from __future__ import annotations

import re
from itertools import islice

_WORD = re.compile(r'"([^"]*)"|([^\s",|]+)')
_ITEM = re.compile(r'\s*+(?:"(?P<quoted>[^"]*)"|(?P<plain>[^",]*+))\s*+(?P<end>,|\Z)')
_INTERVAL_OR_NAME = re.compile(r"\s*+((?:[\[(\]][^\[\](),]*+,[^\[\](),]*+[\])\[])?+[^,]*+)(?:,|\Z)")

# What stands without quotes; with them anything but a quotation mark, a line break or half a character.
_PLAIN_VARIABLE = re.compile(r'(?!.*/[/*])[^\s\0\ud800-\udfff{}()|,;"]+')
_PLAIN_STATE = re.compile(r'(?!.*/[/*])[^\s\0{}(),;"](?:[^\n\r\0{}(),;"]*[^\s\0{}(),;"])?')
NAME = re.compile(r'[^"\n\r\0\ud800-\udfff]+')


def words(text: str, limit: int) -> list[str]:
    """The first ``limit`` names, separated by blanks, commas or bars, quoted or not."""
    return [match[1] or match[2] or "" for match in islice(_WORD.finditer(text), limit)]


def name_list(text: str, count: int, limit: int) -> list[str]:
    """The names of a list that should have ``count``: quoted, or with blanks inside, or intervals, or single words.

    Where none of these gives that number, another number of names comes back; past ``limit``, one more is counted.
    """
    if '"' in text:
        names = _items(text, limit + 1)
        return names if len(names) == count else words(text, limit + 1)
    names = _at_commas(text, limit)
    if len(names) > count > 0:
        intervals = _intervals(text, limit)
        names = intervals if len(intervals) == count else names
    return names if len(names) > 1 or count == 1 else text.split(None, limit)


def undeclared_list(text: str, limit: int) -> list[str]:
    """The names of a list that may have any length; past ``limit``, one more is counted.

    Raises
    ------
    ValueError : a comma may be part of an interval, or separate names.
    """
    if '"' in text:
        return words(text, limit + 1)
    names = _at_commas(text, limit)
    if len(names) > 1 and len(_intervals(text, limit)) != len(names):
        raise ValueError("a name with a comma in it is written in quotes")
    return names if len(names) > 1 else text.split(None, limit)


def _at_commas(text: str, limit: int) -> list[str]:
    return [name.strip() for name in text.split(",", limit)]


def _intervals(text: str, limit: int) -> list[str]:
    """The names between the commas that are not inside an interval, at most ``limit`` and one more."""
    names: list[str] = []
    position = 0
    while len(names) <= limit and (match := _INTERVAL_OR_NAME.match(text, position)):
        names.append(match[1].strip())
        position = match.end()
        if not match[0].endswith(","):
            break
    return names


def _items(text: str, limit: int) -> list[str]:
    """The names between commas, each quoted or without quotes; empty where some text is neither."""
    names: list[str] = []
    position = 0
    while len(names) < limit:
        match = _ITEM.match(text, position)
        if match is None:
            return []
        names.append(match["plain"].strip() if match["quoted"] is None else match["quoted"])
        position = match.end()
        if not match["end"]:
            break
    return names


def written_variable(name: str) -> str:
    """The name of a variable as it is written: in quotes where it needs them."""
    return name if _PLAIN_VARIABLE.fullmatch(name) else f'"{name}"'


def written_state(name: str) -> str:
    """The name of a state as it is written: in quotes where it needs them."""
    return name if _PLAIN_STATE.fullmatch(name) else f'"{name}"'
