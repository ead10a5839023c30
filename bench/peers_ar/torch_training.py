"""Training a MADE in plain torch: linear layers whose weights are multiplied by a mask, and Adam."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .torch_masked import TorchMasked


class MaskedLinear(nn.Linear):
    """A linear layer with some weights held at zero."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, mask: torch.Tensor) -> None:
        super().__init__(weight.shape[1], weight.shape[0])
        self.weight.data.copy_(weight)
        self.bias.data.copy_(bias)
        self.register_buffer("mask", mask)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x W^T + b with W masked."""
        return nn.functional.linear(x, self.weight * self.mask, self.bias)


class TorchTraining:
    """One epoch of a network that begins with a model's weights."""

    def __init__(self, model: Any, rows: torch.Tensor, batch_size: int, fused: bool) -> None:
        net = TorchMasked(model)
        layers = [MaskedLinear(*each) for each in zip(net.weights, net.biases, net.masks, strict=True)]
        hidden = [part for layer in layers[:-1] for part in (layer, nn.ReLU())]
        self.module = nn.Sequential(*hidden, layers[-1])
        self.rows, self.batch_size = rows, batch_size
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=1e-3, fused=fused)

    def epoch(self) -> float:
        """All minibatches once; the mean negative log_prob (nats) of the rows, each before its step."""
        total = 0.0
        for own in torch.randperm(len(self.rows)).split(self.batch_size):
            x = self.rows[own]
            self.optimizer.zero_grad()
            terms = nn.functional.binary_cross_entropy_with_logits(self.module(x), x, reduction="sum")
            (terms / len(x)).backward()
            self.optimizer.step()
            total += terms.item()
        return total / len(self.rows)
