"""The probability blocks of BIF: rows by parent states, default rows, and flat tables in either order.

A flat ``table`` of a variable with parents is read with the child changing fastest (bnlearn) or slowest (BIF
0.15, aGrUM), whichever makes the rows sum to 1. Where both do and differ, the other flat tables of the file
decide; if they do not, or not all alike, the table is refused, as are tables that sum to 1 in contrary ways only.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence

import numpy as np

from ..runtime.text import preview
from .axes import FlatTable, add_flat_tables, flat_table
from .bif_names import name_list
from .draft import Draft, Family, Positions
from .text import NO_DECIMAL_COMMA, Array, Source, is_plain

PROPERTY = r'property\b(?P<property>(?:"[^"]*"|[^";]++)*+);'
_OTHER_STATEMENTS = r"(?P<keyword>table|default)\b(?P<flat>[^;(){}]*+);|" + PROPERTY + r"|(?P<end>\}))"
STATEMENT = re.compile(r'\s*+(?:\((?P<states>(?:"[^"]*"|[^()"]++)*+)\)(?P<row>[^;(){}]*+);|' + _OTHER_STATEMENTS)
# In a file with names like (35,60] the last parenthesis before the numbers ends the states of a row.
_STATEMENT_WITH_BRACKETS = re.compile(r'\s*+(?:\((?P<states>[^;{}]*)\)(?P<row>[^;(){}"]*+);|' + _OTHER_STATEMENTS)
_DECIMAL_COMMA = re.compile(r"\d,\d")
_WORD = re.compile(r"\S+")
_FUNCTION = re.compile(r"\bfunction\W+(\w+)")


def has_decimal_comma(numbers: str) -> bool:
    """Whether commas stand where decimal points are missing."""
    return "." not in numbers and _DECIMAL_COMMA.search(numbers) is not None


class ProbabilityReader:
    """Reads the probability blocks of one file into its draft.

    ``brackets`` says that names without quotes have parentheses in them.
    """

    def __init__(self, draft: Draft, text: str, brackets: bool) -> None:
        self.draft = draft
        self._statement = _STATEMENT_WITH_BRACKETS if brackets else STATEMENT
        self.source: Source = draft.source
        self.text = text
        self._flat: list[FlatTable] = []

    def read(self, names: Sequence[str], start: int) -> None:
        """Read the block whose body starts at ``start``: the table of ``names[0]`` given the others."""
        family = self.draft.family(names[0], names[1:], start)
        rows = _Rows(self.draft, family)
        flat: dict[str, re.Match[str]] = {}
        position = start
        while True:
            statement = self._statement.match(self.text, position)
            if statement is None:
                raise self.source.unexpected(f"a row of the table of {family.child!r}", position)
            position = statement.end()
            if statement["row"] is not None:
                rows.add(statement)
            elif statement["keyword"] in flat:
                message = f"{family.child!r} has a second {statement['keyword']!r}"
                raise self.source.error(message, statement.start("keyword"))
            elif statement["keyword"]:
                flat[statement["keyword"]] = statement
            elif statement["end"]:
                break
            else:
                self._check_property(family, statement)
        self._finish(family, rows, flat)

    def _check_property(self, family: Family, statement: re.Match[str]) -> None:
        function = _FUNCTION.search(statement["property"])
        if function:
            raise self.source.error(
                f"only complete tables are supported, {family.child!r} has the function {function[1]!r} "
                f"(a noisy-max or its like) in place of one",
                statement.start("property"),
            )

    def _finish(self, family: Family, rows: _Rows, flat: dict[str, re.Match[str]]) -> None:
        table, default = flat.get("table"), flat.get("default")
        if table is None:
            values, positions = rows.complete() if default is None else self._filled(family, rows, default)
            self.draft.add_table(family, values.reshape(-1), positions)
        elif default is None and not len(rows):
            values = self._numbers(table)
            if len(values) == 2 * family.n_rows * family.n_states and has_decimal_comma(table["flat"]):
                message = f"the table of {family.child!r} needs {len(values) // 2} numbers, got {len(values)}"
                raise self.source.error(f"{message}: {NO_DECIMAL_COMMA}", table.start("keyword"))
            self._add_flat(family, values)
        else:
            raise self.source.error(f"{family.child!r} has both a table and rows", table.start("keyword"))

    def _numbers(self, statement: re.Match[str]) -> Array:
        return self.source.numbers(statement["flat"].replace(",", " "), statement.start("flat"))

    def _add_flat(self, family: Family, values: Array) -> None:
        if family.n_rows == 1 or len(values) != family.n_rows * family.n_states:
            self.draft.add_table(family, values)
            return
        self._flat.append(flat_table(family, values, self.draft.tolerance))

    def finish(self) -> None:
        """Give the draft the flat tables, now that all of them have been seen."""
        add_flat_tables(self.draft, self._flat, "; write it as rows, (parent states) probabilities;")

    def _filled(self, family: Family, rows: _Rows, default: re.Match[str]) -> tuple[Array, Positions]:
        """The default row everywhere, then the rows that were given."""
        row, position = self._numbers(default), default.start("keyword")
        if len(row) != family.n_states:
            message = f"the default row of {family.child!r} needs {family.n_states} numbers, got {len(row)}"
            raise self.source.error(message, position)
        self.draft.check_filled("default rows", family, position)
        values, positions = np.tile(row, (family.n_rows, 1)), np.full(family.n_rows, position)
        index, given_values, given_positions = rows.sorted()
        values[index], positions[index] = given_values, given_positions
        return values, positions


class _Rows:
    """The rows ``(parent states) probabilities;`` of one block."""

    def __init__(self, draft: Draft, family: Family) -> None:
        self.draft = draft
        self.source: Source = draft.source
        self.family = family
        self._codes = [{state: k for k, state in enumerate(draft.states[parent])} for parent in family.parents]
        self._index = array("q")
        self._numbers = array("d")
        self._positions = array("q")

    def __len__(self) -> int:
        return len(self._index)

    def add(self, statement: re.Match[str]) -> None:
        """Take in one row: its number among the parent configurations, its probabilities, its position."""
        index, n_parents = 0, len(self._codes)
        try:
            for state, codes in zip(name_list(statement["states"], n_parents, n_parents), self._codes, strict=True):
                index = index * len(codes) + codes[state]
        except (KeyError, ValueError):
            raise self.source.error(
                f"a row of {self.family.child!r} names one state for each of its parents "
                f"{preview(self.family.parents)}, got ({statement['states'].strip()})",
                statement.start("states"),
            ) from None
        row = statement["row"].replace(",", " ")
        numbers = row.split(None, self.family.n_states)  # the last one is the rest of a row that is too long
        try:
            if not is_plain(row):
                raise ValueError
            self._numbers.extend(map(float, numbers[: self.family.n_states]))
        except ValueError:
            self.source.numbers(row, statement.start("row"))  # raises, and says where
        self._index.append(index)
        self._positions.append(statement.start("states"))
        if len(numbers) != self.family.n_states:
            hint = f": {NO_DECIMAL_COMMA}" if has_decimal_comma(statement["row"]) else ""
            raise self.source.error(
                f"every row of {self.family.child!r} needs {self.family.n_states} numbers, "
                f"row ({statement['states'].strip()}) has {sum(1 for _ in _WORD.finditer(row))}{hint}",
                statement.start("states"),
            )
        if len(self._index) > self.family.n_rows:
            self.sorted()  # raises, and names the row that is there twice

    def sorted(self) -> tuple[Positions, Array, Positions]:
        """Which rows there are, in the order of the table, with their probabilities and positions."""
        index = np.asarray(self._index, dtype=np.int64)
        order = np.argsort(index, kind="stable")
        index, positions = index[order], np.asarray(self._positions, dtype=np.int64)[order]
        repeated = np.flatnonzero(index[1:] == index[:-1])
        if repeated.size:
            row = self.draft.row_name(self.family, int(index[repeated[0]]))
            message = f"the table of {self.family.child!r} has row {row} twice"
            raise self.source.error(message, int(positions[repeated[0] + 1]))
        return index, np.asarray(self._numbers).reshape(-1, self.family.n_states)[order], positions

    def complete(self) -> tuple[Array, Positions]:
        """Probabilities and positions of all rows; a missing one is an error that names it."""
        index, values, positions = self.sorted()
        if len(index) < self.family.n_rows:
            gaps = np.flatnonzero(index != np.arange(len(index)))
            missing = int(gaps[0]) if gaps.size else len(index)
            row = self.draft.row_name(self.family, missing)
            message = f"the table of {self.family.child!r} has no row {row}"
            raise self.source.error(message, self.family.position)
        return values, positions
