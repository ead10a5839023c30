"""Gradients of a linear-Gaussian network in plain torch: autograd through a loop over the variables."""

from __future__ import annotations

import math
from typing import ClassVar

from .torch_base import TorchPeer, torch


class NodeLoop(TorchPeer):
    """A regression a variable: all parents at once, the parameters leaf tensors of their own."""

    library, label = "torch-nodes", "torch, variable by variable"
    native = "float32 columns as tensors"
    on_one_thread_too = True

    def open(self) -> None:
        position = {name: number for number, name in enumerate(self.model.names)}
        self.columns = torch.from_numpy(self.rows.T.copy())
        self.nodes = []
        for name in self.model.order:
            own = self.model[name]
            parameters = [
                torch.tensor(value, dtype=torch.float32).requires_grad_()
                for value in (own.intercept, own.coefficients, math.log(own.std))
            ]
            self.nodes.append((position[name], [position[parent] for parent in own.parents], parameters))

    def log_prob(self) -> torch.Tensor:
        """(n,) nats."""
        total = torch.zeros(self.n_rows)
        for child, parents, (intercept, coefficients, log_std) in self.nodes:
            mean = intercept + coefficients @ self.columns[parents] if parents else intercept
            z = (self.columns[child] - mean) * torch.exp(-log_std)
            total = total - 0.5 * z * z - log_std - 0.5 * math.log(2 * math.pi)
        return total

    def descend(self) -> None:
        """Gradients of the mean by all parameters."""
        for _, _, parameters in self.nodes:
            for parameter in parameters:
                parameter.grad = None
        self.log_prob().mean().neg().backward()

    operations: ClassVar = {"log_prob and backward": descend}
