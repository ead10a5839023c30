"""Rows for the command line: several files, patterns, folders, standard input; and columns that are no variables."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fastdgm as fd
from fastdgm.cli.program import main

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
N = 60


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """60 rows of asia in three files of a folder; their scores."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows").mkdir()
    for number, suffix in enumerate(["csv", "parquet", "arrow"]):
        out = f"rows/part-{number}.{suffix}"
        assert main(["sample", "asia", "-n", "20", "--start", str(20 * number), "--seed", "0", "-o", out]) == 0
    (tmp_path / "rows" / "notes.md").write_text("no rows")
    (tmp_path / "rows" / "README.txt").write_text("no rows")
    (tmp_path / "rows" / ".hidden.csv").write_text("no rows")
    (tmp_path / "rows" / "older.csv").mkdir()
    return fd.example("asia").log_prob(fd.example("asia").sample(N, seed=0))


def error_of(capsys, *arguments):
    capsys.readouterr()
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


FILES = ["rows/part-0.csv", "rows/part-1.parquet", "rows/part-2.arrow"]


DATA = [FILES, ["rows"], ["row*"], ["rows/part-*"], ["**/part-*"], ["rows/part-0.csv", "rows/part-[12]*"]]


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("chunk", ["7", "1000"])
def test_several_inputs_are_one_data_set(parts, capsys, data, chunk):
    capsys.readouterr()
    assert main(["score", "asia", *data, "-o", "y.npy", "--only-scores", "--worst", "3", "--chunk", chunk]) == 0
    np.testing.assert_array_equal(np.load("y.npy"), parts)
    out = capsys.readouterr().out
    for row in np.argsort(parts, kind="stable")[:3]:
        line = f"{f'  row {row % 20}':<18}{parts[row]:.4f} nats, {FILES[row // 20]}"
        assert line in out.splitlines()


@pytest.mark.parametrize("target", ["y.csv", "y.parquet", "y.arrow", "y.npy"])
def test_their_rows_go_to_one_file(parts, target):
    assert main(["score", "asia", "rows", "-o", target]) == 0
    if target == "y.npy":
        y = np.load(target)
        np.testing.assert_array_equal(y[:, -1], parts)
        return
    y = {"y.csv": pd.read_csv, "y.parquet": pd.read_parquet, "y.arrow": pd.read_feather}[target](target)
    np.testing.assert_array_equal(y["log_prob"], parts)
    assert y["smoke"].tolist() == fd.example("asia").sample(N, seed=0).labels("smoke").tolist()


def test_fit_takes_all_of_them(parts):
    assert main(["fit", "asia", "rows", "-o", "fitted.bif", "--chunk", "7"]) == 0
    expected = fd.example("asia").fit(fd.example("asia").sample(N, seed=0))
    np.testing.assert_allclose(fd.read("fitted.bif")["dysp"].table, expected["dysp"].table, rtol=1e-12)


def test_columns_in_another_order_are_put_in_that_of_the_first_input(parts):
    pd.read_csv("rows/part-0.csv").iloc[:, ::-1].to_csv("rows/part-9.csv", index=False)
    assert main(["score", "asia", "rows/part-0.csv", "rows/part-9.csv", "-o", "y.csv"]) == 0
    y = pd.read_csv("y.csv")
    pd.testing.assert_frame_equal(y[:20], y[20:].reset_index(drop=True))


def test_errors_name_the_input_and_its_row(parts, capsys):
    with open("rows/part-0.csv") as file:
        text = file.read()
    with open("rows/zz.csv", "w") as file:
        file.write(text.replace("\nno,", "\nperhaps,"))
    message = error_of(capsys, "score", "asia", "rows")
    assert "rows/zz.csv" in message
    assert "row 0" in message
    assert "perhaps" in message


def test_nothing_found_is_an_error(parts, capsys):
    os.mkdir("empty")
    assert "empty: no row file in this folder" in error_of(capsys, "score", "asia", "empty")
    assert "nothing-*.csv: no file of such a name" in error_of(capsys, "score", "asia", "nothing-*.csv")
    assert "rows/nothing.csv: No such file" in error_of(capsys, "score", "asia", "rows/nothing.csv")


