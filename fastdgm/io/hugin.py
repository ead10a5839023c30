"""HUGIN .net, chance nodes, as HUGIN, SamIam, GeNIe, aGrUM and the AMIDST toolbox write it.

::

    node wet { states = ("dry" "wet"); }
    potential ( wet | rain ) { data = ((0.9 0.1)(0.2 0.8)); }

State names may stand without quotes, and comments begin with ``%`` or ``//``; ``hugin_tables`` reads ``data``, which
may hold counts, and ``hugin_clg`` that of continuous nodes. In a quoted name ``\\"`` is a quotation mark and ``\\\\`` a
backslash, every other backslash stands for itself. Decision and utility nodes are refused, other attributes skipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from ..bayesnet import BayesNet
from ..conditionals.table import CPT
from ..data.variables import MAX_STATES
from .draft import MAX_NAMES, MAX_VARIABLES, Draft
from .gaussian_nets import tables_and_gaussians
from .hugin_clg import add_regressions, regressions
from .hugin_tables import add_potential, data_of
from .text import Source, blank_out, check_names, joined

_QUOTED = r'"(?:[^"\\]++|\\["\\]?+)*+"'
_ESCAPED = re.compile(r'\\(["\\])')  # backslashes before anything else stand for themselves
_TO_BE_ESCAPED = re.compile(r'["\\]')
_BACKSLASH_BEFORE = r"\\\g<0>"
_COMMENT = re.compile(_QUOTED + r"|(?P<comment>(?:%|//)[^\n]*+(?:\s*+(?:%|//)[^\n]*+)*+)")
_BLOCK = re.compile(r'\s*+(?P<head>[^\s{}();="][^{};="]*+)\{')
_ATTRIBUTE = re.compile(
    r'\s*+(?:(?P<states>states)\s*+=\s*+\((?P<names>[^"{}=]*?)\)\s*+;|'  # aGrUM's names may hold semicolons
    r"(?P<key>\w++)\s*+=(?P<value>(?:" + _QUOTED + r'|[^";{}]++)*+);|(?P<end>\}))'
)
_POTENTIAL = re.compile(r"potential\s*+\(([^()|]*+)(?:\|([^()|]*+))?\)\s*+")
_STRINGS = re.compile(r"\s*+\(\s*+((?:" + _QUOTED + r"\s*+)*+)\)\s*+")
_STRING = re.compile(_QUOTED)

_NODES = (["node"], ["discrete", "node"], ["continuous", "node"])  # what stands before a node's name
MAX_ATTRIBUTES = 1 << 17  # HR_State_0, HR_State_1, ...: some programs write one per state
_NODE_NAME = re.compile(r'(?!.*//)[^\s\0\ud800-\udfff{}();="%|,]+')
_STATE_NAME = re.compile(r"[^\n\r\0\ud800-\udfff]*")


def read_hugin(text: str, source: str = "<text>", tolerance: float | None = None) -> BayesNet:
    """The network in a HUGIN .net text; ``source`` is its name in messages.

    Raises
    ------
    FormatError : the text is no .net, contradicts itself, has a node that is neither discrete nor a linear Gaussian, or
        a row of probabilities that does not sum to 1; names the line.

    Rows of counts, and tables that are left out, are no error: ``hugin_tables`` says what they mean.

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
        has_comments = "%" in source.text or "//" in source.text
        self.text = blank_out(_COMMENT, source.text) if has_comments else source.text
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
        if words[:1] not in (["net"], ["potential"]) and words[:-1] not in _NODES:
            raise self.source.error(f"not supported: {' '.join(words) or head}", position)
        attributes, end = self._attributes(block.end())
        if words[0] == "potential":
            self.draft.check_count("potentials", len(self.potentials) + 1, position)
            self.potentials.append((head, data_of(self.source, head, attributes), position))
        elif words[0] == "continuous":
            self.draft.add_real(words[-1], position)
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
            key = attribute["states"] or attribute["key"]
            start = attribute.end() - len(attribute[0].lstrip())
            if key in attributes:
                raise self.source.error(f"attribute {key!r} is given twice", start)
            if len(attributes) == MAX_ATTRIBUTES:
                message = f"a block has at most {MAX_ATTRIBUTES} attributes, got more"
                raise self.source.error(message, start)
            attributes[key] = attribute

    def _node(self, name: str, attributes: dict[str, re.Match[str]], position: int) -> None:
        if "states" not in attributes:
            raise self.source.error(f"node {name!r} has no states", position)
        self.draft.add_variable(name, self._states(name, attributes["states"]), position)

    def _states(self, name: str, attribute: re.Match[str]) -> list[str]:
        """Quoted names, or as aGrUM writes them names without quotes and blanks."""
        if attribute["names"] is not None:
            self._check_comments(name, attribute.start("names"), attribute.end("names"))
            names: list[str] = attribute["names"].split(None, MAX_STATES)
            if any(state.endswith(",") for state in names):
                message = f"the states of {name!r} are separated by blanks, got ({attribute['names'].strip()})"
                raise self.source.error(message, attribute.start("names"))
            return names
        states = _STRINGS.fullmatch(attribute["value"])
        if states is None:
            message = f'the states of {name!r} are quoted names, ("a" "b"), got {attribute["value"].strip()}'
            raise self.source.error(message, attribute.start("value"))
        strings = islice(_STRING.finditer(states[1]), MAX_STATES + 1)
        return [_ESCAPED.sub(r"\1", match[0][1:-1]) for match in strings]

    def _check_comments(self, name: str, start: int, end: int) -> None:
        """In names without quotes, what directly follows a character is no comment but part of a name, such as 50%."""
        for comment in _COMMENT.finditer(self.source.text, start, end):
            if comment.start() > start and not self.source.text[comment.start() - 1].isspace():
                sign = self.source.text[comment.start()]
                message = f"a state of {name!r} with {'//' if sign == '/' else sign} in it is written in quotes"
                raise self.source.error(message, comment.start())

    def _potential(self, head: str, data: re.Match[str] | None, position: int) -> None:
        match = _POTENTIAL.fullmatch(head)
        children = _names(match[1], MAX_NAMES) if match else []
        if match is None or len(children) != 1:
            message = f"expected potential ( child | parents ), with one child, got {head!r}"
            raise self.source.error(message, position)
        child, parents = children[0], match[2] or ""
        if self.draft.is_real(child):
            gaussian = self.draft.gaussian_family(child, _names(parents, MAX_VARIABLES), position)
            add_regressions(self.draft, gaussian, data)
        else:
            add_potential(self.draft, self.draft.family(child, _names(parents, MAX_NAMES), position), data)


