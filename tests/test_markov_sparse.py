"""Markov chains that store only what was seen: the same distributions as full tables, in the memory of the n-grams."""

from __future__ import annotations

import gzip
import hashlib
import pickle
from itertools import pairwise

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from reference_markov import Chain, truncated
from shared_data import shared
from test_markov import KINDS, SMOOTHINGS, fitted, sequences
from test_markov_sampling import assert_frequencies, counted, short_sequences

from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.engines.markov import plan as markov_plan
from fastdgm.engines.markov import positions as markov_positions
from fastdgm.engines.markov import run as markov_run
from fastdgm.engines.markov.sparse import SparseTables

PREFIXES = {"ragged": [[0], [], [2, 1, 0, 1]], "rows": [[0, 1], [2, 2], [1, 0]], "rows by position": [[0], [2], [1]]}


@pytest.fixture(autouse=True)
def no_full_tables(monkeypatch):
    monkeypatch.setattr(markov_plan, "is_dense", lambda *sizes: False)


def full(model: MarkovChain) -> MarkovChain:
    """The same model with full tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markov_plan, "is_dense", lambda *sizes: True)
        return MarkovChain._from_state(*model._state())


# --- scoring -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_log_prob_is_that_of_the_oracle_and_of_full_tables(kind, order, smoothing):
    model, chain = fitted(kind, order, smoothing, n_states=4)
    assert isinstance(model._model.tables, SparseTables)
    new = sequences(4, 50, 6, kind == "ragged", seed=1)
    new = new if kind == "ragged" else np.array(new)
    result = model.log_prob(new)
    assert np.allclose(result, [chain.log_prob(x) for x in new], rtol=1e-12, atol=0)
    assert np.allclose(result, full(model).log_prob(new), rtol=1e-12, atol=0)
    assert repr(model) == repr(full(model))


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=12),
    st.lists(st.lists(st.integers(0, 6), max_size=12), min_size=1, max_size=5),
    st.integers(1, 5),
    st.sampled_from(SMOOTHINGS),
    st.sampled_from([0.0, 0.3, 2.0]),
)
def test_any_sequences(train, new, order, smoothing, alpha):
    model = MarkovChain(order, n_states=7, smoothing=smoothing, alpha=alpha).fit(train)
    chain = Chain(train, 7, order, smoothing=smoothing, alpha=alpha)
    terms, offsets = model.log_prob(new, per_variable=True)
    assert np.allclose(terms, np.concatenate([chain.terms(x) for x in new]), rtol=1e-12, atol=1e-15)
    sums = [terms[a:b].sum() for a, b in pairwise(offsets)]
    assert np.allclose(model.log_prob(new), sums, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("length", [1, 4096, 9000])
def test_long_sequences(length):
    text = np.random.default_rng(length).integers(0, 5, length)
    model = MarkovChain(order=3, n_states=5).fit([text])
    assert model.log_prob([text])[0] == pytest.approx(full(model).log_prob([text])[0], rel=1e-12)
    assert model.log_prob([text[:7], text, text])[1] == model.log_prob([text])[0]
    terms, _ = model.log_prob([text], per_variable=True)
    assert terms == pytest.approx(full(model).log_prob([text], per_variable=True)[0], rel=1e-12)


@pytest.mark.parametrize("n_states", [1, 255, 256, 65_535])
def test_numbers_of_states(n_states):
    x = np.random.default_rng(0).integers(0, n_states, (30, 5))
    x[0, 0] = n_states - 1
    for model in (MarkovChain(1, n_states=n_states).fit(x), MarkovChain(1, n_states=n_states).fit(list(x))):
        assert np.isfinite(model.log_prob(list(x))).all()
        own = model.sample(20, seed=0, max_length=None if model.n_vars else 50)
        assert max(int(s.max()) for s in own) < n_states
        if n_states < 1000:
            assert np.allclose(model.log_prob(list(x)), full(model).log_prob(list(x)), rtol=1e-12)


def test_a_state_that_saw_every_symbol():
    n_states = 65_535
    model = MarkovChain(1).fit([np.arange(n_states), np.arange(n_states)[::-1]])
    assert model.sample(1, seed=0, max_length=5)[0].dtype == np.uint16


# --- sampling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_frequencies_of_sequences(smoothing):
    model, _ = fitted("ragged", 2, smoothing, n_states=3, alpha=0.2)
    all_short, n = short_sequences(3, 7), 60_000
    expected = dict(zip(all_short, np.exp(model.log_prob([list(x) for x in all_short])), strict=True))
    assert_frequencies(counted(model.sample(n, seed=1)), expected, n)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("kind", ["rows", "rows by position"])
def test_frequencies_of_rows(kind, smoothing):
    model, _ = fitted(kind, 2, smoothing, n_states=3, length=5)
    n = 60_000
    rows = np.stack(np.meshgrid(*[range(3)] * 5, indexing="ij"), axis=-1).reshape(-1, 5)
    expected = dict(zip(map(tuple, rows.tolist()), np.exp(model.log_prob(rows)), strict=True))
    assert_frequencies(counted(model.sample(n, seed=2)), expected, n)


def test_symbols_that_were_never_seen_are_drawn_as_often_as_the_rest_of_their_mass():
    model = MarkovChain(1, n_states=6).fit([[0, 1], [1, 0, 1], [0]])
    all_short, n = short_sequences(6, 3), 60_000
    expected = dict(zip(all_short, np.exp(model.log_prob([list(x) for x in all_short])), strict=True))
    assert_frequencies(counted(model.sample(n, seed=3)), expected, n)


def oracle_draw(model: MarkovChain, row: int, key: int) -> list[int]:
    """One sequence, step by step, from the alias tables and Philox words."""
    sampler, symbols = model._model.tables.sampler, []
    chain = sampler.chain

    def number(word: int, stream: int) -> int:
        return int(reference.random_words(key, np.array([row], np.uint64), word, stream)[0])

    while True:
        t, s, back = len(symbols), state_of(model, symbols), 0
        while True:
            w = 2 * (t * (model.order + 1) + back - 1)
            words = (number(t, 0), number(t, 1)) if back == 0 else (number(w, 2), number(w + 1, 2))
            fraction, bits = words[0] << 32 | words[1], int(sampler.bits[s])
            place = int(sampler.slot_first[s]) + (fraction >> 64 - bits)
            slot, rest = int(sampler.slots[place]), fraction << bits & 2**64 - 1
            outcome = slot & 0xFFFF if rest < (slot >> 32 << 32 | int(sampler.fine[place])) else slot >> 16 & 0xFFFF
            cell, back = int(chain.first[s]) + outcome, back + 1
            if cell < chain.first[s + 1]:
                symbols.append(int(chain.symbols[cell]))
                break
            if chain.suffix[s] == 2**32 - 1:
                w = 2 * (t * (model.order + 1) + back - 1)
                n = model.n_states if s == chain.start else model.n_states + 1
                symbols.append(n * (number(w, 2) << 32 | number(w + 1, 2)) >> 64)
                break
            s = int(chain.suffix[s])
        if symbols[-1] == model.n_states:
            return symbols[:-1]


def state_of(model: MarkovChain, symbols: list[int]) -> int:
    """The longest known suffix, found by its key in the levels of contexts."""
    from fastdgm.engines.markov.levels import context_levels

    fitted = model._model.tables
    levels = context_levels(fitted.counts, fitted.layout)
    known = [model.n_states, *symbols]
    for k in range(min(model.order, len(known)), -1, -1):
        key = 0
        for symbol in known[len(known) - k :]:
            key = key << fitted.layout.bits | symbol
        row = int(np.searchsorted(levels[k].keys, np.uint64(key)))
        if row < len(levels[k].keys) and int(levels[k].keys[row]) == key:
            return levels[k].first + row
    raise AssertionError("the empty context is always known")


def test_draws_are_those_of_the_words():
    model = MarkovChain(2, n_states=6).fit(sequences(4, 15, 5, True))
    x = model.sample(60, seed=11)
    assert [own.tolist() for own in x] == [oracle_draw(model, row, 11) for row in range(60)]


@pytest.mark.parametrize("kind", KINDS)
def test_threads_pieces_and_batches_change_nothing(kind, monkeypatch):
    monkeypatch.setattr(markov_run, "PIECE_SYMBOLS", 1 << 12)
    data = sequences(6, 2000, 20, kind == "ragged")
    data = data if kind == "ragged" else np.array(data)
    results = []
    for threads in ("1", "3"):
        monkeypatch.setenv("FASTDGM_NUM_THREADS", threads)
        model = MarkovChain(3, position_dependent=KINDS[kind][1]).fit(data)
        log_prob, x = model.log_prob(data), model.sample(3000, seed=5)
        results.append((log_prob.tobytes(), np.concatenate(x).tobytes()))
    assert results[0] == results[1]
    assert (model.log_prob(data[7:13]) == log_prob[7:13]).all()
    some = model.sample(40, seed=5, start=2970)
    assert all((a == b).all() for a, b in zip(some, x[2970:], strict=False))


@pytest.mark.parametrize("kind", KINDS)
def test_prefixes_and_returned_log_prob(kind):
    model, _ = fitted(kind, 2, "kneser-ney")
    x, log_prob = model.sample(prefix=PREFIXES[kind], n_per_row=5, seed=0, return_log_prob=True)
    assert (log_prob == model.log_prob(x)).all()
    for i, own in enumerate(x):
        head = PREFIXES[kind][i // 5]
        assert own[: len(head)].tolist() == head
    plain = model.sample(15, seed=0)
    if kind == "ragged":
        assert [own.tolist() for own in x[5:10]] == [own.tolist() for own in plain[5:10]]
        assert {len(own) for own in model.sample(200, seed=0, max_length=2)} <= {1, 2}


def test_states_of_probability_zero_never_appear():
    data = np.array([[0, 4, 4], [4, 0, 4], [2, 2, 0]])
    for model in (
        MarkovChain(1, n_states=7, smoothing="add-alpha", alpha=0).fit(data),
        MarkovChain(1, n_states=7, smoothing="add-alpha", alpha=0).fit(list(data)),
    ):
        assert np.isfinite(model.log_prob(model.sample(20_000, seed=0))).all()
        assert np.isfinite(model.log_prob(model.sample(200, seed=0, temperature=2.0))).all()


def test_a_chain_that_does_not_end_is_an_error_and_not_a_hang():
    model = MarkovChain(1, smoothing="add-alpha", alpha=0).fit([[0, 0, 0, 1]])
    for options in ({}, {"top_k": 1}):
        model.sample(3, seed=0, max_length=10, **options)
    with pytest.raises(ValueError, match="had not ended after 65536 symbols: give max_length"):
        model.sample(1, seed=0, top_k=1)


# --- tempered, truncated, by uniforms ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"temperature": 2.0}, {"top_k": 2}, {"top_p": 0.6}, {"temperature": 0.7, "top_k": 3, "top_p": 0.8}]
)
@pytest.mark.parametrize("kind", KINDS)
def test_changed_draws_are_those_of_full_tables(kind, options, monkeypatch):
    monkeypatch.setattr(markov_positions, "CELLS", 8)
    model, chain = fitted(kind, 2, "witten-bell", n_states=4)
    prefix = [head[:2] for head in PREFIXES[kind]]
    arguments = {"prefix": prefix, "n_per_row": 30, "seed": 3, "start": 5, "return_log_prob": True, **options}
    x, log_prob, drawn = model.sample(**arguments)
    same, same_log_prob, same_drawn = full(model).sample(**arguments)
    assert [own.tolist() for own in x] == [own.tolist() for own in same]
    assert np.allclose(log_prob, same_log_prob, rtol=1e-12) and np.allclose(drawn, same_drawn, rtol=1e-10, atol=1e-12)
    own, head = x[0].tolist(), prefix[0]
    symbols = [*own, *([4] if kind == "ragged" else [])]
    p = [truncated(chain.conditional(symbols[:t]), **options)[symbols[t]] for t in range(len(head), len(symbols))]
    assert drawn[0] == pytest.approx(np.log(p).sum(), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("options", [{}, {"temperature": 3.0, "top_p": 0.8}])
@pytest.mark.parametrize("kind", KINDS)
def test_uniforms_give_the_inverse_cdf(kind, options):
    model, _ = fitted(kind, 2, "kneser-ney", n_states=4)
    u = np.random.default_rng(0).random((40, 200 if kind == "ragged" else 6))
    x, log_prob = model.sample(40, uniforms=u, return_log_prob=True, **options)[:2]
    same = full(model).sample(40, uniforms=u, **options)
    assert [own.tolist() for own in x] == [own.tolist() for own in same]
    assert (log_prob == model.log_prob(x)).all()
    if kind == "ragged":
        with pytest.raises(ValueError, match="had not ended after its 2 uniforms"):
            model.sample(40, uniforms=u[:, :2], **options)


# --- models ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_files_and_copies(kind):
    model, _ = fitted(kind, 2, "kneser-ney")
    for other in (MarkovChain._from_state(*model._state()), pickle.loads(pickle.dumps(model))):
        assert isinstance(other._model.tables, SparseTables)
        a, b = model.sample(50, seed=0, return_log_prob=True), other.sample(50, seed=0, return_log_prob=True)
        assert (np.concatenate(a[0]) == np.concatenate(b[0])).all() and (a[1] == b[1]).all()


@given(st.data(), st.sampled_from(sorted(KINDS)), st.sampled_from(SMOOTHINGS))
def test_random_damage_is_refused_or_harmless(data, kind, smoothing):
    model, _ = fitted(kind, 2, smoothing)
    structure, arrays = model._state()
    name = data.draw(st.sampled_from(sorted(arrays)))
    i = data.draw(st.integers(0, len(arrays[name]) - 1))
    arrays[name] = arrays[name].copy()
    arrays[name][i] = data.draw(st.one_of(st.integers(0, 300), st.integers(0, 2**16 - 1)))
    try:
        other = MarkovChain._from_state(structure, arrays)
    except ValueError:
        return
    x = sequences(3, 20, 6, kind == "ragged")
    assert np.isfinite(other.log_prob(x)).all()
    assert len(other.sample(20, seed=0, **({"max_length": 50} if kind == "ragged" else {}))) == 20


def test_full_tables_are_for_chains_that_fill_them(monkeypatch):
    monkeypatch.undo()
    is_dense = markov_plan.is_dense
    assert is_dense(2**11, 2**11, 1) and is_dense(2**18, 256, 1) and is_dense(2**13, 2**13, 2**20)
    assert not is_dense(2**12, 2**11, 2**16 - 1) and not is_dense(2**18 + 1, 256, 2**30)
    rng = np.random.default_rng(0)
    names, lines = ["emma", "olivia", "ava"], [rng.integers(0, 5000, 20) for _ in range(100)]
    assert not isinstance(MarkovChain(3).fit(names)._model.tables, SparseTables)
    assert isinstance(MarkovChain(2, n_states=5000).fit(lines)._model.tables, SparseTables)


def test_words_of_shakespeare():
    text = gzip.decompress(shared("text/tinyshakespeare.txt.gz").read_bytes()).decode()
    lines = [line.lower().split() for line in text.split("\n") if line.strip()]
    model = MarkovChain(2).fit(lines)
    assert isinstance(model._model.tables, SparseTables)
    automaton = model._model.tables.automaton
    assert model.n_states > 20_000 and model.n_contexts > 100_000
    assert sum(part.nbytes for part in automaton if isinstance(part, np.ndarray)) < 30e6
    n_symbols = sum(len(line) + 1 for line in lines)
    assert np.isfinite(model.log_prob(lines)).all()
    x, log_prob = model.sample(300, seed=0, return_log_prob=True)
    assert (log_prob == model.log_prob(x)).all()
    assert model.bits_per_variable(lines) < np.log2(n_symbols)
    rows = model.sample(4, seed=0, top_p=0.9, max_length=12)
    assert all(word in set(model.vocabulary) for row in rows for word in row)


# --- pinned ------------------------------------------------------------------------------------------------------

GOLDEN = {
    "ragged": "981fc4d7cff8fe4d5d5939c2d0f66873",
    "rows": "dea134b50a6824e3d08aa392fa07753d",
    "rows by position": "b8a9fa27a254b2f3378424dc57977f72",
}


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_what_they_were(kind):
    """A change here is a CHANGELOG entry, never an accident."""
    model, _ = fitted(kind, 2, "witten-bell", n_states=5)
    x = model.sample(3000, seed=20_261_122, start=2**32 - 3)
    lengths = np.array([len(own) for own in x], np.int64)
    digest = hashlib.sha256(lengths.tobytes() + np.concatenate(list(x)).tobytes()).hexdigest()[:32]
    assert digest == GOLDEN[kind]
