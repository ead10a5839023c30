"""Toy conditionals of real variables, in plain NumPy: what data with reals meets before and beside the real ones."""

from __future__ import annotations

import numpy as np
import reference

from fastdgm.conditionals.base import Conditional
from fastdgm.data.variables import Discrete, Real
from fastdgm.engines.base import Engine


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


class ShiftedEngine(Engine):
    """Inverse CDF, a word for each number."""

    def __init__(self, members, first_word=0):
        self.columns, self.rows, self.parents = list(members.columns), members.rows, members.parents
        self.members = [list(members.conditionals.values())[v] for v in self.columns]
        self.first_word = first_word

    @property
    def n_words(self):
        return sum(own.variable.size for own in self.members)

    def means(self, codes, v, own):
        """(n,) from codes (n_codes, n)."""
        parents = self.parents[v]
        return own.mean[codes[self.rows[parents[0]]]] if parents else np.full(codes.shape[1], own.mean[0])

    def sample(self, begin, end, key, start, values):
        numbers = np.arange(begin, end, dtype=np.uint64) + np.uint64(start)
        word = self.first_word
        for v, own in zip(self.columns, self.members, strict=True):
            means = self.means(values.codes[:, begin:end], v, own)
            for i in range(own.variable.size):
                words = reference.random_words(key, numbers, word, reference.STREAM_SAMPLE)
                uniforms = (words.astype(np.float64) + 0.5) / 2**32
                values.reals[self.rows[v] + i, begin:end] = means + i + np.log(uniforms / (1 - uniforms))
                word += 1

    def terms(self, part, begin, end):
        for v, own in zip(self.columns, self.members, strict=True):
            means = self.means(part.codes[:, begin:end], v, own)
            first, size = self.rows[v], own.variable.size
            z = part.reals[first : first + size, begin:end] - (means + np.arange(size)[:, None])
            yield v, -(z + 2 * np.log1p(np.exp(-z))).sum(axis=0)

    def log_prob(self, begin, end, part, out):
        out[begin:end] = sum(term for _, term in self.terms(part, begin, end))
        return -1

    def log_prob_per_variable(self, begin, end, part, out):
        for v, term in self.terms(part, begin, end):
            out[v, begin:end] = term
        return -1

    @property
    def n_bytes(self):
        return sum(own.mean.nbytes for own in self.members)
