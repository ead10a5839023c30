"""Vectors of discrete variables on the way out and in between: samples, frames, files, known and missing values."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch
from toy_vectors import RAIN, SHAPE, STATES, TABLE, Cells, CellsEngine, net

import fastdgm as fd
from fastdgm.cli.description import description
from fastdgm.cli.inputs import Inputs
from fastdgm.cli.models import NetworkRows
from fastdgm.data.boundary import KnownRows, as_known_block, as_training_block
from fastdgm.data.partial import Pattern, as_partial_rows, holds_reals_alone, without
from fastdgm.data.samples import Samples
from fastdgm.data.schema import Schema, Values
from fastdgm.data.variables import Discrete, Real
from fastdgm.engines.hybrid import ENGINES
from fastdgm.io.rows import read_rows, write_rows, write_scored
from fastdgm.io.rows.scored import Scored


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(ENGINES, Cells, CellsEngine)


def labels(x):
    return np.array(STATES, object)[x]


def test_samples():
    x = net().sample(50, seed=3)
    assert (len(x), x.shape, x["x"].shape, x.dtype) == (50, (50, 8), (50, 2, 3), np.float64)
    np.testing.assert_array_equal(np.asarray(x)[:, :6], x["x"].reshape(50, 6))
    assert np.shares_memory(x["x"], x.blocks.codes) and not x["x"].flags.writeable
    np.testing.assert_array_equal(x.labels("x"), labels(x["x"]))
    np.testing.assert_array_equal(x[10:20]["x"], x["x"][10:20])
    picked = x[x["z"] == 1]
    np.testing.assert_array_equal(picked["x"], x["x"][x["z"] == 1])
    parts = list(net().iter_samples(50, chunk=7, seed=3))
    np.testing.assert_array_equal(np.concatenate([part["x"] for part in parts]), x["x"])
    for again in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        np.testing.assert_array_equal(again["x"], x["x"])
        assert again.schema == x.schema and not again["x"].flags.writeable
    tensor = net().sample(50, seed=3, like=torch.zeros(0))
    np.testing.assert_array_equal(tensor.numpy(), np.asarray(x))
    for shown in (repr(x), x._repr_html_()):
        assert str(x["x"][0].tolist()).replace(", ", " ").replace(",", "") in shown  # on one line


def test_samples_follow_the_distribution():
    x = net().sample(20_000, seed=4)
    for z in (0, 1):
        found = np.stack([(x["x"][x["z"] == z] == k).mean(axis=0) for k in range(3)], axis=-1)
        np.testing.assert_allclose(found.reshape(6, 3), TABLE[z], atol=0.025)


def test_frames_out():
    x = net().sample(20, seed=5)
    expected = net().log_prob(x)
    frame = x.to_pandas()
    assert list(frame) == [*(f"x[{i}]" for i in range(6)), "z", "u"]
    assert frame["x[3]"].tolist() == x.labels("x").reshape(20, 6)[:, 3].tolist() and frame["x[3]"].cat.ordered
    table = x.to_arrow()
    assert table["x"].type == pa.list_(pa.uint8(), 6)  # flat: axes are not in its type
    assert table["x"].to_pylist() == x["x"].reshape(20, 6).tolist()
    for data in (frame, table, pl.DataFrame(x), dict(x.items()), x[:]):
        assert (net().log_prob(data) == expected).all()
    other = fd.BayesNet({"u": fd.Normal(0, 1), "z": RAIN, "x": Cells(["z"], TABLE, SHAPE, STATES)})
    np.testing.assert_allclose(other.log_prob(x), expected, rtol=1e-12)  # by name, in another order


def test_codes_out_of_range_in_samples():
    codes = np.zeros((2, 3), np.uint8)
    codes[1, 2] = 7
    x = Samples.of(Values(codes, np.empty((0, 3), np.float32)), Schema({"x": Discrete(("u", "v"), (2,))}))
    for verb in (x.to_pandas, x.to_arrow, lambda: x.labels("x")):
        with pytest.raises(ValueError, match=r"codes of 'x\[1\]' run from 0 to 1 .*: row 2 is 7"):
            verb()
    with pytest.raises(ValueError, match=r"codes of 'x\[1\]' run from 0 to 1 .*: row 2 is 7"):
        fd.BayesNet({"x": Cells([], np.full((2, 2), 0.5), (2,), ("u", "v"))}).log_prob(x)


def test_known_values():
    model = fd.BayesNet({"x": Cells([], TABLE[0], SHAPE, STATES), "u": fd.Normal(0, 1)})
    value = np.array([[0, 1, 2], [2, 1, 0]])
    for given in (value, value.reshape(6), value.tolist(), value.astype(float), labels(value), torch.from_numpy(value)):
        drawn = model.sample(4, given={"x": given}, seed=0)
        assert (drawn["x"] == value).all() and len(set(drawn["u"].tolist())) == 4
    for given, message in {
        "short": ([0, 1], r"a value of 'x' is 6 codes or labels, as 2 x 3 or flat, got \[0, 1\]"),
        "scalar": (0, "a value of 'x' is 6 codes or labels"),
        "large": ([0, 1, 2, 3, 0, 0], r"codes of 'x\[3\]' run from 0 to 2, got 3"),
        "half": ([0.5, 1, 2, 2, 0, 0], r"'0.5'|0.5 is no state of 'x\[0\]'"),
        "label": (["a", "b", "c", "d", "a", "a"], r"'d' is no state of 'x\[3\]'"),
        "missing": ([0, 1, None, 1, 0, 0], r"no state of 'x\[2\]'"),
    }.values():
        with pytest.raises((ValueError, KeyError), match=message):
            model.sample(4, given={"x": given})
    mixture = fd.BayesNet({"x": Cells(["z"], TABLE, SHAPE, STATES), "z": RAIN})
    drawn = mixture.sample(4000, given={"x": value}, seed=0)
    assert (drawn["x"] == value).all()
    assert abs(drawn["z"].mean() - mixture.predict_proba({"x": value[None]}, "z")[0, 1]) < 0.03
    with pytest.raises(ValueError, match="no conditional sets a vector to a value"):
        model.sample(4, do={"x": value})


def test_discrete_vectors_are_not_learnt_undeclared():
    for column in (np.zeros((5, 3), int), np.zeros((5, 3), bool), np.full((5, 3), "a"), np.zeros((5, 3, 2))):
        with pytest.raises(ValueError, match=r"column 'x' has . axes and type .*column.astype\(float\).*event_shape"):
            fd.BayesNet.from_edges([], nodes=["x"]).fit({"x": column})
    learnt = fd.BayesNet.from_edges([], nodes=["x"]).fit({"x": np.random.default_rng(0).normal(size=(50, 2))})
    assert learnt.variables["x"] == Real((2,))


PARTIAL = Schema({"x": Discrete(STATES, SHAPE), "w": Real((2, 2)), "z": Discrete(("no", "yes"))})
X = np.array([[0, 1, 2, 2, 1, 0], [1, 1, 1, 2, 2, 2], [2, 0, 2, 0, 2, 0], [1, 1, 1, 0, 0, 0]])
EMPTY = np.array([[0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 1], [1, 1, 1, 1, 1, 1], [0, 0, 1, 0, 0, 1]], bool)


def with_none(x):
    vectors = np.where(EMPTY, None, np.array(x, object)).tolist()
    return [None if empty.all() else vector for vector, empty in zip(vectors, EMPTY, strict=True)]


PARTLY = {
    "-1": lambda: np.where(EMPTY, -1, X),
    "-1 in bytes": lambda: np.where(EMPTY, -1, X).astype(np.int8),
    "images": lambda: np.where(EMPTY, -1, X).reshape(-1, *SHAPE),
    "tensor": lambda: torch.from_numpy(np.where(EMPTY, -1, X)),
    "255": lambda: np.where(EMPTY, 255, X).astype(np.uint8),
    "NaN": lambda: np.where(EMPTY, np.nan, X),
    "NaN in columns": lambda: np.asfortranarray(np.where(EMPTY, np.nan, X).astype(np.float32)),
    "masked": lambda: np.ma.array(X + 9 * EMPTY, mask=EMPTY),
    "lists": lambda: with_none(X.tolist()),
    "labels": lambda: with_none(labels(X).tolist()),
    "objects": lambda: np.where(EMPTY, None, labels(X)),
    "empty labels": lambda: np.where(EMPTY, "", labels(X)).tolist(),
    "polars": lambda: pl.Series(with_none(X.tolist())),
    "polars labels": lambda: pl.Series(with_none(labels(X).tolist())),
    "arrow": lambda: pa.chunked_array([with_none(X.tolist())[:1], with_none(X.tolist())[1:]]),
    "cells": None,
}


@pytest.mark.parametrize("way", PARTLY)
def test_vectors_that_are_missing_in_part(way):
    n = len(X)
    if PARTLY[way] is None:
        own = {f"x[{i}]": np.where(EMPTY[:, i], -1, X[:, i]) for i in range(6)}
    else:
        own = {"x": PARTLY[way]()}
    w = np.arange(16.0).reshape(4, 2, 2)
    w[3, 1, 0] = np.nan
    partial = as_partial_rows({**own, "w": w, "z": np.array([0, 1, -1, 1])}, PARTIAL)
    np.testing.assert_array_equal(partial.values.codes[:6], np.where(EMPTY, 0, X).T)
    np.testing.assert_array_equal(partial.values.reals, w.reshape(n, 4).T)
    found = {pattern: rows.tolist() for pattern, rows in partial.patterns()}
    assert found == {
        Pattern(frozenset(), frozenset()): [0],
        Pattern(frozenset(), frozenset(), frozenset({2, 5})): [1],
        Pattern(frozenset({"x", "z"}), frozenset()): [2],
        Pattern(frozenset(), frozenset({2}), frozenset({2, 5})): [3],
    }
    assert [pattern.is_complete for pattern in found].count(True) == 1
    (pattern,) = {pattern.discrete for pattern, _ in without(partial, "x").patterns()} - {frozenset({"x", "z"})}
    assert pattern == {"x"}


def test_vectors_that_are_absent():
    partial = as_partial_rows({"w": np.zeros((3, 4)), "z": [0, 1, 1]}, PARTIAL)
    ((pattern, place),) = partial.patterns()
    assert pattern == Pattern(frozenset({"x"}), frozenset()) and place is None
    partial = as_partial_rows({"x[1]": [0, 1, 2], "x[4]": [0, 1, None], "w[0]": [1.0, 2.0, 3.0]}, PARTIAL)
    assert {pattern: None if place is None else place.tolist() for pattern, place in partial.patterns()} == {
        Pattern(frozenset({"z"}), frozenset({1, 2, 3}), frozenset({0, 2, 3, 5})): [0, 1],
        Pattern(frozenset({"z"}), frozenset({1, 2, 3}), frozenset({0, 2, 3, 4, 5})): [2],
    }
    ((pattern, place),) = as_partial_rows(np.zeros((3, 4)), PARTIAL).patterns()  # the reals alone
    assert pattern == Pattern(frozenset({"x", "z"}), frozenset()) and place is None
    assert holds_reals_alone(np.zeros((3, 4)), PARTIAL) and not holds_reals_alone(np.zeros((3, 11)), PARTIAL)


def test_partial_rows_of_arrays():
    array = np.column_stack([np.where(EMPTY, np.nan, X), np.zeros((4, 4)), [0, 1, np.nan, 1]])
    for data in (array, np.asfortranarray(array), np.ma.masked_invalid(array), torch.from_numpy(array)):
        partial = as_partial_rows(data, PARTIAL)
        assert Pattern(frozenset({"x", "z"}), frozenset()) in dict(partial.patterns())
    alone = Schema({"x": Discrete(STATES, SHAPE)})
    for data in (X, X.astype(np.uint8), X.astype(float)):
        assert as_partial_rows(data, alone).missing == {}
    assert set(as_partial_rows(np.where(EMPTY, -1, X), alone).missing) == set(range(6))


def test_what_is_wrong_in_partial_vectors_is_named():
    other = {"w": np.zeros((4, 4)), "z": [0, 1, 1, 0]}
    for bad, error, message in (
        (np.where(EMPTY, -1, X + 9 * (X[0, 2] == X)), ValueError, r"codes of 'x\[.\]' run from 0 to 2 .*: row . is 11"),
        (np.where(np.arange(24).reshape(4, 6) == 13, 5, np.where(EMPTY, -1, X)), ValueError, r"'x\[1\]'.*row 2 is 5"),
        (pa.chunked_array([[None, [0] * 6], [[0] * 6, [0, None, 0, 0, 7, 0]]]), ValueError, r"'x\[4\]'.*row 3 is 7"),
        ([None, ["a"] * 6, ["a"] * 6, ["a", "b", "c", "d", "a", "a"]], KeyError, r"'x\[3\]', row 3: 'd' is no state"),
        (np.where(EMPTY, np.nan, X + 0.5), ValueError, r"whole: column 'x\[0\]', row 0 is 0.5"),
        (np.zeros((4, 5)), ValueError, r"shape \(n_rows, 2, 3\) or \(n_rows, 6\)"),
    ):
        with pytest.raises(error, match=message):
            as_partial_rows({**other, "x": bad}, PARTIAL)


def test_rows_that_are_learnt_from():
    known = dict(net().variables)
    data = {"x": labels(X), "z": ["no", "yes", "yes", "no"], "u": np.zeros(4)}
    block = as_training_block(data, known, ["x", "z", "u"])
    np.testing.assert_array_equal(block.read(0, 4).codes[:6], X.T)
    assert as_training_block(data, {"x": known["x"]}, ["x", "z", "u"]).schema.variables["x"] == known["x"]
    array = np.column_stack([X, [0, 1, 1, 0], np.full(4, 0.5)])
    np.testing.assert_array_equal(as_training_block(array, known, ["x", "z", "u"]).read(0, 4).codes[:6], X.T)
    odd = labels(X)
    odd[2, 4] = "?"
    for x in (odd, odd.reshape(4, *SHAPE), odd.tolist(), pl.Series(odd.tolist()), None):
        own = {f"x[{i}]": odd[:, i] for i in range(6)} if x is None else {"x": x}
        rows = as_known_block(
            {**data, **own} if x is not None else {**own, "z": data["z"], "u": data["u"]}, known, ["x", "z", "u"]
        )
        assert isinstance(rows, KnownRows) and rows.kept.tolist() == [True, True, False, True]
        assert "column 'x[4]', row 2: '?' is no state" in rows.first_problem
        np.testing.assert_array_equal(rows.block.read(0, 3).codes[:6], X[rows.kept].T)


@pytest.mark.parametrize("states", [STATES, ("1990", "2000", "2010"), ("a, b", 'say "c"', "")])
@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".csv", ".csv.gz", ".npy"])
def test_files_of_rows(tmp_path, suffix, states):
    model = net(states)
    x, schema = model.sample(50, seed=1), model._program.schema
    path, scored = tmp_path / f"rows{suffix}", tmp_path / f"scored{suffix}"
    write_rows(path, model.iter_samples(50, chunk=20, seed=1), schema)
    chunks = list(read_rows(path, schema, 30))
    if states[2] == "" and suffix in (".csv", ".csv.gz"):
        return  # an empty cell is a missing value
    scores, expected = np.concatenate([model.log_prob(chunk) for chunk in chunks]), model.log_prob(x)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)  # CSV gives float64 back
    write_scored(scored, (Scored(chunk, model.log_prob(chunk)) for chunk in chunks), schema)
    if suffix == ".npy":
        np.testing.assert_allclose(np.load(scored)[:, -1], expected, rtol=1e-6)
    else:
        again = list(read_rows(scored, schema, 30))
        found = np.concatenate([chunk.column("log_prob").to_numpy() for chunk in again])
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_files_of_bytes_alone(tmp_path):
    model = fd.BayesNet({"x": Cells([], TABLE[0], SHAPE, STATES)})
    schema = model._program.schema
    write_rows(tmp_path / "x.npy", [model.sample(30, seed=0)], schema)
    assert np.load(tmp_path / "x.npy").dtype == np.uint8 and np.load(tmp_path / "x.npy").shape == (30, 6)
    write_rows(tmp_path / "x.parquet", [], schema)
    (empty,) = read_rows(tmp_path / "x.parquet", schema)
    assert model.log_prob(empty).shape == (0,)
    np.save(tmp_path / "bools.npy", np.zeros((3, 6), bool))
    coins = fd.BayesNet({"x": Cells([], np.full((6, 2), 0.5), SHAPE)})
    (rows,) = read_rows(tmp_path / "bools.npy", coins._program.schema)
    np.testing.assert_allclose(coins.log_prob(rows), -6 * np.log(2))


def test_the_command_line(tmp_path):
    """A network with a kind that has an engine is drawn and scored there, too; neural ones need their modules."""
    model = net()
    text = description(model)
    assert "2 discrete (2 to 3 states; vectors of 6 codes among them) and 1 real" in text
    assert "full joint table" not in text
    rows = NetworkRows(model)
    for suffix in ("parquet", "csv", "npy"):
        path = str(tmp_path / f"rows.{suffix}")
        rows.write(path, rows.draw(30, 20, 0, 0))
        with Inputs([path]) as inputs:
            found = [rows.log_prob(chunk) for _, chunk in inputs.read(model.names, rows.schema, 20)]
        np.testing.assert_allclose(np.concatenate(found), model.log_prob(model.sample(30, seed=0)), rtol=1e-6)
