"""What all n-gram language models do: count, score, measure entropy, generate."""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import NotFittedError
from .codes import Encoder
from .counter import NgramCounter
from .distributions import FreqDist
from .reading import Reading, read_ngrams
from .vocabulary import Vocabulary

Array = npt.NDArray[Any]
FEW = 48  # n-grams: up to here one by one is faster than as arrays


class LanguageModel(ABC):
    """p(word | the words before it): the methods of ``nltk.lm``'s models, with their answers.

    Parameters
    ----------
    order : the most words of an n-gram, at least 1.
    vocabulary : a ``Vocabulary`` (also nltk's); by default an empty one, which the first ``fit`` fills.
    counter : an ``NgramCounter`` to count with, shared; one of nltk's is copied.

    Raises
    ------
    TypeError : a word that is no string, a string where words belong, an order that is no integer.
    ValueError : an order below 1, a parameter out of its range.
    """

    def __init__(self, order: int, vocabulary: Any = None, counter: Any = None) -> None:
        self.order: int = _checked_order(order)
        self.vocab: Vocabulary | Any = Vocabulary() if vocabulary is None else _checked_vocabulary(vocabulary)
        self.counts: NgramCounter = NgramCounter() if counter is None else _own_counter(counter)

    def fit(self, text: Iterable[Iterable[Sequence[str]]], vocabulary_text: Iterable[str] | None = None) -> None:
        """Count the n-grams of sentences on top of those counted before; unknown words as the unknown word.

        Parameters
        ----------
        text : sentences, each of n-grams, each a tuple or list of words; read once, n-grams of any lengths are counted.
        vocabulary_text : words that fill the vocabulary where it is empty; not read otherwise.

        Raises
        ------
        TypeError : an n-gram that is a string, a word that is none. Nothing is counted then, and a vocabulary that was
            empty stays so.
        ValueError : no vocabulary and no text for one; an empty n-gram; too many distinct ones (``NgramCounter``).
        """
        if self.vocab:
            self._count(text)
            return
        if vocabulary_text is None:
            raise ValueError("fit needs a vocabulary, or vocabulary_text to make one of; the model has neither")
        words = Counter(vocabulary_text)  # all of it, before the vocabulary changes
        try:
            self.vocab.update(words)
            self._count(text)
        except BaseException:
            self.vocab.counts.clear()
            self.vocab.update()
            raise

    def score(self, word: str, context: Sequence[str] | None = None) -> float:
        """p(word | context), or of the unknown word where one is not in the vocabulary.

        Raises
        ------
        NotFittedError : nothing was counted.
        ZeroDivisionError : the formula divides by 0, where nltk's does.
        """
        return self.unmasked_score(self._known(word), tuple(map(self._known, _words(context))))

    def unmasked_score(self, word: str, context: Sequence[str] | None = None) -> float:
        """p(word | context), words being taken as they are."""
        self._check_fitted()
        words = self._used(_words(context))
        try:
            return self._score(word, words)
        except ZeroDivisionError:
            raise _undefined(word, words) from None

    def logscore(self, word: str, context: Sequence[str] | None = None) -> float:
        """The logarithm of ``score`` to base 2, minus infinity of 0."""
        score = self.score(word, context)
        return math.log(score, 2) if score else -math.inf

    def logscores(self, text_ngrams: Iterable[Sequence[str]]) -> Array:
        """``logscore`` of the last word of each n-gram, the others being its context: (n_ngrams,) float64, in bits.

        Raises
        ------
        As ``score``; TypeError : an n-gram that is a string; ValueError : an empty n-gram.
        """
        self._check_fitted()
        stream = iter(text_ngrams)
        first = list(islice(stream, FEW + 1))
        if len(first) <= FEW:
            return np.array([self.logscore(*_split(ngram)) for ngram in first], np.float64)
        with np.errstate(divide="ignore"):
            return np.log2(self._scores_of(chain(first, stream)))

    def context_counts(self, context: Sequence[str] | None) -> FreqDist:
        """The words seen after a context, as they are; all words for none."""
        words = _words(context)
        return self.counts[words] if words else self.counts.unigrams

    def entropy(self, text_ngrams: Iterable[Sequence[str]]) -> float:
        """Cross-entropy in bits per n-gram: -mean of ``logscore(n-gram[-1], n-gram[:-1])``; infinite where one is.

        Raises
        ------
        As ``logscores``; ZeroDivisionError : no n-grams.
        """
        scores = self.logscores(text_ngrams)
        if not len(scores):
            raise ZeroDivisionError("entropy is a mean over n-grams, got none")
        return -float(scores.mean())

    def perplexity(self, text_ngrams: Iterable[Sequence[str]]) -> float:
        """2 to the ``entropy``."""
        return float(pow(2.0, self.entropy(text_ngrams)))

    def generate(
        self, num_words: int = 1, text_seed: Iterable[str] | None = None, random_seed: Any = None
    ) -> str | list[str]:
        """Draw words in turn from p(word | words before), among those seen after the longest context that was seen.

        The words are those of nltk for the same seed.

        Parameters
        ----------
        num_words : 1 gives a word, any other number a list.
        text_seed : words before the first.
        random_seed : a ``random.Random``, whose next ``num_words`` numbers are used, or a seed of one.

        Raises
        ------
        TypeError : a number of words that is no integer.
        ValueError : a negative number of words; NotFittedError, which is one : nothing was counted.
        """
        self._check_fitted()
        num_words = _whole(num_words, "num_words")
        if num_words < 0:
            raise ValueError(f"num_words is a number of words, got {num_words}")
        text = [] if text_seed is None else list(text_seed)
        n_before = len(text)
        generator = random_seed if isinstance(random_seed, random.Random) else random.Random(random_seed)
        choices: dict[tuple[str, ...], Choice] = {}
        for _ in range(num_words):
            context = tuple(text[-self.order + 1 :] if len(text) >= self.order else text)
            if context not in choices:
                choices[context] = self._choice(context)
            text.append(choices[context].draw(generator))
        return text[-1] if num_words == 1 else text[n_before:]

    # For subclasses -------------------------------------------------------------------------------------------------

    @abstractmethod
    def _score(self, word: str, context: tuple[str, ...]) -> float:
        """Of one word; the context is what ``_used`` leaves of it."""

    @abstractmethod
    def _scores(self, codes: Array) -> Array:
        """Of n-grams of word codes (length, n), a length that ``_used`` leaves; -1 for words never counted.

        NaN where the formula divides by 0.
        """

    def _used(self, context: tuple[str, ...]) -> tuple[str, ...]:
        """The part of a context that the model reads."""
        return context[max(0, len(context) - self.order + 1) :]

    # ----------------------------------------------------------------------------------------------------------------

    def _count(self, text: Iterable[Iterable[Sequence[str]]]) -> None:
        encoder = Encoder(lambda word: self.counts.codes.add(self._known(word)))
        self.counts.count(text, Reading(encoder, {tuple}, _as_ngram))

    def _check_fitted(self) -> None:
        if self.counts.is_empty:
            raise NotFittedError(f"{type(self).__name__} has counted no n-grams yet: call fit first")

    def _known(self, word: str) -> str:
        if not isinstance(word, str):
            raise TypeError(f"a word is a string, got {word!r} of type {type(word).__name__}")
        return str(self.vocab.lookup(word))

    def _scores_of(self, text_ngrams: Iterable[Sequence[str]]) -> Array:
        """``score`` of each n-gram."""
        codes_of = self.counts.codes
        encoder = Encoder(lambda word: codes_of.get(self._known(word), -1))
        pieces = []
        for piece in read_ngrams(text_ngrams, Reading(encoder, {tuple}, _as_ngram)):
            scores = np.empty(piece.n)
            for which, codes in piece.groups:
                n_used = 1 + len(self._used(("",) * (len(codes) - 1)))
                scores[which] = self._scores(codes[len(codes) - n_used :])
                self._check_defined(scores[which], codes[len(codes) - n_used :])
            pieces.append(scores)
        return np.concatenate(pieces)

    def _check_defined(self, scores: Array, codes: Array) -> None:
        undefined = np.isnan(scores)
        if undefined.any():
            ngram = self.counts.codes.words(codes[:, int(undefined.argmax())])
            raise _undefined(ngram[-1], tuple(ngram[:-1]))

    def _choice(self, context: tuple[str, ...]) -> Choice:
        samples = self.context_counts(tuple(map(self._known, context)))
        while context and not samples:
            context = context[1:]
            samples = self.context_counts(tuple(map(self._known, context)))
        words = sorted(samples)
        if not words:
            raise ValueError("generate draws the first word among the single words, and only longer n-grams were fit")
        if len(words) <= FEW:
            return Choice(words, [self.score(word, context) for word in words])
        return Choice(words, self._scores_of([(*context, word) for word in words]).tolist())


