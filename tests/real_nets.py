"""Random networks with real variables for tests, and their terms and rows by the oracle."""

from __future__ import annotations

import numpy as np
import reference_gaussian as oracle

import fastdgm as fd
from fastdgm.data.variables import Discrete


def random_hybrid(seed: int, n_vars: int = 8, discrete: float = 0.4) -> fd.BayesNet:
    """Tables and linear Gaussians, up to four parents each."""
    rng = np.random.default_rng(seed)
    conditionals, n_states = {}, {}
    for v in range(n_vars):
        name = f"v{v}"
        earlier = list(rng.permutation(list(conditionals)))[: rng.integers(0, 5)]
        codes = [own for own in earlier if own in n_states]
        if rng.random() < discrete:
            n_states[name] = int(rng.integers(2, 4))
            shape = [n_states[own] for own in codes]
            table = rng.dirichlet(np.ones(n_states[name]), shape)
            conditionals[name] = fd.CPT([str(own) for own in codes], table)
        else:
            shape = [n_states[own] for own in codes]
            arrays = rng.normal(size=shape), rng.normal(size=(*shape, len(earlier) - len(codes)))
            conditionals[name] = fd.LinearGaussian(list(map(str, earlier)), *arrays, rng.uniform(0.3, 2, shape))
    names = list(rng.permutation(list(conditionals)))  # the order of declaration is not that of arcs
    return fd.BayesNet({str(name): conditionals[name] for name in names})


def parents_of(net: fd.BayesNet, name: str, columns: dict[str, np.ndarray]) -> tuple[list[np.ndarray], np.ndarray]:
    """Columns of the discrete parents and of the real ones."""
    kinds = {parent: isinstance(net[parent].variable, Discrete) for parent in net[name].parents}
    states = [columns[parent] for parent, is_discrete in kinds.items() if is_discrete]
    reals = [columns[parent] for parent, is_discrete in kinds.items() if not is_discrete]
    return states, np.array(reals).reshape(len(reals), len(columns[name]))


def columns_of(x: fd.Samples, dtype: type = np.float64) -> dict[str, np.ndarray]:
    """Codes as int64, numbers as floats of a type."""
    own = {name: np.asarray(x[name]) for name in x.keys()}  # noqa: SIM118
    return {name: column.astype(dtype if column.dtype.kind == "f" else np.int64) for name, column in own.items()}


def gaussian_terms(net: fd.BayesNet, columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """log p of every linear Gaussian, by the oracle."""
    terms = {}
    for name in net.names:
        own = net[name]
        if isinstance(own, fd.LinearGaussian):
            arrays = own.intercept, own.coefficients, own.std
            terms[name] = oracle.gaussian_log_prob(columns[name], arrays, *parents_of(net, name, columns))
    return terms


def gaussian_rows(net: fd.BayesNet, x: fd.Samples, seed: int, dtype: type, first_word: int) -> dict[str, np.ndarray]:
    """The numbers of every linear Gaussian by the oracle, given the codes and the real parents that were drawn."""
    rows = np.arange(len(x), dtype=np.uint64)
    columns, found = columns_of(x), {}
    drawn = [name for name in net.order if isinstance(net[name], fd.LinearGaussian)]
    for m, name in enumerate(drawn):
        own = net[name]
        states, parents = parents_of(net, name, columns)
        z = oracle.standard("normal", seed, rows, first_word + m, dtype)
        arrays = own.intercept, own.coefficients, own.std
        found[name] = oracle.gaussian_mean(arrays, states, parents) + own.std[tuple(states)] * z
    return found
