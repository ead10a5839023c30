"""NADE in plain torch: all rows at once, O(hidden) per row and variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from .base import Subject
from .torch_base import TorchPeer

if TYPE_CHECKING:
    import torch


class StepLoop(TorchPeer):
    """The loop of Larochelle and Murray (2011), with in-place operations."""

    library = "step-loop"
    label = "torch, O(H) per variable"
    native = "float32 tensors by column"
    max_rounds: ClassVar = {"sample": 3, "log_prob": 3}
    ones_only: ClassVar[bool] = False  # hidden units are computed anew only in rows where the variable is 1

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        import torch

        self.W, self.V, self.b, self.c = (torch.from_numpy(self.model.parameters[name].copy()) for name in "WVbc")
        self.columns = torch.from_numpy(self.rows.T.astype(np.float32))

    def sample(self) -> torch.Tensor:
        """(n_vars, n)."""
        import torch

        return self.run(torch.empty(self.columns.shape), torch.rand(self.columns.shape))[0]

    def log_prob(self) -> torch.Tensor:
        """(n,) nats."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        z = self.run(self.columns)[1]
        return binary_cross_entropy_with_logits(z, self.columns, reduction="none").sum(0).neg_()

    def run(self, x: torch.Tensor, u: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """x and its logits (n_vars, n); with uniforms x is drawn, in place."""
        import torch

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

    library = "step-loop-ones"
    label = "torch, O(H) per variable, rows with a 1 only"
    ones_only = True
