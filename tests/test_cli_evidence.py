"""The command line about what is known and what is missing: posterior, impute, sample --given, draw --given, score."""

from __future__ import annotations

import io
import os

import numpy as np
import pandas as pd
import pytest

import fastdgm as fd
from fastdgm.cli.given import values_of
from fastdgm.cli.program import main
from fastdgm.data.variables import Discrete, Real

N = 300


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def error_of(capsys, *arguments):
    """The one line that a mistake gets."""
    capsys.readouterr()
    assert main(list(map(str, arguments))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fastdgm: error: ") and captured.err.count("\n") == 1
    return captured.err


# --- known values --------------------------------------------------------------------------------------------------

VARIABLES = {
    "age": Discrete(("<5", "5-12", "13,14", "15+")),
    "a": Discrete(("b=c", "c")),
    "a=b": Discrete(("c", "d")),
    "level": Discrete(("low", "mid,high", "mid", "high")),
    "on": Discrete(("False", "True")),
    "TRUE": Discrete(("TRUE", "FALSE")),
    "pixels": Discrete(("black", "white"), (3,)),
    "x": Real(),
    "v": Real((2,)),
}


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("age=<5", "age", "<5"),
        ("age=13,14", "age", "13,14"),
        ("age=5-12,13,14,<5", "age", ["5-12", "13,14", "<5"]),
        ("age=2", "age", 2),
        ("age=0,15+", "age", [0, "15+"]),
        ("age=-1", "age", -1),
        ("age=baby", "age", "baby"),
        ("age=", "age", ""),
        ("a=b=c", "a", "b=c"),  # the first "=" with a variable before it
        ("a=c", "a", "c"),
        ("level=mid,high", "level", "mid,high"),  # a state, if there is one
        ("level=mid,high,low", "level", ["mid,high", "low"]),
        ("level=high,mid", "level", ["high", "mid"]),
        ("on=true", "on", True),
        ("on=True", "on", "True"),
        ("on=1", "on", 1),
        ("TRUE=TRUE", "TRUE", "TRUE"),
        ("pixels=1,0,white", "pixels", [1, 0, "white"]),
        ("x=-1.5e3", "x", -1500.0),
        ("x=many", "x", "many"),
        ("x=1,2", "x", "1,2"),
        ("v=1,2.5", "v", [1.0, 2.5]),
        ("age group=1", "age group", "1"),  # whoever uses it says that there is no such variable
        ("x=1=2", "x", "1=2"),
    ],
)
def test_a_value_on_the_command_line(argument, name, value):
    found = values_of([argument], VARIABLES, "--given")
    assert found == {name: value}
    assert type(found[name]) is type(value)


def test_several_values_are_one_mapping():
    assert values_of(["x=1", "age=<5"], VARIABLES, "--given") == {"x": 1.0, "age": "<5"}
    assert values_of([], VARIABLES, "--given") == {}


@pytest.mark.parametrize("argument", ["age", "", "x 1"])
def test_an_argument_without_a_value(argument):
    with pytest.raises(ValueError, match=f"--do takes NAME=STATE, got '{argument}'"):
        values_of([argument], VARIABLES, "--do")


def test_a_variable_that_comes_twice():
    with pytest.raises(ValueError, match="--given says twice what 'age' is: several states are given as age=A,B"):
        values_of(["age=<5", "age=15+"], VARIABLES, "--given")


# --- draw ----------------------------------------------------------------------------------------------------------


def test_draw_with_bars(in_folder, capsys):
    net = fd.example("asia")
    assert main(["draw", "asia", "-o", "x.svg", "--given", "xray=yes", "--given", "smoke=no"]) == 0
    assert main(["draw", "asia", "-o", "prior.txt", "--bars"]) == 0
    assert main(["draw", "asia", "-o", "plain.svg"]) == 0
    net.plot("y.svg", posterior={"xray": "yes", "smoke": "no"})
    assert (in_folder / "x.svg").read_text() == (in_folder / "y.svg").read_text()
    assert (in_folder / "prior.txt").read_text() == f"{net.plot(posterior={}).text}\n"
    assert (in_folder / "plain.svg").read_text() == net.plot("z.svg").read_text()


