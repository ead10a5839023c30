"""Samples: columns, rows and arrays of one block of codes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from defusedxml.ElementTree import fromstring

import fastdgm as fd
from fastdgm.data.samples import Samples
from fastdgm.errors import UnknownNameError
from fastdgm.io.rows import FORMATS, write_rows

STATES = {"rain": ("no", "yes"), "wet": ("dry", "damp", "soaking"), "grass": ("green", "brown")}
CODES = np.array([[0, 1, 1, 0], [2, 0, 1, 1], [1, 1, 0, 0]], np.uint8)


@pytest.fixture
def x():
    return Samples(CODES.copy(), STATES, seed=7, start=100)


def test_sizes_and_names(x):
    assert len(x) == 4
    assert x.shape == (4, 3)
    assert x.dtype == np.uint8
    assert tuple(x.keys()) == x.names == ("rain", "wet", "grass")
    assert x.states == STATES
    assert (x.seed, x.start) == (7, 100)
    assert "wet" in x
    assert "moon" not in x


def test_columns_are_read_only_views(x):
    for row, (name, column) in enumerate(x.items()):
        np.testing.assert_array_equal(column, CODES[row])
        assert np.shares_memory(x[name], x.block)
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1
    assert [column.tolist() for column in x.values()] == CODES.tolist()
    assert dict(x)["wet"].tolist() == [2, 0, 1, 1]


def test_an_unknown_column_is_named(x):
    with pytest.raises(UnknownNameError, match=r"no variable 'moon'; the samples have \['rain', 'wet', 'grass'\]"):
        x["moon"]


def test_slices_are_samples_that_know_where_they_start(x):
    part = x[1:3]
    np.testing.assert_array_equal(part.block, CODES[:, 1:3])
    assert (part.seed, part.start, part.names) == (7, 101, x.names)
    assert x[-1:].start == 103
    assert x[::2].start is None
    assert len(x[3:1]) == 0
    assert np.shares_memory(part.block, x.block)


ROW_CHOICES = [
    [0, 2],
    np.array([0, 2]),
    [True, False, True, False],
    CODES[0] == 0,
    pd.Series(CODES[0] == 0),
    pl.Series(CODES[0] == 0),
    [],
]


@pytest.mark.parametrize("rows", ROW_CHOICES)
def test_masks_and_index_lists_pick_rows(x, rows):
    part = x[rows]
    expected = CODES[:, np.asarray(rows) if len(rows) else []]
    assert isinstance(part, Samples)
    assert part.start is None
    np.testing.assert_array_equal(part.block, expected.reshape(3, -1))


@pytest.mark.parametrize("key", [["rain", "wet"], np.array(["rain"]), [0.5], pd.Series([True, None], dtype=object)])
def test_rows_are_picked_by_numbers_or_masks_only(x, key):
    with pytest.raises(TypeError, match=r"rows are picked by a mask or by row numbers.*by name one at a time"):
        x[key]


@pytest.mark.parametrize("key", [[True, False, True, False], [0, 1, 2, 3]])
def test_rows_are_not_picked_by_a_masked_array(x, key):
    with pytest.raises(ValueError, match="without missing entries"):
        x[np.ma.masked_array(key, [0, 0, 1, 0])]
    assert len(x[np.ma.masked_array(key)]) == len(x[key])


@pytest.mark.parametrize(
    ("block", "error", "rule"),
    [
        (CODES.tolist(), TypeError, "NumPy array without a mask, got list"),
        (np.ma.masked_array(CODES), TypeError, "NumPy array without a mask, got MaskedArray"),
        (CODES.astype(np.int64), TypeError, "uint8 or uint16, got int64"),
        (CODES.astype(">u2"), TypeError, "uint8 or uint16, got >u2"),
        (CODES[:1], ValueError, r"here \(3, n\), got shape \(1, 4\)"),
        (CODES[0], ValueError, r"here \(3, n\), got shape \(4,\)"),
        (CODES[None], ValueError, r"here \(3, n\), got shape \(1, 3, 4\)"),
    ],
)
def test_blocks_that_are_refused(block, error, rule):
    with pytest.raises(error, match=rule):
        Samples(block, STATES)


def test_state_names_cannot_be_changed(x):
    with pytest.raises(TypeError):
        x.states["rain"] = ("a", "b")


def test_rows_and_blocks_of_columns_are_arrays(x):
    np.testing.assert_array_equal(x[2], CODES[:, 2])
    np.testing.assert_array_equal(x[:, :2], CODES[:2].T)
    np.testing.assert_array_equal(x[1:, 1], CODES[1, 1:])
    np.testing.assert_array_equal(list(x), CODES.T)
    np.testing.assert_array_equal(x[np.array(2)], CODES[:, 2])
    with pytest.raises(IndexError):
        x[4]


def test_it_is_an_array(x):
    array = np.asarray(x)
    np.testing.assert_array_equal(array, CODES.T)
    assert np.shares_memory(array, x.block)
    assert not np.shares_memory(np.array(x), x.block)
    assert np.asarray(x, np.int64).dtype == np.int64
    assert np.mean(x) == CODES.mean()
    with pytest.raises(ValueError, match="copy"):
        np.array(x, dtype=np.int64, copy=False)


def test_it_is_an_arrow_stream(x):
    table = pa.table(x)
    assert table.to_pydict() == x.to_arrow().to_pydict()
    assert table.column("wet").to_pylist() == ["soaking", "dry", "damp", "damp"] == x.labels("wet").tolist()


EXPORTS = {
    "labels": lambda x: x.labels("wet"),
    "to_pandas": lambda x: x.to_pandas(),
    "to_arrow": lambda x: x.to_arrow(),
    "stream": lambda x: x.__arrow_c_stream__(),
    "pyarrow": pa.table,
    "polars": pl.DataFrame,
    **{suffix: lambda x, suffix=suffix: write_rows(f"rows{suffix}", [x], x.states) for suffix in FORMATS},
}


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS.keys())
@pytest.mark.parametrize(("dtype", "code"), [(np.uint8, 3), (np.uint8, 128), (np.uint8, 254), (np.uint16, 256)])
def test_codes_out_of_range_are_refused_by_every_export(export, dtype, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = CODES.astype(dtype)
    block[1, 2] = code
    with pytest.raises(ValueError, match=rf"codes of 'wet' run from 0 to 2 .*: row 2 is {code}$"):
        export(Samples(block, STATES))
    assert list(tmp_path.iterdir()) == []


def test_no_equality_by_value(x):
    assert x == x
    assert x != Samples(CODES.copy(), STATES)


@pytest.mark.parametrize("again", [lambda x: pickle.loads(pickle.dumps(x)), copy.copy, copy.deepcopy])
def test_copies_are_the_same_and_read_only(x, again):
    other = again(x)
    np.testing.assert_array_equal(other.block, x.block)
    assert (other.states, other.seed, other.start) == (x.states, x.seed, x.start)
    assert not other.block.flags.writeable


def test_repr_shows_labels_aligned(x):
    assert repr(x[:2]).splitlines() == [
        "Samples: 2 rows x 3 variables, uint8 codes, seed 7, start 100",
        "rain  wet      grass",
        "no    soaking  brown",
        "yes   dry      brown",
    ]


def test_repr_of_large_samples_is_short():
    x = Samples(np.zeros((50, 1000), np.uint8), {f"v{i}": ("a", "b") for i in range(50)})
    lines = repr(x).splitlines()
    assert lines[0] == "Samples: 1000 rows x 50 variables, uint8 codes"
    assert lines[1].split() == ["v0", "v1", "v2", "v3", "v4", "v5", "..."]
    assert len(lines) == 8
    assert lines[-1] == "..."


def test_repr_has_no_control_characters():
    text = repr(Samples(np.zeros((1, 1), np.uint8), {"a\nb": ("\x1b[31m",)}))
    assert text.splitlines()[1:] == ["a?b", "?[31m"]


def test_repr_without_rows(x):
    assert repr(x[:0]).splitlines()[1] == "rain  wet  grass"


def cells(html):
    """The text of a table's lines, cell by cell."""
    table = fromstring(html).find("table")
    return [[cell.text or "" for cell in line] for line in table.iter("tr")]


