"""State names that read as numbers: bare numbers are refused wherever they come from, labels score alike."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pytest

import fastdgm as fd
from fastdgm.cli.program import main
from fastdgm.data.labels import codes_are_ambiguous
from fastdgm.io.rows import read_rows, write_rows

AMBIGUOUS = [
    ("0.0", "2.0", "3.0", "4.0"),
    ("0.5", "1.5"),
    ("1990.0", "1991.0"),
    (" 1", " 2"),
    ("0 ", "\t2"),
    ("1e3", "x"),
    ("1E+03", "0"),
    ("-1", "0", "1"),
    ("+1", "x"),
    (".5", "x"),
    ("x", "2."),
    ("0x10", "0x11"),
    ("1", "2", "3"),
    ("x", "00"),
]
UNAMBIGUOUS = [
    ("0", "1.0", "2e0"),
    ("0.0", "1.0"),
    ("00", "01"),
    (" 0", "+1"),
    ("-0", "0x1"),
    ("1_0", "1,5"),
    ("1.0.0", "1e"),
    ("- 1", "1.5f"),
    ("nan", "inf"),
    ("1e400", "x"),
    ("٣", "½"),
    ("<5", "5-12", "12+"),
    ("", "."),
]


@pytest.mark.parametrize("states", AMBIGUOUS, ids=str)
def test_names_that_read_as_other_numbers_than_their_codes(states):
    assert codes_are_ambiguous(states)


@pytest.mark.parametrize("states", UNAMBIGUOUS, ids=str)
def test_names_that_read_as_no_number_or_as_their_own_code(states):
    assert not codes_are_ambiguous(states)


def test_reading_a_long_name_takes_no_time():
    for name in ("9" * 10**6 + "x", " " * 10**6 + "x", "0." + "1" * 10**6, "1e" + "9" * 10**6):
        codes_are_ambiguous((name, "x"))


NUMBERS = {
    "list": list,
    "floats": lambda values: np.array(values, float),
    "integers": lambda values: np.array(values, int),
    "objects": lambda values: np.array(values, object),
    "pandas": pd.Series,
    "pandas Int64": lambda values: pd.array(list(map(int, values)), dtype="Int64"),
    "pandas Arrow": lambda values: pd.Series(values, dtype=pd.ArrowDtype(pa.float64())),
    "polars": pl.Series,
    "Arrow": pa.array,
    "Arrow chunks": lambda values: pa.chunked_array([values[:1], values[1:]]),
}


@pytest.mark.parametrize("make", NUMBERS.values(), ids=NUMBERS.keys())
@pytest.mark.parametrize("states", AMBIGUOUS[:9], ids=str)
def test_bare_numbers_are_refused_in_every_verb_with_the_fix(states, make):
    net = fd.BayesNet({"x": fd.Categorical(np.full(len(states), 1 / len(states)), states)})
    data = {"x": make([0.0, 1.0])}
    for verb in (net.log_prob, net.fit, net.partial_fit, fd.BayesNet.from_edges([], ["x"], net.states).fit):
        with pytest.raises(ValueError, match=r"numbers in column 'x' could be codes or .*astype\(str\).*np\.asarray"):
            verb(data)


@pytest.mark.parametrize("states", AMBIGUOUS + UNAMBIGUOUS[:5], ids=str)
def test_labels_score_alike_from_every_table_and_file(states, tmp_path):
    net = fd.BayesNet({"x": fd.Categorical(np.arange(1, len(states) + 1) / sum(range(len(states) + 1)), states)})
    x = fd.Samples(np.arange(len(states), dtype=np.uint8)[None], net.states)
    labels = x.labels("x").tolist()
    tables = [{"x": labels}, pd.DataFrame({"x": labels}), pl.DataFrame({"x": labels}), pa.table({"x": labels})]
    for suffix in (".csv", ".csv.gz", ".parquet", ".arrow", ".npy"):
        write_rows(tmp_path / f"rows{suffix}", [x], net.states)
        tables += [part for part in read_rows(tmp_path / f"rows{suffix}", net.states) if len(part)]
    for table in (*tables, x, x.to_pandas(), x.to_arrow(), pl.DataFrame(x)):
        np.testing.assert_array_equal(net.log_prob(table), net.log_prob(np.asarray(x)))


@pytest.mark.parametrize("states", AMBIGUOUS + UNAMBIGUOUS[:5], ids=str)
@pytest.mark.parametrize("read", [pd.read_csv, pl.read_csv, pyarrow.csv.read_csv])
def test_what_other_readers_make_of_a_csv_file_scores_right_or_is_refused(states, read, tmp_path):
    net = fd.BayesNet({"x": fd.Categorical(np.arange(1, len(states) + 1) / sum(range(len(states) + 1)), states)})
    x = fd.Samples(np.arange(len(states), dtype=np.uint8)[None], net.states)
    write_rows(tmp_path / "rows.csv", [x], net.states)
    try:
        scores = net.log_prob(read(tmp_path / "rows.csv"))
    except (ValueError, KeyError):
        return
    np.testing.assert_array_equal(scores, net.log_prob(x))


def test_a_parquet_file_of_numbers_is_refused_and_one_of_labels_is_not(tmp_path, capsys):
    net = fd.BayesNet({"Z": fd.Categorical([0.7, 0.2, 0.1], ["0.0", "2.0", "3.0"])})
    fd.write(net, tmp_path / "net.bif")
    for column, code in (([0.0, 2.0], 2), (["0.0", "2.0"], 0)):
        pd.DataFrame({"Z": column}).to_parquet(tmp_path / "rows.parquet")
        assert main(["score", str(tmp_path / "net.bif"), str(tmp_path / "rows.parquet")]) == code
    (tmp_path / "rows.csv").write_text("Z\n0.0\n2.0\n")
    assert main(["score", str(tmp_path / "net.bif"), str(tmp_path / "rows.csv")]) == 0
    assert "could be codes or the state names" in capsys.readouterr().err
