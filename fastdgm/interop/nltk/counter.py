"""How often each n-gram was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import index
from typing import Any

import numpy as np
import numpy.typing as npt

from .codes import Codes, Encoder
from .distributions import ConditionalFreqDist, FreqDist
from .orders import Order
from .reading import Reading, read_sentences

Array = npt.NDArray[Any]
MAX_NGRAMS = 100_000_000  # distinct ones in a counter: 20 bytes each at order 3, with look-ups about 100
LONGEST_COPIED = 10_000  # words of an n-gram, where a counter of nltk's is copied
PENDING = 4_194_304  # n-grams read before they are counted


class NgramCounter:
    """Counts of n-grams of any lengths: the answers of ``nltk.lm.NgramCounter``.

    ``counter["a"]`` is how often the word was seen, ``counter[["a"]]`` (or a tuple) what was seen after it,
    ``counter[["a"]]["b"]`` how often, ``counter[2]`` all contexts of n-grams of two words, ``counter[1]`` and
    ``counter.unigrams`` the words. They are read-only, and those of words do not follow later updates.

    Words are anything to hash. At most ``MAX_NGRAMS`` of this module distinct n-grams are kept; text that has more is
    refused as a whole.

    Raises
    ------
    TypeError : an n-gram that is no tuple.
    ValueError : an empty n-gram; more than ``MAX_NGRAMS`` distinct ones.

    Examples
    --------
    >>> from fastdgm.interop.nltk import NgramCounter
    >>> counter = NgramCounter([[("a",), ("a", "b"), ("b",), ("b", "a"), ("a",)]])
    >>> counter["a"], counter[["a"]]["b"], counter[2]
    (2, 1, <ConditionalFreqDist with 2 conditions>)
    >>> print(counter)
    <NgramCounter with 2 ngram orders and 5 ngrams>
    """

    def __init__(self, ngram_text: Iterable[Iterable[Any]] | None = None) -> None:
        self.codes: Codes = Codes()
        self._orders: dict[int, Order] = {}
        self._views: dict[int, ConditionalFreqDist] = {}  # also of lengths only asked for, as nltk has it
        self._unigrams: tuple[Order, FreqDist] | None = None
        if ngram_text:
            self.update(ngram_text)

    @classmethod
    def of(cls, counter: Any) -> NgramCounter:
        """A copy of a counter of nltk's."""
        own = cls()
        lengths = [length for length in range(1, LONGEST_COPIED + 1) if length in counter]
        if len(lengths) != len(counter):
            raise ValueError(f"a counter to copy has n-grams of 1 to {LONGEST_COPIED} words, this one has others")
        for length in lengths:
            contexts = {(): counter[1]} if length == 1 else counter[length]
            seen = {(*context, word): count for context, words in contexts.items() for word, count in words.items()}
            counts = np.fromiter(map(index, seen.values()), np.int64, len(seen))
            codes = np.fromiter(map(own.codes.add, chain.from_iterable(seen)), np.int32, length * len(seen))
            if (counts < 1).any():
                raise ValueError("a counter to copy has positive counts, this one has others")
            own._orders[length] = Order.count(codes.reshape(len(seen), length).T, counts)
        return own

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not any(map(len, self._orders.values()))

    def update(self, ngram_text: Iterable[Iterable[Any]]) -> None:
        """Count the n-grams (tuples) of sentences."""
        self.count(ngram_text, Reading(Encoder(self.codes.add), {tuple}, _as_tuple))

    def count(self, ngram_text: Iterable[Iterable[Any]], reading: Reading) -> None:
        """Count the n-grams of sentences, words and n-grams being read as told."""
        tally = Tally(self._orders)
        for codes in read_sentences(ngram_text, reading):
            tally.add(codes)
        self._orders = tally.result()

    def order(self, length: int) -> Order:
        """The n-grams of a length, as arrays."""
        order = self._orders.get(length)
        if order is None:
            order = self._orders[length] = Order.empty(length)
        return order

    @property
    def unigrams(self) -> FreqDist:
        """The words."""
        order = self.order(1)
        if self._unigrams is None or self._unigrams[0] is not order:
            words = self.codes.words(order.codes[0])
            self._unigrams = order, FreqDist(dict(zip(words, order.counts.tolist(), strict=True)))
        return self._unigrams[1]

    def N(self) -> int:
        """How many n-grams were counted, of all lengths together."""
        return sum(int(order.counts.sum()) for order in self._orders.values())

    def __getitem__(self, item: Any) -> Any:
        if isinstance(item, str):
            return self.unigrams[item]
        if isinstance(item, int):
            return self._of_length(item)
        if isinstance(item, Sequence):
            return self._of_length(len(item) + 1)[tuple(item)]
        raise TypeError(f"a counter is asked for a word, a context or a length of n-grams, got {item!r}")

    def _of_length(self, length: int) -> FreqDist | ConditionalFreqDist:
        if length < 1:
            raise ValueError(f"n-grams have at least one word, got the length {length}")
        if length == 1:
            return self.unigrams
        if length not in self._views:
            self._views[length] = ConditionalFreqDist(self.codes, lambda: self.order(length))
        return self._views[length]

    def _lengths(self) -> set[int]:
        return {1, *self._views, *(length for length, order in self._orders.items() if len(order))}

    def __len__(self) -> int:
        return len(self._lengths())

    def __contains__(self, length: object) -> bool:
        return length in self._lengths()

    def __str__(self) -> str:
        return f"<NgramCounter with {len(self)} ngram orders and {self.N()} ngrams>"

    __repr__ = __str__

    def __getstate__(self) -> dict[str, Any]:
        return {"codes": self.codes, "_orders": self._orders, "_views": {}, "_unigrams": None}


class Tally:
    """Counts n-grams on top of others, which stay as they are; sorts now and then: memory follows distinct ones."""

    def __init__(self, orders: Mapping[int, Order]) -> None:
        self._orders = dict(orders)
        self._pending: dict[int, list[Array]] = {}
        self._n_pending = 0

    def add(self, codes: Array) -> None:
        """N-grams of one length (length, n)."""
        self._pending.setdefault(len(codes), []).append(codes)
        self._n_pending += codes.shape[1]
        if self._n_pending > max(PENDING, self._distinct()):
            self._sort()

    def result(self) -> dict[int, Order]:
        """All counts."""
        self._sort()
        return self._orders

    def _sort(self) -> None:
        for length, codes in self._pending.items():
            counted = Order.count(np.concatenate(codes, axis=1))
            before = self._orders.get(length)
            self._orders[length] = counted if before is None else before.plus(counted)
        self._pending, self._n_pending = {}, 0
        if self._distinct() > MAX_NGRAMS:
            raise ValueError(
                f"the text has more than {MAX_NGRAMS} distinct n-grams, none of it was counted: take a lower order, "
                "a higher cutoff or less text, or raise fastdgm.interop.nltk.counter.MAX_NGRAMS"
            )

    def _distinct(self) -> int:
        return sum(map(len, self._orders.values()))


def _as_tuple(ngram: Any) -> Any:
    if not isinstance(ngram, tuple):
        raise TypeError(f"an n-gram is a tuple of words, got {ngram!r} of type {type(ngram).__name__}")
    return ngram
