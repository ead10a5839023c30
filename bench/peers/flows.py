"""Masked autoregressive flows of other libraries: they sample by one pass per variable."""

from __future__ import annotations

from typing import ClassVar

from .torch_base import TorchPeer, torch


class ZukoMAF(TorchPeer):
    """The flow whose weights fastdgm has taken over."""

    library = label = "zuko"
    needs = ("torch", "zuko")
    max_rounds: ClassVar = {"sample": 2}

    def sample(self) -> torch.Tensor:
        with torch.no_grad():
            return self.source().sample((self.n_rows,))

    def log_prob(self) -> torch.Tensor:
        with torch.no_grad():
            return self.source().log_prob(self.rows)

    operations: ClassVar = {"sample": sample, "log_prob": log_prob}


class NflowsMAF(TorchPeer):
    """One affine transform with a MADE of two hidden layers, the first of them linear, and its own random weights."""

    library = label = "nflows"
    needs = ("torch", "nflows")
    max_rounds: ClassVar = {"sample": 1}

    def open(self) -> None:
        from nflows.distributions.normal import StandardNormal
        from nflows.flows.base import Flow
        from nflows.transforms.autoregressive import MaskedAffineAutoregressiveTransform as Transform

        torch.manual_seed(0)
        transform = Transform(self.variables, self.model.hidden[0], num_blocks=1, use_residual_blocks=False)
        self.flow = Flow(transform, StandardNormal([self.variables])).eval()
        with torch.no_grad():
            self.flow.log_prob(torch.zeros(1, self.variables))

    def sample(self) -> torch.Tensor:
        with torch.no_grad():
            return self.flow.sample(self.n_rows)

    operations: ClassVar = {"sample": sample}
