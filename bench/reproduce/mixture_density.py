"""Mixture-density regression (Bishop 1994): the inverse of a sine has several values, a normal head has one mean.

    PYTHONPATH=. python bench/reproduce/mixture_density.py

t ~ Uniform(0, 1), x = t + 0.3 sin(2 pi t) + Uniform(-0.1, 0.1). Given x, the network says what t was: by a mixture of
normals, and by one normal, from perceptrons of the same width.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import fastdgm as fd
from bench.reproduce.modules import MixtureParts, NormalParts, perceptron
from bench.reproduce.options import parse
from bench.reproduce.protocol import keep, provenance

GRID_STEPS = 200  # of the picture
FIT = {"batch_size": 100, "learning_rate": 5e-3, "patience": 30, "seed": 0}


class Settings(NamedTuple):
    """Sizes of a run."""

    n_rows: int = 2000  # of training; half as many of validation, and of test
    width: int = 32
    n_components: int = 5
    epochs: int = 300


def draw_rows(n: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """n rows of the problem."""
    random = np.random.default_rng(seed)
    t = random.uniform(0.0, 1.0, n)
    return {"x": t + 0.3 * np.sin(2 * np.pi * t) + random.uniform(-0.1, 0.1, n), "t": t}


def regressions(settings: Settings) -> dict[str, fd.Neural]:
    """t given x, by both heads."""
    torch.manual_seed(0)
    width, components = settings.width, settings.n_components

    def body(n_outputs: int) -> torch.nn.Sequential:
        return perceptron([1, width, width, n_outputs], "tanh")

    return {
        "mixture": fd.Neural(["x"], MixtureParts(body(3 * components)), family="mixture"),
        "normal": fd.Neural(["x"], NormalScalar(body(2)), family="normal"),
    }


class NormalScalar(NormalParts):
    """The mean and log standard deviation of one number, (n,) each."""

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_std = super().forward(*inputs)
        return mean[:, 0], log_std[:, 0]


def nll(net: fd.BayesNet, rows: dict[str, np.ndarray[Any, Any]]) -> float:
    """The mean of -log p(t | x), nats."""
    return float(-net.log_prob(rows, per_variable=True)[:, net.names.index("t")].mean())


def run(settings: Settings, results: Path | None = None) -> tuple[dict[str, Any], dict[str, fd.BayesNet]]:
    """Learn t given x by both heads; the test NLL of either goes to ``results``."""
    train, valid, test = (draw_rows(n, seed) for seed, n in enumerate((settings.n_rows, *[settings.n_rows // 2] * 2)))
    nets, runs = {}, []
    for name, regression in regressions(settings).items():
        net = nets[name] = fd.BayesNet({"x": fd.Normal(0, 1), "t": regression})
        net.fit(train, valid=valid, epochs=settings.epochs, **FIT)
        seconds = round(sum(epoch["seconds"] for epoch in net.history), 1)
        runs.append({"name": name, "epochs": len(net.history), "seconds": seconds, "valid_nll": nll(net, valid)})
    result = {
        "experiment": "mixture_density",
        "chosen": [min(runs, key=lambda own: own["valid_nll"])["name"]],
        **settings._asdict(),
        "fit": FIT,
        "runs": [own | provenance() for own in runs],
    }
    print(f"mixture_density: valid NLL { ({own['name']: round(own['valid_nll'], 3) for own in runs}) }", flush=True)
    if results is not None:
        names = {"test_nll": "mixture", "test_nll_of_normal": "normal"}
        result = keep(result, results, lambda: {key: nll(nets[name], test) for key, name in names.items()})
    return result, nets


def draw(nets: dict[str, fd.BayesNet], path: Path) -> None:
    """The density of t by x under both heads, and rows of the problem."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    x, t = np.meshgrid(np.linspace(-0.1, 1.1, GRID_STEPS), np.linspace(-0.1, 1.1, GRID_STEPS))
    rows = draw_rows(300, 3)
    figure, axes = plt.subplots(1, len(nets), figsize=(9, 4), layout="constrained", sharey=True)
    for axis, (name, net) in zip(axes, nets.items(), strict=True):
        terms = net.log_prob({"x": x.ravel(), "t": t.ravel()}, per_variable=True)
        density = np.exp(terms[:, net.names.index("t")]).reshape(x.shape)
        axis.pcolormesh(x, t, density, cmap="Blues", vmax=np.quantile(density, 0.99), rasterized=True)
        axis.plot(rows["x"], rows["t"], ".", color="#D55E00", markersize=2)
        axis.set(title=f"p(t | x), {name}", xlabel="x")
    axes[0].set_ylabel("t")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Learn, score, draw."""
    options = parse(__doc__, ["mixture_density"])
    _, nets = run(Settings(), None if options.no_test else options.results)
    draw(nets, options.results / "mixture_density.png")


if __name__ == "__main__":
    main()
