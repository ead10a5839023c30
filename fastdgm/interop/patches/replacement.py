"""What a patch puts in place of what, and how our function hands a call back to the library's own."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple


class Replacement(NamedTuple):
    """An attribute of a class or module of the library, and what takes its place."""

    owner: Any
    name: str
    ours: Any


class NotOursError(Exception):
    """A call that our function leaves to the library's own, raised before anything is changed; the text says why.

    Without a text nothing is said: for calls that the library itself refuses.
    """


def faster(owner: Any, name: str, ours: Callable[..., Any]) -> Replacement:
    """``owner.name`` by ``ours``, with the signature of the library's own, which runs where ours raises NotOursError.

    The first such call with a reason is said in a warning; later ones with the same reason are silent.
    """
    theirs = getattr(owner, name)

    @functools.wraps(theirs)
    def ours_or_theirs(*arguments: Any, **options: Any) -> Any:
        try:
            return ours(*arguments, **options)
        except NotOursError as reason:
            if str(reason):
                _say_once(f"{theirs.__qualname__} runs the library's own code: {reason}")
        return theirs(*arguments, **options)

    return Replacement(owner, name, ours_or_theirs)


_said: set[str] = set()


def _say_once(text: str) -> None:
    if text not in _said:
        _said.add(text)
        warnings.warn(text, UserWarning, stacklevel=3)
