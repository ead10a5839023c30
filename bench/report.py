"""Writes the README's speed tables and the plots from the JSON files in results/.

python bench/report.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from machine import RESULTS, read_results
from peers.base import OPERATIONS
from plots import draw_bars, draw_sizes
from report_autoregressive import PICTURE, autoregressive_section
from report_reproduction import PICTURE as REPRODUCTION_PICTURE
from report_reproduction import draw_reproduction, read_reproduction, reproduction_section
from targets import MAIN, best_peer, ns_per_cell

README = Path(__file__).parents[1] / "README.md"
SPEED, AUTOREGRESSIVE, REPRODUCTION = (
    "speed",
    "autoregressive-speed",
    "reproduction",
)  # of the markers <!-- NAME:begin --> and <!-- NAME:end -->
LARGE = "pigs-100k"
SHOWN = {"alarm": MAIN, "pigs": LARGE}
FALLBACK = {MAIN: "alarm-100k"}  # slow libraries are not run on the larger workload

Results = dict[str, Any]
Record = dict[str, Any]


def records_by_library(results: Results, workload: str) -> dict[str, dict[str, Record]]:
    """library -> operation -> record, slow libraries from the smaller workload of the same network."""
    found: dict[str, dict[str, Record]] = {}
    for name in (FALLBACK.get(workload, workload), workload):
        for record in results["results"]:
            if record["workload"] == name:
                found.setdefault(record["library"], {})[record["operation"]] = record
    return found


def speed_table(results: Results) -> list[str]:
    """The Markdown table: one line per library, ns per cell."""
    large = records_by_library(results, LARGE)
    lines = [
        "| ns per cell, lower is better | ALARM (37) sample | log_prob | fit | PIGS (441) sample | log_prob | fit |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for library, main in records_by_library(results, MAIN).items():
        label = next(iter(main.values()))["label"]
        cells = [cell(own.get(op)) for own in (main, large.get(library, {})) for op in OPERATIONS]
        bold = "**" if library.startswith("fastdgm") else ""
        lines.append(f"| {bold}{label}{bold} | " + " | ".join(f"{bold}{c}{bold}" if c else "" for c in cells) + " |")
    return lines


def cell(record: Record | None) -> str:
    """A number to three digits, with a star where fewer rows were used; empty where there is none."""
    if record is None:
        return ""
    value = record["ns_per_cell"]
    digits = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    fewer = record["rows"] < (1_000_000 if record["workload"].startswith("alarm") else 100_000)
    return digits + ("\\*" if fewer else "")


def ratio_lines(results: Results) -> list[str]:
    """In words: how many times as fast as the fastest rival, by operation."""
    lines = []
    for operation in OPERATIONS:
        peer = best_peer(results, MAIN, operation)
        ours = [ns_per_cell(results, MAIN, operation, f"fastdgm-{threads}") for threads in (1, 2)]
        if peer and all(ours):
            label = records_by_library(results, MAIN)[peer[0]][operation]["label"]
            one, two = (peer[1] / ns for ns in ours if ns)
            lines.append(f"- {operation}: {one:.1f} x {label} on one thread, {two:.1f} x on two.")
    return lines


def startup_lines(results: Results | None) -> list[str]:
    """Import, first calls and memory, one line."""
    if results is None:
        return []
    value = {record["what"]: record["value"] for record in results["results"]}
    shown = {
        "`import fastdgm`": value["import fastdgm"],
        "first `log_prob` in a process, numba's import included": value["cached first log_prob, above that kernel"]
        + value["one-line cached numba kernel (numba's import included)"],
        "then first `sample`": value["cached first sample, after log_prob"],
        "once after installing, to compile": value["cold first log_prob (numba's import included)"]
        + value["cold first sample, after log_prob"],
    }
    text = "; ".join(f"{what} {seconds:.2g} s" for what, seconds in shown.items())
    peak = next((f"; {what} {v:.0f} MiB" for what, v in value.items() if what.endswith("peak memory")), "")
    return [f"Start-up: {text}{peak}."]


def caption(results: Results) -> str:
    """What was measured, on what, and the fine print of every library."""
    machine, main = results["machine"], records_by_library(results, MAIN)
    versions = ", ".join(f"{name} {found}" for name, found in machine["versions"].items())
    first_records = [next(iter(own.values())) for own in main.values()]
    notes = "; ".join(f"{record['label']}: {record['note']}" for record in first_records if record["note"])
    return (
        f"ALARM 1 000 000 rows, PIGS 100 000, \\* fewer; medians of {first_records[0]['rounds']} interleaved rounds, "
        "each rival in its native format, prebuilt outside the clock, on one thread where it can be limited. "
        f"{notes}. {machine['processor']}, {machine['cores']} cores, {machine['date'][:10]}; {versions}."
    )


def speed_section(results: Results, startup: Results | None) -> str:
    """Everything between the README's markers."""
    pictures = [
        f"![{network.upper()}: ns per cell by library](bench/results/{network}.png)"
        for network, workload in SHOWN.items()
        if records_by_library(results, workload)
    ]
    again = 'pip install -e ".[bench]" && python bench/compare.py && python bench/startup.py && python bench/report.py'
    paragraphs = [
        "\n".join(speed_table(results)),
        caption(results),
        "Against the fastest rival on ALARM:",
        "\n".join(ratio_lines(results)),
        *startup_lines(startup),
        *pictures,
        f"Again on your machine: `{again}`.",
    ]
    return "\n\n".join(paragraphs)


def replace_section(text: str, name: str, section: str) -> str:
    """The README with what lies between the markers of this name replaced. Raises ValueError without markers."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"README.md needs one line {begin} and one line {end}")
    before, rest = text.split(begin)
    return before + begin + "\n\n" + section + "\n\n" + end + rest.split(end)[1]


def write_section(name: str, section: str) -> None:
    """Put it into the README and show it."""
    print(section, end="\n\n")
    README.write_text(replace_section(README.read_text(encoding="utf-8"), name, section), encoding="utf-8")


def report_bayesnets(results: Results) -> None:
    """Plots and section of compare.py and startup.py."""
    for network, workload in SHOWN.items():
        own = records_by_library(results, workload)
        if own:
            variables = own["fastdgm-1"]["sample"]["variables"]
            draw_bars(own, f"{network.upper()}, {variables} variables: time per cell", RESULTS / f"{network}.png")
    write_section(SPEED, speed_section(results, read_results("startup")))


def report_autoregressive(results: Results) -> None:
    """Plot and section of autoregressive.py."""
    draw_sizes(results["results"], "MADE on one thread: time per row", RESULTS / PICTURE)
    write_section(AUTOREGRESSIVE, autoregressive_section(results))


def main() -> None:
    """Command line."""
    reports = {"compare": report_bayesnets, "autoregressive": report_autoregressive}
    found = {name: results for name in reports if (results := read_results(name)) is not None}
    if not found:
        raise SystemExit("no results: run bench/compare.py or bench/autoregressive.py first")
    for name, results in found.items():
        reports[name](results)
    reproduced = read_reproduction(RESULTS / "reproduce")
    draw_reproduction(reproduced, RESULTS / REPRODUCTION_PICTURE)
    write_section(REPRODUCTION, "\n".join(reproduction_section(reproduced)))


if __name__ == "__main__":
    main()
