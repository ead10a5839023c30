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
    def note(self) -> list[str]:
        """A line about the rows that are left out, if any are."""
        return [f"... ({count(self.n_hidden, 'more row')})"] if self.n_hidden > 0 else []


def listing_text(listing: Listing) -> str:
    """The headline, then aligned columns."""
    lines = [own for own in (listing.header, *listing.rows) if own]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in lines]
    return "\n".join([listing.headline, *aligned, *listing.note])


def listing_html(listing: Listing) -> str:
    """The table of :func:`listing_text` as HTML, every name escaped."""
    lines = ['<div style="overflow-x:auto;max-width:100%">']
    lines.append(f'<table><caption style="text-align:left">{escape(listing.headline)}</caption>')
    if listing.header:
        lines.append("<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in listing.header) + "</tr>")
    for cells in listing.rows:
        marked = [f"<th>{escape(cell)}</th>" for cell in cells[: listing.n_labels]]
        marked += [f"<td>{escape(cell)}</td>" for cell in cells[listing.n_labels :]]
        lines.append("<tr>" + "".join(marked) + "</tr>")
    n_columns = max(len(listing.header), 1)
    lines += [f'<tr><td colspan="{n_columns}">{note}</td></tr>' for note in listing.note]
    return "\n".join([*lines, "</table>", "</div>"])


def count(number: int, noun: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
