"""A neural classifier whose inputs may be missing: summed out under the network, or replaced by means.

    PYTHONPATH=. python bench/reproduce/neural_classifier.py

region (table) -> age, income (linear Gaussians) -> buys (a perceptron), learnt from complete rows: the table by
counting, the Gaussians in closed form, the perceptron by Adam. Then half of the inputs of the test rows are hidden.
P(buys | what is seen) sums the hidden ones out; the rival puts the training mean (or commonest region) in their place
and asks the same perceptron. The rows are generated: income depends on age, and who buys is a ring in both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import fastdgm as fd
from bench.reproduce.modules import perceptron
from bench.reproduce.options import parse
from bench.reproduce.protocol import keep, provenance

Columns = dict[str, np.ndarray[Any, Any]]
INPUTS = ("region", "age", "income")
FIT = {"batch_size": 100, "learning_rate": 3e-3, "patience": 15, "seed": 0}


class Settings(NamedTuple):
    """Sizes of a run."""

    n_rows: int = 5000  # of training; half as many of validation, and of test
    width: int = 32
    epochs: int = 60
    share_missing: float = 0.5
    n_draws: int = 200  # of hidden inputs


def draw_rows(n: int, seed: int) -> Columns:
    """Complete rows; ages and incomes are standardised."""
    random = np.random.default_rng(seed)
    region = random.choice(3, n, p=[0.5, 0.3, 0.2])
    age = random.normal(np.array([-0.6, 0.2, 1.1])[region], 0.8)
    income = 0.8 * age + np.array([0.5, -0.4, 0.0])[region] + random.normal(0.0, 0.5, n)
    ring = np.hypot(age - 0.2, income)
    logits = np.stack([2.0 - 3.0 * ring, np.full(n, -0.5), 3.0 * (ring - 1.2) + 0.5 * region], axis=1)
    buys = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    return {"region": region, "age": age, "income": income, "buys": buys}


def network(settings: Settings) -> fd.BayesNet:
    """Not trained."""
    torch.manual_seed(0)
    classifier = perceptron([5, settings.width, settings.width, 3])  # three regions one-hot, two numbers
    return fd.BayesNet(
        {
            "region": fd.Categorical(np.full(3, 1 / 3)),
            "age": fd.LinearGaussian(["region"], np.zeros(3), np.zeros((3, 0)), np.ones(3)),
            "income": fd.LinearGaussian(["region", "age"], np.zeros(3), np.zeros((3, 1)), np.ones(3)),
            "buys": fd.Neural(INPUTS, classifier, family="categorical", n_states=3),
        }
    )


def hidden(rows: Columns, share: float, seed: int) -> Columns:
    """The rows without ``buys``, and with this share of their inputs missing."""
    random = np.random.default_rng(seed)
    own = {name: np.array(rows[name]) for name in INPUTS}
    for name, column in own.items():
        column[random.random(len(column)) < share] = -1 if name == "region" else np.nan
    return own


def mean_imputed(partial: Columns, train: Columns) -> Columns:
    """Missing numbers become the training mean, a missing region the commonest one."""
    fills = {name: train[name].mean() for name in ("age", "income")} | {"region": np.bincount(train["region"]).argmax()}
    missing = {name: column < 0 if name == "region" else np.isnan(column) for name, column in partial.items()}
    return {name: np.where(missing[name], fills[name], column) for name, column in partial.items()}


def scores(probabilities: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> dict[str, float]:
    """Accuracy, and the mean of -log P(label), nats."""
    right = probabilities[np.arange(len(labels)), labels]
    return {
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "log_loss": float(-np.log(right).mean()),
    }


def run(settings: Settings, results: Path | None = None) -> dict[str, Any]:
    """Learn, hide inputs, and compare on the test rows."""
    half = settings.n_rows // 2
    train, valid, test = draw_rows(settings.n_rows, 0), draw_rows(half, 1), draw_rows(half, 2)
    net = network(settings).fit(train, valid=valid, epochs=settings.epochs, **FIT)

    def compared(rows: Columns) -> dict[str, float]:
        partial = hidden(rows, settings.share_missing, seed=3)
        ways = {
            "complete": net.predict_proba({name: rows[name] for name in INPUTS}, "buys"),
            "summed_out": net.predict_proba(partial, "buys", n_importance=settings.n_draws, seed=4),
            "mean_imputed": net.predict_proba(mean_imputed(partial, train), "buys"),
        }
        return {f"{way}_{name}": own for way, p in ways.items() for name, own in scores(p, rows["buys"]).items()}

    found = {f"valid_{name}": value for name, value in compared(valid).items()}
    result = {
        "experiment": "neural_classifier",
        "chosen": ["perceptron"],
        **settings._asdict(),
        "fit": FIT,
        **found,
        "runs": [{"name": "perceptron", "epochs": len(net.history), **provenance()}],
    }
    print(f"neural_classifier: { ({name: round(value, 4) for name, value in found.items()}) }", flush=True)
    if results is not None:
        result = keep(result, results, lambda: {f"test_{name}": value for name, value in compared(test).items()})
    return result


def main() -> None:
    """Learn and compare."""
    options = parse(__doc__, ["neural_classifier"])
    run(Settings(), None if options.no_test else options.results)


if __name__ == "__main__":
    main()
