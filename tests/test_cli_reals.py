"""The command line on networks of discrete and real variables: sample, score, fit, info, convert."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from toy_reals import Shifted, ShiftedEngine

import fastdgm as fd
from fastdgm.cli.description import description
from fastdgm.cli.program import main
from fastdgm.engines.hybrid import ENGINES
from fastdgm.io.rows import FORMATS, read_rows, write_rows

SUFFIXES = list(FORMATS)


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(ENGINES, Shifted, ShiftedEngine)


@pytest.fixture
def net(tmp_path, monkeypatch):
    """A network in the file net.safetensors of the current folder."""
    monkeypatch.chdir(tmp_path)
    made = fd.BayesNet(
        {
            "x": Shifted(["z"], [-1, 2], size=2),
            "z": fd.CPT([], [0.4, 0.6], states=["no", "yes"]),
            "u": Shifted(["z"], [3, -3]),
        }
    )
    fd.write(made, "net.safetensors")
    return made


def run(capsys, *arguments):
    assert main(list(map(str, arguments))) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def error_of(capsys, *arguments):
    assert main(list(map(str, arguments))) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_sample_writes_the_rows_of_the_seed(net, capsys, suffix, dtype):
    out = run(
        capsys, "sample", "net.safetensors", "-n", 100, "--seed", 5, "--chunk", 30, "--dtype", dtype, "-o", f"x{suffix}"
    )
    assert out == f"x{suffix}: 100 rows x 3 variables (seed 5, start 0)\n"
    x = net.sample(100, seed=5, dtype=dtype)
    scores = np.concatenate([net.log_prob(part) for part in read_rows(f"x{suffix}", x.schema)])
    np.testing.assert_allclose(scores, net.log_prob(x), rtol=1e-5)


def test_sample_on_the_screen(net, capfdbinary):
    assert main(["sample", "net.safetensors", "-n", "3", "--seed", "0"]) == 0
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert lines[0] == "x[0],x[1],z,u"
    x = net.sample(3, seed=0)
    assert [line.split(",")[2] for line in lines[1:]] == x.labels("z").tolist()
    assert np.array([line.split(",")[3] for line in lines[1:]], np.float32).tolist() == x["u"].tolist()


def test_dtype_is_for_networks(net, capsys):
    fd.write(fd.MADE(3, hidden=(4,), seed=0), "made.safetensors")
    message = error_of(capsys, "sample", "made.safetensors", "--dtype", "float64")
    assert "--dtype is that of real variables of Bayes nets, made.safetensors holds a MADE" in message


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_score(net, capsys, suffix):
    run(capsys, "sample", "net.safetensors", "-n", 50, "--seed", 1, "--dtype", "float64", "-o", f"x{suffix}")
    expected = net.log_prob(net.sample(50, seed=1, dtype=np.float64))
    out = run(capsys, "score", "net.safetensors", f"x{suffix}", "--chunk", 20, "--worst", 1, "-o", "scored.csv")
    assert f"mean log_prob     {expected.mean():.4f} nats" in out
    frame = pd.read_csv("scored.csv")
    assert list(frame.columns) == ["x[0]", "x[1]", "z", "u", "log_prob"]
    np.testing.assert_allclose(frame["log_prob"], expected, rtol=1e-12)
    run(capsys, "score", "net.safetensors", "scored.csv", "--ignore-extra", "--only-scores", "-o", "scores.npy")
    np.testing.assert_allclose(np.load("scores.npy"), expected, rtol=1e-12)


def test_score_of_several_inputs(net, capsys):
    for start, suffix in ((0, ".csv"), (20, ".csv"), (40, ".parquet")):
        run(capsys, "sample", "net.safetensors", "-n", 20, "--seed", 1, "--start", start, "-o", f"x{start}{suffix}")
    out = run(capsys, "score", "net.safetensors", "x0.csv", "x20.csv", "--worst", 1)
    assert "rows              40" in out
    message = error_of(capsys, "score", "net.safetensors", "x0.csv", "x40.parquet")  # lists beside columns of numbers
    assert "several inputs have the same columns" in message


def test_bad_rows_are_named(net, capsys):
    frame = net.sample(10, seed=0).to_pandas()
    frame.loc[7, "x[1]"] = np.inf
    frame.to_csv("bad.csv", index=False)
    message = error_of(capsys, "score", "net.safetensors", "bad.csv")
    assert "bad.csv: real numbers are finite: column 'x[1]', row 7 is inf" in message
    frame.assign(other=1).to_csv("bad.csv", index=False)
    assert "no variable ['other']; --ignore-extra" in error_of(capsys, "score", "net.safetensors", "bad.csv")


def test_info(net, capsys):
    assert run(capsys, "info", "net.safetensors").splitlines() == [
        "variables           1 discrete (2 states) and 2 real (vectors of 2 numbers among them)",
        "arcs                2 (up to 1 into one variable)",
        "parameters          5",
        "conditionals        2 Shifted, 1 CPT",
        "largest table       2 entries, of 'z'",
        "  zeros             0 of 2 table entries",
        "problems found      none",
    ]


def test_info_of_reals_alone_and_of_constants():
    text = description(fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 1, [2], std=0)}))
    assert text.splitlines()[0] == "variables           2 real"
    assert text.splitlines()[-1] == "  - variables with a std of 0, whose rows score -inf but for one value: ['b']"


def test_info_of_structures(net, capsys):
    made = fd.BayesNet.from_edges([("a", "b"), ("b", "c")], states={"a": ["x", "y"]}, real=["c"])
    fd.write(made, "structure.safetensors")
    assert run(capsys, "info", "structure.safetensors").splitlines() == [
        "variables           1 discrete (2 states) and 1 real and 1 not known to be discrete or real",
        "arcs                2 (up to 1 into one variable)",
        "problems found      1",
        "  - variables whose parameters are not known yet: 3, ['a', 'b', 'c']; fastdgm fit learns them",
    ]
    text = description(fd.BayesNet.from_edges([("a", "b")]))
    assert text.splitlines()[0] == "variables           2 not known to be discrete or real"


def test_info_of_a_mixture_without_parameters():
    assert "parameters are not known yet: 1, ['x']" in description(fd.gaussian_mixture(3, 2))


def test_convert(net, capsys):
    run(capsys, "convert", "net.safetensors", "copy.safetensors")
    x = net.sample(10, seed=0)
    np.testing.assert_array_equal(fd.read("copy.safetensors").log_prob(x), net.log_prob(x))
    assert "needs tables" in error_of(capsys, "convert", "net.safetensors", "net.bif")


# --- fit -------------------------------------------------------------------------------------------------------


@pytest.fixture
def frame(tmp_path, monkeypatch):
    """Rows of a discrete, a real and a whole variable, in rows.csv and rows.parquet of the current folder."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    z = rng.integers(0, 2, 200)
    made = pd.DataFrame(
        {"z": np.where(z, "yes", "no"), "x": rng.normal(2.0 * z, 1.0), "year": rng.integers(1990, 2020, 200)}
    )
    made.to_csv("rows.csv", index=False)
    made.to_parquet("rows.parquet", index=False)
    return made


