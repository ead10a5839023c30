"""HUGIN .net, the discrete part, as HUGIN, SamIam, GeNIe, aGrUM and the AMIDST toolbox write it.

::

    node wet { states = ("dry" "wet"); }
    potential ( wet | rain ) { data = ((0.9 0.1)(0.2 0.8)); }

The parentheses of ``data`` nest one level per parent, the child innermost; one flat pair is read as well.
Continuous, decision and utility nodes are refused, other attributes are skipped.
"""

from __future__ import annotations

import re
from itertools import islice

from ..bayesnet import BayesNet
from ..conditionals.table import CPT, tables_of
from ..data.variables import MAX_STATES
from .draft import MAX_NAMES, Draft, Family
from .text import Array, Source, blank_out, check_names, joined

_QUOTED = r'"(?:[^"\\]++|\\"?+)*+"'  # the quotation mark alone is escaped: other backslashes stand for themselves
_COMMENT = re.compile(_QUOTED + r"|(?P<comment>%[^\n]*+(?:\s*+%[^\n]*+)*+)")
_BLOCK = re.compile(r'\s*+(?P<head>[^\s{}();="][^{};="]*+)\{')
_ATTRIBUTE = re.compile(r"\s*+(?:(?P<key>\w++)\s*+=(?P<value>(?:" + _QUOTED + r'|[^";{}]++)*+);|(?P<end>\}))')
_POTENTIAL = re.compile(r"potential\s*+\(([^()|]*+)(?:\|([^()|]*+))?\)\s*+")
_STRINGS = re.compile(r"\s*+\(\s*+((?:" + _QUOTED + r"\s*+)*+)\)\s*+")
_STRING = re.compile(_QUOTED)
_INNERMOST = re.compile(r"\(([^()]*+)\)")
_NOT_PARENTHESES = re.compile(r"[^()]+")
_PARENTHESES = str.maketrans("()", "  ")

MAX_ATTRIBUTES = 1 << 17  # HR_State_0, HR_State_1, ...: some programs write one per state
_NODE_NAME = re.compile(r'[^\s\0\ud800-\udfff{}();="%|,]+')
_STATE_NAME = re.compile(r'[^"\n\r\0\ud800-\udfff]*(?<!\\)')


def read_hugin(text: str, source: str = "<text>", tolerance: float | None = None) -> BayesNet:
    """The network in a HUGIN .net text; ``source`` is its name in messages.

    Raises
    ------
    FormatError : the text is no .net, contradicts itself, has a node that is not discrete, or a row that does
        not sum to 1; names the line.

    Examples
    --------
    >>> from fastdgm.io import read_hugin
    >>> net = read_hugin('node rain { states = ("no" "yes"); } potential ( rain ) { data = (0.8 0.2); }')
    >>> net.states["rain"], net["rain"].table
    (('no', 'yes'), array([0.8, 0.2]))
    """
    return _Reader(Source(text, source), tolerance).network()


