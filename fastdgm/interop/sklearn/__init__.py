"""scikit-learn: its models as networks and back, and estimators that its pipelines take."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "BayesNetClassifier": "classifier",
    "BayesNetImputer": "imputer",
    "DensityEstimator": "density",
    "NaiveBayes": "naive_bayes",
    "OutlierDetector": "outliers",
    "Sampler": "sampler",
    "from_sklearn": "networks",
    "to_sklearn": "networks",
}

__all__ = [*_HOME]  # noqa: PLE0604, RUF100


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fastdgm.interop.sklearn' has no attribute {name!r}")
    try:
        home = import_module(f".{_HOME[name]}", __name__)
    except ImportError as error:  # without it, or with an older one that lacks some of what estimators need
        raise ImportError(f'{name} needs scikit-learn 1.6 or later: pip install "scikit-learn>=1.6"') from error
    return getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
