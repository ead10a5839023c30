"""What the peers written in torch share."""

from __future__ import annotations

from .base import Peer


class TorchPeer(Peer):
    """On the workload's number of threads."""

    needs = ("torch",)
    max_threads = 2

    def prepare(self) -> None:
        import torch

        torch.set_num_threads(self.threads)
