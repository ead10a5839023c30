"""Frames into the autoregressive models: every kind gives the same numbers, columns go by name, errors name them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

import fastdgm as fd
from fastdgm.autoregressive.base import AutoregressiveModel

X = np.random.default_rng(0).integers(0, 2, (50, 4))
FRAME = pd.DataFrame(X, columns=list("abcd"))
COLUMNS = FRAME.to_dict("list")
ARROW = pa.table(COLUMNS)
BOOLEAN = {name: [bool(value) for value in column] for name, column in COLUMNS.items()}

MAKE = {
    "MADE": lambda: fd.MADE(4, (8,), seed=0, order=[2, 0, 3, 1]),
    "FVSBN": lambda: fd.FVSBN(4, order="reversed"),
    "NADE": lambda: fd.NADE(4, 3, order=[1, 3, 0, 2]),
    "MarkovChain": lambda: fd.MarkovChain(1, n_vars=4, n_states=2, position_dependent=True),
}

FRAMES = {
    "pandas": FRAME,
    "pandas bool": FRAME.astype(bool),
    "pandas bool and int8": FRAME.astype({"a": bool, "b": "int8"}),
    "pandas int and float": FRAME.astype({"a": "uint8", "b": "float32"}),
    "pandas Int64": FRAME.astype("Int64"),
    "pandas boolean": FRAME.astype("boolean"),
    "pandas Float64": FRAME.astype("Float64"),
    "pandas nullable and not": FRAME.astype({"a": "Int64", "b": "float32", "c": "boolean"}),
    "pandas of Arrow": FRAME.astype("int64[pyarrow]"),
    "pandas of Arrow bool": FRAME.astype("bool[pyarrow]"),
    "pandas category": FRAME.astype("category"),
    "pandas category of booleans": FRAME.astype(bool).astype("category"),
    "pandas category in another order": FRAME.astype(pd.CategoricalDtype([1, 7, 0])),
    "pandas objects": FRAME.astype(object),
    "pandas objects bool": FRAME.astype(bool).astype(object),
    "pandas sparse": FRAME.astype(pd.SparseDtype("int64", 0)),
    "polars": pl.DataFrame(COLUMNS),
    "polars bool and int": pl.DataFrame({**COLUMNS, "b": BOOLEAN["b"]}),
    "polars lazy": pl.LazyFrame(COLUMNS),
    "Arrow": ARROW,
    "Arrow bool": pa.table(BOOLEAN),
    "Arrow batch": ARROW.to_batches()[0],
    "Arrow chunks": pa.concat_tables([ARROW.slice(0, 20), ARROW.slice(20)]),
    "Arrow dictionaries": pa.table({name: pa.array(column).dictionary_encode() for name, column in COLUMNS.items()}),
    "Arrow dataset": ds.dataset(ARROW),
    "mapping": COLUMNS,
    "mapping of arrays": {name: np.array(column, np.uint8) for name, column in COLUMNS.items()},
    "Samples": fd.Samples(np.ascontiguousarray(X.T.astype(np.uint8)), dict.fromkeys("abcd", ("no", "yes"))),
}


def fitted(make, data) -> AutoregressiveModel:
    model = make()
    return model.fit(data) if isinstance(model, fd.MarkovChain) else model.fit(data, epochs=1, progress=False)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_of_frame_gives_the_numbers_of_the_array(kind):
    model = fd.MADE(4, (8,), seed=0)
    np.testing.assert_array_equal(model.log_prob(FRAMES[kind]), model.log_prob(X))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", FRAMES)
@pytest.mark.parametrize("family", ["FVSBN", "MarkovChain"])
def test_every_kind_of_frame_can_be_learnt_from(kind, family):
    if kind.startswith("mapping") and family == "MarkovChain":
        pytest.skip("a mapping is counts of sequences")
    model = fitted(MAKE[family], FRAMES[kind])
    np.testing.assert_array_equal(model.log_prob(X), fitted(MAKE[family], X).log_prob(X))
    assert model.names == tuple("abcd")


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, pa.table, dict], ids=["pandas", "polars", "arrow", "dict"]
)
def test_real_numbers_in_frames(make):
    x = np.random.default_rng(1).normal(size=(30, 2))
    model = fd.MADE(2, (4,), head="normal", seed=0)
    frame = make({"u": x[:, 0], "v": x[:, 1].astype(np.float32)})
    np.testing.assert_allclose(model.log_prob(frame), model.log_prob(x), rtol=1e-5)
    with pytest.raises(ValueError, match=r"x must hold finite numbers, got inf in row 0, variable 0 \('u'\)"):
        model.log_prob(make({"u": np.array([np.inf]), "v": np.zeros(1)}))


def test_a_stream_is_read_once():
    model = fitted(MAKE["FVSBN"], ARROW.to_reader())
    assert model.names == tuple("abcd")
    np.testing.assert_array_equal(model.log_prob(ARROW.to_reader(max_chunksize=7)), model.log_prob(X))


# --- columns by name -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", MAKE)
def test_columns_are_matched_by_name(family):
    model = fitted(MAKE[family], FRAME)
    expected = model.log_prob(X)
    for clone in (model, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert clone.names == tuple("abcd")
        for kind in ("pandas", "pandas boolean", "polars", "Arrow", "Samples"):
            frame = FRAMES[kind]
            other = pl.DataFrame(frame)[["d", "b", "a", "c"]] if kind == "Samples" else frame
            other = other.select(list("dbac")) if kind in ("polars", "Arrow") else other
            other = other[list("dbac")] if kind.startswith("pandas") else other
            if kind != "Samples":
                np.testing.assert_array_equal(clone.log_prob(other), expected)
        np.testing.assert_array_equal(clone.log_prob(X), expected)  # arrays by position
        np.testing.assert_array_equal(clone.log_prob(FRAME.set_axis(range(4), axis=1)), expected)


@pytest.mark.parametrize("family", MAKE)
def test_other_columns_are_refused(family):
    model = fitted(MAKE[family], FRAME)
    for frame, problem in (
        (FRAME.rename(columns={"a": "z"}), r"missing \['a'\], too many \['z'\]"),
        (FRAME.drop(columns="c"), r"missing \['c'\]; arrays"),
        (FRAME.assign(e=0, f=1), r"too many \['e', 'f'\]; arrays"),
    ):
        with pytest.raises(ValueError, match=f"x must have the columns of the data of fit.*{problem}"):
            model.log_prob(frame)
    repeated = pd.concat([FRAME, FRAME[["a"]]], axis=1).drop(columns="d")
    with pytest.raises(ValueError, match=r"distinct columns, to be matched by name, got 'a' twice"):
        model.log_prob(pd.concat([FRAME[["a"]], repeated], axis=1).iloc[:, :4])


def test_samples_are_a_frame_with_names():
    net = fd.markov_chain(["a", "b", "c"], [0.3, 0.7], [[0.9, 0.1], [0.2, 0.8]])
    x = net.sample(200, seed=0)
    model = fd.FVSBN(3).fit(x, epochs=2, progress=False)
    assert model.names == x.names
    other = fd.Samples(x.block[::-1].copy(), {name: x.states[name] for name in ("c", "b", "a")})
    np.testing.assert_array_equal(model.log_prob(other), model.log_prob(np.asarray(x)))


def test_a_model_without_names_takes_columns_by_position():
    model = fitted(MAKE["NADE"], X)
    assert model.names is None
    np.testing.assert_array_equal(model.log_prob(FRAME[list("dcba")]), model.log_prob(X[:, ::-1]))
    assert fitted(MAKE["NADE"], pd.DataFrame(X)).names is None


@pytest.mark.parametrize("family", MAKE)
def test_each_fit_learns_the_names_anew(family):
    model = fitted(MAKE[family], FRAME)
    refit = lambda data: fitted(lambda: model, data).names  # noqa: E731
    assert refit(FRAME[list("dcba")]) == tuple("dcba")
    assert refit(X) is None
    assert refit(FRAME) == tuple("abcd")


def test_a_fit_that_fails_keeps_the_names():
    model = fitted(MAKE["MADE"], FRAME)
    before = model.log_prob(X)
    for bad in (FRAME.rename(columns=str.upper) + 2, FRAME.rename(columns=str.upper).iloc[:0]):
        with pytest.raises(ValueError, match="train must"):
            model.fit(bad, epochs=1, progress=False)
    assert model.names == tuple("abcd")
    np.testing.assert_array_equal(model.log_prob(X), before)


def test_validation_rows_are_matched_by_the_names_of_the_training_rows():
    other = fd.FVSBN(4).fit(FRAME, FRAME[list("dcba")], epochs=2, progress=False)
    same = fd.FVSBN(4).fit(X, X, epochs=2, progress=False)
    assert [epoch["valid"] for epoch in other.history] == [epoch["valid"] for epoch in same.history]
    with pytest.raises(ValueError, match=r"valid must have the columns .* missing \['a'\]"):
        fd.FVSBN(4).fit(FRAME, FRAME.drop(columns="a"), epochs=1, progress=False)


@pytest.mark.parametrize("family", MAKE)
def test_a_prefix_has_the_first_names_of_the_order(family):
    model = fitted(MAKE[family], FRAME)
    order = model.order.tolist() if isinstance(model, AutoregressiveModel) else [0, 1, 2, 3]
    first = ["abcd"[variable] for variable in order[:2]]
    expected = model.sample(prefix=X[:, order[:2]], seed=3)
    np.testing.assert_array_equal(model.sample(prefix=FRAME[first[::-1]], seed=3), expected)
    with pytest.raises(ValueError, match="prefix must have the columns"):
        model.sample(prefix=FRAME[["abcd"[order[3]]]], seed=3)


@pytest.mark.parametrize("family", MAKE)
def test_files_keep_the_names(family, tmp_path):
    model = fitted(MAKE[family], FRAME)
    fd.write(model, tmp_path / "model.safetensors")
    read = fd.read(tmp_path / "model.safetensors")
    assert read.names == tuple("abcd")
    np.testing.assert_array_equal(read.log_prob(FRAME[list("badc")]), model.log_prob(X))
    fd.write(fitted(MAKE[family], X), tmp_path / "plain.safetensors")
    assert fd.read(tmp_path / "plain.safetensors").names is None


@pytest.mark.parametrize("names", ["abcd", list("abc"), list("abca"), [1, 2, 3, 4], {"a": 1}])
@pytest.mark.parametrize("family", ["MADE", "FVSBN", "NADE"])
def test_damaged_names_are_refused(family, names):
    structure, arrays = fitted(MAKE[family], FRAME)._state()
    with pytest.raises((ValueError, TypeError), match="columns must be"):
        type(MAKE[family]())._from_state({**structure, "names": names}, arrays)


def test_a_checkpoint_goes_on_whatever_the_columns_are_called(tmp_path):
    path = tmp_path / "run.safetensors"
    model = fd.FVSBN(4).fit(FRAME, epochs=2, checkpoint=path, progress=False)
    again = fd.FVSBN(4).fit(FRAME.rename(columns=str.upper), epochs=2, checkpoint=path, progress=False)
    assert (model.names, again.names) == (tuple("abcd"), tuple("ABCD"))
    model.fit(FRAME, epochs=2, checkpoint=path, progress=False)  # a fitted model goes on, too
    np.testing.assert_array_equal(model.log_prob(X), again.log_prob(X))


def test_the_torch_module_s_model_keeps_its_names():
    torch = pytest.importorskip("torch")
    model = fitted(MAKE["MADE"], FRAME)
    module = model.to_torch()
    module(torch.tensor(X)).sum().backward()
    assert model.names == module.model.names == tuple("abcd")
    twin = model.with_parameters(model.share_parameters())
    np.testing.assert_array_equal(twin.log_prob(FRAME[list("dcba")]), model.log_prob(X))


# --- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.astype("Int64").mask(FRAME.index.to_series() == 3),
        FRAME.astype("boolean").mask(FRAME.index.to_series() == 3),
        FRAME.astype("int64[pyarrow]").mask(FRAME.index.to_series() == 3),
        FRAME.astype("category").mask(FRAME.index.to_series() == 3),
        FRAME.astype(float).mask(FRAME.index.to_series() == 3),
        FRAME.astype(object).mask(FRAME.index.to_series() == 3, None),
        pl.DataFrame(COLUMNS).with_columns(a=pl.when(pl.int_range(50) != 3).then(pl.col("a"))),
        pa.table({**COLUMNS, "a": [None if i == 3 else 0 for i in range(50)]}),
        pa.table({**COLUMNS, "a": pa.array([None if i == 3 else 0 for i in range(50)]).dictionary_encode()}),
        pa.table({**COLUMNS, "a": pa.array([None if i == 3 else 0 for i in range(50)]).dictionary_encode("encode")}),
        FRAME.where(FRAME.index.to_series() != 3, -1),
    ],
)
@pytest.mark.parametrize("family", ["MADE", "MarkovChain"])
def test_missing_values_are_refused_with_row_and_column(frame, family):
    model = fitted(MAKE[family], X)
    with pytest.raises(fd.MissingValuesError, match=r"(?=.*row 3\b)(?=.*'a')"):
        model.log_prob(frame)
    with pytest.raises(fd.MissingValuesError, match=r"(?=.*row 3\b)(?=.*'a')"):
        fitted(MAKE[family], frame)


@pytest.mark.parametrize(
    "frame",
    [FRAME.astype({"c": str}), FRAME.astype({"c": str}).astype("category"), pl.DataFrame(FRAME.astype({"c": str}))],
)
def test_labels_are_refused_by_column(frame):
    with pytest.raises(TypeError, match=r"x must hold numbers, column 'c' holds the labels .*column.astype\(int\)"):
        fd.MADE(4, (8,)).log_prob(frame)
    with pytest.raises(TypeError, match=r"train must .* column 'c' .*\['n', 'y'\].*astype\(\"category\"\).cat.codes"):
        fd.MADE(4, (8,)).fit(FRAME.assign(c=["n", "y"] * 25), epochs=1)


def test_codes_out_of_range_are_named_by_column():
    with pytest.raises(ValueError, match=r"codes from 0 to 1, got 2 in row 1, variable 2 \('c'\)"):
        fd.MADE(4, (8,)).log_prob(FRAME.assign(c=FRAME["c"].where(FRAME.index != 1, 2)))
    with pytest.raises(TypeError, match="column 'c' holds type datetime64"):
        fd.MADE(4, (8,)).log_prob(FRAME.assign(c=pd.Timestamp("2020-01-01")))


def test_a_damaged_dictionary_is_refused():
    column = pa.DictionaryArray.from_arrays(pa.array([0, 5] * 25), pa.array([0, 1]), safe=False)
    with pytest.raises(ValueError, match="column 'a' is damaged"):
        fd.MADE(4, (8,)).log_prob(pa.table({**COLUMNS, "a": column}))


def test_the_wrong_number_of_columns_lists_them():
    with pytest.raises(ValueError, match=r"shape \(n_rows, 3\), got \(50, 4\), the columns \['a', 'b', 'c', 'd'\]"):
        fd.MADE(3, (8,)).log_prob(FRAME)
    with pytest.raises(ValueError, match="equally long"):
        fd.MADE(2, (8,)).log_prob({"a": [0], "b": [0, 1]})
    with pytest.raises(TypeError, match="a column is a sequence"):
        fd.MADE(2, (8,)).log_prob({"a": 0, "b": [0, 1]})


def test_images_are_made_rows_by_the_user():
    images = X.reshape(50, 2, 2)
    with pytest.raises(ValueError, match=r"got \(50, 2, 2\): make each image a row, as in x.reshape\(len\(x\), -1\)"):
        fd.MADE(4, (8,)).log_prob(images)
    with pytest.raises(ValueError, match=r"got \(50, 2, 1\)$"):
        fd.MADE(4, (8,)).log_prob(images[..., :1])


def test_prefixes_have_one_length():
    with pytest.raises(ValueError, match="prefix must have rows of one length: make one call for each length"):
        fd.MADE(4, (8,)).sample(prefix=[[0], [0, 1]])


def test_masked_entries_are_missing():
    with pytest.raises(fd.MissingValuesError, match="masked"):
        fd.MADE(4, (8,)).log_prob(np.ma.array(X, mask=X > 0))


@pytest.mark.parametrize("y", [np.zeros(50), pd.Series(np.zeros(50)), [0] * 50, FRAME["a"]])
def test_the_second_argument_of_fit_is_no_y(y):
    with pytest.raises(ValueError, match=r"one value per row of train: the second argument is no y"):
        fd.FVSBN(4).fit(FRAME, y, epochs=1, progress=False)
    assert fd.FVSBN(4).fit(FRAME, None, epochs=1, progress=False).names == tuple("abcd")


# --- what pandas adds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["__index_level_0__", "Unnamed: 0", ""])
@pytest.mark.parametrize(
    "make", [lambda x: x, lambda x: pl.DataFrame(x.to_dict("list")), lambda x: pa.table(x.to_dict("list"))]
)
def test_the_index_that_pandas_wrote_is_no_variable(name, make):
    frame = FRAME.copy()
    frame.insert(0, name, [f"row {i}" for i in range(50)])
    model = fitted(MAKE["FVSBN"], make(frame))
    assert model.names == tuple("abcd")
    np.testing.assert_array_equal(model.log_prob(make(frame)), model.log_prob(X))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pl.LazyFrame, pa.table])
def test_a_column_of_strings_goes_in_alone(make):
    with pytest.raises(TypeError, match=r"column 'name' holds the labels .* goes in alone, as data\['name'\]"):
        fd.MarkovChain(1).fit(make({"name": ["anna", "emma"]}))


def test_a_column_that_pandas_calls_index_is_one_where_the_model_knows_its_name():
    frame = pd.DataFrame({"a": [0, 1, 0], "b": [1, 1, 0]})
    model = fd.MADE(2, (4,), seed=0).fit(frame, epochs=1, progress=False)
    np.testing.assert_array_equal(model.log_prob(pa.Table.from_pandas(frame.set_index("a"))), model.log_prob(frame))
    with pytest.raises(ValueError, match="missing"):
        model.log_prob(pa.Table.from_pandas(frame[["b"]]))
