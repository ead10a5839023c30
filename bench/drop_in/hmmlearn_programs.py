"""hmmlearn's models on 1 000 sequences of 100 frames with 10 states, with its own loops and with ours."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from pairs import Pair, Program

import fastdgm as fd

N, LENGTH, K = 1000, 100, 10
ITERATIONS = 5
Call = Callable[[Any, Any, Any], Any]


def categorical(implementation: str) -> tuple[Any, Any]:
    """Of 20 symbols, with data of its own."""
    from hmmlearn.hmm import CategoricalHMM

    rng = np.random.default_rng(0)
    model = CategoricalHMM(K, implementation=implementation, n_iter=ITERATIONS, tol=-np.inf, init_params="")
    model.startprob_, model.transmat_ = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K), K)
    model.emissionprob_, model.n_features = rng.dirichlet(np.ones(20), K), 20
    return model, rng.integers(0, 20, (N * LENGTH, 1))


def gaussian(implementation: str) -> tuple[Any, Any]:
    """Of three features, independent of each other in a state."""
    from hmmlearn.hmm import GaussianHMM

    rng = np.random.default_rng(0)
    model = GaussianHMM(K, implementation=implementation, n_iter=ITERATIONS, tol=-np.inf, init_params="")
    model.startprob_, model.transmat_ = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K), K)
    model.means_, model.n_features = rng.normal(scale=2.0, size=(K, 3)), 3
    model.covars_ = np.ones((K, 3))
    return model, rng.normal(scale=3.0, size=(N * LENGTH, 3))


def _score(model: Any, data: Any, lengths: Any) -> Any:
    return model.score(data, lengths)


def _fit(model: Any, data: Any, lengths: Any) -> Any:
    return copy.deepcopy(model).fit(data, lengths)


def _pair(make: Callable[[str], tuple[Any, Any]], implementation: str, call: Call) -> Pair:
    model, data = make(implementation)
    lengths = [LENGTH] * N

    def ours() -> Any:
        with fd.patch("hmmlearn"):
            return call(model, data, lengths)

    ours()
    return Pair(ours, lambda: call(model, data, lengths))


PROGRAMS = [
    Program(
        f"hmmlearn {name}, {implementation}: {verb} of {N} sequences of {LENGTH}, {K} states",
        ("hmmlearn",),
        target,
        partial(_pair, make, implementation, call),
    )
    for name, make in {"CategoricalHMM": categorical, "GaussianHMM": gaussian}.items()
    for implementation, verb, call, target in (
        ("log", "score", _score, 5.0),
        ("log", "fit", _fit, 3.0),
        ("scaling", "score", _score, 3.0),
        ("scaling", "fit", _fit, 2.0),
    )
]
