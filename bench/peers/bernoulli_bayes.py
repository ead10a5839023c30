"""Naive Bayes of binary features: scikit-learn's, and as one product in torch."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .blas import BlasPeer
from .torch_base import TorchPeer, torch


class SklearnBernoulli(BlasPeer):
    """With the model's tables; rows that are 0 and 1 already."""

    library, label = "sklearn", "scikit-learn"
    native = "float64 array (n, n_features)"
    note = "predict_log_proba, without binarize"
    needs = ("sklearn", "threadpoolctl")
    max_rounds: ClassVar = {"predict_proba": 5}
    operations: ClassVar = {"predict_proba": lambda self: self.classifier.predict_log_proba(self.array)}

    def open(self) -> None:
        from sklearn.naive_bayes import BernoulliNB

        ones = np.stack([self.model[name].table[:, 1] for name in self.model.names[1:]], axis=1)
        made = BernoulliNB(binarize=None)
        made.classes_ = np.arange(len(ones))
        made.feature_log_prob_, made.class_log_prior_ = np.log(ones), np.log(self.model["y"].table)
        made.n_features_in_ = ones.shape[1]
        self.classifier, self.array = made, np.ascontiguousarray(np.asarray(self.rows)[:, 1:], np.float64)


class TorchBernoulli(TorchPeer):
    """float32: one product with the log-odds, and a softmax."""

    library, label = "torch-product", "torch, one product (float32)"
    native = "float32 tensor (n, n_features)"
    max_threads = 1

    def open(self) -> None:
        table = np.stack([self.model[name].table for name in self.model.names[1:]])  # (features, classes, 2)
        logs = np.log(table)
        self.weights = torch.from_numpy((logs[..., 1] - logs[..., 0]).astype(np.float32))
        bias = np.log(self.model["y"].table) + logs[..., 0].sum(axis=0)
        self.bias = torch.from_numpy(bias.astype(np.float32))
        self.features = torch.from_numpy(np.ascontiguousarray(np.asarray(self.rows)[:, 1:], np.float32))

    def posterior(self) -> torch.Tensor:
        """(n, classes)."""
        with torch.inference_mode():
            return torch.addmm(self.bias, self.features, self.weights).softmax(1)

    operations: ClassVar = {"predict_proba": posterior}