def test_mistakes_about_bars(in_folder, capsys):
    for given, message in {
        "xray": "--given takes NAME=STATE, got 'xray'",
        "xry=yes": "no variable 'xry'; the network has",
        "xray=maybe": "'maybe' is no state of 'xray', they are ['yes', 'no']",
        "xray=2": "codes of 'xray' run from 0 to 1, got 2",
    }.items():
        assert message in error_of(capsys, "draw", "asia", "-o", "x.svg", "--given", given)
    assert "impossible" in error_of(
        capsys, "draw", "asia", "-o", "x.svg", "--given", "lung=yes", "--given", "either=no"
    )
    assert os.listdir(in_folder) == []


# --- score ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def partial(in_folder):
    """Rows of asia in files of every format, a fifth of the values missing."""
    net = fd.example("asia")
    x = net.sample(N, seed=0)
    hidden = np.random.default_rng(0).random((N, 8)) < 0.2
    frame = x.to_pandas().mask(hidden)
    frame.to_csv("x.csv", index=False)
    frame.to_parquet("x.parquet")
    frame.to_feather("x.arrow")
    np.save("x.npy", np.where(hidden, -1, np.asarray(x).astype(np.int64)))
    np.save("unsigned.npy", np.where(hidden, 255, np.asarray(x)).astype(np.uint8))
    np.save("floats.npy", np.where(hidden, np.nan, np.asarray(x)))
    return frame


FILES = ["x.csv", "x.parquet", "x.arrow", "x.npy", "unsigned.npy", "floats.npy"]


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("chunk", ["70", "1000"])
def test_score_says_how_many_values_are_missing(partial, capsys, source, chunk):
    capsys.readouterr()
    assert main(["score", "asia", source, "--worst", "0", "--chunk", chunk, "-o", "y.npy", "--only-scores"]) == 0
    scores = fd.example("asia").log_prob(partial)
    np.testing.assert_array_equal(np.load("y.npy"), scores)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["rows", str(N)],
        ["missing", "values", str(int(partial.isna().sum().sum())), "of", str(8 * N) + ",", "summed", "out"],
        ["mean", "log_prob", f"{scores.mean():.4f}", "nats"],
    ]


def test_complete_rows_are_not_told_about(partial, capsys):
    for suffix in (".csv", ".parquet", ".npy"):
        main(["sample", "asia", "-n", "20", "-o", f"full{suffix}"])
        capsys.readouterr()
        main(["score", "asia", f"full{suffix}"])
        assert "missing" not in capsys.readouterr().out


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("target", ["y.csv", "y.csv.gz", "y.parquet", "y.arrow", "y.npy"])
def test_scored_rows_keep_what_is_missing(partial, source, target):
    assert main(["score", "asia", source, "-o", target, "--chunk", "70"]) == 0
    scores = fd.example("asia").log_prob(partial)
    if target == "y.npy":
        y = np.load(target)
        np.testing.assert_array_equal(y[:, -1], scores)
        np.testing.assert_array_equal(np.isnan(y[:, :-1]), partial.isna())
        np.testing.assert_array_equal(fd.example("asia").log_prob(y[:, :-1]), scores)
        return
    read = {"y.parquet": pd.read_parquet, "y.arrow": pd.read_feather}
    y = read.get(target, pd.read_csv)(target)
    assert list(y.columns) == [*partial.columns, "log_prob"]
    np.testing.assert_array_equal(y["log_prob"], scores)
    for name in partial.columns:
        pd.testing.assert_series_equal(y[name].astype(object), partial[name].astype(object), check_dtype=False)


