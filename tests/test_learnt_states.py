"""States that nobody named: the same from every library and file, in an order that refitting keeps, or refused."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.data.learnt_variables import infer_variables
from fastdgm.data.variables import Discrete, Real
from fastdgm.io.rows import write_rows


def learnt(column):
    return infer_variables({"x": column}, {}, ["x"])["x"].states


def arrow_dictionary(labels, categories, ordered):
    indices = pa.array([categories.index(label) for label in labels], pa.int8())
    return pa.DictionaryArray.from_arrays(indices, pa.array(categories), ordered=ordered)


# --- labels ------------------------------------------------------------------------------------------------------

LABELS = st.lists(st.text("abcä10 ", min_size=1, max_size=3), min_size=1, max_size=8)


@given(LABELS, st.randoms(use_true_random=False))
def test_labels_without_an_order_are_sorted_whatever_holds_them(labels, random):
    categories = list(dict.fromkeys(labels))
    random.shuffle(categories)
    columns = [
        labels,
        np.array(labels),
        np.array(labels, object),
        pd.Series(labels),
        pd.Series(pd.Categorical(labels, categories=categories)),
        pl.Series(labels),
        pl.Series(labels, dtype=pl.Categorical),
        pa.array(labels),
        arrow_dictionary(labels, categories, ordered=False),
    ]
    for column in columns:
        assert learnt(column) == tuple(sorted(categories))


@given(LABELS, st.randoms(use_true_random=False))
def test_an_ordered_type_keeps_its_order_whatever_holds_it(labels, random):
    categories = list(dict.fromkeys([*labels, "never"]))
    random.shuffle(categories)
    columns = [
        pd.Series(pd.Categorical(labels, categories=categories, ordered=True)),
        pl.Series(labels, dtype=pl.Enum(categories)),
        arrow_dictionary(labels, categories, ordered=True),
        pd.Series(
            arrow_dictionary(labels, categories, ordered=True), dtype=pd.ArrowDtype(pa.dictionary("i1", "str", 1))
        ),
    ]
    for column in columns:
        assert learnt(column) == tuple(categories)


def test_categories_that_are_numbers_are_sorted_by_value():
    assert learnt(pd.Categorical([10, 9, 2])) == ("2", "9", "10")
    assert learnt(pd.Categorical([0.5, -1.0], categories=[0.5, -1.0])) == ("-1.0", "0.5")
    assert learnt(pa.array([10, 9, 10]).dictionary_encode()) == ("9", "10")
    assert learnt(pd.Categorical([10, 9], categories=[10, 9], ordered=True)) == ("10", "9")


@pytest.mark.parametrize("categories", [[1, "1"], ["1", 1], [True, "True"], [1.5, "1.5"]])
@pytest.mark.parametrize("ordered", [False, True])
def test_categories_of_one_name_are_refused(categories, ordered):
    column = pd.Categorical(categories, categories=categories, ordered=ordered)
    with pytest.raises(ValueError, match="state names must be distinct, column 'x' has two categories that read"):
        learnt(column)


def test_a_category_that_a_dictionary_lists_twice_is_one_state():
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(["b", "a", "b"]))
    assert learnt(column) == ("a", "b")
    assert untaught().fit({"x": column}, prior=0.0)["x"].table.tolist() == [1 / 3, 2 / 3]


def chunks(*dictionaries):
    """One ordered Arrow column in chunks, each with a dictionary of its own."""
    return pa.chunked_array([arrow_dictionary(own[:1], own, ordered=True) for own in dictionaries])


def test_chunks_may_add_categories_but_not_contradict_each_other():
    assert learnt(chunks(["b", "a"], ["b", "a"])) == ("b", "a")
    assert learnt(chunks(["b"], ["b", "a"], ["a", "c"])) == ("b", "a", "c")
    with pytest.raises(ValueError, match=r"order of categories .* column 'x' contradict .*states="):
        learnt(chunks(["b", "a"], ["a", "b"]))


# --- our own frames and files --------------------------------------------------------------------------------------

CANCER = fd.example("cancer")  # its states are (True, False), (low, high), (positive, negative): not sorted
READERS = {
    "pandas": pd.read_parquet,
    "polars": pl.read_parquet,
    "pyarrow": pq.read_table,
    "pandas of IPC": pd.read_feather,
    "polars of IPC": pl.read_ipc,
}


def fresh(data):
    return fd.BayesNet.from_edges(CANCER.edges, CANCER.names).fit(data)


@pytest.mark.parametrize("convert", [lambda x: x, lambda x: x.to_pandas(), lambda x: x.to_arrow(), pl.DataFrame])
def test_refitting_own_samples_keeps_the_order_of_states(convert):
    x = CANCER.sample(300, seed=0)
    refitted = fresh(convert(x))
    assert refitted.states == CANCER.states
    np.testing.assert_array_equal(refitted.log_prob(np.asarray(x)), refitted.log_prob(convert(x)))


@pytest.mark.parametrize("reader", READERS)
def test_one_file_gives_one_order_of_states_in_every_library(reader, tmp_path):
    x = CANCER.sample(300, seed=0)
    path = tmp_path / ("rows.arrow" if "IPC" in reader else "rows.parquet")
    write_rows(path, (x[first : first + 100] for first in range(0, 300, 100)), CANCER.states)
    refitted = fresh(READERS[reader](path))
    assert refitted.states == CANCER.states
    np.testing.assert_array_equal(refitted.log_prob(np.asarray(x)), fresh(x).log_prob(x))


@pytest.mark.parametrize("n_states", [1, 2, 127, 128, 129, 255, 256, 257, 300, 33_000])
def test_polars_reads_an_enum_of_any_size(n_states, tmp_path):
    states = tuple(f"{k};ü" for k in reversed(range(n_states)))
    x = fd.Samples(np.arange(n_states, dtype=np.uint8 if n_states <= 256 else np.uint16)[None], {"x": states})
    for suffix, read in ((".parquet", pl.read_parquet), (".arrow", pl.read_ipc)):
        write_rows(tmp_path / f"rows{suffix}", [x[:1], x[1:]], x.states)
        for frame in (read(tmp_path / f"rows{suffix}"), pl.DataFrame(x)):
            assert frame.schema["x"] == pl.Enum(states)
            assert frame["x"].to_list() == list(states)


# --- integers ------------------------------------------------------------------------------------------------------

FORMS = {
    "list": lambda values: {"x": values},
    "array": lambda values: np.array(values)[:, None],
    "float array": lambda values: np.array(values, float)[:, None],
    "int8 column": lambda values: {"x": np.array(values, np.int8)},
    "int16 rows": lambda values: np.array(values, np.int16)[:, None],
    "objects": lambda values: {"x": np.array(values, object)},
    "pandas": lambda values: pd.DataFrame({"x": values}),
    "pandas int8": lambda values: pd.DataFrame({"x": values}, dtype=np.int8),
    "pandas Int64": lambda values: pd.DataFrame({"x": values}, dtype="Int64"),
    "polars": lambda values: pl.DataFrame({"x": values}),
    "polars Int8": lambda values: pl.DataFrame({"x": pl.Series(values, dtype=pl.Int8)}),
    "polars float": lambda values: pl.DataFrame({"x": pl.Series(values, dtype=pl.Float32)}),
    "Arrow": lambda values: pa.table({"x": values}),
    "Arrow chunks": lambda values: pa.table({"x": pa.chunked_array([values[:1], values[1:]], pa.int8())}),
}


def untaught():
    return fd.BayesNet.from_edges([], ["x"])


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_integers_of_unknown_states_are_codes_from_zero_or_refused(form, method):
    learn = getattr(untaught(), method)
    fixes = r".*astype\(\"category\"\).*states="
    for values in ([3, 5, 4], [1, 1, 1]):
        with pytest.raises(ValueError, match=rf"codes, which start at 0 .*column 'x' is {min(values)}" + fixes):
            learn(form(values))
    with pytest.raises(ValueError, match=r"never negative: column 'x', row 1 is -3" + fixes):
        learn(form([1, -3, 0]))
    with pytest.raises(
        fd.MissingValuesError, match="never negative; in .* -1 is a missing value: .* row 2 is -1" + fixes
    ):
        learn(form([0, 1, -1]))
    assert learn(form([2, 0, 2])).states["x"] == ("0", "1", "2")


def test_codes_of_pandas_itself_with_a_missing_value_are_refused():
    codes = pd.Categorical(["x", "y", None, "y"]).codes
    for data in (pd.DataFrame({"x": codes}), {"x": codes}, codes[:, None]):
        with pytest.raises(fd.MissingValuesError, match="row 2 is -1"):
            untaught().fit(data)


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
def test_all_ones_is_missing_where_no_state_is_known_to_be_it(dtype):
    codes = np.array([0, 1, np.iinfo(dtype).max], dtype)
    for data in (pd.DataFrame({"x": codes}), {"x": codes}, codes[:, None], pl.DataFrame({"x": codes})):
        with pytest.raises(fd.MissingValuesError, match=rf"{codes[2]} is a missing value: column 'x', row 2"):
            untaught().fit(data)
    states = {"x": range(256)}
    if dtype == "u1":
        assert fd.BayesNet.from_edges([], ["x"], states).fit({"x": codes}, prior=0.0)["x"].table[255] == 1 / 3


def test_the_named_fixes_work():
    frame = pd.DataFrame({"x": np.random.default_rng(0).integers(1990, 2021, 1000)})
    names = tuple(map(str, range(1990, 2021)))
    learnt = untaught().fit(frame.astype("category"), prior=0.0)
    assert learnt.states["x"] == names
    declared = fd.BayesNet.from_edges([], ["x"], {"x": range(1990, 2021)}).fit(frame.astype(str), prior=0.0)
    assert (declared.states, declared["x"]) == (learnt.states, learnt["x"])
    assert set(learnt.sample(1000, seed=0).labels("x")) <= set(names)
    votes = untaught().fit({"x": pd.Categorical([-1, 0, 1, 1])}, prior=0.0)
    assert votes.states["x"] == ("-1", "0", "1")
    with pytest.raises(ValueError, match="could be codes or the state names"):
        votes.log_prob({"x": [-1]})


# --- which fit learns them -------------------------------------------------------------------------------------------


def test_a_second_fit_starts_afresh():
    net = fd.BayesNet.from_edges([("x", "y")], states={"y": ["no", "yes"]})
    net.fit({"x": ["a", "b"], "y": ["no", "no"]})
    assert net.fit({"x": ["c", "d", "e"], "y": ["no", "yes", "no"]}).states == {
        "x": ("c", "d", "e"),
        "y": ("no", "yes"),
    }
    with pytest.raises(KeyError, match="'maybe' is no state"):
        net.fit({"x": ["a"], "y": ["maybe"]})
    assert net.states["x"] == ("c", "d", "e")
    net.partial_fit({"x": ["e"], "y": ["yes"]})
    with pytest.raises(KeyError, match="'a' is no state"):
        net.partial_fit({"x": ["a"], "y": ["yes"]})
    assert net.fit({"x": ["a"], "y": ["yes"]}).states["x"] == ("a",)


def test_states_of_given_tables_are_declared():
    net = fd.BayesNet({"x": fd.Categorical([0.5, 0.5], states=["b", "a"])})
    assert net.fit({"x": ["a", "a"]}).states["x"] == ("b", "a")
    with pytest.raises(KeyError, match="'c' is no state"):
        net.fit({"x": ["c"]})


def test_what_is_drawn_and_scored_belongs_together_while_states_change():
    net = untaught().fit({"x": ["a", "b"]})
    rows = net.iter_samples(4, chunk=2, seed=0)
    first = next(rows)
    net.fit({"x": ["p", "q", "r"]})
    assert next(rows).states == first.states == {"x": ("a", "b")}


# --- streams and empty cells ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("column", [["x", "y", "y"], [0, 1, 1], [False, True, True]])
def test_a_stream_that_can_be_read_once_is_learnt_from(column, method):
    table = pa.table({"a": column})
    net = fd.BayesNet.from_edges([], ["a"])
    getattr(net, method)(pa.RecordBatchReader.from_batches(table.schema, table.to_batches()), prior=0.0)
    np.testing.assert_allclose(net["a"].table, [1 / 3, 2 / 3])


EMPTY_CELLS = {
    "list": ["", "x"],
    "pandas": pd.Series(["", "x"]),
    "categories": pd.Categorical(["", "x"]),
    "polars": pl.Series(["", "x"]),
    "Arrow": pa.array(["", "x"]),
    "a dictionary with NaN": pa.array([np.nan, 1.0]).dictionary_encode(),
    "a dictionary with null": pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array([None, "x"])),
}


@pytest.mark.parametrize("column", EMPTY_CELLS.values(), ids=EMPTY_CELLS.keys())
def test_empty_cells_are_missing_and_no_state(column):
    """pyarrow reads the empty cells of a CSV file as empty strings, pandas and polars as missing values."""
    net = fd.BayesNet.from_edges([], ["x"])
    with pytest.raises(fd.MissingValuesError, match="column 'x', row 0 is missing"):
        net.partial_fit({"x": column})
    assert not net.is_fitted
    assert len(net.fit({"x": column}).states["x"]) == 1  # what the other row says


def test_an_empty_name_can_be_a_state_that_was_named():
    net = fd.BayesNet.from_edges([], ["x"], {"x": ["", "x"]}).fit({"x": ["", "x", "x"]}, prior=0.0)
    np.testing.assert_allclose(net["x"].table, [1 / 3, 2 / 3])
    samples = net.sample(20, seed=0)
    assert fd.BayesNet.from_edges([], ["x"]).fit(samples).states["x"] == ("", "x")


def test_members_of_a_text_enumeration_go_by_value():
    colours = list(Enum("Colour", {"RED": "red", "BLUE": "blue"}, type=str))
    assert learnt(colours) == learnt(pd.Categorical(colours)) == ("blue", "red")


# --- real variables ------------------------------------------------------------------------------------------------

REAL_COLUMNS = {
    "list": [0.0, 1.5],
    "array": np.array([0.5, 1], np.float32),
    "pandas": pd.Series([0.5, 1.0]),
    "nullable": pd.Series([0.5, 1.0], dtype="Float64"),
    "pandas of Arrow": pd.Series([0.5, 1.0], dtype="float[pyarrow]"),
    "polars": pl.Series([0.5, 1.0]),
    "arrow": pa.array([0.5, 1.0]),
    "a later chunk": pa.chunked_array([[0.0, 1.0], [2.5]]),
    "beside infinity": [0.5, float("inf")],  # refused when it is read
    "negative": [-0.5, -3.0],
}


@pytest.mark.parametrize("kind", REAL_COLUMNS)
def test_columns_with_fractions_are_real(kind):
    assert infer_variables({"x": REAL_COLUMNS[kind]}, {}, ["x"]) == {"x": Real()}


@pytest.mark.parametrize(
    "column", [[0.0, 2.0], np.array([0, 2], np.float32), pd.Series([0.0, 2.0]), pl.Series([0.0, 2.0])]
)
def test_whole_floats_are_codes(column):
    assert learnt(column) == ("0", "1", "2")


def test_whole_floats_that_are_no_codes_name_the_fix():
    for column in ([1.0, 2.0], [-3.0, 0.0], [0.0, 1e6]):
        with pytest.raises(ValueError, match=r"codes"):
            learnt(column)
    with pytest.raises(ValueError, match=r"for real numbers, from_edges\(..., real=\[...\]\)"):
        learnt([1990.0, 2020.0])


def test_missing_values_beside_fractions_are_left_out():
    for column in ([0.5, None, 1.0], np.array([0.5, np.nan, 1.0]), pl.Series([0.5, None, 1.0])):
        assert fd.BayesNet.from_edges([], ["x"]).fit({"x": column})["x"].intercept == 0.75


@pytest.mark.parametrize(
    "data",
    [
        {"x": np.zeros((2, 3)), "z": ["a", "b"]},
        {"x[0]": [0, 1], "x[1]": [2, 3], "x[2]": [2, 3], "z": ["a", "b"]},
        pd.DataFrame({"z": ["a", "b"], "x[0]": [0.5, 1], "x[1]": [2, 3], "x[2]": [2, 3]}),
    ],
    ids=["array", "columns", "frame"],
)
def test_vectors(data):
    assert infer_variables(data, {}, ["z", "x"]) == {"z": Discrete(("a", "b")), "x": Real((3,))}


def test_known_variables_stay():
    known = {"x": Real(), "v": Real((2,)), "z": Discrete(("b", "a"))}
    data = {"x": [1, 2], "v": [[1, 2], [3, 4]], "z": ["a", "b"], "new": [0.5, 0.25]}
    assert infer_variables(data, known, ["x", "v", "new", "z"]) == {**known, "new": Real()}


def test_fit_learns_which_variables_are_real():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 500)
    x = rng.normal(3.0 * z, 0.5)
    year = rng.integers(1990, 2020, 500)
    net = fd.BayesNet.from_edges([("z", "x"), ("z", "year")], real=["year"])
    rows = np.column_stack([z, x, year])
    for data in ({"z": z, "x": x, "year": year}, pd.DataFrame({"year": year, "z": z, "x": x}), rows, rows.tolist()):
        net.fit(data)
        assert net.variables == {"z": Discrete(("0", "1")), "x": Real(), "year": Real()}
        np.testing.assert_allclose(net["x"].intercept, [x[z == k].mean() for k in (0, 1)], rtol=1e-9)
        np.testing.assert_allclose(net["year"].intercept, [year[z == k].mean() for k in (0, 1)], rtol=1e-9)
    net.fit({"z": z, "x": z, "year": year})  # afresh: what is not declared is learnt anew
    assert net.variables["x"] == Discrete(("0", "1"))


def test_rows_with_unknown_labels_are_dropped_beside_reals():
    net = fd.BayesNet.from_edges([("z", "x")], states={"z": ["a", "b"]})
    data = {"z": ["a", "q", "b", "a", "b", "b", "a"], "x": [0.5, 99.0, 3.5, 1.5, 2.5, 3.0, 1.0]}
    with pytest.warns(UserWarning, match="1 of 7 rows hold a label that is no state"):
        net.fit(data, unknown="drop")
    np.testing.assert_allclose(net["x"].intercept, [1.0, 3.0])