class Choice:
    """Words to draw from, and their scores."""

    def __init__(self, words: list[str], scores: list[float]) -> None:
        self._words, self._cumulative, self._total = words, list(accumulate(scores)), math.fsum(scores)
        if not self._total > 0:
            raise ValueError(f"generate cannot choose: all {len(words)} words seen here have the score 0")

    def draw(self, generator: random.Random) -> str:
        """By one number of the generator."""
        at = bisect(self._cumulative, self._total * generator.random())
        return self._words[min(at, len(self._words) - 1)]  # the sums may differ in the last bit


def _split(ngram: Any) -> tuple[Any, Any]:
    words = _as_ngram(ngram)
    if not words:
        raise ValueError("an n-gram has at least one word, got an empty one")
    return words[-1], words[:-1]


def _as_ngram(ngram: Any) -> tuple[Any, ...]:
    if isinstance(ngram, str) or not isinstance(ngram, Iterable):
        raise TypeError(f"an n-gram is a tuple of words, got {ngram!r} of type {type(ngram).__name__}")
    return tuple(ngram)


def _words(context: Any) -> tuple[Any, ...]:
    if context is None:
        return ()
    if isinstance(context, str) or not isinstance(context, Iterable):
        raise TypeError(f"a context is a sequence of words, got {context!r} of type {type(context).__name__}")
    return tuple(context)


def _undefined(word: str, context: tuple[str, ...]) -> ZeroDivisionError:
    return ZeroDivisionError(
        f"the score of {word!r} after {context!r} divides by 0: too little was counted for this model. Kneser-Ney "
        "needs n-grams of all orders, of sentences padded on the left; Lidstone with gamma 0 needs every context"
    )


def _checked_order(order: Any) -> int:
    if _whole(order, "order") < 1:
        raise ValueError(f"order is at least 1, got {order}")
    return int(order)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} is a number of words, got {value!r}")
    return int(value)


def _checked_vocabulary(vocabulary: Any) -> Any:
    if not all(hasattr(vocabulary, name) for name in ("lookup", "unk_label", "update")):
        raise TypeError(f"vocabulary must be a Vocabulary, got {type(vocabulary).__name__}: try Vocabulary(words)")
    return vocabulary


def _own_counter(counter: Any) -> NgramCounter:
    if isinstance(counter, NgramCounter):
        return counter
    if not (hasattr(counter, "unigrams") and hasattr(counter, "N")):
        raise TypeError(f"counter must be an NgramCounter, got {type(counter).__name__}")
    return NgramCounter.of(counter)
