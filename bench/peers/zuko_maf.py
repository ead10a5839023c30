"""zuko's masked autoregressive flow: it samples by one pass per variable."""

from __future__ import annotations

from typing import Any, ClassVar

from .torch_base import TorchPeer


class ZukoMAF(TorchPeer):
    """The flow whose weights fastdgm has taken over."""

    library = "zuko"
    label = "zuko"
    needs = ("torch", "zuko")
    max_rounds: ClassVar = {"sample": 2}

    def sample(self) -> Any:
        """(n, n_vars)."""
        import torch

        with torch.no_grad():
            return self.source().sample((self.n_rows,))

    def log_prob(self) -> Any:
        """(n,) nats."""
        import torch

        with torch.no_grad():
            return self.source().log_prob(self.rows)

    operations: ClassVar = {"sample": sample, "log_prob": log_prob}
