"""The boundary for ragged sequences: every form gives the same stream, and what is wrong is named with its place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.data.matrices import _refuse, code_matrix
from fastdgm.data.sequences import (
    Stream,
    as_ragged,
    codes_as_stream,
    rows_as_stream,
)
from fastdgm.data.vocabularies import (
    as_arrays,
    as_lists,
    as_strings,
    check_vocabulary,
    learn_vocabulary,
    words_as_stream,
)
from fastdgm.errors import MissingValuesError

LISTS = [[0, 1, 2], [3], [1, 1]]


def codes(data, n_states: int = 4) -> Stream:
    ragged = as_ragged(data)
    assert ragged.kind == "codes"
    return codes_as_stream(ragged.values, ragged.offsets, n_states)


def words(data, vocabulary=None) -> tuple[Stream, tuple[str, ...]]:
    ragged = as_ragged(data)
    vocabulary = check_vocabulary(vocabulary or learn_vocabulary(ragged))
    return words_as_stream(ragged, vocabulary), vocabulary


FORMS = {
    "lists": LISTS,
    "arrays": [np.array(x, np.int16) for x in LISTS],
    "array of objects": np.array([*LISTS, None], object)[:3],
    "values and offsets": (np.array([0, 1, 2, 3, 1, 1], np.uint8), np.array([0, 3, 4, 6])),
    "arrow": pa.array(LISTS),
    "large arrow": pa.array(LISTS, pa.large_list(pa.int8())),
    "arrow slice": pa.array([[3, 3], *LISTS, [0]])[1:4],
    "arrow chunks": pa.chunked_array([LISTS[:1], LISTS[1:]]),
    "polars": pl.Series(LISTS),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS.keys())
def test_every_form_of_codes(data):
    stream = codes(data)
    assert stream.symbols.tolist() == [0, 1, 2, 4, 3, 4, 1, 1, 4]
    assert stream.starts.tolist() == [0, 4, 6, 9]
    assert stream.symbols.dtype == np.uint8
    assert [x.tolist() for x in as_arrays(stream)] == LISTS


def test_rows_of_a_matrix_are_sequences():
    assert codes(np.array([[0, 1], [2, 3]])).symbols.tolist() == [0, 1, 4, 2, 3, 4]


TEXTS = {
    "list": ["ab", "c"],
    "numpy": np.array(["ab", "c"]),
    "objects": np.array(["ab", "c"], object),
    "arrow": pa.array(["ab", "c"]),
    "large arrow": pa.array(["ab", "c"], pa.large_string()),
    "polars": pl.Series(["ab", "c"]),
    "generator": (x for x in ("ab", "c")),
    "categories": pa.array(["ab", "c"]).dictionary_encode(),
    "pandas categories": pd.Series(["ab", "c"], dtype="category"),
    "polars categories": pl.Series(["ab", "c"], dtype=pl.Categorical),
}


@pytest.mark.parametrize("data", TEXTS.values(), ids=TEXTS.keys())
def test_every_form_of_strings(data):
    stream, vocabulary = words(data)
    assert vocabulary == ("a", "b", "c") and stream.symbols.tolist() == [0, 1, 3, 2, 3]


def test_a_string_is_one_sequence():
    assert len(words("abc")[0]) == 1


@given(st.lists(st.text(min_size=1), min_size=1))
def test_strings_come_back(strings):
    stream, vocabulary = words(strings)
    assert as_strings(stream, vocabulary) == strings
    assert as_lists(stream, vocabulary) == [list(x) for x in strings]
    assert words([list(x) for x in strings])[0].symbols.tolist() == stream.symbols.tolist()


@given(st.lists(st.lists(st.sampled_from(["to", "be", "or", "not", ""]), min_size=1), min_size=1))
def test_tokens_come_back(lists):
    stream, vocabulary = words(lists)
    assert as_lists(stream, vocabulary) == lists


@pytest.mark.parametrize("n", [254, 255, 256, 300])
def test_many_characters(n):
    text = "".join(map(chr, range(n)))
    stream, vocabulary = words([text, text[::-1]])
    assert vocabulary == tuple(text)
    codes = [*map(ord, text)]
    assert stream.symbols.tolist() == [*codes, n, *codes[::-1], n]
    assert stream.symbols.dtype == (np.uint8 if n < 256 else np.uint16)
    assert as_strings(stream, vocabulary) == [text, text[::-1]]


@pytest.mark.parametrize("character", ["x", "\n", "\x0b", "é", "日", "\U0001f600", "\ud800"])
def test_an_unknown_character_is_named_with_its_place(character):
    with pytest.raises(ValueError, match=r"unknown character .* at position 2 of sequence 1: not in the vocabulary"):
        words(["ab", "ba" + character], "ab")


def test_an_unknown_token_is_named_with_its_place():
    with pytest.raises(ValueError, match="unknown token 'was' at position 1 of sequence 0"):
        words([["to", "was"]], ["to", "be"])


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        ([[0, 4]], ValueError, "between 0 and 3, got 4 at position 1 of sequence 0"),
        ([[0], [1, -2]], ValueError, "got -2 at position 1 of sequence 1"),
        ([[0], [-1]], MissingValuesError, "got -1 at position 0 of sequence 1"),
        ([[0], [0.5]], TypeError, "integer codes, got float64"),
        ([[0], [float("nan")]], MissingValuesError, "nan at position 0 of sequence 1"),
        ([[0], [[1]]], ValueError, "one dimension, sequence 1 has shape"),
        ([[0], 1], TypeError, "item 1 is 1"),
        ([[0], "a"], TypeError, "item 1 is 'a'"),
        (np.zeros(3), TypeError, "must be 2-D or hold strings"),
        (5, TypeError, "come as a list, got int"),
        ((np.arange(3),), ValueError, r"\(values, offsets\)"),
        (([0, 1], [2.0]), TypeError, "integer offsets"),
        (([0, 1], [0, 3]), ValueError, "offsets must rise from 0 to len"),
        (([0, 1], [0, 2, 1, 2]), ValueError, "offsets must rise"),
        ({(0, 1): 2}, TypeError, "in an order and without counts, got dict"),
        ({(0, 1)}, TypeError, "in an order and without counts, got set"),
        ([{0, 1}], TypeError, "only lists or only strings, but item 0 is {0, 1}"),
        ([{0: 1}], TypeError, "only lists or only strings, but item 0 is {0: 1}"),
        (pa.array([[0], None]), MissingValuesError, "1 nulls among 2 sequences"),
        (pa.array([[0], [None]]), MissingValuesError, "1 nulls among their values"),
        (pa.array([1, 2]), TypeError, "holds lists or strings, got int64"),
    ],
)
def test_bad_codes(data, error, text):
    with pytest.raises(error, match=text):
        codes(data)


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (["a", 1], TypeError, "item 1 is 1"),
        (["a", None], TypeError, "item 1 is None"),
        ([["a", 1]], TypeError, "hold strings, got 1"),
        ([{"a"}, ["b"]], TypeError, "only lists or only strings, but item 0 is {'a'}"),
        (pa.array(["a", None]), MissingValuesError, "1 nulls"),
    ],
)
def test_bad_words(data, error, text):
    with pytest.raises(error, match=text):
        words(data)


def test_strings_need_a_vocabulary_of_characters():
    with pytest.raises(TypeError, match="tokens of several characters"):
        words(["ab"], ["ab", "c"])


@pytest.mark.parametrize("lengths", [[0], [3, 0, 0, 5, 1], [0, 0, 7, 0], [20] * 50])
@pytest.mark.parametrize("n_states", [4, 300])
def test_every_sequence_gets_its_end(lengths, n_states):
    values = np.random.default_rng(0).integers(0, n_states, sum(lengths))
    offsets = np.cumsum([0, *lengths])
    stream = codes_as_stream(values, offsets, n_states)
    assert (stream.symbols == np.insert(values, offsets[1:], n_states)).all()
    assert (stream.starts == offsets + np.arange(len(offsets))).all()


@given(st.lists(st.text("".join(map(chr, range(32, 127)))), max_size=9))
def test_bytes_are_translated(strings):
    vocabulary = [chr(point) for point in range(126, 31, -1)]
    expected = [code for string in strings for code in [*(126 - ord(character) for character in string), 95]]
    assert words_as_stream(as_ragged(strings), vocabulary).symbols.tolist() == expected


EMPTY = {
    "text": lambda: words(["a", "", "b", ""], "ab"),
    "tokens": lambda: words([["a"], [], ["b"], []], ["a", "b"]),
    "codes": lambda: (codes([[0], [], [1], []]),),
    "values and offsets": lambda: (codes((np.array([0, 1]), np.array([0, 1, 1, 2, 2]))),),
    "arrow": lambda: (codes(pa.array([[0], [], [1], []])),),
    "arrow strings": lambda: words(pa.array(["a", "", "b", ""])),
}


@pytest.mark.parametrize("make", EMPTY.values(), ids=EMPTY.keys())
def test_empty_sequences_are_the_same_in_every_form(make):
    stream = make()[0]
    assert np.diff(stream.starts).tolist() == [2, 1, 2, 1]


def test_booleans_are_what_numpy_says_they_are():
    odd = np.full((2, 3), 200, np.uint8).view(bool)
    assert codes(odd).symbols.tolist() == [1, 1, 1, 4] * 2
    assert codes(list(odd)).symbols.tolist() == codes(np.ones((2, 3), bool)).symbols.tolist()


@pytest.mark.parametrize("n_states", [1, 3, 255, 256, 1000])
def test_rows_that_were_changed_after_the_check_reach_no_kernel(n_states):
    code = np.uint8 if n_states <= 256 else np.uint16
    rows = np.full((2, 2), n_states - 1, code)
    assert rows_as_stream(rows, n_states).symbols.tolist() == [n_states - 1, n_states - 1, n_states] * 2
    assert len(rows_as_stream(rows[:0], n_states)) == 0
    if n_states != 256:
        rows[1, 1] = n_states
        with pytest.raises(ValueError, match="changed by another thread"):
            rows_as_stream(rows, n_states)


@pytest.mark.parametrize(("after", "text"), [(77, "0 and 3, got 77 at position 0"), (3, "changed by another thread")])
def test_what_is_checked_is_what_kernels_read(after, text):
    class Changing(np.ndarray):
        """Changed by another thread as soon as it was read once."""

        def astype(self, *arguments):
            first = np.array(self).astype(*arguments)
            self[...] = after
            return first

    with pytest.raises(ValueError, match=text):
        codes_as_stream(np.array([0, 1, 2]).view(Changing), np.array([0, 3]), 4)


def test_booleans_of_rows():
    odd = np.full((2, 3), 200, np.uint8).view(bool)
    assert code_matrix(odd, 3, 2).tolist() == code_matrix(odd, 3, 300).tolist() == [[1, 1, 1]] * 2
    with pytest.raises(ValueError, match="codes from 0 to 0, got 1 in row 0, variable 0"):
        code_matrix(odd, 3, 1)


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.uint8])
def test_what_a_race_changed_back_is_not_called_wrong(dtype):
    array = np.array([[0, 9]], dtype)
    with pytest.raises(ValueError, match="x was changed by another thread"):
        _refuse(np.zeros((1, 2), dtype), array > 3, 4, "x")
    with pytest.raises(ValueError, match="from 0 to 3, got 9"):
        _refuse(array, array > 3, 4, "x")


@pytest.mark.parametrize("data", [[[False], [False, False]], (np.zeros(3, bool), np.array([0, 1, 3]))])
def test_booleans_have_two_states_whichever_occur(data):
    model = MarkovChain(1).fit(data)
    assert model.n_states == 2
    assert np.isfinite(model.log_prob([[True]]))


@pytest.mark.parametrize(
    ("data", "error"), [([["x"], ["y" * 10**5]], ValueError), ([["x"], ["y", list(range(10**5))]], TypeError)]
)
def test_messages_about_tokens_are_bounded(data, error):
    with pytest.raises(error) as caught:
        MarkovChain(1, vocabulary=["x"]).fit(data)
    assert len(str(caught.value)) < 300


FRAMES = {
    "pandas": lambda: pd.DataFrame({"name": ["ab", "b"]}),
    "polars": lambda: pl.DataFrame({"name": ["ab", "b"]}),
    "polars, lazy": lambda: pl.LazyFrame({"name": ["ab", "b"]}),
    "arrow": lambda: pa.table({"name": ["ab", "b"]}),
    "arrow, a part": lambda: pa.record_batch({"name": ["ab", "b"]}),
    "several columns": lambda: pd.DataFrame({"name": ["ab", "b"], "age": [1, 2]}),
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES.keys())
def test_sequences_are_a_column_of_a_frame(make):
    model = MarkovChain(1).fit(["ab", "b"])
    for use in (model.log_prob, lambda x: model.sample(prefix=x, seed=0)):
        with pytest.raises(
            TypeError, match=r"sequences are one column of a frame, as in frame(\.collect\(\))?\['name'\]"
        ):
            use(make())
