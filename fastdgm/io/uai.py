"""UAI, the format of the inference competitions: BAYES networks as bare numbers, without any names.

::

    BAYES  2  2 2        # number of variables, numbers of states
    2  1 0  2 0 1        # number of functions; per function its size and variables, the child last
    2  0.8 0.2           # per function its number of entries, then these, the last variable fastest
    4  0.9 0.1 0.2 0.8

Variables are called ``x0``, ``x1``, ... and states ``0``, ``1``, ... when read; ``#`` starts a comment.

Some programs (pgmpy) list the entries the other way round, the first variable fastest. A file whose rows sum to 1
only so is read so, with a warning; one whose rows do both ways, with different tables, is refused until the caller says
how it was written. So is one with the comments of aGrUM 3, which writes parents in the reverse order. Where a table
would leave that open, the writer says it in a comment, which the reader knows. Evidence and queries behind the tables
are read past, with a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import numpy as np

from ..bayesnet import BayesNet
from ..conditionals.table import tables_of
from ..data.variables import MAX_STATES
from ..errors import FormatError
from .axes import FlatTable, decisions, first_parent_fastest, flat_table
from .draft import MAX_STATES_OF_A_FILE, MAX_VARIABLES, Draft, Family
from .text import Source, blank_out, joined

MAX_LINKS = 1 << 22
Axes = Literal["scope", "reversed", "parents-reversed"]

_PURPOSE = "a UAI file"
_COMMENT = re.compile(r"(?P<comment>#[^\n]*+(?:\s*+#[^\n]*+)*+)")
_WORD = re.compile(r"\S+")
_DIGITS = re.compile(r"[0-9]{1,12}")
_IN_SCOPE_ORDER = "# axes in the order of the scopes"
_SCOPE_OF_AGRUM = re.compile(r"^\d+(?: \d+)+ {3}# \S", re.MULTILINE)
_WHOLE_NUMBERS = re.compile(r"[\s0-9]*+")
_OPTIONS = (
    "axes='scope' (the last variable of a scope changes fastest), axes='reversed' (the first one, as in pgmpy) or "
    "axes='parents-reversed' (the last one, then the first one, as in aGrUM 3)"
)


def read_uai(text: str, source: str = "<text>", axes: Axes | None = None, tolerance: float | None = None) -> BayesNet:
    """The network in a UAI text of type BAYES; ``source`` is its name in messages.

    ``axes`` says how tables are written: ``"scope"``, with the axes in the order of the function's variables, so
    that the child changes fastest, which is UAI's rule; ``"reversed"``, with the first variable fastest; or
    ``"parents-reversed"``, with the child fastest, then the first parent. Without it, UAI's rule holds, or where the
    rows sum to 1 only so, the reverse, with a warning. What leaves a doubt is refused.

    Raises
    ------
    FormatError : the text is no UAI or a MARKOV network, contradicts itself, has a row that does not sum to 1, or
        does not show how its tables are written; names the line. ValueError : ``axes`` is neither of its values.

    Examples
    --------
    >>> from fastdgm.io import read_uai
    >>> net = read_uai("BAYES 1  2  1  1 0  2  0.8 0.2")
    >>> net.states["x0"], net["x0"].table
    (('0', '1'), array([0.8, 0.2]))
    """
    if axes not in (None, "scope", "reversed", "parents-reversed"):
        raise ValueError(f"axes= is 'scope', 'reversed' or 'parents-reversed', got {axes!r}")
    return _Reader(Source(text, source), axes, tolerance).network()


class _Reader:
    """Takes the file word by word; only the entries of a table are converted together."""

    def __init__(self, source: Source, axes: Axes | None, tolerance: float | None) -> None:
        self.source = source
        self.tolerance = tolerance
        self.axes = "scope" if axes is None and f"\n{_IN_SCOPE_ORDER}\n" in source.text else axes
        self.text = blank_out(_COMMENT, source.text)
        self.position = 0
        self.n_links = 0

    def network(self) -> BayesNet:
        self._check_type()
        names, draft = self._variables()
        n_functions = self._integer("the number of functions", len(names), len(names))
        scopes = [self._scope(names) for _ in range(n_functions)]
        tables = [self._table(draft, scope) for scope in scopes]
        self._check_end(draft)
        if self.axes is None:
            self._decide_axes(tables, draft)
        for table in tables:
            self._add(draft, table)
        return draft.network()

    def _check_type(self) -> None:
        word = self._word("BAYES")
        if word[0].upper() == "MARKOV":
            message = "a MARKOV network has no conditional probabilities; only BAYES networks are supported"
            raise self.source.error(message, word.start())
        if word[0].upper() != "BAYES":
            raise self.source.unexpected("BAYES", word.start())

    def _variables(self) -> tuple[list[str], Draft]:
        n_variables = self._integer("the number of variables", 1, MAX_VARIABLES)
        counts = [self._integer("a number of states", 1, MAX_STATES) for _ in range(n_variables)]
        if sum(counts) > len(self.text):  # every state has an entry in its variable's table
            raise self.source.error(f"{sum(counts)} states are declared, more than the file can have numbers")
        if sum(counts) > MAX_STATES_OF_A_FILE:
            message = f"a file has at most {MAX_STATES_OF_A_FILE} states of all variables, got {sum(counts)}"
            raise self.source.error(message)
        names = [f"x{i}" for i in range(n_variables)]
        longest = tuple(map(str, range(max(counts))))
        draft = Draft(self.source, self.tolerance)
        for name, k in zip(names, counts, strict=True):
            draft.add_variable(name, longest[:k], 0)
        return names, draft

    def _scope(self, names: list[str]) -> list[str]:
        size = self._integer("the number of variables of a function", 1, len(names))
        self.n_links += size
        if self.n_links > MAX_LINKS:
            raise self.source.error(f"the functions of a file have at most {MAX_LINKS} variables in all, got more")
        return [names[self._integer("a variable", 0, len(names) - 1)] for _ in range(size)]

    def _table(self, draft: Draft, scope: list[str]) -> FlatTable:
        what = f"the number of entries of the table of {scope[-1]!r}"
        word = self._word(what)
        family = draft.family(scope[-1], scope[:-1], word.start())
        n_cells = family.n_rows * family.n_states
        self._check_integer(word, what, n_cells, n_cells)
        values, self.position = self.source.take_numbers(self.text, self.position, n_cells)
        if len(values) < n_cells:
            raise self.source.unexpected(f"{n_cells} entries of the table of {scope[-1]!r}", self.position)
        table = flat_table(family, values, draft.tolerance, reversed_parents=True)
        if not table.fastest_fits and not table.slowest_fits:
            self._add(draft, table)  # raises, and names the row
        return table

    def _add(self, draft: Draft, table: FlatTable) -> None:
        if self.axes == "parents-reversed":
            draft.add_table(table.family, first_parent_fastest(table.family, table.values))
        else:
            draft.add_table(table.family, table.entries("slowest" if self.axes == "reversed" else "fastest"))

    def _decide_axes(self, tables: list[FlatTable], draft: Draft) -> None:
        """By UAI's rule the last variable changes fastest; a file whose rows sum to 1 only the other way is read so."""
        votes = decisions(tables)
        by_reverse = next((table.family for table in tables if table.decision == "slowest"), None)
        if by_reverse is not None and "fastest" in votes:
            when = "sum to 1 only when the first variable of a scope changes fastest, those of other tables do not"
            raise self._undecided(by_reverse, when)
        if by_reverse is not None:
            self.axes = "reversed"
            draft.notes.append(
                f"the rows of {by_reverse.child!r} sum to 1 only when the first variable of a scope changes fastest, "
                f"as pgmpy writes it, and the file was read so; axes='reversed' says that without a warning"
            )
            return
        undecided = [table.family for table in tables if table.is_ambiguous]
        if undecided and not votes:
            raise self._undecided(
                undecided[0], "sum to 1 whether the last or the first variable of a scope changes fastest"
            )
        several = [table for table in tables if sum(k > 1 for k in table.family.shape[:-1]) > 1]
        if several and len(_SCOPE_OF_AGRUM.findall(self.source.text)) == len(tables):
            when = "stand in a file like those of aGrUM, which lets the first parent change fastest after the child"
            raise self._undecided(several[0].family, when)

    def _undecided(self, family: Family, when: str) -> FormatError:
        message = f"the rows of {family.child!r} {when}; say how the file was written: {_OPTIONS}"
        return self.source.error(message, family.position)

    def _check_end(self, draft: Draft) -> None:
        """Evidence and queries may follow the last table, as whole numbers: they are read past."""
        word = _WORD.search(self.text, self.position)
        if word is None:
            return
        if _WHOLE_NUMBERS.fullmatch(self.text, self.position):
            line = self.source.line(word.start())
            draft.notes.append(
                f"evidence and queries are no part of a network: what follows in line {line} was ignored"
            )
            return
        found = self.text[word.start() : word.start() + 30]
        raise self.source.error(
            f"expected the end of the file after the last table, or evidence in whole numbers, got {found!r}",
            word.start(),
        )

    def _word(self, what: str) -> re.Match[str]:
        word = _WORD.search(self.text, self.position)
        if word is None:
            raise self.source.unexpected(what, len(self.text))
        self.position = word.end()
        return word

    def _integer(self, what: str, smallest: int, largest: int) -> int:
        return self._check_integer(self._word(what), what, smallest, largest)

    def _check_integer(self, word: re.Match[str], what: str, smallest: int, largest: int) -> int:
        if not (_DIGITS.fullmatch(word[0]) and smallest <= int(word[0]) <= largest):
            allowed = f"{smallest}" if smallest == largest else f"a whole number from {smallest} to {largest}"
            raise self.source.error(f"{what} must be {allowed}, got {word[0][:30]!r}", word.start())
        return int(word[0])


