"""Vectors of discrete variables in every form of data, in and out: codes, labels, booleans, any number of axes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from toy_vectors import RAIN, SHAPE, STATES, TABLE, Cells, CellsEngine, net

import fastdgm as fd
from fastdgm.data.boundary import as_network_block
from fastdgm.data.samples import Samples
from fastdgm.data.schema import Schema, Values
from fastdgm.data.variables import Discrete, Real
from fastdgm.engines.hybrid import ENGINES
from fastdgm.errors import MissingValuesError


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(ENGINES, Cells, CellsEngine)


def rows(n=7):
    """Columns by name, and log p of each row by the formula."""
    rng = np.random.default_rng(1)
    columns = {"x": rng.integers(0, 3, (n, 6)), "z": rng.integers(0, 2, n), "u": rng.normal(size=n)}
    cells = TABLE[columns["z"][:, None], np.arange(6), columns["x"]]
    normal = -0.5 * columns["u"] ** 2 - 0.5 * np.log(2 * np.pi)
    return columns, np.log(cells).sum(axis=1) + np.log([0.4, 0.6])[columns["z"]] + normal


def labels(x):
    return np.array(STATES, object)[x]


def images(x):
    return x.reshape(-1, *SHAPE)


IN_PIECES = {
    "polars lists": lambda x: pl.Series(x.tolist()),
    "polars nested lists": lambda x: pl.Series(images(x).tolist()),
    "polars arrays": lambda x: pl.Series(x.tolist(), dtype=pl.Array(pl.UInt8, 6)),
    "polars arrays of two axes": lambda x: pl.Series(images(x).tolist(), dtype=pl.Array(pl.Int16, SHAPE)),
    "polars labels": lambda x: pl.Series(labels(x).tolist()),
    "polars categories": lambda x: pl.Series(labels(x).tolist(), dtype=pl.List(pl.Categorical)),
    "arrow lists": lambda x: pa.array(x.tolist()),
    "arrow nested lists": lambda x: pa.array(images(x).tolist()),
    "arrow fixed lists": lambda x: pa.array(x.tolist(), pa.list_(pa.int8(), 6)),
    "arrow tensors": lambda x: pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(images(x))),
    "arrow labels": lambda x: pa.array(images(labels(x)).tolist()),
    "arrow floats": lambda x: pa.array(x.astype(float).tolist()),
    "chunks": lambda x: pa.chunked_array([pa.array(x[:3].tolist()), pa.array(x[3:].tolist())]),
    "chunks of labels": lambda x: pa.chunked_array([labels(x[:2]).tolist(), labels(x[2:]).tolist()]),
    "pandas arrow": lambda x: pd.Series(x.tolist(), dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
}
WAYS_IN = IN_PIECES | {
    "uint8": lambda x: x.astype(np.uint8),
    "int8": lambda x: x.astype(np.int8),
    "uint16": lambda x: x.astype(np.uint16),
    "big endian": lambda x: x.astype(">i4"),
    "int64 images": images,
    "float32": lambda x: x.astype(np.float32),
    "float images": lambda x: images(x.astype(float)),
    "half floats": lambda x: x.astype(np.float16),
    "columns in memory": lambda x: np.asfortranarray(x.astype(np.uint8)),
    "float columns in memory": lambda x: np.asfortranarray(x.astype(np.float32)),
    "every second": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[:, ::-1].copy()[:, ::-1],
    "read-only": lambda x: np.frombuffer(x.astype(np.uint8).tobytes(), np.uint8).reshape(x.shape),
    "unmasked": lambda x: np.ma.array(x),
    "tensor": torch.from_numpy,
    "image tensor": lambda x: torch.from_numpy(images(x).astype(np.float32)),
    "labels": labels,
    "images of labels": lambda x: images(labels(x)),
    "strings": lambda x: labels(x).astype(str),
    "a list of lists": lambda x: x.tolist(),
    "nested lists": lambda x: images(x).tolist(),
    "lists of labels": lambda x: images(labels(x)).tolist(),
    "tuples": lambda x: [tuple(own) for own in x.tolist()],
    "a list of arrays": lambda x: list(x),
    "a list of images": lambda x: list(images(x)),
    "a list of tensors": lambda x: [torch.from_numpy(own) for own in x],
    "a mixture": lambda x: [own if i % 2 else own.reshape(SHAPE).tolist() for i, own in enumerate(x)],
    "objects": lambda x: x.astype(object),
    "pandas arrays": lambda x: pd.Series(list(x)),
    "pandas lists": lambda x: pd.Series(images(labels(x)).tolist()),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_every_way_in_gives_the_same_codes(way):
    columns, expected = rows()
    column = WAYS_IN[way](columns["x"])
    np.testing.assert_allclose(net().log_prob({**columns, "x": column}), expected, rtol=1e-12)
    block = as_network_block({**columns, "x": column}, net()._program.schema)
    for begin, end in ((0, 7), (2, 4), (1, 7), (3, 3)):  # also across the chunks of a column
        np.testing.assert_array_equal(block.read(begin, end).codes[:6], columns["x"][begin:end].T)


def test_frames():
    columns, expected = rows()
    for frame in (
        pd.DataFrame({**columns, "x": list(columns["x"])}),
        pl.DataFrame({**columns, "x": labels(columns["x"]).tolist()}),
        pl.DataFrame({**columns, "x": columns["x"]}).lazy(),
        pa.table({**columns, "x": columns["x"].tolist()}),
        pd.DataFrame({f"x[{i}]": columns["x"][:, i] for i in range(6)} | {"z": columns["z"], "u": columns["u"]}),
        pl.DataFrame(
            {"u": columns["u"], "z": columns["z"]} | {f"x[{i}]": labels(columns["x"])[:, i] for i in range(6)}
        ),
    ):
        np.testing.assert_allclose(net().log_prob(frame), expected, rtol=1e-12)


def test_arrays_of_rows():
    columns, expected = rows()
    array = np.column_stack([columns["x"], columns["z"], columns["u"]])
    for data in (array, np.asfortranarray(array), array.tolist(), array.astype(object), torch.from_numpy(array)):
        np.testing.assert_allclose(np.asarray(net().log_prob(data)), expected, rtol=1e-12)
    alone = fd.BayesNet({"x": Cells([], TABLE[0], SHAPE, STATES)})
    expected = np.log(TABLE[0][np.arange(6), columns["x"]]).sum(axis=1)
    for dtype in (np.uint8, np.int64, np.float32, np.float64, object):
        own = columns["x"].astype(dtype)
        for data in (own, np.asfortranarray(own), own.tolist(), {"x": own}, labels(columns["x"])):
            np.testing.assert_allclose(alone.log_prob(data), expected, rtol=1e-12)
    assert isinstance(alone.log_prob(torch.from_numpy(columns["x"])), torch.Tensor)


@pytest.mark.parametrize("shape", [(4,), (2, 2)])
def test_booleans_match_false_and_true(shape):
    p = np.array([0.1, 0.2, 0.3, 0.4])
    x = np.random.default_rng(2).random((9, 4)) < 0.5
    expected = np.log(np.where(x, p, 1 - p)).sum(axis=1)
    x = x.reshape(-1, *shape)
    coins = fd.BayesNet({"x": Cells([], np.stack([1 - p, p], axis=1), shape)})
    swapped = fd.BayesNet({"x": Cells([], np.stack([p, 1 - p], axis=1), shape, ("true", "FALSE"))})
    ways = [x, torch.from_numpy(x), x.tolist(), x.astype(object), list(x), pl.Series(x.tolist()), pa.array(x.tolist())]
    ways += [np.asfortranarray(x), x.astype(str)]
    for way in ways:
        np.testing.assert_allclose(coins.log_prob({"x": way}), expected, rtol=1e-12)
    for way in ways[:-1]:
        np.testing.assert_allclose(swapped.log_prob({"x": way}), expected, rtol=1e-12)
    np.testing.assert_allclose(coins.log_prob(x.reshape(9, 4)), expected, rtol=1e-12)
    odd = np.array([[0, 1, 200, 2]], np.uint8).view(bool)  # any byte but 0 is true
    np.testing.assert_allclose(coins.log_prob({"x": odd.reshape(1, *shape)}), np.log(0.9 * 0.2 * 0.3 * 0.4))
    rainy = fd.BayesNet({"x": Cells([], np.full((4, 2), 0.5), shape, ("dry", "wet"))})
    with pytest.raises(KeyError, match=r"booleans match the states False and True, but 'x\[0\]' has"):
        rainy.log_prob({"x": x})


def test_many_states():
    for n_states, dtype in ((200, np.int8), (256, np.uint8), (300, np.uint16)):
        many = fd.BayesNet(
            {"x": Cells([], np.full((3, n_states), 1 / n_states), (3,), tuple(f"s{k}" for k in range(n_states)))}
        )
        x = np.array([[0, 1, min(n_states - 1, np.iinfo(dtype).max)]], dtype)
        for data in (x, {"x": x}, {"x": x.astype(float)}, {"x": x.tolist()}):
            assert many.log_prob(data) == pytest.approx(-3 * np.log(n_states))
        assert many.sample(5, seed=0)["x"].dtype == (np.uint8 if n_states <= 256 else np.uint16)
    with pytest.raises(MissingValuesError, match=r"'x\[1\]', row 0"):
        fd.BayesNet({"x": Cells([], np.full((2, 200), 1 / 200), (2,), tuple(f"s{k}" for k in range(200)))}).log_prob(
            {"x": np.array([[0, -1]], np.int8)}
        )


def test_flat_lists_as_long_as_the_first_axis():
    tall = fd.BayesNet({"x": Cells([], TABLE[0][:2], (2, 1), STATES)})
    expected = np.log(TABLE[0][0, 1] * TABLE[0][1, 2])
    for vector in ([1, 2], [[1], [2]], ["b", "c"], [["b"], ["c"]], (np.array([1]), [2])):
        assert tall.log_prob({"x": [vector]}) == pytest.approx(expected)


@pytest.mark.parametrize("way", ["uint8", "float32", "labels", "columns in memory", "polars lists"])
def test_beside_a_variable_of_many_states(way):
    """All codes of a network are of one type."""
    many = fd.Categorical(np.full(300, 1 / 300))
    columns, _ = rows()
    wide = fd.BayesNet({"m": many, "x": Cells([], TABLE[0], SHAPE, STATES)})
    data = {"m": np.arange(7) + 290, "x": WAYS_IN[way](columns["x"])}
    expected = np.log(TABLE[0][np.arange(6), columns["x"]]).sum(axis=1) - np.log(300)
    np.testing.assert_allclose(wide.log_prob(data), expected, rtol=1e-12)
    assert wide.sample(3, seed=0)["x"].dtype == np.uint16


def test_names_of_states_that_read_as_numbers():
    years = net(states=("1990", "2000", "2010"))
    columns, expected = rows()
    for x in (columns["x"], columns["x"].astype(float), columns["x"].tolist()):
        with pytest.raises(ValueError, match=r"numbers in column 'x' could be codes or the state names"):
            years.log_prob({**columns, "x": x})
    names = np.array(["1990", "2000", "2010"], object)[columns["x"]]
    np.testing.assert_allclose(years.log_prob({**columns, "x": names}), expected, rtol=1e-12)
    array = np.column_stack([columns["x"], columns["z"], columns["u"]])
    np.testing.assert_allclose(years.log_prob(array), expected, rtol=1e-12)  # no column has a name
    samples = years.sample(5, seed=0)
    for frame in (samples.to_pandas(), samples.to_arrow(), pl.DataFrame(samples)):
        assert (years.log_prob(frame) == years.log_prob(samples)).all()


def cell(i, j, value, dtype=np.int64):
    x = rows()[0]["x"].astype(dtype)
    x[i, j] = value
    return x


REFUSED = {
    "too few": (np.zeros((7, 5), int), ValueError, r"shape \(n_rows, 2, 3\) or \(n_rows, 6\), 'x' has \(7, 5\)"),
    "turned": (np.zeros((7, 3, 2), int), ValueError, r"\(n_rows, 2, 3\) or \(n_rows, 6\), 'x' has \(7, 3, 2\)"),
    "an axis more": (np.zeros((7, 6, 1), int), ValueError, r"'x' has \(7, 6, 1\)"),
    "one axis": (np.zeros(7, int), ValueError, r"'x' has \(7,\)"),
    "a turned tensor": (torch.zeros(7, 3, 2), ValueError, r"'x' has \(7, 3, 2\)"),
    "a short one": ([[0] * 6] * 4 + [[0] * 5] + [[0] * 6] * 2, ValueError, "vectors of 6 codes, row 4 is"),
    "ragged images": ([[[0] * 3, [0] * 2]] * 7, ValueError, "vectors of 6 codes, row 0 is"),
    "uneven images": ([[[0] * 2, [0] * 4]] * 7, ValueError, "vectors of 6 codes, row 0 is"),
    "images of strings": ([["abc", "abc"]] * 7, ValueError, "vectors of 6 codes, row 0 is"),
    "ragged arrays": ([np.zeros(6, int)] * 6 + [np.zeros(7, int)], ValueError, "vectors of 6 codes, row 6 is"),
    "turned lists": ([[[0] * 2] * 3] * 7, (ValueError, TypeError), "'x'"),
    "scalars": ([0] * 7, ValueError, "vectors of 6 codes, row 0 is 0"),
    "strings": (["abcabc"] * 7, ValueError, "vectors of 6 codes, row 0 is 'abcabc'"),
    "pandas scalars": (pd.Series([0] * 7), ValueError, r"'x' has \(7,\)"),
    "a category": (pd.Series(["a"] * 7, dtype="category"), ValueError, "'x'"),
    "polars scalars": (pl.Series([0] * 7), TypeError, "vectors of 6 codes, got Arrow type int64"),
    "a short polars list": (
        pl.Series([[0] * 6] * 6 + [[0] * 5]),
        ValueError,
        "vectors of 6 codes.*row 6 has a list of 5",
    ),
    "a turned polars array": (
        pl.Series(np.zeros((7, 3, 2), int).tolist(), dtype=pl.Array(pl.UInt8, (3, 2))),
        ValueError,
        r"vectors of 6 codes of shape \(2, 3\), row 0 has a list of 3",
    ),
    "a deeper list": (pa.array([[[[0]] * 3] * 2] * 7), TypeError, "Arrow type list"),
    "a number": (3, TypeError, "a column is a sequence of values"),
    "a code too large": (cell(4, 5, 3), ValueError, r"codes of 'x\[5\]' run from 0 to 2 .*: row 4 is 3"),
    "a byte too large": (cell(4, 5, 77, np.uint8), ValueError, r"codes of 'x\[5\]' run from 0 to 2 .*: row 4 is 77"),
    "a large code": (cell(2, 0, 1 << 40), ValueError, r"codes of 'x\[0\]' .*: row 2 is 1099511627776"),
    "a negative code": (cell(4, 5, -2), ValueError, r"codes of 'x\[5\]' run from 0 to 2 .*: row 4 is -2"),
    "a missing code": (cell(4, 5, -1), MissingValuesError, r"column 'x\[5\]', row 4 is missing"),
    "a missing byte": (cell(4, 5, 255, np.uint8), MissingValuesError, r"column 'x\[5\]', row 4 is missing"),
    "a large float": (cell(4, 5, 3, float), ValueError, r"codes of 'x\[5\]' run from 0 to 2 .*: row 4 is 3"),
    "a negative float": (cell(4, 5, -3, np.float32), ValueError, r"codes of 'x\[5\]' .*: row 4 is -3"),
    "a huge float": (cell(4, 5, 1e30, float), ValueError, r"'x\[5\]'.*row 4"),
    "infinity": (cell(4, 5, np.inf, float), ValueError, r"'x\[5\]', row 4 is inf"),
    "a fraction": (cell(4, 5, 0.5, float), ValueError, r"must be whole: column 'x\[5\]', row 4 is 0.5"),
    "NaN": (cell(4, 5, np.nan, np.float32), MissingValuesError, r"column 'x\[5\]', row 4 is missing"),
    "columns in memory": (np.asfortranarray(cell(4, 5, 9)), ValueError, r"codes of 'x\[5\]' .*: row 4 is 9"),
    "None": (cell(4, 5, None, object), MissingValuesError, r"column 'x\[5\]', row 4 is missing"),
    "a missing vector": ([[0] * 6] * 3 + [None] + [[0] * 6] * 3, MissingValuesError, r"'x\[0\]', row 3 is missing"),
    "masked": (np.ma.masked_greater(cell(4, 5, 9), 2), MissingValuesError, r"column 'x\[5\]', row 4 is missing"),
    "an arrow null": (
        pa.chunked_array([pa.array([[0] * 6] * 3), pa.array([[0] * 6, [0, 0, None, 0, 0, 0]] * 2)]),
        MissingValuesError,
        r"column 'x\[2\]', row 4 is missing",
    ),
    "an arrow null vector": (pl.Series([[0] * 6] * 6 + [None]), MissingValuesError, r"'x\[0\]', row 6 is missing"),
    "a bad arrow code": (
        pa.chunked_array([pa.array([[0] * 6] * 3), pa.array([[0] * 6, [0, 0, 7, 0, 0, 0]] * 2)]),
        ValueError,
        r"codes of 'x\[2\]' .*: row 4 is 7",
    ),
    "a label": (np.where(np.eye(7, 6), "d", "a"), KeyError, r"column 'x\[0\]', row 0: 'd' is no state"),
    "a late label": (
        [*[["a"] * 6] * 6, ["a"] * 5 + ["A"]],
        KeyError,
        r"'x\[5\]', row 6: 'A' is no",
    ),
    "an empty label": ([["a"] * 6] * 6 + [["a"] * 5 + [""]], MissingValuesError, r"column 'x\[5\]', row 6 is missing"),
    "labels and codes": ([["a", 1, "b", "c", "a", "b"]] * 7, TypeError, "column 'x.*' holds a mixture of"),
    "booleans": (np.zeros((7, 6), bool), KeyError, r"'x\[0\]' has \['a', 'b', 'c'\]"),
    "dates": (np.zeros((7, 6), "M8[D]"), TypeError, "column 'x' holds type datetime64"),
    "complex numbers": (np.zeros((7, 6), complex), TypeError, "column 'x' holds|real"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_column_of_vectors_is_refused(kind):
    column, error, message = REFUSED[kind]
    discrete = fd.BayesNet({"x": Cells(["z"], TABLE, SHAPE, STATES), "z": RAIN})
    with pytest.raises(error, match=message):
        discrete.log_prob({"x": column, "z": np.zeros(7, int)})


def test_shapes_of_real_vectors():
    schema = Schema({"x": Real((2, 2)), "u": Real()})
    x = np.arange(12.0).reshape(3, 2, 2)
    for way in (x, x.reshape(3, 4), x.tolist(), x.reshape(3, 4).tolist(), pl.Series(x.tolist()), torch.from_numpy(x)):
        part = as_network_block({"x": way, "u": np.zeros(3)}, schema).read(0, 3)
        np.testing.assert_array_equal(part.reals[:4], x.reshape(3, 4).T)
    for odd in (x.reshape(3, 4, 1), x.reshape(3, 1, 4), x[:, :1], np.zeros(3)):
        with pytest.raises(ValueError, match=r"has shape \(n_rows, 2, 2\) or \(n_rows, 4\), 'x' has \(3"):
            as_network_block({"x": odd, "u": np.zeros(3)}, schema)
    with pytest.raises(ValueError, match=r"real numbers are finite: column 'x\[3\]', row 1 is inf"):
        as_network_block({"x": np.where(x == 7, np.inf, x), "u": np.zeros(3)}, schema).read(0, 3)


def test_vectors_in_the_column_of_a_scalar_variable():
    x = np.zeros((3, 2), np.uint8)
    samples = Samples.of(
        Values(np.zeros((2, 3), np.uint8), np.empty((0, 3), np.float32)), Schema({"a": Discrete(("u", "v"), (2,))})
    )
    for scalar in (fd.Bernoulli(0.5), fd.Normal(0, 1)):
        small = fd.BayesNet({"a": scalar})
        for data in ({"a": x}, {"a": x.tolist()}, {"a": torch.from_numpy(x)}, {"a": pl.Series(x.tolist())}, samples):
            with pytest.raises((ValueError, TypeError), match="'a'"):
                small.log_prob(data)
        with pytest.raises(KeyError, match=r"the model has no variable \['a\[0\]', 'a\[1\]'\]"):
            small.log_prob({"a[0]": [0], "a[1]": [1]})


def test_columns_that_do_not_belong():
    columns, _ = rows()
    with pytest.raises(KeyError, match=r"the model has no variable \['x\[0\]'\]"):
        net().log_prob({**columns, "x[0]": columns["z"]})
    cells = {f"x[{i}]": columns["x"][:, i] for i in range(5)}
    with pytest.raises(KeyError, match=r"the model has no variable .*'x\[0\]'.* the data has no column \['x'\]"):
        fd.BayesNet({"x": Cells([], TABLE[0], SHAPE, STATES)}).log_prob(cells)
    with pytest.raises(ValueError, match="columns are equally long: 'x' has 6 rows, 'z' has 7"):
        net().log_prob({**columns, "x": columns["x"][:6]})
    for x in (columns["x"], images(columns["x"])):
        with pytest.raises(ValueError, match=r"shape \(n_rows, 8\).*got shape \(7.*'x' is given by name"):
            net().log_prob(x)


def test_no_rows():
    empty = {"x": np.zeros((0, 6), int), "z": np.zeros(0, int), "u": np.zeros(0)}
    assert net().log_prob(empty).shape == (0,)
    assert net().log_prob({**empty, "x": pa.array([], pa.list_(pa.int8()))}).shape == (0,)
    alone = fd.BayesNet({"x": Cells([], TABLE[0], SHAPE, STATES)})
    assert alone.log_prob({"x": []}).shape == (0,)
    assert alone.sample(0)["x"].shape == (0, 2, 3)


def test_bernoulli_images_of_a_module():
    torch.manual_seed(0)
    decoder = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Unflatten(1, (2, 4)))
    vae = fd.BayesNet(
        {"y": fd.Categorical([0.5, 0.5]), "x": fd.Neural(["y"], decoder, family="bernoulli", event_shape=(2, 4))}
    )
    x = vae.sample(30, seed=1)
    assert x["x"].shape == (30, 2, 4)
    expected = vae.log_prob(x)
    images_in = x["x"].astype(bool)
    for way in (images_in, images_in.reshape(30, 8), images_in.astype(np.float32), torch.from_numpy(images_in)):
        np.testing.assert_allclose(vae.log_prob({"y": x["y"], "x": way}), expected, rtol=1e-6)
    logits = decoder(torch.nn.functional.one_hot(torch.from_numpy(x["y"].astype(np.int64)), 2).float())
    terms = torch.distributions.Bernoulli(logits=logits).log_prob(torch.from_numpy(images_in).float()).sum((1, 2))
    np.testing.assert_allclose(expected, terms.detach().numpy() + np.log(0.5), rtol=1e-5)
