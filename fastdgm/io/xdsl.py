"""GeNIe's .xdsl (SMILE): the nodes with tables, and deterministic ones.

::

    <smile version="1.0" id="net"><nodes>
      <cpt id="rain"><state id="no"/><state id="yes"/><probabilities>0.8 0.2</probabilities></cpt>
      <cpt id="wet"><state id="dry"/><state id="wet"/><parents>rain</parents>
        <probabilities>0.9 0.1 0.2 0.8</probabilities></cpt>
      <deterministic id="umbrella"><state id="in"/><state id="out"/><parents>rain</parents>
        <resultingstates>in out</resultingstates></deterministic>
    </nodes></smile>

The child changes fastest, then the last parent. aGrUM (3.3) lets the first parent change fastest after the child, and
reads its files so; a file that names aGrUM as its writer is read that way, with a warning where it matters.
Other kinds of nodes, and dynamic networks, are refused by name; what GeNIe draws is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from ..bayesnet import BayesNet
from ..conditionals.table import CPT, tables_of
from .axes import first_parent_fastest
from .draft import MAX_NAMES, Draft, Family
from .text import Array, check_names, joined
from .xml_text import XmlParser, XmlSource

_KINDS = {"cpt", "deterministic"}
_FIELDS = {"parents", "probabilities", "resultingstates"}
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")  # GeNIe takes no other identifiers


def read_xdsl(text: str, source: str = "<text>", tolerance: float | None = None) -> BayesNet:
    """The network in a GeNIe .xdsl text; ``source`` is its name in messages.

    Raises
    ------
    FormatError : the text is no .xdsl, contradicts itself, declares entities, has nodes of another kind (noisy-max,
        decisions, utilities, equations) or a row that does not sum to 1; names the line.

    Examples
    --------
    >>> from fastdgm.io import read_xdsl
    >>> net = read_xdsl('''<smile version="1.0" id="net"><nodes>
    ...     <cpt id="rain"><state id="no"/><state id="yes"/><probabilities>0.8 0.2</probabilities></cpt>
    ... </nodes></smile>''')
    >>> net.states["rain"], net["rain"].table
    (('no', 'yes'), array([0.8, 0.2]))
    """
    return _Reader(XmlSource(text, source), tolerance).network()


class _Node(NamedTuple):
    """One element of ``<nodes>``: its texts by the names of their elements, and where these begin."""

    kind: str
    name: str
    position: int
    states: list[str]
    texts: dict[str, tuple[str, int]]


class _Reader:
    """Collects the nodes; tables are read once all of them are known."""

    def __init__(self, source: XmlSource, tolerance: float | None) -> None:
        self.source = source
        self.draft = Draft(source, tolerance)
        self.xml = XmlParser(source, self)
        self.nodes: list[_Node] = []
        self.node: _Node | None = None
        self.section = self.field = ""
        self.pieces: list[str] = []
        self.field_position = 0
        self.by_agrum = False

    def network(self) -> BayesNet:
        self.xml.parse()
        reordered: list[str] = []
        for node in self.nodes:
            self._add_table(node, reordered)
        if reordered:
            names = ", ".join(map(repr, reordered[:5])) + (", ..." if len(reordered) > 5 else "")
            self.draft.notes.append(
                f"the file is written by aGrUM, and was read as aGrUM does, with the first parent changing fastest "
                f"after the child, not the last one as in GeNIe: {names}"
            )
        return self.draft.network()

    def start(self, tag: str, attributes: dict[str, str], depth: int) -> None:
        """An element begins."""
        position = self.xml.position()
        if self.field:
            raise self.source.error(f"{self.field} has text only, got an element {tag!r}", position)
        if depth == 1 and tag != "smile":
            raise self.source.error(f"expected smile, the outermost element of GeNIe's files, got {tag!r}", position)
        if depth == 2:
            self._begin_section(tag, position)
        elif tag == "genie" and self.section == "extensions":
            self.by_agrum = "aGrUM" in attributes.get("app", "")
        elif self.section == "nodes" and depth == 3:
            self._begin_node(tag, attributes.get("id", ""), position)
        elif self.node is not None and depth == 4:
            if tag == "state":
                self._add_state(self.node, attributes.get("id", ""), position)
            elif tag in _FIELDS:
                self.field, self.pieces, self.field_position = tag, [], position + len(f"<{tag}>")

    def _begin_section(self, tag: str, position: int) -> None:
        self.section = tag
        if tag == "nodes":
            self.draft.begin_network("nodes element", position)
        elif tag == "dynamic":
            raise self.source.error("not supported: a dynamic network; in GeNIe, unroll it and save that", position)

    def _begin_node(self, tag: str, name: str, position: int) -> None:
        if tag.startswith("noisy"):
            message = f"not supported: the {tag} node {name!r}; in GeNIe, change its type to General and save again"
            raise self.source.error(message, position)
        if tag not in _KINDS:
            message = f"only chance nodes with tables are supported, {name!r} is a node of type {tag!r}"
            raise self.source.error(message, position)
        self.draft.check_count("nodes", len(self.nodes) + 1, position)
        self.node = _Node(tag, name, position, [], {})

    def _add_state(self, node: _Node, state: str, position: int) -> None:
        if not state:
            raise self.source.error(f"variable {node.name!r} has a state without a name", position)
        node.states.append(state)

    def data(self, text: str) -> None:
        """Some characters of an element."""
        if self.field:
            self.pieces.append(text)

    def comment(self, text: str) -> None:
        """A comment counts as blanks of its length, so that numbers after it are found in their line."""
        if self.field:
            self.pieces.append(" " * (len(text.encode()) + len("<!---->")))

    def end(self, tag: str, depth: int) -> None:
        """An element ends."""
        if self.node is None:
            return
        if self.field:
            if self.field in self.node.texts:
                message = f"{self.node.name!r} has a second element {self.field!r}"
                raise self.source.error(message, self.field_position)
            self.node.texts[self.field] = "".join(self.pieces), self.field_position
            self.field = ""
        elif depth == 3:
            self.draft.add_variable(self.node.name, self.node.states, self.node.position)
            self.nodes.append(self.node)
            self.node = None

    def _add_table(self, node: _Node, reordered: list[str]) -> None:
        parents = node.texts.get("parents", ("", 0))[0].split(None, MAX_NAMES)
        family = self.draft.family(node.name, parents, node.position)
        wanted = "probabilities" if node.kind == "cpt" else "resultingstates"
        if wanted not in node.texts:
            raise self.source.error(f"{node.name!r} has no element {wanted!r}", node.position)
        text, position = node.texts[wanted]
        if node.kind == "deterministic":
            values = self._resulting(family, text, position)
        else:
            values = self.source.numbers(text, position)
            self.draft.check_length(family, values)
        if self.by_agrum and sum(k > 1 for k in family.shape[:-1]) > 1:
            values = first_parent_fastest(family, values)
            reordered.append(node.name)
        self.draft.add_table(family, values)

    def _resulting(self, family: Family, text: str, position: int) -> Array:
        """The table of a node whose state follows from its parents' states: named for each of their configurations."""
        self.draft.check_filled("deterministic nodes", family, position)
        named = text.split(None, family.n_rows)
        if len(named) != family.n_rows:
            found = "more" if len(named) > family.n_rows else len(named)
            raise self.source.error(
                f"{family.child!r} needs {family.n_rows} resulting states, one for each configuration of its parents, "
                f"got {found}",
                position,
            )
        codes = {state: k for k, state in enumerate(self.draft.states[family.child])}
        values = np.zeros((family.n_rows, family.n_states))
        for row, state in enumerate(named):
            if state not in codes:
                raise self.source.error(f"{state[:50]!r} is no state of {family.child!r}", position)
            values[row, codes[state]] = 1.0
        return values.reshape(-1)


