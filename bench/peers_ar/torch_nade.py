"""NADE in plain torch: all rows at once, O(hidden) per row and variable."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import binary_cross_entropy_with_logits


class TorchNADE:
    """The loop of Larochelle and Murray (2011), with in-place operations."""

    def __init__(self, model: Any) -> None:
        self.W, self.V, self.b, self.c = (torch.from_numpy(model.parameters[name].copy()) for name in "WVbc")

    def sample(self, n: int, uniforms: torch.Tensor | None = None, ones_only: bool = False) -> torch.Tensor:
        """(n_vars, n). ``ones_only``: hidden units are computed anew only in rows where the variable is 1."""
        u = torch.rand(len(self.W), n) if uniforms is None else uniforms
        return self.run(torch.empty(len(self.W), n), u, ones_only)[0]

    def log_prob(self, x: torch.Tensor, ones_only: bool = False) -> torch.Tensor:
        """(n,) nats of x (n_vars, n)."""
        z = self.run(x, None, ones_only)[1]
        return binary_cross_entropy_with_logits(z, x, reduction="none").sum(0).neg_()

    @torch.inference_mode()
    def run(
        self, x: torch.Tensor, u: torch.Tensor | None, ones_only: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """x and its logits (n_vars, n); with uniforms x is drawn, in place."""
        n = x.shape[1]
        a = self.c.expand(n, -1).clone()
        h, z = torch.sigmoid(a), torch.empty_like(x)
        for d in range(len(x)):
            torch.addmv(self.b[d : d + 1].expand(n), h, self.V[d], out=z[d])
            if u is not None:
                x[d] = u[d] < torch.sigmoid(z[d])
            if ones_only:
                rows = x[d].nonzero().squeeze(1)
                part = a.index_select(0, rows).add_(self.W[d])
                a.index_copy_(0, rows, part)
                h.index_copy_(0, rows, part.sigmoid_())
            else:
                torch.sigmoid(a.addr_(x[d], self.W[d]), out=h)
        return x, z
