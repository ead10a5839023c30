"""Models as files: any model in the native format; Bayes nets also as BIF, XMLBIF, UAI, HUGIN .net, GeNIe .xdsl, JSON.

The native format (``.safetensors``) keeps every bit of every model: see :mod:`fastdgm.io.native`.
Rules that hold for every text format:

* Rows of a table that sum to 1 within 1e-12 are left as they are, within 1e-6 they are divided by their sum
  (files are printed with few digits), within 1e-2 likewise with one warning per file that names the variables;
  further off is refused. ``tolerance=`` sets another limit than 1e-2.
* What is written reads back with the same names, states and probabilities, to the last bit. A name that the
  format cannot hold is a ValueError before anything is written. UAI stores no names at all: they are lost.
* A file holds one network: a second one, or a second table of a variable, is refused.
* A file is hostile until read: at most 256 MiB when decompressed, at most 100,000 variables with 4,194,304 states
  in all, time and memory linear in its size, and whatever is wrong with it is a
  :class:`~fastdgm.errors.FormatError` that names the file and, where known, the line. Beyond these sizes nothing
  is written either.
* Text is in the encoding that the caller names, else in that of its byte-order mark or XML declaration, else in
  UTF-8, or in Latin-1 where the bytes are no UTF-8, with one warning if they are in names. UTF-8 is written.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..bayesnet import BayesNet
from ..errors import FormatError
from .bif import read_bif, write_bif
from .bnlearn_json import read_json
from .bnlearn_json_writing import write_json
from .draft import MAX_STATES_OF_A_FILE, MAX_VARIABLES
from .encoding import decode
from .hugin import read_hugin, write_hugin
from .native import read_bytes, read_native, write_bytes, write_native
from .text import read_bounded, write_text
from .uai import Axes, loses_names, read_uai, write_uai
from .xdsl import read_xdsl, write_xdsl
from .xmlbif import read_xmlbif, write_xmlbif

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "read",
    "read_bif",
    "read_hugin",
    "read_json",
    "read_native",
    "read_uai",
    "read_xdsl",
    "read_xmlbif",
    "write",
    "write_bif",
    "write_hugin",
    "write_json",
    "write_native",
    "write_uai",
    "write_xdsl",
    "write_xmlbif",
]


class Format(NamedTuple):
    """How one file format goes from the content of a file to a model, and back to a file."""

    read: Callable[..., Any]
    write: Callable[[Any], Any]
    save: Callable[[Path, Any], None]


_BIF = Format(read_bif, write_bif, write_text)
_XMLBIF = Format(read_xmlbif, write_xmlbif, write_text)
_UAI = Format(read_uai, write_uai, write_text)
_HUGIN = Format(read_hugin, write_hugin, write_text)
_XDSL = Format(read_xdsl, write_xdsl, write_text)
_JSON = Format(read_json, write_json, write_text)
_NATIVE = Format(read_native, write_native, write_bytes)

FORMATS = {
    ".bif": _BIF,
    ".xmlbif": _XMLBIF,
    ".bifxml": _XMLBIF,
    ".xml": _XMLBIF,
    ".uai": _UAI,
    ".net": _HUGIN,
    ".hugin": _HUGIN,
    ".xdsl": _XDSL,
    ".json": _JSON,
}  # each also with .gz after it
NATIVE_SUFFIX = ".safetensors"


def read(
    path: str | os.PathLike[str],
    *,
    encoding: str | None = None,
    axes: Axes | None = None,
    tolerance: float | None = None,
    modules: Mapping[str, nn.Module] | None = None,
    guide: Mapping[str, nn.Module] | None = None,
) -> Any:
    """Read a model from a file; the suffix names the format, and ``.gz`` after it a compressed text file.

    Suffixes: ``.safetensors`` for any model in the native format; for Bayes nets also ``.bif``; ``.xmlbif``,
    ``.bifxml`` or ``.xml`` (0.3, and 0.2); ``.uai``; ``.net`` or ``.hugin``; ``.xdsl`` of GeNIe; ``.json`` of pgmpy's
    Gaussian networks. Linear Gaussians are in ``.net``, ``.json`` and ``.safetensors``, other conditionals that are no
    tables in ``.safetensors`` alone. The dialects of other programs are read too: BIF with quoted names, intervals and
    flat tables; XMLBIF with any namespace; HUGIN with names without quotes, counts and omitted tables; UAI with
    evidence behind the tables; JSON with types, levels and R's order of configurations. What was changed or left out,
    such as counts that became probabilities, is said in one warning for the file.

    Parameters
    ----------
    path : the file.
    encoding : of a text file, any character set that Python knows, such as ``"gb18030"``. By default what its
        byte-order mark says, or its XML declaration, else UTF-8; bytes that are no UTF-8 are read as Latin-1,
        with a warning if they are in names.
    axes : of the tables of a UAI file: ``"scope"`` if the last variable of a function changes fastest, ``"reversed"``
        if the first one does, as pgmpy writes it, ``"parents-reversed"`` if the last one does, then the first one, as
        aGrUM 3 writes it. Needed only where a file is refused because it leaves that open.
    tolerance : how far a row of a text file may be off from summing to 1; it is then divided by its sum. By default
        0.01, as where probabilities are typed with two digits; ``0.0`` demands sums that are exact to 1e-12, and
        refuses the counts and weights in HUGIN files, which are divided by their sum otherwise.
    modules : of a network with :class:`Neural` conditionals, the torch module of each of these by variable, as
        ``{"x": decoder}``: a file holds the state of a module, and its code is yours. The states are loaded into these
        modules, which the network keeps, all or none; variables that share a module in the file share it here too.
        Buffers that are not persistent are in no file, and neither is the mode or the device of a module.
    guide : the modules of the guide's :class:`Neural` conditionals, as ``{"z": encoder}``.

    Returns
    -------
    A model of the class that was written, such as :class:`~fastdgm.MADE`; a BayesNet from the text formats.

    Raises
    ------
    FormatError : the file is not of its format, contradicts itself, or has a row that does not sum to 1.
    ValueError : unknown suffix, encoding or ``axes``, a negative ``tolerance``, an option that the format does not
        have, or a file larger than memory; modules that are missing or too many (the error lists what the file needs),
        or whose states have other names, shapes or types than those in the file. OSError : the file cannot be opened.

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
    form = format_of(path)
    if axes is not None and form is not _UAI:
        raise ValueError(f"axes= is for .uai files, got {path.name!r}")
    if form is _NATIVE:
        for option, value in {"encoding": encoding, "tolerance": tolerance}.items():
            if value is not None:
                raise ValueError(f"{option}= is for text files, {path.name!r} is in the native format")
        return read_native(read_bytes(path), str(path), modules, guide)
    if modules is not None or guide is not None:
        raise ValueError(f"modules= and guide= are for {NATIVE_SUFFIX} files, got {path.name!r}")
    options: dict[str, Any] = {"tolerance": tolerance} | ({} if axes is None else {"axes": axes})
    text, doubt = decode(read_bounded(path), str(path), encoding, xml=form in (_XMLBIF, _XDSL))
    try:
        net = form.read(text, str(path), **options)
    except FormatError as error:
        if doubt:
            raise FormatError(f"{error} ({doubt})") from None
        raise
    if doubt and not _names_are_ascii(net):  # else the guess touched comments at most
        warnings.warn(doubt, UserWarning, stacklevel=2)
    return net