@pytest.mark.parametrize("target", ["y.csv", "y.parquet", "y.npy"])
def test_an_absent_column_is_missing_everywhere(partial, capsys, target):
    partial.drop(columns="lung").to_csv("x.csv", index=False)
    capsys.readouterr()
    assert main(["score", "asia", "x.csv", "-o", target]) == 0
    n = int(partial.drop(columns="lung").isna().sum().sum()) + N
    assert f"missing values    {n} of {8 * N}, summed out" in capsys.readouterr().out
    scores = fd.example("asia").log_prob(partial.drop(columns="lung"))
    if target == "y.npy":
        y = np.load(target)
        np.testing.assert_array_equal(y[:, -1], scores)
        assert np.isnan(y[:, fd.example("asia").names.index("lung")]).all()
    else:
        y = pd.read_csv(target) if target == "y.csv" else pd.read_parquet(target)
        assert list(y.columns) == [*partial.drop(columns="lung").columns, "log_prob"]
        np.testing.assert_array_equal(y["log_prob"], scores)


def test_rows_with_missing_numbers_are_scored(in_folder, capsys):
    net = fd.BayesNet({"z": fd.Categorical([0.3, 0.7], ["a", "b"]), "x": fd.Normal.given(["z"], [-2.0, 3.0], 1.0)})
    fd.write(net, "net.safetensors")
    frame = pd.DataFrame({"z": ["a", None, "b", None], "x": [1.0, 2.0, np.nan, np.nan]})
    frame.to_csv("x.csv", index=False)
    for target, read in {"y.csv": pd.read_csv, "y.parquet": pd.read_parquet, "y.arrow": pd.read_feather}.items():
        assert main(["score", "net.safetensors", "x.csv", "-o", target]) == 0
        assert "missing values    4 of 8, summed out" in capsys.readouterr().out
        y = read(target)
        np.testing.assert_array_equal(y["log_prob"], net.log_prob(frame))
        np.testing.assert_array_equal(y.isna()[["z", "x"]], frame.isna())


def test_missing_numbers_of_vectors_are_counted_one_by_one(in_folder, capsys):
    fd.write(fd.BayesNet({"z": fd.Bernoulli(0.5), "v": fd.MultivariateNormal.standard(3)}), "net.safetensors")
    pd.DataFrame({"z": [True, None]}).to_parquet("z.parquet")
    assert main(["score", "net.safetensors", "z.parquet"]) == 0
    assert "missing values    7 of 8, summed out" in capsys.readouterr().out


def test_a_state_without_a_name_is_no_missing_value(in_folder, capsys):
    net = fd.BayesNet({"a": fd.Categorical([0.3, 0.7], ["", "b"]), "b": fd.Bernoulli(0.5)})
    fd.write(net, "net.safetensors")
    pd.DataFrame({"a": ["", None, "b"], "b": [True, False, True]}).to_parquet("x.parquet")
    capsys.readouterr()
    message = error_of(capsys, "score", "net.safetensors", "x.parquet", "-o", "y.csv")
    assert "an empty cell of a CSV file is a missing value, and here also a state's name: use Parquet" in message
    assert main(["score", "net.safetensors", "x.parquet", "-o", "y.parquet"]) == 0
    assert pd.read_parquet("y.parquet")["a"].tolist()[::2] == ["", "b"]


def test_mistakes_in_rows_with_missing_values(partial, capsys):
    wrong = partial.astype(object)
    wrong.iloc[99, 2] = "perhaps"
    wrong.to_csv("x.csv", index=False)
    message = error_of(capsys, "score", "asia", "x.csv", "--chunk", "40", "-o", "y.csv")
    assert "x.csv, rows counted from 80: " in message and "row 19" in message and "'perhaps'" in message
    partial.drop(columns=list(partial.columns)).assign(other=1).to_csv("none.csv", index=False)
    assert "columns are matched by name" in error_of(capsys, "score", "asia", "none.csv")
    partial.rename(columns={"lung": "lang"}).to_csv("typo.csv", index=False)
    assert "lang" in error_of(capsys, "score", "asia", "typo.csv")
    assert not os.path.exists("y.csv")


# --- sample --------------------------------------------------------------------------------------------------------


def test_sample_under_an_intervention(in_folder):
    net = fd.example("asia")
    assert main(["sample", "asia", "-n", "200", "--seed", "3", "--do", "smoke=no", "--chunk", "70", "-o", "x.npy"]) == 0
    np.testing.assert_array_equal(np.load("x.npy"), np.asarray(net.sample(200, do={"smoke": "no"}, seed=3)))


