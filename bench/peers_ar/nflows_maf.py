"""nflows' masked autoregressive flow: it samples by one pass per variable."""

from __future__ import annotations

from typing import Any

import torch


class NflowsMAF:
    """One affine transform with a MADE of two hidden layers, the first of them linear, and its own random weights."""

    def __init__(self, n_vars: int, hidden: int) -> None:
        from nflows.distributions.normal import StandardNormal
        from nflows.flows.base import Flow
        from nflows.transforms.autoregressive import MaskedAffineAutoregressiveTransform

        torch.manual_seed(0)
        transform = MaskedAffineAutoregressiveTransform(n_vars, hidden, num_blocks=1, use_residual_blocks=False)
        self.flow: Any = Flow(transform, StandardNormal([n_vars])).eval()
        with torch.no_grad():
            self.flow.log_prob(torch.zeros(1, n_vars))

    @torch.no_grad()
    def sample(self, n: int) -> torch.Tensor:
        """(n, n_vars)."""
        return self.flow.sample(n)
