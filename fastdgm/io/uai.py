"""UAI, the format of the inference competitions: BAYES networks as bare numbers, without any names.

::

    BAYES  2  2 2        # number of variables, numbers of states
    2  1 0  2 0 1        # number of functions; per function its size and variables, the child last
    2  0.8 0.2           # per function its number of entries, then these, the last variable fastest
    4  0.9 0.1 0.2 0.8

Variables are called ``x0``, ``x1``, ... and states ``0``, ``1``, ... when read; ``#`` starts a comment.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice

from ..bayesnet import BayesNet
from ..conditionals import MAX_STATES
from .draft import Draft
from .text import Source, blank_out, joined

_COMMENT = re.compile(r"(?P<comment>#[^\n]*)")
_WORD = re.compile(r"\S+")
_DIGITS = re.compile(r"[0-9]{1,12}")


def read_uai(text: str, source: str = "<text>") -> BayesNet:
    """The network in a UAI text of type BAYES; ``source`` is its name in error messages.

    Raises
    ------
    FormatError : the text is no UAI or a MARKOV network, contradicts itself, or has a row that does not sum
        to 1; names the line.

    Examples
    --------
    >>> from fastdgm.io import read_uai
    >>> net = read_uai("BAYES 1  2  1  1 0  2  0.8 0.2")
    >>> net.states["x0"], net["x0"].table
    (('0', '1'), array([0.8, 0.2]))
    """
    return _Reader(Source(text, source)).network()


class _Reader:
    """Takes the file word by word; only the entries of a table are converted together."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = blank_out(_COMMENT, source.text)
        self.words = _WORD.finditer(self.text)

    def network(self) -> BayesNet:
        self._check_type()
        names, draft = self._variables()
        n_functions = self._integer("the number of functions", len(names), len(names))
        scopes = [self._scope(names) for _ in range(n_functions)]
        for scope in scopes:
            self._table(draft, scope)
        for word in self.words:
            raise self.source.unexpected("the end of the file after the last table", word.start())
        return draft.network()

    def _check_type(self) -> None:
        word = self._word("BAYES")
        if word[0].upper() == "MARKOV":
            message = "a MARKOV network has no conditional probabilities; only BAYES networks are supported"
            raise self.source.error(message, word.start())
        if word[0].upper() != "BAYES":
            raise self.source.unexpected("BAYES", word.start())

    def _variables(self) -> tuple[list[str], Draft]:
        n_variables = self._integer("the number of variables", 1, len(self.text))
        counts = [self._integer("a number of states", 1, MAX_STATES) for _ in range(n_variables)]
        if sum(counts) > len(self.text):  # every state has an entry in its variable's table
            raise self.source.error(f"{sum(counts)} states are declared, more than the file can have numbers")
        names = [f"x{i}" for i in range(n_variables)]
        states = [str(k) for k in range(max(counts))]
        draft = Draft(self.source)
        for name, k in zip(names, counts, strict=True):
            draft.add_variable(name, states[:k], 0)
        return names, draft

    def _scope(self, names: list[str]) -> list[str]:
        size = self._integer("the number of variables of a function", 1, len(names))
        return [names[self._integer("a variable", 0, len(names) - 1)] for _ in range(size)]

    def _table(self, draft: Draft, scope: list[str]) -> None:
        what = f"the number of entries of the table of {scope[-1]!r}"
        word = self._word(what)
        family = draft.family(scope[-1], scope[:-1], word.start())
        n_cells = family.n_rows * family.n_states
        self._check_integer(word, what, n_cells, n_cells)
        what = f"{n_cells} entries of the table of {scope[-1]!r}"
        first = last = self._word(what)
        if n_cells > 1:
            deque(islice(self.words, n_cells - 2), maxlen=0)
            last = self._word(what)
        draft.add_table(family, self.source.numbers(self.text[first.start() : last.end()], first.start()))

    def _word(self, what: str) -> re.Match[str]:
        word = next(self.words, None)
        if word is None:
            raise self.source.unexpected(what, len(self.text))
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
    return "".join(f"{line}\n" for line in _lines(net))


def _lines(net: BayesNet) -> Iterator[str]:
    conditionals = net.conditionals
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
