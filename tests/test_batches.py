"""Rows scored and drawn batch by batch are those of one call."""

from __future__ import annotations

import pickle
from shutil import which

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.errors import VersionMismatchError
from fastdgm.interop import same_versions
from fastdgm.interop.batches import LogProb, Sample

NET = fd.example("asia")
MIXED = fd.BayesNet(
    {
        "z": fd.Categorical([0.3, 0.7], states=["lo", "hi"]),
        "x": fd.Normal.given(["z"], mean=[-2, 3], std=[1, 0.5]),
        "v": fd.MultivariateNormal([0.0, 1.0], np.eye(2)),
    }
)
KINDS = {
    "dict": lambda table: {name: own.to_numpy() for name, own in zip(table.schema.names, table.columns, strict=True)},
    "pandas": lambda table: table.to_pandas(),
    "table": lambda table: table,
    "record batch": lambda table: pa.RecordBatch.from_arrays(
        [own.combine_chunks() for own in table.columns], names=table.schema.names
    ),
}


def labels(column):
    return np.asarray(column).tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_batches_come_back_as_what_they_are(kind):
    draw = pickle.loads(pickle.dumps(Sample(NET, seed=7)))
    numbers = np.r_[100:150, 3, 60:70, 69]
    batch = KINDS[kind](pa.table({"id": numbers}))
    rows = draw(batch)
    assert type(rows) is type(batch)
    expected = NET.sample(150, seed=7).to_pandas().iloc[numbers]
    for name in NET.names:
        assert labels(rows[name]) == expected[name].tolist()
    scored = pickle.loads(pickle.dumps(LogProb(NET)))(rows)
    assert type(scored) is type(batch)
    assert labels(scored["log_prob"]) == NET.log_prob(expected).tolist()


@given(st.lists(st.integers(0, 30), max_size=12))
@settings(max_examples=20)
def test_any_numbers_of_rows(numbers):
    rows = Sample(MIXED, seed=1)(pa.record_batch({"id": pa.array(numbers, pa.int64())}))
    every = MIXED.sample(31, seed=1)
    assert rows.schema == Sample(MIXED, seed=1).schema
    assert labels(rows["x"]) == every["x"][numbers].tolist()
    assert rows["v"].to_pylist() == every["v"][numbers].tolist()
    assert rows["z"].to_pylist() == [MIXED.states["z"][code] for code in every["z"][numbers]]


def test_an_iterator_of_batches_is_read_as_it_is_asked_for():
    def batches():
        yield pa.record_batch({"id": [0, 1]})
        raise RuntimeError("not asked for yet")

    rows = Sample(NET, seed=0)(batches())
    assert len(next(rows)) == 2
    with pytest.raises(RuntimeError):
        next(rows)


def test_plain_types():
    draw = Sample(MIXED, seed=0)
    assert draw.spark_schema == "`z` string, `x` float, `v` array<float>"
    assert str(draw.schema.field("v").type).startswith("list<")
    assert draw({"id": np.arange(5)})["v"].shape == (5, 2)
    assert Sample(MIXED).seed != Sample(MIXED).seed


def test_ids_go_through_and_name_the_row():
    batch = pa.record_batch({"day": ["mo", "tu"], "smoke": ["yes", None]})
    scored = LogProb(NET, ids=["day"])(batch)
    assert scored.schema.names == ["day", "smoke", "log_prob"]
    assert scored["log_prob"].to_pylist() == NET.log_prob({"smoke": ["yes", None]}).tolist()
    wrong = {"day": [7, 8], "smoke": ["yes", "never"]}
    for own in (wrong, pa.table(wrong), pd.DataFrame(wrong, index=[3, 4])):
        with pytest.raises(fd.UnknownNameError, match=r"^the batch: column 'smoke', row 1: 'never' .* the index 8$"):
            LogProb(NET, ids=["day"])(own)
    with pytest.raises(KeyError, match=r"no variable \['day'\]"):
        LogProb(NET)(batch)
    with pytest.raises(KeyError, match=r"no column \['week'\] of ids, it has \['day', 'smoke'\]"):
        LogProb(NET, ids=["week"])(batch)


@pytest.mark.parametrize(
    ("batch", "error", "text"),
    [
        ({"n": [1]}, KeyError, r"from the column 'id' and no other, got \['n'\]"),
        ({"id": [1], "n": [1]}, KeyError, "and no other"),
        ({"id": [0.5]}, TypeError, "integers, column 'id' holds float64"),
        ({"id": [3, -1]}, ValueError, "not negative, column 'id' has -1"),
        (pa.record_batch({"id": [1, None]}), fd.MissingValuesError, "missing in column 'id'"),
        ({"id": [[0, 1]]}, ValueError, r"one number, column 'id' has the shape \(1, 2\)"),
        ([1, 2], TypeError, "a batch is a dict of arrays.*got builtins.list"),
        (pl.DataFrame({"id": [1]}), TypeError, "a batch is a dict of arrays.*got polars.*DataFrame"),
    ],
)
def test_what_is_no_batch_of_numbers(batch, error, text):
    with pytest.raises(error, match=text):
        Sample(NET, seed=0)(batch)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="Sample draws rows of a network"):
        Sample(fd.MADE(n_vars=3, hidden=(4,)), seed=0)
    with pytest.raises(TypeError, match="LogProb needs a network"):
        LogProb("asia")
    with pytest.raises(ValueError, match=r"\['smoke'\] are variables"):
        LogProb(NET, ids=["smoke"])
    with pytest.raises(ValueError, match="LogProb adds"):
        LogProb(NET, ids=["log_prob"])
    with pytest.raises(ValueError, match="LogProb adds"):
        LogProb(fd.BayesNet({"log_prob": fd.Bernoulli(0.5)}))
    with pytest.raises(fd.NotFittedError):
        Sample(fd.markov_chain(["a", "b"]), seed=0)


def test_another_version_is_told_where_it_is_unpickled(monkeypatch):
    payload = pickle.dumps(LogProb(NET))
    other = same_versions.own_versions()._replace(fastdgm="9.9.9")
    monkeypatch.setattr(same_versions, "own_versions", lambda: other)
    with pytest.raises(VersionMismatchError, match=r"9\.9\.9"):
        pickle.loads(payload)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_spark():
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if which("java") is None:
        pytest.skip("Spark needs Java")
    from pyspark.sql import SparkSession
    from pyspark.sql.types import DoubleType, StructField, StructType

    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "300").getOrCreate()
    try:
        score, draw = LogProb(MIXED), Sample(MIXED, seed=0)
        rows = spark.range(0, 1000, numPartitions=3).mapInArrow(draw, draw.spark_schema)
        scored = rows.mapInArrow(score, StructType([*rows.schema, StructField("log_prob", DoubleType())]))
        found = scored.toPandas()
    finally:
        spark.stop()
    expected = MIXED.sample(1000, seed=0)
    assert found["z"].tolist() == expected.to_pandas()["z"].tolist()
    assert np.array_equal(found["x"], expected["x"])
    assert np.array_equal(np.stack(found["v"]), expected["v"])
    assert np.array_equal(found["log_prob"], MIXED.log_prob(expected))
