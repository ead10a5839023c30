"""Texts of n-grams as blocks of word codes: what ``fit`` and ``entropy`` read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby, islice
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .codes import Encoder
from .preprocessing import Everygrams, recognised

Array = npt.NDArray[Any]
PIECE = 131_072  # n-grams, or words of everygrams, read at a time


class Reading(NamedTuple):
    """How words and n-grams are read."""

    encoder: Encoder
    exact: set[type]  # types of n-grams that are taken as they are
    as_ngram: Callable[[Any], Any]  # makes any other n-gram one of them, or raises


class Piece(NamedTuple):
    """Some n-grams of a text, by length: which they are, and their codes (length, n)."""

    n: int
    groups: list[tuple[Array, Array]]


def read_ngrams(ngrams: Iterable[Any], reading: Reading) -> Iterator[Piece]:
    """N-grams in pieces, their order kept."""
    stream = iter(ngrams)
    while piece := list(islice(stream, PIECE)):
        yield _read(piece, reading)


def read_sentences(text: Iterable[Iterable[Any]], reading: Reading) -> Iterator[Array]:
    """The n-grams of sentences as blocks (length, n), in any order."""
    for is_known, sentences in groupby(map(_known, text), key=lambda sentence: isinstance(sentence, Everygrams)):
        if is_known:
            yield from _read_everygrams(sentences, reading.encoder)
        else:
            for piece in read_ngrams(chain.from_iterable(sentences), reading):
                yield from (codes for _, codes in piece.groups)


def _known(sentence: Any) -> Any:
    return recognised(sentence) or sentence


def _encoded(words: Iterable[Iterable[Any]], encoder: Encoder, count: int) -> Array:
    return np.fromiter(map(encoder.__getitem__, chain.from_iterable(words)), np.int32, count)


def _read(piece: list[Any], reading: Reading) -> Piece:
    if not reading.exact.issuperset(map(type, piece)):
        if len(set(map(id, piece))) < len(piece) and any(isinstance(ngram, list) for ngram in piece):
            raise TypeError("a list came as an n-gram more than once and may have been changed meanwhile: give tuples")
        piece = [reading.as_ngram(ngram) for ngram in piece]
    different = set(map(len, piece))
    if 0 in different:
        raise ValueError("an n-gram has at least one word, got an empty one")
    if len(different) == 1:
        codes = _encoded(piece, reading.encoder, len(piece) * different.pop())
        return Piece(len(piece), [(np.arange(len(piece)), codes.reshape(len(piece), -1).T)])
    lengths = np.fromiter(map(len, piece), np.int64, len(piece))
    codes = _encoded(piece, reading.encoder, int(lengths.sum()))
    begins = np.cumsum(lengths) - lengths
    groups = []
    for length in sorted(different):
        which = np.flatnonzero(lengths == length)
        groups.append((which, codes[begins[which] + np.arange(length)[:, np.newaxis]]))
    return Piece(len(piece), groups)


def _read_everygrams(sentences: Iterable[Everygrams], encoder: Encoder) -> Iterator[Array]:
    for (shortest, longest), alike in groupby(sentences, key=lambda sentence: sentence[1:]):
        for words in _gathered(alike):
            sizes = np.fromiter(map(len, words), np.int64, len(words))
            codes = _encoded(words, encoder, int(sizes.sum()))
            left = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(codes))  # words from here to the sentence's end
            for length in range(shortest, min(longest, int(sizes.max())) + 1):
                begins = np.flatnonzero(left >= length)
                if len(begins):
                    yield codes[begins + np.arange(length)[:, np.newaxis]]


def _gathered(sentences: Iterable[Everygrams]) -> Iterator[list[Any]]:
    """The words of sentences, many sentences at a time."""
    gathered, n = [], 0
    for sentence in sentences:
        gathered.append(sentence.sequence)
        n += len(sentence.sequence)
        if n >= PIECE:
            yield gathered
            gathered, n = [], 0
    if n:
        yield gathered