def structure():
    return fd.BayesNet.from_edges([("z", "x"), ("z", "year")])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_fit_of_a_structure(frame, capsys, suffix):
    fd.write(structure(), "net.safetensors")
    message = error_of(capsys, "fit", "net.safetensors", f"rows{suffix}", "-o", "fitted.safetensors")
    assert "the smallest of column 'year' is 1990" in message
    assert "from_edges(..., real=[...])" in message
    out = run(capsys, "fit", "net.safetensors", f"rows{suffix}", "--real", "year", "-o", "fitted.safetensors")
    assert out == "fitted.safetensors: 9 parameters from 200 rows\n"
    expected = fd.BayesNet.from_edges([("z", "x"), ("z", "year")], real=["year"]).fit(frame)
    fitted = fd.read("fitted.safetensors")
    for name in ("x", "year"):
        np.testing.assert_allclose(fitted[name].intercept, expected[name].intercept, rtol=1e-12)
        np.testing.assert_allclose(fitted[name].std, expected[name].std, rtol=1e-12)


def test_fit_again_keeps_the_kinds_of_conditionals(frame, capsys):
    net = fd.BayesNet(
        {"z": fd.CPT([], [0.5, 0.5], states=["no", "yes"]), "x": fd.Laplace(0, 1), "year": fd.Normal(0, 1)}
    )
    fd.write(net, "net.safetensors")
    for chunk in (30, 1000):
        run(capsys, "fit", "net.safetensors", "rows.csv", "--chunk", chunk, "-o", "fitted.safetensors")
        fitted = fd.read("fitted.safetensors")
        assert {name: type(own).__name__ for name, own in fitted.conditionals.items()}["x"] == "Laplace"
        assert fitted["year"].intercept == pytest.approx(frame["year"].mean())
    message = error_of(capsys, "fit", "net.safetensors", "rows.csv", "--real", "x", "-o", "fitted.safetensors")
    assert "--real is for structures alone, this network has conditionals of ['z', 'x', 'year']" in message


