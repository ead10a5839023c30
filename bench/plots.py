"""Bar charts of libraries, one panel per operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = {"fastdgm": "#0072B2", "other libraries": "#B3B3B3", "floors: bytes, random bits, products": "#E69F00"}

Record = Mapping[str, Any]


def kind_of(record: Record) -> str:
    """The colour's meaning."""
    ours, others, floors = COLOURS
    return floors if record["label"].startswith("floor") else ours if record["library"] == "fastdgm" else others


def named(record: Record) -> str:
    """A library and its threads, where they are not one as everybody's."""
    threads = record["threads"]
    if record["library"] != "fastdgm" and threads == 1:
        return record["label"]
    return f"{record['label']}, {threads} thread{'s' * (threads > 1)}"


def number(value: float) -> str:
    """Two digits, or all before the point, thousands apart."""
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.2g}"


def draw_bars(
    panels: Mapping[str, Sequence[Record]], value: Callable[[Record], float], axis_label: str, title: str, path: Path
) -> None:
    """Values into a PNG file: fastest on top, one log scale for all panels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    sizes = [len(panel) for panel in panels.values()]
    figure, axes = plt.subplots(
        len(panels),
        sharex=True,
        height_ratios=sizes,
        figsize=(8.5, 0.3 * sum(sizes) + 0.45 * len(sizes) + 0.9),
        layout="constrained",
    )
    for axis, (name, panel) in zip(axes, panels.items(), strict=True):
        draw_panel(axis, name, sorted(panel, key=value, reverse=True), value)
    values = [value(record) for panel in panels.values() for record in panel]
    axes[-1].set(xscale="log", xlim=(min(values) / 2, max(values) * 4))
    axes[-1].xaxis.set_major_formatter(lambda value, _: number(value))
    axes[-1].set_xlabel(f"{axis_label}, log scale: shorter is faster", fontsize=11)
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    figure.suptitle(title, fontsize=13)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()]
    figure.legend(handles, list(COLOURS), loc="outside lower center", ncols=3, frameon=False, fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_panel(axis: Any, name: str, records: Sequence[Record], value: Callable[[Record], float]) -> None:
    """One operation, slowest first."""
    values = [value(record) for record in records]
    bars = axis.barh([named(r) for r in records], values, color=[COLOURS[kind_of(r)] for r in records])
    axis.bar_label(bars, labels=[number(v) for v in values], padding=4, fontsize=10)
    axis.set_title(name, fontsize=12, fontweight="bold", loc="left")
    axis.set_ylim(-0.6, len(records) - 0.4)
    axis.tick_params(labelsize=10)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right"]].set_visible(False)
    for label, record in zip(axis.get_yticklabels(), records, strict=True):
        label.set_fontweight("bold" if record["library"] == "fastdgm" else "normal")
