"""Models that mix what was seen after a context with what they say of shorter contexts (Chen and Goodman 1999)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from .codes import Codes
from .distributions import ConditionalFreqDist
from .language_model import LanguageModel
from .levels import Level, Levels, continuations, joined
from .models import checked
from .orders import Order

Array = npt.NDArray[Any]


class Interpolated(LanguageModel):
    """p(w | c) = alpha(w, c) + gamma(c) p(w | c without its first word); only the latter where c was never seen."""

    _levels_of: tuple[Any, Levels] | None = None  # what they were made of, and they

    def __init__(self, order: int, *, vocabulary: Any = None, counter: Any = None) -> None:
        super().__init__(order, vocabulary, counter)

    def _score(self, word: str, context: tuple[str, ...]) -> float:
        score = self._unigram_score(word)
        for begin in reversed(range(len(context))):
            if self.counts[context[begin:]]:
                alpha, gamma = self._alpha_gamma(word, context[begin:])
                score = alpha + gamma * score
        return score

    def _scores(self, codes: Array) -> Array:
        made_of = self._made_of()
        if self._levels_of is None or self._levels_of[0] != made_of:
            self._levels_of = made_of, self._levels()
        return self._levels_of[1].scores(codes)

    def _levels(self) -> Levels:
        levels = Levels(self._unigram_scores())
        for length in range(2, self.order + 1):
            with np.errstate(divide="ignore", invalid="ignore"):
                levels.add(self._level(length))
        return levels

    def _made_of(self) -> tuple[Any, ...]:
        """Equal as long as the levels are."""
        return tuple(self.counts.order(length) for length in range(1, self.order + 1))

    def _unigram_score(self, word: str) -> float:
        return self.counts.unigrams.freq(word)

    def _unigram_scores(self) -> Array:
        return _frequencies(self.counts.order(1))

    @abstractmethod
    def _alpha_gamma(self, word: str, context: tuple[str, ...]) -> tuple[float, float]:
        """Of a context that was seen."""

    @abstractmethod
    def _level(self, length: int) -> Level:
        """alpha and gamma of all n-grams of a length."""

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_levels_of": None}


class WittenBellInterpolated(Interpolated):
    """Witten and Bell 1991: gamma = types(c) / (types(c) + count(c)), alpha = (1 - gamma) count(c w) / count(c).

    types(c) is the number of distinct words seen after c; single words have their relative frequencies. Parameters,
    methods and errors: ``LanguageModel``; vocabulary and counter by name.

    Examples
    --------
    >>> from fastdgm.interop.nltk import WittenBellInterpolated, padded_everygram_pipeline
    >>> model = WittenBellInterpolated(2)
    >>> model.fit(*padded_everygram_pipeline(2, [["a", "b", "c"], ["a", "c"]]))
    >>> round(model.score("b", ["a"]), 6), model.entropy([("a", "d")])
    (0.305556, inf)
    """

    def _alpha_gamma(self, word: str, context: tuple[str, ...]) -> tuple[float, float]:
        counts = self.counts[context]
        gamma = counts.B() / (counts.B() + counts.N())
        return (1.0 - gamma) * counts.freq(word), gamma

    def _level(self, length: int) -> Level:
        order = self.counts.order(length)
        gamma = order.n_types / (order.n_types + order.totals)
        alpha = (1.0 - gamma)[order.context_of] * (order.counts / order.totals[order.context_of])
        return Level(order, alpha, gamma)


class AbsoluteDiscountingInterpolated(Interpolated):
    """Ney and others 1994: alpha = max(count(c w) - discount, 0) / count(c), gamma = discount types(c) / count(c).

    types(c) is the number of distinct words seen after c; single words have their relative frequencies. ``discount``
    is from 0 to 1. Other parameters, methods and errors: ``LanguageModel``; vocabulary and counter by name.

    Examples
    --------
    >>> from fastdgm.interop.nltk import AbsoluteDiscountingInterpolated, padded_everygram_pipeline
    >>> model = AbsoluteDiscountingInterpolated(2, discount=0.5)
    >>> model.fit(*padded_everygram_pipeline(2, [["a", "b", "c"], ["a", "c"]]))
    >>> round(model.score("b", ["a"]), 6)
    0.305556
    """

    def __init__(self, order: int, discount: float = 0.75, **kwargs: Any) -> None:
        super().__init__(order, **kwargs)
        self.discount: Any = checked(discount, "discount", 1)

    def _alpha_gamma(self, word: str, context: tuple[str, ...]) -> tuple[float, float]:
        counts = self.counts[context]
        return max(counts[word] - self.discount, 0) / counts.N(), (self.discount * counts.B()) / counts.N()

    def _level(self, length: int) -> Level:
        order = self.counts.order(length)
        return _discounted(order, order.n_types, self.discount)

    def _made_of(self) -> tuple[Any, ...]:
        return (*super()._made_of(), self.discount)


class KneserNeyInterpolated(Interpolated):
    """Kneser and Ney 1995: absolute discounting, whose shorter n-grams count the distinct words before them.

    At the highest order count(c w) is the number of times that it was seen, below it the number of distinct n-grams
    that end with it; single words have the relative frequency of the latter. ``discount`` is from 0 to 1. Other
    parameters, methods and errors: ``LanguageModel``; vocabulary and counter by name. A context that was seen, but
    never after another word, has no such count (pad the sentences): ZeroDivisionError, as in nltk.

    Examples
    --------
    >>> from fastdgm.interop.nltk import KneserNeyInterpolated, padded_everygram_pipeline
    >>> model = KneserNeyInterpolated(2, discount=0.5)
    >>> model.fit(*padded_everygram_pipeline(2, [["a", "b", "c"], ["a", "c"]]))
    >>> round(model.score("b", ["a"]), 6)
    0.35
    """

    _continuations_of: tuple[Any, list[Order], dict[int, ConditionalFreqDist]] | None = None

    def __init__(self, order: int, discount: float = 0.1, **kwargs: Any) -> None:
        super().__init__(order, **kwargs)
        self.discount: Any = checked(discount, "discount", 1)

    def _unigram_score(self, word: str) -> float:
        counts = self._continued(1)[()]
        return counts[word] / counts.N()

    def _unigram_scores(self) -> Array:
        order = self._continuations()[0]
        return _frequencies(order) if len(order) else np.full(1, np.nan)

    def _alpha_gamma(self, word: str, context: tuple[str, ...]) -> tuple[float, float]:
        seen, length = self.counts[context], len(context) + 1
        counts = seen if length == self.order else self._continued(length)[context]
        alpha = max(counts[word] - self.discount, 0.0) / counts.N()
        return alpha, self.discount * seen.B() / counts.N()

    def _level(self, length: int) -> Level:
        seen = self.counts.order(length)
        if length == self.order:
            return _discounted(seen, seen.n_types, self.discount)
        order, n_types = joined(self._continuations()[length - 1], seen)
        return _discounted(order, n_types, self.discount)

    def _made_of(self) -> tuple[Any, ...]:
        return (*super()._made_of(), self.counts.order(self.order + 1), self.discount)

    def _continuations(self) -> list[Order]:
        """Per length from 1, how many distinct n-grams of one word more end with each."""
        longer = [self.counts.order(length) for length in range(2, max(3, self.order + 1))]
        if self._continuations_of is None or self._continuations_of[0] != longer:
            self._continuations_of = longer, [continuations(order) for order in longer], {}
        return self._continuations_of[1]

    def _continued(self, length: int) -> ConditionalFreqDist:
        """The same as distributions."""
        order = self._continuations()[length - 1]
        assert self._continuations_of is not None
        views = self._continuations_of[2]
        if length not in views:
            views[length] = _view(self.counts.codes, order)
        return views[length]

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_continuations_of": None}


def _view(codes: Codes, order: Order) -> ConditionalFreqDist:
    return ConditionalFreqDist(codes, lambda: order)


def _frequencies(order: Order) -> Array:
    """Of single words, by code; the last is 0, for any other word."""
    frequencies = np.zeros(int(order.codes.max()) + 2 if len(order) else 1)
    if len(order):
        frequencies[order.codes[0]] = order.counts / order.totals[0]
    return frequencies


def _discounted(order: Order, n_types: Array, discount: float) -> Level:
    """``n_types`` is 0 for contexts that were not seen: they leave all to shorter ones."""
    seen = n_types > 0
    alpha = np.where(
        seen[order.context_of], np.maximum(order.counts - discount, 0.0) / order.totals[order.context_of], 0
    )
    gamma = np.where(seen, np.where(order.totals > 0, discount * n_types / order.totals, np.nan), 1.0)
    return Level(order, alpha, gamma)
