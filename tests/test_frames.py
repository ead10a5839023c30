"""Tables in and out: every kind of table gives the same codes, and what could be misread is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared
from tables import encode_table

import fastdgm as fd
from fastdgm.data.labels import codes_are_ambiguous
from fastdgm.data.learnt_variables import infer_variables
from fastdgm.data.samples import Samples
from fastdgm.data.tables import TableReader
from fastdgm.data.variables import Discrete
from fastdgm.errors import MissingValuesError, UnknownNameError

STATES = {"rain": ("no", "yes"), "age": ("<5", "5-12", "12+", "Asy/Patch"), "wet": ("False", "True")}
CODES = np.array([[0, 1, 1, 0, 1], [3, 0, 2, 1, 0], [1, 0, 0, 1, 1]], np.uint8)


def labels_of(codes, states):
    return {name: [own[k] for k in row] for (name, own), row in zip(states.items(), codes, strict=True)}


def encode(data, states=STATES, dtype=np.uint8):
    return encode_table(data, states, dtype)


def encode_one(column, states=("a", "b", "c"), **options):
    return encode({"x": column}, {"x": states}, **options)[0].tolist()


LABELS = labels_of(CODES, STATES)
SAMPLES = Samples(CODES.copy(), STATES)
ARROW = pa.table(LABELS)

TABLES = {
    "mapping of lists": LABELS,
    "mapping of tuples": {name: tuple(column) for name, column in LABELS.items()},
    "mapping of dict values": {name: dict(enumerate(column)).values() for name, column in LABELS.items()},
    "mapping of str arrays": {name: np.array(column) for name, column in LABELS.items()},
    "mapping of object arrays": {name: np.array(column, object) for name, column in LABELS.items()},
    "mapping of StringDType": {name: np.array(column, np.dtypes.StringDType()) for name, column in LABELS.items()},
    "mapping of Series": {name: pd.Series(column) for name, column in LABELS.items()},
    "mapping of polars Series": {name: pl.Series(column) for name, column in LABELS.items()},
    "mapping of Arrow arrays": {name: pa.array(column) for name, column in LABELS.items()},
    "mapping of Categorical": {name: pd.Categorical(column) for name, column in LABELS.items()},
    "mapping of Index": {name: pd.Index(column) for name, column in LABELS.items()},
    "mapping of codes": {name: row.astype(np.int64) for name, row in zip(STATES, CODES, strict=True)},
    "mapping of Python ints": {name: row.tolist() for name, row in zip(STATES, CODES, strict=True)},
    "mapping of whole floats": {name: row.astype(np.float32) for name, row in zip(STATES, CODES, strict=True)},
    "big-endian codes": {name: row.astype(">i4") for name, row in zip(STATES, CODES, strict=True)},
    "strided codes": dict(zip(STATES, np.repeat(CODES, 2, axis=1)[:, ::2], strict=True)),
    "pandas str": pd.DataFrame(LABELS, dtype="str"),
    "pandas object": pd.DataFrame(LABELS, dtype=object),
    "pandas category": pd.DataFrame(LABELS, dtype="category"),
    "pandas Arrow string": pd.DataFrame(LABELS, dtype=pd.ArrowDtype(pa.string())),
    "pandas Int64": pd.DataFrame(dict(zip(STATES, CODES, strict=True)), dtype="Int64"),
    "pandas codes": pd.DataFrame(CODES.T, columns=list(STATES)),
    "polars String": pl.DataFrame(LABELS),
    "polars Categorical": pl.DataFrame(LABELS, schema=dict.fromkeys(STATES, pl.Categorical)),
    "polars Enum": pl.DataFrame(LABELS, schema={name: pl.Enum(own) for name, own in STATES.items()}),
    "polars codes": pl.DataFrame(dict(zip(STATES, CODES, strict=True))),
    "Arrow strings": ARROW,
    "Arrow batch": ARROW.to_batches()[0],
    "Arrow dictionaries": pa.table({name: pa.array(column).dictionary_encode() for name, column in LABELS.items()}),
    "Arrow chunks": pa.concat_tables([ARROW.slice(0, 2), ARROW.slice(2)]),
    "Arrow large_string": ARROW.cast(pa.schema([(name, pa.large_string()) for name in STATES])),
    "Arrow codes": pa.table(dict(zip(STATES, CODES, strict=True))),
    "Samples": SAMPLES,
    "Samples to pandas": SAMPLES.to_pandas(),
    "Samples to Arrow": SAMPLES.to_arrow(),
    "Samples to polars": pl.DataFrame(SAMPLES),
    "Samples with more states, in another order": Samples(
        (3 - CODES).astype(np.uint8), {name: ((*own, "unused", "x")[:4])[::-1] for name, own in STATES.items()}
    ),
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_of_table_gives_the_same_codes(kind):
    block = encode(TABLES[kind])
    np.testing.assert_array_equal(block, CODES)
    assert block.dtype == np.uint8
    assert block.flags.c_contiguous
    assert block.flags.writeable


@pytest.mark.parametrize("kind", TABLES)
def test_any_part_of_a_table_can_be_read(kind):
    reader = TableReader(TABLES[kind], STATES, np.uint16)
    assert reader.n_rows == 5
    for begin in range(6):
        for end in range(begin, 6):
            np.testing.assert_array_equal(reader.read(begin, end), CODES[:, begin:end])


def test_columns_are_matched_by_name():
    frame = pd.DataFrame(LABELS)[["wet", "rain", "age"]]
    np.testing.assert_array_equal(encode(frame), CODES)


def test_a_fresh_block_leaves_the_data_alone():
    column = np.array([0, 1], np.uint8)
    encode({"x": column}, {"x": ("a", "b")})[:] = 1
    assert column.tolist() == [0, 1]


@pytest.mark.parametrize(
    "empty", [pd.DataFrame(columns=list(STATES)), {name: [] for name in STATES}, ARROW.slice(0, 0)]
)
def test_no_rows_are_fine(empty):
    assert encode(empty).shape == (3, 0)


# --- names of columns ------------------------------------------------------------------------------------------


def test_an_unknown_column_is_named():
    with pytest.raises(UnknownNameError, match=r"the model has no variable \['rainy'\] and the data has no column"):
        encode({"rainy" if name == "rain" else name: column for name, column in LABELS.items()})


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match=r"the data has no column \['wet'\]"):
        encode(pd.DataFrame(LABELS).drop(columns="wet"))


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_repeated_columns_are_refused(library):
    arrays = [pa.array(["a"]), pa.array(["b"])]
    table = pa.Table.from_arrays(arrays, names=["x", "x"])
    data = pd.DataFrame([["a", "b"]], columns=["x", "x"]) if library == "pandas" else table
    with pytest.raises(ValueError, match="column names must be distinct, got 'x' twice"):
        encode(data, {"x": ("a", "b")})


def test_ragged_columns_are_refused():
    with pytest.raises(ValueError, match="'x' has 2 rows, 'y' has 1"):
        encode({"x": [0, 1], "y": [0]}, {"x": ("a", "b"), "y": ("a", "b")})


@pytest.mark.parametrize("data", [[[0, 1]], "x", None, pl.LazyFrame({"x": [0]})])
def test_what_is_no_table_is_refused(data):
    with pytest.raises(TypeError, match="data with named columns is a mapping"):
        encode(data, {"x": ("a", "b")})


@pytest.mark.parametrize("column", ["abc", b"abc", 3, (k for k in range(3)), {0, 1}, {0: 1}])
def test_what_is_no_column_is_refused(column):
    with pytest.raises(TypeError, match="a column is a sequence of values, 'x' is"):
        encode_one(column)


def test_a_column_has_one_dimension():
    with pytest.raises(ValueError, match=r"one dimension, 'x' has shape \(2, 2\)"):
        encode_one(np.zeros((2, 2), int))


# --- values ----------------------------------------------------------------------------------------------------

MISSING = {
    "None among labels": ["a", None],
    "NaN among labels": ["a", float("nan")],
    "NaN among floats": [0.0, float("nan")],
    "None among codes": [0, None],
    "empty string": ["a", ""],
    "-1": [0, -1],
    "-1.0": [0.0, -1.0],
    "int8 -1": np.array([0, -1], np.int8),
    "uint8 255": np.array([0, 255], np.uint8),
    "uint64 all ones": np.array([0, 2**64 - 1], np.uint64),
    "masked": np.ma.MaskedArray([0, 1], mask=[False, True]),
    "pandas NA": pd.array([0, None], dtype="Int64"),
    "pandas NA among objects": pd.Series(["a", pd.NA], dtype=object),
    "pandas NA among bools": pd.array([True, None], dtype="boolean"),
    "pandas NaN": pd.Series([0.0, np.nan]),
    "pandas str": pd.Series(["a", None], dtype="str"),
    "pandas category": pd.Series(["a", None], dtype="category"),
    "pandas NaT": pd.Series([pd.NaT, pd.NaT])[:1].repeat(2),
    "object array": np.array(["a", None], object),
    "Arrow null": pa.array(["a", None]),
    "Arrow null code": pa.array([0, None]),
    "Arrow null index": pa.array(["a", None]).dictionary_encode(),
    "Arrow null label": pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", None])),
    "Arrow nulls only": pa.chunked_array([pa.array(["a"]), pa.array([None], pa.string())]),
    "polars null": pl.Series(["a", None]),
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_values_are_named_and_refused(kind):
    row = 0 if kind == "pandas NaT" else 1
    with pytest.raises(MissingValuesError, match=rf"not supported yet .* column 'x', row {row}"):
        encode_one(MISSING[kind])


UNKNOWN = {
    "list": ["a", "q"],
    "str array": np.array(["a", "q"]),
    "category": pd.Series(["a", "q"], dtype="category"),
    "pandas str": pd.Series(["a", "q"]),
    "Arrow": pa.chunked_array([["a"], ["q"]]),
    "polars": pl.Series(["a", "q"], dtype=pl.Categorical),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_unknown_label_is_named(kind):
    with pytest.raises(UnknownNameError, match=r"column 'x', row 1: 'q' is no state, the 3 states are"):
        encode_one(UNKNOWN[kind])


@pytest.mark.parametrize("column", [[0, 3], [0, -2], np.array([0, 3], np.uint8), [0.0, 3.0], pa.array([0, 3])])
def test_a_code_out_of_range_is_named(column):
    with pytest.raises(ValueError, match=r"codes of 'x' run from 0 to 2 .*: row 1 is (3|-2)"):
        encode_one(column)


@pytest.mark.parametrize("huge", [2**63, -(2**70), 10**400])
def test_huge_integers_are_refused(huge):
    with pytest.raises(ValueError, match=r"column 'x', row 1: .* is too large for a code"):
        encode_one([0, huge])


@pytest.mark.parametrize("value", [0.5, float("inf"), 1e300])
def test_floats_must_be_whole(value):
    with pytest.raises(ValueError, match="must be whole: column 'x', row 1 is"):
        encode_one([0.0, value])


@pytest.mark.parametrize(
    "column",
    [["a", 1], [True, 1], np.array([1j, 0]), np.array(["2020-01-01"], "M8[D]"), [b"a"], [object()], pa.array([b"a"])],
)
def test_values_of_another_kind_are_refused(column):
    with pytest.raises(TypeError, match="column 'x' holds"):
        encode_one(column)


def test_unused_categories_may_be_unknown():
    column = pd.Categorical(["b", "a"], categories=["zzz", "a", "b"])
    assert encode_one(column) == [1, 0]
    assert encode_one(pd.Categorical(["b", "a"], categories=["a", "b", "zzz"]), states=("a", "b")) == [1, 0]


def test_a_damaged_dictionary_is_refused():
    column = pa.DictionaryArray.from_arrays(pa.array([0, 7], pa.int8()), pa.array(["a", "b"]), safe=False)
    with pytest.raises(ValueError, match="damaged: row 1 refers to label 7 of 2"):
        encode_one(column)


@pytest.mark.parametrize("order", [1, -1])
def test_many_categories_go_through_wide_indices(order):
    states = tuple(f"s{k}" for k in range(1000))
    codes = np.arange(1000)[::-1]
    column = pd.Categorical.from_codes(codes if order == 1 else 999 - codes, categories=states[::order])
    np.testing.assert_array_equal(encode({"x": column}, {"x": states}, np.uint16)[0], codes)


# --- booleans and integers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [list, np.array, pd.Series, pl.Series, pa.array, pd.Categorical])
@pytest.mark.parametrize("states", [("False", "True"), ("True", "False"), ("false", "true"), ("x", "TRUE", "FALSE")])
def test_booleans_match_false_and_true(make, states):
    lower = [state.lower() for state in states]
    assert encode_one(make([True, False]), states) == [lower.index("true"), lower.index("false")]


@pytest.mark.parametrize(
    "states", [("no", "yes"), ("0", "1"), ("true", "TRUE", "no"), ("true", "True", "False"), ("False", "True", "1")]
)
def test_booleans_need_one_state_that_reads_so(states):
    """CSV readers take any case of True for the boolean, and pyarrow takes 1 for it beside one of them."""
    with pytest.raises(UnknownNameError, match="booleans match the states False and True, but 'x' has"):
        encode_one([True, True], states)


@pytest.mark.parametrize(
    ("states", "ambiguous"),
    [
        (("0", "1", "2"), False),
        (("1", "2"), True),
        (("2", "1", "0"), True),
        (("3", "x"), True),
        (("1", "2", "3+"), True),
        (("0", "1", "2+"), False),
        (("<5", "5-12", "12+"), False),
        (("9" * 5000, "x"), False),
        (("-1", "0"), True),
        (("1_1", "1_2"), False),
        (("00", "01"), False),
        (("٣",), False),
    ],
)
def test_which_state_names_make_codes_ambiguous(states, ambiguous):
    assert codes_are_ambiguous(states) is ambiguous


@pytest.mark.parametrize("column", [[1, 2], [1.0, 2.0], np.array([1]), pd.Series([1]), pa.array([1]), pl.Series([1])])
def test_ambiguous_integers_are_refused_with_the_fix(column):
    with pytest.raises(ValueError, match=r"could be codes or the state names .*astype\(str\).*np\.asarray\(frame\)"):
        encode_one(column, ("1", "2", "3"))


def test_one_name_that_reads_as_another_code_is_enough():
    with pytest.raises(ValueError, match="could be codes or the state names"):
        encode_one([1, 2], ("1", "2", "3+"))
    assert encode_one([1, 2], ("<5", "5-12", "12+")) == [1, 2]


def test_an_empty_string_may_be_a_state():
    assert encode_one(["", "a"], ("a", "")) == [1, 0]


def test_labels_that_look_like_integers_go_by_name():
    assert encode_one(["2", "1"], ("1", "2")) == [1, 0]
    assert encode_one(pd.Categorical([2, 1]), ("1", "2")) == [1, 0]
    assert encode_one(["0012", "12"], ("12", "0012")) == [1, 0]


# --- states that nobody named ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "states"),
    [
        (["b", "a", "b"], ("a", "b")),
        (np.array(["b", "a"]), ("a", "b")),
        (pa.chunked_array([["c"], ["a"]]), ("a", "c")),
        (pd.Series(["b", "a"]), ("a", "b")),
        (pd.Categorical(["b", "a"], categories=["b", "a", "never"]), ("a", "b", "never")),
        (pd.Categorical(["b", "a"], categories=["b", "a", "never"], ordered=True), ("b", "a", "never")),
        (pl.Series(["b", "a"], dtype=pl.Enum(["b", "c", "a"])), ("b", "c", "a")),
        ([True, True], ("False", "True")),
        ([2, 0], ("0", "1", "2")),
        ([2.0, 0.0], ("0", "1", "2")),
        (np.array([1, 0], np.uint8), ("0", "1")),
    ],
)
def test_states_are_inferred(column, states):
    assert infer_variables({"x": column}, {}, ["x"]) == {"x": Discrete(states)}


def test_known_states_are_kept():
    known = {"x": Discrete(("b", "a"))}
    expected = {"x": Discrete(("b", "a")), "y": Discrete(("q",))}
    assert infer_variables({"x": ["a"], "y": ["q"]}, known, ["x", "y"]) == expected


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([], "cannot be learnt from a column of no rows"),
        ([0, -1], "missing"),
        (["a", None], "missing"),
        (pd.Categorical(["a", None]), "missing"),
        ([0, -3], "row 1 is -3"),
        ([0, 70_000], "row 1 is 70000"),
        ([1.0, float("inf")], "must be whole"),
        ([str(k) for k in range(65_536)], "at most 65535 states"),
    ],
)
def test_states_that_cannot_be_inferred(column, message):
    with pytest.raises(ValueError, match=message):
        infer_variables({"x": column}, {}, ["x"])


# --- samples as frames -----------------------------------------------------------------------------------------

NAMES = st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable())  # surrogates are no text


@st.composite
def samples(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    states = {name: tuple(draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))) for name in names}
    n = draw(st.integers(0, 6))
    rows = [draw(st.lists(st.integers(0, len(own) - 1), min_size=n, max_size=n)) for own in states.values()]
    return Samples(np.array(rows, np.uint8).reshape(len(states), n), states)


@given(samples())
def test_samples_survive_every_table_and_back(x):
    arrow = x.to_arrow()
    tables = [x, x.to_pandas(), arrow, arrow.to_pandas(), pl.DataFrame(x)]
    tables += [pl.DataFrame(labels_of(x.block, x.states), schema={k: pl.Enum(v) for k, v in x.states.items()})]
    for table in tables:
        np.testing.assert_array_equal(encode(table, x.states), x.block)
    for table in (x.to_pandas(), arrow, tables[-1]):
        assert infer_variables(table, {}, x.names) == x.schema.variables
    assert infer_variables(x, {}, x.names) == x.schema.variables


@pytest.mark.parametrize("n_states", [2, 126, 127, 128, 129, 256, 257, 40_000])
def test_samples_with_many_states_round_trip(n_states):
    dtype = np.uint8 if n_states <= 256 else np.uint16
    x = Samples(np.arange(n_states, dtype=dtype)[None], {"x": tuple(f"s{k}" for k in range(n_states))})
    for table in (x.to_pandas(), x.to_arrow(), pl.DataFrame(x)):
        np.testing.assert_array_equal(encode(table, x.states, dtype), x.block)


def test_arrow_tables_share_the_codes():
    table = SAMPLES.to_arrow()
    for name, codes in SAMPLES.items():
        assert table[name].chunk(0).indices.buffers()[1].address == codes.ctypes.data


def test_frames_of_samples_may_be_edited():
    x = fd.example("cancer").sample(10, seed=0)
    before = x.block.copy()
    frame = x.to_pandas()
    frame.loc[0:3, "Smoker"] = None
    frame["Cancer"] = frame["Cancer"].cat.rename_categories(str.upper)
    frame.loc[5, "Xray"] = "negative"
    assert frame["Smoker"].isna().sum() == 4
    assert frame["Xray"][5] == "negative"
    np.testing.assert_array_equal(x.block, before)
    codes = x.to_pandas()["Smoker"].cat.codes.to_numpy()
    assert not np.shares_memory(codes, x.block)


def test_a_frame_of_samples_has_the_labels():
    assert SAMPLES.to_pandas().astype(str).to_dict("list") == LABELS
    assert SAMPLES.to_arrow().to_pydict() == LABELS


@pytest.mark.parametrize("name", ["child", "pigs", "link", "mildew"])
def test_frames_of_real_networks_score_as_their_codes(name):
    net = fd.read(shared(f"bif/{name}.bif.gz"))
    x = net.sample(200, seed=0)
    expected = net.log_prob(x)
    frame = x.to_pandas()
    for data in (np.asarray(x), frame, frame.astype(str).iloc[:, ::-1], x.to_arrow(), pl.DataFrame(x)):
        np.testing.assert_array_equal(net.log_prob(data), expected)


@pytest.mark.parametrize("name", ["link", "munin1"])
def test_codes_in_a_frame_of_such_a_network_are_refused(name):
    net = fd.read(shared(f"bif/{name}.bif.gz"))
    x = net.sample(10, seed=0)
    for data in (dict(x.items()), pd.DataFrame(np.asarray(x), columns=list(x.names))):
        with pytest.raises(ValueError, match="could be codes or the state names"):
            net.log_prob(data)


INDEXES = [[3, 1], ["k", "l"], pd.CategoricalIndex(["k", "l"]), pd.MultiIndex.from_arrays([[3, 1], ["k", "l"]])]


@pytest.mark.parametrize("index", INDEXES)
@pytest.mark.parametrize("name", [None, "id"])
def test_the_index_of_a_frame_is_no_column_in_arrow_either(index, name):
    net = fd.BayesNet.from_edges([("a", "b")], states={"a": ["x", "y"], "b": ["u", "v"]})
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["v", "u"]}, index)
    frame.index.names = [name, *frame.index.names[1:]]
    table = pa.Table.from_pandas(frame)
    assert len(table.column_names) > 2
    net.fit(table)
    np.testing.assert_array_equal(net.log_prob(table), net.log_prob(frame))
    learnt = fd.BayesNet.from_edges([("a", "b")]).fit(table)
    assert learnt.states == net.states | {"b": ("u", "v")}


@pytest.mark.parametrize("name", ["__index_level_0__", "Unnamed: 0", ""])
@pytest.mark.parametrize("make", [lambda x: x, lambda x: pl.DataFrame(x.to_dict("list")), pa.Table.from_pandas])
def test_the_index_that_files_of_pandas_hold_is_no_column(name, make):
    net = fd.BayesNet.from_edges([("a", "b")], states={"a": ["x", "y"], "b": ["u", "v"]})
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["v", "u"]})
    table = make(pd.concat([pd.DataFrame({name: ["3", "4"]}), frame], axis=1))
    np.testing.assert_array_equal(net.fit(table).log_prob(table), net.log_prob(frame))
    own = fd.BayesNet({name: fd.Categorical([0.5, 0.5], ["3", "4"])})  # unless it is a variable
    np.testing.assert_allclose(own.log_prob(make(pd.DataFrame({name: ["3", "4"]}))), np.log(0.5))
    with pytest.raises(UnknownNameError, match="no variable"):  # a later one is no index
        net.log_prob(make(frame.assign(**{"Unnamed: 0" if name else "c": 0})))


LAZY = {
    "polars lazy": lambda x: pl.LazyFrame(x),
    "Arrow dataset": ds.dataset,
    "Arrow scanner": lambda x: ds.dataset(x).scanner(),
    "Arrow reader": lambda x: x.to_reader(max_chunksize=2),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", LAZY)
def test_lazy_tables_are_read_once(kind):
    net = fd.BayesNet.from_edges([("rain", "age")], STATES, STATES).fit(SAMPLES)
    np.testing.assert_array_equal(net.log_prob(LAZY[kind](ARROW)), net.log_prob(SAMPLES))
    for states in (STATES, None):
        learnt = fd.BayesNet.from_edges([("rain", "age")], STATES, states).fit(LAZY[kind](ARROW))
        assert learnt["rain"] == net["rain"]


def test_an_index_of_a_variable_s_name_is_its_column():
    net = fd.BayesNet({"a": fd.Bernoulli(0.2), "b": fd.Bernoulli(0.4)})
    table = pa.Table.from_pandas(pd.DataFrame({"b": [0, 1]}, pd.Index([1, 1], name="a")))
    np.testing.assert_allclose(net.log_prob(table), np.log([0.2 * 0.6, 0.2 * 0.4]))


@pytest.mark.parametrize("metadata", [b"", b"{", b"[]", b"\xff", b'{"index_columns": 5}', b"[" * 100_000])
def test_metadata_that_pandas_did_not_write_is_left_alone(metadata):
    table = pa.table({"a": [0, 1]}).replace_schema_metadata({b"pandas": metadata})
    net = fd.BayesNet({"a": fd.Bernoulli(0.2)})
    np.testing.assert_allclose(net.log_prob(table), np.log([0.8, 0.2]))