@pytest.mark.parametrize("chunk", ["70", "1000"])
def test_sample_given_values(in_folder, chunk):
    known, forced = {"dysp": "yes", "xray": ["yes", "no"]}, {"smoke": "no"}
    options = ["--given", "dysp=yes", "--given", "xray=yes,no", "--do", "smoke=no", "--start", "5", "--chunk", chunk]
    assert main(["sample", "asia", "-n", "200", "--seed", "3", *options, "-o", "x.npy"]) == 0
    expected = fd.example("asia").sample(200, given=known, do=forced, seed=3, start=5)
    np.testing.assert_array_equal(np.load("x.npy"), np.asarray(expected))


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".npy"])
def test_no_rows_given_values(in_folder, suffix):
    assert main(["sample", "asia", "-n", "0", "--given", "dysp=yes", "-o", f"x{suffix}"]) == 0
    assert main(["score", "asia", f"x{suffix}"]) == 0


@pytest.mark.parametrize("n", ["0", "3"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--given", "xray=maybe"], "'maybe' is no state of 'xray'"),
        (["--given", "xry=yes"], "no variable 'xry'"),
        (["--given", "smoke=yes", "--do", "smoke=no"], "given and do must agree"),
        (["--do", "smoke=yes,no"], "'smoke' has one state, not several"),
        (["--do", "smoke"], "--do takes NAME=STATE, got 'smoke'"),
        (["--given", "lung=yes", "--given", "either=no"], "impossible"),
    ],
)
def test_mistakes_about_given_values_come_before_any_row(in_folder, capsys, n, options, message):
    if "impossible" in message and n == "0":
        pytest.skip("no row is impossible where there is none")
    assert message in error_of(capsys, "sample", "asia", "-n", n, *options)


def test_sample_given_real_values(in_folder):
    net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 1, [2], std=0.5)})
    fd.write(net, "net.safetensors")
    arguments = ["sample", "net.safetensors", "-n", "200", "--seed", "3", "--given", "b=1.5", "--chunk", "70"]
    assert main([*arguments, "-o", "x.npy"]) == 0
    np.testing.assert_array_equal(np.load("x.npy"), np.asarray(net.sample(200, given={"b": 1.5}, seed=3)))


def test_only_networks_are_asked(in_folder, capsys):
    fd.write(fd.MADE(3, hidden=(4,), seed=0).fit(np.eye(3, dtype=np.uint8), epochs=1, progress=False), "m.safetensors")
    for option in (["--given", "x0=1"], ["--do", "x0=1"], ["--dtype", "float64"]):
        assert "of Bayes nets, m.safetensors holds a MADE" in error_of(capsys, "sample", "m.safetensors", *option)


# --- posterior -----------------------------------------------------------------------------------------------------


def table_of(capsys, *arguments):
    """The headline, and a frame of the lines below it."""
    capsys.readouterr()
    assert main(["posterior", *arguments]) == 0
    headline, table = capsys.readouterr().out.split("\n", 1)
    return headline, pd.read_csv(io.StringIO(table), sep=r"\s{2,}", engine="python", dtype=str)


def test_a_posterior_on_the_screen(capsys):
    headline, table = table_of(capsys, "alarm", "--given", "CVP=LOW", "--of", "HYPOVOLEMIA")
    assert headline == "P(HYPOVOLEMIA | CVP=LOW)"
    answer = fd.example("alarm").posterior(["HYPOVOLEMIA"], given={"CVP": "LOW"})
    assert table["HYPOVOLEMIA"].tolist() == ["TRUE", "FALSE"]
    assert table["probability"].tolist() == [f"{p:.6g}" for p in answer.table]


