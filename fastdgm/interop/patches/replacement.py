"""What a patch puts in place of what, and how our function hands a call back to the library's own."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from types import FrameType
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
    library = theirs.__module__.partition(".")[0]

    @functools.wraps(theirs)
    def ours_or_theirs(*arguments: Any, **options: Any) -> Any:
        try:
            return ours(*arguments, **options)
        except NotOursError as reason:
            if str(reason):
                _say_once(f"{theirs.__qualname__} runs the library's own code: {reason}", library)
        except TypeError as error:
            if not _is_of_the_call_itself(error):
                raise
        return theirs(*arguments, **options)

    return Replacement(owner, name, ours_or_theirs)


def _is_of_the_call_itself(error: TypeError) -> bool:
    """Whether arguments do not fit our function: the library's own may know them, and if not it says so."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is None


_said: set[str] = set()


def _say_once(text: str, library: str) -> None:
    """A warning at the line of the user's that called the library."""
    if text not in _said:
        _said.add(text)
        warnings.warn(text, UserWarning, stacklevel=_level_outside(library))


def _level_outside(library: str) -> int:
    """The stack level, for the caller's warnings, of the first frame that is neither ours nor the library's."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and _root(frame) in ("fastdgm", library):
        level, frame = level + 1, frame.f_back
    return level


def _root(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]
