"""Networks of logistic, softmax and noisy-or variables, and engines of some beside real parents that nobody draws."""

from __future__ import annotations

import numpy as np

import fastdgm as fd
from fastdgm.conditionals.base import Conditional
from fastdgm.data.schema import Values
from fastdgm.data.variables import Real
from fastdgm.engines.base import Members
from fastdgm.engines.logistic.run import LogisticEngine


class Given(Conditional):
    """A real root whose values a test fills in."""

    __slots__ = ("_size", "parents")

    def __init__(self, size=1):
        object.__setattr__(self, "parents", ())
        object.__setattr__(self, "_size", size)

    @property
    def variable(self):
        return Real() if self._size == 1 else Real((self._size,))

    n_parameters = 0

    def bound(self, name, parents):
        return self

    def parameters(self):
        return {}

    @classmethod
    def from_parameters(cls, name, parents, variable, parameters):
        return cls(variable.size)


rng = np.random.default_rng(7)
Y_WEIGHTS, Y_BIAS = np.array([1.5, -0.5, 2.0, -1.0, 0.3, 0.7]), -0.3
S_WEIGHTS, S_BIAS = rng.normal(size=(4, 3)), rng.normal(size=4)
O_PROBABILITIES, O_LEAK = np.array([0.7, 0.2, 1.0, 0.0]), 0.05
BITS = [f"b{i}" for i in range(5)]


def discrete_net():
    """Every kind of parent and link but real ones: y has six columns, more than are added at a time."""
    return fd.BayesNet(
        {
            **{name: fd.Bernoulli(0.1 + 0.15 * i) for i, name in enumerate(BITS)},
            "c": fd.Categorical([0.2, 0.3, 0.5]),
            "y": fd.Logistic(["b0", "c", *BITS[1:4]], Y_WEIGHTS, Y_BIAS),
            "s": fd.Softmax(["c", "y"], S_WEIGHTS, S_BIAS),
            "o": fd.NoisyOr(["b4", "y", "b1", "b0"], O_PROBABILITIES, O_LEAK),
        }
    )


def beside_reals(dtype, n, seed=0):
    """Conditionals, an engine of a logistic and a softmax variable with real parents and of a logistic one without, and
    blocks in which these three are still to be drawn."""
    given = np.random.default_rng(seed)
    conditionals = {
        "c": fd.Categorical([0.2, 0.3, 0.5]),
        "x": Given(),
        "v": Given(4),
        "y": fd.Logistic(["v", "c", "x"], [0.5, -1.0, 0.25, 2.0, 1.5, -1.0, 0.7], 0.2),
        "z": fd.Logistic(["y", "c"], [1.0, -2.0, 0.5], 0.1),
        "s": fd.Softmax(["x", "y"], rng_weights(seed), np.array([0.1, 0.0, -0.1])),
    }
    variables = {name: own.variable for name, own in conditionals.items()}
    bound = {name: own.bound(name, [variables[p] for p in own.parents]) for name, own in conditionals.items()}
    engine = LogisticEngine(Members(bound, [3, 4, 5]), first_word=2)
    codes = np.zeros((4, n), np.uint8)
    codes[0] = given.integers(0, 3, n)
    return bound, engine, Values(codes, given.normal(size=(5, n)).astype(dtype))


def rng_weights(seed):
    return np.random.default_rng(seed).normal(size=(3, 2))
