"""nflows' masked autoregressive flow: it samples by one pass per variable."""

from __future__ import annotations

from typing import Any, ClassVar

from .base import Subject
from .torch_base import TorchPeer


class NflowsMAF(TorchPeer):
    """One affine transform with a MADE of two hidden layers, the first of them linear, and its own random weights."""

    library = "nflows"
    label = "nflows"
    needs = ("torch", "nflows")
    max_rounds: ClassVar = {"sample": 1}

    def __init__(self, subject: Subject, n_rows: int, threads: int = 1) -> None:
        super().__init__(subject, n_rows, threads)
        import torch
        from nflows.distributions.normal import StandardNormal
        from nflows.flows.base import Flow
        from nflows.transforms.autoregressive import MaskedAffineAutoregressiveTransform

        torch.manual_seed(0)
        n_vars, width = subject.variables, subject.model.hidden[0]
        transform = MaskedAffineAutoregressiveTransform(n_vars, width, num_blocks=1, use_residual_blocks=False)
        self.flow: Any = Flow(transform, StandardNormal([n_vars])).eval()
        with torch.no_grad():
            self.flow.log_prob(torch.zeros(1, n_vars))

    def sample(self) -> Any:
        """(n, n_vars)."""
        import torch

        with torch.no_grad():
            return self.flow.sample(self.n_rows)

    operations: ClassVar = {"sample": sample}
