"""Writes results/README.md, its plots and the short tables of the main README from the JSON files in results/.

python bench/report.py
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drop_in_report import drop_in_section
from gpu_report import gpu_section, read_cards
from machine import RESULTS, read_results
from markdown_tables import Record, about, bold, comparisons, digits, duration, markdown, ns_per_cell, pivot, us_per_row
from plots import draw_bars
from reproduction import PICTURE as REPRODUCTION_PICTURE
from reproduction import draw_reproduction, mnist_table, read_reproduction, reproduction_section
from scale_out_report import scale_out_section
from targets import verdicts

README = Path(__file__).parents[1] / "README.md"
OPERATIONS = ("sample", "log_prob", "fit")
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
SAVED = ("tables", "autoregressive", "hybrid", "neural", "evidence", "start-up", "versions", "drop_in", "scale_out")

Results = dict[str, Any]


def find(results: Results, workload: str, operation: str, threads: Sequence[int] = (1, 2)) -> list[Record]:
    """All libraries at an operation."""
    wanted = workload, operation
    return [r for r in results["results"] if (r["workload"], r["operation"]) == wanted and r["threads"] in threads]


def alarm(results: Results) -> list[Record]:
    """A million rows, and slow libraries on fewer."""
    own = [r for r in results["results"] if r["workload"] == "alarm-1M"]
    present = {r["library"] for r in own}
    return own + [r for r in results["results"] if r["workload"] == "alarm-100k" and r["library"] not in present]


def machine_line(results: Results) -> str:
    """What was measured on, and when."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {found}" for name, found in machine["versions"].items())
    return f"{machine['processor']}, {machine['cores']} cores, {machine['date'][:10]}; {versions}."


def checks_line(results: Results) -> str:
    """How many agree with their rivals."""
    passed = sum(each["passed"] for each in results["checks"])
    return f"{passed} of {len(results['checks'])} checks passed"


def notes(records: Sequence[Record]) -> str:
    """The fine print of libraries."""
    labels: dict[str, dict[str, None]] = {}
    for record in records:
        labels.setdefault(record["note"], {})[record["label"]] = None
    return "\n".join(f"- {'; '.join(own)}: {note}." for note, own in labels.items() if note)


def target_table(suite: str, results: Results) -> str:
    """Every target of a suite, and whether it was met."""
    lines = [
        [row.what, f"{digits(row.value)} {row.unit}", row.target, bold(row.met, row.met == "NOT MET")]
        for row in verdicts(suite, results["results"])
    ]
    return markdown(["", "measured", "target", ""], lines, left=(0, 2, 3))


# The main README ------------------------------------------------------------------------------------------------------


def short_tables(results: Results) -> list[str]:
    """Bayes nets."""
    title = "ns per cell, lower is better"
    return [
        pivot(title, alarm(results), lambda r: r["operation"], ns_per_cell, lambda _: 1_000_000),
        "ALARM (37 variables), 1 000 000 rows, \\* fewer; medians of 7 interleaved rounds, each rival in its native "
        f"format, prebuilt outside the clock, on one thread. {machine_line(results)}",
        "![ALARM: ns per cell by library](bench/results/alarm.png)",
        "More networks, other forms of data, targets, start-up and fine print: "
        "[`bench/results`](bench/results/README.md).",
    ]


def short_autoregressive(results: Results) -> list[str]:
    """Autoregressive models."""
    lines = []
    for workload, operation, library in SHORT:
        found = {r["library"]: r for r in find(results, workload, operation, (1,))}
        if "fastdgm" in found and library in found:
            own, rival = found["fastdgm"], found[library]
            what, rows, _ = about(own)
            times = bold(digits(us_per_row(rival) / us_per_row(own)))
            both = duration(own["median_s"]), duration(rival["median_s"])
            lines.append([f"{what}, {rows} rows", *both, rival["label"], times])
    return [
        markdown(["one thread", "fastdgm", "rival", "", "times as fast"], lines, left=(0, 3)),
        "Medians of interleaved rounds (7, fewer of the slowest). In the same run MADE, FVSBN, NADE and the flow gave "
        "their rivals' samples from the same uniforms, and their log_prob to 1e-5 relative "
        f"({checks_line(results)}). {machine_line(results)}",
        "![Microseconds per row by model and method](bench/results/autoregressive.png)",
        "All sizes, two threads, targets and first calls: [`bench/results`](bench/results/README.md).",
    ]


