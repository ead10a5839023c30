"""Rows of labels as an HTML table that scrolls sideways."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..runtime.text import printable

MAX_NAME = 200  # characters that show up over a header


def rows_html(
    caption: str, names: Sequence[str], row_numbers: Sequence[int], rows: Sequence[Sequence[str]], n_more_columns: int
) -> str:
    """A table with a line of dots where row numbers jump, every name and label escaped.

    Parameters
    ----------
    caption : said above. names : of the columns that are shown. n_more_columns : how many are not.
    row_numbers, rows : the rows that are shown, and their labels, one per column.
    """
    more = f"... {n_more_columns} more" if n_more_columns else ""
    header = "".join(f'<th title="{escape(printable(name, MAX_NAME))}">{_cell(name)}</th>' for name in names)
    lines = [
        '<div style="overflow-x:auto;max-width:100%">',
        f'<table><caption style="text-align:left">{escape(caption)}</caption>',
        f"<tr><th>row</th>{header}{f'<th>{more}</th>' if more else ''}</tr>",
    ]
    for i, (number, row) in enumerate(zip(row_numbers, rows, strict=True)):
        if i and number != row_numbers[i - 1] + 1:
            lines.append("<tr><th>...</th>" + "<td>...</td>" * len(names) + "</tr>")
        lines.append(f"<tr><th>{number}</th>" + "".join(f"<td>{_cell(label)}</td>" for label in row) + "</tr>")
    return "\n".join([*lines, "</table>", "</div>"])


def _cell(text: str) -> str:
    return escape(printable(text))
