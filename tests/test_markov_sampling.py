"""Samples of Markov chains: frequencies, prefixes, truncation, exact draws, and the words they come from."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import product

import numpy as np
import pytest
import reference
from reference_markov import Chain, truncated

from fastdgm.autoregressive.markov import MarkovChain

CRITICAL = 5.0  # standard deviations of a chi-square statistic, at fixed seeds


def ragged_model(n_states: int = 3, order: int = 2, **options) -> MarkovChain:
    rng = np.random.default_rng(3)
    return MarkovChain(order, n_states=n_states, **options).fit(
        [rng.choice(n_states, rng.integers(1, 7)) for _ in range(30)]
    )


def rows_model(by_position: bool = False, n_vars: int = 5) -> MarkovChain:
    rng = np.random.default_rng(4)
    return MarkovChain(2, n_states=3, position_dependent=by_position).fit(
        rng.choice(3, (20, n_vars), p=[0.6, 0.3, 0.1])
    )


def assert_frequencies(observed: dict, expected: dict[tuple, float], n: int) -> None:
    """Chi-square of the outcomes expected at least five times, all others together."""
    common = {x: p for x, p in expected.items() if n * p >= 5}
    rest = 1 - sum(common.values())
    statistic = sum((observed.get(x, 0) - n * p) ** 2 / (n * p) for x, p in common.items())
    others = n - sum(observed.get(x, 0) for x in common)
    statistic += (others - n * rest) ** 2 / (n * rest) if n * rest > 5 else 0.0
    assert set(observed) <= set(expected) or rest > 0
    assert abs(statistic - len(common)) < CRITICAL * np.sqrt(2 * len(common))


def counted(samples) -> Counter:
    return Counter(tuple(int(k) for k in x) for x in samples)


@pytest.mark.parametrize("by_position", [False, True])
def test_frequencies_of_rows(by_position):
    model, n = rows_model(by_position), 100_000
    rows = list(product(range(3), repeat=5))
    expected = dict(zip(rows, np.exp(model.log_prob(np.array(rows))), strict=True))
    assert_frequencies(counted(model.sample(n, seed=1)), expected, n)


def short_sequences(n_states: int, length: int, head: tuple = ()) -> list[tuple]:
    return [head + x for k in range(length + 1) for x in product(range(n_states), repeat=k) if head + x]


def test_frequencies_of_sequences():
    model, n = ragged_model(), 100_000
    all_short = short_sequences(3, 7)
    expected = dict(zip(all_short, np.exp(model.log_prob([list(x) for x in all_short])), strict=True))
    assert_frequencies(counted(model.sample(n, seed=2)), expected, n)


def test_frequencies_of_tempered_and_truncated_sequences():
    model, n = ragged_model(n_states=4), 50_000
    chain = reference_of(model)
    options = {"temperature": 0.7, "top_k": 4, "top_p": 0.9}
    expected = {}
    for x in short_sequences(4, 5):
        symbols = [*x, 4]
        p = [truncated(chain.conditional(symbols[:i]), **options)[symbols[i]] for i in range(len(symbols))]
        expected[x] = float(np.prod(p))
    expected = {x: p for x, p in expected.items() if p > 0}
    assert_frequencies(counted(model.sample(n, seed=3, **options)), expected, n)


def reference_of(model: MarkovChain) -> Chain:
    """The oracle of the data of ``ragged_model``."""
    rng = np.random.default_rng(3)
    data = [rng.choice(model.n_states, rng.integers(1, 7)) for _ in range(30)]
    return Chain(data, model.n_states, model.order, smoothing=model.smoothing, alpha=model.alpha)


# --- log_prob of samples -----------------------------------------------------------------------------------------


def test_returned_log_prob_is_that_of_the_model():
    for model in (ragged_model(), rows_model(), rows_model(True)):
        x, log_prob = model.sample(500, seed=0, return_log_prob=True)
        assert (log_prob == model.log_prob(x)).all()
        x, log_prob, drawn = model.sample(500, seed=0, return_log_prob=True, top_k=100)
        assert (log_prob == model.log_prob(x)).all()
        assert np.allclose(drawn, log_prob, rtol=1e-12)


@pytest.mark.parametrize("options", [{"temperature": 2.0}, {"top_k": 2}, {"top_p": 0.6}, {"top_k": 3, "top_p": 0.5}])
def test_sampling_log_prob_is_that_of_what_was_drawn(options):
    model = ragged_model()
    chain = reference_of(model)
    prefix = [[0], [2, 1, 0], [1, 1]]
    x, _, drawn = model.sample(prefix=prefix, n_per_row=10, seed=1, return_log_prob=True, max_length=4, **options)
    for i, own in enumerate(x):
        symbols = [*own.tolist(), *([3] if len(own) < 4 else [])]
        p = [truncated(chain.conditional(symbols[:t]), **options)[symbols[t]] for t in range(len(symbols))]
        assert drawn[i] == pytest.approx(np.log(p[len(prefix[i // 10]) :]).sum(), rel=1e-10, abs=1e-12)


def test_rows_too():
    model = rows_model()
    x, log_prob, drawn = model.sample(prefix=[[0, 1]], n=50, top_k=1, seed=0, return_log_prob=True)
    assert (x == x[0]).all() and np.allclose(drawn, 0) and (log_prob == model.log_prob(x)).all()
    x, _, drawn = model.sample(prefix=np.empty((4, 0), int), temperature=1.5, seed=0, return_log_prob=True)
    assert x.shape == (4, 5) and (drawn < 0).all()


def test_a_cut_sequence_has_the_log_prob_of_its_beginning():
    model = ragged_model()
    x, log_prob = model.sample(300, seed=0, max_length=3, return_log_prob=True)
    assert {len(own) for own in x} == {1, 2, 3}
    for own, value in zip(x, log_prob, strict=True):
        terms, _ = model.log_prob([own], per_variable=True)
        assert value == pytest.approx(terms[: 3 if len(own) == 3 else None].sum(), rel=1e-12)


# --- prefixes ----------------------------------------------------------------------------------------------------


def test_a_prefix_is_kept_and_continued_by_its_conditional():
    model, n = ragged_model(), 60_000
    for head in ((2,), (0, 1), (1, 2, 2, 0, 1)):
        x = model.sample(n, prefix=[list(head)], seed=5)
        assert all(tuple(own[: len(head)]) == head for own in x)
        everything = short_sequences(3, 6, head)
        p = np.exp(model.log_prob([list(own) for own in everything]))
        begin = model.log_prob([list(head)], per_variable=True)[0][:-1].sum()
        assert_frequencies(counted(x), dict(zip(everything, p / np.exp(begin), strict=True)), n)


@pytest.mark.parametrize("by_position", [False, True])
def test_a_prefix_of_rows(by_position):
    model, n = rows_model(by_position), 60_000
    x = model.sample(n, prefix=[[0, 2, 1]], seed=5)
    assert (x[:, :3] == [0, 2, 1]).all()
    rows = np.array([(0, 2, 1, a, b) for a in range(3) for b in range(3)])
    p = np.exp(model.log_prob(rows))
    assert_frequencies(counted(x), dict(zip(map(tuple, rows.tolist()), p / p.sum(), strict=True)), n)


def test_every_prefix_gets_its_own_rows_and_words():
    model = ragged_model()
    prefixes = [[k % 3] * (1 + 7 * k % 12) for k in range(40)]
    x = model.sample(prefix=prefixes, n_per_row=3, seed=9, start=100)
    assert len(x) == 120
    for i in (0, 7, 64, 119):
        alone = model.sample(prefix=[prefixes[i // 3]], seed=9, start=100 + i)
        assert (alone[0] == x[i]).all()
        assert x[i][: len(prefixes[i // 3])].tolist() == prefixes[i // 3]


def test_a_prefix_from_a_sample_gives_that_sample():
    """The words belong to positions: a prefix shifts nothing."""
    model = ragged_model()
    x = model.sample(50, seed=1)
    again = model.sample(prefix=[own[: max(1, len(own) // 2)] for own in x], seed=1)
    assert all((a == b).all() for a, b in zip(x, again, strict=True))
    rows = rows_model().sample(50, seed=1)
    assert (rows_model().sample(prefix=rows[:, :3], seed=1) == rows).all()


# --- exactness ---------------------------------------------------------------------------------------------------


def test_symbols_are_those_of_the_alias_table_and_the_words():
    """One state: the whole draw by hand, from the oracle's 64-bit numbers."""
    model = MarkovChain(1, smoothing="add-alpha", alpha=0, n_states=4).fit(np.array([[0], [0], [1], [3], [3], [3]]))
    numbers = reference.draws(77, np.arange(2000, dtype=np.uint64), 0)
    sampler = model._model.tables.sampler
    x = model.sample(2000, seed=77)
    for number, symbol in zip(numbers.tolist(), x[:, 0].tolist(), strict=True):
        place = (sampler.start << sampler.bits) + (number >> 64 - sampler.bits)
        slot, fine = int(sampler.slots[place]), int(sampler.fine[place])
        fraction = number << sampler.bits & 2**64 - 1
        first = fraction < (slot >> 32 << 32 | fine)
        assert symbol == (slot & 0xFFFF if first else slot >> 16 & 0xFFFF)


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_a_draw_on_the_threshold_is_decided_by_the_second_word(side):
    row, n = 17, 30
    numbers = reference.draws(12, np.arange(n, dtype=np.uint64), 0)
    model = MarkovChain(1, smoothing="add-alpha").fit(np.array([[0], [1]]))
    sampler = model._model.tables.sampler
    share = (int(numbers[row]) & (2**63 - 1)) + side
    half = (sampler.start << 1) + (int(numbers[row]) >> 63)
    slots, fine = np.full_like(sampler.slots, 1 << 16 | 1), np.zeros_like(sampler.fine)
    slots[half] = share >> 31 << 32 | 1 << 16
    fine[half] = share << 1 & 0xFFFFFFFF
    model._model.tables.__dict__["sampler"] = sampler._replace(slots=slots, fine=fine)
    assert model.sample(n, seed=12)[row, 0] == int(side <= 0)


