"""XML as the readers see it: events without a tree, within limits on what a parser would otherwise hold in memory.

Entities and external references are refused. aGrUM's malformed comments ``<!- so ->`` are skipped.
"""

from __future__ import annotations

import re
from typing import Protocol

from ..errors import FormatError
from .text import Source, blank_out

_PIECE_CHARACTERS = 1 << 16
# What the parser holds until its end, or for ever, takes many times the memory of its text.
_MAX_TAG_BYTES = 1 << 20
_MAX_DEPTH = 1 << 18
_MAX_TAGS = 1 << 12
_MALFORMED = re.compile(r"<!-(?!-)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|(?P<comment><!-(?!-)[^<>]*+(?<=-)>)", re.DOTALL)


class XmlSource(Source):
    """A text whose positions are those of the XML parser: bytes of UTF-8."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text, name)
        if _MALFORMED.search(self.text):
            self.text: str = blank_out(_COMMENT, self.text)

    def line(self, position: int) -> int:
        """Number of the line that holds the byte at ``position``, from 1."""
        return self.text.encode(errors="surrogatepass").count(b"\n", 0, position) + 1


class Events(Protocol):
    """What a reader does with the parts of a document, in their order."""

    def start(self, tag: str, attributes: dict[str, str], depth: int) -> None:
        """An element begins, the outermost one at depth 1; ``tag`` is its local name, whatever its namespace."""

    def data(self, text: str) -> None:
        """Some characters of an element."""

    def comment(self, text: str) -> None:
        """A comment."""

    def end(self, tag: str, depth: int) -> None:
        """An element ends."""


class XmlParser:
    """Parses a text and hands its parts to ``events``."""

    def __init__(self, source: Source, events: Events) -> None:
        from defusedxml.ElementTree import DefusedXMLParser

        self.source = source
        self.events = events
        self._parser = DefusedXMLParser(target=self, encoding="utf-8")  # whatever the declaration says
        self._skipped = len(source.text) - len(source.text.lstrip())
        self._fed = 0
        self._depth = 0
        self._tags: set[str] = set()

    def parse(self) -> None:
        """Go through the document.

        Raises
        ------
        FormatError : no XML, entities, or more than the limits; names the line.
        """
        from defusedxml.ElementTree import ParseError

        try:
            # Strict XML allows no blanks before its declaration, some files have them.
            for start in range(self._skipped, len(self.source.text), _PIECE_CHARACTERS):
                self._fed += self._feed(self.source.text[start : start + _PIECE_CHARACTERS])
            self._parser.close()
        except FormatError:
            raise
        except ParseError as error:
            reason = str(error).partition(": line")[0]
            position = self.position()
            text = self.source.text.encode()
            found = text[position : position + 30].decode(errors="replace")
            at = f", at {found!r}" if found else ""
            hint = " after '<!-': a comment is written <!-- so -->" if text[:position].endswith(b"<!-") else ""
            raise self.source.error(f"this is no XML: {reason}{at}{hint}", position) from None
        except ValueError as error:  # defusedxml refuses entities and external references
            raise self.source.error(f"not accepted in XML: {error}", self.position()) from None

    def position(self) -> int:
        """Where in the file the part begins that is handed over now."""
        return self._skipped + max(int(self._parser.parser.CurrentByteIndex), 0)

    def _feed(self, piece: str) -> int:
        """Hand some characters to the parser, which holds a tag or comment until its end; returns their bytes."""
        data = piece.encode()
        self._parser.feed(data)
        waiting = self._fed + len(data) - (self.position() - self._skipped)
        if waiting > _MAX_TAG_BYTES:
            raise self.source.error(f"a tag or comment has at most {_MAX_TAG_BYTES} bytes, got more", self.position())
        if not self._tags and self._fed > _MAX_TAG_BYTES:
            message = f"the first element comes in the first {_MAX_TAG_BYTES} bytes, there is none"
            raise self.source.error(message, self.position())
        return len(data)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Called by the parser: an element begins."""
        tag = _local(tag)
        self._depth += 1
        self._tags.add(tag)
        if self._depth > _MAX_DEPTH or len(self._tags) > _MAX_TAGS:
            message = f"elements nest at most {_MAX_DEPTH} deep and have at most {_MAX_TAGS} names, got more"
            raise self.source.error(message, self.position())
        self.events.start(tag, attributes, self._depth)

    def data(self, text: str) -> None:
        """Called by the parser: some characters of an element."""
        self.events.data(text)

    def comment(self, text: str) -> None:
        """Called by the parser: a comment."""
        self.events.comment(text)

    def end(self, tag: str) -> None:
        """Called by the parser: an element ends."""
        self.events.end(_local(tag), self._depth)
        self._depth -= 1

    def close(self) -> None:
        """Called by the parser: the document ends."""


def _local(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rpartition("}")[2]
