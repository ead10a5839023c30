"""Sentences as padded n-grams of all lengths: ``nltk.lm.preprocessing``, for those who do not have nltk."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

flatten: Callable[[Iterable[Iterable[Any]]], Iterator[Any]] = chain.from_iterable


def pad_both_ends(sequence: Iterable[Any], n: int) -> Iterator[Any]:
    """n - 1 times "<s>", the words, n - 1 times "</s>"."""
    return chain(("<s>",) * (n - 1), sequence, ("</s>",) * (n - 1))


def padded_everygrams(order: int, sentence: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """All n-grams up to a length, word by word, of a padded sentence."""
    return everygrams(tuple(pad_both_ends(sentence, order)), 1, order)


def padded_everygram_pipeline(
    order: int, text: Iterable[Iterable[Any]]
) -> tuple[Iterator[Iterator[tuple[Any, ...]]], Iterator[Any]]:
    """What ``fit`` takes of sentences: their n-grams, and their padded words for the vocabulary; both are read once.

    Examples
    --------
    >>> from fastdgm.interop.nltk import padded_everygram_pipeline
    >>> text, words = padded_everygram_pipeline(2, [["a", "b"]])
    >>> [list(sentence) for sentence in text]
    [[('<s>',), ('<s>', 'a'), ('a',), ('a', 'b'), ('b',), ('b', '</s>'), ('</s>',)]]
    >>> list(words)
    ['<s>', 'a', 'b', '</s>']
    """
    return (padded_everygrams(order, sentence) for sentence in text), flatten(pad_both_ends(s, order) for s in text)


class Everygrams(NamedTuple):
    """All n-grams of a sequence of words, ``min_len`` to ``max_len`` words long."""

    sequence: Any
    min_len: int
    max_len: int


def everygrams(sequence: tuple[Any, ...], min_len: int, max_len: int) -> Generator[tuple[Any, ...]]:
    """All of them, by their first word, then by their length."""
    for begin in range(len(sequence)):
        for end in range(begin + min_len, min(begin + max_len, len(sequence)) + 1):
            yield sequence[begin:end]


def recognised(sentence: Any) -> Everygrams | None:
    """What a generator will yield, where it is our ``everygrams`` or nltk's, not begun; it is closed, as if read.

    So its words are read once instead of once per n-gram; None where it is anything else.
    """
    if not inspect.isgenerator(sentence) or inspect.getgeneratorstate(sentence) != inspect.GEN_CREATED:
        return None
    theirs = getattr(sys.modules.get("nltk.util"), "everygrams", everygrams)
    if sentence.gi_code not in (everygrams.__code__, getattr(theirs, "__code__", None)):
        return None
    asked = dict(inspect.getgeneratorlocals(sentence))  # Python 3.13 gives a view that has no pop
    found = Everygrams(*(asked.pop(name, None) for name in Everygrams._fields))
    if any(asked.values()) or not isinstance(found.sequence, list | tuple):  # padding is left to the generator
        return None
    if not all(type(length) is int and length > 0 for length in (found.min_len, found.max_len)):
        return None
    sentence.close()
    return found._replace(sequence=tuple(found.sequence))  # a list may be filled anew for the next sentence
