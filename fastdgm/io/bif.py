"""BIF, the Interchange Format for Bayesian networks (Cozman 1998), as bnlearn, aGrUM and JavaBayes write it.

::

    variable wet { type discrete [ 2 ] { dry, wet }; }
    probability ( wet | rain ) { (no) 0.9, 0.1; (yes) 0.2, 0.8; }

Names may be quoted, lists may be separated by blanks, ``property`` statements are skipped. What stands in a
probability block is read by ``bif_tables``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from ..bayesnet import BayesNet
from ..conditionals.table import CPT, tables_of
from ..data.variables import MAX_STATES
from .bif_names import NAME, name_list, undeclared_list, words, written_state, written_variable
from .bif_tables import PROPERTY, STATEMENT, ProbabilityReader
from .draft import MAX_NAMES, Draft
from .text import Source, blank_out, check_names, joined

_COMMENT = re.compile(r'"[^"]*"|(?P<comment>(?:(?://[^\n]*+|/\*.*?(?:\*/|\Z))\s*+)++)', re.DOTALL)
_BLOCK = re.compile(
    r'\s*+(?:(?P<kind>network|variable|probability)\b(?P<head>(?:"[^"]*"|[^"{}]++)*+)\{|' + PROPERTY + r"|\Z)"
)
_NETWORK = re.compile(r"\s*+(?:" + PROPERTY + r"|(?P<end>\}))")
_VARIABLE = re.compile(
    r"\s*+(?:type\s++(?P<type>\w++)\s*+(?:\[\s*+(?P<count>\d{1,9})\s*+\]\s*+)?"
    r'(?:\{(?P<states>(?:"[^"]*"|[^"{}]++)*+)\}\s*+)?;?|' + PROPERTY + r"|(?P<end>\}))"
)
_FAMILY = re.compile(r'\s*+\(((?:"[^"]*"|[^()|"])*+)(?:\|((?:"[^"]*"|[^()|"])*+))?\)\s*+')
_QUOTED_BLOCK = re.compile(r'(?:"[^"]*"|[^"}]++)*+\}')


def read_bif(text: str, source: str = "<text>", tolerance: float | None = None) -> BayesNet:
    """The network in a BIF text; ``source`` is its name in messages.

    Raises
    ------
    FormatError : the text is no BIF, contradicts itself, or has a row that does not sum to 1; names the line.

    Examples
    --------
    >>> from fastdgm.io import read_bif
    >>> net = read_bif('''
    ...     variable rain { type discrete [ 2 ] { no, yes }; }
    ...     probability ( rain ) { table 0.8, 0.2; }
    ... ''')
    >>> net.states["rain"], net["rain"].table
    (('no', 'yes'), array([0.8, 0.2]))
    """
    return _Reader(Draft(Source(text, source), tolerance)).network()


def read_bif_into(draft: Draft) -> None:
    """Give a draft the variables and tables of its source, and make no network of them. Raises as :func:`read_bif`."""
    _Reader(draft).read()


class _Reader:
    """First all variables are read, then all tables: a child may come before its parents."""

    def __init__(self, draft: Draft) -> None:
        self.source = draft.source
        self.draft = draft
        self.text = draft.source.text
        self.brackets = False  # in names without quotes
        if "//" in self.text or "/*" in self.text:
            self.text = blank_out(_COMMENT, self.text)

    def network(self) -> BayesNet:
        self.read()
        return self.draft.network()

    def read(self) -> None:
        families: list[re.Match[str]] = []
        position = 0
        while position < len(self.text):
            block = self._match(_BLOCK, position, "a network, variable or probability block")
            position = block.end()
            if block["kind"] == "probability":
                self.draft.check_count("probability blocks", len(families) + 1, block.start("kind"))
                families.append(block)
                position = self._end_of_table(position)
            elif block["kind"] == "variable":
                position = self._variable(block)
            elif block["kind"] == "network":
                self.draft.begin_network("network block", block.start("kind"))
                position = self._end_of_network(position)
        tables = ProbabilityReader(self.draft, self.text, self.brackets)
        for block in families:
            tables.read(self._family(block), block.end())
        tables.finish()

    def _match(self, pattern: re.Pattern[str], position: int, expected: str) -> re.Match[str]:
        match = pattern.match(self.text, position)
        if match is None:
            raise self.source.unexpected(expected, position)
        return match

    def _end_of_network(self, position: int) -> int:
        while True:
            statement = self._match(_NETWORK, position, "a property or } in the network block")
            position = statement.end()
            if statement["end"]:
                return position

    def _end_of_table(self, position: int) -> int:
        end = self.text.find("}", position)
        if end >= 0 and self.text.find('"', position, end) < 0:
            return end + 1
        block = _QUOTED_BLOCK.match(self.text, position)  # a quoted name or property may hold the brace
        if block is not None:
            return block.end()
        while True:  # finds the statement that does not end
            statement = self._match(STATEMENT, position, "a row, table, default, property or }")
            position = statement.end()
            if statement["end"]:
                return position

    def _family(self, block: re.Match[str]) -> list[str]:
        """The child, then its parents. BIF 0.15 puts no bar between them: the first name is the child."""
        match = _FAMILY.fullmatch(block["head"])
        child, parents = (words(match[1], MAX_NAMES), words(match[2] or "", MAX_NAMES)) if match else ([], [])
        if not child or (match and match[2] is not None and len(child) > 1):
            message = f"expected probability ( child | parents ), got {block['head'].strip()!r}"
            raise self.source.error(message, block.start("head"))
        return child + parents

    def _variable(self, block: re.Match[str]) -> int:
        """Read a variable block; returns where it ends."""
        names = words(block["head"], 2)
        start, position = block.start("kind"), block.end()
        if len(names) != 1:
            message = f"a variable has one name, quoted if it has blanks, got {block['head'].strip()!r}"
            raise self.source.error(message, start)
        states: list[str] | None = None
        while True:
            expected = f"type discrete [ n ] {{ states }}; or a property or }} in variable {names[0]!r}"
            statement = self._match(_VARIABLE, position, expected)
            position = statement.end()
            if statement["end"]:
                break
            if statement["type"] and states is None:
                states = self._states(names[0], statement)
            elif statement["type"]:
                raise self.source.error(f"variable {names[0]!r} has a second type", statement.start("type"))
        if states is None:
            raise self.source.error(f"variable {names[0]!r} has no type", start)
        self.draft.add_variable(names[0], states, start)
        return position

    def _states(self, name: str, statement: re.Match[str]) -> list[str]:
        position = statement.start("type")
        if statement["type"] != "discrete":
            message = f"only discrete variables are supported, {name!r} is {statement['type']!r}"
            raise self.source.error(message, position)
        count = int(statement["count"]) if statement["count"] else None
        text = statement["states"] or ""
        try:
            states = undeclared_list(text, MAX_STATES) if count is None else name_list(text, count, MAX_STATES)
        except ValueError as error:
            raise self.source.error(f"variable {name!r} has no number of states: {error}", position) from None
        if len(states) > MAX_STATES:
            raise self.source.error(f"a variable has at most {MAX_STATES} states, {name!r} has more", position)
        if count is not None and count != len(states):
            message = f"variable {name!r} is declared with {count} states but {len(states)} are named"
            if len(states) > count and '"' not in text:
                message += ": a name with a comma in it is written in quotes"
            raise self.source.error(message, position)
        self.brackets = self.brackets or ('"' not in text and ("(" in text or ")" in text))
        if "" in states:
            raise self.source.error(f"variable {name!r} has a state without a name", position)
        return states


def write_bif(net: BayesNet) -> str:
    """The network as BIF in bnlearn's dialect, with every probability to the last bit.

    Raises
    ------
    ValueError : a name that BIF cannot hold: an empty one, or one with a quotation mark or a line break.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.io import write_bif
    >>> print(write_bif(fd.BayesNet({"rain": fd.Categorical([0.8, 0.2], states=["no", "yes"])})))
    network unknown {
    }
    variable rain {
      type discrete [ 2 ] { no, yes };
    }
    probability ( rain ) {
      table 0.8, 0.2;
    }
    <BLANKLINE>
    """
    check_names(net, "BIF", NAME, NAME)
    tables = tables_of(net.conditionals, "a BIF file")
    variables = {name: written_variable(name) for name in net.names}
    states = {name: [written_state(one) for one in net.states[name]] for name in net.names}
    parts = ["network unknown {\n}\n"]
    for name, written in variables.items():
        listed = ", ".join(states[name])
        parts.append(f"variable {written} {{\n  type discrete [ {len(states[name])} ] {{ {listed} }};\n}}\n")
    for name, cpt in tables.items():
        given = " | " + ", ".join(variables[parent] for parent in cpt.parents) if cpt.parents else ""
        rows = "".join(_rows(cpt, [states[parent] for parent in cpt.parents]))
        parts.append(f"probability ( {variables[name]}{given} ) {{\n{rows}}}\n")
    return "".join(parts)


def _rows(cpt: CPT, parent_states: list[list[str]]) -> Iterator[str]:
    rows = cpt.table.reshape(-1, cpt.n_states).tolist()
    if not cpt.parents:
        yield f"  table {joined(', ', rows[0])};\n"
        return
    for states, row in zip(product(*parent_states), rows, strict=True):
        yield f"  ({', '.join(states)}) {joined(', ', row)};\n"