@pytest.mark.parametrize("chunk", [1, 3, 1000])
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".arrow", ".npy"])
def test_fit_again_estimates_once_from_all_chunks(tmp_path, monkeypatch, capsys, suffix, chunk):
    monkeypatch.chdir(tmp_path)
    net = fd.BayesNet(
        {
            "z": fd.Categorical([0.4, 0.59, 0.01]),
            "x": fd.Normal.given(["z"], [-1, 2, 0], 1),
            "v": fd.MultivariateNormal([0, 0], np.eye(2)),
            "y": fd.LinearGaussian(["x", "v"], 1, [2, 0, 1], 0.5),
        }
    )
    fd.write(net, "net.safetensors")
    x = net.sample(60, seed=0, dtype=np.float64)
    x = x[x["z"] < 2]
    write_rows(f"x{suffix}", [x], x.schema)
    assert main(["fit", "net.safetensors", f"x{suffix}", "--chunk", str(chunk), "-o", "fitted.safetensors"]) == 0
    warning = "fastdgm: warning: 'x' has too few rows for a regression in 1 of 3 joint states of its discrete parents"
    err = capsys.readouterr().err
    assert err.startswith(warning) and err.count("\n") == 1
    fitted = fd.read("fitted.safetensors")
    with pytest.warns(UserWarning, match="too few rows"):
        net.fit(x)
    for name in net.names:
        for own, other in zip(fitted[name].parameters().values(), net[name].parameters().values(), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-9)


# --- hidden variables ---


@pytest.fixture
def mixture(tmp_path, monkeypatch):
    """Two clusters far apart, in mixture.safetensors; 200 rows of the reals alone, in x.npy, x.csv and x.parquet."""
    monkeypatch.chdir(tmp_path)
    covariances = [np.eye(2)] * 2
    made = fd.BayesNet(
        {
            "z": fd.CPT([], [0.4, 0.6], states=["no", "yes"]),
            "x": fd.MultivariateNormal.given(["z"], [[-20, 0], [20, 0]], covariances),
        }
    )
    fd.write(made, "mixture.safetensors")
    x = made.sample(200, seed=0, dtype=np.float64)["x"]
    np.save("x.npy", x)
    frame = pd.DataFrame(x, columns=["x[0]", "x[1]"])
    frame.to_csv("x.csv", index=False)
    frame.to_parquet("x.parquet", index=False)
    return made


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_a_variable_without_a_column_is_learnt_by_em(mixture, capsys, suffix):
    options = ("--seed", 0, "--chunk", 30, "-o", "fitted.safetensors")
    out = run(capsys, "fit", "mixture.safetensors", f"x{suffix}", *options)
    assert out == "fitted.safetensors: 11 parameters from 200 rows\n"
    x = np.load("x.npy")
    expected = fd.BayesNet(mixture.conditionals).fit(x, seed=0)
    assert fd.read("fitted.safetensors").log_prob(x).sum() == pytest.approx(expected.log_prob(x).sum(), rel=1e-12)


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_score_of_an_array_of_reals_alone(mixture, capsys, suffix):
    run(capsys, "score", "mixture.safetensors", "x.npy", "--chunk", 30, "-o", f"scored{suffix}")
    reader = {".npy": np.load, ".csv": pd.read_csv, ".parquet": pd.read_parquet}[suffix]
    rows = np.asarray(reader(f"scored{suffix}"))
    x = np.load("x.npy")
    expected = np.column_stack([x, mixture.log_prob(x)])
    for row, own in zip(rows, expected, strict=True):
        np.testing.assert_allclose(np.hstack(row), own, rtol=1e-6)  # a vector is one cell of Parquet


def test_arrays_hold_all_variables_or_the_reals_alone(mixture, capsys):
    np.save("wide.npy", np.zeros((5, 4)))
    message = error_of(capsys, "score", "mixture.safetensors", "wide.npy")
    assert "shape (n_rows, 3), or (n_rows, 2) for the real variables alone, got shape (5, 4)" in message
    np.save("all.npy", np.zeros((5, 3)))
    for files in (["x.npy", "all.npy"], ["all.npy", "x.npy"]):
        message = error_of(capsys, "fit", "mixture.safetensors", *files, "-o", "fitted.safetensors")
        assert "several inputs have the same columns" in message


def test_real_names_a_variable(frame, capsys):
    fd.write(structure(), "net.safetensors")
    message = error_of(capsys, "fit", "net.safetensors", "rows.csv", "--real", "yaer", "-o", "fitted.safetensors")
    assert "no variable 'yaer'" in message


def test_fit_of_several_files_whose_floats_differ_in_size(frame, capsys):
    fd.write(fd.BayesNet.from_edges([("z", "x")]), "net.safetensors")
    part = frame[["z", "x"]]
    part[:100].to_parquet("a.parquet", index=False)
    part[100:].astype({"x": np.float32}).to_parquet("b.parquet", index=False)
    run(capsys, "fit", "net.safetensors", "a.parquet", "b.parquet", "-o", "fitted.safetensors")
    expected = fd.BayesNet.from_edges([("z", "x")]).fit(part)
    np.testing.assert_allclose(fd.read("fitted.safetensors")["x"].intercept, expected["x"].intercept, rtol=1e-5)