def test_html_shows_labels_and_where_they_come_from(x):
    assert cells(x[:2]._repr_html_()) == [
        ["row", "rain", "wet", "grass"],
        ["0", "no", "soaking", "brown"],
        ["1", "yes", "dry", "brown"],
    ]
    caption = fromstring(x[:2]._repr_html_()).find("table/caption").text
    assert caption == "Samples: 2 rows x 3 variables, uint8 codes, seed 7, start 100"
    assert cells(x[:0]._repr_html_()) == [["row", "rain", "wet", "grass"]]


@pytest.mark.parametrize(
    ("n", "numbers"),
    [
        (6, ["0", "1", "2", "3", "4", "5"]),
        (10, [str(i) for i in range(10)]),
        (11, ["0", "1", "2", "3", "4", "...", "6", "7", "8", "9", "10"]),
        (1000, ["0", "1", "2", "3", "4", "...", "995", "996", "997", "998", "999"]),
    ],
)
def test_html_shows_the_first_and_the_last_rows(n, numbers):
    x = Samples((np.arange(n) % 2).astype(np.uint8)[np.newaxis], {"v": ("a", "b")})
    lines = cells(x._repr_html_())[1:]
    assert [line[0] for line in lines] == numbers
    assert [line[1] for line in lines] == ["..." if i == "..." else "ab"[int(i) % 2] for i in numbers]


def test_html_of_large_samples_is_bounded():
    names = [f"{i} {'long ' * 1000}" for i in range(1000)]
    html = Samples(np.zeros((1000, 1000), np.uint8), dict.fromkeys(names, ("x" * 1000,)))._repr_html_()
    assert len(html) < 300_000
    header, *lines = cells(html)
    assert header[0] == "row"
    assert header[-1] == "... 800 more"
    assert len(header) == 202
    assert {len(line) for line in lines} == {201}


def test_html_is_escaped():
    x = Samples(np.array([[0], [1]], np.uint8), {'<b title="1">': ("<script>", "b"), "n": ("a", "&amp;\x07")})
    assert cells(x._repr_html_()) == [["row", '<b title="1">', "n"], ["0", "<script>", "&amp;?"]]


def test_a_code_without_a_label_is_shown_as_it_is():
    x = Samples(np.array([[0, 7]], np.uint8), {"v": ("a", "b")})
    assert repr(x).splitlines()[1:] == ["v", "a", "code 7"]
    assert cells(x._repr_html_())[1:] == [["0", "a"], ["1", "code 7"]]


def test_a_tensor_asks_for_a_tensor():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    net = fd.example("asia")
    x = net.sample(50, seed=3, start=7, like=torch.empty(0))
    assert isinstance(x, torch.Tensor)
    assert (x.numpy() == net.sample(50, seed=3, start=7).block.T).all()
    assert isinstance(net.score_samples(x), torch.Tensor)


def test_score_samples_is_log_prob():
    net = fd.example("asia")
    x = net.sample(50, seed=3)
    assert (net.score_samples(x) == net.log_prob(x)).all()
