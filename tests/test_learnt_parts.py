"""What parts of a table say of undeclared variables is, together, what the whole table says."""

from __future__ import annotations

import pickle
from functools import reduce
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastdgm.data.learnt_parts import seen_in, seen_together, variables_seen
from fastdgm.data.learnt_variables import infer_variables
from fastdgm.data.variables import Real

ORDER = ["low", "mid", "high", "top"]
COLUMNS = st.one_of(
    st.lists(st.sampled_from(["b", "a", "10", "9", ""]), min_size=1, max_size=12),
    st.lists(st.integers(-1, 6), min_size=1, max_size=12),
    st.lists(st.booleans(), min_size=1, max_size=12),
    st.lists(st.sampled_from([0.0, 1.0, 2.0, -3.0, 0.5, 1e9]), min_size=1, max_size=12),
    st.lists(st.sampled_from(ORDER), min_size=1, max_size=12).map(lambda own: pd.Categorical(own, ORDER, ordered=True)),
    st.lists(st.sampled_from([9, 10, 2]), min_size=1, max_size=12).map(lambda own: pd.Categorical(own, [9, 10, 2])),
)


def outcome(work):
    try:
        return work()
    except ValueError as error:
        return type(error)


@given(COLUMNS, st.lists(st.integers(1, 11), max_size=4))
def test_parts_say_what_the_whole_says(column, cuts):
    whole = pd.Series(column)
    places = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})

    def by_parts():
        ranges = enumerate(pairwise(places))
        parts = [seen_in({"v": whole[a:b]}, {}, ["v"], f"part {k}") for k, (a, b) in ranges]
        together = reduce(seen_together, pickle.loads(pickle.dumps(parts)))
        return variables_seen(together, {}, ["v"])["v"]

    assert outcome(by_parts) == outcome(lambda: infer_variables({"v": whole}, {}, ["v"])["v"])


def test_vectors_by_their_numbers_and_known_variables():
    seen = seen_in({"x[0]": [0.5], "x[1]": [1.0], "y": [2.0]}, {"y": Real()}, ["x", "y"], "part 0")
    assert variables_seen(seen_together(seen, seen), {"y": Real()}, ["x", "y"]) == {"x": Real((2,)), "y": Real()}


@pytest.mark.parametrize(("first", "second"), [([1], ["1"]), (pd.Categorical([1]), ["1"])])
def test_labels_that_read_alike_are_no_state(first, second):
    parts = [seen_in({"v": own}, {}, ["v"], f"part {k}") for k, own in enumerate((first, second))]
    with pytest.raises(ValueError, match=r"two categories that read '1'|numbers in part 0, labels in part 1"):
        variables_seen(seen_together(*parts), {}, ["v"])
