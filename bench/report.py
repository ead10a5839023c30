"""Writes results/README.md, its plots and the short tables of the main README from the JSON files in results/.

python bench/report.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import RESULTS, read_results
from plots import draw_bars
from reproduction import PICTURE as REPRODUCTION_PICTURE
from reproduction import draw_reproduction, mnist_table, read_reproduction, reproduction_section
from tables import (
    Record,
    about,
    bold,
    by_library,
    comparisons,
    digits,
    duration,
    markdown,
    ns_per_cell,
    pivot,
    us_per_row,
)
from targets import Verdict, verdicts

README = Path(__file__).parents[1] / "README.md"
OPERATIONS = ("sample", "log_prob", "fit")
FALLBACK = "alarm-100k"  # slow libraries are not run on the larger workload
MAIN = "alarm-1M"
SHORT = (  # of the main README: workload, operation, library of the rival
    ("made-784-500-1000", "sample", "prefix-loop"),
    ("made-784-500-1000", "sample", "naive"),
    ("made-784-500-1000", "log_prob", "torch-baked"),
    ("fvsbn-784-1000", "sample", "prefix-loop"),
    ("nade-784-500-few-1000", "sample", "step-loop-ones"),
    ("zuko-784-500", "sample", "zuko"),
    ("training-made-784-500", "fit", "torch-adam-fused"),
    ("chain-rows", "sample", "numpy"),
)
PLOTTED = {  # panel of the plot: workload, operation
    "MADE 784-500 sample": ("made-784-500-1000", "sample"),
    "MADE 784-500 log_prob": ("made-784-500-1000", "log_prob"),
    "FVSBN 784 sample": ("fvsbn-784-1000", "sample"),
    "NADE 784-500 sample, 15 % ones": ("nade-784-500-few-1000", "sample"),
}
REPRODUCED = (
    "Test sets were scored once, models chosen by validation. Eleven density-estimation sets, text, and how: "
    "[`bench/results`](bench/results/README.md#published-results-reproduced)."
)
SAVED = ("tables", "autoregressive", "start-up", "versions")

Results = dict[str, Any]


def find(results: Results, workload: str, operation: str) -> list[Record]:
    """All libraries at an operation."""
    return [r for r in results["results"] if (r["workload"], r["operation"]) == (workload, operation)]


def with_slow(results: Results) -> list[Record]:
    """The main workload's records, and those of slow libraries on fewer rows of the same network."""
    own = [r for r in results["results"] if r["workload"] == MAIN]
    present = set(by_library(own))
    smaller = [r for r in results["results"] if r["workload"] == FALLBACK]
    return own + [r for label, slow in by_library(smaller).items() if label not in present for r in slow]


def machine_line(results: Results) -> str:
    """What was measured on, and when."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {found}" for name, found in machine["versions"].items())
    return f"{machine['processor']}, {machine['cores']} cores, {machine['date'][:10]}; {versions}."


def fastest_rivals(results: Results) -> str:
    """In words: how many times as fast as the fastest rival, by operation."""
    lines = []
    for operation in OPERATIONS:
        own = find(results, MAIN, operation)
        rivals = [r for r in own if r["library"] != "fastdgm" and not r["label"].startswith("floor")]
        if rivals:
            best = min(rivals, key=ns_per_cell)
            ours = {r["threads"]: ns_per_cell(best) / ns_per_cell(r) for r in own if r["library"] == "fastdgm"}
            times = [f"{value:.1f} x on {n} thread{'s' * (n > 1)}" for n, value in ours.items()]
            lines.append(f"- {operation}: {', '.join(times)}, against {best['label']}.")
    return "\n".join(lines)


def operation_of(record: Record) -> str:
    """A column of the short table."""
    return record["operation"]


def short_tables(results: Results) -> str:
    """The main README's table of Bayes nets."""
    records = with_slow(results)
    table = pivot(records, "ns per cell, lower is better", OPERATIONS, operation_of, ns_per_cell, lambda _: 1_000_000)
    return "\n\n".join(
        [
            table,
            "ALARM (37 variables), 1 000 000 rows, \\* fewer; medians of 7 interleaved rounds, each rival in its "
            f"native format, prebuilt outside the clock, on one thread. {machine_line(results)}",
            "![ALARM: ns per cell by library](bench/results/alarm.png)",
            "More networks, other forms of data, targets, start-up and fine print: "
            "[`bench/results`](bench/results/README.md).",
        ]
    )


