"""The probability blocks of BIF: rows by parent states, default rows, and flat tables in either order.

A flat ``table`` of a variable with parents is read with the child changing fastest (bnlearn) or slowest (BIF
0.15, aGrUM), whichever makes the rows sum to 1. Where both do and differ, the other flat tables of the file
decide; if they do not, or not all alike, the table is refused.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from itertools import islice

import numpy as np

from ..data.variables import MAX_STATES
from ..runtime.text import preview
from .axes import FlatTable, decisions, flat_table
from .draft import Draft, Family, Positions
from .text import NO_DECIMAL_COMMA, Array, is_plain

MAX_DEFAULT_CELLS = 1 << 24  # per file: no number of the file stands behind the cells a `default` row fills

PROPERTY = r'property\b(?P<property>(?:"[^"]*"|[^";]++)*+);'
STATEMENT = re.compile(
    r'\s*+(?:\((?P<states>(?:"[^"]*"|[^()"]++)*+)\)(?P<row>[^;(){}]*+);'
    + r"|(?P<keyword>table|default)\b(?P<flat>[^;(){}]*+);|"
    + PROPERTY
    + r"|(?P<end>\}))"
)
_DECIMAL_COMMA = re.compile(r"\d,\d")
_WORD = re.compile(r"\S+")
_NAME = re.compile(r'"([^"]*)"|([^\s",|]+)')
_FUNCTION = re.compile(r"\bfunction\W+(\w+)")


def has_decimal_comma(numbers: str) -> bool:
    """Whether commas stand where decimal points are missing."""
    return "." not in numbers and _DECIMAL_COMMA.search(numbers) is not None


def words(text: str, limit: int) -> list[str]:
    """The first ``limit`` names, separated by blanks, commas or bars, quoted or not."""
    return [match[1] or match[2] or "" for match in islice(_NAME.finditer(text), limit)]


def state_list(text: str, count: int | None) -> list[str]:
    """State names separated by commas, which leaves room for blanks inside, or else by blanks.

    Of more names than a variable can have states, only the first few are counted.
    """
    if '"' in text:
        return words(text, MAX_STATES + 1)
    names = [name.strip() for name in text.split(",", MAX_STATES)]
    return names if len(names) > 1 or count == 1 else text.split(None, MAX_STATES)


class ProbabilityReader:
    """Reads the probability blocks of one file into its draft."""

    def __init__(self, draft: Draft, text: str) -> None:
        self.draft = draft
        self.source = draft.source
        self.text = text
        self._cells_by_default = 0
        self._flat: list[FlatTable] = []

    def read(self, names: Sequence[str], start: int) -> None:
        """Read the block whose body starts at ``start``: the table of ``names[0]`` given the others."""
        family = self.draft.family(names[0], names[1:], start)
        rows = _Rows(self.draft, family)
        flat: dict[str, re.Match[str]] = {}
        position = start
        while True:
            statement = STATEMENT.match(self.text, position)
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
        table = flat_table(family, values, self.draft.tolerance)
        if not table.fastest_fits and not table.slowest_fits:
            raise self.source.error(
                f"every row of a table sums to 1, those of the flat table of {family.child!r} do so neither "
                f"with the child changing fastest nor with the child changing slowest",
                family.position,
            )
        self._flat.append(table)

    def finish(self) -> None:
        """Give the draft the flat tables, each with the child fastest, now that all of them have been seen."""
        votes = decisions(self._flat)
        for table in self._flat:
            if table.is_ambiguous and len(votes) != 1:
                raise self.source.error(
                    f"the flat table of {table.family.child!r} is ambiguous: its rows sum to 1 whether the child "
                    f"changes fastest or slowest; write it as rows, (parent states) probabilities;",
                    table.family.position,
                )
            slowest = not table.fastest_fits or (table.is_ambiguous and votes == {"slowest"})
            self.draft.add_table(table.family, table.entries("slowest" if slowest else "fastest"))

    def _filled(self, family: Family, rows: _Rows, default: re.Match[str]) -> tuple[Array, Positions]:
        """The default row everywhere, then the rows that were given."""
        row, position = self._numbers(default), default.start("keyword")
        if len(row) != family.n_states:
            message = f"the default row of {family.child!r} needs {family.n_states} numbers, got {len(row)}"
            raise self.source.error(message, position)
        self._cells_by_default += family.n_rows * family.n_states
        if self._cells_by_default > MAX_DEFAULT_CELLS:
            raise self.source.error(
                f"default rows fill at most {MAX_DEFAULT_CELLS} entries of a file; those of {family.child!r} "
                f"would exceed it",
                position,
            )
        values, positions = np.tile(row, (family.n_rows, 1)), np.full(family.n_rows, position)
        index, given_values, given_positions = rows.sorted()
        values[index], positions[index] = given_values, given_positions
        return values, positions


class _Rows:
    """The rows ``(parent states) probabilities;`` of one block."""

    def __init__(self, draft: Draft, family: Family) -> None:
        self.draft = draft
        self.source = draft.source
        self.family = family
        self._codes = [{state: k for k, state in enumerate(draft.states[parent])} for parent in family.parents]
        self._index = array("q")
        self._numbers = array("d")
        self._positions = array("q")

    def __len__(self) -> int:
        return len(self._index)

    def add(self, statement: re.Match[str]) -> None:
        """Take in one row: its number among the parent configurations, its probabilities, its position."""
        index = 0
        try:
            for state, codes in zip(self._states(statement["states"]), self._codes, strict=True):
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

    def _states(self, text: str) -> list[str]:
        n_names = len(self._codes)
        if '"' in text:
            return words(text, n_names + 1)
        names = [name.strip() for name in text.split(",", n_names)]
        return names if len(names) == n_names else text.split(None, n_names)

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
