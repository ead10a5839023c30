"""NADE in plain torch: all rows at once, O(hidden) per row and variable."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .torch_base import TorchPeer, torch


class StepLoop(TorchPeer):
    """The loop of Larochelle and Murray (2011), with in-place operations."""

    library, label = "step-loop", "torch, O(H) per variable"
    max_rounds: ClassVar = {"sample": 3, "log_prob": 3}
    ones_only: ClassVar[bool] = False  # hidden units are computed anew only in rows where the variable is 1

    def open(self) -> None:
        self.W, self.V, self.b, self.c = (torch.from_numpy(self.model.parameters[name].copy()) for name in "WVbc")
        self.columns = torch.from_numpy(self.rows.T.astype(np.float32))

    def sample(self) -> torch.Tensor:
        """(n_vars, n)."""
        return self.run(torch.empty(self.columns.shape), torch.rand(self.columns.shape))[0]

    def log_prob(self) -> torch.Tensor:
        """(n,) nats."""
        return self.log_likelihood(self.run(self.columns)[1], self.columns).sum(0)

    def run(self, x: torch.Tensor, u: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """x and its logits (n_vars, n); with uniforms x is drawn, in place."""
        n = x.shape[1]
        with torch.inference_mode():
            a = self.c.expand(n, -1).clone()
            h, z = torch.sigmoid(a), torch.empty_like(x)
            for d in range(len(x)):
                torch.addmv(self.b[d : d + 1].expand(n), h, self.V[d], out=z[d])
                if u is not None:
                    x[d] = u[d] < torch.sigmoid(z[d])
                if self.ones_only:
                    rows = x[d].nonzero().squeeze(1)
                    part = a.index_select(0, rows).add_(self.W[d])
                    a.index_copy_(0, rows, part)
                    h.index_copy_(0, rows, part.sigmoid_())
                else:
                    torch.sigmoid(a.addr_(x[d], self.W[d]), out=h)
        return x, z

    operations: ClassVar = {"sample": sample, "log_prob": log_prob}


class StepLoopOnes(StepLoop):
    """The same, working only where a variable is 1."""

    library, label = "step-loop-ones", "torch, O(H) per variable, rows with a 1 only"
    ones_only = True
