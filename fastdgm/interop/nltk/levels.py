"""Interpolated models as tables: what each seen n-gram scores, and what each seen context leaves to shorter ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .orders import Order

Array = npt.NDArray[Any]


class Level(NamedTuple):
    """The n-grams of one length: their own share (n_ngrams,), and the weight of shorter contexts (n_contexts,)."""

    order: Order
    alpha: Array
    gamma: Array


class Levels:
    """From single words up; each n-gram of the tables has its whole score, so that a seen one is found at once."""

    def __init__(self, unigram_scores: Array) -> None:
        self._unigrams = unigram_scores  # by word code; the last for any other word
        self._longer: list[tuple[Level, Array]] = []

    def add(self, level: Level) -> None:
        """The next length."""
        order = level.order
        lower = self.scores(order.codes[1:])
        self._longer.append((level, level.alpha + level.gamma[order.context_of] * lower))

    def scores(self, codes: Array) -> Array:
        """Of n-grams (length, n), at most as long as the tables'."""
        rest = np.arange(codes.shape[1])
        scores = np.empty(len(rest))
        weights = []
        for length in range(len(codes), 1, -1):
            level, whole = self._longer[length - 2]
            context, row = level.order.find(codes[len(codes) - length :, rest])
            found = row >= 0
            scores[rest[found]] = whole[row[found]]
            rest, context = rest[~found], context[~found]
            weights.append((rest, np.append(level.gamma, 1.0)[context]))  # -1 is the last
        scores[rest] = self._unigrams[np.minimum(codes[-1, rest], len(self._unigrams) - 1)]
        for rest, gamma in reversed(weights):
            scores[rest] *= gamma
        return scores


def continuations(order: Order) -> Order:
    """How many distinct n-grams end with each n-gram of one word less."""
    return Order.count(order.codes[1:])


def joined(counted: Order, seen: Order) -> tuple[Order, Array]:
    """The n-grams of either with the counts of the first, and how many words the second saw after each context."""
    codes = np.concatenate([counted.codes, seen.codes], axis=1)
    order = Order.count(codes, np.concatenate([counted.counts, np.zeros(len(seen), np.int64)]))
    n_types = np.zeros(len(order.starts) - 1, np.int64)
    contexts = seen.codes[:-1, seen.starts[:-1]]
    n_types[order.find_contexts(contexts, contexts.shape[1])] = seen.n_types
    return order, n_types
