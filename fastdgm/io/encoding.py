"""From the bytes of a text file to its text, and what to say where the bytes leave room for doubt."""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

from ..errors import FormatError

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_XML_DECLARATION = re.compile(rb"""\s*<\?xml\s[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z][\w.:-]{0,40})["']""", re.ASCII)
_NOT_BYTEWISE = ("utf-16", "utf-32")
_NO_CHARACTER_SET = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}  # some are quadratic
_HINT = "name the right one, as in fastdgm.read(path, encoding='gb18030')"


class Decoded(NamedTuple):
    """The text of a file, and a sentence that says what had to be guessed (empty where nothing had to be)."""

    text: str
    doubt: str


def decode(data: bytes, name: str, encoding: str | None = None, xml: bool = False) -> Decoded:
    """The text of a file ``name``: by ``encoding``, else its byte-order mark, its XML declaration, UTF-8 or Latin-1.

    Raises
    ------
    FormatError : bytes that are not of the encoding that the caller, the mark or the declaration names.
    ValueError : ``encoding`` is no character set that Python knows.
    """
    if encoding is not None:
        if not is_character_set(encoding):
            raise ValueError(f"encoding= names a character set that Python knows, got {encoding[:50]!r}")
        return Decoded(_strict(data, name, encoding, f"encoding={encoding!r}"), "")
    for mark, marked in _MARKS.items():
        if data.startswith(mark):
            return Decoded(_strict(data, name, marked, "the byte-order mark"), "")
    declared = _declared(data, name) if xml else "utf-8"
    if declared != "utf-8":
        return Decoded(_strict(data, name, declared, "the XML declaration"), "")
    try:
        return Decoded(data.decode("utf-8"), "")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        doubt = f"{name}: the file is no UTF-8 (byte 0x{data[error.start]:02x} in line {line}) and was read as Latin-1"
        return Decoded(data.decode("latin-1"), f"{doubt}; if its names look wrong, {_HINT}")


def is_character_set(encoding: str) -> bool:
    """Whether ``bytes.decode`` knows the encoding, and it is a plain table or a form of Unicode."""
    try:
        "a".encode(encoding)
        return codecs.lookup(encoding).name.replace("_", "-") not in _NO_CHARACTER_SET
    except (LookupError, ValueError):  # LookupError also for codecs from bytes to bytes
        return False


def _declared(data: bytes, name: str) -> str:
    """The encoding that an XML declaration names. One read byte by byte is not in UTF-16, whatever it says."""
    match = _XML_DECLARATION.match(data)
    declared = match[1].decode("ascii") if match else "utf-8"
    if not is_character_set(declared):
        raise FormatError(f"{name}: the XML declaration names the unknown encoding {declared!r}: {_HINT}")
    declared = codecs.lookup(declared).name
    return "utf-8" if declared.startswith(_NOT_BYTEWISE) else declared


def _strict(data: bytes, name: str, encoding: str, source: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeError as error:
        at = f" at byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        known = codecs.lookup(encoding).name
        raise FormatError(f"{name}: {source} says {known}, but{at} the file is not: {_HINT}") from None
