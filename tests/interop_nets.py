"""Networks that make trouble for converters, and what a faithful conversion keeps."""

from __future__ import annotations

import numpy as np

import fastdgm as fd


def awkward_net() -> fd.BayesNet:
    """Children first, unequal axes, odd and integer-like state names, one variable with a single state."""
    draw = np.random.default_rng(7).dirichlet
    return fd.BayesNet(
        {
            "c": fd.CPT(["b", "one", "a"], draw(np.ones(2), size=(4, 1, 3)), ["True", "False"]),
            "b": fd.CPT(["a"], draw(np.ones(4), size=3), [3, 2, 1, 0]),
            "lone node": fd.Categorical([0.1, 0.2, 0.7 + 5e-13], ["x y", "é", "Asy/Patch"]),
            "a": fd.Categorical(draw(np.ones(3)), ["<5", "5-12", "12+"]),
            "one": fd.Categorical([1.0], ["only"]),
            "d": fd.CPT(["c", "a"], draw(np.ones(2), size=(2, 3)), ["0", "1"]),
        }
    )


def assert_same(net: fd.BayesNet, other: fd.BayesNet) -> None:
    """Names, parents, states and probabilities, in order and to the last bit."""
    assert other.names == net.names
    assert other.parents == net.parents
    assert other.states == net.states
    for name in net.names:
        assert np.array_equal(other[name].table, net[name].table), name


def marginals(net: fd.BayesNet) -> dict[str, np.ndarray]:
    """P(x_v) of every variable, from the full joint table."""
    axis = {name: i for i, name in enumerate(net.names)}
    operands: list[object] = []
    for name, cpt in net.conditionals.items():
        operands += [cpt.table, [axis[other] for other in (*cpt.parents, name)]]
    return {name: np.einsum(*operands, [axis[name]]) for name in net.names}
