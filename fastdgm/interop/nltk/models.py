"""Models that look at one context: relative frequencies, additive smoothing, backing off."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .language_model import LanguageModel

Array = npt.NDArray[Any]


class MLE(LanguageModel):
    """Relative frequencies: p(w | c) = count(c w) / count(c), and 0 after a context never seen.

    As in nltk, the whole context is read, also where it is longer than ``order - 1``. Parameters, methods and errors:
    ``LanguageModel``.

    Examples
    --------
    >>> from fastdgm.interop.nltk import MLE, padded_everygram_pipeline
    >>> model = MLE(2)
    >>> model.fit(*padded_everygram_pipeline(2, [["a", "b", "c"], ["a", "c"]]))
    >>> model.score("b", ["a"])
    0.5
    """

    def _used(self, context: tuple[str, ...]) -> tuple[str, ...]:
        return context

    def _score(self, word: str, context: tuple[str, ...]) -> float:
        return self.context_counts(context).freq(word)

    def _scores(self, codes: Array) -> Array:
        order = self.counts.order(len(codes))
        context, row = order.find(codes)
        scores = np.zeros(codes.shape[1])
        seen = np.flatnonzero(row >= 0)
        scores[seen] = order.counts[row[seen]] / order.totals[context[seen]]
        return scores


class Lidstone(LanguageModel):
    """Additive smoothing: p(w | c) = (count(c w) + gamma) / (count(c) + gamma |vocabulary|).

    As in nltk, the whole context is read, also where it is longer than ``order - 1``. Parameters after ``gamma``
    (at least 0), methods and errors: ``LanguageModel``.

    Examples
    --------
    >>> from fastdgm.interop.nltk import Lidstone, padded_everygram_pipeline
    >>> model = Lidstone(0.5, 2)
    >>> model.fit(*padded_everygram_pipeline(2, [["a", "b", "c"], ["a", "c"]]))
    >>> model.score("b", ["a"])
    0.3
    """

    def __init__(self, gamma: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gamma: Any = checked(gamma, "gamma", math.inf)

    def _used(self, context: tuple[str, ...]) -> tuple[str, ...]:
        return context

    def _score(self, word: str, context: tuple[str, ...]) -> float:
        counts = self.context_counts(context)
        return (counts[word] + self.gamma) / (counts.N() + len(self.vocab) * self.gamma)

    def _scores(self, codes: Array) -> Array:
        order = self.counts.order(len(codes))
        context, row = order.find(codes)
        count = np.append(order.counts, 0)[row]  # -1 is the last
        total = np.append(order.totals, 0)[context]
        with np.errstate(invalid="ignore"):
            return np.asarray((count + self.gamma) / (total + len(self.vocab) * self.gamma))


class Laplace(Lidstone):
    """Add-one smoothing: ``Lidstone`` with gamma 1.

    Examples
    --------
    >>> from fastdgm.interop.nltk import Laplace
    >>> Laplace(3).gamma
    1
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(1, *args, **kwargs)


class StupidBackoff(LanguageModel):
    """Brants and others 2007: s(w | c) = count(c w) / count(c) where seen, else alpha s(w | c without its first word).

    Scores do not sum to 1. Parameters after ``alpha`` (at least 0), methods and errors: ``LanguageModel``.

    Examples
    --------
    >>> from fastdgm.interop.nltk import StupidBackoff, padded_everygram_pipeline
    >>> model = StupidBackoff(order=2)
    >>> model.fit(*padded_everygram_pipeline(2, [["a", "b", "c"], ["a", "c"]]))
    >>> model.score("b", ["a"]), model.score("a", ["b"]) == 0.4 * model.score("a")
    (0.5, True)
    """

    def __init__(self, alpha: float = 0.4, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.alpha: Any = checked(alpha, "alpha", math.inf)

    def _score(self, word: str, context: tuple[str, ...]) -> float:
        factor: list[float] = []
        while context:
            counts = self.counts[context]
            if word in counts:
                break
            factor.append(self.alpha)
            context = context[1:]
        score = self.context_counts(context).freq(word)
        for alpha in factor:
            score = alpha * score
        return score

    def _scores(self, codes: Array) -> Array:
        scores, rest = np.zeros(codes.shape[1]), np.arange(codes.shape[1])
        backed_off = []
        for length in range(len(codes), 0, -1):
            order = self.counts.order(length)
            context, row = order.find(codes[len(codes) - length :, rest])
            seen = row >= 0
            scores[rest[seen]] = order.counts[row[seen]] / order.totals[context[seen]]
            rest = rest[~seen]
            backed_off.append(rest)
        for rest in backed_off[-2::-1]:
            scores[rest] *= self.alpha
        return scores


def checked(value: Any, name: str, most: float) -> Any:
    """A number from 0 to ``most``."""
    try:
        inside = 0 <= value <= most and value < math.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name} is a number, got {value!r}") from None
    if not inside:
        raise ValueError(f"{name} is a number from 0{'' if most == math.inf else f' to {most:g}'}, got {value!r}")
    return value
