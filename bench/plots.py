"""Bar charts of libraries, one panel per operation; and dots of methods by size of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from peers.base import OPERATIONS

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = {"fastdgm": "#0072B2", "other libraries": "#B3B3B3", "floors: bytes moved, bits drawn": "#E69F00"}

METHODS = {  # colour and marker
    "fastdgm": ("#0072B2", "o"),
    "prefix-loop": ("#009E73", "s"),
    "naive": ("#CC79A7", "D"),
    "torch-baked": ("#D55E00", "^"),
    "halved-mm": ("#E69F00", "|"),
}

Record = Mapping[str, Any]


def kind_of(record: Record) -> str:
    """The colour's meaning."""
    if record["library"].startswith("fastdgm"):
        return "fastdgm"
    return "floors: bytes moved, bits drawn" if record["label"].startswith("floor") else "other libraries"


def draw_bars(libraries: Mapping[str, Mapping[str, Record]], title: str, path: Path) -> None:
    """ns per cell into a PNG file: fastest on top, one log scale for all panels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    panels = [[own[operation] for own in libraries.values() if operation in own] for operation in OPERATIONS]
    sizes = [len(panel) for panel in panels]
    figure, axes = plt.subplots(
        len(panels),
        sharex=True,
        height_ratios=sizes,
        figsize=(8.5, 0.3 * sum(sizes) + 2.2),
        layout="constrained",
    )
    for axis, operation, panel in zip(axes, OPERATIONS, panels, strict=True):
        draw_panel(axis, operation, panel)
    values = [record["ns_per_cell"] for panel in panels for record in panel]
    axes[-1].set(xscale="log", xlim=(min(values) / 2, max(values) * 4))
    axes[-1].xaxis.set_major_formatter("{x:g}")
    axes[-1].set_xlabel("ns per cell (log scale): shorter is faster", fontsize=11)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    figure.suptitle(title, fontsize=13)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()]
    figure.legend(handles, list(COLOURS), loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_panel(axis: Any, operation: str, records: list[Record]) -> None:
    """One operation."""
    records = sorted(records, key=lambda record: record["ns_per_cell"], reverse=True)
    values = [record["ns_per_cell"] for record in records]
    bars = axis.barh([r["label"] for r in records], values, color=[COLOURS[kind_of(r)] for r in records])
    axis.bar_label(bars, labels=[f"{v:.0f}" if v >= 100 else f"{v:.2g}" for v in values], padding=4, fontsize=10)
    axis.set_title(operation, fontsize=12, fontweight="bold", loc="left")
    axis.set_ylim(-0.6, len(records) - 0.4)
    axis.tick_params(labelsize=10)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right"]].set_visible(False)
    for label, record in zip(axis.get_yticklabels(), records, strict=True):
        label.set_fontweight("bold" if kind_of(record) == "fastdgm" else "normal")


def draw_sizes(records: Sequence[Record], title: str, path: Path) -> None:
    """Microseconds per row of MADE into a PNG file: a line per size, a panel per operation and number of rows.

    The torch log_prob pass is in every panel.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    shown = [r for r in records if r["group"] == "made" and r["method"] in METHODS]
    models = list(dict.fromkeys(r["model"] for r in shown))
    operations, sizes = ("sample", "log_prob"), sorted({r["rows"] for r in shown}, reverse=True)
    figure, axes = plt.subplots(
        len(operations), len(sizes), sharey=True, sharex=True, squeeze=False, figsize=(10, 8), layout="constrained"
    )
    for i, operation in enumerate(operations):
        for j, rows in enumerate(sizes):
            own = [
                r for r in shown if r["rows"] == rows and (r["operation"] == operation or r["method"] == "torch-baked")
            ]
            draw_dots(axes[i, j], own, models)
            axes[i, j].set_title(f"{operation}, {rows:,} row{'s' * (rows > 1)}", fontsize=11, fontweight="bold")
    for axis in axes[-1]:
        axis.set_xlabel("microseconds per row (log scale)", fontsize=10)
    axes[0, 0].set(xscale="log", ylim=(len(models) - 0.4, -0.6))
    labels = {r["method"]: r["label"] for r in shown}
    handles = [
        plt.Line2D([], [], color=colour, marker=marker, linestyle="", label=labels[method])
        for method, (colour, marker) in METHODS.items()
        if method in labels
    ]
    figure.suptitle(title, fontsize=13)
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_dots(axis: Any, records: Sequence[Record], models: Sequence[str]) -> None:
    """One panel."""
    for record in records:
        colour, marker = METHODS[record["method"]]
        at = record["median_s"] / record["rows"] * 1e6
        axis.plot(at, models.index(record["model"]), marker, color=colour, markersize=7, markeredgewidth=2)
    axis.set_yticks(range(len(models)), models, fontsize=9)
    axis.grid(axis="y", color="#E5E5E5")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
