"""hypothesis strategies for small random networks, and the plain form of a network that the oracle reads."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

import fastdgm as fd


class Plain(NamedTuple):
    """A network as ``reference.py`` takes it: variables are numbers, in the order of the columns."""

    parents: list[list[int]]
    tables: list[np.ndarray]

    @property
    def sizes(self) -> list[int]:
        return [table.shape[-1] for table in self.tables]

    def assignments(self) -> np.ndarray:
        """Every joint state once, ``(n_vars, n)``."""
        return np.array(list(itertools.product(*map(range, self.sizes)))).T


def plain(net: fd.BayesNet) -> Plain:
    column = {name: v for v, name in enumerate(net.names)}
    parents = [[column[p] for p in net.parents[name]] for name in net.names]
    return Plain(parents, [net[name].table for name in net.names])


def random_table(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Rows of many kinds: ordinary, with zeros anywhere, with a one, with tiny probabilities, equal."""
    k = shape[-1]
    rows = rng.dirichlet(np.ones(k), size=int(np.prod(shape[:-1], dtype=int)))
    for row in rows:
        kind = rng.integers(6)
        if kind == 1:
            row[rng.random(k) < 0.5] = 0.0
        elif kind == 2:
            row[:] = 0.0
        elif kind == 3:
            row *= 10.0 ** -rng.integers(0, 12, k)
        elif kind == 4:
            row[:] = 1.0
        if row.sum() == 0.0:
            row[rng.integers(k)] = 1.0
        row /= row.sum()
    return rows.reshape(shape)


def random_net(seed: int, n_vars: int, max_parents: int = 3, max_states: int = 4) -> fd.BayesNet:
    """A random DAG whose declaration order is not its topological order; some variables have one state."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, max_states + 1, n_vars)
    place = rng.permutation(n_vars)
    tables = {}
    for v in range(n_vars):
        earlier = [u for u in range(n_vars) if place[u] < place[v]]
        n_parents = min(len(earlier), int(rng.integers(0, max_parents + 1)))
        parents = rng.permutation(earlier)[:n_parents].astype(int)
        shape = (*(int(sizes[p]) for p in parents), int(sizes[v]))
        tables[f"x{v}"] = fd.CPT([f"x{p}" for p in parents], random_table(rng, shape))
    return fd.BayesNet(tables)


def nets(max_vars: int = 7, max_states: int = 4) -> st.SearchStrategy[fd.BayesNet]:
    """Networks whose joint states can be listed."""
    return st.builds(
        random_net,
        seed=st.integers(0, 2**32 - 1),
        n_vars=st.integers(1, max_vars),
        max_states=st.integers(1, max_states),
    )


def codes_of(net: fd.BayesNet, n: int, seed: int = 0) -> np.ndarray:
    """Rows of uniform random codes, ``(n, n_vars)``, possible or not."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, plain(net).sizes, (n, len(net.names)))
