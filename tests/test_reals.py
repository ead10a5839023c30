"""Real variables at the boundary: every way in gives the same rows, and what is no row of reals is refused by name."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from toy_reals import Shifted, ShiftedEngine

import fastdgm as fd
from fastdgm.data.boundary import as_network_block
from fastdgm.data.reals import real_pieces
from fastdgm.engines.hybrid import ENGINES
from fastdgm.errors import MissingValuesError, UnknownNameError

N = 50


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(ENGINES, Shifted, ShiftedEngine)


def hybrid():
    """A vector and two scalars beside codes, whose order differs from that of the blocks."""
    return fd.BayesNet(
        {
            "x": Shifted(["z"], [-1, 2], size=3),
            "z": fd.CPT([], [0.4, 0.6], states=["no", "yes"]),
            "u": Shifted(["k"], [0, 5, 9]),
            "k": fd.CPT(["z"], [[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]], states=["a", "b", "c"]),
            "w": Shifted([], [0.5]),
        }
    )


def all_real():
    return fd.BayesNet({"a": Shifted([], [1.0]), "v": Shifted([], [2.0], size=2)})


def columns(x):
    """Plain arrays by name, labels for codes."""
    return {name: x.labels(name) if name in x.states else x[name] for name in x.names}


def complete(data, schema):
    """All rows, read by those who need every value, as ``fit`` does."""
    block = as_network_block(data, schema)
    return block.read(0, block.n)


def cells(frame_of, x):
    """A frame with one column for every number of a vector."""
    found = {}
    for name, column in columns(x).items():
        found |= {f"{name}[{i}]": own for i, own in enumerate(column.T)} if column.ndim == 2 else {name: column}
    return frame_of({name: np.ascontiguousarray(column) for name, column in found.items()})


WAYS_IN = {
    "mapping": columns,
    "mapping of lists": lambda x: {name: own.tolist() for name, own in columns(x).items()},
    "pandas, a column per number": lambda x: cells(pd.DataFrame, x),
    "pandas, shuffled": lambda x: cells(pd.DataFrame, x).iloc[:, ::-1],
    "pandas, nullable": lambda x: cells(pd.DataFrame, x).convert_dtypes(),
    "pandas, Arrow": lambda x: cells(pd.DataFrame, x).convert_dtypes(dtype_backend="pyarrow"),
    "pandas, objects": lambda x: cells(pd.DataFrame, x).astype(object),
    "pandas, vectors": lambda x: pd.DataFrame({n: list(c) if c.ndim == 2 else c for n, c in columns(x).items()}),
    "polars, a column per number": lambda x: cells(pl.DataFrame, x),
    "polars, arrays": lambda x: pl.DataFrame(
        {n: pl.Series(c, dtype=pl.Array(pl.Float32, 3)) if c.ndim == 2 else pl.Series(c) for n, c in columns(x).items()}
    ),
    "polars, lists": lambda x: pl.DataFrame({name: own.tolist() for name, own in columns(x).items()}),
    "polars, lazy": lambda x: cells(pl.DataFrame, x).lazy(),
    "arrow": lambda x: cells(pa.table, x),
    "arrow, chunks": lambda x: pa.concat_tables([cells(pa.table, x[:7]), cells(pa.table, x[7:])]),
    "arrow, batches": lambda x: cells(pa.table, x).to_reader(max_chunksize=9),
    "array": np.asarray,
    "array, columns": lambda x: np.asfortranarray(np.asarray(x)),
    "array, strided": lambda x: np.repeat(np.asarray(x), 2, axis=1)[:, ::2],
    "array, other bytes": lambda x: np.asarray(x).astype(">f8"),
    "array, objects": lambda x: np.asarray(x).astype(object),
    "masked array": lambda x: np.ma.array(np.asarray(x), mask=False),
    "list of rows": lambda x: np.asarray(x).tolist(),
    "tensor": lambda x: torch.from_numpy(np.asarray(x)),
    "tensors": lambda x: {name: torch.from_numpy(own.copy()) for name, own in x.items()},
    "tensor in a graph": lambda x: torch.from_numpy(np.asarray(x)).requires_grad_(),
    "samples of others": lambda x: columns(x) | {"w": x["w"].astype(np.float64)},
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_every_way_in_gives_the_same_rows(way):
    net = hybrid()
    x = net.sample(N, seed=0)
    expected = net.log_prob(x)
    found = net.log_prob(WAYS_IN[way](x))
    assert isinstance(found, torch.Tensor) == (way in ("tensor", "tensor in a graph"))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-6)
    terms = net.log_prob(WAYS_IN[way](x), per_variable=True)
    assert tuple(terms.shape) == (N, 5)
    np.testing.assert_allclose(np.asarray(terms).sum(axis=1), expected, rtol=1e-6)


REAL_WAYS_IN = {
    "rows": np.asarray,
    "rows, float64": lambda x: np.asarray(x, np.float64),
    "columns": lambda x: np.asarray(x).copy(order="F"),
    "rows that are strided": lambda x: np.repeat(np.asarray(x), 2, axis=0)[::2],
    "columns that are strided": lambda x: np.repeat(np.asarray(x), 2, axis=1).copy(order="F")[:, ::2],
    "slices of samples": lambda x: x[:],
    "tensor": lambda x: torch.from_numpy(np.asarray(x).copy()),
    "transposed tensor": lambda x: torch.from_numpy(x.block.copy()).T,
    "memory map": lambda x: np.asarray(x).view(np.memmap),
    "read-only": lambda x: np.frombuffer(np.ascontiguousarray(x).tobytes(), np.float32).reshape(-1, 3),
    "mapping": lambda x: dict(x.items()),
}


@pytest.mark.parametrize("way", REAL_WAYS_IN)
@pytest.mark.parametrize("n", [0, 1, 1003])
def test_networks_of_reals_alone(way, n):
    net = all_real()
    x = net.sample(n, seed=1)
    data = REAL_WAYS_IN[way](x)
    before = np.asarray(data["v"] if way == "mapping" else data).copy()
    np.testing.assert_allclose(np.asarray(net.log_prob(data)), net.log_prob(x), rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(data["v"] if way == "mapping" else data), before)


def test_pieces_of_many_rows_are_the_rows_of_one_call():
    net = all_real()
    x = net.sample(400_000, seed=2)
    expected = np.concatenate([net.log_prob(x[first : first + 100_000]) for first in range(0, 400_000, 100_000)])
    for data in (x, np.ascontiguousarray(x), dict(x.items())):
        np.testing.assert_array_equal(net.log_prob(data), expected)


def test_columns_and_row_slices_are_read_where_they_are():
    x = all_real().sample(1000, seed=0)
    schema = x.schema
    assert np.shares_memory(as_network_block(x, schema).read(10, 20).reals, x.block)
    assert np.shares_memory(as_network_block(np.asarray(x), schema).read(10, 20).reals, x.block)
    part = as_network_block(x[5:], schema).read(10, 20)
    assert part.first == 10
    np.testing.assert_array_equal(part.reals, x.block[:, 15:25])


def test_one_vector_in_an_array_is_read_row_by_row_like_any_array():
    net = fd.BayesNet({"x": Shifted([], [0.0], size=4)})
    array = np.random.default_rng(0).normal(size=(300, 4))
    expected = net.log_prob(array)
    for column in (array, np.asfortranarray(array), array.astype(object), pl.Series(array), array.tolist()):
        np.testing.assert_allclose(net.log_prob({"x": column}), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((np.float32, np.float32), np.float32),
        ((np.float16, np.float32), np.float32),
        ((np.float32, np.float64), np.float64),
        ((np.float32, np.int8), np.float64),
        ((np.longdouble, np.float32), np.float64),
    ],
)
def test_float32_where_all_reals_came_as_that(types, expected):
    schema = all_real().sample(1, seed=0).schema
    data = {"a": np.ones(3, types[0]), "v": np.ones((3, 2), types[1])}
    assert as_network_block(data, schema).read(0, 3).reals.dtype == expected


COLUMNS = {
    "int8": np.array([1, 2, 3], np.int8),
    "uint64": np.array([1, 2, 3], np.uint64),
    "bytes in the other order": np.array([1, 2, 3], ">f4"),
    "tensor": torch.tensor([1.0, 2.0, 3.0]),
    "integer tensor": torch.tensor([1, 2, 3]),
    "Int64": pd.Series([1, 2, 3], dtype="Int64"),
    "Float32": pd.Series([1, 2, 3], dtype="Float32"),
    "arrow ints of pandas": pd.Series([1, 2, 3], dtype="int8[pyarrow]"),
    "sparse": pd.Series([1.0, 2.0, 3.0]).astype("Sparse[float]"),
    "index": pd.Index([1, 2, 3]),
    "extension array": pd.array([1, 2, 3], dtype="Int8"),
    "polars": pl.Series([1, 2, 3]),
    "arrow": pa.array([1, 2, 3]),
    "arrow halves": pa.array(np.array([1, 2, 3], np.float16)),
    "arrow chunks": pa.chunked_array([[1.0], [2.0, 3.0]]),
    "list": [1, 2.0, np.float32(3)],
    "tuple": (1, 2, 3),
    "range": range(1, 4),
    "objects": np.array([1, 2.0, np.int8(3)], object),
    "masked without a mask": np.ma.array([1, 2, 3], mask=[0, 0, 0]),
    "strided": np.array([1, 9, 2, 9, 3, 9])[::2],
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_of_numbers(kind):
    net = fd.BayesNet({"x": Shifted([], [0.0])})
    np.testing.assert_allclose(net.log_prob({"x": COLUMNS[kind]}), net.log_prob([[1], [2], [3]]), rtol=1e-6)


MISSING_COLUMNS = {
    "NaN": [1.0, float("nan"), 3.0],
    "None": [1, None, 3],
    "NA": [1, pd.NA, 3.0],
    "NaT": [1, pd.NaT, 3.0],
    "float32": np.array([1, np.nan, 3], np.float32),
    "masked ints": np.ma.array([1, 2, 3], mask=[0, 1, 0]),
    "masked floats": np.ma.array(np.array([1, 2, 3], np.float32), mask=[0, 1, 0]),
    "masked objects": np.ma.array(np.array([1, 2.5, 3], object), mask=[0, 1, 0]),
    "Int64": pd.Series([1, None, 3], dtype="Int64"),
    "Float32": pd.Series([1, None, 3], dtype="Float32"),
    "arrow in pandas": pd.Series([1, None, 3], dtype="float32[pyarrow]"),
    "objects in pandas": pd.Series([1, None, 3], dtype=object),
    "polars": pl.Series([1, None, 3]),
    "polars NaN": pl.Series([1, float("nan"), 3], dtype=pl.Float32),
    "arrow": pa.array([1, None, 3]),
    "arrow chunks": pa.chunked_array([[1.0], [None, 3]]),
    "tensor": torch.tensor([1, float("nan"), 3]),
}


@pytest.mark.parametrize("kind", MISSING_COLUMNS)
def test_missing_values_are_named(kind):
    x = all_real().sample(3, seed=0)
    with pytest.raises(MissingValuesError, match="column 'a', row 1 is missing"):
        complete({"a": MISSING_COLUMNS[kind], "v": x["v"]}, x.schema)
    (piece,) = [np.concatenate(list(real_pieces("a", MISSING_COLUMNS[kind])))]
    np.testing.assert_array_equal(piece, [1.0, np.nan, 3.0])


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_infinite_values_are_named(kind, value):
    net = hybrid()
    x = np.asarray(net.sample(N, seed=0), kind)
    x[17, 2] = value
    message = rf"real numbers are finite: column 'x\[2\]', row 17 is {value}"
    schema = net.sample(1, seed=0).schema
    arrays = [x, np.asfortranarray(x), np.asarray(x, object), torch.from_numpy(x), cells_of_array(x, schema)]
    for data in (*arrays, cells_of_array(x, schema) | {"u": pl.Series(x[:, 4])}):
        with pytest.raises(ValueError, match=message):
            net.log_prob(data)


def cells_of_array(x, schema):
    """Named columns, those of codes as integers in an array (bare numbers are no codes where states are numbers)."""
    named = dict(zip(schema.cell_names, x.T, strict=True))
    return named | {name: named[name].astype(int) for name in schema.code_names}


@pytest.mark.parametrize(("value", "error"), [(np.nan, MissingValuesError), (np.inf, ValueError)])
@pytest.mark.parametrize("row", [0, 131_072, 299_999])
def test_bad_numbers_of_networks_of_reals_alone(value, error, row):
    x = all_real().sample(300_000, seed=0)
    rows = np.asarray(x).copy()
    rows[row, 1] = value
    for data in (rows, np.asfortranarray(rows)):
        with pytest.raises(error, match=rf"column 'v\[0\]', row {row} is"):
            complete(data, x.schema)


def test_numbers_too_large_for_a_float():
    net = fd.BayesNet({"x": Shifted([], [0.0])})
    with pytest.raises(ValueError, match="real numbers are finite: column 'x', row 1 is inf"):
        net.log_prob({"x": [0, 10**400]})
    with pytest.raises(ValueError, match="real numbers are finite: column 'x', row 0 is -inf"):
        net.log_prob({"x": np.array([np.longdouble("-1e4000")])})


REFUSED = {
    "strings": (["1"], TypeError, "holds labels; column.astype"),
    "categories": (pd.Series([1.5], dtype="category"), TypeError, "holds labels"),
    "polars categories": (pl.Series(["a"], dtype=pl.Categorical), TypeError, "holds labels"),
    "polars strings": (pl.Series(["1.5"]), TypeError, "holds labels"),
    "string arrays": (np.array(["1.5"]), TypeError, "holds labels"),
    "dictionaries": (pa.array(["a"]).dictionary_encode(), TypeError, "holds labels"),
    "booleans": ([True], TypeError, "holds booleans; .* 0.0 and 1.0"),
    "nullable booleans": (pd.Series([True], dtype="boolean"), TypeError, "holds booleans"),
    "polars booleans": (pl.Series([True]), TypeError, "holds booleans"),
    "boolean arrays": (np.array([True]), TypeError, "holds booleans"),
    "decimals": ([Decimal("1.5")], TypeError, "holds decimals; column.astype"),
    "arrow decimals": (pa.array([Decimal("1.5")]), TypeError, "holds decimals"),
    "polars decimals": (pl.Series([Decimal("1.5")]), TypeError, "holds decimals"),
    "complex": ([1j], TypeError, "holds complex numbers"),
    "complex arrays": (np.array([1j]), TypeError, "holds complex numbers"),
    "complex tensors": (torch.tensor([1j]), TypeError, "holds complex numbers"),
    "dates": (pd.Series(pd.to_datetime(["2020-01-01"])), TypeError, "holds dates or times"),
    "zoned dates": (pd.Series(pd.to_datetime(["2020-01-01"]).tz_localize("UTC")), TypeError, "holds dates or times"),
    "polars dates": (pl.Series([datetime.date(2020, 1, 1)]), TypeError, "holds dates or times"),
    "python dates": ([datetime.date(2020, 1, 1)], TypeError, "holds dates or times"),
    "spans": (np.array([3], "m8[D]"), TypeError, "holds dates or times"),
    "intervals": (pd.Series(pd.interval_range(0, 1)), TypeError, "holds intervals"),
    "mixtures": ([1.5, "a", True], TypeError, "holds boolean and label"),
    "bytes": (pa.array([b"a"]), TypeError, "holds Arrow type binary"),
    "records": (np.zeros(1, [("a", float)]), TypeError, "holds type"),
    "lists": ([[1.0]], TypeError, "holds list"),
    "arrow lists": (pa.array([[1.0]]), TypeError, "holds Arrow type list"),
    "two axes": (np.zeros((1, 1)), ValueError, "has one dimension, 'x' has shape"),
    "a string": ("1.5", TypeError, "a column is a sequence of values"),
    "a number": (1.5, TypeError, "a column is a sequence of values"),
    "a set": ({1.5}, TypeError, "a column is a sequence of values"),
    "nothing": (None, TypeError, "a column is a sequence of values"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_column_of_numbers_is_refused(kind):
    column, error, message = REFUSED[kind]
    with pytest.raises(error, match=message):
        fd.BayesNet({"x": Shifted([], [0.0])}).log_prob({"x": column})
    with pytest.raises((TypeError, ValueError)):
        list(real_pieces("x", column))


REFUSED_VECTORS = {
    "one axis": (np.zeros(3), ValueError, r"has shape \(n_rows, 2\), 'v' has \(3,\)"),
    "three numbers": (np.zeros((3, 3)), ValueError, r"has shape \(n_rows, 2\), 'v' has \(3, 3\)"),
    "three axes": (np.zeros((3, 2, 1)), ValueError, "one dimension|has shape"),
    "a short one": ([[1, 2], [1], [1, 2]], ValueError, "vectors of 2 numbers, row 1 is"),
    "numbers": ([1, 2, 3], ValueError, "vectors of 2 numbers, row 0 is 1"),
    "strings": (["ab", "cd", "ef"], ValueError, "vectors of 2 numbers, row 0 is 'ab'"),
    "labels": ([["a", "b"]] * 3, TypeError, "holds labels"),
    "a short polars list": (pl.Series([[1.0, 2.0], [1.0], [1.0, 2.0]]), ValueError, "vectors of 2 numbers"),
    "polars numbers": (pl.Series([1.0, 2.0, 3.0]), TypeError, "vectors of 2 numbers, got Arrow type double"),
    "nested": (pa.array([[[1.0], [2.0]]] * 3), TypeError, "holds Arrow type list"),
    "missing one": ([[1, 2], None, [1, 2]], MissingValuesError, r"column 'v\[0\]', row 1 is missing"),
    "missing number": ([[1, 2], [1, None], [1, 2]], MissingValuesError, r"column 'v\[1\]', row 1 is missing"),
    "missing in polars": (
        pl.Series([[1, 2], [1, None], [1, 2]], dtype=pl.Array(pl.Float32, 2)),
        MissingValuesError,
        r"column 'v\[1\]', row 1",
    ),
}


@pytest.mark.parametrize("kind", REFUSED_VECTORS)
def test_what_is_no_column_of_vectors_is_refused(kind):
    column, error, message = REFUSED_VECTORS[kind]
    schema = all_real().sample(1, seed=0).schema
    with pytest.raises(error, match=message):
        complete({"a": [0.0, 0.0, 0.0], "v": column}, schema)


def test_samples_in_which_a_variable_is_of_another_kind():
    kinds = {"real": fd.Normal(0, 1), "discrete": fd.Bernoulli(0.5), "vector": fd.MultivariateNormal.standard(2)}
    told = {
        ("real", "discrete"): "'z' is a real variable, whose column holds numbers: it holds labels",
        ("vector", "discrete"): "'z'.*labels",
        ("discrete", "real"): "floats are codes and must be whole.*'z'",
        ("discrete", "vector"): "'z'",
        ("real", "vector"): "'z'",
        ("vector", "real"): "'z'",
    }
    for (own, other), message in told.items():
        for rest in ({}, {"w": fd.Normal(0, 1)}):
            samples = fd.BayesNet({"z": kinds[other], **rest}).sample(5, seed=0)
            with pytest.raises((TypeError, ValueError, KeyError), match=message):
                fd.BayesNet({"z": kinds[own], **rest}).log_prob(samples)


def test_columns_are_matched_by_name():
    schema = all_real().sample(1, seed=0).schema
    with pytest.raises(UnknownNameError, match=r"the data has no column \['v'\]"):
        complete({"a": [1.0]}, schema)
    with pytest.raises(UnknownNameError, match=r"no variable \['v\[0\]'\] and the data has no column \['v'\]"):
        complete({"a": [1.0], "v[0]": [1.0]}, schema)
    with pytest.raises(UnknownNameError, match=r"no variable \['v\[2\]'\]"):
        complete({"a": [1.0], "v[0]": [1.0], "v[1]": [1.0], "v[2]": [1.0]}, schema)
    with pytest.raises(ValueError, match=r"equally long: 'a' has 1 rows, 'v\[1\]' has 2"):
        complete({"a": [1.0], "v[0]": [1.0], "v[1]": [1.0, 2.0]}, schema)
    with pytest.raises(ValueError, match="equally long: 'a' has 1 rows, 'v' has 2"):
        complete({"a": [1.0], "v": np.zeros((2, 2))}, schema)


@pytest.mark.parametrize("shape", [(3,), (2, 6), (2, 8), (1, 2, 7), ()])
def test_arrays_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"an array of rows has shape \(n_rows, 7\)"):
        hybrid().log_prob(np.zeros(shape))


@pytest.mark.parametrize(
    ("cell", "value", "error", "message"),
    [
        (3, 0.5, ValueError, "floats are codes and must be whole: column 'z', row 4 is 0.5"),
        (3, 2, ValueError, "codes of 'z' run from 0 to 1 .*: row 4 is 2"),
        (5, -1, MissingValuesError, "column 'k', row 4 is missing"),
        (5, np.nan, MissingValuesError, "column 'k', row 4 is missing"),
        (5, np.inf, ValueError, "column 'k', row 4 is inf"),
        (5, 1e30, ValueError, "column 'k', row 4 is"),
        (6, np.nan, MissingValuesError, "column 'w', row 4 is missing"),
    ],
)
def test_codes_in_arrays_of_floats(cell, value, error, message):
    samples = hybrid().sample(10, seed=0)
    x = np.asarray(samples).copy()
    x[4, cell] = value
    for data in (x, np.asfortranarray(x)):
        with pytest.raises(error, match=message):
            complete(data, samples.schema)


def test_arrays_that_hold_no_numbers():
    for array in (np.zeros((2, 3), bool), np.zeros((2, 3), complex), np.zeros((2, 3), "U3"), np.zeros((2, 3), "M8[D]")):
        with pytest.raises(TypeError, match="'a' is a real variable, whose column holds numbers"):
            all_real().log_prob(array)
    with pytest.raises(MissingValuesError, match=r"column 'v\[1\]', row 0"):
        complete(np.ma.array(np.zeros((2, 3)), mask=[[0, 0, 1], [0, 0, 0]]), all_real().sample(1, seed=0).schema)
    assert all_real().log_prob(np.zeros((2, 3), int)).shape == (2,)


def test_labels_that_are_no_states_are_named_beside_reals():
    net = hybrid()
    data = columns(net.sample(5, seed=0))
    data["z"] = ["no", "yes", "maybe", "no", "no"]
    with pytest.raises(UnknownNameError, match="column 'z', row 2: 'maybe' is no state"):
        net.log_prob(data)


def test_a_vector_whose_numbers_have_the_name_of_another_variable():
    net = fd.BayesNet({"x": Shifted([], [0.0], size=2), "x[0]": Shifted([], [0.0])})
    data = {"x": [[1.0, 2.0]], "x[0]": [3.0]}
    np.testing.assert_allclose(net.log_prob(data), net.log_prob([[1.0, 2.0, 3.0]]), rtol=1e-6)
    with pytest.raises(ValueError, match=r"distinct, 'x\[0\]' is a variable and a number of a vector"):
        complete(np.ma.array([[1.0, 2.0, 3.0]], mask=[[1, 0, 0]]), net.sample(1, seed=0).schema)