def test_joint_posteriors_sets_and_interventions(capsys):
    known = ["--given", "xray=yes,no", "--given", "dysp=yes", "--do", "smoke=no"]
    headline, table = table_of(capsys, "asia", *known, "--of", "lung", "--of", "bronc")
    assert headline == "P(lung, bronc | xray=yes,no, dysp=yes, do(smoke=no))"
    answer = fd.example("asia").posterior(["lung", "bronc"], given={"dysp": "yes"}, do={"smoke": "no"})
    assert table[["lung", "bronc"]].to_numpy().tolist() == [[a, b] for a in ("yes", "no") for b in ("yes", "no")]
    assert table["probability"].tolist() == [f"{p:.6g}" for p in answer.table.ravel()]


def test_all_variables_have_bars(capsys):
    assert main(["posterior", "asia", "--given", "xray=yes"]) == 0
    assert capsys.readouterr().out == f"{fd.example('asia').plot(posterior={'xray': 'yes'}).text}\n"
    assert main(["posterior", "asia", "--do", "lung=yes"]) == 0
    assert capsys.readouterr().out == f"{fd.example('asia').do({'lung': 'yes'}).plot(posterior={}).text}\n"


def test_a_posterior_in_a_file(in_folder, capsys):
    answer = fd.example("asia").posterior(["lung", "bronc"], given={"xray": "yes"})
    command = ["posterior", "asia", "--given", "xray=yes", "--of", "lung", "--of", "bronc", "-o"]
    assert main([*command, "x.csv"]) == 0
    assert capsys.readouterr().out == "x.csv: 4 lines\n"
    assert pd.read_csv("x.csv")["probability"].tolist() == answer.table.ravel().tolist()  # to the last bit
    assert main([*command, "-"]) == 0
    assert capsys.readouterr().out == (in_folder / "x.csv").read_text()


def test_large_tables_are_cut_on_the_screen_and_whole_in_files(in_folder, capsys):
    net = fd.BayesNet({name: fd.Categorical(np.full(40, 1 / 40)) for name in "abc"})
    fd.write(net, "net.bif")
    arguments = ["posterior", "net.bif", "--of", "a", "--of", "b"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 1000 + 1 and lines[-1] == "... (600 more rows)"
    assert main([*arguments, "-o", "x.csv"]) == 0
    assert len(pd.read_csv("x.csv")) == 1600


def test_posteriors_of_real_variables(in_folder, capsys):
    net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 1, [2], std=0.5), "c": fd.Normal(3, 2)})
    fd.write(net, "net.safetensors")
    arguments = ["net.safetensors", "--given", "b=1.3", "--of", "c", "--of", "a"]
    headline, table = table_of(capsys, *arguments)
    answer = net.posterior(["c", "a"], given={"b": 1.3})
    assert headline == "P(c, a | b=1.3)" and table["variable"].tolist() == ["c", "a"]
    assert table["mean"].tolist() == [f"{m:.6g}" for m in answer.mean]
    assert table["covariance with a"].tolist() == [f"{m:.6g}" for m in answer.covariance[:, 1]]


