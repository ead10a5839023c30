"""Autoregressive models on the command line: sampled, scored and described; what works on networks alone says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fastdgm as fd
from fastdgm.cli.program import main
from fastdgm.io.rows import FORMATS

FILE = "model.safetensors"


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def error_of(capsys, *arguments):
    capsys.readouterr()
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    return captured.err


MODELS = {
    "FVSBN": lambda: fd.FVSBN(3),
    "NADE": lambda: fd.NADE(3, 4),
    "MADE": lambda: fd.MADE(3, (4,), n_states=12),
    "Normal": lambda: fd.MADE(3, (4,), head="normal"),
    "mixture": lambda: fd.MADE(3, (4,), head="mixture", n_components=2, dtype=np.float64),
    "Markov": lambda: fd.MarkovChain(order=1, n_vars=3).fit([[0, 1, 0], [1, 1, 2]]),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", MODELS)
def test_rows_are_drawn_and_scored(in_folder, capsys, name, suffix):
    model = MODELS[name]()
    fd.write(model, FILE)
    out = f"x{suffix}"
    assert main(["sample", FILE, "-n", "50", "--seed", "3", "--start", "5", "--chunk", "20", "-o", out]) == 0
    assert capsys.readouterr().out == f"{out}: 50 rows x 3 variables (seed 3, start 5)\n"
    rows = model.sample(50, seed=3, start=5)
    expected = model.log_prob(rows)
    assert main(["score", FILE, out, "--only-scores", "-o", "scores.npy", "--chunk", "20"]) == 0
    np.testing.assert_array_equal(np.load("scores.npy"), expected)
    assert main(["score", FILE, out, "-o", f"y{suffix}", "--chunk", "20"]) == 0
    if suffix == ".npy":
        np.testing.assert_array_equal(np.load("x.npy"), rows)
        np.testing.assert_array_equal(np.load("y.npy"), np.column_stack([rows, expected]))
        return
    read = {".parquet": pd.read_parquet, ".arrow": pd.read_feather, ".feather": pd.read_feather}
    y = read.get(suffix, pd.read_csv)(f"y{suffix}")
    assert list(y.columns) == ["x0", "x1", "x2", "log_prob"]
    np.testing.assert_array_equal(y[["x0", "x1", "x2"]].astype(rows.dtype).to_numpy(), rows)
    np.testing.assert_array_equal(y["log_prob"], expected)


def test_rows_on_the_screen(in_folder, capsys):
    model = fd.MADE(2, (4,), head="normal")
    fd.write(model, FILE)
    assert main(["sample", FILE, "-n", "2", "--seed", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "x0,x1"
    np.testing.assert_array_equal(
        np.array([line.split(",") for line in lines[1:]], np.float32), model.sample(2, seed=0)
    )


CODES = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0], [0, 0, 0]])
FRAMES = {
    "integers": pd.DataFrame(CODES),
    "floats": pd.DataFrame(CODES.astype(float)),
    "booleans": pd.DataFrame(CODES.astype(bool)),
    "categories of integers": pd.DataFrame(CODES).astype("category"),
    "categories of booleans": pd.DataFrame(CODES.astype(bool)).astype("category"),
    "spellings": pd.DataFrame({0: ["0.0", "1", "01", "-0"], 1: ["TRUE", "false", "true", "False"], 2: [1, 1, 0, 0]}),
}


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow"])
@pytest.mark.parametrize("kind", FRAMES)
def test_codes_in_any_spelling_score_as_in_python(in_folder, kind, suffix):
    model = fd.FVSBN(3).fit(CODES, epochs=1, seed=0)
    fd.write(model, FILE)
    frame = FRAMES[kind].rename(columns=lambda column: f"x{column}")
    write = {".csv": frame.to_csv, ".parquet": frame.to_parquet, ".arrow": frame.to_feather}[suffix]
    write(f"x{suffix}", index=False) if suffix == ".csv" else write(f"x{suffix}")
    expected = model.log_prob(CODES)
    if kind != "spellings":
        np.testing.assert_array_equal(model.log_prob(frame), expected)
    for out in ("y.csv", "y.parquet", "y.npy"):
        assert main(["score", FILE, f"x{suffix}", "-o", out, "--chunk", "3"]) == 0
    np.testing.assert_array_equal(np.load("y.npy"), np.column_stack([CODES, expected]))
    for y in (pd.read_csv("y.csv"), pd.read_parquet("y.parquet")):
        np.testing.assert_array_equal(y[["x0", "x1", "x2"]].astype(float), CODES)
        np.testing.assert_array_equal(y["log_prob"], expected)


@pytest.mark.parametrize(
    "values", [["0.5", "1"], ["yes", "no"], ["nan", "1"], ["0_1", "1"], ["True", "1"], ["-1", "0"], ["", "0"]]
)
def test_what_is_no_code_is_refused(in_folder, capsys, values):
    fd.write(fd.FVSBN(1), FILE)
    pd.DataFrame({"x0": values}).to_csv("x.csv", index=False)
    assert values[0] in error_of(capsys, "score", FILE, "x.csv")


def test_bad_values_are_named(in_folder, capsys):
    fd.write(fd.FVSBN(2), FILE)
    np.save("x.npy", np.array([[0, 1], [0, 2]]))
    assert "x.npy: x must hold codes from 0 to 1, got 2 in row 1" in error_of(capsys, "score", FILE, "x.npy")
    pd.DataFrame({"x0": [0, 1], "x1": [1, 7]}).to_csv("x.csv", index=False)
    assert "7" in error_of(capsys, "score", FILE, "x.csv")
    fd.write(fd.MADE(2, (4,), head="normal"), FILE)
    pd.DataFrame({"x0": ["1.5", "-2"], "x1": ["0", "many"]}).to_csv("x.csv", index=False)
    assert "many" in error_of(capsys, "score", FILE, "x.csv")
    pd.DataFrame({"x0": [1.5], "y": [1.0]}).to_csv("x.csv", index=False)
    assert "['y']" in error_of(capsys, "score", FILE, "x.csv")


def test_info_says_what_it_is(in_folder, capsys):
    model = fd.MADE(3, (4,))
    fd.write(model, FILE)
    assert main(["info", FILE]) == 0
    assert capsys.readouterr().out == f"{model!r}\n"


@pytest.mark.parametrize("command", [["fit", FILE, "x.csv", "-o", "x.bif"], ["convert", FILE, "x.bif"]])
def test_what_works_on_networks_alone_says_what_to_do(in_folder, capsys, command):
    fd.write(fd.NADE(3, 4), FILE)
    message = error_of(capsys, *command)
    assert f"{command[0]} works on Bayes nets, {FILE} holds a NADE: " in message
    assert "fastdgm info" in error_of(capsys, "draw", FILE, "-o", "x.svg")


# --- sequences -------------------------------------------------------------------------------------------------------


SEQUENCES = {
    "text": (["emma", "ava, anna", "mia", "ann"], lambda line: line),
    "tokens": ([["to", "be"], ["or", "not", "to"]], str.split),
    "codes": ([np.array([0, 1, 1]), np.array([2])], lambda line: np.array(line.split(), int)),
}


@pytest.mark.parametrize("kind", SEQUENCES)
def test_sequences_are_lines(in_folder, capsys, kind):
    data, parse = SEQUENCES[kind]
    chain = fd.MarkovChain(order=2).fit(data)
    fd.write(chain, FILE)
    assert main(["sample", FILE, "-n", "30", "--seed", "1", "--chunk", "7", "-o", "x.txt"]) == 0
    assert capsys.readouterr().out == "x.txt: 30 sequences (seed 1, start 0)\n"
    with open("x.txt") as file:
        sequences = [parse(line) for line in file.read().splitlines()]
    assert list(map(list, sequences)) == list(map(list, chain.sample(30, seed=1)))
    assert main(["sample", FILE, "-n", "30", "--seed", "1"]) == 0
    with open("x.txt") as file:
        assert capsys.readouterr().out == file.read()
    assert main(["score", FILE, "x.txt", "--chunk", "7", "-o", "y.csv", "--worst", "1"]) == 0
    y = pd.read_csv("y.csv", dtype={"sequence": str}, keep_default_na=False)
    np.testing.assert_array_equal(y["log_prob"], chain.log_prob(sequences))
    assert list(map(list, map(parse, y["sequence"]))) == list(map(list, sequences))
    out = capsys.readouterr().out
    assert f"mean log_prob     {y['log_prob'].mean():.4f} nats\n" in out


def test_a_folder_of_sequences_is_its_text_files(in_folder, capsys):
    fd.write(fd.MarkovChain(order=1).fit(["ab", "b"]), FILE)
    (in_folder / "lines").mkdir()
    assert "named *.txt" in error_of(capsys, "score", FILE, "lines")
    for name in ("1.txt", "2.txt"):
        (in_folder / "lines" / name).write_text("ab\nb\n")
    (in_folder / "lines" / "scores.csv").write_text("log_prob\n-1.5\n")
    assert main(["score", FILE, "lines"]) == 0
    assert capsys.readouterr().out.split()[:2] == ["rows", "4"]


def test_mistakes_with_sequences_are_named(in_folder, capsys):
    fd.write(fd.MarkovChain(order=1).fit(["ab", "b"]), FILE)
    for command in (("sample", FILE), ("score", FILE, "x.txt")):
        assert "chunk must be at least 1 row, got 0" in error_of(capsys, *command, "--chunk", "0")
    (in_folder / "x.txt").write_text("ab\naz\n")
    assert "x.txt: unknown character 'z' at position 1 of sequence 1" in error_of(capsys, "score", FILE, "x.txt")
    (in_folder / "x.txt").write_bytes(b"\xff\n")
    assert "x.txt: text is in UTF-8" in error_of(capsys, "score", FILE, "x.txt")
    assert "sequences are written to files named *.txt" in error_of(capsys, "sample", FILE, "-o", "x.parquet")
    assert "named *.csv" in error_of(capsys, "score", FILE, "x.txt", "-o", "y.parquet")
    fd.write(fd.MarkovChain(order=1).fit(["a\nb", "b"]), FILE)
    assert r"'\n' is one of the symbols" in error_of(capsys, "sample", FILE)
    assert "rows are kept in files named" in error_of(capsys, "sample", "asia", "-o", "x.txt")


@pytest.mark.parametrize("head", ["bernoulli", "normal"])
def test_models_that_need_a_context_are_refused_before_anything_is_written(in_folder, capsys, head):
    fd.write(fd.MADE(2, (4,), head=head, n_context=3), FILE)
    (in_folder / "x.csv").write_text("x0,x1\n0,1\n")
    for command in (("sample", FILE, "-n", "3"), ("sample", FILE, "-o", "y.csv"), ("score", FILE, "x.csv")):
        assert main(list(command)) == 2
        printed = capsys.readouterr()
        assert printed.out == "" and "a command line cannot give the 3 numbers of a context" in printed.err
    assert not (in_folder / "y.csv").exists()


def test_networks_with_torch_modules_are_described_and_no_more(in_folder, capsys):
    """A command line cannot give modules: the error says what Python is to be asked."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    net = fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(2),
            "k": fd.Bernoulli(0.5),
            "x": fd.Neural(["z"], torch.nn.Linear(2, 3), family="bernoulli", event_shape=(3,)),
        }
    )
    fd.write(net, FILE)
    assert main(["info", FILE]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[:3] == ["BayesNet: 3 variables, 1 arcs, torch modules: 1", "  'z': MultivariateNormal", "  'k': CPT"]
    expected = "'x': bernoulli given ['z'], event_shape (3,): Linear with weight (3, 2) float32, bias (3,) float32"
    assert shown[-1].strip() == expected
    for command in (["sample", FILE], ["score", FILE, "x.csv"], ["draw", FILE, "-o", "x.svg"]):
        error = error_of(capsys, *command)
        assert "modules= lacks ['x']" in error and "in Python, fastdgm.read(path, modules={'x': ...})" in error
    (in_folder / FILE).write_bytes(b"no file")
    assert "no whole safetensors file" in error_of(capsys, "info", FILE)
