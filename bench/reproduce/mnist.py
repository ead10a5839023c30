"""Fixed-binarised MNIST (50 000 / 10 000 / 10 000 rows of 784 pixels): FVSBN, MADE, NADE and a mixture of orders.

PYTHONPATH=. python bench/reproduce/mnist.py --data FOLDER [--only made_500]
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.reproduce.options import parse
from bench.reproduce.protocol import Candidate, Splits, run_experiment

PIXELS = 784


def load(data: Path) -> Splits:
    """The splits of ``mnist/binarized_mnist_packed.npz``, rows of 0 and 1."""
    file = data / "mnist" / "binarized_mnist_packed.npz"

    def split(name: str) -> np.ndarray[Any, Any]:
        with np.load(file) as arrays:
            return np.unpackbits(arrays[name], axis=1, count=PIXELS)

    return Splits(split("train"), split("valid"), lambda: split("test"))


def fvsbn() -> list[Candidate]:
    """Logistic regressions, slowly and fast, with more and less decay."""
    slow = {"epochs": 20, "batch_size": 100, "learning_rate": 3e-3, "patience": 5}
    fast = {"epochs": 25, "batch_size": 100, "learning_rate": 1e-2, "patience": 8}
    tried = [("fvsbn", slow, 0.0), ("fvsbn", slow, 0.03), *(("fvsbn-fast", fast, decay) for decay in (0.0, 0.03, 0.1))]
    return [
        Candidate(f"{name}-decay{decay:g}", "FVSBN", {}, fit | {"weight_decay": decay}) for name, fit, decay in tried
    ]


def made_500() -> list[Candidate]:
    """One hidden layer of 500 units in the natural order."""
    return [
        Candidate(
            "made-500-decay0",
            "MADE",
            {"hidden": [500], "seed": 0},
            {"epochs": 30, "batch_size": 100, "learning_rate": 4e-3, "weight_decay": 0.0, "patience": 6},
        )
    ]


def nade_500() -> list[Candidate]:
    """500 hidden units in the natural order."""
    settings = {"epochs": 12, "batch_size": 100, "learning_rate": 4e-3, "weight_decay": 0.02, "patience": 5}
    return [Candidate("nade-500", "NADE", {"hidden": 500, "seed": 0}, settings)]


def made_mixture() -> list[Candidate]:
    """One hidden layer of 2000 units, each member in a random order of its own."""
    settings = {"epochs": 15, "batch_size": 100, "learning_rate": 5e-3, "weight_decay": 0.05, "patience": 5}
    return [
        Candidate(f"made-2000-order{seed}", "MADE", {"hidden": [2000], "order": "random", "seed": seed}, settings)
        for seed in range(8)
    ]


EXPERIMENTS = {
    "fvsbn": (fvsbn, 1, 97.5),
    "made_500": (made_500, 1, 92.0),
    "nade_500": (nade_500, 1, 88.9),
    "made_mixture": (made_mixture, 8, 88.0),
}


def main() -> None:
    """Run the experiments that are asked for."""
    options = parse(__doc__, list(EXPERIMENTS))
    splits = load(options.data)
    for name in options.only:
        candidates, largest, target = EXPERIMENTS[name]
        run_experiment(
            f"mnist_{name}",
            candidates(),
            splits,
            options.work / "mnist",
            largest=largest,
            targets={"test_nll": target},
            results=options.results,
            test=not options.no_test,
        )


if __name__ == "__main__":
    main()
