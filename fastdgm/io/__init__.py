"""Discrete networks as files: BIF, XMLBIF 0.3, UAI (BAYES) and HUGIN .net, read and written.

Rules that hold for every format:

* Rows of a table that sum to 1 within 1e-12 are left as they are, within 1e-6 they are divided by their sum
  (files are printed with few digits), within 1e-3 likewise with one warning per file; further off is refused.
* What is written reads back with the same names, states and probabilities, to the last bit. A name that the
  format cannot hold is a ValueError before anything is written. UAI stores no names at all: they are lost.
* A file is hostile until read: at most 256 MiB when decompressed, time linear in its size, and whatever is
  wrong with it is a :class:`~fastdgm.errors.FormatError` that names the file and, where known, the line.
* Text is UTF-8, or Latin-1 where the bytes are no UTF-8; UTF-8 is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..bayesnet import BayesNet
from .bif import read_bif, write_bif
from .hugin import read_hugin, write_hugin
from .text import read_text, write_text
from .uai import read_uai, write_uai
from .xmlbif import read_xmlbif, write_xmlbif

__all__ = [
    "read",
    "read_bif",
    "read_hugin",
    "read_uai",
    "read_xmlbif",
    "write",
    "write_bif",
    "write_hugin",
    "write_uai",
    "write_xmlbif",
]


class Format(NamedTuple):
    """How to read and write the text of one file format."""

    read: Callable[[str, str], BayesNet]
    write: Callable[[BayesNet], str]


_BIF = Format(read_bif, write_bif)
_XMLBIF = Format(read_xmlbif, write_xmlbif)
_UAI = Format(read_uai, write_uai)
_HUGIN = Format(read_hugin, write_hugin)

FORMATS = {
    ".bif": _BIF,
    ".xmlbif": _XMLBIF,
    ".bifxml": _XMLBIF,
    ".xml": _XMLBIF,
    ".uai": _UAI,
    ".net": _HUGIN,
    ".hugin": _HUGIN,
}


def read(path: str | os.PathLike[str]) -> BayesNet:
    """Read a network from a file; the suffix names the format, and ``.gz`` after it a compressed file.

    Suffixes: ``.bif``; ``.xmlbif``, ``.bifxml`` or ``.xml``; ``.uai``; ``.net`` or ``.hugin``.

    Raises
    ------
    FormatError : the file is not of its format, contradicts itself, or has a row that does not sum to 1.
    ValueError : unknown suffix. OSError : the file cannot be opened.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastdgm as fd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "asia.bif.gz")
    ...     fd.write(fd.example("asia"), path)
    ...     fd.read(path).n_parameters
    18
    """
    path = Path(path)
    return format_of(path).read(read_text(path), str(path))


def write(net: BayesNet, path: str | os.PathLike[str]) -> None:
    """Write a network to a file; the suffix names the format as in :func:`read`.

    The file appears whole or not at all: it is written under a temporary name beside it and then renamed.
    UAI stores no names: they read back as ``x0``, ``x1``, ... with states ``0``, ``1``, ...

    Raises
    ------
    ValueError : unknown suffix, or a name that the format cannot hold. NotFittedError : no tables yet.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastdgm as fd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "asia.uai")
    ...     fd.write(fd.example("asia"), path)
    ...     fd.read(path).names[:3]
    ('x0', 'x1', 'x2')
    """
    if not isinstance(net, BayesNet):
        raise TypeError(f"write takes a BayesNet and a path, got {type(net).__name__}")
    path = Path(path)
    write_text(path, format_of(path).write(net))


def format_of(path: Path) -> Format:
    """The format that a path's suffix names; ValueError for an unknown one."""
    name = path.name.lower().removesuffix(".gz")
    suffix = os.path.splitext(name)[1]
    if suffix not in FORMATS:
        raise ValueError(
            f"the suffix of a file names its format: {', '.join(FORMATS)}, each also with .gz after it; "
            f"got {str(path)!r}"
        )
    return FORMATS[suffix]
