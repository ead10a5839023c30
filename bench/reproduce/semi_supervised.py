"""Digits with few labels: a small autoencoder with a label node, against the same-size classifier on the labels alone.

    PYTHONPATH=. python bench/reproduce/semi_supervised.py --data FOLDER

p(z) p(image | z) p(label | z) with a guide q(z | image): where the label is missing it is summed out exactly, so images
without one teach what codes there are, and few labels say which of them are which digit. The label of an image is
predicted by Bayes' rule, the codes summed out by draws. The classifier is a perceptron with a hidden layer of the same
width, trained on the labelled images alone. ``labelled_digits.py`` says which images have labels.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn.functional import cross_entropy

import fastdgm as fd
from bench.reproduce.labelled_digits import Digits, LabelledDigits, few_of_each, load_digits
from bench.reproduce.modules import NormalParts, perceptron
from bench.reproduce.options import parse
from bench.reproduce.protocol import keep, provenance

CLASSIFIER_STEPS = 300
UNKNOWN = -1


class Settings(NamedTuple):
    """Sizes of a run."""

    labels_of_each: int = 10
    n_unlabelled: int = 20_000
    repeats: int = 50  # of the labelled images, which would hardly be met otherwise
    width: int = 200
    n_codes: int = 20
    epochs: int = 20
    learning_rate: float = 2e-3
    n_draws: int = 50  # of the codes, for a prediction


def network(settings: Settings, n_pixels: int, n_digits: int) -> tuple[fd.BayesNet, dict[str, fd.Neural]]:
    """image <- z -> label, not trained, and the guide of z."""
    torch.manual_seed(0)
    width, n_codes = settings.width, settings.n_codes
    decoder = perceptron([n_codes, width, n_pixels])
    encoder = NormalParts(perceptron([n_pixels, width, 2 * n_codes]))
    net = fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(n_codes),
            "image": fd.Neural(["z"], decoder, family="bernoulli", event_shape=(n_pixels,)),
            "label": fd.Neural(["z"], torch.nn.Linear(n_codes, n_digits), family="categorical", n_states=n_digits),
        }
    )
    return net, {"z": fd.Neural(["image"], encoder, family="normal", event_shape=(n_codes,))}


def training_rows(labelled: Digits, unlabelled: np.ndarray[Any, Any], repeats: int) -> dict[str, np.ndarray[Any, Any]]:
    """All images, the labelled ones several times over."""
    return {
        "image": np.concatenate([unlabelled, *[labelled.images] * repeats]),
        "label": np.concatenate([np.full(len(unlabelled), UNKNOWN), *[labelled.labels] * repeats]),
    }


def classifier_accuracies(labelled: Digits, valid: Digits, test: Digits, width: int) -> tuple[float, float]:
    """Validation and test accuracy of a perceptron that learns from the labelled images alone; validation says after
    which step."""
    torch.manual_seed(0)
    images, labels = torch.from_numpy(labelled.images).float(), torch.from_numpy(labelled.labels)
    module = perceptron([images.shape[1], width, int(labels.max()) + 1])
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    best = (0.0, 0.0)
    for _ in range(CLASSIFIER_STEPS):
        optimizer.zero_grad()
        cross_entropy(module(images), labels).backward()
        optimizer.step()
        best = max(best, (_accuracy(module, valid), _accuracy(module, test)), key=lambda own: own[0])
    return best


def _accuracy(module: torch.nn.Module, digits: Digits) -> float:
    with torch.no_grad():
        found = module(torch.from_numpy(digits.images).float()).argmax(dim=1).numpy()
    return float((found == digits.labels).mean())


def accuracy(net: fd.BayesNet, digits: Digits, n_draws: int) -> float:
    """By Bayes' rule, the codes summed out by draws."""
    found = net.predict({"image": digits.images}, "label", n_importance=n_draws, seed=1)
    return float((found == digits.labels).mean())


def run(settings: Settings, digits: LabelledDigits, results: Path | None = None) -> dict[str, Any]:
    """Train both, and score the test images once (not without ``results``)."""
    few = few_of_each(digits.train, settings.labels_of_each)
    labelled = Digits(digits.train.images[few], digits.train.labels[few])
    others = np.setdiff1d(np.arange(len(digits.train.labels)), few)
    unlabelled = digits.unlabelled if len(digits.unlabelled) else digits.train.images[others]
    unlabelled = unlabelled[: settings.n_unlabelled]
    net, guide = network(settings, labelled.images.shape[1], len(np.unique(digits.train.labels)))
    begin, cpu = time.perf_counter(), time.process_time()
    rows = training_rows(labelled, unlabelled, settings.repeats)
    net.fit(rows, guide=guide, epochs=settings.epochs, learning_rate=settings.learning_rate, seed=0)
    seconds = {"seconds": round(time.perf_counter() - begin, 1), "cpu_seconds": round(time.process_time() - cpu, 1)}
    valid, test = classifier_accuracies(labelled, digits.valid, digits.test, settings.width)
    result = {
        "experiment": "semi_supervised",
        "source": digits.source,
        "chosen": ["autoencoder"],
        **settings._asdict(),
        "rows": {"labelled": len(few), "unlabelled": len(unlabelled), "test": len(digits.test.labels)},
        "valid_accuracy": accuracy(net, digits.valid, settings.n_draws),
        "valid_accuracy_of_classifier": valid,
        "runs": [{"name": "autoencoder", "epochs": len(net.history), **seconds, **provenance()}],
    }
    print(f"semi_supervised: valid accuracy {result['valid_accuracy']:.3f}, classifier {valid:.3f}", flush=True)
    if results is not None:
        rival = {"test_accuracy_of_classifier": test}
        result = keep(result, results, lambda: {"test_accuracy": accuracy(net, digits.test, settings.n_draws)} | rival)
    return result


def main() -> None:
    """Train both and compare."""
    options = parse(__doc__, ["semi_supervised"])
    run(Settings(), load_digits(options.data), None if options.no_test else options.results)


if __name__ == "__main__":
    main()
