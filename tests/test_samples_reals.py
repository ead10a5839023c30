"""Samples of discrete and real variables: columns, rows, arrays, and frames that are read by the same names."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from defusedxml.ElementTree import fromstring
from toy_reals import Shifted, ShiftedEngine

import fastdgm as fd
from fastdgm.data.samples import Samples
from fastdgm.data.schema import Schema, Values
from fastdgm.data.variables import Discrete, Real
from fastdgm.engines.hybrid import ENGINES

SCHEMA = Schema({"x": Real((2,)), "z": Discrete(("no", "yes")), "u": Real()})


@pytest.fixture
def x():
    reals = np.array([[0.5, 1.5, 2.5, 3.5], [-1, -2, -3, -4], [7, 8, 9, 10]], np.float32)
    return Samples.of(Values(np.array([[0, 1, 1, 0]], np.uint8), reals), SCHEMA, seed=7, start=100)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(ENGINES, Shifted, ShiftedEngine)


def net():
    return fd.BayesNet(
        {"x": Shifted(["z"], [-1, 2], size=2), "z": fd.CPT([], [0.4, 0.6], ["no", "yes"]), "u": Shifted([], [5.0])}
    )


ROWS = [[0.5, -1, 0, 7], [1.5, -2, 1, 8], [2.5, -3, 1, 9], [3.5, -4, 0, 10]]


def test_sizes_and_columns(x):
    assert (len(x), x.shape, x.names, x.dtype) == (4, (4, 4), ("x", "z", "u"), np.float64)
    assert x.states == {"z": ("no", "yes")}
    assert x["x"].tolist() == [[0.5, -1], [1.5, -2], [2.5, -3], [3.5, -4]]
    assert x["x"].dtype == x["u"].dtype == np.float32
    assert [column.shape for column in x.values()] == [(4, 2), (4,), (4,)]
    assert {name: column.shape for name, column in x.items()} == {"x": (4, 2), "z": (4,), "u": (4,)}
    assert x.labels("z").tolist() == ["no", "yes", "yes", "no"]
    with pytest.raises(ValueError, match="only discrete variables have labels, 'u' is real"):
        x.labels("u")
    for name in ("x", "u"):
        assert np.shares_memory(x[name], x.blocks.reals)
        with pytest.raises(ValueError, match="read-only"):
            x[name][0] = 1.0


def test_rows(x):
    assert np.asarray(x).tolist() == ROWS
    assert np.asarray(x).dtype == np.float64
    assert [row.tolist() for row in x] == ROWS
    assert x[2].tolist() == ROWS[2]
    assert x[:, 2:].tolist() == [row[2:] for row in ROWS]
    assert np.asarray(x, np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="by a copy only"):
        np.array(x, copy=False)
    with pytest.raises(ValueError, match="no single block"):
        x.block  # noqa: B018


@pytest.mark.parametrize("rows", [slice(1, 3), [1, 2], np.array([False, True, True, False]), pl.Series([1, 2])])
def test_picked_rows_are_samples(x, rows):
    part = x[rows]
    assert isinstance(part, Samples)
    assert np.asarray(part).tolist() == ROWS[1:3]
    assert (part.seed, part.start) == (7, 101 if isinstance(rows, slice) else None)
    assert len(x[:0]) == 0
    assert np.asarray(x[:0]).shape == (0, 4)


def test_one_kind_has_one_block():
    values = Values(np.empty((0, 3), np.uint8), np.arange(6, dtype=np.float64).reshape(2, 3))
    x = Samples.of(values, Schema({"x": Real((2,))}))
    assert x.block is values.reals
    assert x.dtype == np.float64
    assert np.shares_memory(np.asarray(x), x.block)
    assert np.array(x, copy=False).tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies(x, copied):
    again = copied(x)
    assert np.asarray(again).tolist() == ROWS
    assert again.schema == SCHEMA
    assert (again.seed, again.start) == (7, 100)
    assert not again["u"].flags.writeable


def test_repr(x):
    assert repr(x).splitlines() == [
        "Samples: 4 rows x 3 variables, uint8 codes and float32 reals, seed 7, start 100",
        "x            z    u",
        "[ 0.5 -1. ]  no   7",
        "[ 1.5 -2. ]  yes  8",
        "[ 2.5 -3. ]  yes  9",
        "[ 3.5 -4. ]  no   10",
    ]
    table = fromstring(x._repr_html_())
    assert [cell.text for cell in table.iter("td")][:3] == ["[ 0.5 -1. ]", "no", "7"]


def test_pandas(x):
    frame = x.to_pandas()
    assert frame.dtypes.astype(str).to_dict() == {"x[0]": "float32", "x[1]": "float32", "z": "category", "u": "float32"}
    frame.loc[0, "x[0]"] = 9.0
    assert x["x"][0, 0] == 0.5
    assert frame["z"].tolist() == ["no", "yes", "yes", "no"]


def test_arrow(x):
    table = x.to_arrow()
    assert [str(kind) for kind in table.schema.types] == [
        "fixed_size_list<item: float>[2]",
        "dictionary<values=string, indices=int8, ordered=1>",
        "float",
    ]
    assert table["x"].to_pylist() == x["x"].tolist()
    assert np.shares_memory(table["u"].chunk(0).to_numpy(), x["u"])
    frame = pl.DataFrame(x)
    assert frame.schema == {"x": pl.Array(pl.Float32, 2), "z": pl.Enum(["no", "yes"]), "u": pl.Float32}
    assert table.slice(1)["x"].to_pylist() == x[1:].to_arrow()["x"].to_pylist()


def test_a_vector_with_the_name_of_another_column():
    schema = Schema({"x": Real((2,)), "x[1]": Real()})
    x = Samples.of(Values(np.empty((0, 3), np.uint8), np.ones((3, 3))), schema)
    with pytest.raises(ValueError, match=r"distinct, 'x\[1\]' is a variable and a number of a vector"):
        x.to_pandas()
    assert x.to_arrow().column_names == ["x", "x[1]"]


FRAMES = {
    "pandas": lambda x: x.to_pandas(),
    "arrow": lambda x: x.to_arrow(),
    "polars": pl.DataFrame,
    "pandas of arrow": lambda x: x.to_arrow().to_pandas(),
    "pandas of polars": lambda x: pl.DataFrame(x).to_pandas(),
    "chunks": lambda x: pa.concat_tables([x[:5].to_arrow(), x[5:].to_arrow()]),
    "mapping": lambda x: dict(x.items()),
    "array": np.asarray,
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("frame", FRAMES)
def test_frames_score_as_the_samples_they_come_from(frame, dtype):
    x = net().sample(20, seed=0, dtype=dtype)
    found = net().log_prob(FRAMES[frame](x))
    np.testing.assert_allclose(found, net().log_prob(x), rtol=1e-6 if frame == "array" else 0)


def test_dtype():
    x32, x64 = (net().sample(10, seed=0, dtype=dtype) for dtype in ("float32", np.float64))
    assert (net().sample(10, seed=0)["u"].dtype, x32["u"].dtype, x64["u"].dtype) == (np.float32, np.float32, np.float64)
    np.testing.assert_allclose(x32["u"], x64["u"], rtol=1e-6)
    parts = list(net().iter_samples(10, chunk=3, seed=0, dtype=np.float64))
    np.testing.assert_array_equal(np.concatenate([part["x"] for part in parts]), x64["x"])
    for bad in (np.float16, int, "f8, f8"):
        with pytest.raises(ValueError, match="float32 or float64"):
            net().sample(1, dtype=bad)


def test_tensors_like_a_tensor():
    rows = net().sample(6, seed=0, like=torch.empty(0))
    assert isinstance(rows, torch.Tensor)
    np.testing.assert_array_equal(rows.numpy(), np.asarray(net().sample(6, seed=0)))
    reals = fd.BayesNet({"u": Shifted([], [1.0])}).sample(6, seed=0, like=torch.empty(0))
    assert (reals.dtype, tuple(reals.shape)) == (torch.float32, (6, 1))


def test_editable_frames_survive_pickling_of_pandas(x):
    frame = pd.concat([x.to_pandas(), x.to_pandas()])
    assert net().log_prob(frame.reset_index(drop=True)).shape == (8,)
