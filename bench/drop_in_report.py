"""The section about programs of other libraries' users, with fastdgm behind the library."""

from __future__ import annotations

from typing import Any

from markdown_tables import bold, digits, duration, markdown

Record = dict[str, Any]


def drop_in_section(results: dict[str, Any] | None) -> list[str]:
    """Every program: both times, the ratio, and whether it is what was asked for."""
    if results is None:
        return []
    return [
        "## Other libraries' programs, with fastdgm behind them",
        "Medians of one process in which both take turns, validation on, through the other library's own classes "
        "(nltk: classes of the same names). `python bench/drop_in/run.py`.",
        markdown(
            ["program", "library", "fastdgm", "times as fast", "target"],
            [_line(record) for record in results["results"]],
        ),
        _notes(results["results"]),
    ]


def _line(record: Record) -> list[str]:
    theirs = record["theirs_s"] * record["theirs_scale"]
    missed = record["target"] is not None and record["ratio"] < record["target"]
    target = "" if record["target"] is None else f"{digits(record['target'])}{', NOT MET' if missed else ''}"
    times = f"{digits(record['ratio'])}x"
    return [record["program"], duration(theirs), duration(record["ours_s"]), times, bold(target, missed)]


def _notes(records: list[Record]) -> str:
    """What a reader of the figures must know."""
    scaled = [record for record in records if record["theirs_scale"] != 1 and not record["note"]]
    lines = [f"- {record['program']}: {record['note']}." for record in records if record["note"]]
    lines += [f"- {own['program']}: theirs had {digits(own['theirs_scale'])} times less to do." for own in scaled]
    return "\n".join(lines)