def short_reproduction() -> list[str]:
    """Published results."""
    return [
        "\n".join(mnist_table(read_reproduction(RESULTS / "reproduce"))),
        "Test sets were scored once, models chosen by validation. Eleven density-estimation sets, text, and how: "
        "[`bench/results`](bench/results/README.md#published-results-reproduced).",
    ]


def replace_section(text: str, name: str, paragraphs: Sequence[str]) -> str:
    """The README with what lies between the markers of this name replaced. Raises ValueError without markers."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"README.md needs one line {begin} and one line {end}")
    before, rest = text.split(begin)
    return before + "\n\n".join([begin, *paragraphs, end]) + rest.split(end)[1]


# results/README.md ----------------------------------------------------------------------------------------------------


def tables_report(results: Results) -> list[str]:
    """Bayes nets."""
    others = [r for r in results["results"] if r["workload"] in ("alarm-1M-forms", "asia-1")]
    records = [r for r in results["results"] if r not in others]

    def rows_in_name(record: Record) -> int:
        return 1_000_000 if record["workload"].endswith("1M") else 100_000

    def table(operation: str) -> str:
        own = [r for r in records if r["operation"] == operation]
        return pivot(f"{operation}, ns per cell", own, lambda r: r["workload"], ns_per_cell, rows_in_name)

    lines = [[*about(r), r["label"], f"{digits(ns_per_cell(r))} ns", duration(r["median_s"])] for r in others]
    return [
        "## Bayes nets",
        "Medians of 7 interleaved rounds, each rival in its native format, prebuilt outside the clock, on one thread "
        f"where it can be limited. \\*: on fewer rows than the column says. {machine_line(results)}",
        *map(table, OPERATIONS),
        notes(records),
        "![ALARM: ns per cell by library](alarm.png)",
        "![PIGS: ns per cell by library](pigs.png)",
        "### Other forms of data, and one row",
        markdown(["", "rows", "threads", "", "per cell", "per call"], lines, left=(0, 3)),
        "### Targets of Bayes nets",
        target_table("tables", results),
    ]


def autoregressive_report(results: Results) -> list[str]:
    """MADE by size, and everything else line by line."""
    records = results["results"]
    made = [r for r in records if r["workload"].startswith("made-") and not r["workload"].endswith("-2t")]

    def table(operation: str, rows: int) -> str:
        own = [r for r in made if (r["operation"], r["rows"]) == (operation, rows)]
        title = f"MADE {operation}, us per row, {rows} rows"
        return pivot(title, own, lambda r: r["model"].removeprefix("MADE "), us_per_row)

    return [
        "## Autoregressive models",
        "Medians of 7 interleaved rounds (fewer of the slowest methods). In the same run: the same samples from the "
        f"same uniforms, and the same log_prob to 1e-5 relative ({checks_line(results)}). \\*: on fewer rows. "
        f"{machine_line(results)}",
        *(table(operation, rows) for operation in ("sample", "log_prob") for rows in (1000, 100, 1)),
        comparisons([r for r in records if r not in made]),
        notes(records),
        "![Microseconds per row by model and method](autoregressive.png)",
        "### Targets of autoregressive models",
        target_table("autoregressive", results),
    ]


def hybrid_report(results: Results) -> list[str]:
    """Normal, logistic and mixed networks, line by line."""
    how = "each rival in its native format, prebuilt outside the clock, on one thread"
    return lines_of_suite("hybrid", "continuous and functional conditionals", how, results)


def neural_report(results: Results) -> list[str]:
    """Networks with torch modules in them, line by line."""
    how = "torch and fastdgm on the same number of threads, rivals prebuilt outside the clock"
    return lines_of_suite("neural", "neural conditionals", how, results)


def evidence_report(results: Results) -> list[str]:
    """Rows with missing values: a table for each amount that is missing, and everything else line by line."""
    records = results["results"]
    partial = [r for r in records if r["workload"].endswith("-evidence")]

    def table(operation: str) -> str:
        own = [r for r in partial if r["operation"] == operation]
        return pivot(f"{operation}, us per row", own, lambda r: r["model"], us_per_row)

    return [
        "## Rows with missing values",
        "Exact answers, another pattern in every row. Medians of interleaved rounds, fewer of slow libraries, which "
        "are asked about fewer rows (\\*); in the same run the same answers as pyAgrum's, and little memory beyond "
        f"them ({checks_line(results)}). {machine_line(results)}",
        *map(table, dict.fromkeys(r["operation"] for r in partial)),
        comparisons([r for r in records if r not in partial]),
        notes(records),
        "### Targets of rows with missing values",
        target_table("evidence", results),
    ]


def lines_of_suite(suite: str, subject: str, how: str, results: Results) -> list[str]:
    """A section with one line for every operation and library."""
    records, machine = results["results"], results["machine"]
    return [
        f"## {subject.capitalize()}",
        f"Medians of interleaved rounds by {machine['clock']}, {how}. In the same run: the same answers "
        f"({checks_line(results)}). Load of the machine before and after: {machine['load_average_before']:.1f} and "
        f"{machine['load_average_after']:.1f}, on {machine['cores']} cores. \\*: on fewer rows. "
        f"{machine_line(results)}",
        comparisons(records),
        notes(records),
        f"### Targets of {subject}",
        target_table(suite, results),
    ]


def startup_report(results: Results) -> list[str]:
    """Import, first calls, files, memory."""
    return [
        "## Start-up",
        "Medians of new processes. Cold: with an empty cache of compiled kernels, numba's import included; cached: "
        "with a full one, the time of the one-line kernel (which is mostly numba's import) taken off the first call. "
        f"{machine_line(results)}",
        target_table("start-up", results),
    ]


def versions_report(results: Results) -> list[str]:
    """Two versions side by side."""
    lines = []
    for r in results["results"]:
        first, again = (bold(f"{ratio:.3f}", r["slower"]) if ratio else "" for ratio in (r["ratio"], r["again"]))
        lines.append([r["row"], duration(r["old"]), duration(r["new"]), first, again])
    return [
        "## Old and new version",
        f"`{results['versions']['old']}` and `{results['versions']['new']}`, a process each that take turns; medians "
        f"of {results['rounds']} rounds (fewer in new processes). Rows above 1.08 were measured again; bold: above it "
        f"twice. Geometric mean of new / old: **{results['geometric_mean']}**. {machine_line(results)}",
        markdown(["", "old", "new", "new / old", "again"], lines),
    ]


def page(found: dict[str, Results]) -> str:
    """results/README.md."""
    parts = [
        "# Measured speed, and published results reproduced",
        "Written by `python bench/report.py` from the JSON files here; measured anew by `pip install -e "
        '".[bench]" && python bench/run.py`, looked at closely by `pytest bench --benchmark-only`.',
        *tables_report(found["tables"]),
        *autoregressive_report(found["autoregressive"]),
        *(hybrid_report(found["hybrid"]) if "hybrid" in found else []),
        *(neural_report(found["neural"]) if "neural" in found else []),
        *(evidence_report(found["evidence"]) if "evidence" in found else []),
        *drop_in_section(found.get("drop_in")),
        *scale_out_section(found.get("scale_out")),
        *gpu_section(read_cards()),
        *startup_report(found["start-up"]),
        *(versions_report(found["versions"]) if "versions" in found else []),
        "## Published results, reproduced",
        reproduction_section(read_reproduction(RESULTS / "reproduce")),
    ]
    return "\n\n".join(parts) + "\n"


def readme(text: str, found: dict[str, Results]) -> str:
    """The main README with its three sections."""
    text = replace_section(text, "speed", short_tables(found["tables"]))
    text = replace_section(text, "autoregressive-speed", short_autoregressive(found["autoregressive"]))
    return replace_section(text, "reproduction", short_reproduction())


def draw(tables: Results, autoregressive: Results) -> None:
    """All plots."""
    pigs = [r for r in tables["results"] if r["workload"] == "pigs-100k"]
    for name, records in {"alarm": alarm(tables), "pigs": pigs}.items():
        panels = {operation: [r for r in records if r["operation"] == operation] for operation in OPERATIONS}
        title = f"{name.upper()}, {records[0]['variables']} variables: time per cell"
        draw_bars(panels, ns_per_cell, "nanoseconds per cell (one variable of one row)", title, RESULTS / f"{name}.png")
    panels = {name: find(autoregressive, *which, (1,)) for name, which in PLOTTED.items()}
    title = "Time per row, batches of 1000 rows on one thread"
    draw_bars(panels, us_per_row, "microseconds per row", title, RESULTS / "autoregressive.png")
    draw_reproduction(read_reproduction(RESULTS / "reproduce"), RESULTS / REPRODUCTION_PICTURE)


def main() -> None:
    """Write everything."""
    found = {name: results for name in SAVED if (results := read_results(name))}
    (RESULTS / "README.md").write_text(page(found), encoding="utf-8")
    README.write_text(readme(README.read_text(encoding="utf-8"), found), encoding="utf-8")
    draw(found["tables"], found["autoregressive"])


if __name__ == "__main__":
    main()
