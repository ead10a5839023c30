"""Training in plain torch by Adam: a MADE, linear layers whose weights are multiplied by a mask."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .torch_base import TorchPeer, torch


class Adam(TorchPeer):
    """One epoch of a network that begins with the model's weights."""

    library, label, note = "torch-adam", "torch, Adam", "batches of 100"
    fused: ClassVar[bool] = False

    def open(self) -> None:
        self.module = self.source.module()
        self.x = torch.from_numpy(self.rows.astype(np.float32))
        self.optimizer = torch.optim.Adam(self.module.parameters(), lr=1e-3, fused=self.fused)

    def loss(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of the rows' negative log_prob, nats."""
        return torch.nn.functional.binary_cross_entropy_with_logits(self.module(x), x, reduction="sum")

    def epoch(self) -> float:
        """All minibatches once; the mean loss (nats) of the rows, each before its step."""
        total = 0.0
        for own in torch.randperm(len(self.x)).split(100):
            x = self.x[own]
            self.optimizer.zero_grad()
            loss = self.loss(x)
            (loss / len(x)).backward()
            self.optimizer.step()
            total += loss.item()
        return total / len(self.x)

    operations: ClassVar = {"fit": epoch}


class FusedAdam(Adam):
    """With torch's fused step."""

    library, label = "torch-adam-fused", "torch, Adam (fused)"
    fused = True
