"""XMLBIF 0.3 (Cozman 1998), as JavaBayes, Weka, AIspace, GeNIe and aGrUM write it, and 0.2.

::

    <VARIABLE TYPE="nature"><NAME>wet</NAME><OUTCOME>dry</OUTCOME><OUTCOME>wet</OUTCOME></VARIABLE>
    <DEFINITION><FOR>wet</FOR><GIVEN>rain</GIVEN><TABLE>0.9 0.1 0.2 0.8</TABLE></DEFINITION>

In TABLE the child changes fastest, then the last GIVEN. Elements are known by their local names, in capitals or not;
other elements are skipped. Version 0.2 has VALUE for OUTCOME and PROBABILITY for DEFINITION; in its tables the child
changes fastest or slowest, whichever makes the rows sum to 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from ..bayesnet import BayesNet
from ..conditionals.table import tables_of
from .axes import FlatTable, add_flat_tables, flat_table
from .draft import Draft, Family
from .text import Array, check_names, joined
from .xml_text import XmlParser, XmlSource

_NETWORKS = {"BIF", "NETWORK"}
_BLOCKS = {"VARIABLE", "DEFINITION"}
_FIELDS = {"NAME", "TYPE", "OUTCOME", "FOR", "GIVEN", "TABLE"}
_OF_VERSION_2 = {"VALUE": "OUTCOME", "PROBABILITY": "DEFINITION"}
_CHANCE = {"nature", "chance", "discrete"}
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
    return _Reader(XmlSource(text, source), tolerance).network()


class _Reader:
    """Collects the fields of one block after the other; tables are read once all variables are known."""

    def __init__(self, source: XmlSource, tolerance: float | None) -> None:
        self.source = source
        self.draft = Draft(source, tolerance)
        self.xml = XmlParser(source, self)
        self.definitions: list[tuple[str, dict[str, list[str]], int, int]] = []
        self.block = self.block_tag = self.field = ""
        self.fields: dict[str, list[str]] = {}
        self.pieces: list[str] = []
        self.block_position = self.table_position = 0

    def network(self) -> BayesNet:
        self.xml.parse()
        old: list[FlatTable] = []
        for tag, fields, position, table_position in self.definitions:
            family, values = self._table(fields, position, table_position)
            if tag == "PROBABILITY":
                self.draft.check_length(family, values)
                old.append(flat_table(family, values, self.draft.tolerance))
            else:
                self.draft.add_table(family, values)
        add_flat_tables(self.draft, old, "; in XMLBIF 0.3 the child changes fastest")
        return self.draft.network()

    def start(self, tag: str, attributes: dict[str, str], depth: int) -> None:
        """An element begins."""
        if self.field:
            raise self.source.error(f"{self.field} has text only, got an element {tag!r}", self.xml.position())
        tag = tag.upper()
        kind = _OF_VERSION_2.get(tag, tag)
        if kind in _NETWORKS:
            self.draft.begin_network(kind, self.xml.position())
        elif kind in _FIELDS and self.block:
            self.field = kind
            self.pieces = []
            if kind == "TABLE":
                self.table_position = self.xml.position() + len("<TABLE>")
        elif kind in _BLOCKS:
            if self.block:
                raise self.source.error(f"{tag} inside {self.block_tag}", self.xml.position())
            self.block, self.block_tag, self.block_position = kind, tag, self.xml.position()
            for name, value in attributes.items():
                self._check_type(value if name.upper() == "TYPE" else "nature")
            self.fields = {name: [] for name in _FIELDS}

    def _check_type(self, kind: str) -> None:
        if kind.lower() not in _CHANCE:
            raise self.source.error(f"only chance nodes are supported, got TYPE={kind!r}", self.block_position)

    def data(self, text: str) -> None:
        """Some characters of an element."""
        if self.field:
            self.pieces.append(text)

    def comment(self, text: str) -> None:
        """In a table a comment counts as blanks of its length, so that numbers after it are found in their line."""
        if self.field == "TABLE":
            self.pieces.append(" " * (len(text.encode()) + len("<!---->")))

    def end(self, tag: str, depth: int) -> None:
        """An element ends."""
        kind = _OF_VERSION_2.get(tag.upper(), tag.upper())
        if self.field:
            text = "".join(self.pieces)
            self.fields[kind].append(text if kind == "TABLE" else text.strip())
            self.field = ""
        elif kind == self.block == "VARIABLE":
            name = self._only(self.fields, "NAME", self.block_position)
            for declared in self.fields["TYPE"]:
                self._check_type(declared)
            self.draft.add_variable(name, self.fields["OUTCOME"], self.block_position)
            self.block = ""
        elif kind == self.block:
            self.draft.check_count("DEFINITIONs", len(self.definitions) + 1, self.block_position)
            self.definitions.append((self.block_tag, self.fields, self.block_position, self.table_position))
            self.block = ""

    def _table(self, fields: dict[str, list[str]], position: int, table_position: int) -> tuple[Family, Array]:
        child = self._only(fields, "FOR", position)
        family = self.draft.family(child, fields["GIVEN"], position)
        table = self._only(fields, "TABLE", position)
        return family, self.source.numbers(table, table_position)

    def _only(self, fields: dict[str, list[str]], tag: str, position: int) -> str:
        if len(fields[tag]) != 1:
            raise self.source.error(f"expected one {tag}, got {len(fields[tag])}", position)
        return fields[tag][0]


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
