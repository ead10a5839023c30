"""nltk's language models over arrays, against the formulas and, where it is installed, against nltk."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_ngrams import (
    absolute_discounting,
    entropy,
    everygrams,
    generate_mle,
    kneser_ney,
    lidstone,
    mle,
    stupid_backoff,
    witten_bell,
)

import fastdgm.interop.nltk as ours
from fastdgm import NotFittedError
from fastdgm.interop.nltk import counter as counting
from fastdgm.interop.nltk import language_model, reading
from fastdgm.interop.nltk.codes import Codes
from fastdgm.interop.nltk.orders import Order

WORDS = ["a", "b", "c", "d", "<UNK>", "<s>", "</s>"]
MODELS = {
    "MLE": (lambda order, **given: ours.MLE(order, **given), lambda c, o, w, x: mle(c, w, x)),
    "Lidstone": (
        lambda order, **given: ours.Lidstone(0.3, order, **given),
        lambda c, o, w, x: lidstone(c, len(WORDS), 0.3, w, x),
    ),
    "Laplace": (
        lambda order, **given: ours.Laplace(order, **given),
        lambda c, o, w, x: lidstone(c, len(WORDS), 1, w, x),
    ),
    "StupidBackoff": (
        lambda order, **given: ours.StupidBackoff(0.3, order, **given),
        lambda c, o, w, x: stupid_backoff(c, o, 0.3, w, x),
    ),
    "WittenBellInterpolated": (ours.WittenBellInterpolated, lambda c, o, w, x: witten_bell(c, o, w, x)),
    "AbsoluteDiscountingInterpolated": (
        ours.AbsoluteDiscountingInterpolated,
        lambda c, o, w, x: absolute_discounting(c, o, 0.75, w, x),
    ),
    "KneserNeyInterpolated": (ours.KneserNeyInterpolated, lambda c, o, w, x: kneser_ney(c, o, 0.1, w, x)),
}
NAMES = list(MODELS)


def sentences(seed: int, n: int, size: int = 8) -> list[list[str]]:
    generator = random.Random(seed)
    return [generator.choices("abcd", weights=(6, 3, 2, 1), k=size) for _ in range(n)]


def vocabulary() -> ours.Vocabulary:
    return ours.Vocabulary(word for word in WORDS if word != "<UNK>")


def fitted(name: str, order: int, text: list[list[str]]) -> tuple[Any, Counter[tuple[str, ...]]]:
    ngrams = [everygrams(sentence, order) for sentence in text]
    model = MODELS[name][0](order, vocabulary=vocabulary())
    model.fit(ngrams)
    return model, Counter(ngram for sentence in ngrams for ngram in sentence)


# The formulas --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_scores_are_those_of_the_formula(name: str, order: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if (name, order) == ("KneserNeyInterpolated", 1):
        order = 5  # of order 1 it needs bigrams
    model, counts = fitted(name, order, sentences(order, 3))
    texts = list(product(*[WORDS[:6]] * min(order, 3)))
    expected = [MODELS[name][1](counts, order, ngram[-1], ngram[:-1]) for ngram in texts]
    assert [model.score(ngram[-1], ngram[:-1]) for ngram in texts] == pytest.approx(expected, rel=1e-12)
    with np.errstate(divide="ignore"):
        logarithms = np.log2(expected)
    for few in (0, 10_000):  # as arrays, and one by one
        monkeypatch.setattr(language_model, "FEW", few)
        np.testing.assert_allclose(model.logscores(texts), logarithms, rtol=1e-12)
        assert model.entropy(iter(texts)) == pytest.approx(entropy(expected), rel=1e-12)
        assert model.perplexity(map(list, texts)) == pytest.approx(2 ** entropy(expected), rel=1e-11)


ngram_texts = st.lists(st.lists(st.lists(st.sampled_from("abcz"), min_size=1, max_size=4), max_size=8), max_size=4)


@settings(max_examples=40, deadline=None)
@given(text=ngram_texts, name=st.sampled_from(NAMES), order=st.integers(1, 3))
def test_any_ngrams_score_as_the_formula_or_divide_by_0(text: list[Any], name: str, order: int) -> None:
    model = MODELS[name][0](order, vocabulary=vocabulary())
    model.fit(text)
    masked = [tuple("<UNK>" if word == "z" else word for word in ngram) for sentence in text for ngram in sentence]
    counts = Counter(masked)
    assert model.counts.N() == len(masked)
    if not masked:
        with pytest.raises(NotFittedError):
            model.score("a")
        return
    asked = masked + list(product(["a", "b", "<UNK>"], repeat=order))
    for ngram in asked:
        try:
            expected = MODELS[name][1](counts, order, ngram[-1], ngram[:-1])
        except ZeroDivisionError:
            for call in (lambda ngram=ngram: model.score(ngram[-1], ngram[:-1]), lambda g=ngram: model._scores_of([g])):
                with pytest.raises(ZeroDivisionError, match="divides by 0"):
                    call()
        else:
            assert model.score(ngram[-1], ngram[:-1]) == pytest.approx(expected, rel=1e-12, abs=1e-300)
            assert model._scores_of([ngram])[0] == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(("length", "n_codes"), [(1, 3), (2, 4), (4, 2**22), (7, 2**20), (5, 3)])
def test_orders_count_and_find(length: int, n_codes: int) -> None:
    generator = np.random.default_rng(length)
    codes = generator.integers(0, n_codes, (length, 40)).astype(np.int32)[:, generator.integers(0, 40, 3_000)]
    expected = Counter(map(tuple, codes.T.tolist()))
    order = Order.count(codes)
    assert list(map(tuple, order.codes.T.tolist())) == sorted(expected)
    assert order.counts.tolist() == [expected[ngram] for ngram in sorted(expected)]
    twice = order.plus(Order.count(codes[:, :10]))
    assert twice.counts.sum() == 3_010
    asked = np.concatenate([codes[:, :700], generator.integers(-1, n_codes, (length, 100)).astype(np.int32)], axis=1)
    context, row = order.find(asked)
    rows = {ngram: number for number, ngram in enumerate(sorted(expected))}
    contexts = {ngram: number for number, ngram in enumerate(sorted({ngram[:-1] for ngram in expected}))}
    assert row.tolist() == [rows.get(ngram, -1) for ngram in map(tuple, asked.T.tolist())]
    assert context.tolist() == [contexts.get(ngram[:-1], -1) for ngram in map(tuple, asked.T.tolist())]
    assert order.totals.tolist() == [
        sum(count for ngram, count in expected.items() if ngram[:-1] == context) for context in contexts
    ]


# Fitting -------------------------------------------------------------------------------------------------------------


def test_fit_adds_and_is_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    text = [everygrams(sentence, 3) for sentence in sentences(0, 40)]
    at_once = ours.MLE(3, vocabulary=vocabulary())
    at_once.fit(text)
    monkeypatch.setattr(reading, "PIECE", 7)
    monkeypatch.setattr(counting, "PENDING", 11)
    in_parts = ours.MLE(3, vocabulary=vocabulary())
    for begin in (0, 20):
        in_parts.fit(iter(text[begin : begin + 20]))
    for length in (1, 2, 3):
        for part in ("codes", "counts"):
            one, other = (getattr(model.counts.order(length), part) for model in (at_once, in_parts))
            np.testing.assert_array_equal(one, other)
    assert at_once.counts.N() == sum(map(len, text))


def test_new_counts_reach_the_tables() -> None:
    model, _ = fitted("KneserNeyInterpolated", 2, sentences(0, 3))
    text = sentences(1, 50)
    ngrams = [tuple(sentence[:2]) for sentence in text]
    before, one_by_one = model.entropy(ngrams), model.score("b", ["a"])
    model.fit([everygrams(sentence, 2) for sentence in text])
    both, _ = fitted("KneserNeyInterpolated", 2, sentences(0, 3) + text)
    assert before != model.entropy(ngrams) == both.entropy(ngrams)
    assert one_by_one != model.score("b", ["a"]) == both.score("b", ["a"])
    model.discount = 0.5
    assert model.entropy(ngrams) != both.entropy(ngrams)


def test_everygrams_are_recognised_only_where_that_is_the_same() -> None:
    text, words = sentences(3, 30), []
    plain = ours.NgramCounter(everygrams(sentence, 3) for sentence in text)

    def reused():
        for sentence in text:
            words[:] = ["<s>", "<s>", *sentence, "</s>", "</s>"]
            yield ours.preprocessing.everygrams(words, 1, 3)

    begun = [ours.padded_everygrams(3, sentence) for sentence in text]
    first = [next(iter(sentence)) for sentence in begun]
    for other in (ours.padded_everygram_pipeline(3, text)[0], reused()):
        counter = ours.NgramCounter(other)
        assert {k: counter.order(k).counts.tolist() for k in (1, 2, 3)} == {
            k: plain.order(k).counts.tolist() for k in (1, 2, 3)
        }
    rest = ours.NgramCounter(begun)
    assert rest.N() == plain.N() - len(first)
    assert rest["<s>"] == plain["<s>"] - len(first)
    mixed = ours.NgramCounter([[("a", "b")], ours.padded_everygrams(2, "ab"), [("b",)], ours.padded_everygrams(3, "a")])
    assert (mixed[["a"]]["b"], mixed["b"], mixed.N()) == (2, 2, 1 + 7 + 1 + 12)


def test_a_refused_text_leaves_the_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    model, counts = fitted("MLE", 2, sentences(0, 3))
    monkeypatch.setattr(counting, "MAX_NGRAMS", 50)
    bad: list[tuple[Any, type[Exception], str]] = [
        ([[("a",), ("b", 3)]], TypeError, "a word is a string, got 3"),
        ([[("a",), "ab"]], TypeError, "n-gram is a tuple of words, got 'ab'"),
        ([["a", "b"]], TypeError, "n-gram is a tuple of words, got 'a'"),
        ([[("a",), ()]], ValueError, "at least one word"),
        ([[("a", ["b"])]], TypeError, "hash"),
        ([3], TypeError, "iterable"),
        ([product(WORDS, repeat=3)], ValueError, "more than 50 distinct"),
        ([[["a"]] * 2], TypeError, "give tuples"),
    ]
    for text, error, message in bad:
        with pytest.raises(error, match=message):
            model.fit(text)
    assert model.counts.N() == counts.total()


@pytest.mark.parametrize(
    ("text", "words"),
    [([[("a",)]], ["a", ["b"]]), ([[("a",)], ["ab"]], ["a"]), ([[("a",)], [("b", 3)]], ["a", "b", 3])],
)
def test_a_refused_text_leaves_the_vocabulary_empty(text: Any, words: Any) -> None:
    model = ours.Lidstone(1, 1, vocabulary=ours.Vocabulary(unk_cutoff=2))
    with pytest.raises(TypeError):
        model.fit(text, words)
    assert not model.vocab and not model.vocab.counts and model.counts.N() == 0
    model.fit([[("a",), ("b",)]], ["a", "b", "b"])
    assert sorted(model.vocab) == ["<UNK>", "b"]
    with pytest.raises(TypeError):
        model.vocab.update(["a", ["c"]])
    assert len(model.vocab) == 2 and model.vocab["a"] == 1


def test_an_interrupt_between_word_and_code_leaves_the_codes_of_others() -> None:
    codes = Codes()
    codes.add("a")
    codes._words.append("b")  # as far as an interrupted add came
    assert [codes.add(word) for word in "bac"] == [2, 0, 3]
    again = pickle.loads(pickle.dumps(codes))
    assert again == codes and again.words(np.array([0, 2, 3])) == ["a", "b", "c"]


def test_vocabulary_is_filled_once_and_cuts_off() -> None:
    with pytest.raises(ValueError, match="vocabulary_text"):
        ours.MLE(1).fit([[("a",)]])
    model = ours.MLE(1, vocabulary=ours.Vocabulary(unk_cutoff=2))
    model.fit([[("a",), ("b",), ("a",), ("z",)]], ["a", "a", "b"])
    model.fit([[("b",)]], ["b", "b"])
    assert model.score("b") == model.score("<UNK>") == model.score("other") == 3 / 5
    assert len(model.vocab) == 2 and sorted(model.vocab) == ["<UNK>", "a"]
    model.vocab.update(["b", "b"])  # what is asked from now on
    assert model.score("b") == 0
    assert model.entropy([("b",)] * 100) == np.inf


# Generating ----------------------------------------------------------------------------------------------------------


def test_generate_draws_with_pythons_random() -> None:
    text = [["a", "b", "c"], ["a", "c", "d", "c", "e", "f"]]  # the example of nltk's documentation
    model = ours.MLE(2)
    model.fit(*ours.padded_everygram_pipeline(2, text))
    assert model.generate(1, random_seed=3) == "<s>"
    assert model.generate(5, random_seed=3) == ["<s>", "a", "b", "c", "d"]
    assert model.generate(5, text_seed=["c"], random_seed=3) == ["</s>", "c", "d", "c", "d"]
    assert model.generate(5, random_seed=random.Random(3)) == ["<s>", "a", "b", "c", "d"]
    assert model.generate(0) == []
    assert model.generate(text_seed=("unseen",), random_seed=3) == model.generate(text_seed=("<UNK>",), random_seed=3)
    model, counts = fitted("MLE", 3, sentences(0, 20))
    assert model.generate(200, random_seed=5) == generate_mle(counts, 3, 200, 5)


def test_generate_is_the_same_from_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        model, _ = fitted(name, 3, sentences(0, 20))
        words = model.generate(100, random_seed=5)
        monkeypatch.setattr(language_model, "FEW", 0)
        assert model.generate(100, random_seed=5) == words
        monkeypatch.undo()


# What is asked wrongly -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ours.MLE(0), ValueError, "at least 1, got 0"),
        (lambda: ours.MLE("2"), TypeError, "number of words, got '2'"),
        (lambda: ours.MLE(2, vocabulary=["a"]), TypeError, "got list"),
        (lambda: ours.MLE(2, counter={}), TypeError, "NgramCounter, got dict"),
        (lambda: ours.Lidstone(-1, 2), ValueError, "gamma is a number from 0, got -1"),
        (lambda: ours.Lidstone(np.nan, 2), ValueError, "gamma"),
        (lambda: ours.StupidBackoff("0.4", 2), TypeError, "alpha is a number"),
        (lambda: ours.KneserNeyInterpolated(2, 1.5), ValueError, "discount is a number from 0 to 1, got 1.5"),
        (lambda: ours.AbsoluteDiscountingInterpolated(2, discount=-0.1), ValueError, "discount"),
        (lambda: ours.Vocabulary(unk_cutoff=0), ValueError, "cannot be less than 1"),
    ],
)
def test_parameters_are_checked(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("name", NAMES)
def test_questions_are_checked(name: str) -> None:
    model = MODELS[name][0](2)
    for call in (
        lambda: model.score("a"),
        lambda: model.entropy([("a", "b")] * 100),
        lambda: model.generate(),
    ):
        with pytest.raises(NotFittedError, match="call fit first"):
            call()
    model, _ = fitted(name, 2, sentences(0, 3))
    bad: list[tuple[Any, type[Exception], str]] = [
        (lambda: model.score("a", "b"), TypeError, "sequence of words, got 'b'"),
        (lambda: model.score("a", 3), TypeError, "sequence of words, got 3"),
        (lambda: model.score(3), TypeError, "got 3"),
        (lambda: model.score("a", [None]), TypeError, "got None"),
        (lambda: model.entropy([]), ZeroDivisionError, "got none"),
        (lambda: model.generate(-1), ValueError, "got -1"),
        (lambda: model.generate("3"), TypeError, "num_words is a number of words, got '3'"),
        (lambda: model.generate(text_seed=(None,)), TypeError, "got None"),
    ]
    for n in (1, 100):
        bad += [
            (lambda n=n: model.entropy(["ab"] * n), TypeError, "got 'ab'"),
            (lambda n=n: model.entropy([("a", 3)] * n), TypeError, "got 3"),
            (lambda n=n: model.entropy([()] * n), ValueError, "at least one word"),
        ]
    for call, error, message in bad:
        with pytest.raises(error, match=message):
            call()


# Counts --------------------------------------------------------------------------------------------------------------


def test_counts_are_shown_as_nltk_shows_them() -> None:
    counter = ours.NgramCounter([everygrams(["a", "b", "a", "c"], 2, pad=False)])
    assert (counter["a"], counter["z"], counter[["a"]]["b"], counter[("a",)]["z"], counter.N()) == (2, 0, 1, 0, 7)
    assert repr(counter[2]) == "<ConditionalFreqDist with 2 conditions>"
    assert str(counter) == "<NgramCounter with 2 ngram orders and 7 ngrams>"
    assert sorted(counter[2].conditions()) == [("a",), ("b",)]
    assert counter[2][("a",)] is counter[["a"]] and counter[1] is counter.unigrams
    assert counter[1] == Counter("abac") and counter[1].freq("a") == 0.5 and counter[1].max() == "a"
    assert ("a",) in counter[2] and ("z",) not in counter[2] and 2 in counter and 3 not in counter
    assert not counter[3] and counter[3][("a", "b")].N() == 0 and 3 in counter
    for change in (lambda: counter[1].update(a=1), lambda: counter[["a"]].__setitem__("b", 2)):
        with pytest.raises(TypeError, match="read-only"):
            change()
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="at least one word"):
            counter[wrong]
    with pytest.raises(TypeError, match="got None"):
        counter[None]
    with pytest.raises(TypeError, match=r"tuple of words, got \['a'\]"):
        counter.update([[["a"]]])


def test_counters_and_models_are_pickled() -> None:
    for name in NAMES:
        model, _ = fitted(name, 2, sentences(0, 3))
        other = pickle.loads(pickle.dumps(model))
        ngrams = [("a", "b"), ("b", "c")] * 40
        assert other.entropy(ngrams) == model.entropy(ngrams)
        assert other.score("b", ["a"]) == model.score("b", ["a"])


# nltk itself ---------------------------------------------------------------------------------------------------------


def pair(name: str, order: int, text: list[list[str]], cutoff: int) -> tuple[Any, Any]:
    lm = pytest.importorskip("nltk.lm")
    pipeline = pytest.importorskip("nltk.lm.preprocessing").padded_everygram_pipeline
    first = {"Lidstone": (0.3,), "StupidBackoff": (0.3,)}.get(name, ())
    models = [getattr(side, name)(*first, order, vocabulary=side.Vocabulary(unk_cutoff=cutoff)) for side in (ours, lm)]
    for model in models:
        model.fit(*pipeline(order, text))
        model.fit(pipeline(order, text[:3])[0])
    return models[0], models[1]


@pytest.mark.parametrize("name", NAMES)
def test_nltk_gives_the_same(name: str) -> None:
    own, theirs = pair(name, 3, sentences(7, 12), cutoff=12)
    asked = [ngram for k in (1, 2, 3, 4) for ngram in product(["a", "b", "d", "zz", "<s>"], repeat=k)]
    scores = [theirs.score(ngram[-1], ngram[:-1]) for ngram in asked]
    assert [own.score(ngram[-1], ngram[:-1]) for ngram in asked] == scores  # to the last bit
    assert own._scores_of(asked).tolist() == scores
    seen = [ngram for ngram, score in zip(asked, scores, strict=True) if score]
    assert own.entropy(seen) == pytest.approx(theirs.entropy(seen), rel=1e-12)
    for seed in range(5):
        assert own.generate(30, ["a"], seed) == theirs.generate(30, ["a"], seed)
    generators = [random.Random(1), random.Random(1)]
    assert own.generate(9, random_seed=generators[0]) == theirs.generate(9, random_seed=generators[1])
    assert generators[0].random() == generators[1].random()
    assert str(own.counts) == str(theirs.counts) and str(own.vocab) == str(theirs.vocab)
    assert own.counts[["a"]] == theirs.counts[["a"]] and own.counts[1] == theirs.counts[1]
    shared = type(own)(*((0.3,) if name in ("Lidstone", "StupidBackoff") else ()), order=3, counter=theirs.counts)
    shared.vocab = theirs.vocab
    assert shared.entropy(seen) == pytest.approx(theirs.entropy(seen), rel=1e-12)


def test_nltks_everygrams_are_recognised_as_they_would_be_read() -> None:
    util = pytest.importorskip("nltk.util")
    words = list("abcde")
    for options in ({"max_len": 3}, {"min_len": 2, "max_len": 3}, {"max_len": 9}, {"max_len": 2, "pad_left": True}, {}):
        plain = ours.NgramCounter([list(util.everygrams(words, **options))])
        generator = util.everygrams(words, **options)
        counter = ours.NgramCounter([generator])
        assert counter[1] == plain[1] and counter.N() == plain.N() and list(generator) == []
        assert all(list(counter[k].items()) == list(plain[k].items()) for k in range(2, 6))
