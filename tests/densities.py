"""Networks with every kind of conditional that has a density in torch, and their rows as tensors."""

from __future__ import annotations

import numpy as np
import torch

import fastdgm as fd

COVARIANCE = [[[2.0, 0.5], [0.5, 1.0]], [[1.0, -0.3], [-0.3, 0.5]]]


def every_kind() -> fd.BayesNet:
    """Not a neural one."""
    return fd.BayesNet(
        {
            "a": fd.Categorical([0.2, 0.5, 0.3, 0.0], states=list("pqrs")),
            "b": fd.CPT(["a"], [[0.9, 0.1], [0.0, 1.0], [0.3, 0.7], [0.5, 0.5]]),
            "c": fd.Bernoulli(0.4),
            "or": fd.NoisyOr(["b", "c"], [0.7, 0.4], leak=0.1),
            "certain": fd.NoisyOr(["b", "c"], [1.0, 0.0], leak=0.0),
            "v": fd.MultivariateNormal.given(["c"], [[0.0, 1.0], [2.0, -1.0]], COVARIANCE),
            "u": fd.Uniform(-1, 3),
            "e": fd.Exponential(2.0),
            "l": fd.Laplace(0.5, 0.7),
            "x": fd.Normal(1.0, 2.0),
            "y": fd.LinearGaussian(["c", "x", "v"], [0.5, -0.5], [[1.0, 0.2, 0.3], [-1.0, 0.1, 0.0]], [1.0, 0.3]),
            "logit": fd.Logistic(["a", "y", "v"], [0.5, -0.5, 0.1, 1.0, 0.3, -0.2], bias=0.2),
            "soft": fd.Softmax(["x", "b"], [[0.1, 0.2], [0.5, -0.3], [0.0, 0.0]], [0.0, 0.5, -0.5]),
            "same": fd.Deterministic(["a", "b"], lambda a, b: (a + b) % 2, states=["even", "odd"]),
            "twice": fd.Deterministic(["x"], lambda x: 2.0 * x),
        }
    )


def reals_only() -> fd.BayesNet:
    """Every kind whose draws have a gradient; ``x`` is of a module in float64."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    return fd.BayesNet(
        {
            "v": fd.MultivariateNormal([0.0, 1.0], COVARIANCE[0]),
            "u": fd.Uniform(-1, 3),
            "e": fd.Exponential(2.0),
            "l": fd.Laplace(0.5, 0.7),
            "y": fd.LinearGaussian(["u", "v"], 0.5, [1.0, 0.2, 0.3], 0.7),
            "x": fd.Neural(["v", "y"], module, family="normal", event_shape=(2,), std=0.3),
            "twice": fd.Deterministic(["y"], lambda y: 2.0 * y),
            "z": fd.LinearGaussian(["twice", "x"], 0.1, [1.0, -1.0, 0.5], 0.2),
            "point": fd.LinearGaussian(["u"], 1.0, [2.0], 0.0),
        }
    )


def tensors(rows: fd.Samples, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    """Codes as int64, numbers of a type."""
    columns = {name: np.array(rows[name]) for name in rows.keys()}  # noqa: SIM118
    return {
        name: torch.from_numpy(column).to(dtype if column.dtype.kind == "f" else torch.int64)
        for name, column in columns.items()
    }


def followed(values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same, numbers as leaves that require grad."""
    return {
        name: value.clone().requires_grad_() if value.is_floating_point() else value for name, value in values.items()
    }
