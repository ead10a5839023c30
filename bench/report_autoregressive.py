"""The README's tables of the autoregressive models, from results/autoregressive.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from targets_autoregressive import MADE, RATIOS, Ratio, find, ratio

Results = dict[str, Any]
Record = dict[str, Any]

PICTURE = "autoregressive.png"
MADE_COLUMNS = (
    ("sample", 1000),
    ("sample", 100),
    ("sample", 1),
    ("log_prob", 1000),
    ("log_prob", 100),
    ("log_prob", 1),
)
MADE_METHODS = ("fastdgm", "prefix-loop", "naive", "torch-masked", "torch-baked", "halved-mm")
OTHERS = ("FVSBN 784", "NADE 784-500", "zuko MAF 784-500", "nflows MAF 784-500-500", MADE)


def made_table(results: Results) -> list[str]:
    """Milliseconds by method; MADE 784-500, one thread."""
    lines = [
        f"| {MADE}, ms, one thread | sample 1 000 rows | 100 | 1 | log_prob 1 000 rows | 100 | 1 |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for method in MADE_METHODS:
        own = [
            find(results, group="made", model=MADE, operation=operation, rows=rows, method=method)
            for operation, rows in MADE_COLUMNS
        ]
        label = next((record["label"] for record in own if record), None)
        if label is not None:
            bold = "**" if method == "fastdgm" else ""
            cells = [f"{bold}{digits(record['median_s'] * 1e3)}{bold}" if record else "" for record in own]
            lines.append(f"| {bold}{label}{bold} | " + " | ".join(cells) + " |")
    return lines


def others_table(results: Results) -> list[str]:
    """The other models: fastdgm, a rival, and how many times as fast."""
    lines = ["| one thread | fastdgm | rival | | times as fast |", "|---|--:|--:|---|--:|"]
    for wanted in RATIOS:
        found = ratio(results, wanted)
        if found and wanted.model in OTHERS and wanted.group not in ("made", "training-2"):
            own, other = found
            times = other["median_s"] / own["median_s"]
            cells = [description(wanted), duration(own["median_s"]), duration(other["median_s"]), other["label"]]
            lines.append("| " + " | ".join(cells) + f" | **{digits(times)}** |")
    return [*lines, *markov_lines(results)]


def markov_lines(results: Results) -> list[str]:
    """Lines of the second table, per character."""
    lines = []
    for operation in ("log_prob", "count", "sample"):
        own, other = (
            find(results, group="markov", operation=operation, method=method) for method in ("fastdgm", "numpy")
        )
        if own and other:
            ns = [record["ns_per_character"] for record in (own, other)]
            cells = f"{digits(ns[0])} ns | {digits(ns[1])} ns | NumPy"
            lines.append(f"| MarkovChain order 3, {operation} per character | {cells} | **{digits(ns[1] / ns[0])}** |")
    return lines


def description(wanted: Ratio) -> str:
    """What a line of the second table is about."""
    ones = f", {wanted.ones} ones" if wanted.ones else ""
    if wanted.operation == "fit":
        return f"{wanted.model} fit, one epoch of 50 000 rows"
    return f"{wanted.model} {wanted.operation}, {wanted.rows:,} rows{ones}".replace(",000", " 000")


def duration(seconds: float) -> str:
    """In ms, or s from ten thousand of them on."""
    return f"{digits(seconds)} s" if seconds >= 10 else f"{digits(seconds * 1e3)} ms"


def digits(value: float) -> str:
    """Three of them, thousands apart."""
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def scaling_line(results: Results) -> list[str]:
    """Two threads against one."""
    parts = []
    for group, model in (("made-2", MADE), ("fvsbn-2", "FVSBN 784"), ("nade-2", "NADE 784-500")):
        for operation in ("sample", "log_prob"):
            where = {"group": group, "model": model, "operation": operation, "method": "fastdgm"}
            one, two = (find(results, **where, threads=threads) for threads in (1, 2))
            if one and two:
                parts.append(f"{model} {operation} {one['median_s'] / two['median_s']:.2f} x")
    return [f"Two threads against one: {', '.join(parts)}."] if parts else []


def start_up_line(results: Results) -> list[str]:
    """First calls after installing, and in later processes."""
    own = [r for r in results["results"] if r.get("start_up") and "model" in r]
    if not own:
        return []
    ranges = {kind: [r["median_s"] for r in own if r["operation"].startswith(kind)] for kind in ("cold", "cached")}
    return [
        f"First calls (log_prob, sample and fit of each family): {spread(ranges['cold'])} each to compile once after "
        f"installing, {spread(ranges['cached'])} each from the cache in a new process, numba's import not counted."
    ]


def spread(seconds: Sequence[float]) -> str:
    """From the least to the most."""
    return f"{max(0.0, min(seconds)):.2g} to {max(seconds):.2g} s"


def caption(results: Results) -> str:
    """What was measured, on what, and the fine print."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {found}" for name, found in machine["versions"].items())
    slow = sorted({r["rounds"] for r in results["results"] if "rounds" in r})
    failed = sum(not each["passed"] for each in results["checks"])
    return (
        f"Medians of {slow[-1]} interleaved rounds ({slow[0]} to {slow[-1]} of the slowest methods); of one pass per "
        "variable, one pass in 16 was timed and scaled. In the same run: the same samples from the same uniforms, and "
        f"the same log_prob to 1e-5 relative ({len(results['checks']) - failed} of {len(results['checks'])} checks "
        f"passed). {machine['processor']}, {machine['cores']} cores, {machine['date'][:10]}; {versions}."
    )


def autoregressive_section(results: Results) -> str:
    """Everything between the README's markers."""
    again = "python bench/autoregressive.py && python bench/report.py"
    return "\n\n".join(
        [
            "\n".join(made_table(results)),
            "\n".join(others_table(results)),
            caption(results),
            *scaling_line(results),
            *start_up_line(results),
            f"![Sampling and scoring of MADE by size and method](bench/results/{PICTURE})",
            f"Again on your machine: `{again}`.",
        ]
    )
