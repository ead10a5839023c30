"""The report on reproduced results, from results/reproduce/*.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PICTURE = "reproduction.png"
MNIST = {  # experiment: label, published NLL and where from
    "mnist_fvsbn": ("FVSBN", 97.45, "Larochelle & Murray 2011"),
    "mnist_nade_500": ("NADE, 500 units", 88.33, "Uria et al. 2016"),
    "mnist_made_500": ("MADE, 1 x 500, natural order", None, ""),
    "mnist_made_mixture": ("MADE, mixture of random orders", 86.64, "MADE with 32 masks, Germain et al. 2015"),
}

Result = dict[str, Any]


def read_reproduction(folder: Path) -> dict[str, Result]:
    """Experiment -> result."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}


def reproduction_section(results: dict[str, Result]) -> str:
    """Markdown: MNIST, density estimation, text."""
    paragraphs = [
        "\n".join(mnist_table(results)),
        "\n".join(density_table(results)),
        "\n".join(text_lines(results)),
        f"![Test log-likelihood against Chow-Liu trees and HCLT]({PICTURE})",
        "Models are chosen by validation alone, the test set is scored once; settings, seeds, epochs and seconds "
        "of every run are in [`reproduce`](reproduce), how to run it again in "
        "[`bench/reproduce`](../reproduce/README.md). Published numbers of MNIST are quoted from memory; Chow-Liu "
        "was computed on the same files, HCLT is the mean of its authors' run logs.",
    ]
    return "\n\n".join(paragraphs)


def mnist_table(results: dict[str, Result]) -> list[str]:
    """Ours beside what was published."""
    lines = ["| binarised MNIST, test NLL in nats | fastdgm | published |", "|---|--:|---|"]
    for name, (label, published, source) in MNIST.items():
        if name in results:
            own = results[name]
            members = f" ({len(own['chosen'])} members)" if len(own["chosen"]) > 1 else ""
            quoted = "" if published is None else f"{published} ({source})"
            lines.append(f"| {label}{members} | {own['test_nll']:.2f} ± {own['test_standard_error']:.2f} | {quoted} |")
    return lines


def density_sets(results: dict[str, Result]) -> list[tuple[str, Result]]:
    """(set, result) of the density-estimation sets."""
    return [(name.removeprefix("debd_"), own) for name, own in results.items() if name.startswith("debd_")]


def density_table(results: dict[str, Result]) -> list[str]:
    """One column per set."""
    sets = density_sets(results)
    rows = [
        ("test NLL, nats", [name for name, _ in sets]),
        ("---", ["--:"] * len(sets)),
        ("**fastdgm**", [f"**{own['test_nll']:.2f}**" for _, own in sets]),
        ("Chow-Liu tree", [f"{own['targets']['chow_liu']:.2f}" for _, own in sets]),
        ("HCLT", [f"{own['targets']['hclt']:.2f}" for _, own in sets]),
    ]
    return [f"| {label} | " + " | ".join(cells) + " |" for label, cells in rows]


def text_lines(results: dict[str, Result]) -> list[str]:
    """n-grams over characters."""
    lines = []
    for name, label in (("text_names", "names"), ("text_shakespeare", "tiny shakespeare")):
        if name in results:
            own, chosen = results[name], results[name]["chosen"]
            lines.append(
                f"- `MarkovChain` of order {chosen['order']} ({chosen['smoothing']}) on {label}: "
                f"{own['test_bits']:.2f} bits per character."
            )
    return lines


def draw_reproduction(results: dict[str, Result], path: Path) -> None:
    """Percent better (right) or worse (left) than HCLT, by set; Chow-Liu trees beside."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    sets = density_sets(results)
    gain = [100 * (1 - own["test_nll"] / own["targets"]["hclt"]) for _, own in sets]
    trees = [100 * (1 - own["targets"]["chow_liu"] / own["targets"]["hclt"]) for _, own in sets]
    figure, axis = plt.subplots(figsize=(8.5, 5.0), layout="constrained")
    places = range(len(sets))
    for offset, values, colour, label in (
        (-0.2, gain, "#0072B2", "fastdgm (mixtures of MADEs)"),
        (0.2, trees, "#B3B3B3", "Chow-Liu tree"),
    ):
        bars = axis.barh([p + offset for p in places], values, 0.4, color=colour, label=label)
        axis.bar_label(bars, labels=[f"{value:+.1f}" for value in values], padding=3, fontsize=8)
    axis.axvline(0, color="black", linewidth=1)
    axis.set_yticks(list(places), [name for name, _ in sets])
    axis.invert_yaxis()
    axis.margins(x=0.08)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_xlabel("test log-likelihood, percent better than HCLT: further right is better", fontsize=11)
    axis.set_title("Density-estimation sets", fontsize=13)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
