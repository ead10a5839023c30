"""Steps of ``fastdgm warm-up``: networks of discrete and real variables, of every kind of conditional."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

ROWS = 64
FLOATS = ("float32", "float64")
Run = Callable[[], object]

# What is summed out, by family of networks.
_HIDDEN = {
    "Mixtures of normals": ("z",),
    "Conditional linear Gaussians": ("z", "zx"),
    "Normal vectors": ("z",),
    "Regressions": ("zy",),
    "Uniform latents": ("u",),
}


def steps_of_reals() -> Iterator[tuple[str, Run]]:
    """Names and what compiles: every verb on reals of either type."""
    for family, net in _networks().items():
        for dtype in FLOATS:
            for verb, run in _verbs(net, dtype, _HIDDEN.get(family, ())):
                yield f"{family}, {dtype}: {verb}", run


def _verbs(net: Any, dtype: str, hidden: Sequence[str]) -> Iterator[tuple[str, Run]]:
    yield "sample", partial(net.sample, ROWS, seed=0, dtype=dtype)
    yield "log_prob of samples", lambda: net.log_prob(_samples(net, dtype))
    yield "log_prob of rows", lambda: net.log_prob(np.ascontiguousarray(_samples(net, dtype)))
    yield "log_prob by variable", lambda: net.log_prob(_samples(net, dtype), per_variable=True)
    yield "fit", lambda: _refitted(net, _samples(net, dtype), None)
    yield "fit with weights", lambda: _refitted(net, _samples(net, dtype), np.ones(ROWS))
    for names in hidden:
        yield f"log_prob without {' and '.join(names)}", partial(_log_prob_without, net, dtype, names)
    if set(net.names) == {"z", "x"}:
        yield "fit without z", lambda: _refitted(net, _without(net, dtype, "z"), None)
    if "z" in net.names:
        yield "predict z", lambda: net.predict(_without(net, dtype, "z"), "z")
    if "zy" in hidden:
        yield "predict z without y", lambda: net.predict(_without(net, dtype, "zy"), "z")


def _networks() -> dict[str, Any]:
    from .. import (
        BayesNet,
        Bernoulli,
        Exponential,
        Laplace,
        LinearGaussian,
        Logistic,
        MultivariateNormal,
        NoisyOr,
        Normal,
        Softmax,
        Uniform,
    )

    wide = {f"x{i}": LinearGaussian([f"x{j}" for j in range(i)], 0.0, np.full(i, 0.1), 1.0) for i in range(40)}
    return {
        "Mixtures of normals": BayesNet({"z": Bernoulli(0.5), "x": Normal.given(["z"], [0.0, 1.0], [1.0, 2.0])}),
        "Linear Gaussians": BayesNet(wide),
        "Conditional linear Gaussians": BayesNet(
            {
                "z": Bernoulli(0.5),
                "x": Normal(0.0, 1.0),
                "y": LinearGaussian(["z", "x"], [0.0, 1.0], [[1.0], [2.0]], [1.0, 2.0]),
            }
        ),
        "Normal vectors": BayesNet(
            {"z": Bernoulli(0.5), "x": MultivariateNormal.given(["z"], np.zeros((2, 3)), np.stack([np.eye(3)] * 2))}
        ),
        "Uniform, exponential and Laplace variables": BayesNet(
            {"x": Uniform(0.0, 1.0), "y": Exponential(1.0), "w": Laplace(0.0, 1.0)}
        ),
        "Uniform latents": BayesNet({"u": Uniform(0.0, 1.0), "x": LinearGaussian(["u"], 0.0, [1.0], 0.1)}),
        "Regressions": BayesNet(
            {
                "z": Bernoulli(0.5),
                "x": Normal(0.0, 1.0),
                "y": Logistic(["z", "x"], [1.0, -1.0], 0.0, l2=1.0),
                "w": Softmax(["z", "x"], np.ones((3, 2)), np.zeros(3), l2=1.0),
            }
        ),
        "Noisy or": BayesNet({"z": Bernoulli(0.5), "y": Bernoulli(0.5), "w": NoisyOr(["z", "y"], [0.9, 0.8], 0.1)}),
    }


def _samples(net: Any, dtype: str) -> Any:
    return net.sample(ROWS, seed=0, dtype=dtype)


def _without(net: Any, dtype: str, hidden: str) -> dict[str, Any]:
    return {name: column for name, column in _samples(net, dtype).items() if name not in hidden}


def _log_prob_without(net: Any, dtype: str, hidden: str) -> object:
    return net.log_prob(_without(net, dtype, hidden))


def _refitted(net: Any, x: Any, weights: Any) -> object:
    """A network of the same kinds, fitted."""
    from .. import BayesNet

    return BayesNet(net.conditionals).fit(x, sample_weight=weights)
