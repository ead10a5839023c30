"""The command line: every command on real files, one line for every mistake, nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

import fastdgm as fd
from fastdgm.cli import networks
from fastdgm.cli.arguments import complete_net
from fastdgm.cli.description import problems, unreachable_states
from fastdgm.cli.program import main
from fastdgm.cli.summary import ScoreSummary
from fastdgm.io.rows import FORMATS, read_rows

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def fastdgm(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "fastdgm", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        **options,
    )


def error_of(capsys, *arguments):
    """The one line that a mistake gets."""
    assert main(list(map(str, arguments))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("fastdgm: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- sample ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", FORMATS)
def test_sample_writes_the_rows_of_the_seed(in_folder, capsys, suffix):
    assert main(["sample", "asia", "-n", "1_000", "--seed", "5", "--chunk", "300", "-o", f"x{suffix}"]) == 0
    assert capsys.readouterr().out == f"x{suffix}: 1000 rows x 8 variables (seed 5, start 0)\n"
    net = fd.example("asia")
    scores = np.concatenate([net.log_prob(part) for part in read_rows(f"x{suffix}", net.states)])
    np.testing.assert_array_equal(scores, net.log_prob(net.sample(1000, seed=5)))


def test_parts_made_apart_are_one_data_set(in_folder):
    for name, n, start in (("all", "50", "0"), ("a", "20", "0"), ("b", "30", "20")):
        main(["sample", "asia", "-n", n, "--start", start, "--seed", "1", "-o", f"{name}.npy"])
    np.testing.assert_array_equal(np.concatenate([np.load("a.npy"), np.load("b.npy")]), np.load("all.npy"))


def test_sample_without_a_file_is_csv_on_the_screen(capsys):
    assert main(["sample", "cancer", "-n", "2e0", "--seed", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Pollution,Smoker,Cancer,Xray,Dyspnoea"
    x = fd.example("cancer").sample(2, seed=0)
    assert lines[1:] == [",".join(x.labels(name)[row] for name in x.names) for row in range(2)]


def test_no_seed_is_a_fresh_one_that_is_told(in_folder, capsys):
    main(["sample", "asia", "-n", "20", "-o", "x.npy"])
    seed = capsys.readouterr().out.split("seed ")[1].split(",")[0]
    main(["sample", "asia", "-n", "20", "--seed", seed, "-o", "y.npy"])
    np.testing.assert_array_equal(np.load("x.npy"), np.load("y.npy"))


def test_no_rows(in_folder, capsys):
    for suffix in FORMATS:
        assert main(["sample", "asia", "-n", "0", "-o", f"x{suffix}"]) == 0
        capsys.readouterr()
        assert main(["score", "asia", f"x{suffix}"]) == 0
        assert capsys.readouterr().out.split() == ["rows", "0"]


# --- score -----------------------------------------------------------------------------------------------------


@pytest.fixture
def alarm_rows(in_folder):
    main(["sample", "alarm", "-n", "500", "--seed", "0", "-o", "alarm.parquet"])
    return fd.example("alarm").log_prob(fd.example("alarm").sample(500, seed=0))


def test_score_on_the_screen(alarm_rows, capsys):
    capsys.readouterr()
    assert main(["score", "alarm", "alarm.parquet", "--worst", "2", "--chunk", "70"]) == 0
    out = capsys.readouterr().out
    mean = alarm_rows.mean()
    assert out.split("\n")[0].split() == ["rows", "500"]
    assert f"{mean:.4f} nats, {-mean / np.log(2) / 37:.4f} bits per variable" in out
    for row in np.argsort(alarm_rows, kind="stable")[:2]:
        assert f"row {row} " in out
        assert f"{alarm_rows[row]:.4f} nats" in out
    assert out.count("  row ") == 2


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_score_writes_the_column_alone(alarm_rows, suffix):
    arguments = ["score", "alarm", "alarm.parquet", "-o", f"scores{suffix}", "--only-scores", "--chunk", "70"]
    assert main(arguments) == 0
    if suffix == ".npy":
        got = np.load("scores.npy")
    elif suffix == ".csv":
        got = np.loadtxt("scores.csv", skiprows=1)
    else:
        got = pq.read_table("scores.parquet")["log_prob"].to_numpy()
    np.testing.assert_array_equal(got, alarm_rows)


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", [".npy", ".csv", ".parquet", ".arrow"])
def test_score_writes_the_rows_with_their_scores(in_folder, source, target):
    net = fd.example("asia")
    x = net.sample(200, seed=0)
    main(["sample", "asia", "-n", "200", "--seed", "0", "-o", f"x{source}"])
    assert main(["score", "asia", f"x{source}", "-o", f"y{target}", "--chunk", "70"]) == 0
    if target == ".npy":
        y = np.load("y.npy")
        np.testing.assert_array_equal(y[:, :-1], np.asarray(x))
        np.testing.assert_array_equal(y[:, -1], net.log_prob(x))
        return
    read = {".parquet": pd.read_parquet, ".arrow": pd.read_feather, ".feather": pd.read_feather}
    y = read.get(target, lambda path: pl.read_csv(path).to_pandas())(f"y{target}")
    assert list(y.columns) == [*net.names, "log_prob"]
    np.testing.assert_array_equal(y["log_prob"], net.log_prob(x))
    for name in net.names:
        assert y[name].astype(str).tolist() == x.labels(name).tolist()


def test_scored_tables_keep_their_columns_order_and_numbers(in_folder):
    net = fd.BayesNet({"a": fd.Categorical([0.2, 0.3, 0.5]), "b": fd.Categorical([0.5, 0.5], states=["no", "yes"])})
    fd.write(net, "net.bif")
    frame = pd.DataFrame({"b": ["yes", "no", "yes"], "a": np.array([2, 0, 1], np.int16)})
    frame.to_parquet("x.parquet")
    for suffix, read in {".parquet": pd.read_parquet, ".arrow": pd.read_feather, ".csv": pd.read_csv}.items():
        assert main(["score", "net.bif", "x.parquet", "-o", f"y{suffix}", "--chunk", "2"]) == 0
        y = read(f"y{suffix}")
        assert list(y.columns) == ["b", "a", "log_prob"]
        assert y["b"].tolist() == ["yes", "no", "yes"]
        assert y["a"].tolist() == [2, 0, 1]
        np.testing.assert_allclose(y["log_prob"], np.log([0.25, 0.1, 0.15]))
    assert pd.read_parquet("y.parquet")["a"].dtype == np.int16


def test_a_column_of_the_scores_name_is_not_replaced(in_folder, capsys):
    fd.write(fd.BayesNet({"log_prob": fd.Bernoulli(0.5)}), "net.bif")
    for suffix in set(FORMATS) - {".npy"}:  # which has no names
        main(["sample", "net.bif", "-n", "3", "-o", f"x{suffix}"])
        capsys.readouterr()
        message = error_of(capsys, "score", "net.bif", f"x{suffix}", "-o", f"y{suffix}")
        assert "have a column 'log_prob' already" in message
        assert not os.path.exists(f"y{suffix}")
        assert main(["score", "net.bif", f"x{suffix}", "-o", f"y{suffix}", "--only-scores"]) == 0


@pytest.mark.parametrize("way", ["path", "link", "hard link", "other spelling"])
def test_no_command_writes_over_what_it_reads(in_folder, capsys, way):
    main(["sample", "asia", "-n", "20", "--seed", "0", "-o", "x.csv"])
    main(["convert", "asia", "net.bif"])
    os.mkdir("sub")
    make = {"link": os.symlink, "hard link": os.link}
    outputs = {}
    for name in ("x.csv", "net.bif"):
        outputs[name] = {"path": name, "other spelling": f"sub/../{name}"}.get(way, f"other-{name}")
        if way in make:
            make[way](name, outputs[name])
    # what a command writes never has the format of the network here, but its name may lead there
    for name, suffix in (("net.bif", ".csv"), ("net.bif", ".svg"), ("x.csv", ".bif")):
        os.symlink(name, f"to-{name}{suffix}")
    capsys.readouterr()
    before = {name: (in_folder / name).read_bytes() for name in ("x.csv", "net.bif")}
    for arguments in (
        ["score", "asia", "x.csv", "-o", outputs["x.csv"]],
        ["score", "net.bif", "x.csv", "-o", "to-net.bif.csv", "--only-scores"],
        ["sample", "net.bif", "-o", "to-net.bif.csv"],
        ["fit", "asia", "x.csv", "-o", "to-x.csv.bif"],
        ["fit", "net.bif", "x.csv", "-o", outputs["net.bif"]],
        ["convert", "net.bif", outputs["net.bif"]],
        ["draw", "net.bif", "-o", "to-net.bif.svg"],
    ):
        assert "the output would replace the input: " in error_of(capsys, *arguments)
    assert {name: (in_folder / name).read_bytes() for name in before} == before


def test_impossible_rows_are_counted_and_left_out_of_the_mean():
    summary = ScoreSummary(n_worst=2)
    for chunk in ([-1.0, -np.inf], [], [-3.0]):
        summary.add(np.array(chunk))
    assert [line.split() for line in summary.text(1).splitlines()] == [
        ["rows", "3"],
        ["impossible", "rows", "1", "(log_prob", "-inf),", "not", "in", "the", "mean"],
        ["mean", "log_prob", "-2.0000", "nats,", "2.8854", "bits", "per", "variable"],
        ["worst", "rows", "counted", "from", "0"],
        ["row", "1", "-inf", "nats"],
        ["row", "2", "-3.0000", "nats"],
    ]


# --- the other commands ----------------------------------------------------------------------------------------


def test_fit_in_chunks_is_fit(alarm_rows, capsys):
    capsys.readouterr()
    assert main(["fit", "alarm", "alarm.parquet", "-o", "refit.bif", "--chunk", "70", "--prior", "0.5"]) == 0
    assert capsys.readouterr().out == "refit.bif: 509 parameters from 500 rows\n"
    net = fd.example("alarm")
    expected = fd.BayesNet.from_edges(net.edges, net.names, net.states).fit(net.sample(500, seed=0), prior=0.5)
    refit = fd.read("refit.bif")
    assert refit.states == net.states
    for name in net.names:
        assert refit[name].parents == net[name].parents
        np.testing.assert_allclose(refit[name].table, expected[name].table, rtol=1e-12)


def test_fit_with_bdeu(alarm_rows):
    assert (
        main(["fit", "alarm", "alarm.parquet", "-o", "x.bif", "--prior", "BDeu", "--equivalent-sample-size", "3"]) == 0
    )
    expected = fd.example("alarm").fit(fd.example("alarm").sample(500, seed=0), prior="bdeu", equivalent_sample_size=3)
    np.testing.assert_allclose(fd.read("x.bif")["CATECHOL"].table, expected["CATECHOL"].table, rtol=1e-12)


def test_convert(in_folder):
    assert main(["convert", "asia", "asia.bif.gz"]) == 0
    assert main(["convert", "./asia.bif.gz", "asia.xmlbif"]) == 0
    assert fd.read("asia.xmlbif").edges == fd.example("asia").edges


def test_draw(in_folder):
    assert main(["draw", "asia", "-o", "asia.dot"]) == 0
    assert "->" in (in_folder / "asia.dot").read_text()


def test_examples_are_listed(capsys):
    assert main(["examples"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [["name", "variables", "arcs", "parameters"], ["alarm", "37", "46", "509"]]
    assert [line[0] for line in lines[1:]] == list(fd.example_names())


def test_what_reading_a_file_needs_to_know_is_passed_on(in_folder, capsys):
    main(["convert", "asia", "asia.bif"])
    text = (in_folder / "asia.bif").read_text()
    (in_folder / "asia.bif").write_text(text.replace("0.99;", "0.9;", 1).replace("smoke", "fumé"), "utf-16-le")
    capsys.readouterr()
    assert main(["info", "asia.bif", "--encoding", "utf-16-le", "--tolerance", "0.2"]) == 0
    assert main(["draw", "asia.bif", "-o", "asia.dot", "--encoding", "utf-16-le", "--tolerance", "0.2"]) == 0
    assert "fumé" in (in_folder / "asia.dot").read_text("utf-8")


def test_completion_offers_examples_and_files(in_folder):
    (in_folder / "asia.bif").touch()
    assert complete_net("as") == ["asia", "asia.bif"]


COMPLETIONS = {
    "fastdgm sa": ["sample"],
    "fastdgm sample as": ["asia", "asia.bif"],
    "fastdgm score asia asia.csv --wo": ["--worst"],
}


@pytest.mark.parametrize("line", COMPLETIONS)
def test_a_shell_completes_through_argcomplete(in_folder, line):
    pytest.importorskip("argcomplete")
    (in_folder / "asia.bif").touch()
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_SUPPRESS_SPACE": "1", "_ARGCOMPLETE_IFS": "\n"}
    asked |= {"_ARGCOMPLETE_STDOUT_FILENAME": "found", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    subprocess.run([sys.executable, "-m", "fastdgm"], env={**ENVIRONMENT, **asked}, check=True, capture_output=True)
    assert sorted((in_folder / "found").read_text().split()) == COMPLETIONS[line]


def test_info(capsys):
    assert main(["info", "asia"]) == 0
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines() if not line.startswith(" "))
    assert {what: value.strip() for what, value in lines.items()} == {
        "variables": "8 (2 states)",
        "arcs": "8 (up to 2 into one variable)",
        "parameters": "18",
        "largest table": "8 entries, of 'either'",
        "problems found": "none",
    }


def test_info_of_a_network_whose_joint_table_no_machine_holds(capsys, in_folder):
    names = [f"x{i}" for i in range(2000)]
    fd.write(fd.BayesNet({name: fd.Bernoulli(0.5) for name in names}), "wide.bif")
    assert main(["info", "wide.bif"]) == 0
    assert "full joint table  about 10^602" in capsys.readouterr().out


def test_problems():
    net = fd.BayesNet(
        {
            "a": fd.Categorical([0.5, 0.0, 0.5]),
            "b": fd.CPT(["a"], [[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]], states=["x", "y"]),
            "single": fd.Categorical([1.0]),
            "water": fd.Categorical([0.5, 0.5], states=[3, 4]),
        }
    )
    assert unreachable_states(net) == [("a", "1"), ("b", "y")]
    assert list(problems(net)) == [
        "states that never occur: 2, ['a=1', 'b=y']",
        "variables with a single state: 1, ['single']",
        "variables whose state names only look like codes: 1, ['water']; write their values as strings in frames",
    ]


# --- mistakes --------------------------------------------------------------------------------------------------


def test_mistakes_get_one_line(in_folder, capsys):
    main(["sample", "asia", "-n", "3", "-o", "asia.csv"])
    main(["convert", "asia", "asia.bif"])
    os.link("asia.bif", "linked.bif")
    (in_folder / "bad.bif").write_bytes(b"\x00\xff")
    (in_folder / "bad.parquet").write_bytes(b"PAR1")
    (in_folder / "folder.csv").mkdir()
    capsys.readouterr()
    for arguments, message in {
        ("sample", "alram"): "no example network 'alram'; there are alarm, asia",
        ("sample", "Alarm"): "did you mean 'alarm'?",
        ("sample", "alarm.bif"): "alarm.bif: No such file or directory",
        ("sample", "bad.bif"): "bad.bif",
        ("sample", "asia", "-n", "-3"): "n must be between 0 and 2**40 rows, got -3",
        ("sample", "asia", "-n", "1e99", "-o", "x.npy"): "n must be between",
        ("sample", "asia", "-n", "1.5"): "argument -n: invalid whole number value: '1.5'",
        ("sample", "asia", "-n", "inf"): "argument -n: invalid whole number value: 'inf'",
        ("sample", "asia", "--seed", "-1"): "seed must be between 0 and 2**64 - 1, got -1",
        ("sample", "asia", "--start", "-1"): "start must be at least 0",
        ("sample", "asia", "--chunk", "0"): "chunk must be at least 1 row, got 0",
        ("sample", "asia", "-o", "x.xlsx"): "rows are kept in files named *.parquet",
        ("sample", "asia", "-o", "nowhere/x.csv"): "nowhere/x.csv: No such file or directory",
        ("sample", "asia", "-o", "folder.csv"): "folder.csv: Is a directory",
        ("score", "asia", "nothing.csv"): "nothing.csv: No such file or directory",
        ("score", "asia", "bad.parquet"): "bad.parquet: damaged, or no Parquet file",
        ("score", "alarm", "asia.csv"): "asia.csv: columns are matched by name",
        ("score", "asia", "asia.csv", "--worst", "-1"): "--worst must be at least 0, got -1",
        ("score", "asia", "asia.csv", "-o", "x.txt"): "rows are kept in files named",
        ("score", "asia", "asia.csv", "--chunk", "0"): "chunk must be at least 1 row, got 0",
        ("fit", "asia", "asia.csv", "-o", "x.foo"): "x.foo",
        ("fit", "asia", "asia.csv", "-o", "nowhere/x.bif"): "nowhere/x.bif: No such file or directory",
        ("fit", "asia", "asia.csv", "-o", "linked.bif"): "linked.bif: has 2 hard links",
        ("convert", "asia", "linked.bif"): "linked.bif: has 2 hard links",
        ("fit", "asia", "asia.csv", "-o", "x.bif", "--prior", "-1"): "fastdgm: error: prior must be",
        ("fit", "asia", "asia.csv", "-o", "x.bif", "--prior", "many"): "argument --prior: invalid prior value",
        ("fit", "asia", "asia.csv"): "required: -o",
        ("convert", "asia", "asia.foo"): "asia.foo",
        ("draw", "asia", "-o", "asia.foo"): ".foo",
        ("draw", "asia", "-o", "nowhere/a.svg"): "error: nowhere/a.svg: No such file or directory",
        ("explode", "asia"): "invalid choice: 'explode'",
        ("smaple", "asia"): "did you mean 'sample'?",
        ("score", "asia", "asia.csv", "--axes", "scope"): "--axes is for files, 'asia' is the name of an example",
        ("info", "asia.bif", "--axes", "scope"): "axes= is for .uai files",
        ("info", "asia.bif", "--encoding", "klingon"): "klingon",
        (): "required: COMMAND",
    }.items():
        assert message in error_of(capsys, *arguments), arguments
    assert sorted(p.name for p in in_folder.iterdir()) == [
        "asia.bif",
        "asia.csv",
        "bad.bif",
        "bad.parquet",
        "folder.csv",
        "linked.bif",
    ]


@pytest.mark.parametrize("command", [["score", "asia", "x.npy"], ["fit", "asia", "x.npy", "-o", "x.bif"]])
def test_a_bad_row_in_a_later_chunk_is_found(in_folder, capsys, command):
    codes = np.zeros((10, 8), np.uint8)
    codes[7, 2] = 9
    np.save("x.npy", codes)
    line = error_of(capsys, *command, "--chunk", "4")
    assert "x.npy, rows counted from 4: " in line
    assert "row 3" in line
    assert "'smoke'" in line
    assert os.listdir() == ["x.npy"]


def test_numbers_too_large_get_one_line(monkeypatch, capsys):
    def overflow(**options):
        raise OverflowError("int too large to convert to float")

    monkeypatch.setattr(networks, "info", overflow)
    assert error_of(capsys, "info", "asia") == "fastdgm: error: int too large to convert to float\n"


def test_warnings_are_one_line(in_folder, capsys):
    main(["convert", "asia", "asia.bif"])
    text = (in_folder / "asia.bif").read_text()
    (in_folder / "asia.bif").write_text(text.replace("0.99;", "0.98995;", 1))
    capsys.readouterr()
    assert main(["info", "asia.bif"]) == 0
    err = capsys.readouterr().err
    assert err.startswith("fastdgm: warning: asia.bif")
    assert err.count("\n") == 1


# --- as a process ----------------------------------------------------------------------------------------------


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from fastdgm.cli.program import main; assert main(['--help']) == main(['sample', '-h']) == 0; "
        "print(sorted({'numba', 'numpy', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert "usage: fastdgm" in run.stdout
    assert "Example: fastdgm sample alarm -n 1e6 --seed 0 -o alarm.parquet" in " ".join(run.stdout.split())
    assert run.stdout.splitlines()[-1] == "[]"


def test_a_closed_pipe_is_quiet():
    with fastdgm("sample", "asia", "-n", "1e6", "--seed", "0") as process:
        assert process.stdout.readline().startswith("asia,")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 141


def wait_for_rows(folder):
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 10**6 for path in folder.iterdir()):
        assert time.monotonic() < deadline, "no rows were written"
        time.sleep(0.05)


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    with fastdgm("sample", "asia", "-n", str(2**40), "-o", "x.npy", cwd=tmp_path) as process:
        wait_for_rows(tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_nothing_behind(tmp_path, name):
    with fastdgm("sample", "asia", "-n", str(2**40), "-o", "x.npy", cwd=tmp_path) as process:
        wait_for_rows(tmp_path)
        process.send_signal(getattr(signal, name))
        assert process.wait(timeout=60) == 128 + getattr(signal, name)
        assert process.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_leaves_is_removed_by_the_next(tmp_path):
    with fastdgm("sample", "asia", "-n", str(2**40), "-o", "x.npy", cwd=tmp_path) as process:
        wait_for_rows(tmp_path)
        process.kill()
    assert len(list(tmp_path.iterdir())) == 1
    assert main(["sample", "asia", "-n", "3", "-o", str(tmp_path / "other.npy")]) == 0
    assert len(list(tmp_path.iterdir())) == 2  # a file that is another's is let alone
    assert main(["sample", "asia", "-n", "3", "-o", str(tmp_path / "x.npy")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.npy", "x.npy"]


@pytest.mark.parametrize("arguments", ["sample asia -n 3", "info asia", "sample asia -n 3 -o x.csv", "--help"])
def test_a_closed_stdout_is_one_line(tmp_path, arguments):
    run = subprocess.run(
        f"exec {sys.executable} -m fastdgm {arguments} >&-",
        shell=True,
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (2, "fastdgm: error: standard output and standard error must be open\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", ["sample asia -n 3", "sample asia -n 300000", "info asia", "--help"])
def test_a_full_stdout_is_one_line(arguments):
    with open("/dev/full", "w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "fastdgm", *arguments.split()],
            env={**ENVIRONMENT, "PYTHONUNBUFFERED": ""},  # with it argparse drops what it cannot write
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert run.returncode == 2
    assert run.stderr.startswith("fastdgm: error: ") and run.stderr.count("\n") == 1 and "space" in run.stderr


def test_messages_are_short_whatever_is_in_the_file(in_folder, capsys):
    main(["sample", "asia", "-n", "3", "-o", "x.csv"])
    header, row = (in_folder / "x.csv").read_text().splitlines()[:2]
    cells = row.split(",")
    for text in (
        f"{header}\n{','.join(['x' * 1_900_000, *cells[1:]])}\n",
        f"{'y' * 1_900_000},{header.partition(',')[2]}\n{row}\n",
        f"{header}\n{'z' * 1_900_000}\n",
    ):
        (in_folder / "long.csv").write_text(text)
        capsys.readouterr()
        message = error_of(capsys, "score", "asia", "long.csv")
        assert len(message) < 1100
        assert "long.csv" in message


@pytest.mark.parametrize("index", ["numbers", "text", "categories"])
def test_the_index_of_a_frame_stays_its_index(in_folder, index):
    net = fd.example("asia")
    x = net.sample(200, seed=0)
    names = [f"k{i}" for i in range(200)]
    own = {"numbers": list(range(0, 400, 2)), "text": names, "categories": pd.CategoricalIndex(names)}[index]
    frame = pd.DataFrame({name: x.labels(name) for name in x.names}, own)
    frame.to_parquet("x.parquet")
    frame.to_feather("x.arrow")
    for source in ("x.parquet", "x.arrow"):
        for target, read in {"y.parquet": pd.read_parquet, "y.arrow": pd.read_feather, "y.csv": pd.read_csv}.items():
            assert main(["score", "asia", source, "-o", target, "--chunk", "70"]) == 0
            y = read(target)
            assert list(y.columns) == [*net.names, "log_prob"]
            np.testing.assert_array_equal(y["log_prob"], net.log_prob(x))
            if target != "y.csv":  # which has labels only
                assert y.index.tolist() == list(own)