def test_rows_beyond_32_bits():
    model = ragged_model()
    start = 2**32 - 700
    x = model.sample(2000, seed=3, start=start)
    y = model.sample(2000, seed=3, start=2**32)
    assert all((a == b).all() for a, b in zip(x[700:], y, strict=False))
    assert not all(len(a) == len(b) for a, b in zip(x, y, strict=True))


def test_states_of_probability_zero_never_appear():
    data = np.array([[0, 4, 4], [4, 0, 4], [2, 2, 0]])
    model = MarkovChain(1, n_states=7, smoothing="add-alpha", alpha=0).fit(data)
    x = model.sample(20_000, seed=0)
    assert np.isfinite(model.log_prob(x)).all()
    edges = np.array([[0.0] * 3, [np.nextafter(1, 0)] * 3])
    assert np.isfinite(model.log_prob(model.sample(2, uniforms=edges))).all()


def test_an_empty_prefix_is_continued_from_the_start():
    text, lists = MarkovChain(2).fit(["ab", "b", "abb"]), MarkovChain(2).fit([["a", "b"], ["b"]])
    for model, empty, other in (
        (text, "", "a"),
        (lists, [], ["a"]),
        (ragged_model(), [], [0]),
        (ragged_model(), np.empty(0, np.uint8), [0]),
    ):
        plain = model.sample(3, seed=9)
        continued = model.sample(prefix=[empty, other, empty], seed=9)
        assert [list(continued[i]) for i in (0, 2)] == [list(plain[i]) for i in (0, 2)]
        assert list(continued[1][:1]) == list(other)
        u = np.random.default_rng(0).random((1, 200))
        again = model.sample(prefix=[empty], uniforms=u)[0]
        assert list(again) == list(model.sample(1, uniforms=u)[0])
    assert text.sample(prefix="", seed=9) == text.sample(1, seed=9)
    assert text.sample(5, prefix=[""], seed=9) == text.sample(5, seed=9)


