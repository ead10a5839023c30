"""N-gram language models word by word, from a Counter of tuples: the formulas as they are written."""

from __future__ import annotations

import math
import random
from collections import Counter

Ngram = tuple[str, ...]


def everygrams(sentence: list[str], order: int, pad: bool = True) -> list[Ngram]:
    padding = order - 1 if pad else 0
    words = ["<s>"] * padding + sentence + ["</s>"] * padding
    return [tuple(words[i : i + n]) for i in range(len(words)) for n in range(1, order + 1) if i + n <= len(words)]


def after(counts: Counter[Ngram], context: Ngram) -> dict[str, int]:
    return {ngram[-1]: count for ngram, count in counts.items() if ngram[:-1] == context}


def mle(counts: Counter[Ngram], word: str, context: Ngram) -> float:
    words = after(counts, context)
    return words.get(word, 0) / sum(words.values()) if words else 0.0


def lidstone(counts: Counter[Ngram], n_words: int, gamma: float, word: str, context: Ngram) -> float:
    words = after(counts, context)
    return (words.get(word, 0) + gamma) / (sum(words.values()) + n_words * gamma)


def stupid_backoff(counts: Counter[Ngram], order: int, alpha: float, word: str, context: Ngram) -> float:
    context = context[max(0, len(context) - order + 1) :]
    if not context or counts[(*context, word)]:
        return mle(counts, word, context)
    return alpha * stupid_backoff(counts, order, alpha, word, context[1:])


def witten_bell(counts: Counter[Ngram], order: int, word: str, context: Ngram) -> float:
    context = context[max(0, len(context) - order + 1) :]
    if not context:
        return mle(counts, word, ())
    shorter = witten_bell(counts, order, word, context[1:])
    words = after(counts, context)
    if not words:
        return shorter
    gamma = len(words) / (len(words) + sum(words.values()))
    return (1 - gamma) * mle(counts, word, context) + gamma * shorter


def absolute_discounting(counts: Counter[Ngram], order: int, discount: float, word: str, context: Ngram) -> float:
    context = context[max(0, len(context) - order + 1) :]
    if not context:
        return mle(counts, word, ())
    shorter = absolute_discounting(counts, order, discount, word, context[1:])
    words = after(counts, context)
    if not words:
        return shorter
    total = sum(words.values())
    return max(words.get(word, 0) - discount, 0) / total + discount * len(words) / total * shorter


def kneser_ney(counts: Counter[Ngram], order: int, discount: float, word: str, context: Ngram) -> float:
    """ZeroDivisionError where a context, or a word, was seen but not after another."""
    context = context[max(0, len(context) - order + 1) :]
    longer = Counter(ngram[1:] for ngram in counts if len(ngram) == len(context) + 2)
    before = {ngram[-1]: count for ngram, count in longer.items() if ngram[:-1] == context}
    if not context:
        return before.get(word, 0) / sum(before.values())
    shorter = kneser_ney(counts, order, discount, word, context[1:])
    words = after(counts, context)
    if not words:
        return shorter
    counted = words if len(context) + 1 == order else before
    total = sum(counted.values())
    return max(counted.get(word, 0) - discount, 0) / total + discount * len(words) / total * shorter


def entropy(scores: list[float]) -> float:
    return -math.fsum(math.log2(score) if score else -math.inf for score in scores) / len(scores)


def generate_mle(counts: Counter[Ngram], order: int, n: int, seed: int) -> list[str]:
    generator, text = random.Random(seed), list[str]()
    for _ in range(n):
        context = tuple(text[max(0, len(text) - order + 1) :])
        while not after(counts, context):
            context = context[1:]
        words = sorted(after(counts, context))
        sums, total = [], 0.0
        for word in words:
            total += mle(counts, word, context)
            sums.append(total)
        threshold = generator.random() * math.fsum(mle(counts, word, context) for word in words)
        text.append(next(word for word, below in zip(words, sums, strict=True) if threshold < below))
    return text
