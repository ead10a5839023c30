"""Answers about discrete networks by listing every joint state: obvious, slow, and nothing of the engines in them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from random_nets import plain

import fastdgm as fd


class Listed:
    """All joint states of a network and their probabilities."""

    def __init__(self, net: fd.BayesNet) -> None:
        own = plain(net)
        self.net = net
        self.states = own.assignments()  # (n_vars, n)
        self.p = np.ones(self.states.shape[1])
        for v, table in enumerate(own.tables):
            self.p *= table[(*(self.states[u] for u in own.parents[v]), self.states[v])]

    def weights(self, row: np.ndarray, likelihoods: Mapping[str, np.ndarray] | None = None) -> np.ndarray:
        """p of every joint state that agrees with a row of codes, -1 being missing, times likelihoods."""
        agrees = ((row[:, None] < 0) | (row[:, None] == self.states)).all(axis=0)
        weights = np.where(agrees, self.p, 0.0)
        for name, likelihood in (likelihoods or {}).items():
            weights = weights * np.asarray(likelihood)[self.states[self.net.names.index(name)]]
        return weights

    def log_p(self, rows: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log([self.weights(row).sum() for row in rows])

    def table(self, names: list[str], weights: np.ndarray) -> np.ndarray:
        """P(names), an axis for each."""
        found = np.zeros([len(self.net.states[name]) for name in names])
        np.add.at(found, tuple(self.states[self.net.names.index(name)] for name in names), weights)
        return found / weights.sum()

    def most_probable(self, row: np.ndarray) -> float:
        """log max p of the joint states that agree."""
        return float(np.log(self.weights(row).max()))


def partial_rows(net: fd.BayesNet, n: int, rate: float, seed: int = 0) -> np.ndarray:
    """Possible rows (n, n_vars) of codes with a share of them missing, -1, others in each."""
    rows = np.asarray(net.sample(n, seed=seed)).astype(np.int64)
    rows[np.random.default_rng(seed).random(rows.shape) < rate] = -1
    return rows
