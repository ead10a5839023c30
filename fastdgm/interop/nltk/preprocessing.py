"""Sentences as padded n-grams of all lengths: ``nltk.lm.preprocessing``, for those who do not have nltk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

flatten = chain.from_iterable


def pad_both_ends(sequence: Iterable[Any], n: int) -> Iterator[Any]:
    """n - 1 times "<s>", the words, n - 1 times "</s>"."""
    return chain(("<s>",) * (n - 1), sequence, ("</s>",) * (n - 1))


def padded_everygrams(order: int, sentence: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """All n-grams up to a length, word by word, of a padded sentence."""
    words = tuple(pad_both_ends(sentence, order))
    for begin in range(len(words)):
        for end in range(begin + 1, min(begin + order, len(words)) + 1):
            yield words[begin:end]


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
