"""The oracle of sums over hidden variables: every configuration of all of them, one by one. It imports nothing of ours.

A factor is (scope, values): names of hidden variables, and an array of log-factors with one axis for each of them and
the last for rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np

Factor = tuple[tuple[str, ...], np.ndarray]


def configurations(sizes: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """Every joint configuration of some variables."""
    for states in product(*map(range, sizes.values())):
        yield dict(zip(sizes, states, strict=True))


def joint(factors: Sequence[Factor], configuration: Mapping[str, int]) -> np.ndarray:
    """The sum of all log-factors of a configuration, ``(n,)``."""
    return np.sum([values[tuple(configuration[name] for name in scope)] for scope, values in factors], axis=0)


def log_sum(factors: Sequence[Factor], sizes: Mapping[str, int]) -> np.ndarray:
    """log sum over all configurations of exp(sum of the log-factors), ``(n,)``."""
    terms = np.array([joint(factors, own) for own in configurations(sizes)])
    return np.logaddexp.reduce(terms, axis=0)


def marginal(factors: Sequence[Factor], sizes: Mapping[str, int], scope: Sequence[str]) -> np.ndarray:
    """P(configuration of ``scope`` | row), one axis for each of its variables and the last for rows."""
    total = log_sum(factors, sizes)
    found = np.zeros([*(sizes[name] for name in scope), len(total)])
    for own in configurations(sizes):
        with np.errstate(invalid="ignore"):
            shares = np.where(total > -np.inf, np.exp(joint(factors, own) - total), 0.0)
        found[tuple(own[name] for name in scope)] += shares
    return found
