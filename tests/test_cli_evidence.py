"""The command line about what is known and what is missing: posterior, impute, sample --given, draw --given, score."""

from __future__ import annotations

import os

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