def test_hostile_names_stay_on_their_line(in_folder, capsys):
    net = fd.BayesNet({"a\x1b[31m": fd.Categorical([0.5, 0.5], ["x\ny", ",="]), "b": fd.Bernoulli(0.5)})
    fd.write(net, "net.safetensors")
    assert main(["posterior", "net.safetensors", "--of", "a\x1b[31m", "--given", "b=True"]) == 0
    out = capsys.readouterr().out
    assert "".join(out.splitlines()).isprintable() and len(out.splitlines()) == 4
    assert main(["posterior", "net.safetensors", "--of", "a\x1b[31m", "-o", "x.csv"]) == 0
    assert pd.read_csv("x.csv").iloc[:, 0].tolist() == ["x\ny", ",="]
    assert main(["posterior", "net.safetensors", "--given", "a\x1b[31m=,="]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--of", "lnug"], "no variable 'lnug'; the network has"),
        (["--of", "lung", "--of", "lung"], "distinct variables"),
        (["--of", "lung", "--given", "lung=yes"], "'lung' is given a value"),
        (["--of", "lung", "--do", "lung=yes"], "'lung' is set to a value"),
        (["--of", "lung", "--given", "xray"], "--given takes NAME=STATE, got 'xray'"),
        (["--of", "lung", "--do", "xray"], "--do takes NAME=STATE, got 'xray'"),
        (["--of", "lung", "--given", "xray=maybe"], "'maybe' is no state of 'xray', they are ['yes', 'no']"),
        (["--of", "lung", "--given", "xray=yes,maybe"], "'maybe' is no state of 'xray'"),
        (["--of", "lung", "--given", "xray=2"], "codes of 'xray' run from 0 to 1, got 2"),
        (["--of", "lung", "--given", "smoke=yes", "--do", "smoke=no"], "smoke"),
        (["--of", "smoke", "--given", "lung=yes", "--given", "either=no"], "impossible"),
        (["--given", "lung=yes", "--given", "either=no"], "impossible"),
        (["--of", "lung", "--given", "xray=yes", "--given", "xray=no"], "--given says twice what 'xray' is"),
        (["-o", "x.csv"], "-o writes the joint distribution of the variables that --of names, and there is no --of"),
        (["--of", "lung", "-o", "x.parquet"], "a posterior is written to files named *.csv, got 'x.parquet'"),
        (["--of", "lung", "-o", "nowhere/x.csv"], "nowhere/x.csv: No such file or directory"),
        (["--of"], "expected one argument"),
    ],
)
def test_mistakes_about_posteriors(in_folder, capsys, arguments, message):
    assert message in error_of(capsys, "posterior", "asia", *arguments)
    assert os.listdir(in_folder) == []


def test_posteriors_of_other_models_and_names(in_folder, capsys):
    fd.write(fd.MADE(3, hidden=(4,), seed=0), "m.safetensors")
    assert "posterior works on Bayes nets, m.safetensors holds a MADE" in error_of(capsys, "posterior", "m.safetensors")
    fd.write(fd.BayesNet({"probability": fd.Bernoulli(0.5)}), "net.bif")
    assert "rename the variable" in error_of(capsys, "posterior", "net.bif", "--of", "probability")
    os.symlink("net.bif", "to-net.csv")
    message = error_of(capsys, "posterior", "./net.bif", "--of", "probability", "-o", "to-net.csv")
    assert "would replace the input" in message


# --- impute --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("how", ["mpe", "mode", "sample"])
def test_impute_is_the_networks(partial, capsys, source, how):
    options = ["--how", how, "--chunk", "70", *(["--seed", "5"] if how == "sample" else [])]
    capsys.readouterr()
    assert main(["impute", "asia", source, *options, "-o", "y.npy"]) == 0
    n_missing, seed = int(partial.isna().sum().sum()), ", seed 5" if how == "sample" else ""
    told = f"y.npy: {N} rows x 8 variables, {n_missing} values filled in (how {how}{seed})\n"
    assert capsys.readouterr().out == told
    expected = fd.example("asia").impute(partial, how=how, seed=5 if how == "sample" else None)
    np.testing.assert_array_equal(np.load("y.npy"), np.asarray(expected))


@pytest.mark.parametrize("target", ["y.csv", "y.csv.gz", "y.parquet", "y.arrow", "-"])
def test_imputed_rows_in_every_format(partial, capsys, target):
    capsys.readouterr()
    assert main(["impute", "asia", "x.parquet", "-o", target, "--chunk", "70"]) == 0
    expected = fd.example("asia").impute(partial)
    read = {"y.parquet": pd.read_parquet, "y.arrow": pd.read_feather}
    y = read.get(target, pd.read_csv)(io.StringIO(capsys.readouterr().out) if target == "-" else target)
    assert list(y.columns) == list(expected.names)
    for name in expected.names:
        assert y[name].astype(str).tolist() == expected.labels(name).tolist()


@pytest.mark.parametrize("chunk", ["70", "1000"])
def test_multiple_imputation_does_not_depend_on_chunks(partial, chunk):
    options = ["--how", "sample", "--n-per-row", "3", "--seed", "5", "--chunk", chunk]
    assert main(["impute", "asia", "x.parquet", *options, "-o", "y.npy"]) == 0
    expected = fd.example("asia").impute(partial, how="sample", n_per_row=3, seed=5)
    np.testing.assert_array_equal(np.load("y.npy"), np.asarray(expected))


