"""zuko's masked autoregressive flow: it samples by one pass per variable."""

from __future__ import annotations

from typing import Any

import torch


class ZukoMAF:
    """One affine transform, ReLU, its own random weights."""

    def __init__(self, n_vars: int, hidden: tuple[int, ...]) -> None:
        import zuko

        torch.manual_seed(0)
        self.flow: Any = zuko.flows.MAF(n_vars, transforms=1, hidden_features=hidden)
        self.log_prob(torch.zeros(1, n_vars))

    @torch.no_grad()
    def sample(self, n: int) -> torch.Tensor:
        """(n, n_vars)."""
        return self.flow().sample((n,))

    @torch.no_grad()
    def log_prob(self, x: torch.Tensor) -> torch.Tensor:
        """(n,) nats."""
        return self.flow().log_prob(x)

    @torch.no_grad()
    def inverse(self, z: torch.Tensor) -> torch.Tensor:
        """x of noise."""
        return self.flow.transform().inv(z)
