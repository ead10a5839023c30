"""The report on reproduced results, from results/reproduce/*.json."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

PICTURE = "reproduction.png"
MNIST = {  # experiment: label, published NLL and where from
    "mnist_fvsbn": ("FVSBN", 97.45, "Larochelle & Murray 2011"),
    "mnist_nade_500": ("NADE, 500 units", 88.33, "Uria et al. 2016"),
    "mnist_made_500": ("MADE, 1 x 500, natural order", None, ""),
    "mnist_vae": ("VAE, 2 x 200 units, 50 codes, by 500 draws a row", None, ""),
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
        "\n".join(neural_lines(results)),
        f"![Test log-likelihood against Chow-Liu trees and HCLT]({PICTURE})",
        "Models are chosen by validation alone, the test set is scored once; settings, seeds, epochs and seconds "
        "of every run are in [`reproduce`](reproduce), how to run it again in "
        "[`bench/reproduce`](../reproduce/README.md). Published numbers of MNIST are quoted from memory; Chow-Liu "
        "was computed on the same files, HCLT is the mean of its authors' run logs.",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


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


def neural_lines(results: dict[str, Result]) -> list[str]:
    """Classifiers and regressions with neural conditionals, on their own splits."""
    return [line(results[name]) for name, line in NEURAL.items() if name in results]


def by_class_line(own: Result) -> str:
    return (
        f"- Digits of a class, MADE with the label as context ({own['source']}, {own['rows']['train']} of them to "
        f"learn from): test accuracy by Bayes' rule {own['test_accuracy']:.1%}, NLL {own['test_nll']:.2f} nats, "
        f"{own['test_nll_given_label']:.2f} given the label."
    )


def semi_supervised_line(own: Result) -> str:
    return (
        f"- {own['rows']['labelled']} labelled digits and {own['rows']['unlabelled']} without ({own['source']}): a "
        f"VAE with a label node is right in {own['test_accuracy']:.1%} of the test images, a classifier of the same "
        f"width that learns from the labels alone in {own['test_accuracy_of_classifier']:.1%}."
    )


def classifier_line(own: Result) -> str:
    seen, summed, mean = (f"{own[f'test_{way}_log_loss']:.3f}" for way in ("complete", "summed_out", "mean_imputed"))
    return (
        f"- A neural classifier with {own['share_missing']:.0%} of its inputs missing: log-loss {summed} nats where "
        f"the network sums them out, {mean} where means take their place, {seen} where nothing is missing."
    )


def mixture_line(own: Result) -> str:
    return (
        f"- Mixture-density regression of the inverse sine: {own['test_nll']:.3f} nats, a normal head "
        f"{own['test_nll_of_normal']:.3f}."
    )


NEURAL: dict[str, Callable[[Result], str]] = {
    "digits_by_class": by_class_line,
    "semi_supervised": semi_supervised_line,
    "neural_classifier": classifier_line,
    "mixture_density": mixture_line,
}


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
