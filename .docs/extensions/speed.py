"""The front page's plot of speed: bars drawn from bench/results/tables.json while the site is built."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive

RESULTS = Path(__file__).resolve().parents[2] / "bench/results/tables.json"
LIBRARIES = ("fastdgm", "jax", "pybnesian", "numpy-tuned", "numpy", "pyagrum", "pgmpy")
OPERATIONS = {"sample": "draw rows", "log_prob": "score rows", "fit": "learn tables"}

Record = Mapping[str, Any]


def ns_per_cell(record: Record) -> float:
    """A cell is one variable of one row."""
    return record["median_s"] / (record["rows"] * record["variables"]) * 1e9


def of_alarm(results: Sequence[Record], operation: str) -> list[Record]:
    """One thread, a million rows, of slow libraries fewer; fastest first."""
    found = {
        r["library"]: r
        for workload in ("alarm-100k", "alarm-1M")
        for r in results
        if (r["workload"], r["operation"], r["threads"]) == (workload, operation, 1) and r["library"] in LIBRARIES
    }
    return sorted(found.values(), key=ns_per_cell)


def bars(records: Sequence[Record], heading: str, lowest: float, highest: float) -> str:
    """One operation; lengths are logarithms, from a tenth of the shortest."""
    lines = [f"<h4>{escape(heading)}</h4>"]
    for record in records:
        value = ns_per_cell(record)
        share = (log10(value / lowest) + 0.35) / (log10(highest / lowest) + 0.35)
        own = ' class="own"' if record["library"] == "fastdgm" else ""
        number = f"{value:.2g}" if value < 100 else f"{value:,.0f}".replace(",", " ")
        star = "*" if record["rows"] < 1_000_000 else ""
        lines.append(
            f"<div{own}><span>{escape(record['label'])}{star}</span>"
            f'<span><i style="width:{70 * share:.1f}%"></i>{number}</span></div>'
        )
    return "\n".join(lines)


def plot() -> str:
    """The plot and what it was measured on."""
    saved = json.loads(RESULTS.read_text(encoding="utf-8"))
    panels = {operation: of_alarm(saved["results"], operation) for operation in OPERATIONS}
    values = [ns_per_cell(record) for panel in panels.values() for record in panel]
    drawn = [
        bars(records, f"{OPERATIONS[name]} ({name})", min(values), max(values)) for name, records in panels.items()
    ]
    machine = saved["machine"]
    caption = (
        "Nanoseconds per cell (one variable of one row), log scale: shorter is faster. ALARM, 37 variables, 1 000 000 "
        "rows, * fewer; one thread (pgmpy chooses its own number), medians of 7 interleaved rounds, each library in "
        f"its native format, prebuilt outside the clock. {machine['processor']}, {machine['date'][:10]}."
    )
    return f'<figure class="speed">{"".join(drawn)}<figcaption>{escape(caption)}</figcaption></figure>'


class Speed(Directive):
    """```{speed}```: the plot."""

    def run(self) -> list[nodes.Node]:
        """In its place."""
        self.state.document.settings.env.note_dependency(str(RESULTS))
        return [nodes.raw("", plot(), format="html")]


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("speed", Speed)
    return {"parallel_read_safe": True}
