"""Counts of words as nltk shows them: how often each was seen, alone or after each context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

import numpy as np

from .codes import Codes
from .orders import Order

KEPT = 65_536  # contexts whose distribution is kept, so that it is made once


class FreqDist(Counter[Any]):
    """How often each word was seen: a read-only ``Counter`` with the answers of ``nltk.FreqDist``.

    Counts are changed by ``fit`` or by ``NgramCounter.update``; what was handed out before stays as it was.
    """

    def __init__(self, counts: Mapping[Any, int] = {}) -> None:
        dict.update(self, counts)
        self._total = sum(counts.values())

    def N(self) -> int:
        """How often any word was seen."""
        return self._total

    def B(self) -> int:
        """How many distinct words were seen."""
        return len(self)

    def freq(self, word: Any) -> float:
        """count(word) / N, or 0 where nothing was seen."""
        return self[word] / self._total if self._total else 0

    def hapaxes(self) -> list[Any]:
        """The words seen once."""
        return [word for word, count in self.items() if count == 1]

    def max(self) -> Any:
        """The word seen most often.

        Raises
        ------
        ValueError : nothing was seen.
        """
        if not self:
            raise ValueError("max takes a distribution of at least one word, this one is empty")
        return max(self, key=self.__getitem__)

    def copy(self) -> Counter[Any]:  # type: ignore[override]
        """One that may be changed."""
        return Counter(self)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            "counts of words are read-only: count more by fit or NgramCounter.update, or change a copy() of these"
        )

    __setitem__: Any = _refuse
    __delitem__: Any = _refuse
    update: Any = _refuse
    subtract: Any = _refuse
    clear: Any = _refuse
    pop: Any = _refuse
    popitem: Any = _refuse
    setdefault: Any = _refuse
    __iadd__: Any = _refuse
    __isub__: Any = _refuse
    __ior__: Any = _refuse
    __iand__: Any = _refuse

    def __repr__(self) -> str:
        return f"FreqDist({dict(self.most_common(10))}{', ...' if len(self) > 10 else ''})"

    def __str__(self) -> str:
        return f"<FreqDist with {len(self)} samples and {self._total} outcomes>"


class ConditionalFreqDist(Mapping[tuple[Any, ...], FreqDist]):
    """Context (a tuple of words) -> the words seen after it; a context never seen has an empty distribution.

    The answers of ``nltk.ConditionalFreqDist``, but that asking for a context does not add it.
    """

    def __init__(self, codes: Codes, order: Callable[[], Order]) -> None:
        self._codes, self._order = codes, order
        self._kept: tuple[Order | None, dict[tuple[Any, ...], FreqDist]] = (None, {})

    def conditions(self) -> list[tuple[Any, ...]]:
        """The contexts."""
        return list(self)

    def N(self) -> int:
        """How often any word was seen after any context."""
        return int(self._order().counts.sum())

    def __getitem__(self, context: tuple[Any, ...]) -> FreqDist:
        order = self._order()
        kept_of, kept = self._kept
        if kept_of is not order or len(kept) >= KEPT:
            kept = {}
            self._kept = order, kept
        found = kept.get(context)
        if found is None:
            found = kept[context] = self._distribution(order, context)
        return found

    def _distribution(self, order: Order, context: tuple[Any, ...]) -> FreqDist:
        if not isinstance(context, tuple):
            raise TypeError(f"a context is a tuple of words, got {context!r}")
        if len(context) != order.length - 1:
            return FreqDist()
        column = np.array([[self._codes.get(word, -1)] for word in context], np.int32).reshape(-1, 1)
        (at,) = order.find_contexts(column, 1)
        return self._row(order, int(at)) if at >= 0 else FreqDist()

    def _row(self, order: Order, context: int) -> FreqDist:
        rows = slice(*order.starts[context : context + 2].tolist())
        words = self._codes.words(order.codes[-1, rows])
        return FreqDist(dict(zip(words, order.counts[rows].tolist(), strict=True)))

    def __contains__(self, context: object) -> bool:
        return isinstance(context, tuple) and bool(self[context])

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        order = self._order()
        columns = [self._codes.words(column[order.starts[:-1]]) for column in order.codes[:-1]]
        return zip(*columns, strict=True)

    def __len__(self) -> int:
        return len(self._order().starts) - 1

    def __repr__(self) -> str:
        return f"<ConditionalFreqDist with {len(self)} conditions>"