def rows_in_name(record: Record) -> int:
    """Rows of the workload, which slow libraries are given fewer of."""
    return 1_000_000 if record["workload"].endswith("1M") else 100_000


def short_autoregressive(results: Results) -> str:
    """The main README's table of autoregressive models."""
    lines = []
    for workload, operation, library in SHORT:
        found = {r["library"]: r for r in find(results, workload, operation) if r["threads"] == 1}
        if "fastdgm" in found and library in found:
            own, rival = found["fastdgm"], found[library]
            rows = f"{own['rows']:,}".replace(",", " ")
            cells = [f"{own['model']} {operation}, {rows} rows", duration(own["median_s"]), duration(rival["median_s"])]
            lines.append([*cells, rival["label"], bold(digits(rival["median_s"] / own["median_s"]), True)])
    failed = sum(not each["passed"] for each in results["checks"])
    return "\n\n".join(
        [
            markdown(["one thread", "fastdgm", "rival", "", "times as fast"], lines, left=(0, 3)),
            "Medians of interleaved rounds (7, fewer of the slowest). In the same run MADE, FVSBN, NADE and the flow "
            "gave their rivals' samples from the same uniforms, and their log_prob to 1e-5 relative ("
            f"{len(results['checks']) - failed} of "
            f"{len(results['checks'])} checks passed). {machine_line(results)}",
            "![Microseconds per row by model and method](bench/results/autoregressive.png)",
            "All sizes, two threads, targets and first calls: [`bench/results`](bench/results/README.md).",
        ]
    )


def notes(records: Sequence[Record]) -> str:
    """The fine print of libraries."""
    labels: dict[str, list[str]] = {}
    for record in records:
        if record["note"] and record["label"] not in labels.setdefault(record["note"], []):
            labels[record["note"]].append(record["label"])
    return "\n".join(f"- {'; '.join(own)}: {note}." for note, own in labels.items())


def target_table(rows: Sequence[Verdict]) -> str:
    """The verdict."""
    lines = [
        [row.what, f"{digits(row.value)} {row.unit}", row.target, bold(row.met, row.met == "NOT MET")] for row in rows
    ]
    return markdown(["", "measured", "target", ""], lines, left=(0, 2, 3))


def tables_report(results: Results) -> list[str]:
    """Bayes nets."""
    records = results["results"]
    sizes = [w for w in dict.fromkeys(r["workload"] for r in records) if w not in ("alarm-1M-forms", "asia-1")]
    tables = [
        pivot(
            [r for r in records if r["operation"] == operation],
            f"{operation}, ns per cell",
            sizes,
            lambda r: r["workload"],
            ns_per_cell,
            rows_in_name,
        )
        for operation in OPERATIONS
    ]
    others = [
        [*about(r), r["label"], f"{digits(ns_per_cell(r))} ns", duration(r["median_s"])]
        for r in records
        if r["workload"] not in sizes
    ]
    return [
        "## Bayes nets",
        "Medians of 7 interleaved rounds, each rival in its native format, prebuilt outside the clock, on one thread "
        f"where it can be limited. \\*: on fewer rows than the column says. {machine_line(results)}",
        *tables,
        f"Against the fastest rival on ALARM, a million rows:\n\n{fastest_rivals(results)}",
        notes(records),
        "![ALARM: ns per cell by library](alarm.png)",
        "![PIGS: ns per cell by library](pigs.png)",
        "### Other forms of data, and one row",
        markdown(["", "rows", "threads", "", "per cell", "per call"], others, left=(0, 3)),
        "### Targets",
        target_table(verdicts("tables", records)),
    ]


def autoregressive_report(results: Results) -> list[str]:
    """MADE by size, and everything else line by line."""
    made = [r for r in results["results"] if r["workload"].startswith("made-") and r["threads"] == 1]
    made = [r for r in made if not r["workload"].endswith("-2t")]
    others = [r for r in results["results"] if r not in made]
    models = list(dict.fromkeys(r["model"].removeprefix("MADE ") for r in made))
    tables = [
        pivot(
            [r for r in made if (r["operation"], r["rows"]) == (operation, rows)],
            f"MADE {operation}, us per row, {rows} rows",
            models,
            lambda r: r["model"].removeprefix("MADE "),
            us_per_row,
        )
        for operation in ("sample", "log_prob")
        for rows in (1000, 100, 1)
    ]
    failed = sum(not each["passed"] for each in results["checks"])
    slow = sorted({r["rounds"] for r in results["results"]})
    return [
        "## Autoregressive models",
        f"Medians of {slow[-1]} interleaved rounds ({slow[0]} to {slow[-1]} of the slowest methods). In the same run: "
        "the same samples from the same uniforms, and the same log_prob to 1e-5 relative "
        f"({len(results['checks']) - failed} of {len(results['checks'])} checks passed). {machine_line(results)}",
        *tables,
        comparisons(others),
        notes(results["results"]),
        "![Microseconds per row by model and method](autoregressive.png)",
        "### Targets",
        target_table(verdicts("autoregressive", results["results"])),
    ]