# --- uniforms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"top_k": 2}, {"temperature": 3.0, "top_p": 0.8}])
def test_uniforms_give_the_inverse_cdf(options):
    model = ragged_model()
    chain = reference_of(model)
    u = np.random.default_rng(0).random((40, 200))
    for own, row in zip(model.sample(40, uniforms=u, **options), u, strict=True):
        symbols = []
        while True:
            p = truncated(chain.conditional(symbols), **options)
            symbol = int(np.searchsorted(np.cumsum(p), row[len(symbols)], "right"))
            if symbol == 3:
                break
            symbols.append(symbol)
        assert own.tolist() == symbols


def test_uniforms_for_rows_and_prefixes():
    model = rows_model()
    u = np.random.default_rng(0).random((30, 5))
    x, log_prob = model.sample(30, uniforms=u, return_log_prob=True)
    assert (log_prob == model.log_prob(x)).all()
    assert (model.sample(prefix=x[:, :2], uniforms=u) == x).all()
    ragged = ragged_model()
    u = np.random.default_rng(0).random((30, 100))
    x = ragged.sample(30, uniforms=u)
    again = ragged.sample(prefix=[own[:1] for own in x], uniforms=u)
    assert all((a == b).all() for a, b in zip(x, again, strict=True))
    assert [own.tolist() for own in ragged.sample(30, uniforms=u, max_length=2)] == [own[:2].tolist() for own in x]
    with pytest.raises(ValueError, match="had not ended after its 2 uniforms"):
        ragged.sample(30, uniforms=u[:, :2])


# --- what comes out ----------------------------------------------------------------------------------------------


def test_what_went_in_comes_out():
    assert MarkovChain(5).fit(["abc"]).sample(1, top_k=1, seed=0) == ["abc"]
    assert MarkovChain(5).fit([["to", "be"]]).sample(1, top_k=1, seed=0) == [["to", "be"]]
    (own,) = MarkovChain(5).fit([[3, 1]]).sample(1, top_k=1, seed=0)
    assert own.dtype == np.uint8 and own.tolist() == [3, 1]
    assert MarkovChain(5).fit(["日本\0\n"]).sample(1, top_k=1, seed=0) == ["日本\0\n"]
    assert MarkovChain(1).fit(["ab"]).sample(0, seed=0) == []
    assert rows_model().sample(0, seed=0).shape == (0, 5)


