"""Rows with missing values in every form of data: what is read, and what is known to be missing."""

from __future__ import annotations

import numpy as np
import pytest

from fastdgm.data.partial import as_partial_rows, without
from fastdgm.data.samples import Samples
from fastdgm.data.schema import Schema, Values
from fastdgm.data.variables import Discrete, Real

SCHEMA = Schema({"a": Discrete(("u", "v")), "b": Discrete(("0", "1", "2")), "x": Real(), "w": Real((2,))})
COLUMNS = {"a": ["u", None, "v"], "b": [1, None, 2], "x": [0.5, None, 1.0]}


def frames():
    yield "mapping", COLUMNS
    yield "floats", {**COLUMNS, "b": np.array([1.0, np.nan, 2.0])}
    yield "signed", {**COLUMNS, "b": np.array([1, -1, 2], np.int8)}
    yield "unsigned", {**COLUMNS, "b": np.array([1, 255, 2], np.uint8)}
    yield "masked", {**COLUMNS, "b": np.ma.array([1, 7, 2], mask=[0, 1, 0])}
    yield "objects", {name: np.array(own, object) for name, own in COLUMNS.items()}


def check(data):
    rows = as_partial_rows(data, SCHEMA)
    assert rows.n == 3
    assert rows.values.codes.tolist() == [[0, 0, 1], [1, 0, 2]]
    np.testing.assert_array_equal(rows.values.reals[0], [0.5, np.nan, 1.0])
    assert np.isnan(rows.values.reals[1:]).all()
    found = {row: None if own is None else own.tolist() for row, own in rows.missing.items()}
    second = [False, True, False]
    assert found == {0: second, 1: second, 2: second, 3: None, 4: None}


@pytest.mark.parametrize("name", dict(frames()))
def test_columns(name):
    check(dict(frames())[name])


def test_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(COLUMNS)
    check(frame)
    check(frame.astype({"a": "category", "b": "Int64", "x": "Float32"}))


def test_polars_and_arrow():
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    check(polars.DataFrame(COLUMNS))
    check(polars.DataFrame(COLUMNS).with_columns(polars.col("a").cast(polars.Categorical)))
    check(pyarrow.table(COLUMNS))


def test_patterns_partition_the_rows():
    w = np.array([[1.0, 2.0], [np.nan, 3.0], [4.0, np.nan], [np.nan, 1.0]])
    rows = as_partial_rows({"b": [0, None, 1, None], "w": w, "x": np.arange(4.0)}, SCHEMA)
    found = {(tuple(sorted(own.discrete)), tuple(own.reals)): list(place) for own, place in rows.patterns()}
    assert found == {(("a",), ()): [0], (("a", "b"), (1,)): [1, 3], (("a",), (2,)): [2]}


def test_one_pattern_is_all_rows():
    rows = as_partial_rows({"b": [0, 1], "x": [1.0, 2.0]}, SCHEMA)
    ((pattern, place),) = rows.patterns()
    assert pattern.discrete == {"a"} and pattern.reals == {1, 2} and place is None


def test_without_a_variable():
    rows = without(as_partial_rows({"a": ["u", "v"], "b": [0, 1], "x": [1.0, 2.0], "w": np.ones((2, 2))}, SCHEMA), "b")
    ((pattern, _),) = rows.patterns()
    assert pattern.discrete == {"b"}


def test_arrays():
    cells = np.array([[0, 1, 0.5, 1.0, 2.0], [1, np.nan, np.nan, 3.0, 4.0]])
    rows = as_partial_rows(cells, SCHEMA)
    assert rows.values.codes.tolist() == [[0, 1], [1, 0]] and set(rows.missing) == {1, 2}
    alone = as_partial_rows(cells[:, 2:].astype(np.float32), SCHEMA)
    assert set(alone.missing) == {0, 1, 2} and alone.values.reals.dtype == np.float32
    with pytest.raises(ValueError, match=r"shape \(n_rows, 5\).* or \(n_rows, 3\) for the real ones alone.* \(2, 4\)"):
        as_partial_rows(cells[:, 1:], SCHEMA)


@pytest.mark.parametrize("absent", [np.full(2, np.nan), [None, None]])
def test_columns_without_any_value_do_not_decide_the_type(absent):
    rows = as_partial_rows({"x": absent, "w": np.ones((2, 2), np.float32)}, SCHEMA)
    assert rows.values.reals.dtype == np.float32 and np.isnan(rows.values.reals[0]).all()
    assert as_partial_rows({"x": [None, 0.1], "w": np.ones((2, 2), np.float32)}, SCHEMA).values.reals[0, 1] == 0.1


def test_what_is_wrong_is_still_refused():
    with pytest.raises(KeyError, match="the model has no variable"):
        as_partial_rows({"c": [1]}, SCHEMA)
    with pytest.raises(ValueError, match=r"codes of 'b' run from 0 to 2 .* row 2 is 3"):
        as_partial_rows({"b": [None, 0, 3]}, SCHEMA)
    with pytest.raises(KeyError, match="row 2: 'w' is no state"):
        as_partial_rows({"a": [None, "u", "w"]}, SCHEMA)
    with pytest.raises(ValueError, match="real numbers are finite: column 'x', row 1 is inf"):
        as_partial_rows({"x": [np.nan, np.inf]}, SCHEMA)


def test_samples_of_fewer_variables_leave_the_others_out():
    rows = as_partial_rows(Samples(np.array([[0, 1]], np.uint8), {"a": ("u", "v")}), SCHEMA)
    assert rows.values.codes[0].tolist() == [0, 1]
    assert list(rows.missing) == [1, 2, 3, 4]


def test_samples_are_checked_as_everything_else():
    codes, reals = np.full((SCHEMA.n_codes, 2), 99, np.uint8), np.zeros((SCHEMA.n_reals, 2), np.float32)
    with pytest.raises(ValueError, match=r"codes of .* row 0 is 99"):
        as_partial_rows(Samples.of(Values(codes, reals), SCHEMA), SCHEMA)
