"""Toy conditionals of real variables, in plain NumPy: what data with reals meets before and beside the real ones."""

from __future__ import annotations

import numpy as np
from toy_engines import ToyEngine

from fastdgm.conditionals.base import Conditional
from fastdgm.data.variables import Discrete, Real


class Shifted(Conditional):
    """x_i ~ Logistic(mean[parent] + i, 1), a scalar or a vector of ``size``; at most one parent, which is discrete."""

    __slots__ = ("mean", "parents", "size")

    def __init__(self, parents, mean, size=None):
        object.__setattr__(self, "parents", tuple(parents))
        object.__setattr__(self, "mean", np.atleast_1d(np.asarray(mean, np.float64)))
        object.__setattr__(self, "size", size)

    @property
    def variable(self):
        return Real(() if self.size is None else (self.size,))

    @property
    def n_parameters(self):
        return self.mean.size

    def bound(self, name, parents):
        assert all(isinstance(parent, Discrete) for parent in parents)
        return self

    def parameters(self):
        return {"mean": self.mean}

    @classmethod
    def from_parameters(cls, name, parents, variable, parameters):
        return cls(parents, parameters["mean"], variable.event_shape[0] if variable.event_shape else None)


class ShiftedEngine(ToyEngine):
    """Inverse CDF, a word for each number."""

    def means(self, codes, v, own):
        """(n,) from codes (n_codes, n)."""
        parents = self.parents[v]
        return own.mean[codes[self.rows[parents[0]]]] if parents else np.full(codes.shape[1], own.mean[0])

    def sample(self, begin, end, key, start, values):
        for v, own, i, uniforms in self.uniforms(begin, end, key, start):
            means = self.means(values.codes[:, begin:end], v, own)
            values.reals[self.rows[v] + i, begin:end] = means + i + np.log(uniforms / (1 - uniforms))

    def terms(self, part, begin, end):
        for v, own in zip(self.columns, self.members, strict=True):
            means = self.means(part.codes[:, begin:end], v, own)
            first, size = self.rows[v], own.variable.size
            z = part.reals[first : first + size, begin:end] - (means + np.arange(size)[:, None])
            yield v, -(z + 2 * np.log1p(np.exp(-z))).sum(axis=0)
