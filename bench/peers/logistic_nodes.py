"""Logistic regressions: a network of them in plain torch, and learnt by scikit-learn, variable by variable."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .blas import BlasPeer
from .torch_base import TorchPeer, torch


class TorchLogistic(TorchPeer):
    """Columns of 0 and 1 as float32; the parents' columns are gathered and multiplied by the weights."""

    library, label = "torch-nodes", "torch, variable by variable"
    native = "columns as tensors"
    max_threads = 1
    max_rounds: ClassVar = {"sample": 3, "log_prob": 3}

    def open(self) -> None:
        position = {name: number for number, name in enumerate(self.model.names)}
        self.nodes = [
            (
                position[name],
                torch.tensor([position[parent] for parent in own.parents], dtype=torch.int64),
                torch.from_numpy(np.array(own.weights, np.float32)),
                float(own.bias),
            )
            for name, own in ((name, self.model[name]) for name in self.model.order)
        ]
        self.columns = torch.from_numpy(self.rows.block.astype(np.float32))

    def sample(self) -> torch.Tensor:
        """(n_vars, n)."""
        out = torch.empty_like(self.columns)
        with torch.inference_mode():
            for column, parents, weights, bias in self.nodes:
                p = (weights @ out[parents] + bias).sigmoid_()
                torch.bernoulli(p, out=out[column])
        return out

    def log_prob(self) -> torch.Tensor:
        """(n,) nats."""
        total = torch.zeros(self.n_rows)
        with torch.inference_mode():
            for column, parents, weights, bias in self.nodes:
                logits = weights @ self.columns[parents] + bias
                total += self.log_likelihood(logits, self.columns[column])
        return total

    operations: ClassVar = {"sample": sample, "log_prob": log_prob}


class SklearnLogistic(BlasPeer):
    """Without a penalty, by Newton's method, on float64 columns of the parents."""

    library, label, note = "sklearn", "scikit-learn", "newton-cholesky, no penalty"
    native = "NumPy arrays (n, parents)"
    needs = ("sklearn", "threadpoolctl")
    max_rounds: ClassVar = {"fit": 3}

    def open(self) -> None:
        self.parts = [
            (np.stack([self.rows[parent] for parent in own.parents], axis=1).astype(np.float64), self.rows[name])
            for name, own in self.model.conditionals.items()
            if own.parents
        ]

    def fit(self) -> list[object]:
        from sklearn.linear_model import LogisticRegression

        return [LogisticRegression(C=np.inf, solver="newton-cholesky").fit(x, y) for x, y in self.parts]

    operations: ClassVar = {"fit": fit}
