"""What the peers written in torch share."""

from __future__ import annotations

from .base import Peer

try:
    import torch
except ImportError:  # then rows that need it are left out
    torch = None


class TorchPeer(Peer):
    """On the workload's number of threads."""

    native = "float32 tensors"
    needs = ("torch",)
    max_threads = 2

    def prepare(self) -> None:
        torch.set_num_threads(self.threads)

    @staticmethod
    def log_likelihood(logits: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """log p of every bit, in its shape."""
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").neg_()