def test_impute_takes_several_inputs_absent_and_further_columns(partial, capsys):
    partial[:100].drop(columns="lung").assign(id=1).to_csv("a.csv", index=False)
    partial[100:].drop(columns="lung").assign(id=2).to_csv("b.csv", index=False)
    message = error_of(capsys, "impute", "asia", "a.csv", "b.csv", "-o", "y.npy")
    assert "id" in message
    assert main(["impute", "asia", "a.csv", "b.csv", "--ignore-extra", "-o", "y.npy"]) == 0
    expected = fd.example("asia").impute(partial.drop(columns="lung"))
    np.testing.assert_array_equal(np.load("y.npy"), np.asarray(expected))


def test_complete_rows_come_back(in_folder, capsys):
    main(["sample", "asia", "-n", "20", "--seed", "0", "-o", "x.npy"])
    capsys.readouterr()
    assert main(["impute", "asia", "x.npy", "-o", "y.npy"]) == 0
    assert capsys.readouterr().out == "y.npy: 20 rows x 8 variables, 0 values filled in (how mpe)\n"
    np.testing.assert_array_equal(np.load("x.npy"), np.load("y.npy"))


def test_impossible_rows(in_folder, capsys):
    frame = pd.DataFrame({"lung": ["no", "yes"], "either": ["no", "no"], "dysp": [None, None]})
    frame.to_csv("x.csv", index=False)
    message = error_of(capsys, "impute", "asia", "x.csv", "--chunk", "1", "-o", "y.csv")
    assert "x.csv, rows counted from 1: row 0 has no " in message and "lung=yes and either=no" in message
    capsys.readouterr()
    assert main(["impute", "asia", "x.csv", "--impossible", "nan", "-o", "y.csv"]) == 0
    assert capsys.readouterr().out == "y.csv: 2 rows x 8 variables, 6 values filled in, 6 left missing (how mpe)\n"
    y = pd.read_csv("y.csv")
    assert y.notna().sum(axis=1).tolist() == [8, 2]
    assert main(["score", "asia", "y.csv"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x.csv", "--seed", "3"], "--seed is for --how sample, mpe draws nothing"),
        (["x.csv", "--how", "mode", "--n-per-row", "3"], "n_per_row"),
        (["x.csv", "--how", "sample", "--n-per-row", "0"], "n_per_row must be at least 1, got 0"),
        (["x.csv", "--how", "guess"], "invalid choice: 'guess'"),
        (["x.csv", "--chunk", "0"], "chunk must be at least 1 row, got 0"),
        (["x.csv", "-o", "y.xlsx"], "rows are kept in files named"),
        (["x.csv", "-o", "x.csv"], "the output would replace the input"),
        (["nothing.csv"], "nothing.csv: No such file or directory"),
        (["wrong.csv"], "'perhaps'"),
        (["wrong.csv", "-o", "y.csv", "--chunk", "1"], "wrong.csv, rows counted from 1: "),
    ],
)
def test_mistakes_about_imputation(in_folder, capsys, arguments, message):
    pd.DataFrame({"lung": ["yes", None]}).to_csv("x.csv", index=False)
    pd.DataFrame({"lung": ["yes", "perhaps"]}).to_csv("wrong.csv", index=False)
    out = error_of(capsys, "impute", "asia", *arguments)
    assert message in out
    assert sorted(os.listdir(in_folder)) == ["wrong.csv", "x.csv"]


def test_imputation_of_other_models(in_folder, capsys):
    fd.write(fd.MADE(3, hidden=(4,), seed=0), "m.safetensors")
    np.save("x.npy", np.zeros((2, 3), np.uint8))
    assert "impute works on Bayes nets, m.safetensors holds a MADE" in error_of(
        capsys, "impute", "m.safetensors", "x.npy"
    )
    fd.write(fd.BayesNet.from_edges([("a", "b")]), "net.safetensors")
    assert "no tables yet" in error_of(capsys, "impute", "net.safetensors", "x.npy")
