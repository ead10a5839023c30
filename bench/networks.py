"""Masked networks with random weights, as plain arrays that torch and fastdgm both start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import fastdgm as fd

if TYPE_CHECKING:
    from torch import nn

WEIGHT_SCALE = 3.0  # initial heads are small: with these, probabilities are not all near 1/2


class MaskedNetwork(NamedTuple):
    """Layers of binary variables in natural order, ReLU between them, units sorted by degree; masked weights are 0."""

    weights: list[np.ndarray]  # (units, sources) float32
    biases: list[np.ndarray]
    masks: list[np.ndarray]
    known: list[list[int]]  # of inputs and hidden layers: how many units have degree at most 0, 1, ..., n_vars

    def module(self) -> nn.Sequential:
        """The network in torch, with weights of its own that are multiplied by the masks at every call."""
        import torch
        from torch import nn

        class MaskedLinear(nn.Linear):
            def __init__(self, weight: np.ndarray, bias: np.ndarray, mask: np.ndarray) -> None:
                super().__init__(weight.shape[1], weight.shape[0])
                self.weight.data.copy_(torch.from_numpy(weight))
                self.bias.data.copy_(torch.from_numpy(bias))
                self.register_buffer("mask", torch.from_numpy(mask))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return nn.functional.linear(x, self.weight * self.mask, self.bias)

        layers = [MaskedLinear(*each) for each in zip(self.weights, self.biases, self.masks, strict=True)]
        return nn.Sequential(*[part for layer in layers[:-1] for part in (layer, nn.ReLU())], layers[-1])


def masked_network(n_vars: int, hidden: tuple[int, ...]) -> MaskedNetwork:
    """Degrees spread evenly (Germain et al. 2015); probabilities of all sizes. No hidden layer: an FVSBN."""
    random = np.random.default_rng(0)
    degrees = [np.arange(1, n_vars + 1)]
    degrees += [1 + np.arange(width) * (n_vars - 1) // width for width in hidden]
    degrees.append(np.arange(n_vars))  # a head reads units of at most so many variables
    weights, masks = [], []
    for number in range(1, len(degrees)):
        mask = degrees[number - 1] <= degrees[number][:, np.newaxis]
        fan_in = np.maximum(1, mask.sum(axis=1, keepdims=True))
        last = number == len(degrees) - 1
        scale = 2.0 if not hidden else WEIGHT_SCALE * (0.1 if last else np.sqrt(2.0))
        weights.append((random.standard_normal(mask.shape) * mask * scale / np.sqrt(fan_in)).astype(np.float32))
        masks.append(mask.astype(np.float32))
    biases = [np.zeros(len(weight), np.float32) for weight in weights]
    known = [np.searchsorted(own, np.arange(n_vars + 1), side="right").tolist() for own in degrees[:-1]]
    return MaskedNetwork(weights, biases, masks, known)


def nade(bias: float, n_vars: int = 784, hidden: int = 500) -> fd.NADE:
    """Random weights, logits around ``bias``."""
    own = {name: array.copy() for name, array in fd.NADE(n_vars, hidden, seed=0).parameters.items()}
    for name in "WV":
        own[name] *= WEIGHT_SCALE
        own[name] -= own[name].mean(axis=1 if name == "V" else 0, keepdims=True)
    own["b"][:] = bias
    return fd.NADE.from_parameters(**own)
