"""What the engines of toy conditionals have in common, in plain NumPy."""

from __future__ import annotations

import numpy as np
import reference

from fastdgm.engines.base import Engine


class ToyEngine(Engine):
    """Inverse CDF, a word for each cell; ``terms`` yields (variable, log p of each row)."""

    def __init__(self, members, first_word=0):
        self.columns, self.rows, self.parents = list(members.columns), members.rows, members.parents
        self.members = [list(members.conditionals.values())[v] for v in self.columns]
        self.first_word = first_word

    @property
    def n_words(self):
        return sum(own.variable.size for own in self.members)

    def uniforms(self, begin, end, key, start):
        """(variable, its conditional, cell, uniforms of rows begin to end), cell after cell."""
        numbers = np.arange(begin, end, dtype=np.uint64) + np.uint64(start)
        word = self.first_word
        for v, own in zip(self.columns, self.members, strict=True):
            for i in range(own.variable.size):
                words = reference.random_words(key, numbers, word, reference.STREAM_SAMPLE)
                yield v, own, i, (words.astype(np.float64) + 0.5) / 2**32
                word += 1

    def log_prob(self, begin, end, part, out):
        out[begin:end] = sum(term for _, term in self.terms(part, begin, end))
        return -1

    def log_prob_per_variable(self, begin, end, part, out):
        for v, term in self.terms(part, begin, end):
            out[v, begin:end] = term
        return -1

    @property
    def n_bytes(self):
        return sum(array.nbytes for own in self.members for array in own.parameters().values())