def startup_report(results: Results) -> list[str]:
    """Import, first calls, files, memory."""
    return [
        "## Start-up",
        "Medians of new processes. Cold: with an empty cache of compiled kernels, numba's import included; cached: "
        "with a full one, the time of the one-line kernel (which is mostly numba's import) taken off the first call. "
        f"{machine_line(results)}",
        target_table(verdicts("start-up", results["results"])),
    ]


def versions_report(results: Results) -> list[str]:
    """Two versions side by side."""
    versions = results["versions"]
    lines = [
        [r["row"], duration(r["old"]), duration(r["new"]), *(bold(f"{ratio:.3f}", r["slower"]) for ratio in pair)]
        for r in results["results"]
        if (pair := (r["ratios"] * 2)[:2])
    ]
    return [
        "## Old and new version",
        f"Medians of interleaved rounds (15, fewer in new processes) of `{versions['old']}` and `{versions['new']}`, a "
        "process each that take turns. Rows above 1.08 were measured again; bold: above it twice. Geometric mean of new "
        f"/ old: **{results['geometric_mean']}**. {machine_line(results)}",
        markdown(["", "old", "new", "new / old", "again"], lines),
    ]


def replace_section(text: str, name: str, section: str) -> str:
    """The README with what lies between the markers of this name replaced. Raises ValueError without markers."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"README.md needs one line {begin} and one line {end}")
    before, rest = text.split(begin)
    return before + begin + "\n\n" + section + "\n\n" + end + rest.split(end)[1]


def draw(tables: Results, autoregressive: Results) -> None:
    """All plots."""
    for network, records in {"alarm": with_slow(tables), "pigs": tables["results"]}.items():
        own = [r for r in records if r["model"] == network]
        panels = {operation: [r for r in own if r["operation"] == operation] for operation in OPERATIONS}
        title = f"{network.upper()}, {own[0]['variables']} variables: time per cell"
        draw_bars(panels, ns_per_cell, "ns per cell", title, RESULTS / f"{network}.png")
    panels = {name: [r for r in find(autoregressive, *which) if r["threads"] == 1] for name, which in PLOTTED.items()}
    title = "Time per row, batches of 1000 rows on one thread"
    draw_bars(panels, us_per_row, "microseconds per row", title, RESULTS / "autoregressive.png")


def pages(found: dict[str, Results]) -> tuple[str, dict[str, str]]:
    """results/README.md, and the main README's sections by name."""
    reproduced = read_reproduction(RESULTS / "reproduce")
    parts = [
        "# Measured speed, and published results reproduced",
        "Written by `python bench/report.py` from the JSON files here; measured anew by `pip install -e "
        '".[bench]" && python bench/run.py`, looked at closely by `pytest bench --benchmark-only`.',
        *tables_report(found["tables"]),
        *autoregressive_report(found["autoregressive"]),
        *startup_report(found["start-up"]),
        *(versions_report(found["versions"]) if "versions" in found else []),
        "## Published results, reproduced",
        reproduction_section(reproduced),
    ]
    sections = {
        "speed": short_tables(found["tables"]),
        "autoregressive-speed": short_autoregressive(found["autoregressive"]),
        "reproduction": "\n\n".join(["\n".join(mnist_table(reproduced)), REPRODUCED]),
    }
    return "\n\n".join(part for part in parts if part) + "\n", sections


def main() -> None:
    """Write everything."""
    found = {name: results for name in SAVED if (results := read_results(name))}
    page, sections = pages(found)
    (RESULTS / "README.md").write_text(page, encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    for name, section in sections.items():
        text = replace_section(text, name, section)
    README.write_text(text, encoding="utf-8")
    draw(found["tables"], found["autoregressive"])
    draw_reproduction(read_reproduction(RESULTS / "reproduce"), RESULTS / REPRODUCTION_PICTURE)


if __name__ == "__main__":
    main()