def write_xdsl(net: BayesNet) -> str:
    """The network as GeNIe .xdsl, with every probability to the last bit, and parents before their children.

    Raises
    ------
    ValueError : a name that is no identifier of GeNIe: a letter, then letters, digits and underscores.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.io import write_xdsl
    >>> print(write_xdsl(fd.BayesNet({"rain": fd.Categorical([0.8, 0.2], states=["no", "yes"])})))
    <?xml version="1.0" encoding="UTF-8"?>
    <smile version="1.0" id="unknown" numsamples="1000">
    <nodes>
    <cpt id="rain">
      <state id="no" />
      <state id="yes" />
      <probabilities>0.8 0.2</probabilities>
    </cpt>
    </nodes>
    </smile>
    <BLANKLINE>
    """
    tables = tables_of(net.conditionals, "an .xdsl file")
    check_names(net, "GeNIe .xdsl", _IDENTIFIER, _IDENTIFIER)
    return "".join(f"{line}\n" for line in _lines(net, tables))


def _lines(net: BayesNet, tables: Mapping[str, CPT]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<smile version="1.0" id="unknown" numsamples="1000">\n<nodes>'
    for name in net.order:
        yield f'<cpt id="{name}">'
        for state in net.states[name]:
            yield f'  <state id="{state}" />'
        if tables[name].parents:
            yield f"  <parents>{' '.join(tables[name].parents)}</parents>"
        yield f"  <probabilities>{joined(' ', tables[name].table.reshape(-1).tolist())}</probabilities>\n</cpt>"
    yield "</nodes>\n</smile>"
