"""Linear-Gaussian networks in plain torch: one pass over the rows for each variable and each parent."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

from .torch_base import TorchPeer, torch


class Regression(NamedTuple):
    """A variable by its parents, numbered by column."""

    column: int
    parents: tuple[int, ...]
    intercept: float
    coefficients: tuple[float, ...]
    std: float


class TorchNodes(TorchPeer):
    """In place, on columns of the rows' type. Blocks of rows that stay in cache were slower: more calls."""

    library, label = "torch-nodes", "torch, variable by variable"
    native = "columns as tensors"
    max_threads = 1
    max_rounds: ClassVar = {"sample": 3, "log_prob": 3}

    def open(self) -> None:
        position = {name: number for number, name in enumerate(self.model.names)}
        self.nodes = [
            Regression(
                position[name],
                tuple(position[parent] for parent in own.parents),
                float(own.intercept),
                tuple(own.coefficients.tolist()),
                float(own.std),
            )
            for name, own in ((name, self.model[name]) for name in self.model.order)
        ]
        self.columns = torch.from_numpy(self.rows.block.copy())
        self.constant = -sum(math.log(node.std) + 0.5 * math.log(2 * math.pi) for node in self.nodes)

    def sample(self) -> torch.Tensor:
        """(n_vars, n)."""
        out = torch.empty_like(self.columns)
        with torch.inference_mode():
            for node in self.nodes:
                x = out[node.column].normal_(node.intercept, node.std)
                for parent, weight in zip(node.parents, node.coefficients, strict=True):
                    x.add_(out[parent], alpha=weight)
        return out

    def log_prob(self) -> torch.Tensor:
        """(n,) nats."""
        total = torch.full((self.n_rows,), self.constant, dtype=self.columns.dtype)
        with torch.inference_mode():
            for node in self.nodes:
                residual = self.columns[node.column] - node.intercept
                for parent, weight in zip(node.parents, node.coefficients, strict=True):
                    residual.sub_(self.columns[parent], alpha=weight)
                total.addcmul_(residual, residual, value=-0.5 / node.std**2)
        return total

    operations: ClassVar = {"sample": sample, "log_prob": log_prob}