def test_long_sequences_in_wide_tiles():
    model = MarkovChain(2).fit([np.arange(700) % 7])
    x = model.sample(5, seed=0, max_length=3000)
    assert max(map(len, x)) > 300
    assert all((a == b[: len(a)]).all() for a, b in zip(model.sample(5, seed=0, max_length=131), x, strict=True))


def test_iter_samples():
    model = MarkovChain(2).fit(["emma", "ava", "anna"])
    chunks = list(model.iter_samples(25, chunk=10, seed=4, start=3))
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    assert [x for chunk in chunks for x in chunk] == model.sample(25, seed=4, start=3)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"temperature": 0}, ValueError, "temperature must be positive"),
        ({"temperature": np.nan}, ValueError, "temperature must be positive"),
        ({"top_p": 0}, ValueError, r"top_p must be in \(0, 1\]"),
        ({"top_p": 1.1}, ValueError, r"top_p must be in \(0, 1\]"),
        ({"top_k": 0}, ValueError, "top_k must be at least 1"),
        ({"max_length": 0}, ValueError, "max_length must be at least 1"),
        ({"n": -1}, ValueError, "n must be between"),
        ({"n": None}, TypeError, "needs n"),
        ({"seed": -1}, ValueError, "seed must be between"),
        ({"n": None, "prefix": ["ax"]}, ValueError, "unknown character 'x' at position 1 of sequence 0"),
        ({"n": None, "prefix": {"a": 1}}, TypeError, "without counts, got dict"),
        ({"n": None, "prefix": ["a", "abab"], "max_length": 3}, ValueError, "prefix 1 has 4 symbols, more than .* 3"),
        ({"n": 5, "prefix": ["a", "b"]}, ValueError, "prefix fixes the number of rows"),
        ({"n_per_row": 2}, ValueError, "n_per_row needs a prefix"),
        ({"given": ["a"]}, ValueError, "given= is refused"),
        ({"like": 1}, TypeError, "like= needs rows"),
        ({"uniforms": [[0.1, 1.0]]}, ValueError, "below 1"),
        ({"uniforms": [0.1]}, ValueError, "uniforms must have shape"),
    ],
)
def test_bad_requests(options, error, text):
    model = MarkovChain(1).fit(["ab", "b"])
    with pytest.raises(error, match=text):
        model.sample(**{"n": 1, **options})


def test_bad_requests_for_rows():
    model = rows_model()
    for options, text in (
        ({"prefix": np.zeros((1, 6), int)}, "at most n_vars = 5 columns, got 6"),
        ({"prefix": [[0, 3]]}, "codes from 0 to 2, got 3"),
        ({"prefix": [[0.5]]}, "codes from 0 to 2, got 0.5"),
        ({"n": 2, "max_length": 3}, "max_length is for ragged sequences"),
        ({"n": 2, "uniforms": np.zeros((2, 4))}, r"uniforms must have shape \(2, 5\)"),
    ):
        with pytest.raises(ValueError, match=text):
            model.sample(**options)


def test_a_chain_that_does_not_end_is_an_error_and_not_a_hang():
    model = MarkovChain(1, smoothing="add-alpha", alpha=0).fit([[0, 0, 0, 1]])
    with pytest.raises(ValueError, match="had not ended after 65536 symbols: give max_length"):
        model.sample(3, seed=0, top_k=1)
    assert [len(x) for x in model.sample(3, seed=0, top_k=1, max_length=10)] == [10] * 3


# --- pinned ------------------------------------------------------------------------------------------------------


GOLDEN = {
    "ragged": "6dae3c53e495810c3c2d7df04e478676",
    "rows": "73a3cf85bb3ce327b969342931cc0e87",
    "by position": "51997ab102a417d53f3358ff95076ac9",
}


def fingerprint(name: str) -> str:
    model = {"ragged": ragged_model(), "rows": rows_model(), "by position": rows_model(True)}[name]
    x = model.sample(3000, seed=20_261_122, start=2**32 - 3)
    lengths = np.array([len(own) for own in x], np.int64)
    return hashlib.sha256(lengths.tobytes() + np.concatenate(list(x)).tobytes()).hexdigest()[:32]


@pytest.mark.parametrize("name", ["ragged", "rows", "by position"])
def test_samples_are_what_they_were(name):
    """A change here is a CHANGELOG entry, never an accident."""
    assert fingerprint(name) == GOLDEN[name]
