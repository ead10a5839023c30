"""XMLBIF 0.3 (Cozman 1998), as JavaBayes, Weka, GeNIe and aGrUM write it.

::

    <VARIABLE TYPE="nature"><NAME>wet</NAME><OUTCOME>dry</OUTCOME><OUTCOME>wet</OUTCOME></VARIABLE>
    <DEFINITION><FOR>wet</FOR><GIVEN>rain</GIVEN><TABLE>0.9 0.1 0.2 0.8</TABLE></DEFINITION>

In TABLE the child changes fastest, then the last GIVEN. Entities are refused, other elements skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from ..bayesnet import BayesNet
from ..conditionals.table import tables_of
from ..errors import FormatError
from .draft import Draft
from .text import Source, check_names, joined

_NETWORKS = {"BIF", "NETWORK"}
_BLOCKS = {"VARIABLE", "DEFINITION"}
_FIELDS = {"NAME", "OUTCOME", "FOR", "GIVEN", "TABLE"}
_PIECE_CHARACTERS = 1 << 16
# What the parser holds until its end, or for ever, takes many times the memory of its text.
_MAX_TAG_BYTES = 1 << 20
_MAX_DEPTH = 1 << 18
_MAX_TAGS = 1 << 12
_NAME = re.compile(r"(?!\s)[\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+(?<!\s)")


def read_xmlbif(text: str, source: str = "<text>", tolerance: float | None = None) -> BayesNet:
    """The network in an XMLBIF text; ``source`` is its name in messages.

    Raises
    ------
    FormatError : the text is no XMLBIF, contradicts itself, declares entities, has a decision or utility
        node, or a row that does not sum to 1; names the line.

    Examples
    --------
    >>> from fastdgm.io import read_xmlbif
    >>> net = read_xmlbif('''<BIF VERSION="0.3"><NETWORK>
    ...     <VARIABLE TYPE="nature"><NAME>rain</NAME><OUTCOME>no</OUTCOME><OUTCOME>yes</OUTCOME></VARIABLE>
    ...     <DEFINITION><FOR>rain</FOR><TABLE>0.8 0.2</TABLE></DEFINITION>
    ... </NETWORK></BIF>''')
    >>> net.states["rain"], net["rain"].table
    (('no', 'yes'), array([0.8, 0.2]))
    """
    return _Reader(_Utf8(text, source), tolerance).network()


class _Utf8(Source):
    """A text whose positions are those of the XML parser: bytes of UTF-8."""

    def line(self, position: int) -> int:
        """Number of the line that holds the byte at ``position``, from 1."""
        return self.text.encode(errors="surrogatepass").count(b"\n", 0, position) + 1


class _Reader:
    """The target of the XML parser: collects the fields of one block after the other, without a tree."""

    def __init__(self, source: Source, tolerance: float | None) -> None:
        from defusedxml.ElementTree import DefusedXMLParser

        self.source = source
        self.draft = Draft(source, tolerance)
        self.parser = DefusedXMLParser(target=self, encoding="utf-8")  # whatever the declaration says
        self.skipped = len(source.text) - len(source.text.lstrip())
        self.depth = 0
        self.tags: set[str] = set()
        self.definitions: list[tuple[dict[str, list[str]], int, int]] = []
        self.block = self.field = ""
        self.fields: dict[str, list[str]] = {}
        self.pieces: list[str] = []
        self.block_position = self.table_position = self.fed = 0

    def network(self) -> BayesNet:
        self._parse()
        for fields, position, table_position in self.definitions:
            self._definition(fields, position, table_position)
        return self.draft.network()

    def _parse(self) -> None:
        from defusedxml.ElementTree import ParseError

        try:
            # Strict XML allows no blanks before its declaration, some files have them.
            for start in range(self.skipped, len(self.source.text), _PIECE_CHARACTERS):
                self.fed += self._feed(self.source.text[start : start + _PIECE_CHARACTERS])
            self.parser.close()
        except FormatError:
            raise
        except ParseError as error:
            reason = str(error).partition(": line")[0]
            position = self._position()
            text = self.source.text.encode()
            found = text[position : position + 30].decode(errors="replace")
            at = f", at {found!r}" if found else ""
            hint = " after '<!-': a comment is written <!-- so -->" if text[:position].endswith(b"<!-") else ""
            raise self.source.error(f"this is no XML: {reason}{at}{hint}", position) from None
        except ValueError as error:  # defusedxml refuses entities and external references
            raise self.source.error(f"not accepted in XML: {error}", self._position()) from None

    def _feed(self, piece: str) -> int:
        """Hand some characters to the parser, which holds a tag or comment until its end; returns their bytes."""
        data = piece.encode()
        self.parser.feed(data)
        waiting = self.fed + len(data) - (self._position() - self.skipped)
        if waiting > _MAX_TAG_BYTES:
            raise self.source.error(f"a tag or comment has at most {_MAX_TAG_BYTES} bytes, got more", self._position())
        if not self.tags and self.fed > _MAX_TAG_BYTES:
            message = f"the first element comes in the first {_MAX_TAG_BYTES} bytes, there is none"
            raise self.source.error(message, self._position())
        return len(data)

    def _position(self) -> int:
        return self.skipped + max(int(self.parser.parser.CurrentByteIndex), 0)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        tag = _local(tag)
        self.depth += 1
        self.tags.add(tag)
        if self.depth > _MAX_DEPTH or len(self.tags) > _MAX_TAGS:
            message = f"elements nest at most {_MAX_DEPTH} deep and have at most {_MAX_TAGS} names, got more"
            raise self.source.error(message, self._position())
        if self.field:
            raise self.source.error(f"{self.field} has text only, got an element {tag!r}", self._position())
        if tag in _NETWORKS:
            self.draft.begin_network(tag, self._position())
        elif tag in _FIELDS and self.block:
            self.field = tag
            self.pieces = []
            if tag == "TABLE":
                self.table_position = self._position() + len("<TABLE>")
        elif tag in _BLOCKS:
            if self.block:
                raise self.source.error(f"{tag} inside {self.block}", self._position())
            kind = attributes.get("TYPE", "nature")
            if kind != "nature":
                raise self.source.error(f"only chance nodes are supported, got TYPE={kind!r}", self._position())
            self.block, self.block_position = tag, self._position()
            self.fields = {name: [] for name in _FIELDS}

    def data(self, text: str) -> None:
        """Some characters of an element."""
        if self.field:
            self.pieces.append(text)

    def comment(self, text: str) -> None:
        """In a table a comment counts as blanks of its length, so that numbers after it are found in their line."""
        if self.field == "TABLE":
            self.pieces.append(" " * (len(text.encode()) + len("<!---->")))

    def end(self, tag: str) -> None:
        """An element ends."""
        tag = _local(tag)
        self.depth -= 1
        if self.field:
            text = "".join(self.pieces)
            self.fields[tag].append(text if tag == "TABLE" else text.strip())
            self.field = ""
        elif tag == self.block == "VARIABLE":
            name = self._only(self.fields, "NAME", self.block_position)
            if not self.fields["OUTCOME"] and "VALUE" in self.tags:
                message = f"{name!r} has VALUEs for OUTCOMEs, as in XMLBIF 0.2; only 0.3 is supported"
                raise self.source.error(message, self.block_position)
            self.draft.add_variable(name, self.fields["OUTCOME"], self.block_position)
            self.block = ""
        elif tag == self.block:
            self.draft.check_count("DEFINITIONs", len(self.definitions) + 1, self.block_position)
            self.definitions.append((self.fields, self.block_position, self.table_position))
            self.block = ""

    def close(self) -> None:
        """The document ends."""

    def _definition(self, fields: dict[str, list[str]], position: int, table_position: int) -> None:
        child = self._only(fields, "FOR", position)
        family = self.draft.family(child, fields["GIVEN"], position)
        table = self._only(fields, "TABLE", position)
        self.draft.add_table(family, self.source.numbers(table, table_position))

    def _only(self, fields: dict[str, list[str]], tag: str, position: int) -> str:
        if len(fields[tag]) != 1:
            raise self.source.error(f"expected one {tag}, got {len(fields[tag])}", position)
        return fields[tag][0]


def _local(tag: str) -> str:
    """The name of an element without its namespace."""
    return tag.rpartition("}")[2]


def write_xmlbif(net: BayesNet) -> str:
    """The network as XMLBIF 0.3, with every probability to the last bit.

    Raises
    ------
    ValueError : a name that XML cannot hold: an empty one, control characters, or blanks at its ends.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.io import write_xmlbif
    >>> print(write_xmlbif(fd.BayesNet({"rain": fd.Categorical([0.8, 0.2], states=["no", "yes"])})))
    <?xml version="1.0" encoding="UTF-8"?>
    <BIF VERSION="0.3">
    <NETWORK>
    <NAME>unknown</NAME>
    <VARIABLE TYPE="nature">
      <NAME>rain</NAME>
      <OUTCOME>no</OUTCOME>
      <OUTCOME>yes</OUTCOME>
    </VARIABLE>
    <DEFINITION>
      <FOR>rain</FOR>
      <TABLE>
        0.8 0.2
      </TABLE>
    </DEFINITION>
    </NETWORK>
    </BIF>
    <BLANKLINE>
    """
    check_names(net, "XMLBIF", _NAME, _NAME)
    return "".join(f"{line}\n" for line in _lines(net))


def _lines(net: BayesNet) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<BIF VERSION="0.3">\n<NETWORK>\n<NAME>unknown</NAME>'
    for name, states in net.states.items():
        yield f'<VARIABLE TYPE="nature">\n  <NAME>{escape(name)}</NAME>'
        for state in states:
            yield f"  <OUTCOME>{escape(state)}</OUTCOME>"
        yield "</VARIABLE>"
    for name, cpt in tables_of(net.conditionals, "an XMLBIF file").items():
        yield f"<DEFINITION>\n  <FOR>{escape(name)}</FOR>"
        for parent in cpt.parents:
            yield f"  <GIVEN>{escape(parent)}</GIVEN>"
        yield "  <TABLE>"
        for row in cpt.table.reshape(-1, cpt.n_states).tolist():
            yield f"    {joined(' ', row)}"
        yield "  </TABLE>\n</DEFINITION>"
    yield "</NETWORK>\n</BIF>"
