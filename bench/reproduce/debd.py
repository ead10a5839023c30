"""The binary density-estimation sets of Lowd & Davis (2010) and Van Haaren & Davis (2012) that the data folder has.

    PYTHONPATH=. python bench/reproduce/debd.py --data FOLDER [--only nltcs plants]

Per set: a sweep of FVSBN and MADE in the file's order of variables, decayed more and less; the MADE that
validation likes best again in random orders; then the best mixture of all of these by validation.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.reproduce.options import parse
from bench.reproduce.protocol import Candidate, Splits, run_experiment, train

LEARNING_RATE = 2e-3
ORDERS = range(1, 5)  # seeds of random orders
LARGEST = 8  # members of a mixture


class Recipe(NamedTuple):
    """How to train on a set, and what was published for it (nats per row)."""

    epochs: int
    batch_size: int
    width: int
    chow_liu: float
    hclt: float
    shrinks: tuple[float, ...] = (0.5, 3.0)
    """Weight decay alone would shrink the weights by exp(-shrink) over a whole run."""

    @property
    def targets(self) -> dict[str, float]:
        """Test NLL to stay below: of the Chow-Liu tree, and 1.5 % above that of the HCLT logs."""
        return {"chow_liu": self.chow_liu, "hclt": self.hclt, "hclt_1.5_percent": round(1.015 * self.hclt, 4)}


RECIPES = {
    "nltcs": Recipe(40, 100, 100, 6.76, 6.00),
    "plants": Recipe(40, 100, 200, 16.52, 14.27),
    "dna": Recipe(60, 50, 400, 87.73, 79.05),
    "jester": Recipe(25, 100, 200, 58.23, 52.38),
    "baudio": Recipe(25, 100, 200, 44.37, 39.77),
    "bnetflix": Recipe(25, 100, 200, 60.25, 56.25),
    "tretail": Recipe(20, 100, 100, 10.95, 10.86),
    "book": Recipe(20, 50, 400, 37.83, 33.53),
    "msweb": Recipe(15, 100, 200, 10.19, 9.91, (0.5,)),
    "kdd": Recipe(30, 200, 200, 2.29, 2.14, (0.5,)),
    "kosarek": Recipe(40, 100, 200, 11.49, 10.60, (0.5,)),
}


def load(data: Path, name: str) -> Splits:
    """The splits of ``debd/<name>.{train,valid,test}.data.gz``, rows of 0 and 1."""

    def split(part: str) -> np.ndarray[Any, Any]:
        with gzip.open(data / "debd" / f"{name}.{part}.data.gz") as file:
            rows = np.frombuffer(file.read(), np.uint8)
        width = int(np.argmax(rows == ord("\n"))) + 1  # "0,1,1\n": every second byte is a value
        return np.ascontiguousarray(rows.reshape(-1, width)[:, ::2] - ord("0"))

    return Splits(split("train"), split("valid"), lambda: split("test"))


def sweep(recipe: Recipe, n_rows: int) -> list[Candidate]:
    """FVSBN and MADE with one and two hidden layers, by the recipe's shrinkages."""
    steps = recipe.epochs * -(-n_rows // recipe.batch_size)
    fit = {"epochs": recipe.epochs, "batch_size": recipe.batch_size, "learning_rate": LEARNING_RATE}
    fit["patience"] = max(5, recipe.epochs // 5)
    width = recipe.width
    models: dict[str, tuple[str, dict[str, Any]]] = {
        "fvsbn": ("FVSBN", {}),
        f"made-{width}": ("MADE", {"hidden": [width], "seed": 0}),
        f"made-{width}-{width}": ("MADE", {"hidden": [width, width], "seed": 0}),
    }
    runs = []
    for name, (family, model) in models.items():
        for shrink in recipe.shrinks:
            decay = round(2 * shrink / (LEARNING_RATE * steps), 5)  # the mean rate of a cosine schedule is half
            runs.append(Candidate(f"{name}-shrink{shrink:g}", family, model, fit | {"weight_decay": decay}))
    return runs


def reordered(best: Candidate) -> list[Candidate]:
    """The same run in random orders."""
    return [
        Candidate(f"{best.name}-order{seed}", best.family, best.model | {"order": "random", "seed": seed}, best.fit)
        for seed in ORDERS
    ]


def candidates(recipe: Recipe, splits: Splits, work: Path) -> list[Candidate]:
    """The sweep, and its best MADE in random orders."""
    first = sweep(recipe, len(splits.train))
    networks = [run for run in first if run.family == "MADE"]
    best = min(networks, key=lambda run: train(run, splits, work).record["valid_nll"])
    return [*first, *reordered(best)]


def main() -> None:
    """Run the sets that are asked for."""
    options = parse(__doc__, list(RECIPES))
    for name in options.only:
        recipe, splits, work = RECIPES[name], load(options.data, name), options.work / "debd" / name
        run_experiment(
            f"debd_{name}",
            candidates(recipe, splits, work),
            splits,
            work,
            largest=LARGEST,
            targets=recipe.targets,
            results=options.results,
            test=not options.no_test,
        )


if __name__ == "__main__":
    main()
