"""Language models of nltk: one million words counted, one million n-grams measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from pairs import Pair, Program

N_WORDS, N_TYPES, N_FAVOURITES, SENTENCE = 1_000_000, 50_000, 8, 20
ORDER = 3
SMOOTHED = ("WittenBellInterpolated", "AbsoluteDiscountingInterpolated")
PLAIN = ("MLE", "Laplace", "StupidBackoff")


@cache
def corpus(seed: int) -> list[list[str]]:
    """Sentences of words of Zipf frequencies, six of ten words among eight favourites of the word before."""
    shared = np.random.default_rng(0)
    share = np.cumsum(1 / np.arange(1, N_TYPES + 1) ** 1.05)
    favourites = np.searchsorted(share, share[-1] * shared.random((N_TYPES, N_FAVOURITES))).tolist()
    own = np.random.default_rng(seed)
    words = np.searchsorted(share, share[-1] * own.random(N_WORDS)).tolist()
    follows = (own.random(N_WORDS) < 0.6).tolist()
    which = (N_FAVOURITES * own.random(N_WORDS) ** 2).astype(int).tolist()
    for at in range(1, N_WORDS):
        if follows[at]:
            words[at] = favourites[words[at - 1]][which[at]]
    text = " ".join(f"w{word}" for word in words).split()  # strings of their own, as read from a file
    return [text[begin : begin + SENTENCE] for begin in range(0, N_WORDS, SENTENCE)]


def pipeline() -> tuple[Any, Any]:
    """What ``fit`` takes."""
    from nltk.lm.preprocessing import padded_everygram_pipeline

    return padded_everygram_pipeline(ORDER, corpus(1))


@cache
def ngrams() -> list[tuple[str, ...]]:
    """Of another text."""
    from nltk.lm.preprocessing import pad_both_ends
    from nltk.util import ngrams as windows

    return list(chain.from_iterable(windows(pad_both_ends(words, ORDER), ORDER) for words in corpus(2)))[:N_WORDS]


@cache
def fitted() -> tuple[Any, Any]:
    """Vocabulary and counts, ours and theirs."""
    import nltk.lm

    import fastdgm.interop.nltk

    models = [side.MLE(ORDER) for side in (fastdgm.interop.nltk, nltk.lm)]
    for model in models:
        model.fit(*pipeline())
    return models[0], models[1]


def model(side: Any, name: str, counted: Any) -> Any:
    """A model on counts that are there."""
    return getattr(side, name)(order=ORDER, vocabulary=counted.vocab, counter=counted.counts)


def fits(prepare: Callable[[], tuple[Any, Any]]) -> Callable[[], Pair]:
    """Counting text."""

    def make() -> Pair:
        import nltk.lm

        import fastdgm.interop.nltk

        corpus(1)
        return Pair(
            lambda: fastdgm.interop.nltk.KneserNeyInterpolated(ORDER).fit(*prepare()),
            lambda: nltk.lm.KneserNeyInterpolated(ORDER).fit(*prepare()),
        )

    return make


@cache
def _lists() -> tuple[Any, Any]:
    text, words = pipeline()
    return [list(sentence) for sentence in text], list(words)


def measures(name: str, n_theirs: int) -> Callable[[], Pair]:
    """Entropy; theirs of the first ``n_theirs`` n-grams."""

    def make() -> Pair:
        import nltk.lm

        import fastdgm.interop.nltk

        own, theirs = (
            model(side, name, counted) for side, counted in zip((fastdgm.interop.nltk, nltk.lm), fitted(), strict=True)
        )
        asked, few = ngrams(), ngrams()[:n_theirs]
        own.entropy(asked)
        np.testing.assert_allclose(own.entropy(few), theirs.entropy(few), rtol=1e-12)
        return Pair(lambda: own.entropy(asked), lambda: theirs.entropy(few), N_WORDS / n_theirs)

    return make


PROGRAMS = [
    Program("nltk.lm fit, 1 M words, padded_everygram_pipeline", ("nltk",), 10, fits(pipeline), rounds=3),
    Program("nltk.lm fit, 1 M words, lists of n-grams", ("nltk",), 10, fits(_lists), rounds=3),
    *(
        Program(f"nltk.lm {name}.entropy, 1 M n-grams of order 3", ("nltk",), 100, measures(name, n), rounds=5)
        for name, n in [(name, 5_000) for name in SMOOTHED] + [("KneserNeyInterpolated", 2)]
    ),
    *(
        Program(
            f"nltk.lm {name}.entropy, 1 M n-grams of order 3",
            ("nltk",),
            100,
            measures(name, 50_000),
            rounds=5,
            note="4 us an n-gram in nltk; ours spends most of its time on looking up 3 M strings",
        )
        for name in PLAIN
    ),
]
