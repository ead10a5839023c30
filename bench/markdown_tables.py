"""Markdown tables of saved results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from plots import named

Record = dict[str, Any]


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A table; columns are aligned to the right but for those named."""
    marks = ["---" if number in left else "--:" for number in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, marks, *lines])


def bold(text: str, condition: bool = True) -> str:
    """Text, set in bold where there is any and the condition holds."""
    return f"**{text}**" if condition and text else text


def digits(value: float) -> str:
    """Three of them, thousands apart."""
    if value >= 1000:
        return thousands(float(f"{value:.3g}"))
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def thousands(value: float) -> str:
    """A whole number, thousands apart."""
    return f"{value:,.0f}".replace(",", " ")


def duration(seconds: float) -> str:
    """In a unit that leaves digits before the point."""
    unit, size = ("s", 1.0) if seconds >= 10 else ("ms", 1e-3) if seconds >= 1e-3 else ("us", 1e-6)
    return f"{digits(seconds / size)} {unit}"


def ns_per_cell(record: Record) -> float:
    """A cell is one variable of one row."""
    return record["median_s"] / (record["rows"] * record["variables"]) * 1e9


def us_per_row(record: Record) -> float:
    """For models whose cost per row is what matters."""
    return record["median_s"] / record["rows"] * 1e6


def pivot(
    title: str,
    records: Sequence[Record],
    column_of: Callable[[Record], str],
    value: Callable[[Record], float],
    full_rows: Callable[[Record], int] = lambda record: record["rows"],
) -> str:
    """A line per library and a column per workload or operation; a star where fewer rows were used."""
    columns = list(dict.fromkeys(map(column_of, records)))
    lines = []
    for label in dict.fromkeys(map(named, records)):
        own = {column_of(r): r for r in records if named(r) == label}
        cells = {name: digits(value(r)) + "\\*" * (r["rows"] < full_rows(r)) for name, r in own.items()}
        line = [label, *(cells.get(column, "") for column in columns)]
        lines.append([bold(text, label.startswith("fastdgm")) for text in line])
    return markdown([title, *columns], lines)


def about(record: Record) -> list[str]:
    """What is done, on how many rows, on how many threads."""
    return [f"{record['model']} {record['operation']}", thousands(record["rows"]), str(record["threads"])]


def comparisons(records: Sequence[Record]) -> str:
    """A line per workload, operation and rival: both times, and how many times as fast fastdgm is, row by row.

    A star where the rival had fewer rows.
    """
    lines = []
    for own in records:
        alike = [r for r in records if all(r[key] == own[key] for key in ("workload", "operation", "threads"))]
        if own["library"] == "fastdgm":
            for rival in alike[1:]:
                times = bold(digits(us_per_row(rival) / us_per_row(own)), not rival["label"].startswith("floor"))
                fewer = "\\*" * (rival["rows"] < own["rows"])
                times_of_both = duration(own["median_s"]), duration(rival["median_s"]) + fewer
                lines.append([*about(own), *times_of_both, rival["label"], times])
            if not alike[1:]:
                lines.append([*about(own), duration(own["median_s"]), "", "", ""])
    return markdown(["", "rows", "threads", "fastdgm", "rival", "", "times as fast"], lines, left=(0, 5))
