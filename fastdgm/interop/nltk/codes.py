"""Words as integers, in the order in which they were first counted; n-grams as columns of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
PIECE = 131_072  # n-grams read at a time


class Codes(dict[Any, int]):
    """Word -> code. A word is anything to hash."""

    def __init__(self) -> None:
        self._words: list[Any] = []

    def add(self, word: Any) -> int:
        """The code of a word, a new one where it has none."""
        code = self.get(word)
        if code is None:
            code = self[word] = len(self._words)
            self._words.append(word)
        return code

    def words(self, codes: Array) -> list[Any]:
        """Those of the codes."""
        return [self._words[code] for code in codes.tolist()]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._words,)


def _restored(words: list[Any]) -> Codes:
    codes = Codes()
    for word in words:
        codes.add(word)
    return codes


class Encoder(dict[Any, int]):
    """Word -> code, asked of a function once per word."""

    def __init__(self, code: Callable[[Any], int]) -> None:
        self._code = code

    def __missing__(self, word: Any) -> int:
        code = self[word] = self._code(word)
        return code


class Piece(NamedTuple):
    """Some n-grams of a text, by length: which they are, and their codes (length, n)."""

    n: int
    groups: list[tuple[Array, Array]]


def read(ngrams: Iterable[Any], encoder: Encoder, as_ngram: Callable[[Any], Any], exact: set[type]) -> Iterator[Piece]:
    """A text of n-grams in pieces.

    ``exact`` are the types of n-grams that are taken as they are; ``as_ngram`` makes any other one of them, or raises.
    """
    stream = iter(ngrams)
    while piece := list(islice(stream, PIECE)):
        if not exact.issuperset(map(type, piece)):
            piece = [as_ngram(ngram) for ngram in piece]
        lengths = np.fromiter(map(len, piece), np.int64, len(piece))
        if not lengths.min():
            raise ValueError("an n-gram has at least one word, got an empty one")
        codes = np.fromiter(_codes(piece, encoder), np.int32, int(lengths.sum()))
        yield Piece(len(piece), _by_length(lengths, codes))


def _codes(piece: list[Any], encoder: Encoder) -> Iterator[int]:
    return map(encoder.__getitem__, chain.from_iterable(piece))


def _by_length(lengths: Array, codes: Array) -> list[tuple[Array, Array]]:
    if lengths.min() == lengths.max():
        return [(np.arange(len(lengths)), codes.reshape(len(lengths), -1).T)]
    ends = np.cumsum(lengths)
    groups = []
    for length in np.unique(lengths).tolist():
        which = np.flatnonzero(lengths == length)
        begins = ends[which] - length
        groups.append((which, codes[begins + np.arange(length)[:, np.newaxis]]))
    return groups
