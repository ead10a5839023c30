"""MarkovChain against the oracle of dictionaries, and what it refuses."""

from __future__ import annotations

import copy
import json
import pickle
from itertools import pairwise, product

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference_markov import Chain
from safetensors import safe_open
from safetensors.numpy import save_file
from shared_data import shared

import fastdgm as fd
from fastdgm.autoregressive.base import AutoregressiveModel
from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.engines.markov import counts as markov_counts
from fastdgm.engines.markov import dense_automaton
from fastdgm.engines.markov import run as markov_run
from fastdgm.errors import FormatError, MissingValuesError, NotFittedError

SMOOTHINGS = ["witten-bell", "kneser-ney", "add-alpha"]
KINDS = {"ragged": (True, False), "rows": (False, False), "rows by position": (False, True)}


def sequences(n_states: int, n: int, length: int, ragged: bool, seed: int = 0) -> list[np.ndarray]:
    """Sequences in which some contexts are common and some never occur."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(n_states, 0.5))
    return [rng.choice(n_states, rng.integers(1, length + 1) if ragged else length, p=p) for _ in range(n)]


def fitted(kind: str, order: int, smoothing: str, n_states: int = 3, alpha: float = 0.5, length: int = 6):
    ragged, by_position = KINDS[kind]
    data = sequences(n_states, 40, length, ragged)
    options = {"position_dependent": by_position, "smoothing": smoothing, "alpha": alpha}
    model = MarkovChain(order, n_states=n_states, **options).fit(data if ragged else np.array(data))
    return model, Chain(data, n_states, order, ragged=ragged, **options)


# --- probabilities --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_log_prob_is_that_of_the_oracle(kind, order, smoothing):
    model, reference = fitted(kind, order, smoothing, n_states=4)
    new = sequences(4, 50, 6, kind == "ragged", seed=1)
    expected = np.array([reference.log_prob(x) for x in new])
    result = model.log_prob(new if kind == "ragged" else np.array(new))
    assert np.allclose(result, expected, rtol=1e-12, atol=0)
    assert np.unique(expected).size > 10


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=12),
    st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=5),
    st.integers(1, 5),
    st.sampled_from(SMOOTHINGS),
    st.sampled_from([0.0, 0.3, 2.0]),
)
def test_any_sequences(train, new, order, smoothing, alpha):
    model = MarkovChain(order, n_states=5, smoothing=smoothing, alpha=alpha).fit(train)
    reference = Chain(train, 5, order, smoothing=smoothing, alpha=alpha)
    terms, offsets = model.log_prob(new, per_variable=True)
    expected = np.concatenate([reference.terms(x) for x in new])
    assert np.allclose(terms, expected, rtol=1e-12, atol=1e-15)
    assert offsets.tolist() == np.cumsum([0, *(len(x) + 1 for x in new)]).tolist()
    sums = [terms[a:b].sum() for a, b in pairwise(offsets)]
    assert np.allclose(model.log_prob(new), sums, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("kind", ["rows", "rows by position"])
def test_all_rows_sum_to_one(kind, smoothing):
    model, _ = fitted(kind, 2, smoothing, n_states=2, length=10)
    everything = np.array(list(product(range(2), repeat=10)))
    assert np.exp(model.log_prob(everything)).sum() == pytest.approx(1, abs=1e-12)
    assert np.allclose(model.log_prob(everything, per_variable=True).sum(axis=1), model.log_prob(everything))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_all_sequences_and_the_tail_sum_to_one(smoothing):
    model, reference = fitted("ragged", 2, smoothing)
    total, going_on = 0.0, [()]
    for _ in range(7):
        going_on = [(*head, k) for head in going_on for k in range(3)]
        total += np.exp(model.log_prob([list(x) for x in going_on])).sum()
    tail = (
        sum(np.exp(reference.terms(x)[:-1].sum()) for x in going_on)
        - np.exp(model.log_prob([list(x) for x in going_on])).sum()
    )
    assert total + tail == pytest.approx(1, abs=1e-12)
    assert 0 < tail < 1


@pytest.mark.parametrize("length", [1, 8, 4095, 4096, 4097, 9000])
def test_long_sequences(length):
    rng = np.random.default_rng(length)
    text = rng.integers(0, 5, length)
    model = MarkovChain(order=3, n_states=5).fit([text])
    reference = Chain([text], 5, 3, smoothing="witten-bell")
    assert model.log_prob([text])[0] == pytest.approx(reference.log_prob(text), rel=1e-12)
    assert model.log_prob([text[:7], text, text])[1] == model.log_prob([text])[0]


def test_bits():
    model, _ = fitted("ragged", 2, "witten-bell")
    x = [[0, 1], [2]]
    assert model.bits_per_variable(x) == pytest.approx(-model.log_prob(x).sum() / 5 / np.log(2))
    rows, _ = fitted("rows", 2, "witten-bell")
    x = np.array([[0, 1, 2, 0, 0, 0]] * 2)
    assert rows.bits_per_variable(x) == pytest.approx(-rows.log_prob(x).mean() / 6 / np.log(2))


def test_maximum_likelihood_gives_impossible_symbols_no_chance():
    model = MarkovChain(1, smoothing="add-alpha", alpha=0, n_states=3).fit([[0, 1, 0], [0, 1]])
    assert model.log_prob([[0, 0]])[0] == -np.inf
    assert model.log_prob([[0, 1]])[0] == pytest.approx(np.log(2 / 3 * 0.5))
    assert {len(x) % 2 for x in model.sample(200, seed=0)} == {0, 1}
    assert all((np.diff(x) != 0).all() for x in model.sample(200, seed=0))


@pytest.mark.parametrize("n_states", [1, 254, 255, 256, 257, 1000])
def test_numbers_of_states(n_states):
    x = np.random.default_rng(0).integers(0, n_states, (30, 5))
    x[0, 0] = n_states - 1
    rows, ragged = MarkovChain(1).fit(x), MarkovChain(1).fit(list(x))
    assert rows.n_states == ragged.n_states == n_states
    for model, reference in (
        (rows, Chain(x, n_states, 1, ragged=False, smoothing="witten-bell")),
        (ragged, Chain(x, n_states, 1, smoothing="witten-bell")),
    ):
        assert model.log_prob(list(x[:3])) == pytest.approx([reference.log_prob(row) for row in x[:3]], rel=1e-12)
    assert rows.sample(20, seed=0).max() < n_states
    assert rows.sample(20, seed=0).dtype == (np.uint8 if n_states <= 256 else np.uint16)
    assert max(s.max() for s in ragged.sample(20, seed=0)) < n_states


# --- threads, batches, pieces ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_threads_pieces_and_batches_change_nothing(kind, monkeypatch):
    monkeypatch.setattr(markov_run, "PIECE_SYMBOLS", 1 << 12)
    data = sequences(6, 3000, 20, kind == "ragged")
    data = data if kind == "ragged" else np.array(data)
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("FASTDGM_NUM_THREADS", threads)
        model = MarkovChain(3, position_dependent=KINDS[kind][1]).fit(data)
        log_prob, x = model.log_prob(data), model.sample(3000, seed=5)
        flat = np.concatenate(x)
        results.append((log_prob.tobytes(), flat.tobytes(), *(part.tobytes() for part in model._state()[1].values())))
    assert results[0] == results[1] == results[2]
    assert (model.log_prob(data[7:13]) == log_prob[7:13]).all()
    some = model.sample(40, seed=5, start=2970)
    assert all((a == b).all() for a, b in zip(some, x[2970:], strict=False))


def test_counting_in_pieces(monkeypatch):
    for kind, (ragged, by_position) in KINDS.items():
        data = sequences(20, 400, 30, ragged)
        data = data if ragged else np.array(data)
        whole = MarkovChain(2, position_dependent=by_position).fit(data)._state()[1]
        with monkeypatch.context() as patch:
            patch.setattr(markov_counts, "PIECE", 1000)
            patch.setattr(markov_counts, "FIRST_PLACES", 16)
            patch.setattr(markov_counts, "MOST_NUMBERS", 0)
            parts = MarkovChain(2, position_dependent=by_position).fit(data)._state()[1]
        assert all((parts[name] == whole[name]).all() for name in whole), kind
        assert whole["counts"].sum() == sum(map(len, data)) + ragged * len(data)


@pytest.mark.parametrize("first_rows", [2, 1 << 14])
@pytest.mark.parametrize(("n_states", "order"), [(2, 1), (5, 4), (64, 2), (255, 1), (300, 1)])
def test_rows_of_counts_are_those_of_the_hash_table(n_states, order, first_rows, monkeypatch):
    """Also where a count exceeds a byte, many sequences are empty, and rows do not suffice."""
    rng = np.random.default_rng(n_states)
    data = [rng.geometric(0.5, rng.integers(0, 40)).clip(max=n_states) - 1 for _ in range(2000)]
    data.append(np.zeros(3000, int))
    monkeypatch.setattr(markov_counts, "FIRST_ROWS", first_rows)
    with monkeypatch.context() as patch:
        patch.setattr(markov_counts, "MOST_NUMBERS", 0)
        hashed = MarkovChain(order, n_states=n_states).fit(data)._state()[1]
    for most_rows in (markov_counts.MOST_ROWS, 3):
        monkeypatch.setattr(markov_counts, "MOST_ROWS", most_rows)
        counted = MarkovChain(order, n_states=n_states).fit(data)._state()[1]
        assert all((counted[name] == hashed[name]).all() for name in hashed)
    assert hashed["counts"].max() > 3000


@pytest.mark.parametrize(("n", "given_up"), [(30_000, False), (300_000, True)])
def test_counts_where_rows_run_out_are_those_of_numpy(n, given_up, monkeypatch):
    """Both where that is late and where rows are given up for it early."""
    n_states, length, hashed = 200, 100, []
    data = np.random.default_rng(n).integers(0, n_states, (n // length, length))
    count_hashed = markov_counts._count_hashed
    monkeypatch.setattr(markov_counts, "_count_hashed", lambda *x: hashed.append(x) or count_hashed(*x))
    counts = MarkovChain(2, n_states=n_states).fit(list(data))._state()[1]
    begin = hashed[0][2]
    assert 0 < begin < n // 10 if given_up else n // 2 < begin < n
    padded = np.pad(data, ((0, 0), (2, 1)), constant_values=n_states).astype(np.uint64)
    keys = padded[:, :-2] << 16 | padded[:, 1:-1] << 8 | padded[:, 2:]
    expected, times = np.unique(keys, return_counts=True)
    contexts, symbols = np.divmod(expected, 256)
    assert (counts["contexts"] == np.unique(contexts)).all()
    assert (counts["symbols"] == symbols).all() and (counts["counts"] == times).all()


@pytest.mark.parametrize("kind", ["ragged", "rows"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_table_of_the_last_symbols_gives_the_scores_of_the_walk(kind, order, monkeypatch):
    data = sequences(6, 900, 12, kind == "ragged", seed=2)
    x = data if kind == "ragged" else np.array(data)
    by_number = MarkovChain(order).fit(x)
    assert len(by_number._model.tables.scoring.cells) == 7**order
    monkeypatch.setattr(dense_automaton, "MOST_NUMBERS", 0)
    by_walk = MarkovChain(order).fit(x)
    assert len(by_walk._model.tables.scoring.cells) == 0
    assert (by_number.log_prob(x) == by_walk.log_prob(x)).all()
    terms, expected = by_number.log_prob(x, per_variable=True), by_walk.log_prob(x, per_variable=True)
    assert all((own == other).all() for own, other in zip(terms, expected, strict=True))
    if kind == "ragged":
        long = [np.concatenate(data), np.concatenate(data[::-1])]
        assert (by_number.log_prob(long) == by_walk.log_prob(long)).all()


# --- models ------------------------------------------------------------------------------------------------------


def test_what_is_known():
    model = MarkovChain(2, vocabulary="abc")
    assert not model.is_fitted and model.n_states == 3 and model.vocabulary == ("a", "b", "c")
    assert repr(model) == "MarkovChain(order=2, smoothing='witten-bell'): not fitted"
    model.fit(["ab", "b"])
    assert model.is_fitted and model.n_vars is None
    # contexts: none, start, a, b, start a, start b, a b
    assert model.n_contexts == 7
    assert model.n_parameters == 7 * 3 - 1
    assert "3 characters, 7 contexts, 20 parameters" in repr(model)
    rows = MarkovChain(1, position_dependent=True, smoothing="add-alpha").fit([[0, 1], [1, 1]])
    assert rows.n_vars == 2 and "2 variables, tables by position, 2 states" in repr(rows)
    assert rows.n_parameters == rows.n_contexts == 4


def test_a_new_fit_learns_everything_anew():
    model = MarkovChain(1).fit(["ab"])
    model.fit([[0, 1, 5]])
    assert model.vocabulary is None and model.n_states == 6
    model.fit(np.array([[0, 1]]))
    assert model.n_vars == 2 and model.n_states == 2


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_state_round_trip(kind, smoothing):
    model, _ = fitted(kind, 2, smoothing)
    for other in (MarkovChain._from_state(*model._state()), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert repr(other) == repr(model)
        a, b = model.sample(50, seed=0, return_log_prob=True), other.sample(50, seed=0, return_log_prob=True)
        assert (np.concatenate(a[0]) == np.concatenate(b[0])).all() and (a[1] == b[1]).all()


def test_state_of_strings_is_json():
    model = MarkovChain(2).fit(["häß", "日本"])
    structure, arrays = model._state()
    other = MarkovChain._from_state(json.loads(json.dumps(structure)), arrays)
    assert other.sample(5, seed=0) == model.sample(5, seed=0)


def damaged(**changes):
    structure, arrays = MarkovChain(2).fit(["abac", "ab", "cab"])._state()
    for name, change in changes.items():
        if name in arrays:
            arrays[name] = change(arrays[name].copy())
        else:
            structure[name] = change
    return structure, arrays


def swapped(array):
    array[[0, 1]] = array[[1, 0]]
    return array


DAMAGE = {
    "order": {"order": 5},
    "no order": {"order": 0},
    "states": {"n_states": 2},
    "vocabulary": {"vocabulary": None},
    "kind": {"kind": "rows"},
    "smoothing": {"smoothing": "none"},
    "rows": {"vocabulary": None, "kind": None, "n_vars": 3},
    "by position": {"vocabulary": None, "kind": None, "n_vars": 3, "position_dependent": True},
    "fewer contexts": {"contexts": lambda a: a[:-1]},
    "order of contexts": {"contexts": swapped},
    "huge context": {"contexts": lambda a: np.append(a[:-1], np.uint64(2**63))},
    "unknown context": {"contexts": lambda a: np.append(np.uint64(0), a[1:])},
    "type of contexts": {"contexts": lambda a: a.astype(np.int64)},
    "shape": {"contexts": lambda a: a[:, np.newaxis]},
    "nothing": {name: lambda a: a[:0] for name in ("contexts", "starts", "symbols", "counts")},
    "starts": {"starts": lambda a: a + 1},
    "falling starts": {"starts": swapped},
    "symbols": {"symbols": lambda a: a + np.uint16(3)},
    "order of symbols": {"symbols": lambda a: a[::-1].copy()},
    "counts": {"counts": lambda a: a - 1},
    "huge counts": {"counts": lambda a: a * 2**60},
    "types": {"counts": lambda a: a.astype(float)},
    "sum of counts": {"counts": lambda a: np.full_like(a, 2**53)},
    "starts that overflow": {"starts": lambda a: np.array([0, 2**63 - 1, -(2**63), *a[3:]])},
    "characters": {"vocabulary": ["aa", "b", "c"]},
    "no character": {"vocabulary": ["", "b", "c"]},
    "a character twice": {"vocabulary": ["a", "b", "b"]},
    "numbers as characters": {"vocabulary": ["a", "b", 3]},
    "a vocabulary too short": {"vocabulary": ["a", "b"]},
    "a vocabulary too long": {"vocabulary": ["a", "b", "c", "d"]},
    "type of the vocabulary": {"vocabulary": "abc"},
    "type of the kind": {"kind": ["text"]},
    "type of the order": {"order": 2.0},
    "truth as order": {"order": True},
    "huge order": {"order": 2**70},
    "type of states": {"n_states": "3"},
    "no states": {"n_states": None},
    "negative rows": {"vocabulary": None, "kind": None, "n_vars": -1},
    "type of alpha": {"alpha": "1"},
    "infinite alpha": {"alpha": float("inf")},
    "type of position": {"position_dependent": "no"},
    "type of smoothing": {"smoothing": None},
}


@pytest.mark.parametrize("changes", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_state_is_refused(changes):
    with pytest.raises((ValueError, TypeError)):
        MarkovChain._from_state(*damaged(**changes))


@pytest.mark.parametrize("vocabulary", [["aa", "b"], ["a", "a"], ["a"], ["a", "b", "c"], ["a", 1], "ab", None])
def test_a_damaged_file_is_refused_when_it_is_read(tmp_path, vocabulary):
    path = tmp_path / "model.safetensors"
    fd.write(MarkovChain(1).fit(["ab", "ba"]), path)
    with safe_open(path, "np") as file:
        arrays, head = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    state = json.loads(head["fastdgm"])
    state["structure"]["vocabulary"] = vocabulary
    save_file(arrays, path, {"fastdgm": json.dumps(state)})
    with pytest.raises(FormatError):
        fd.read(path)


@pytest.mark.parametrize("name", ["contexts", "starts", "symbols", "counts"])
def test_a_missing_array_is_named(name):
    structure, arrays = damaged()
    del arrays[name]
    with pytest.raises(KeyError, match=name):
        MarkovChain._from_state(structure, arrays)


@pytest.mark.parametrize("name", ["order", "n_states", "kind", "smoothing", "alpha", "n_vars", "vocabulary"])
def test_a_missing_field_is_named(name):
    structure, arrays = damaged()
    del structure[name]
    with pytest.raises(KeyError, match=name):
        MarkovChain._from_state(structure, arrays)
    with pytest.raises(KeyError, match="colour"):
        MarkovChain._from_state({**damaged()[0], "colour": 1}, arrays)


@given(st.data())
def test_random_damage_is_refused_or_harmless(data):
    structure, arrays = damaged()
    name = data.draw(st.sampled_from(sorted(arrays)))
    i = data.draw(st.integers(0, len(arrays[name]) - 1))
    arrays[name] = arrays[name].copy()
    arrays[name][i] = data.draw(st.integers(0, 300))
    try:
        model = MarkovChain._from_state(structure, arrays)
    except ValueError:
        return
    assert np.isfinite(model.log_prob(["abc"])).all()
    assert len(model.sample(20, seed=0, max_length=50)) == 20


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"order": 0}, ValueError, "order must be at least 1, got 0"),
        ({"order": 2.0}, TypeError, "order must be an integer"),
        ({"n_vars": 0}, ValueError, "n_vars must be at least 1"),
        ({"n_states": 0}, ValueError, "n_states must be at least 1"),
        ({"n_states": 70_000}, ValueError, "n_states must be at most 65535"),
        ({"vocabulary": "aba"}, ValueError, "'a' twice"),
        ({"vocabulary": []}, ValueError, "between 1 and"),
        ({"vocabulary": [1]}, TypeError, "must hold strings, got 1"),
        ({"vocabulary": {"a", "b"}}, TypeError, "an order"),
        ({"vocabulary": "ab", "n_states": 3}, ValueError, "n_states is 3"),
        ({"vocabulary": "ab", "n_vars": 3}, ValueError, "ragged"),
        ({"smoothing": "none"}, ValueError, "smoothing must be one of"),
        ({"alpha": -1}, ValueError, "alpha must be at least 0"),
        ({"alpha": np.nan}, ValueError, "alpha must be at least 0"),
        ({"alpha": "1"}, TypeError, "alpha must be a number"),
    ],
)
def test_bad_settings(options, error, text):
    with pytest.raises(error, match=text):
        MarkovChain(**options)


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        ([], ValueError, "at least one sequence"),
        (np.empty((0, 3), int), ValueError, "at least one sequence"),
        (np.empty((3, 0), int), ValueError, "at least one variable"),
        (["", ""], ValueError, "all 2 sequences are empty, so that no state is known: give vocabulary="),
        ([[], []], ValueError, "all 2 sequences are empty, so that no state is known: give n_states="),
        ([[0, -1]], MissingValuesError, "got -1 at position 1 of sequence 0"),
        ([[0.0, 1.0]], TypeError, "integer codes, got float64"),
        ([[0, 1], [0, np.nan]], MissingValuesError, "nan at position 1 of sequence 1"),
        ([[0, 70_000]], ValueError, "below 65535, got 70000"),
        (np.array([[0, np.nan]]), MissingValuesError, "row 0, variable 1 is missing"),
        (np.array([[0, 1.5]]), ValueError, "got 1.5 in row 0, variable 1"),
        (np.array([[0, np.inf]]), ValueError, "got inf"),
        (np.array([[0, 70_000]]), ValueError, "below 65535"),
        (7, TypeError, "come as a list, got int"),
    ],
)
def test_bad_data_leaves_the_model_as_it_was(data, error, text):
    model = MarkovChain(1).fit(["ab"])
    with pytest.raises(error, match=text):
        model.fit(data)
    assert model.sample(1, seed=0, max_length=9) == MarkovChain(1).fit(["ab"]).sample(1, seed=0, max_length=9)


def test_given_states_are_the_only_ones():
    with pytest.raises(ValueError, match="between 0 and 1, got 2 at position 1 of sequence 0"):
        MarkovChain(1, n_states=2).fit([[0, 2]])
    with pytest.raises(ValueError, match="codes from 0 to 1, got 2 in row 0, variable 1"):
        MarkovChain(1, n_states=2).fit(np.array([[0, 2]]))
    with pytest.raises(ValueError, match="unknown character 'c' at position 1 of sequence 1"):
        MarkovChain(1, vocabulary="ab").fit(["ab", "bcb"])
    with pytest.raises(ValueError, match="n_states is 2, but 3 different symbols occur"):
        MarkovChain(1, n_states=2).fit(["abc"])
    with pytest.raises(ValueError, match=r"shape \(n_rows, 3\)"):
        MarkovChain(1, n_vars=3).fit([[0, 1]])


def test_an_order_beyond_63_bits_is_refused():
    with pytest.raises(ValueError, match="order 9 is too large for 65 states: 7 bits for each of 10 symbols"):
        MarkovChain(9, n_states=65).fit([[0, 1], [1]])


def test_what_was_not_fitted():
    model = MarkovChain(1)
    for use in (lambda: model.log_prob(["a"]), lambda: model.sample(1), lambda: model.n_parameters, model._state):
        with pytest.raises(NotFittedError):
            use()


def test_bad_scores():
    model = MarkovChain(1).fit(["emma", "ava"])
    with pytest.raises(ValueError, match="unknown character 'x' at position 0 of sequence 1"):
        model.log_prob(["emma", "xqz"])
    with pytest.raises(ValueError, match="between 0 and 3, got 4"):
        model.log_prob([[0, 4]])
    with pytest.raises(ValueError, match="at least one sequence"):
        model.bits_per_variable([])
    assert model.log_prob([]).shape == (0,)
    codes = MarkovChain(1).fit([[0, 1]])
    with pytest.raises(TypeError, match="no vocabulary"):
        codes.log_prob(["a"])


# --- frames ------------------------------------------------------------------------------------------------------

FRAMES = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": pa.table,
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_columns_of_frames_go_by_name(make):
    x = np.random.default_rng(0).integers(0, 3, (40, 3))
    columns = {name: x[:, i] for i, name in enumerate("abc")}
    model = MarkovChain(1, position_dependent=True).fit(make(columns))
    expected = MarkovChain(1, position_dependent=True).fit(x).log_prob(x)
    for other in (model, MarkovChain._from_state(*model._state()), pickle.loads(pickle.dumps(model))):
        assert (other.log_prob(x) == expected).all()
        for names in ("abc", "cab", "bca"):
            assert (other.log_prob(make({name: columns[name] for name in names})) == expected).all()
        with pytest.raises(ValueError, match=r"missing \['c'\], too many \['z'\]"):
            other.log_prob(make({"a": x[:, 0], "b": x[:, 1], "z": x[:, 2]}))
    head = make({"b": x[:, 1], "a": x[:, 0]})
    assert (model.sample(prefix=head, seed=0)[:, :2] == x[:, :2]).all()
    with pytest.raises(ValueError, match="prefix must have the columns"):
        model.sample(prefix=make({"b": x[:, 1]}), seed=0)


def test_y_is_ignored_as_in_scikit_learn():
    words = ["ann", "bo"]
    assert (MarkovChain(1).fit(words, [0, 1]).log_prob(words) == MarkovChain(1).fit(words).log_prob(words)).all()


def test_frames_without_names_go_by_position():
    x = np.random.default_rng(0).integers(0, 3, (40, 3))
    model = MarkovChain(1).fit(pd.DataFrame(x, columns=list("abc")))
    assert (model.log_prob(pd.DataFrame(x)) == model.log_prob(x)).all()
    assert "columns" not in MarkovChain(1).fit(pd.DataFrame(x))._state()[0]


@pytest.mark.parametrize("columns", ["ab", [1, 2, 3], ["a", "b"], ["a", "b", "b"]])
def test_damaged_columns_are_refused(columns):
    structure, arrays = MarkovChain(1).fit(pd.DataFrame([[0, 1, 1]], columns=list("abc")))._state()
    with pytest.raises((ValueError, TypeError), match="columns must be"):
        MarkovChain._from_state({**structure, "columns": columns}, arrays)


# --- data of the world -------------------------------------------------------------------------------------------


def test_names():
    names = shared("text/names.txt").read_text().split("\n")
    train, test = names[:28_000], names[28_000:]
    bits = [MarkovChain(k, smoothing=s).fit(train).bits_per_variable(test) for s in SMOOTHINGS[:2] for k in (1, 2, 3)]
    assert bits[0] > bits[1] > bits[2] and bits[3] > bits[4] > bits[5]
    model = MarkovChain(3).fit(names)
    reference = Chain([[ord(c) - 97 for c in name] for name in names], 26, 3, smoothing="witten-bell")
    expected = [reference.log_prob([ord(c) - 97 for c in name]) for name in ("emma", "xqz")]
    assert model.log_prob(["emma", "xqz"]) == pytest.approx(expected, rel=1e-12)


def test_the_index_of_a_frame_is_no_position_in_arrow_either():
    frame = pd.DataFrame(np.arange(12).reshape(4, 3) % 2, columns=["a", "b", "c"])[1:]
    table = pa.Table.from_pandas(frame, preserve_index=True)
    assert table.num_columns == 4
    model = MarkovChain().fit(table)
    assert model.n_vars == 3
    assert (model.log_prob(table) == model.log_prob(frame)).all()
    assert (fd.MADE(3, (4,)).log_prob(table.to_batches()[0]) == fd.MADE(3, (4,)).log_prob(frame)).all()


def test_rows_are_a_family_like_the_others():
    rows, ragged = MarkovChain(1).fit(np.array([[0, 1, 1], [1, 0, 1]])), MarkovChain(1).fit([[0, 1, 1], [1]])
    assert isinstance(rows._model, AutoregressiveModel)
    assert rows._model.order.tolist() == [0, 1, 2]
    assert not isinstance(ragged._model, AutoregressiveModel)
    assert rows.history == ragged.history == []
