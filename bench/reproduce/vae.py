"""A variational autoencoder of fixed-binarised MNIST: a network of two variables, 2 x 200 hidden units, 50 codes.

    PYTHONPATH=. python bench/reproduce/vae.py --data FOLDER [--only vae grid]

``vae`` chooses among its candidates by the importance-weighted validation NLL and scores the test set once, with 500
draws a row (Burda et al. 2016). ``grid`` trains one with 2 codes, for the picture of its plane.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save

import fastdgm as fd
from bench.reproduce.mnist import load
from bench.reproduce.modules import NormalParts, perceptron
from bench.reproduce.options import parse
from bench.reproduce.protocol import Splits, keep, provenance
from fastdgm.runtime.files import atomic_file

VALID_DRAWS = 100  # for the choice
TEST_DRAWS = 500
PICTURE_ROWS = 8
BUSY = "wall-clock seconds are those of a machine shared with other work: see cpu_seconds and load_average of the run"


@dataclass(frozen=True)
class Candidate:
    """An autoencoder and the arguments of ``fit`` besides the data and the guide."""

    name: str
    width: int
    n_codes: int
    activation: str
    fit: dict[str, Any]


def iwae(epochs: int = 150) -> Candidate:
    """The bound of 5 draws (Burda et al. 2016)."""
    settings = {"epochs": epochs, "batch_size": 100, "learning_rate": 2e-3, "n_particles": 5}
    return Candidate("iwae-5", 200, 50, "tanh", settings | {"patience": 25, "seed": 0})


def plane(epochs: int = 30) -> Candidate:
    """Two codes: what they mean can be drawn."""
    settings = {"epochs": epochs, "batch_size": 100, "learning_rate": 1e-3, "warm_up": 5, "patience": 10, "seed": 0}
    return Candidate("plane", 200, 2, "tanh", settings)


def autoencoder(candidate: Candidate, n_pixels: int) -> tuple[fd.BayesNet, dict[str, fd.Neural]]:
    """The network ``z -> x``, not trained, and the guide of ``z``."""
    torch.manual_seed(candidate.fit["seed"])
    width, n_codes, activation = candidate.width, candidate.n_codes, candidate.activation
    decoder = perceptron([n_codes, width, width, n_pixels], activation)
    encoder = NormalParts(perceptron([n_pixels, width, width, 2 * n_codes], activation))
    pixels = fd.Neural(["z"], decoder, family="bernoulli", event_shape=(n_pixels,))
    net = fd.BayesNet({"z": fd.MultivariateNormal.standard(n_codes), "x": pixels})
    return net, {"z": fd.Neural(["x"], encoder, family="normal", event_shape=(n_codes,))}


def train(candidate: Candidate, splits: Splits, work: Path) -> tuple[dict[str, Any], fd.BayesNet]:
    """The record of a run and its network; a finished run is read, an interrupted one goes on from its checkpoint.

    Raises ValueError where the record is one of other settings.
    """
    work.mkdir(parents=True, exist_ok=True)
    net, guide = autoencoder(candidate, splits.train.shape[1])
    record_file, weights = work / f"{candidate.name}.json", work / f"{candidate.name}.safetensors"
    modules = torch.nn.ModuleDict({"decoder": net["x"].module, "encoder": guide["z"].module})
    settings = json.loads(json.dumps(asdict(candidate)))
    if record_file.exists():
        record = json.loads(record_file.read_text(encoding="utf-8"))
        if {name: record[name] for name in settings} != settings:
            raise ValueError(f"{record_file} is of a run with other settings: rename the candidate or remove the file")
        modules.load_state_dict(load_file(weights))
        return record, net.guided(guide)
    busy, begin = os.getloadavg()[0], time.process_time()
    checkpoint = work / f"{candidate.name}.checkpoint"
    net.fit({"x": splits.train}, valid={"x": splits.valid}, guide=guide, checkpoint=checkpoint, **candidate.fit)
    with atomic_file(weights) as file:
        file.write(save(modules.state_dict()))
    record = settings | summary(net.history) | provenance()
    record |= {"cpu_seconds": round(time.process_time() - begin, 1), "load_average": [busy, os.getloadavg()[0]]}
    valid = net.log_prob({"x": splits.valid}, n_importance=VALID_DRAWS, seed=0)
    record |= {"n_parameters": net.n_parameters, "valid_nll": float(-valid.mean()), "valid_draws": VALID_DRAWS}
    with atomic_file(record_file) as file:
        file.write((json.dumps(record) + "\n").encode())
    checkpoint.unlink(missing_ok=True)
    return record, net


def summary(history: Sequence[dict[str, float]]) -> dict[str, float]:
    """Epochs, seconds and bounds of a fit."""
    best = min(history, key=lambda epoch: epoch["valid"])
    return {
        "epochs": len(history),
        "best_epoch": best["epoch"],
        "seconds": round(sum(epoch["seconds"] for epoch in history), 1),
        "train_bound": best["train"],
        "valid_bound": best["valid"],
    }


def test_score(net: fd.BayesNet, rows: np.ndarray[Any, Any], n_draws: int) -> dict[str, float]:
    """The mean NLL of rows, its standard error over the rows, and that which the draws are to blame for."""
    begin = time.perf_counter()
    log_prob, error = net.log_prob({"x": rows}, n_importance=n_draws, return_std_error=True, seed=1)
    n = len(rows)
    return {
        "test_rows": n,
        "test_nll": float(-log_prob.mean()),
        "test_standard_error": float(log_prob.std() / np.sqrt(n)),
        "test_draws": n_draws,
        "test_error_of_draws": float(np.sqrt(np.square(error).sum()) / n),
        "test_seconds": round(time.perf_counter() - begin, 1),
    }


def run(
    name: str,
    candidates: Sequence[Candidate],
    splits: Splits,
    work: Path,
    *,
    targets: dict[str, float] | None = None,
    results: Path | None = None,
    n_draws: int = TEST_DRAWS,
    notes: str = "",
) -> tuple[dict[str, Any], fd.BayesNet]:
    """Train all candidates, choose one by validation and score it once; without ``results`` the test rows are left
    alone."""
    runs = [train(candidate, splits, work) for candidate in candidates]
    record, net = min(runs, key=lambda own: own[0]["valid_nll"])
    result = {
        "experiment": name,
        "chosen": [record["name"]],
        "valid_nll": record["valid_nll"],
        "rows": {"train": len(splits.train), "valid": len(splits.valid)},
        "targets": targets or {},
        "seconds": round(sum(own["seconds"] for own, _ in runs), 1),
        "notes": notes,
        "runs": [own for own, _ in runs],
    }
    print(f"{name}: chosen {record['name']}, valid {record['valid_nll']:.3f}", flush=True)
    if results is not None:
        result = keep(result, results, lambda: test_score(net, splits.test(), n_draws))
    return result, net


def draw_samples(net: fd.BayesNet, rows: np.ndarray[Any, Any], shape: tuple[int, int], folder: Path) -> None:
    """``vae_samples.png``: probabilities of drawn codes; ``vae_reconstructions.png``: images above what is decoded from
    their codes."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = net.decode({"z": net.sample(PICTURE_ROWS**2, seed=0)["z"]}, "x")
    fd.plot.image_grid(drawn, shape, PICTURE_ROWS, folder / "vae_samples.png")
    codes = net.encode({"x": rows[:PICTURE_ROWS]})
    both = np.concatenate([rows[:PICTURE_ROWS], net.decode({"z": codes}, "x")])
    fd.plot.image_grid(both, shape, PICTURE_ROWS, folder / "vae_reconstructions.png")


def draw_plane(net: fd.BayesNet, shape: tuple[int, int], folder: Path, side: int = 16) -> None:
    """``vae_plane.png``: what codes of two numbers mean, at quantiles of their prior."""
    folder.mkdir(parents=True, exist_ok=True)
    fd.plot.latent_grid(net, "x", shape, side, folder / "vae_plane.png")


def main() -> None:
    """Run what is asked for."""
    options = parse(__doc__, ["vae", "grid"])
    splits = load(options.data)
    results = None if options.no_test else options.results
    work = options.work / "vae"
    shape = (28, 28)
    if "vae" in options.only:
        _, net = run("mnist_vae", [iwae()], splits, work, targets={"test_nll": 90.0}, results=results, notes=BUSY)
        draw_samples(net, splits.valid, shape, options.results)
    if "grid" in options.only:
        draw_plane(train(plane(), splits, work)[1], shape, options.results)


if __name__ == "__main__":
    main()
