"""UAI: order of functions and axes, comments, cardinality 1, and every place where a number can be wrong."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.io import read_uai, write_uai

TEXT = """# a comment
BAYES
3
2 3 1   # numbers of states
3
3 1 2 0 # p(x0 | x1, x2)
1 1
1 2

6
 0.1 0.9
 0.2 0.8
 1 0
3
 0.5 0.25 0.25
1 1.0
"""


def assert_refused(text: str, match: str) -> None:
    with pytest.raises(fd.FormatError, match=match):
        read_uai(text, "net.uai")


def test_the_child_is_last_in_its_function():
    net = read_uai(TEXT)
    assert dict(net.parents) == {"x0": ("x1", "x2"), "x1": (), "x2": ()}
    assert dict(net.states) == {"x0": ("0", "1"), "x1": ("0", "1", "2"), "x2": ("0",)}
    assert np.array_equal(net["x0"].table, [[[0.1, 0.9]], [[0.2, 0.8]], [[1, 0]]])


def test_layout_does_not_matter():
    words = "\n".join(line.partition("#")[0] for line in TEXT.splitlines()).split()
    for separator in (" ", "\n", "\r\n", "\t "):
        assert write_uai(read_uai(separator.join(words))) == write_uai(read_uai(TEXT))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("BAYES", "MARKOV", "line 2: a MARKOV network has no conditional probabilities; only BAYES"),
        ("BAYES", "BAYESIAN", "line 2: expected BAYES, got 'BAYESIAN"),
        ("BAYES\n3\n", "BAYES\n0\n", "line 3: the number of variables must be a whole number from 1 to .*, got '0'"),
        ("BAYES\n3\n", "BAYES\n3.0\n", "line 3: the number of variables must be a whole number from 1 .*, got '3.0'"),
        ("2 3 1 ", "2 0 1 ", "line 4: a number of states must be a whole number from 1 to 65535, got '0'"),
        ("2 3 1 ", "2 -3 1 ", "line 4: a number of states must be .* got '-3'"),
        ("2 3 1 ", "2 65536 1 ", "line 4: a number of states must be .* got '65536'"),
        ("\n3\n3 1", "\n2\n3 1", "line 5: the number of functions must be 3, got '2'"),
        ("3 1 2 0", "4 1 2 0 0", "line 6: the number of variables of a function must be .* from 1 to 3, got '4'"),
        ("3 1 2 0", "3 1 3 0", "line 6: a variable must be a whole number from 0 to 2, got '3'"),
        ("3 1 2 0", "3 1 x 0", "line 6: a variable must be a whole number from 0 to 2, got 'x'"),
        ("3 1 2 0", "3 1 1 0", "line 10: parents must be distinct, 'x0' has 'x1' twice"),
        ("3 1 2 0", "3 0 1 2", "line 10: table of 'x2', row .x0 = 1, x1 = 2.: .* got 0"),
        ("1 1\n1 2", "1 1\n1 1", "line 16: a variable has one table, 'x1' has a second"),
        ("\n6\n", "\n8\n", "line 10: the number of entries of the table of 'x0' must be 6, got '8'"),
        (" 0.2 0.8", " 0.2 0.9", r"line 10: table of 'x0', row \(x1 = 1, x2 = 0\): every row .* got 1.1"),
        (" 0.2 0.8", " 0.2 inf", r"line 10: table of 'x0', row \(x1 = 1, x2 = 0\): probabilities are finite"),
        (" 0.2 0.8", " 0.2 0,8", "line 12: expected a number, got '0,8'"),
        ("1 1.0\n", "", "line 16: expected the number of entries of the table of 'x2', got the end of the file"),
        (" 0.25\n1 1.0\n", "\n", "line 16: expected 3 entries of the table of 'x1', got the end of the file"),
        ("1 1.0\n", "1 1.0\n0.5\n", "line 17: expected the end of the file after the last table, got '0.5"),
    ],
)
def test_bad_files(old, new, match):
    assert old in TEXT
    assert_refused(TEXT.replace(old, new, 1), match)


@pytest.mark.parametrize("text", ["", "# only a comment", "BAYES", "BAYES 3", "BAYES 3 2 2 2 3 1"])
def test_truncated_files(text):
    assert_refused(text, "got the end of the file")


def test_huge_declarations_are_refused_before_anything_is_made():
    assert_refused("BAYES 2 60000 60000", "120000 states are declared, more than the file can have numbers")
    padding = " 0.5" * 70_000
    cube = "BAYES 3 60000 60000 60000 3 3 0 1 2 1 0 1 1 216000000000000" + padding
    assert_refused(cube, "a table has at most 268435456 entries, that of 'x2' would have more")
    assert_refused("BAYES 1 2 1 1 0 " + "9" * 5000, "must be 2, got '9999")


def test_many_parents_with_one_state_each():
    n = 70
    text = f"BAYES {n} {'1 ' * n} {n} {n} {' '.join(map(str, range(n)))} "
    text += " ".join(f"1 {i}" for i in range(n - 1)) + " 1 1" * n
    assert_refused(text, "table of 'x69': .*(dimension|axes)")