class _Reader:
    """Nodes are read as they come, potentials once every node is known."""

    def __init__(self, source: Source, tolerance: float | None) -> None:
        self.source = source
        self.draft = Draft(source, tolerance)
        self.text = blank_out(_COMMENT, source.text) if "%" in source.text else source.text
        self.potentials: list[tuple[str, re.Match[str] | None, int]] = []

    def network(self) -> BayesNet:
        position, in_class = 0, False
        while position < len(self.text):
            block = _BLOCK.match(self.text, position)
            if block is not None:
                in_class = in_class or block["head"].split()[0] == "class"
                position = self._block(block)
                continue
            attribute = _ATTRIBUTE.match(self.text, position) if in_class else None
            if attribute is None:
                if self.text[position:].isspace():
                    break
                raise self.source.unexpected("a net, node or potential block", position)
            position, in_class = attribute.end(), not attribute["end"]
        for head, data, position in self.potentials:
            self._potential(head, data, position)
        return self.draft.network()

    def _block(self, block: re.Match[str]) -> int:
        """Read one block; returns where it ends, or for a class where its contents begin."""
        head, position = block["head"].strip(), block.start("head")
        words = head.partition("(")[0].split(None, 3)
        if words[:1] in (["class"], ["net"]):
            self.draft.begin_network(f"{words[0]} block", position)
        if words[:1] == ["class"]:
            return block.end()
        if words[:1] not in (["net"], ["potential"]) and words[:-1] not in (["node"], ["discrete", "node"]):
            raise self.source.error(f"not supported: {' '.join(words) or head}", position)
        attributes, end = self._attributes(block.end())
        if words[0] == "potential":
            self.draft.check_count("potentials", len(self.potentials) + 1, position)
            self.potentials.append((head, attributes.get("data"), position))
        elif words[0] != "net":
            self._node(words[-1], attributes, position)
        return end

    def _attributes(self, position: int) -> tuple[dict[str, re.Match[str]], int]:
        """The attributes of a block by name, and where the block ends."""
        attributes: dict[str, re.Match[str]] = {}
        while True:
            attribute = _ATTRIBUTE.match(self.text, position)
            if attribute is None:
                raise self.source.unexpected("attribute = value; or }", position)
            position = attribute.end()
            if attribute["end"]:
                return attributes, position
            if attribute["key"] in attributes:
                message = f"attribute {attribute['key']!r} is given twice"
                raise self.source.error(message, attribute.start("key"))
            if len(attributes) == MAX_ATTRIBUTES:
                message = f"a block has at most {MAX_ATTRIBUTES} attributes, got more"
                raise self.source.error(message, attribute.start("key"))
            attributes[attribute["key"]] = attribute

    def _node(self, name: str, attributes: dict[str, re.Match[str]], position: int) -> None:
        if "states" not in attributes:
            raise self.source.error(f"node {name!r} has no states", position)
        value = attributes["states"]
        states = _STRINGS.fullmatch(value["value"])
        if states is None:
            message = f'the states of {name!r} are quoted names, ("a" "b"), got {value["value"].strip()}'
            raise self.source.error(message, value.start("value"))
        names = [match[0][1:-1].replace('\\"', '"') for match in islice(_STRING.finditer(states[1]), MAX_STATES + 1)]
        self.draft.add_variable(name, names, position)

    def _potential(self, head: str, data: re.Match[str] | None, position: int) -> None:
        match = _POTENTIAL.fullmatch(head)
        children, parents = (_names(match[1]), _names(match[2] or "")) if match else ([], [])
        if len(children) != 1:
            message = f"expected potential ( child | parents ), with one child, got {head!r}"
            raise self.source.error(message, position)
        family = self.draft.family(children[0], parents, position)
        if data is None:
            raise self.source.error(f"the potential of {family.child!r} has no data", position)
        self.draft.add_table(family, self._data(family, data))

    def _data(self, family: Family, attribute: re.Match[str]) -> Array:
        value, position = attribute["value"], attribute.start("value")
        nested = group = 1
        for k in family.shape[:-1]:
            group *= k
            nested += group
        opened, closed = value.count("("), value.count(")")
        flat = value.strip()
        if opened != closed or opened not in (1, nested) or flat[0] != "(" or flat[-1] != ")":
            raise self.source.error(
                f"the data of {family.child!r} are nested in {nested} pairs of parentheses, one level per "
                f"parent, or in one pair, got {opened} opened and {closed} closed",
                position,
            )
        if opened > 1:
            self._check_rows(family, value, position)
            if _NOT_PARENTHESES.sub("", value) != _nesting(family):
                message = f"the data of {family.child!r} are nested one level per parent, the first one outermost"
                raise self.source.error(message, position)
        return self.source.numbers(value.translate(_PARENTHESES), position)

    def _check_rows(self, family: Family, value: str, position: int) -> None:
        """Every innermost pair of parentheses holds one row of the table."""
        for row, group in enumerate(_INNERMOST.finditer(value)):
            n_numbers = len(group[1].split(None, family.n_states))
            if n_numbers != family.n_states and row < family.n_rows:
                raise self.source.error(
                    f"every row of the data of {family.child!r} has {family.n_states} numbers, row "
                    f"{self.draft.row_name(family, row)} has {'more' if n_numbers > family.n_states else n_numbers}",
                    position + group.start(),
                )


def _nesting(family: Family) -> str:
    """The parentheses of nested data."""
    nesting = "()"
    for k in reversed(family.shape[:-1]):
        nesting = f"({nesting * k})"
    return nesting


def _names(text: str) -> list[str]:
    return text.replace(",", " ").split(None, MAX_NAMES)


def write_hugin(net: BayesNet) -> str:
    """The network as HUGIN .net, with every probability to the last bit.

    Raises
    ------
    ValueError : a name that the format cannot hold: a variable with blanks or one of ``{}()|=;,%"``, a state
        with a quotation mark or a line break, or with a backslash at its end.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.io import write_hugin
    >>> print(write_hugin(fd.BayesNet({"rain": fd.Categorical([0.8, 0.2], states=["no", "yes"])})))
    net
    {
    }
    node rain
    {
        states = ("no" "yes");
    }
    potential ( rain )
    {
        data = (0.8 0.2);
    }
    <BLANKLINE>
    """
    check_names(net, "HUGIN .net", _NODE_NAME, _STATE_NAME)
    parts = ["net\n{\n}\n"]
    for name, states in net.states.items():
        quoted = " ".join(f'"{state}"' for state in states)
        parts.append(f"node {name}\n{{\n    states = ({quoted});\n}}\n")
    for name, cpt in tables_of(net.conditionals, "a HUGIN .net file").items():
        given = f"{name} | {' '.join(cpt.parents)}" if cpt.parents else name
        parts.append(f"potential ( {given} )\n{{\n    data = {_nested(cpt)};\n}}\n")
    return "".join(parts)


def _nested(cpt: CPT) -> str:
    groups = [f"({joined(' ', row)})" for row in cpt.table.reshape(-1, cpt.n_states).tolist()]
    for k in reversed(cpt.table.shape[:-1]):
        groups = ["(" + "\n\t".join(groups[i : i + k]) + ")" for i in range(0, len(groups), k)]
    return groups[0]
