"""The torch modules of the networks here: perceptrons, and what they give as mean and log standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


def perceptron(sizes: Sequence[int], activation: str = "relu") -> nn.Sequential:
    """Linear layers of these sizes, the inputs first, with an activation between them."""
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in pairwise(sizes):
        layers += [nn.Linear(n_inputs, n_outputs), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])


class NormalParts(nn.Module):
    """A body whose outputs are the mean and the log standard deviation, side by side."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_std = self.body(torch.cat(inputs, 1)).chunk(2, 1)
        return mean, log_std


class MixtureParts(nn.Module):
    """A body whose outputs are the logits, means and log standard deviations of a number's components."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        logits, mean, log_std = self.body(inputs).chunk(3, 1)
        return logits, mean, log_std
