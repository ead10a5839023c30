"""UAI: order of functions and axes, comments, cardinality 1, and every place where a number can be wrong."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        (
            "1 1.0\n",
            "1 1.0\n0.5\n",
            "line 17: expected the end of the file after the last table, or evidence .* got '0.5",
        ),
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


# --- the order of the axes -----------------------------------------------------------------------------------

CYCLE = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])  # rows and columns sum to 1


def uai(tables: dict[tuple[int, ...], np.ndarray], sizes: tuple[int, ...]) -> str:
    """A file with these entries, in their order, as the tables of these scopes."""
    scopes = " ".join(f"{len(scope)} {' '.join(map(str, scope))}" for scope in tables)
    entries = " ".join(f"{table.size} {' '.join(map(repr, table.ravel().tolist()))}" for table in tables.values())
    return f"BAYES {len(sizes)} {' '.join(map(str, sizes))} {len(tables)} {scopes} {entries}\n"


def rows(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.dirichlet(np.ones(shape[-1]), shape[:-1])


def reads(text: str, **options) -> tuple[fd.BayesNet, list[str]]:
    """The network, and the messages of the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net = read_uai(text, "net.uai", **options)
    return net, [str(warning.message) for warning in caught]


@given(sizes=st.lists(st.integers(1, 4), min_size=3, max_size=3), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_files_with_all_axes_reversed_are_read_right(sizes, seed):
    """pgmpy writes entries with the first variable of the scope fastest."""
    rng = np.random.default_rng(seed)
    tables = {(0,): rows(rng, (sizes[0],)), (1,): rows(rng, (sizes[1],)), (1, 0, 2): None}
    tables[1, 0, 2] = rows(rng, (sizes[1], sizes[0], sizes[2]))
    text = uai({scope: table.T for scope, table in tables.items()}, sizes)
    net, messages = reads(text, axes="reversed")
    assert net.parents["x2"] == ("x1", "x0") and np.array_equal(net["x2"].table, tables[1, 0, 2]) and not messages
    plain, messages = reads(text)
    assert np.allclose(plain["x2"].table, net["x2"].table, rtol=0, atol=1e-12) and len(messages) <= 1
    assert all("sum to 1 only when the first variable" in message for message in messages)


def test_the_axes_of_agrum():
    """aGrUM 3 writes the child fastest, then the first parent, and a name behind each scope."""
    table = rows(np.random.default_rng(0), (2, 3, 2))
    scopes = "1 0   # a\n1 1   # b\n3 0 1 2   # c\n"
    text = f"BAYES\n3\n2 3 2\n3\n{scopes}2 0.5 0.5 3 0.5 0.25 0.25 12 "
    text += " ".join(map(repr, np.swapaxes(table, 0, 1).ravel().tolist()))
    assert_refused(text, "the rows of 'x2' stand in a file like those of aGrUM.*axes='scope'.*axes='parents-reversed'")
    assert np.array_equal(read_uai(text, axes="parents-reversed")["x2"].table, table)
    assert np.array_equal(read_uai(text.replace("   # b", ""))["x2"].table.ravel(), np.swapaxes(table, 0, 1).ravel())


def test_one_table_decides_for_its_file():
    decides = rows(np.random.default_rng(0), (3, 2))
    scope_order = uai({(0,): np.full(3, 1 / 3), (0, 1): CYCLE, (0, 2): decides}, (3, 3, 2))
    assert np.array_equal(read_uai(scope_order)["x1"].table, CYCLE)
    reversed_order = uai({(0,): np.full(3, 1 / 3), (0, 1): CYCLE.T, (0, 2): decides.T}, (3, 3, 2))
    net, messages = reads(reversed_order)
    assert np.array_equal(net["x1"].table, CYCLE) and np.array_equal(net["x2"].table, decides)
    assert len(messages) == 1
    assert "net.uai: the rows of 'x2' sum to 1 only when the first variable of a scope changes fastest" in messages[0]
    assert np.array_equal(read_uai(reversed_order, axes="reversed")["x1"].table, CYCLE)


def test_tables_that_decide_nothing_are_ambiguous_where_the_readings_differ():
    text = uai({(0,): np.full(3, 1 / 3), (0, 1): CYCLE}, (3, 3))
    assert_refused(text, "the rows of 'x1' sum to 1 whether the last or the first variable .* axes='scope' .*axes='rev")
    assert np.array_equal(read_uai(text, axes="scope")["x1"].table, CYCLE)
    assert np.array_equal(read_uai(text, axes="reversed")["x1"].table, CYCLE.T)


def test_columns_that_are_closer_to_one_than_rows_of_two_digits_decide_nothing():
    table = np.array([[0.50, 0.33, 0.16], [0.17, 0.50, 0.34], [0.33, 0.17, 0.50]])
    third, decides = np.full(3, 1 / 3), rows(np.random.default_rng(0), (3, 2))
    text = uai({(0,): third, (0, 1): table}, (3, 3))
    assert_refused(text, "the rows of 'x1' sum to 1 whether the last or the first variable")
    expected = table / table.sum(axis=1, keepdims=True)
    for net, _ in (reads(text, axes="scope"), reads(uai({(0,): third, (0, 1): table, (0, 2): decides}, (3, 3, 2)))):
        assert np.allclose(net["x1"].table, expected, rtol=0, atol=1e-15)
    net, _ = reads(uai({(0,): third, (0, 1): table, (0, 2): decides.T}, (3, 3, 2)))
    assert np.allclose(net["x1"].table, table.T, rtol=0, atol=1e-15)


def test_tables_that_contradict_each_other_are_refused():
    decides = rows(np.random.default_rng(0), (3, 2))
    text = uai({(0,): np.full(3, 1 / 3), (0, 1): decides, (0, 2): decides.T}, (3, 2, 2))
    assert_refused(text, "the rows of 'x2' sum to 1 only when the first variable .*, those of other tables do not")


@pytest.mark.parametrize("table", [[[0.2, 0.8], [0.8, 0.2]], np.full((2, 2), 0.5), [[1, 0], [0, 1]]])
def test_tables_that_mean_the_same_both_ways_are_no_ambiguity(table):
    table = np.array(table)
    assert np.array_equal(read_uai(uai({(0,): np.array([0.3, 0.7]), (0, 1): table}, (2, 2)))["x1"].table, table)


def test_deterministic_tables_of_two_parents_can_be_ambiguous():
    third, table = np.full(3, 1 / 3), np.repeat(CYCLE[:, None, :], 2, axis=1)
    text = uai({(0,): third, (1,): np.array([0.5, 0.5]), (0, 1, 2): table}, (3, 2, 3))
    assert_refused(text, "the rows of 'x2' sum to 1 whether the last or the first variable")
    assert np.array_equal(read_uai(text, axes="reversed")["x2"].table, table.T)


def test_a_row_that_is_off_is_named_not_taken_for_another_order():
    text = uai({(0,): np.array([0.3, 0.7]), (0, 1): np.array([[0.2, 0.8], [0.5, 0.6]])}, (2, 2))
    assert_refused(text, r"table of 'x1', row \(x0 = 1\): every row .* got 1.1")


@pytest.mark.parametrize(
    "table",
    [CYCLE, CYCLE.T, CYCLE * 0.5 + np.eye(3) * 0.5, [[0.5, 0.33, 0.17], [0.17, 0.5, 0.33], [0.32, 0.17, 0.51]]],
)
def test_what_is_written_is_never_ambiguous(table):
    table = np.array(table)
    net = fd.BayesNet({"x0": fd.Categorical(np.full(3, 1 / 3)), "x1": fd.CPT(["x0"], table)})
    text = write_uai(net)
    assert np.array_equal(read_uai(text)["x1"].table, table)
    assert_refused(text.partition("#")[0], "whether the last or the first variable")


def test_an_order_of_axes_that_is_none():
    with pytest.raises(ValueError, match="axes= is 'scope', 'reversed' or 'parents-reversed', got 'first'"):
        read_uai(TEXT, axes="first")


def test_axes_are_an_option_of_read_for_uai_only(tmp_path):
    path = tmp_path / "net.uai"
    path.write_text(uai({(0,): np.full(3, 1 / 3), (0, 1): CYCLE}, (3, 3)))
    assert np.array_equal(fd.read(path, axes="reversed")["x1"].table, CYCLE.T)
    with pytest.raises(ValueError, match=r"axes= is for \.uai files, got 'net\.bif'"):
        fd.read(tmp_path / "net.bif", axes="scope")


@pytest.mark.parametrize("evidence", ["0 \n2 0 1\n0 \n2 1 1\n", "1\n1 1 0\n"])
def test_evidence_after_the_tables_is_ignored_with_a_warning(evidence):
    net, messages = reads(TEXT + evidence)
    assert write_uai(net) == write_uai(read_uai(TEXT))
    expected = "net.uai: evidence and queries are no part of a network: what follows in line 17 was ignored"
    assert messages == [expected]
    assert_refused(TEXT + evidence + "x", "line 17: expected the end of the file after the last table, or evidence in")
