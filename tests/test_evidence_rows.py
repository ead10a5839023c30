"""Rows with missing values are the same evidence in whatever form they come."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.data.evidence_rows import as_evidence, evidence_type, given_evidence, missing_code
from fastdgm.data.given_values import is_per_row
from fastdgm.data.partial import as_partial_rows
from fastdgm.data.samples import Samples
from fastdgm.data.schema import Schema
from fastdgm.data.variables import Discrete
from fastdgm.errors import MissingValuesError, UnknownNameError

Rows = np.ndarray  # codes (n, n_vars) int64, -1 where a value is missing


def schema_of(*n_states: int) -> Schema:
    return Schema({f"v{i}": Discrete(tuple(f"s{k}" for k in range(own))) for i, own in enumerate(n_states)})


def some_rows(schema: Schema, n: int, seed: int = 0, rate: float = 0.3) -> Rows:
    rng = np.random.default_rng(seed)
    n_states = [len(own) for own in schema.states.values()]
    codes = rng.integers(0, n_states, (n, len(n_states)))
    codes[rng.random(codes.shape) < rate] = -1
    return codes


def codes_of(data: Any, schema: Schema) -> np.ndarray:
    block = as_evidence(data, schema)
    evidence = block.read(0, block.n)
    assert evidence.codes.dtype == evidence_type(schema) and evidence.codes.flags.c_contiguous
    assert evidence.soft == () and evidence.likelihoods.shape == (0, block.n)
    return evidence.codes


def expected(rows: Rows, schema: Schema) -> np.ndarray:
    dtype = evidence_type(schema)
    return np.where(rows < 0, missing_code(dtype), rows).T.astype(dtype)


def as_floats(rows: Rows, schema: Schema) -> np.ndarray:
    return np.where(rows < 0, np.nan, rows)


def as_frame_of_labels(rows: Rows, schema: Schema) -> pd.DataFrame:
    columns = zip(schema.states.items(), rows.T, strict=True)
    return pd.DataFrame({name: pd.Categorical.from_codes(own, states) for (name, states), own in columns})


def as_frame_of_codes(rows: Rows, schema: Schema) -> pd.DataFrame:
    return pd.DataFrame(as_floats(rows, schema), columns=schema.names)


def as_mapping_of_lists(rows: Rows, schema: Schema) -> dict[str, list[str | None]]:
    columns = zip(schema.states.items(), rows.T.tolist(), strict=True)
    return {name: [None if code < 0 else states[code] for code in own] for (name, states), own in columns}


def as_masked(rows: Rows, schema: Schema) -> np.ma.MaskedArray:
    return np.ma.array(np.where(rows < 0, 9, rows).astype(np.uint16), mask=rows < 0)


def as_samples(rows: Rows, schema: Schema) -> Samples:
    return Samples(expected(rows, schema), schema.states)


def as_tensor(rows: Rows, schema: Schema) -> Any:
    return pytest.importorskip("torch").from_numpy(rows.astype(np.int16))


def with_chunks(table: pl.DataFrame) -> pl.DataFrame:
    half = len(table) // 2
    return pl.concat([table[:half], table[half:]], rechunk=False)


FORMS: dict[str, Callable[[Rows, Schema], Any]] = {
    "int64 rows": lambda rows, schema: rows,
    "int16 columns": lambda rows, schema: np.asfortranarray(rows.astype(np.int16)),
    "every second column": lambda rows, schema: np.repeat(rows, 2, axis=1)[:, ::2],
    "other byte order": lambda rows, schema: rows.astype(">i4"),
    "unsigned": lambda rows, schema: rows.astype(np.uint32),
    "float64": as_floats,
    "float32 columns": lambda rows, schema: np.asfortranarray(as_floats(rows, schema).astype(np.float32)),
    "lists": lambda rows, schema: [[None if cell < 0 else cell for cell in row] for row in rows.tolist()],
    "masked": as_masked,
    "samples": as_samples,
    "tensor": as_tensor,
    "mapping of lists": as_mapping_of_lists,
    "mapping of arrays": lambda rows, schema: dict(zip(schema.names, rows.T, strict=True)),
    "mapping of masked": lambda rows, schema: dict(zip(schema.names, as_masked(rows, schema).T, strict=True)),
    "pandas categories": as_frame_of_labels,
    "pandas objects": lambda rows, schema: as_frame_of_labels(rows, schema).astype(object),
    "pandas strings": lambda rows, schema: as_frame_of_labels(rows, schema).astype("string"),
    "pandas floats": as_frame_of_codes,
    "pandas Int32": lambda rows, schema: as_frame_of_codes(rows, schema).astype("Int32"),
    "pandas UInt16": lambda rows, schema: as_frame_of_codes(rows, schema).astype("UInt16"),
    "pandas Arrow": lambda rows, schema: as_frame_of_codes(rows, schema).astype("Int32").astype("int32[pyarrow]"),
    "polars labels": lambda rows, schema: pl.DataFrame(as_mapping_of_lists(rows, schema), schema=strings(schema)),
    "polars enums": lambda rows, schema: pl.DataFrame(as_mapping_of_lists(rows, schema), schema=enums(schema)),
    "polars chunks": lambda rows, schema: with_chunks(pl.DataFrame(as_frame_of_codes(rows, schema).astype("UInt16"))),
    "lazy": lambda rows, schema: pl.DataFrame(as_mapping_of_lists(rows, schema), schema=enums(schema)).lazy(),
    "Arrow dictionaries": lambda rows, schema: pa.Table.from_pandas(as_frame_of_labels(rows, schema)),
    "Arrow integers": lambda rows, schema: pa.Table.from_pandas(as_frame_of_codes(rows, schema).astype("Int64")),
    "Arrow floats": lambda rows, schema: pa.table(dict(zip(schema.names, as_floats(rows, schema).T, strict=True))),
}


def strings(schema: Schema) -> dict[str, Any]:
    return dict.fromkeys(schema.names, pl.String)


def enums(schema: Schema) -> dict[str, Any]:
    return {name: pl.Enum(states) for name, states in schema.states.items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("n_states", [(2, 3, 5), (200, 255, 2), (256, 2, 150), (300, 256, 4)])
def test_forms_are_the_same_evidence(form, n_states):
    schema = schema_of(*n_states)
    rows = some_rows(schema, 300)
    rows[0], rows[1] = np.array(n_states) - 1, -1
    assert (codes_of(FORMS[form](rows, schema), schema) == expected(rows, schema)).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_all_or_nothing_is_missing(form, rate):
    schema = schema_of(2, 3)
    rows = some_rows(schema, 20, rate=rate)
    assert (codes_of(FORMS[form](rows, schema), schema) == expected(rows, schema)).all()


@settings(deadline=None, max_examples=60)
@given(
    form=st.sampled_from(sorted(FORMS)),
    n_states=st.lists(st.integers(1, 300), min_size=1, max_size=4),
    n=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    rate=st.sampled_from([0.0, 0.2, 0.9, 1.0]),
)
def test_round_trips(form, n_states, n, seed, rate):
    schema = schema_of(*n_states)
    rows = some_rows(schema, n, seed, rate)
    assert (codes_of(FORMS[form](rows, schema), schema) == expected(rows, schema)).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_bytes(dtype):
    schema = schema_of(2, 100, 7)
    rows = some_rows(schema, 5000)
    for array in (rows.astype(dtype), np.asfortranarray(rows.astype(dtype))):
        assert (codes_of(array, schema) == expected(rows, schema)).all()


def test_the_largest_byte_is_missing_only_where_it_is_no_state():
    schema = schema_of(256, 2)
    rows = np.array([[255, 255], [0, 1]], np.uint8)
    assert codes_of(rows, schema).T.tolist() == [[255, 65535], [0, 1]]
    assert codes_of(dict(zip(schema.names, rows.T, strict=True)), schema).T.tolist() == [[255, 65535], [0, 1]]
    assert codes_of(rows.astype(np.uint16), schema_of(256, 256)).tolist() == [[255, 0], [255, 1]]


def test_negative_bytes_are_no_states():
    schema = schema_of(200)
    assert codes_of(np.array([[-1], [3]], np.int8), schema).tolist() == [[255, 3]]
    with pytest.raises(ValueError, match="row 1 is -100"):
        codes_of(np.array([[3], [-100]], np.int8), schema)


def test_minus_one_is_not_missing_where_a_state_is_named_so():
    schema = Schema({"a": Discrete(("-1", "0", "1")), "b": Discrete(("x", "y"))})
    assert codes_of([[0, -1], [2, 1]], schema).T.tolist() == [[0, 255], [2, 1]]
    with pytest.raises(ValueError, match=r"codes of 'a' run from 0 to 2 .*row 1 is -1"):
        codes_of([[0, -1], [-1, 1]], schema)
    masked = np.ma.array([[0, 1], [-1, 1]], mask=[[False, False], [True, False]])
    assert codes_of(masked, schema).T.tolist() == [[0, 1], [255, 1]]


def test_empty_labels_are_missing_unless_they_are_states():
    schema = Schema({"a": Discrete(("x", "y")), "b": Discrete(("", "y"))})
    assert codes_of({"a": ["x", ""], "b": ["", "y"]}, schema).tolist() == [[0, 255], [0, 1]]
    assert codes_of({"a": pd.Categorical(["x", ""], ["", "x"], ordered=True)}, schema)[0].tolist() == [0, 255]


def test_booleans_and_times():
    schema = Schema({"a": Discrete(("False", "True"))})
    assert codes_of({"a": pd.array([True, None, False], "boolean")}, schema).tolist() == [[1, 255, 0]]
    assert codes_of({"a": [True, None, False]}, schema).tolist() == [[1, 255, 0]]
    assert codes_of(pa.table({"a": [True, None, False]}), schema).tolist() == [[1, 255, 0]]
    assert codes_of({"a": pd.Series([pd.NaT, pd.NaT])}, schema).tolist() == [[255, 255]]
    assert codes_of({"a": [None, float("nan"), pd.NA, pd.NaT]}, schema).tolist() == [[255] * 4]
    assert codes_of({"a": pa.nulls(2)}, schema).tolist() == [[255, 255]]


def test_numbers_that_could_be_names():
    schema = Schema({"a": Discrete(("1", "2"))})
    assert codes_of([[0], [None], [1]], schema).tolist() == [[0, 255, 1]]  # rows without names are codes
    assert codes_of({"a": ["2", None, "1"]}, schema).tolist() == [[1, 255, 0]]
    assert codes_of({"a": [None, np.nan]}, schema).tolist() == [[255, 255]]
    with pytest.raises(ValueError, match="could be codes or the state names"):
        codes_of({"a": [1, None]}, schema)


def test_absent_columns_are_missing():
    schema = schema_of(2, 3, 4)
    assert codes_of({"v1": [2, 0]}, schema).T.tolist() == [[255, 2, 255], [255, 0, 255]]
    frame = as_frame_of_labels(np.array([[1, -1, 3]]), schema)[["v2", "v0"]]
    assert codes_of(frame, schema).T.tolist() == [[1, 255, 3]]


def test_pieces_are_parts_of_the_whole_on_any_thread():
    schema = schema_of(2, 3, 300)
    rows = some_rows(schema, 20_000)
    bounds = [0, 1, 4096, 9_999, 10_007, 20_000]
    for form in ("int64 rows", "int16 columns", "float64", "masked", "samples", "pandas categories", "polars chunks"):
        block = as_evidence(FORMS[form](rows, schema), schema)
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(block.read, bounds, bounds[1:]))
        assert (np.concatenate([part.codes for part in parts], axis=1) == expected(rows, schema)).all()
        assert block.read(7, 7).codes.shape == (3, 0)


def test_what_is_read_is_a_copy():
    schema = schema_of(2, 3)
    rows = some_rows(schema, 10).astype(np.uint8)
    block = as_evidence(np.asfortranarray(rows), schema)
    block.read(0, 10).codes[:] = 0
    assert (block.read(0, 10).codes == rows.T).all()


def test_missing_values_are_counted():
    schema = schema_of(2, 3)
    rows = some_rows(schema, 5000)
    block = as_evidence(rows, schema)
    assert block.missing_counts == {"v0": (rows[:, 0] < 0).sum(), "v1": (rows[:, 1] < 0).sum()}
    assert sum(block.missing_counts.values()) == (rows < 0).sum()
    assert block.without("v1").missing_counts["v1"] == 5000
    assert sum(as_evidence({"v0": [0, 1], "v1": np.ones((2, 3))}, schema).missing_counts.values()) == 0


def test_without_and_only():
    schema = schema_of(2, 3)
    block = as_evidence({"v0": [0, 1], "v1": np.array([[1, 2, 0], [0, 0.5, 1]])}, schema)
    assert block.read(0, 2).soft == (1,)
    assert block.without("v1").read(0, 2).soft == () and block.without("v0").read(1, 2).codes.tolist() == [[255], [255]]
    assert block.only(["v1"]).read(0, 1).codes.tolist() == [[255], [255]] and block.only([]).read(0, 1).soft == ()


def test_columns_of_likelihoods():
    schema = schema_of(2, 3, 2)
    likelihood = np.array([[1, 0, 0.5], [0, 0, 1e-30]], np.float32)
    block = as_evidence({"v2": [1, -1], "v1": likelihood}, schema)
    codes, soft, found = block.read(0, 2)
    assert codes.tolist() == [[255, 255], [255, 255], [1, 255]] and soft == (1,)
    assert (found == likelihood.T).all()
    assert (block.read(1, 2).likelihoods == likelihood[1:].T).all()
    torch = pytest.importorskip("torch")
    assert (as_evidence({"v1": torch.tensor(likelihood)}, schema).read(0, 2).likelihoods == likelihood.T).all()


BAD = {
    "the data has none of": {},
    "no variable": {"v0": [0], "typo": [1]},
    "codes of 'v1' run from 0 to 2 .*row 1 is 3": np.array([[0, 0], [1, 3]]),
    "row 0 is -2": np.array([[0, -2]]),
    "row 0 is 254": np.array([[0, 254]], np.uint8),
    "must be whole: column 'v0', row 1 is 0.5": np.array([[0, 1], [0.5, np.nan]]),
    "among floats NaN is a missing value: row 0 is -1.0": np.array([[-1.0, 0]]),
    "row 0 is inf": np.array([[np.inf, 0]]),
    r"shape \(n_rows, 2\)": np.zeros((3, 1), int),
    "row 2: 'maybe' is no state": {"v0": ["s0", None, "maybe"]},
    "row 1 is 7": {"v0": [None, 7]},
    "equally long": {"v0": [0, 1], "v1": [0]},
    "not negative: 'v0', row 1, state 's1' has -1.0": {"v0": np.array([[1, 1], [0, -1.0]])},
    "not negative: 'v0', row 0, state 's0' has nan": {"v0": np.array([[np.nan, 1]])},
    "that of 'v0', row 1 is all zero": {"v0": np.array([[1, 1], [0, 0.0]])},
    r"shape \(2,\) or \(n_rows, 2\), got shape \(1, 3\)": {"v0": np.ones((1, 3))},
    "equally long: 'v1' has 2 rows, 'v0' has 1": {"v0": np.ones((1, 2)), "v1": [0, 1]},
    "holds complex": {"v0": [1j, None]},
}


@pytest.mark.parametrize("text", BAD)
def test_bad_input(text):
    with pytest.raises((ValueError, TypeError, UnknownNameError), match=text):
        codes_of(BAD[text], schema_of(2, 3))


def test_a_bad_value_is_named_by_its_row_in_any_piece():
    schema = schema_of(2, 3)
    rows = some_rows(schema, 20_000)
    rows[15_000, 1] = 3
    for form in ("int64 rows", "int16 columns", "float64", "mapping of arrays"):
        block = as_evidence(FORMS[form](rows, schema), schema)
        block.read(0, 15_000)
        with pytest.raises(ValueError, match=r"codes of 'v1' run from 0 to 2 .*row 15000 is 3"):
            block.read(14_000, 20_000)


SCHEMA = Schema({"age": Discrete(("<5", "5-12", "13+")), "sick": Discrete(("no", "yes"))})


def given_to(given: Any, n: int | None = None) -> tuple[list, tuple, list]:
    block = given_evidence(given, SCHEMA, n)
    codes, soft, likelihoods = block.read(0, block.n)
    return codes.T.tolist(), soft, likelihoods.T.tolist()


FORMS_OF_GIVEN = {
    "nothing": ({}, [[255, 255]], (), [[]]),
    "a label": ({"sick": "yes"}, [[255, 1]], (), [[]]),
    "a code": ({"age": np.int8(2)}, [[2, 255]], (), [[]]),
    "an array without axes": ({"age": np.array(2)}, [[2, 255]], (), [[]]),
    "allowed states": ({"age": ["<5", 2]}, [[255, 255]], (0,), [[1, 0, 1]]),
    "an allowed state": ({"age": ("13+",)}, [[2, 255]], (), [[]]),
    "a set": ({"age": {"5-12", "13+"}}, [[255, 255]], (0,), [[0, 1, 1]]),
    "all states": ({"age": [0, 1, 2], "sick": 0}, [[255, 0]], (), [[]]),
    "a likelihood": ({"age": np.array([0.5, 0, 3]), "sick": 1}, [[255, 1]], (0,), [[0.5, 0, 3]]),
    "a likelihood for each row": ({"sick": np.array([[1, 0.5], [0, 2]])}, [[255, 255]] * 2, (1,), [[1, 0.5], [0, 2]]),
    "an array of codes": ({"age": np.array([2, -1]), "sick": "no"}, [[2, 0], [255, 0]], (), [[], []]),
    "an array of labels": ({"age": np.array(["<5", "13+"])}, [[0, 255], [2, 255]], (), [[], []]),
    "a column of pandas": ({"age": pd.Series(["<5", None])}, [[0, 255], [255, 255]], (), [[], []]),
    "a column of polars": ({"age": pl.Series([1, None])}, [[1, 255], [255, 255]], (), [[], []]),
    "rows beside sets": ({"age": {0, 2}, "sick": np.array([0, -1])}, [[255, 0], [255, 255]], (0,), [[1, 0, 1]] * 2),
    "a frame": (pd.DataFrame({"sick": ["yes", None]}), [[255, 1], [255, 255]], (), [[], []]),
    "rows": (np.array([[0, -1], [2, 1]]), [[0, 255], [2, 1]], (), [[], []]),
    "lists of rows": ([[0, None], [2, 1]], [[0, 255], [2, 1]], (), [[], []]),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS_OF_GIVEN)
def test_forms_of_given(form):
    given, *want = FORMS_OF_GIVEN[form]
    assert given_to(given) == tuple(want)
    assert is_per_row(given, SCHEMA) == (form not in list(FORMS_OF_GIVEN)[:9])


def test_given_for_many_rows():
    codes, soft, likelihoods = given_to({"age": [0, 1], "sick": "yes"}, 3)
    assert codes == [[255, 1]] * 3 and soft == (0,) and likelihoods == [[1, 1, 0]] * 3
    assert given_to({"sick": np.array([0, 1])}, 2)[0] == [[255, 0], [255, 1]]
    with pytest.raises(ValueError, match="as many as rows, got 2 for 3 rows; the states that are allowed in all"):
        given_to({"sick": np.array([0, 1])}, 3)


BAD_GIVEN = {
    "no variable 'agge'; .* did you mean 'age'": {"agge": 0},
    "'kid' is no state of 'age'": {"age": "kid"},
    "'old' is no state of 'age'": {"age": ["<5", "old"]},
    "codes of 'age' run from 0 to 2, got 3": {"age": 3},
    "codes of 'age' run from 0 to 2, got -1": {"age": -1},
    "None is no state of 'age', leave a variable out": {"age": None},
    "nan is no state of 'age', leave a variable out": {"age": float("nan")},
    "<NA> is no state of 'age', leave": {"age": [0, pd.NA]},
    "some state of 'age' is allowed, got an empty list": {"age": []},
    "has the float 0.2; a likelihood is an array": {"age": [0.2, 0.8, 0]},
    r"one number for each of its 3 states .* got shape \(2,\)": {"age": np.array([0.5, 0.5])},
    "not negative: 'age', state '<5' has -0.5": {"age": np.array([-0.5, 1, 1])},
    "not negative: 'age', state '13\\+' has inf": {"age": np.array([0.5, 1, np.inf])},
    "that of 'age' is all zero": {"age": np.zeros(3)},
    "not negative: 'sick', row 1, state 'no' has nan": {"sick": np.array([[1, 1], [np.nan, 1]])},
    "no masked numbers": {"sick": np.ma.array([0.5, 0.5], mask=[True, False])},
    "equally long: 'age' has 2 rows, 'sick' has 1": {"age": np.array([0, 1]), "sick": np.array([[1.0, 1.0]])},
    "row 1 is 5": {"age": np.array([0, 5])},
    "a mapping from variables to values": "age",
    "a mapping from variables to values, or rows": ["age"],
    "a mapping from variables to values, or rows of them, got 5": 5,
    "a sequence of values|list of codes or labels": {"age": {"<5": 1}},
}


@pytest.mark.parametrize("text", BAD_GIVEN)
def test_bad_given(text):
    with pytest.raises((ValueError, TypeError, UnknownNameError), match=text):
        given_to(BAD_GIVEN[text])


def test_terms_need_complete_rows():
    net = fd.example("asia")
    codes = np.asarray(net.sample(50, seed=0)).astype(int)
    codes[7:9, 3] = codes[7, 5] = -1
    text = r"3 values are missing \(2 of 'lung', 1 of 'either'\), the first is 'lung' in row 7"
    with pytest.raises(MissingValuesError, match=text):
        net.log_prob(codes, per_variable=True)
    mixed = fd.BayesNet({"z": fd.Bernoulli(0.3), "x": fd.Normal.given(["z"], mean=[-2, 3], std=[1, 0.5])})
    with pytest.raises(MissingValuesError, match=r"1 value is missing \(1 of 'x'\), the first is 'x' in row 1"):
        mixed.log_prob({"z": [0, 1], "x": [0.5, np.nan]}, per_variable=True)


def test_partial_rows_of_codes_are_the_same():
    """As those see them that sum by pattern and that learn."""
    schema = Schema({"a": Discrete(("1", "2")), "b": Discrete(tuple(map(str, range(256))))})
    rows = some_rows(schema, 30)
    rows[:, 0] = np.resize([0, 1, -1], 30)
    for form in ("int64 rows", "float64", "samples", "pandas categories"):
        found = as_partial_rows(FORMS[form](rows, schema), schema)
        assert found.values.codes.dtype == np.uint8
        for v, column in enumerate(rows.T):
            assert (found.missing[v] == (column < 0)).all()
            assert (found.values.codes[v] == np.maximum(column, 0)).all()
    assert as_partial_rows({"a": ["2", "1"]}, schema).missing == {1: None}
    with pytest.raises(ValueError, match="rows hold values here, not likelihoods: 'a'"):
        as_partial_rows({"a": np.ones((2, 2))}, schema)
