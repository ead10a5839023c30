"""Digits of a class: a MADE whose context is the label, and its classifier by Bayes' rule.

    PYTHONPATH=. python bench/reproduce/digits_by_class.py --data FOLDER

p(label, image) = p(label) p(image | label), learnt together; p(label | image) follows by Bayes' rule, no classifier is
trained. ``labelled_digits.py`` says which images have labels.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import fastdgm as fd
from bench.reproduce.labelled_digits import Digits, LabelledDigits, load_digits
from bench.reproduce.options import parse
from bench.reproduce.protocol import keep, provenance

SAMPLES_OF_EACH = 8


@dataclass(frozen=True)
class Candidate:
    """A MADE and the arguments of ``fit`` besides the data."""

    name: str
    hidden: tuple[int, ...]
    fit: dict[str, Any]


def candidates(epochs: int = 60) -> list[Candidate]:
    """One hidden layer, with more and less decay."""
    settings = {"epochs": epochs, "batch_size": 100, "learning_rate": 2e-3, "patience": 8, "seed": 0}
    return [Candidate(f"made-500-decay{decay:g}", (500,), settings | {"weight_decay": decay}) for decay in (0.03, 0.1)]


def network(candidate: Candidate, n_pixels: int, n_digits: int) -> fd.BayesNet:
    """label -> image, not trained."""
    made = fd.MADE(n_pixels, hidden=candidate.hidden, n_context=n_digits, seed=candidate.fit["seed"])
    return fd.BayesNet({"label": fd.Categorical(np.full(n_digits, 1 / n_digits)), "image": made.given(["label"])})


def columns(digits: Digits) -> dict[str, np.ndarray[Any, Any]]:
    """As the network's variables."""
    return {"label": digits.labels, "image": digits.images}


def scores(net: fd.BayesNet, digits: Digits) -> dict[str, float]:
    """Accuracy by Bayes' rule, and the mean -log p(image | label) and -log p(image), nats."""
    joint = np.stack([_log_joint(net, digits.images, digit) for digit in range(len(net.states["label"]))], axis=1)
    prior = np.log(net["label"].table)
    rows = np.arange(len(digits.labels))
    return {
        "accuracy": float((net.predict({"image": digits.images}, "label") == digits.labels).mean()),
        "nll_given_label": float((prior - joint)[rows, digits.labels].mean()),
        "nll": float(-np.logaddexp.reduce(joint, axis=1).mean()),
    }


def _log_joint(net: fd.BayesNet, images: np.ndarray[Any, Any], digit: int) -> np.ndarray[Any, Any]:
    return net.log_prob({"label": np.full(len(images), digit), "image": images})


def train(candidate: Candidate, digits: LabelledDigits) -> tuple[dict[str, Any], fd.BayesNet]:
    """The record of a run, and its network."""
    net = network(candidate, digits.train.images.shape[1], len(np.unique(digits.train.labels)))
    begin, cpu = time.perf_counter(), time.process_time()
    net.fit(columns(digits.train), valid=columns(digits.valid), **candidate.fit)
    seconds = {"seconds": time.perf_counter() - begin, "cpu_seconds": time.process_time() - cpu}
    record = asdict(candidate) | {name: round(own, 1) for name, own in seconds.items()}
    return record | named("valid", scores(net, digits.valid)) | provenance(), net


def named(part: str, found: dict[str, float]) -> dict[str, float]:
    """Scores by the part of the images that they are of."""
    return {f"{part}_{name}": value for name, value in found.items()}


def run(
    tried: list[Candidate], digits: LabelledDigits, results: Path | None = None
) -> tuple[dict[str, Any], fd.BayesNet]:
    """Train all, choose by the validation NLL, and score the test images once (not without ``results``)."""
    runs = [train(candidate, digits) for candidate in tried]
    record, net = min(runs, key=lambda own: own[0]["valid_nll"])
    result = {
        "experiment": "digits_by_class",
        "source": digits.source,
        "chosen": [record["name"]],
        "rows": {"train": len(digits.train.labels), "valid": len(digits.valid.labels), "test": len(digits.test.labels)},
        **{name: record[name] for name in ("valid_accuracy", "valid_nll")},
        "runs": [own for own, _ in runs],
    }
    print(f"digits_by_class: {record['name']}, valid accuracy {record['valid_accuracy']:.4f}", flush=True)
    if results is not None:
        result = keep(result, results, lambda: named("test", scores(net, digits.test)))
    return result, net


def draw(net: fd.BayesNet, shape: tuple[int, int], folder: Path) -> None:
    """``digits_by_class.png``: a line of drawn images for every digit."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for certain in np.eye(len(net.states["label"])):
        of_a_class = fd.BayesNet({**net.conditionals, "label": fd.Categorical(certain)})
        lines.append(of_a_class.sample(SAMPLES_OF_EACH, seed=0)["image"])
    fd.plot.image_grid(np.concatenate(lines), shape, SAMPLES_OF_EACH, folder / "digits_by_class.png")


def main() -> None:
    """Train, choose, score, draw."""
    options = parse(__doc__, ["digits_by_class"])
    digits = load_digits(options.data)
    _, net = run(candidates(), digits, None if options.no_test else options.results)
    draw(net, digits.shape, options.results)


if __name__ == "__main__":
    main()