def write_uai(net: BayesNet) -> str:
    """The network as UAI, with every probability to the last bit. UAI stores no names: they are lost.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from fastdgm.io import write_uai
    >>> print(write_uai(fd.BayesNet({"rain": fd.Categorical([0.8, 0.2], states=["no", "yes"])})))
    BAYES
    1
    2
    1
    1 0
    <BLANKLINE>
    2
    0.8 0.2
    <BLANKLINE>
    """
    text = "".join(f"{line}\n" for line in _lines(net))
    return f"{text}{_IN_SCOPE_ORDER}\n" if _leaves_axes_open(net) else text


def loses_names(net: BayesNet) -> bool:
    """Whether names or states are others than those that a reader makes up: x0, x1, ... with states 0, 1, ..."""
    return any(
        name != f"x{i}" or states != tuple(map(str, range(len(states))))
        for i, (name, states) in enumerate(net.states.items())
    )


def _leaves_axes_open(net: BayesNet) -> bool:
    """Whether the tables of the network do not show in which order their axes are written."""
    tables = [
        flat_table(
            Family(name, cpt.parents, cpt.table.shape, cpt.table.size // cpt.n_states, 0),
            cpt.table,
            np.inf,
            reversed_parents=True,
        )
        for name, cpt in tables_of(net.conditionals, _PURPOSE).items()
    ]
    return "fastest" not in decisions(tables) and any(table.is_ambiguous for table in tables)


def _lines(net: BayesNet) -> Iterator[str]:
    conditionals = tables_of(net.conditionals, _PURPOSE)
    number = {name: str(i) for i, name in enumerate(net.names)}
    yield "BAYES"
    yield str(len(net))
    yield " ".join(str(cpt.n_states) for cpt in conditionals.values())
    yield str(len(net))
    for name, cpt in conditionals.items():
        yield " ".join([str(len(cpt.parents) + 1), *(number[parent] for parent in cpt.parents), number[name]])
    for cpt in conditionals.values():
        yield f"\n{cpt.table.size}"
        for row in cpt.table.reshape(-1, cpt.n_states).tolist():
            yield joined(" ", row)
