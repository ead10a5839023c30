"""Rows of discrete and real variables in files: every format gives back the same numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastdgm.data.boundary import as_network_block
from fastdgm.data.samples import Samples
from fastdgm.data.schema import Schema, Values
from fastdgm.data.variables import Discrete, Real
from fastdgm.errors import FormatError
from fastdgm.io.rows import FORMATS, read_rows, write_rows, write_scored
from fastdgm.io.rows.scored import Scored

SCHEMA = Schema({"x, y": Real((2,)), "z": Discrete(("no", "a,b", "3")), "u": Real(), "k": Discrete(("a", "b"))})
REALS = Schema({"u": Real(), "v": Real((3,))})
SUFFIXES = list(FORMATS)
TABLE_SUFFIXES = [suffix for suffix in SUFFIXES if suffix != ".npy"]


def samples(n, schema=SCHEMA, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, len(own), n) for own in schema.states.values()]
    reals = rng.normal(size=(schema.n_reals, n)) * 10.0 ** rng.integers(-30, 30, (schema.n_reals, n))
    return Samples.of(
        Values(np.array(codes, np.uint8).reshape(schema.n_codes, n), reals.astype(dtype)), schema, seed, 0
    )


def chunks_of(x, size):
    return (x[first : first + size] for first in range(0, len(x), size))


def rows_from(path, schema=SCHEMA, chunk=100):
    """All rows of a file as blocks, and the sizes of the chunks they came in."""
    parts = []
    for rows in read_rows(path, schema, chunk):
        block = as_network_block(rows, schema)
        parts.append(block.read(0, block.n))
    return Values(*(np.concatenate([getattr(part, kind) for part in parts], axis=1) for kind in ("codes", "reals")))


def assert_equal(values, x):
    np.testing.assert_array_equal(values.codes, x.blocks.codes)
    np.testing.assert_array_equal(values.reals.astype(x.blocks.reals.dtype), x.blocks.reals)


@pytest.mark.parametrize("schema", [SCHEMA, REALS], ids=["both", "reals"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_read_back(tmp_path, suffix, dtype, schema):
    x = samples(700, schema, dtype)
    path = tmp_path / f"rows{suffix}"
    write_rows(path, chunks_of(x, 300), schema)
    assert_equal(rows_from(path, schema), x)


FINITE = st.floats(allow_nan=False, allow_infinity=False, width=32)
CODES = st.integers(0, 1)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reals=arrays.arrays(np.float32, (3, 4), elements=FINITE), codes=arrays.arrays(np.uint8, (2, 4), elements=CODES))
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy"])
def test_any_number_reads_back(tmp_path, suffix, reals, codes):
    x = Samples.of(Values(codes.copy(), reals.copy()), SCHEMA)
    write_rows(tmp_path / f"rows{suffix}", [x], SCHEMA)
    assert_equal(rows_from(tmp_path / f"rows{suffix}"), x)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("parts", [[], [samples(0)]], ids=["no chunk", "no rows"])
def test_no_rows_are_a_valid_file(tmp_path, suffix, parts):
    write_rows(tmp_path / f"rows{suffix}", parts, SCHEMA)
    values = rows_from(tmp_path / f"rows{suffix}")
    assert (values.codes.shape, values.reals.shape) == ((2, 0), (3, 0))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_chunks_do_not_show(tmp_path, suffix):
    x = samples(50)
    for name, size in (("one", 50), ("many", 7)):
        write_rows(tmp_path / f"{name}{suffix}", chunks_of(x, size), SCHEMA)
    one, many = (rows_from(tmp_path / f"{name}{suffix}") for name in ("one", "many"))
    np.testing.assert_array_equal(one.reals, many.reals)
    if suffix in (".csv", ".csv.gz", ".npy"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"many{suffix}").read_bytes()


def test_other_readers_see_the_numbers(tmp_path):
    x = samples(20)
    for suffix in SUFFIXES:
        write_rows(tmp_path / f"rows{suffix}", [x], SCHEMA)
    names = ["x, y[0]", "x, y[1]", "z", "u", "k"]
    for frame in (pd.read_csv(tmp_path / "rows.csv"), pl.read_csv(tmp_path / "rows.csv.gz")):
        assert list(frame.columns) == names
        np.testing.assert_array_equal(np.asarray(frame["u"], np.float32), x["u"])
        np.testing.assert_array_equal(np.asarray(frame["x, y[1]"], np.float32), x["x, y"][:, 1])
    for frame in (pl.read_parquet(tmp_path / "rows.parquet"), pl.read_ipc(tmp_path / "rows.arrow")):
        assert frame["x, y"].to_list() == x["x, y"].tolist()
        assert frame["u"].dtype == pl.Float32
    assert np.stack(pd.read_parquet(tmp_path / "rows.parquet")["x, y"]).tolist() == x["x, y"].tolist()
    rows = np.load(tmp_path / "rows.npy")
    assert (rows.dtype, rows.shape) == (np.float64, (20, 5))
    np.testing.assert_array_equal(rows, np.asarray(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_npy_of_reals_keeps_their_type(tmp_path, dtype):
    x = samples(5, REALS, dtype)
    write_rows(tmp_path / "rows.npy", [x], REALS)
    rows = np.load(tmp_path / "rows.npy")
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows, x.block.T)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
def test_scored_rows(tmp_path, source, suffix):
    x = samples(30)
    write_rows(tmp_path / f"rows{source}", [x], SCHEMA)
    chunks = [Scored(rows, np.arange(len(rows), dtype=float)) for rows in read_rows(tmp_path / f"rows{source}", SCHEMA)]
    path = tmp_path / f"scored{suffix}"
    write_scored(path, chunks, SCHEMA)
    if suffix == ".npy":
        rows = np.load(path)
        np.testing.assert_array_equal(rows[:, -1], np.arange(30.0))
        np.testing.assert_array_equal(rows[:, :-1].astype(np.float32), np.asarray(x, np.float32))
        return
    with_scores = Schema({**SCHEMA.variables, "log_prob": Real()})
    values = rows_from(path, with_scores)
    np.testing.assert_array_equal(values.reals[-1], np.arange(30.0))
    assert_equal(Values(values.codes, values.reals[:-1]), x)


def test_scored_rows_keep_the_order_of_the_file(tmp_path):
    x = samples(10)
    frame = x.to_pandas().iloc[:, ::-1]
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    for suffix in (".csv", ".parquet"):
        chunks = [Scored(own, np.zeros(len(own))) for own in read_rows(tmp_path / f"rows{suffix}", SCHEMA) if len(own)]
        write_scored(tmp_path / "scored.csv", chunks, SCHEMA)
        write_scored(tmp_path / "scored.parquet", chunks, SCHEMA)
        header = (tmp_path / "scored.csv").read_text().splitlines()[0]
        assert header == 'k,u,z,"x, y[0]","x, y[1]",log_prob'  # the numbers of a vector stay together, in order
        assert pl.read_parquet(tmp_path / "scored.parquet").columns[:2] == ["k", "u"]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("z,u,k,x\nno,abc,a,1\n", FormatError, r"rows.csv: column 'u' holds numbers, got the invalid value 'abc'$"),
        ("x[0],x[1],z,u,k\n1,\x1b,no,3,a\n", FormatError, r"column 'x\[1\]' holds numbers, .* value '\\x1b'$"),
        ("x[0],x[1],z,u,k\n1,2,no,,a\n", ValueError, "column 'u', row 0 is missing"),
        ("x[0],x[1],z,u,k\n1,nan,no,3,a\n", ValueError, r"column 'x\[1\]', row 0 is missing"),
        ("x[0],x[1],z,u,k\n1,inf,no,3,a\n", ValueError, r"column 'x\[1\]', row 0 is inf"),
        ("x[0],x[1],z,u,k\n1,2,no,1e999,a\n", ValueError, "row 0 is inf|invalid value '1e999'"),
        ("x[0],z,u,k\n1,no,3,a\n", KeyError, r"no variable \['x\[0\]'\] and the data has no column \['x'\]"),
    ],
)
def test_bad_cells_of_csv(tmp_path, text, error, message):
    schema = Schema({"x": Real((2,)), "z": Discrete(("no", "yes")), "u": Real(), "k": Discrete(("a", "b"))})
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(error, match=message):
        rows_from(tmp_path / "rows.csv", schema)


def test_arrays_of_another_shape(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((3, 4)))
    with pytest.raises(FormatError, match=r"an array of rows has shape \(n_rows, 5\), got shape \(3, 4\)"):
        read_rows(tmp_path / "rows.npy", SCHEMA)
