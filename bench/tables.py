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


def bold(text: str, condition: bool) -> str:
    """Text, set in bold where there is any and the condition holds."""
    return f"**{text}**" if condition and text else text


def digits(value: float) -> str:
    """Three of them, thousands apart."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """In a unit that leaves digits before the point."""
    for unit, size in (("s", 10.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{digits(seconds / {'s': 1, 'ms': 1e-3, 'us': 1e-6}[unit])} {unit}"
    return f"{digits(seconds * 1e9)} ns"


def ns_per_cell(record: Record) -> float:
    """A cell is one variable of one row."""
    return record["median_s"] / (record["rows"] * record["variables"]) * 1e9


def us_per_row(record: Record) -> float:
    """For models whose cost per row is what matters."""
    return record["median_s"] / record["rows"] * 1e6


def by_library(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Label with threads -> its records, in the order of the results."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(named(record), []).append(record)
    return found


def pivot(
    records: Sequence[Record],
    title: str,
    columns: Sequence[str],
    column_of: Callable[[Record], str],
    value: Callable[[Record], float],
    full_rows: Callable[[Record], int] = lambda record: record["rows"],
) -> str:
    """A line per library and a column per workload or operation; a star where fewer rows were used."""
    lines = []
    for label, own in by_library([r for r in records if column_of(r) in columns]).items():
        ours = own[0]["library"] == "fastdgm"
        cells = {column_of(r): digits(value(r)) + "\\*" * (r["rows"] < full_rows(r)) for r in own}
        lines.append([bold(label, ours), *(bold(cells.get(column, ""), ours) for column in columns)])
    return markdown([title, *columns], lines)


def comparisons(records: Sequence[Record]) -> str:
    """A line per workload, operation and rival: both times, and how many times as fast fastdgm is."""
    lines = []
    for own in records:
        if own["library"] != "fastdgm":
            continue
        same = [r for r in records if (r["workload"], r["operation"]) == (own["workload"], own["operation"])]
        rivals = [r for r in same if r["library"] != "fastdgm" and r["threads"] == own["threads"]]
        for rival in rivals:
            times = rival["median_s"] / rival["rows"] / (own["median_s"] / own["rows"])
            lines.append([*about(own), duration(own["median_s"]), duration(rival["median_s"]), rival["label"]])
            lines[-1].append(bold(digits(times), not rival["label"].startswith("floor")))
        if not same[1:]:
            lines.append([*about(own), duration(own["median_s"]), "", "", ""])
    header = ["", "rows", "threads", "fastdgm", "rival", "", "times as fast"]
    return markdown(header, lines, left=(0, 5))


def about(record: Record) -> list[str]:
    """What is done, on how many rows, on how many threads."""
    rows = f"{record['rows']:,}".replace(",", " ")
    return [f"{record['model']} {record['operation']}", rows, str(record["threads"])]
