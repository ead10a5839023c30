"""A table of parameters as aligned text or HTML, cut to what a screen holds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

MAX_ROWS, MAX_COLUMNS = 12, 10


class Listing(NamedTuple):
    """What is shown of the parameters of a conditional: printable text of bounded length."""

    headline: str
    header: Sequence[str]  # may be empty
    rows: Sequence[Sequence[str]]
    n_labels: int  # columns at the left that say what a row is about
    n_hidden: int  # rows that are left out at the end

    @property
    def text(self) -> str:
        """The headline, then aligned columns."""
        lines = [own for own in (self.header, *self.rows) if own]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        aligned = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in lines]
        return "\n".join([self.headline, *aligned, *self._hidden()])

    @property
    def html(self) -> str:
        """The same as HTML, every name escaped."""
        lines = ['<div style="overflow-x:auto;max-width:100%">']
        lines.append(f'<table><caption style="text-align:left">{escape(self.headline)}</caption>')
        if self.header:
            lines.append("<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in self.header) + "</tr>")
        for cells in self.rows:
            marked = [f"<th>{escape(cell)}</th>" for cell in cells[: self.n_labels]]
            marked += [f"<td>{escape(cell)}</td>" for cell in cells[self.n_labels :]]
            lines.append("<tr>" + "".join(marked) + "</tr>")
        lines += [f'<tr><td colspan="{max(len(self.header), 1)}">{note}</td></tr>' for note in self._hidden()]
        return "\n".join([*lines, "</table>", "</div>"])

    def _hidden(self) -> list[str]:
        """A line about the rows that are left out, if any are."""
        return [f"... ({count(self.n_hidden, 'more row')})"] if self.n_hidden > 0 else []


def count(number: int, noun: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