def _names_are_ascii(net: BayesNet) -> bool:
    return all(name.isascii() and all(map(str.isascii, net.states.get(name, ()))) for name in net.names)


def write(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model to a file; the suffix names the format as in :func:`read`.

    The file appears whole or not at all: it is written under a temporary name beside it and then renamed.
    ``.safetensors`` holds any model, to the last bit; a network without parameters too, but never the counts of
    ``partial_fit``, nor a :class:`Deterministic` of real parents. Of the torch modules of :class:`Neural` conditionals,
    and of those of a guide, it holds the states, never the code: :func:`read` takes modules to load them into. Linear
    Gaussians also go to ``.net`` and ``.json``; one whose variance, the square of its ``std``, is no double does not.
    UAI stores no names: they read back as ``x0``, ``x1``, ... with states ``0``, ``1``, ..., and a warning says so
    where others are lost. In ``.xdsl`` parents come before their children, whatever their order here.

    Raises
    ------
    ValueError : unknown suffix, a name that the format cannot hold, or a network larger than what is read back.
    NotFittedError : no tables yet.
    TypeError : no model, or one that the format cannot hold.

    Examples
    --------
    >>> import os, tempfile
    >>> import fastdgm as fd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "asia.net.gz")
    ...     fd.write(fd.example("asia"), path)
    ...     fd.read(path).names[:3]
    ('asia', 'tub', 'smoke')
    """
    if isinstance(model, str | os.PathLike):
        raise TypeError(f"write takes a model and a path, got {type(model).__name__} first")
    path = Path(path)
    form = format_of(path)
    if form is not _NATIVE and not isinstance(model, BayesNet):
        raise TypeError(
            f"{path.name!r} is a format for a BayesNet, got {type(model).__name__}: other models go to .safetensors"
        )
    content = form.write(model) if form is _NATIVE else _text(form, model)
    if form is not _NATIVE:
        _check_size(model, path)
    form.save(path, content)
    if form is _UAI and loses_names(model):
        warnings.warn(
            f"{path.name}: UAI stores no names: variables read back as x0, x1, ... and their states as 0, 1, ...",
            UserWarning,
            stacklevel=2,
        )


def _text(form: Format, net: BayesNet) -> Any:
    try:
        return form.write(net)
    except TypeError as error:
        raise TypeError(f"{error}; {NATIVE_SUFFIX} files hold other kinds too") from None


def _check_size(net: BayesNet, path: Path) -> None:
    """What could not be read back is not written."""
    n_states = sum(map(len, net.states.values()))
    if len(net) > MAX_VARIABLES or n_states > MAX_STATES_OF_A_FILE:
        raise ValueError(
            f"{path.name!r}: a text file holds at most {MAX_VARIABLES} variables with {MAX_STATES_OF_A_FILE} states in "
            f"all, got {len(net)} with {n_states}: larger networks go to {NATIVE_SUFFIX}"
        )


def format_of(path: Path) -> Format:
    """The format that a path's suffix names; ValueError for an unknown one."""
    if path.suffix.lower() == NATIVE_SUFFIX:
        return _NATIVE
    name = path.name.lower().removesuffix(".gz")
    suffix = os.path.splitext(name)[1]
    if suffix == NATIVE_SUFFIX:
        raise ValueError(f"arrays hardly compress: {NATIVE_SUFFIX} takes no .gz after it, got {str(path)!r}")
    if suffix == ".dsl":
        raise ValueError(f"GeNIe's .dsl is not read: open it in GeNIe and save it as .xdsl or .net, got {str(path)!r}")
    if suffix not in FORMATS:
        raise ValueError(
            f"the suffix of a file names its format: {', '.join(FORMATS)}, each also with .gz after it, "
            f"or {NATIVE_SUFFIX}; got {str(path)!r}"
        )
    return FORMATS[suffix]