def _names(text: str, limit: int) -> list[str]:
    return text.replace(",", " ").split(None, limit)


def write_hugin(net: BayesNet) -> str:
    """The network as HUGIN .net, with every number to the last bit.

    Raises
    ------
    ValueError : a name that the format cannot hold: a variable with blanks, one of ``{}()|=;,%"`` or ``//``, a real
        parent with ``*``, ``+`` or ``-``, a state with a line break; a standard deviation whose square is no double.
    TypeError : a conditional that is neither a table nor a :class:`LinearGaussian`.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.io import write_hugin
    >>> rain = fd.Categorical([0.8, 0.2], states=["no", "yes"])
    >>> print(write_hugin(fd.BayesNet({"rain": rain, "level": fd.Normal.given(["rain"], [1, 3.5], 0.5)})))
    net
    {
    }
    node rain
    {
        states = ("no" "yes");
    }
    continuous node level
    {
    }
    potential ( rain )
    {
        data = (0.8 0.2);
    }
    potential ( level | rain )
    {
        data = ( normal ( 1.0, 0.25 ) normal ( 3.5, 0.25 ) );
    }
    <BLANKLINE>
    """
    check_names(net, "HUGIN .net", _NODE_NAME, _STATE_NAME)
    conditionals = tables_and_gaussians(net.conditionals, "a HUGIN .net file")
    parts = ["net\n{\n}\n"]
    parts += [_node(name, net.states.get(name)) for name in net.names]
    for name, own in conditionals.items():
        given = f"{name} | {' '.join(own.parents)}" if own.parents else name
        data = _nested(own) if isinstance(own, CPT) else regressions(name, own)
        parts.append(f"potential ( {given} )\n{{\n    data = {data};\n}}\n")
    return "".join(parts)


def _node(name: str, states: Sequence[str] | None) -> str:
    if states is None:
        return f"continuous node {name}\n{{\n}}\n"
    quoted = " ".join(f'"{_TO_BE_ESCAPED.sub(_BACKSLASH_BEFORE, state)}"' for state in states)
    return f"node {name}\n{{\n    states = ({quoted});\n}}\n"


def _nested(cpt: CPT) -> str:
    groups = [f"({joined(' ', row)})" for row in cpt.table.reshape(-1, cpt.n_states).tolist()]
    for k in reversed(cpt.table.shape[:-1]):
        groups = ["(" + "\n\t".join(groups[i : i + k]) + ")" for i in range(0, len(groups), k)]
    return groups[0]
