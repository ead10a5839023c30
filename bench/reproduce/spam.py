"""Spam by naive Bayes and by logistic regression: the textbook's comparison of a generative and a discriminative model.

    PYTHONPATH=. python bench/reproduce/spam.py --data FOLDER

Messages of the SMS Spam Collection (Almeida, Hidalgo and Yamakami 2011), as the presence of their most frequent words;
without that file, messages of a generated set. Naive Bayes takes words as independent given the class and so counts
twice what always comes together; logistic regression does not. The report has accuracy, log-loss and calibration of
both on messages that neither has seen, what a copy of a word does to their log-odds, and how well the log-probability
of a message tells it from shuffled ones.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fastdgm as fd
from bench.reproduce.options import DATA
from bench.reproduce.protocol import RESULTS as REPRODUCED

FILE = Path("spam") / "SMSSpamCollection.tsv.gz"
CLASSES = ("ham", "spam")
N_WORDS, TEST_SHARE, L2, EDGES = 400, 0.2, 1.0, (-8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0)

RESULTS = REPRODUCED.parent

Array = np.ndarray[Any, Any]


class Messages(NamedTuple):
    """Words of every message, and its class: 1 is spam."""

    words: list[frozenset[str]]
    classes: Array


class Rows(NamedTuple):
    """Codes (n_messages, 1 + n_words): the class, then whether each word is there."""

    words: tuple[str, ...]
    train: Array
    test: Array

    @property
    def names(self) -> tuple[str, ...]:
        """The variables, in the order of the columns."""
        return ("spam", *self.words)


class Scores(NamedTuple):
    """Of a classifier on test messages."""

    accuracy: float
    log_loss: float  # nats per message
    calibration: list[tuple[float, int, int]]  # by bin of predictions: mean log-odds of spam, spam, messages


# --- messages -----------------------------------------------------------------------------------------------------


def load(file: Path) -> Messages:
    """Lines ``class TAB text``."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        parts = [line.rstrip("\n").split("\t", 1) for line in lines]
    texts = [frozenset(re.findall(r"[a-z]+|[0-9]+|[£!]", text.lower())) for _, text in parts]
    return Messages(texts, np.array([CLASSES.index(name) for name, _ in parts], np.uint8))


def generated(n: int = 4000, seed: int = 0) -> Messages:
    """Messages about money or not, with ``bank`` and ``account`` always together, other words by chance."""
    rng = np.random.default_rng(seed)
    classes = (rng.random(n) < 0.2).astype(np.uint8)
    chances = {"free": (0.05, 0.5), "win": (0.02, 0.3), "call": (0.2, 0.5), "lunch": (0.3, 0.02), "home": (0.3, 0.05)}
    there = {word: rng.random(n) < np.take(chance, classes) for word, chance in chances.items()}
    there["bank"] = there["account"] = rng.random(n) < np.take((0.1, 0.4), classes)
    return Messages([frozenset(word for word in there if there[word][i]) for i in range(n)], classes)


def split(messages: Messages, n_words: int = N_WORDS, seed: int = 0) -> Rows:
    """A random fifth is for tests; the words are those that most other messages have."""
    order = np.random.default_rng(seed).permutation(len(messages.words))
    n_test = int(TEST_SHARE * len(order))
    test, train = order[:n_test], order[n_test:]
    counts = Counter(word for i in train for word in messages.words[i])
    words = tuple(sorted(sorted(counts, key=lambda word: (-counts[word], word))[:n_words]))
    return Rows(words, _codes(messages, words, train), _codes(messages, words, test))


def _codes(messages: Messages, words: Sequence[str], rows: Array) -> Array:
    there = [[word in messages.words[i] for word in words] for i in rows]
    return np.column_stack([messages.classes[rows], np.array(there, np.uint8)])


# --- models -------------------------------------------------------------------------------------------------------


def naive_bayes(rows: Rows) -> fd.BayesNet:
    """p(class) prod_i p(word_i | class), by counting with one more of everything."""
    return fd.naive_bayes("spam", dict.fromkeys(rows.words, 2), target_states=CLASSES).fit(rows.train)


def logistic_regression(rows: Rows, l2: float = L2) -> fd.BayesNet:
    """prod_i p(word_i) p(class | words), the last by penalised maximum likelihood."""
    words = {word: fd.Bernoulli(0.5) for word in rows.words}
    net = fd.BayesNet({"spam": fd.Logistic(rows.words, l2=l2, states=CLASSES), **words})
    return net.fit(rows.train)


MODELS = {"naive Bayes": naive_bayes, "logistic regression": logistic_regression}


def log_odds(net: fd.BayesNet, codes: Array) -> Array:
    """log P(spam | words) - log P(ham | words), for rows (n, 1 + n_words) whose class is not looked at."""
    both = [np.column_stack([np.full(len(codes), k, codes.dtype), codes[:, 1:]]) for k in (1, 0)]
    return net.log_prob(both[0]) - net.log_prob(both[1])


