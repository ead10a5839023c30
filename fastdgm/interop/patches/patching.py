"""Patches as wholes: all replacements of a library or none, counted, and undone in the end."""

from __future__ import annotations

import threading
from importlib import import_module, metadata
from types import TracebackType
from typing import Any, NamedTuple, Self

from ...runtime.text import did_you_mean
from .replacement import Replacement


class Library(NamedTuple):
    """Where the replacements of a library are, and the versions that they were tested with."""

    module: str  # has replacements(): it imports the library and changes nothing
    at_least: str
    below: str


LIBRARIES = {
    "hmmlearn": Library(".hmmlearn", "0.3.0", "0.4"),
    "nflows": Library(".nflows", "0.14", "0.15"),
    "pgmpy": Library(".pgmpy", "1.0", "2"),
    "zuko": Library(".zuko", "1.3", "2"),
}

_lock = threading.RLock()
_applied: dict[str, list[tuple[Replacement, Any]]] = {}  # by library: what is in place, and what it took the place of
_holders: dict[str, int] = {}  # how many patches of a library are in force
_ABSENT = object()  # an attribute that the owner inherits


class Patch:
    """A patch in force: ``undo()`` it, or use it in a ``with`` statement.

    Several patches of one library are one: its own code is back when the last of them is undone.
    """

    def __init__(self, library: str) -> None:
        self.library = library
        self._in_force = True

    def undo(self) -> None:
        """Put the library's own code back, unless another patch of it is in force; a second call does nothing."""
        with _lock:
            if self._in_force:
                self._in_force = False
                _release(self.library)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.undo()

    def __repr__(self) -> str:
        return f"<patch of {self.library}, {'in force' if self._in_force else 'undone'}>"


def patch(library: str) -> Patch:
    """Put our loops behind another library's own classes, in this process, until the patch is undone.

    What a program calls stays the library's: the same classes, arguments and types of answers. An option that is not
    ours runs the library's own code, said once in a warning. Random draws are of the same distribution; their rows
    are other ones than the library's.

    Parameters
    ----------
    library : ``"hmmlearn"``, ``"nflows"``, ``"pgmpy"`` or ``"zuko"``.

    Raises
    ------
    ValueError : another name. ImportError : the library is not installed, or of a version that this was not made for;
        nothing is replaced then.

    Examples
    --------
    >>> import fastdgm as fd
    >>> with fd.patch("pgmpy"):  # doctest: +SKIP
    ...     rows = model.simulate(1_000_000, seed=0)
    >>> patch = fd.patch("hmmlearn")  # doctest: +SKIP
    >>> patch.undo()  # doctest: +SKIP
    """
    if library not in LIBRARIES:
        raise ValueError(f"patch takes one of {', '.join(LIBRARIES)}, got {library!r}{_near(library)}")
    with _lock:
        if not _holders.get(library):
            _check_version(library, LIBRARIES[library])
            _apply(library, import_module(LIBRARIES[library].module, __package__).replacements())
        _holders[library] = _holders.get(library, 0) + 1
    return Patch(library)


def _near(library: Any) -> str:
    return did_you_mean(library, LIBRARIES) if isinstance(library, str) else ""


def _check_version(name: str, library: Library) -> None:
    wanted = f"patch needs {name} {library.at_least} or later, below {library.below}"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        hint = f'pip install "{name}>={library.at_least},<{library.below}"'
        raise ImportError(f"{wanted}, and it is not installed: {hint}", name=name) from None
    if not _numbers(library.at_least) <= _numbers(version) < _numbers(library.below):
        raise ImportError(f"{wanted}, got {version}", name=name)


def _numbers(version: str) -> tuple[int, ...]:
    """1.0rc1 -> (1, 0): what a version begins with."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def _apply(library: str, replacements: list[Replacement]) -> None:
    """All or nothing."""
    done: list[tuple[Replacement, Any]] = []
    try:
        for each in replacements:
            done.append((each, vars(each.owner).get(each.name, _ABSENT)))
            setattr(each.owner, each.name, each.ours)
    except BaseException:
        _put_back(done)
        raise
    _applied[library] = done


def _release(library: str) -> None:
    _holders[library] -= 1
    if not _holders[library]:
        _put_back(_applied.pop(library))


def _put_back(done: list[tuple[Replacement, Any]]) -> None:
    """What was there before, unless somebody else has replaced it since."""
    for each, before in reversed(done):
        if vars(each.owner).get(each.name) is not each.ours:
            continue
        if before is _ABSENT:
            delattr(each.owner, each.name)
        else:
            setattr(each.owner, each.name, before)
