"""Data with repetitions: {sequence: count} fits as its elements do, and what is no count is refused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.engines.markov import counts as markov_counts


def assert_same(a: MarkovChain, b: MarkovChain) -> None:
    (structure, arrays), (other, others) = a._state(), b._state()
    assert structure == other
    assert all((arrays[name] == others[name]).all() for name in others)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=5), st.integers(0, 9), min_size=1),
    st.integers(1, 4),
    st.sampled_from(["witten-bell", "kneser-ney", "add-alpha"]),
)
def test_a_counter_fits_as_its_elements(counts, order, smoothing):
    data = Counter(counts)
    model = MarkovChain(order, smoothing=smoothing)
    if not data.total():
        with pytest.raises(ValueError, match="at least one sequence, got none"):
            model.fit(data)
        return
    assert_same(model.fit(data), MarkovChain(order, smoothing=smoothing).fit(list(data.elements())))


CODES = {(0, 1, 0): 3, (1, 1, 2): 1, (2, 0, 0): 0}


@pytest.mark.parametrize("options", [{}, {"n_vars": 3}, {"n_vars": 3, "position_dependent": True}])
def test_codes_too(options):
    elements = [list(x) for x in Counter(CODES).elements()]
    assert_same(MarkovChain(2, **options).fit(CODES), MarkovChain(2, **options).fit(elements))


def test_tokens_too():
    counts = {("to", "be"): 2, ("be",): np.int64(5)}
    assert_same(MarkovChain(1).fit(counts), MarkovChain(1).fit([["to", "be"]] * 2 + [["be"]] * 5))


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
def test_value_counts_of_pandas(dtype):
    names = pd.Series(["anna", "bo", "anna", "cy"], dtype=dtype)
    assert_same(MarkovChain(2).fit(names.value_counts()), MarkovChain(2).fit(list(names)))


def test_value_counts_of_codes():
    rows = pd.DataFrame([[0, 1], [1, 1], [0, 1]])
    assert_same(MarkovChain(1, n_vars=2).fit(rows.value_counts()), MarkovChain(1, n_vars=2).fit(rows))


def test_value_counts_of_frames_know_the_columns():
    rows = pd.DataFrame({"b": [0, 0, 1], "a": [1, 1, 1]})
    model = MarkovChain(1, n_vars=2).fit(rows.value_counts())
    assert_same(model, MarkovChain(1).fit(rows))
    assert model.log_prob(rows[["a", "b"]]).tolist() == model.log_prob([[0, 1], [0, 1], [1, 1]]).tolist()
    with pytest.raises(ValueError, match="must have the columns of the data of fit"):
        model.log_prob(rows.rename(columns={"a": "c"}))


def test_large_counts_cost_no_memory(monkeypatch):
    monkeypatch.setattr(markov_counts, "PIECE", 16)
    model = MarkovChain(1, smoothing="add-alpha", alpha=0).fit({"ab": 3 * 2**40, "b": 2**40})
    assert np.exp(model.log_prob(["ab", "b"])) == pytest.approx([0.75, 0.25], rel=1e-12)


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        ({"ab": 1.5}, TypeError, "{sequence: integer}, but holds 1.5 for 'ab'"),
        ({"ab": 2.0}, TypeError, "holds 2.0 for 'ab'"),
        ({"ab": True}, TypeError, "holds True for 'ab'"),
        ({"ab": None}, TypeError, "holds None for 'ab'"),
        ({"x": ["ab"], "y": ["cd"]}, TypeError, r"holds \['ab'\] for 'x'"),
        ({"ab": 1, "b": -1}, ValueError, "counts must be between 0 and .* got -1 for 'b'"),
        ({"ab": 2**60}, ValueError, "between 0 and"),
        ({"ab": 2**53}, ValueError, r"at most 2\*\*53 symbols"),
        ({0: 3}, TypeError, "a string or a tuple, got the key 0"),
        ({frozenset("ab"): 3}, TypeError, "a string or a tuple"),
        ({"ab": 1, (0, 1): 1}, TypeError, "only strings, but item 1"),
        ({"": 3}, ValueError, "all 1 sequences are empty"),
        ({}, ValueError, "at least one sequence"),
        ({"ab", "b"}, TypeError, "in an order and without counts, got set"),
        (pd.Series([3, 4]), TypeError, "a string or a tuple, got the key 0"),
        (pd.Series([0.5, 0.5], index=["a", "b"]), TypeError, "holds 0.5 for 'a'"),
        (pd.Series([1, None], index=["a", "b"], dtype="Int64"), TypeError, "for 'b'"),
    ],
)
def test_what_is_no_count_is_refused(data, error, text):
    model = MarkovChain(1)
    with pytest.raises(error, match=text):
        model.fit(data)
    assert not model.is_fitted


def test_only_fit_takes_counts():
    for model in (MarkovChain(1).fit(["ab"]), MarkovChain(1, n_vars=2).fit([[0, 1]])):
        data = {"ab": 2} if model.n_vars is None else {(0, 1): 2}
        for use in (model.log_prob, model.bits_per_variable, lambda x, own=model: own.sample(prefix=x)):
            with pytest.raises(TypeError):
                use(data)