# --- the comparison -----------------------------------------------------------------------------------------------


def scores(odds: Array, classes: Array) -> Scores:
    """By the log-odds of spam and the true classes."""
    right = (odds > 0) == (classes == 1)
    losses = np.logaddexp(0.0, np.where(classes == 1, -odds, odds))
    bins = np.digitize(odds, EDGES)
    found = [
        (float(odds[bins == k].mean()), int((classes[bins == k] == 1).sum()), int((bins == k).sum()))
        for k in range(len(EDGES) + 1)
        if (bins == k).any()
    ]
    return Scores(float(right.mean()), float(losses.mean()), found)


def with_copy(rows: Rows, word: str) -> Rows:
    """The same messages with one more word that is there wherever ``word`` is."""
    column = rows.names.index(word)
    train, test = (np.column_stack([own, own[:, column]]) for own in (rows.train, rows.test))
    return Rows((*rows.words, f"copy of {word}"), train, test)


def evidence_of(net: fd.BayesNet, words: Sequence[str], rows: Rows) -> float:
    """By how much the log-odds of a message rise with these words, if it has no others."""
    message = np.zeros((2, len(rows.names)), np.uint8)
    message[1, [rows.names.index(word) for word in words]] = 1
    without, with_words = log_odds(net, message)
    return float(with_words - without)


def double_counting(rows: Rows, word: str) -> dict[str, tuple[float, float]]:
    """By model: the evidence of a word alone, and of it and its copy where it has one. One is twice the other for naive
    Bayes; a logistic regression shares the weight between the two."""
    copied = with_copy(rows, word)
    return {
        name: (evidence_of(fit(rows), [word], rows), evidence_of(fit(copied), [word, copied.words[-1]], copied))
        for name, fit in MODELS.items()
    }


def shuffled(codes: Array, seed: int = 0) -> Array:
    """Every column in an order of its own: words as often as before, but not together."""
    return np.random.default_rng(seed).permuted(codes, axis=0)


def auroc(normal: Array, outliers: Array) -> float:
    """The chance that a normal row has the higher log_prob of the two, ties counting one half."""
    values = np.concatenate([normal, outliers])
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    n = len(normal)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(outliers)))


def strongest_word(rows: Rows) -> str:
    """The word whose presence tells most of spam, by naive Bayes."""
    net = naive_bayes(rows)
    return max(rows.words, key=lambda word: float(np.diff(np.log(net[word].table[:, 1]))[0]))


def compare(rows: Rows, word: str) -> dict[str, Any]:
    """Everything that the report has."""
    report: dict[str, Any] = {"n_train": len(rows.train), "n_test": len(rows.test), "n_words": len(rows.words)}
    report["share_of_ham"] = float((rows.test[:, 0] == 0).mean())
    report["word"], report["evidence"] = word, double_counting(rows, word)
    for name, fit in MODELS.items():
        net = fit(rows)
        found = scores(log_odds(net, rows.test), rows.test[:, 0])
        outliers = auroc(net.log_prob(rows.test), net.log_prob(shuffled(rows.test)))
        report[name] = {**found._asdict(), "n_parameters": net.n_parameters, "outlier_auroc": outliers}
    return report


def draw_calibration(report: dict[str, Any], path: Path) -> None:
    """Log-odds of spam as counted, by those predicted, a curve for each model; the diagonal is perfect.

    Half a message is added to either class; areas are messages.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.5, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.plot([-8, 8], [-8, 8], color="#B3B3B3", linewidth=1)
    for name, colour in zip(MODELS, ("#E69F00", "#0072B2"), strict=True):
        odds, spam, messages = map(np.array, zip(*report[name]["calibration"], strict=True))
        counted = np.log(spam + 0.5) - np.log(messages - spam + 0.5)
        loss = report[name]["log_loss"]
        axes.plot(odds, counted, color=colour, label=f"{name}, log-loss {loss:.3f}")
        axes.scatter(odds, counted, 10 + 0.5 * messages, color=colour, alpha=0.7, linewidths=0)
    axes.set(xlabel="predicted log-odds of spam", ylabel="log-odds of spam as counted", ylim=(-9, 12))
    axes.legend(loc="upper left", frameon=False)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Write ``spam.json`` and ``spam.png`` to the results."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with spam/; a generated set where it has none")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where results files go")
    options = parser.parse_args()
    file = options.data / FILE
    rows = split(load(file)) if file.exists() else split(generated())
    report = {"data": FILE.name if file.exists() else "generated", **compare(rows, strongest_word(rows))}
    print(json.dumps(report, indent=1))
    (options.results / "spam.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    draw_calibration(report, options.results / "spam.png")


if __name__ == "__main__":
    main()