def test_a_file_that_a_pattern_matches_twice_is_read_once(parts, capsys):
    for number, name in enumerate(FILES):
        os.makedirs("data/inner", exist_ok=True)
        os.rename(name, f"data/inner/{number}.{name.partition('.')[2]}")
    capsys.readouterr()
    assert main(["score", "asia", "data/**"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["rows", "60"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(parts):
    os.rename("rows/part-0.csv", "part[0].csv")
    assert main(["score", "asia", "part[0].csv"]) == 0


def test_no_input_is_written_over(parts, capsys):
    assert "the output would replace the input" in error_of(
        capsys, "score", "asia", "rows", "-o", "rows/part-1.parquet"
    )


def test_standard_input_is_not_written_over(parts, capsys, monkeypatch):
    with open("rows/part-0.csv") as file:
        before = file.read()
    os.link("rows/part-0.csv", "link.csv")
    for out in ("rows/part-0.csv", "link.csv"):
        with open("rows/part-0.csv") as file:
            monkeypatch.setattr(sys, "stdin", file)
            message = error_of(capsys, "score", "asia", "-", "-o", out)
            assert f"the output would replace the input: {out} is standard input" in message
            assert main(["score", "asia", "-", "-o", "other.csv"]) == 0
    with open("rows/part-0.csv") as file:
        assert file.read() == before


# --- columns -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_further_columns_are_ignored_on_request(parts, capsys, suffix):
    frame = pd.read_csv("rows/part-0.csv", dtype=str)
    frame.insert(3, "patient", range(20))
    frame["date"] = "today"
    frame.to_csv("x.csv", index=False) if suffix == ".csv" else frame.to_parquet("x.parquet")
    for command in (["score", "asia", f"x{suffix}"], ["fit", "asia", f"x{suffix}", "-o", "fitted.bif"]):
        message = error_of(capsys, *command)
        assert "the model has no variable ['patient', 'date']; --ignore-extra leaves such columns out" in message
        assert main([*command, "--ignore-extra"]) == 0
    assert main(["score", "asia", f"x{suffix}", "--ignore-extra", "-o", "y.csv"]) == 0
    y = pd.read_csv("y.csv")
    assert list(y.columns) == [*fd.example("asia").names, "log_prob"]
    np.testing.assert_array_equal(y["log_prob"], parts[:20])


def test_a_mistyped_column_is_no_further_one(parts, capsys):
    pd.read_csv("rows/part-0.csv").rename(columns={"smoke": "smok"}).to_csv("x.csv", index=False)
    assert "--ignore-extra" not in error_of(capsys, "score", "asia", "x.csv")
    assert "no column ['smoke']" in error_of(capsys, "score", "asia", "x.csv", "--ignore-extra")


def test_inputs_have_the_same_columns(parts, capsys):
    frame = pd.read_csv("rows/part-0.csv")
    frame.drop(columns="dysp").to_csv("rows/part-3.csv", index=False)
    message = error_of(capsys, "score", "asia", "rows")
    assert "several inputs have the same columns: rows/part-0.csv and rows/part-3.csv differ in ['dysp']" in message


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_index_of_some_inputs_is_no_column(parts, suffix):
    frame = pd.read_csv("rows/part-0.csv")
    frame.index = range(5, 25)
    indexed = f"indexed{suffix}"
    frame.to_csv(indexed) if suffix == ".csv" else frame.set_index(frame.index.to_numpy()).to_parquet(indexed)
    for data in (["rows/part-0.csv", indexed], [indexed, "rows/part-0.csv"], [indexed, indexed]):
        for option in ([], ["--ignore-extra"]):
            assert main(["score", "asia", *data, *option, "-o", "y.parquet"]) == 0
            y = pd.read_parquet("y.parquet")
            assert list(y.columns) == [*fd.example("asia").names, "log_prob"]
            np.testing.assert_array_equal(y["log_prob"], np.tile(parts[:20], 2))


def test_a_column_that_comes_twice_is_named_with_its_file(parts, capsys):
    with open("x.csv", "w") as file:
        file.write("asia,asia\nno,no\n")
    assert "x.csv: column names must be distinct, got 'asia' twice" in error_of(capsys, "score", "asia", "x.csv")


# --- pipes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*FILES, "x.npy", "x.csv.gz"])
def test_standard_input_in_any_format(parts, capsys, monkeypatch, name):
    if name.startswith("x"):
        assert main(["sample", "asia", "-n", "20", "--seed", "0", "-o", name]) == 0
    with open(name, "rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read())))
    assert main(["score", "asia", "-", "-o", "y.npy", "--only-scores"]) == 0
    first = 20 * FILES.index(name) if name in FILES else 0
    np.testing.assert_array_equal(np.load("y.npy"), parts[first : first + 20])


def test_errors_name_standard_input(parts, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert "standard input: damaged, or no CSV file" in error_of(capsys, "score", "asia", "-")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"PAR1 and no more")))
    message = error_of(capsys, "score", "asia", "-")
    assert "standard input: damaged" in message
    assert "tmp" not in message
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input must be open" in error_of(capsys, "score", "asia", "-")


def test_a_fifo_is_read(parts):
    os.mkfifo("pipe.csv")

    def fill():
        with open("rows/part-0.csv", "rb") as source, open("pipe.csv", "wb") as pipe:
            pipe.write(source.read())

    thread = threading.Thread(target=fill)
    thread.start()
    assert main(["score", "asia", "pipe.csv", "-o", "y.npy", "--only-scores"]) == 0
    thread.join()
    np.testing.assert_array_equal(np.load("y.npy"), parts[:20])


@pytest.mark.slow
@pytest.mark.parametrize("screen", ["-", "/dev/stdout"])
def test_commands_in_a_pipeline(tmp_path, screen):
    command = f"{sys.executable} -m fastdgm sample asia -n 60 --seed 0 -o {screen} | "
    command += f"{sys.executable} -m fastdgm score asia - -o {screen}"
    run = subprocess.run(command, shell=True, capture_output=True, text=True, env=ENVIRONMENT, check=True, cwd=tmp_path)
    y = pd.read_csv(io.StringIO(run.stdout))
    np.testing.assert_array_equal(y["log_prob"], fd.example("asia").log_prob(fd.example("asia").sample(60, seed=0)))
    assert run.stderr.split()[:2] == ["rows", "60"]
    assert list(tmp_path.iterdir()) == []


# --- networks whose states are not known ---------------------------------------------------------------------------


@pytest.mark.parametrize("states", [None, {"a": ["no", "yes"], "b": ["no", "yes"]}])
def test_a_network_without_tables_draws_and_scores_nothing(tmp_path, monkeypatch, capsys, states):
    monkeypatch.chdir(tmp_path)
    fd.write(fd.BayesNet.from_edges([("a", "b")], states=states), "net.safetensors")
    pd.DataFrame({"a": ["no"], "b": ["yes"]}).to_csv("x.csv", index=False)
    assert "has a structure but no tables yet" in error_of(capsys, "sample", "net.safetensors")
    assert "has a structure but no tables yet" in error_of(capsys, "score", "net.safetensors", "x.csv")


def test_unknown_states_are_learnt_from_all_rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fd.write(fd.BayesNet.from_edges([("a", "b")], states={"b": ["no", "yes"]}), "net.safetensors")
    frame = pd.DataFrame({"a": ["x", "y", "x", "z"], "b": ["no", "yes", "yes", "no"]})
    frame[:2].to_csv("1.csv", index=False)
    frame[2:].to_csv("2.csv", index=False)
    assert main(["fit", "net.safetensors", "1.csv", "2.csv", "-o", "fitted.bif", "--chunk", "1"]) == 0
    fitted = fd.read("fitted.bif")
    assert fitted.states == {"a": ("x", "y", "z"), "b": ("no", "yes")}
    np.save("codes.npy", np.array([[0, 1], [2, 0]]))
    assert main(["fit", "net.safetensors", "codes.npy", "-o", "codes.bif"]) == 0
    assert fd.read("codes.bif").states["a"] == ("0", "1", "2")


def test_mistakes_in_columns_of_unknown_states_name_their_input(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fd.write(fd.BayesNet.from_edges([("a", "b")], states={"b": ["no", "yes"]}), "net.safetensors")
    fit = ["fit", "net.safetensors", "-o", "fitted.bif"]
    (tmp_path / "empty.csv").write_text("a,b\n")
    (tmp_path / "letters.csv").write_text("a,b\nx,no\ny,yes\n")
    (tmp_path / "codes.csv").write_text("a,b\n1,no\n")
    pd.DataFrame({"a": ["x", None], "b": ["no", "yes"]}).to_parquet("null.parquet")
    pd.DataFrame({"a": ["x", "y"], "b": ["no", "yes"]}).to_parquet("text.parquet")
    (tmp_path / "label.csv").write_text("a,b\nx,no\ny,maybe\n")
    assert "label.csv: " in error_of(capsys, *fit, "letters.csv", "label.csv")
    message = error_of(capsys, *fit, "letters.csv", "codes.csv")
    assert "codes.csv: a column is of one type in all inputs: 'a' is int, in letters.csv string" in message
    np.save("codes.npy", [[0, 1]])
    assert "codes.npy: a column is of one type" in error_of(capsys, *fit, "letters.csv", "codes.npy")
    assert not (tmp_path / "fitted.bif").exists()
    pq.write_table(pa.table({"a": pa.array([2, 0], pa.uint16()), "b": ["no", "yes"]}), "small.parquet")
    pq.write_table(pa.table({"a": pa.array(["z"], pa.large_string()), "b": ["no"]}), "large.parquet")
    assert main([*fit, "codes.csv", "small.parquet"]) == 0
    assert fd.read("fitted.bif").states["a"] == ("0", "1", "2")
    assert main([*fit, "letters.csv", "large.parquet", "text.parquet"]) == 0
    assert fd.read("fitted.bif").states["a"] == ("x", "y", "z")
    assert main([*fit, "empty.csv", "text.parquet", "null.parquet"]) == 0
    assert fd.read("fitted.bif").states["a"] == ("x", "y")


@pytest.mark.parametrize("chunk", ["1", "100"])
def test_rows_with_missing_values_are_learnt_from_as_in_one_call(tmp_path, monkeypatch, chunk):
    monkeypatch.chdir(tmp_path)
    net = fd.BayesNet.from_edges([("a", "b")], states={"a": ["x", "y"], "b": ["no", "yes"]})
    fd.write(net, "net.safetensors")
    frame = pd.DataFrame({"a": ["x", "y", None, "x", "y"], "b": ["no", "yes", "yes", None, "yes"]})
    frame[:2].to_csv("whole.csv", index=False)
    frame[2:].to_csv("partial.csv", index=False)
    fit = ["fit", "net.safetensors", "-o", "fitted.safetensors", "--chunk", chunk]
    assert main([*fit, "whole.csv", "partial.csv"]) == 0
    expected = net.fit(frame)
    assert all(fd.read("fitted.safetensors")[name] == expected[name] for name in net.names)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(frame.to_csv(index=False).encode())))
    assert main([*fit, "-"]) == 0
    assert all(fd.read("fitted.safetensors")[name] == expected[name] for name in net.names)
    frame[["b"]].to_csv("latent.csv", index=False)
    assert main([*fit, "latent.csv", "--seed", "0"]) == 0


@pytest.mark.parametrize("states", [{}, {"a": ["no", "yes"], "b": ["no", "yes"]}])
def test_a_fit_needs_a_row(tmp_path, monkeypatch, capsys, states):
    monkeypatch.chdir(tmp_path)
    fd.write(fd.BayesNet.from_edges([("a", "b")], states=states), "net.safetensors")
    (tmp_path / "empty.csv").write_text("a,b\n")
    message = error_of(capsys, "fit", "net.safetensors", "empty.csv", "empty.csv", "-o", "fitted.bif")
    assert "a fit needs at least one row" in message
    assert not (tmp_path / "fitted.bif").exists()
