"""A toy conditional of discrete vectors, in plain NumPy: what data with such vectors meets without torch."""

from __future__ import annotations

import numpy as np
from toy_engines import ToyEngine

import fastdgm as fd
from fastdgm.conditionals.base import Conditional
from fastdgm.data.variables import Discrete


class Cells(Conditional):
    """P(x_i = k | parent) = table[parent, i, k], cells being independent; at most one parent, a discrete scalar."""

    __slots__ = ("parents", "shape", "states", "table")

    def __init__(self, parents, table, event_shape, states=("False", "True")):
        object.__setattr__(self, "parents", tuple(parents))
        object.__setattr__(self, "table", np.asarray(table, np.float64).reshape(-1, np.prod(event_shape), len(states)))
        object.__setattr__(self, "shape", tuple(event_shape))
        object.__setattr__(self, "states", tuple(states))

    @property
    def variable(self):
        return Discrete(self.states, self.shape)

    @property
    def n_parameters(self):
        return self.table[..., 1:].size

    def bound(self, name, parents):
        assert all(isinstance(parent, Discrete) and not parent.event_shape for parent in parents)
        return self

    def parameters(self):
        return {"table": self.table}

    @classmethod
    def from_parameters(cls, name, parents, variable, parameters):
        return cls(parents, parameters["table"], variable.event_shape, variable.states)


class CellsEngine(ToyEngine):
    """Inverse CDF, a word for each cell."""

    def tables(self, codes, v, own):
        """(n, size, k) from codes (n_codes, n)."""
        parents = self.parents[v]
        states = codes[self.rows[parents[0]]] if parents else np.zeros(codes.shape[1], int)
        return own.table[states]

    def sample(self, begin, end, key, start, values):
        for v, own, i, uniforms in self.uniforms(begin, end, key, start):
            cumulative = self.tables(values.codes[:, begin:end], v, own)[:, i].cumsum(axis=1)
            values.codes[self.rows[v] + i, begin:end] = (cumulative < uniforms[:, None]).sum(axis=1)

    def terms(self, part, begin, end):
        for v, own in zip(self.columns, self.members, strict=True):
            tables = self.tables(part.codes[:, begin:end], v, own)
            first, size = self.rows[v], own.variable.size
            codes = part.codes[first : first + size, begin:end].T
            with np.errstate(divide="ignore"):
                yield v, np.log(np.take_along_axis(tables, codes[:, :, None].astype(int), 2)[..., 0]).sum(axis=1)


SHAPE, STATES = (2, 3), ("a", "b", "c")
TABLE = np.random.default_rng(0).dirichlet([1, 1, 1], (2, 6))
RAIN = fd.CPT([], [0.4, 0.6], ["no", "yes"])


def net(states=STATES):
    return fd.BayesNet({"x": Cells(["z"], TABLE, SHAPE, states), "z": RAIN, "u": fd.Normal(0, 1)})
