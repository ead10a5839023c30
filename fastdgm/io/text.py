"""Text files as every format sees them: bounded and decoded when read, whole or not at all when written."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..runtime.files import atomic_file

if TYPE_CHECKING:
    from ..bayesnet import BayesNet

MAX_BYTES = 1 << 28  # after decompression: a few kilobytes of gzip can otherwise fill any memory
NO_DECIMAL_COMMA = "decimals are written with a point, not a comma"
_PIECE_BYTES = 1 << 20
_PIECE_CHARACTERS = 1 << 22  # converting numbers in pieces keeps the list of words small
_JOINED_PIECES = 1 << 16
_IN_A_LINE = re.compile(r"[^\n]")
_MESSAGE_CHARACTERS = 1000
Array = npt.NDArray[np.float64]
_BLANK = re.compile(r"\s")
_BLANKS = re.compile(r"\s*")
_WORD = re.compile(r"\S+", re.ASCII)


class Source:
    """The text of one file, its name, and errors that point into it."""

    __slots__ = ("name", "text")

    def __init__(self, text: str, name: str) -> None:
        self.text: str = text.replace("\r\n", "\n").replace("\r", "\n")
        self.name: str = name
        if "\0" in text:
            message = "a text has no NUL characters: is this a binary file, or one for encoding='utf-16'?"
            raise self.error(message, self.text.index("\0"))

    def error(self, message: str, position: int | None = None) -> FormatError:
        """The error to raise, with file and, when the position is known, line."""
        if len(message) > _MESSAGE_CHARACTERS:  # names in garbage can have any length
            message = f"{message[:_MESSAGE_CHARACTERS]} ..."
        if position is None:
            return FormatError(f"{self.name}: {message}")
        return FormatError(f"{self.name}, line {self.line(position)}: {message}")

    def line(self, position: int) -> int:
        """Number of the line that holds ``position``, from 1."""
        return self.text.count("\n", 0, position) + 1

    def unexpected(self, expected: str, position: int) -> FormatError:
        """The error to raise where the text does not continue as the format demands."""
        start = cast("re.Match[str]", _BLANKS.match(self.text, position)).end()
        found = repr(self.text[start : start + 30]) if start < len(self.text) else "the end of the file"
        return self.error(f"expected {expected}, got {found}", start)

    def numbers(self, text: str, position: int) -> Array:
        """All blank-separated numbers of a piece of the file that starts at ``position``."""
        values, _ = self.take_numbers(text, 0, (len(text) + 1) // 2, position)
        return values

    def take_numbers(self, text: str, start: int, count: int, position: int = 0) -> tuple[Array, int]:
        """The next ``count`` numbers of a text from ``start``, or all that it has, and where they end.

        ``text`` starts at ``position`` of the file.
        """
        values = np.empty(min(count, (len(text) - start + 1) // 2))
        filled = 0
        while filled < len(values) and start < len(text):
            wanted = len(values) - filled
            cut = _BLANK.search(text, start + min(_PIECE_CHARACTERS, 32 * wanted))
            piece = text[start : cut.start() if cut else len(text)]
            words = piece.split(None, wanted)
            if len(words) > wanted:  # the last one is the rest of the piece
                piece = piece[: len(piece) - len(words.pop())]
            values[filled : filled + len(words)] = self._convert(piece, words, position + start)
            filled += len(words)
            start += len(piece)
        return values[:filled], start

    def _convert(self, text: str, words: list[str], position: int) -> Array:
        try:
            if is_plain(text):
                return np.fromiter(map(float, words), np.float64, len(words))
        except ValueError:
            pass
        word = next(word for word in _WORD.finditer(text) if not _is_number(word[0]))
        hint = f": {NO_DECIMAL_COMMA}" if "," in word[0] else ""
        raise self.error(f"expected a number, got {word[0][:30]!r}{hint}", position + word.start())


def is_plain(text: str) -> bool:
    """Whether ``float`` can be trusted with the text: Python also reads ``1_0`` and non-ASCII digits."""
    return "_" not in text and text.isascii()


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return is_plain(word)


def number_of(word: str) -> float | None:
    """The finite number that a word is; None where it is none."""
    number = float(word) if _is_number(word) else math.inf
    return number if math.isfinite(number) else None


def blank_out(pattern: re.Pattern[str], text: str) -> str:
    """Replace what the pattern's group ``comment`` matched by blanks, so that every position stays as it was.

    The pattern also matches strings, outside that group: what looks like a comment in a string is none.
    """

    done: list[str] = []
    pieces: list[str] = []
    end = 0
    for match in pattern.finditer(text):
        if match["comment"] is None:
            continue
        pieces += (text[end : match.start("comment")], _IN_A_LINE.sub(" ", match["comment"]))
        end = match.end("comment")
        if len(pieces) >= _JOINED_PIECES:  # a list of short strings takes many times the memory of their text
            done.append("".join(pieces))
            pieces = []
    return "".join([*done, *pieces, text[end:]]) if end else text


def check_names(net: BayesNet, file_format: str, variable: re.Pattern[str], state: re.Pattern[str]) -> None:
    """Refuse the first name that the format, whose names match the patterns, cannot hold."""
    for name in net.names:
        if not variable.fullmatch(name):
            raise ValueError(f"{file_format} cannot hold the variable name {name!r}")
        for one in net.states.get(name, ()):
            if not state.fullmatch(one):
                raise ValueError(f"{file_format} cannot hold the state name {one!r} of {name!r}")


def joined(separator: str, row: Iterable[float]) -> str:
    """Numbers that read back as the same doubles."""
    return separator.join(map(repr, row))


def read_bounded(path: Path) -> bytes:
    """The bytes of a text file, decompressed if its name ends in ``.gz``.

    Raises FormatError for damaged gzip data and for more than ``MAX_BYTES`` bytes, which are never held in memory.
    """
    with path.open("rb") as raw:
        if path.suffix.lower() != ".gz":
            return _read_bounded(raw, path)
        try:
            with gzip.open(raw) as unpacked:
                return _read_bounded(cast("BinaryIO", unpacked), path)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise FormatError(f"{path}: the gzip data is damaged: {error}") from None


def _read_bounded(file: BinaryIO, path: Path) -> bytes:
    data = bytearray()
    while piece := file.read(_PIECE_BYTES):
        data += piece
        if len(data) > MAX_BYTES:
            raise FormatError(f"{path}: a file has at most {MAX_BYTES} bytes when decompressed, got more")
    return bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, compressed if the name ends in ``.gz``; the file appears whole or not at all."""
    data = text.encode("utf-8")
    if len(data) > MAX_BYTES:
        raise ValueError(
            f"{path.name!r}: a text file has at most {MAX_BYTES} bytes, this network takes {len(data)}: it goes to "
            f".safetensors"
        )
    if path.suffix.lower() == ".gz":
        data = gzip.compress(data, mtime=0)  # no time stamp: the same network gives the same bytes
    with atomic_file(path) as file:
        file.write(data)
