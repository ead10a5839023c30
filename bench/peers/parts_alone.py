"""Parts of what fastdgm does apart: what a perfect combination of them would cost."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

import fastdgm as fd
from fastdgm.data.blocks import Block
from fastdgm.data.boundary import as_network_block

from .ours import Ours
from .torch_base import TorchPeer, torch


class PerceptronAlone(TorchPeer):
    """The perceptron's log-probabilities of features and labels that are ready."""

    library, label = "perceptron", "floor: torch, the perceptron alone"
    on_one_thread_too = True

    def open(self) -> None:
        node = self.model["y"]
        columns = [self.rows[name] for name in node.parents]
        parts = [
            np.eye(len(self.model.states[name]), dtype=np.float32)[own] if name in self.model.states else own[:, None]
            for name, own in zip(node.parents, columns, strict=True)
        ]
        self.features = torch.from_numpy(np.ascontiguousarray(np.concatenate(parts, axis=1), dtype=np.float32))
        self.y = torch.from_numpy(self.rows["y"].astype(np.int64))
        self.module = self.source.eval()

    def log_prob(self) -> torch.Tensor:
        """(n,) nats."""
        with torch.inference_mode():
            return torch.nn.functional.cross_entropy(self.module(self.features), self.y, reduction="none").neg_()

    operations: ClassVar = {"log_prob": log_prob}


class KernelsAlone(Ours):
    """The network without the perceptron."""

    library, label = "kernels", "floor: fastdgm, tables and Gaussians alone"
    operations: ClassVar = {"log_prob": lambda self: self.others.log_prob(self.columns)}

    def open(self) -> None:
        self.others = fd.BayesNet({name: own for name, own in self.model.conditionals.items() if name != "y"})
        self.columns = self.others.sample(self.n_rows, seed=0, dtype=np.float32)


class TablesAlone(Ours):
    """Complete rows through the engine that knows of no other."""

    library, label = "tables-alone", "floor: fastdgm, the engine of complete rows alone"
    operations: ClassVar = {"log_prob": lambda self: self.program.log_prob(self.block())}

    def open(self) -> None:
        self.program = self.model._program

    def block(self) -> Block:
        return as_network_block(self.rows, self.program.schema)
