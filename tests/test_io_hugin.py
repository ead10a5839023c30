"""HUGIN .net: axis order, parentheses, comments, attributes, and what is not supported."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.errors import FormatError
from fastdgm.io import read_hugin, write_hugin

TEXT = """%% a comment with { braces
net
{
    node_size = (80 40);
    HR_Desc = "a } brace; and % no comment";
}
node C {
    label = "";
    states = ("State 1" "<5"%comment
       "100 % (all)" );
    position = (457 413);
}
discrete node A { states=("yes" "no"); }
node B
{
    states = ( "0" "1" "2" );
    HR_State_0 = "x"; diagnosistype = "AUXILIARY";
}
potential (C | A B)
{
    data
     = (((0.1 0.2 0.7)	%  A=yes  B=0
         ( 1 0 0 )(0 1 0))
        (( 0 0 1 ) ( .5 .5 0 )
         ( 0.25 0.25 0.5 )));
}
potential ( A | ) { data = ( 0.5 0.5 ); }
potential (B) { data=(0.5 0.25 0.25); }
"""
TABLE = [[[0.1, 0.2, 0.7], [1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0.5, 0.5, 0], [0.25, 0.25, 0.5]]]


def assert_refused(text: str, match: str) -> None:
    with pytest.raises(fd.FormatError, match=match):
        read_hugin(text, "x.net")


@pytest.mark.parametrize("text", [TEXT, f"class Main {{ inputs = (); {TEXT} outputs = (A B); }}"])
def test_reading(text):
    net = read_hugin(text)
    assert net.names == ("C", "A", "B")
    assert net.states["C"] == ("State 1", "<5", "100 % (all)")
    assert net.parents["C"] == ("A", "B")
    assert np.array_equal(net["C"].table, TABLE)


def test_flat_data():
    flat = TEXT.replace("(", " ").replace(")", " ")
    data = flat[flat.index("0.1 0.2") : flat.index(";\n}\npotential   A")]
    text = TEXT[: TEXT.index("(((")] + f"({data}" + ");\n}" + TEXT[TEXT.index("\npotential ( A") :]
    assert np.array_equal(read_hugin(text)["C"].table, TABLE)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("node B\n", "decision node B\n", "line 14: not supported: decision node B"),
        ("node B\n", "continuous node B\n", "line 19: a table is over discrete variables, .* 'B', which is continuous"),
        ("node B\n", "utility B\n", "line 14: not supported: utility B"),
        ("node B\n", "decision B\n", "line 14: not supported: decision B"),
        ("node B\n", "nodule\n", "line 14: not supported: nodule"),
        ("node B\n", "(B)\n", "line 14: expected a net, node or potential block"),
        ("node B\n", "node A\n", "line 14: variable names must be distinct, got 'A' twice"),
        ('    states = ( "0" "1" "2" );\n', "", "line 14: node 'B' has no states"),
        ('( "0" "1" "2" )', '("0" 1 2)', "line 16: the states of 'B' are quoted names"),
        ('( "0" "1" "2" )', "(0, 1, 2)", "line 16: the states of 'B' are separated by blanks, got .0, 1, 2."),
        ('( "0" "1" "2" )', "(0 1 0)", "line 14: state names must be distinct, 'B' has '0' twice"),
        ('( "0" "1" "2" )', '("0" "1" "1")', "line 14: state names must be distinct, 'B' has '1' twice"),
        ('( "0" "1" "2" )', "()", "line 14: a variable has 1 to 65535 states, 'B' has 0"),
        ('= ( "0"', '( "0"', "line 16: expected attribute = value; or }, got 'states"),
        ('"x";', '"x"; HR_State_0 = "y";', "line 17: attribute 'HR_State_0' is given twice"),
        ("(C | A B)", "(C | A X)", "line 19: the table of 'C' names 'X', which is not declared"),
        ("(C | A B)", "(C | A A)", "line 19: parents must be distinct"),
        ("(C | A B)", "(C | A C)", "line 19: a Bayes net has no cycle"),
        ("(C | A B)", "(C A | B)", "line 19: expected potential .* with one child"),
        ("(C | A B)", "(C | A | B)", "line 19: expected potential"),
        ("(C | A B)", "(C | A B) C", "line 19: expected potential"),
        ("(B) {", "(C) {", "line 28: a variable has one table, 'C' has a second"),
        ("potential (B) { data=(0.5 0.25 0.25); }", "", "line 14: variable 'B' has no table"),
        ("data=(0.5 0.25 0.25);", "data=normal(0, 1);", "the data of 'B' are nested in 1 pairs"),
        ("data=(0.5 0.25 0.25);", "data=(normal);", "line 28: expected a number, got 'normal'"),
        ("data=(0.5 0.25 0.25);", "data=(0.5 0.25);", r"the table of 'B' needs 3 numbers \(3\), got 2"),
        ("data=(0.5 0.25 0.25);", "data=((0.5 0.25 0.25));", "nested in 1 pairs .* got 2 opened and 2 closed"),
        ("data=(0.5 0.25 0.25);", "data=)0.5 0.25 0.25(;", "nested in 1 pairs"),
        ("data=(0.5 0.25 0.25);", "data=;", "nested in 1 pairs .* got 0 opened"),
        ("data=(0.5 0.25 0.25);", "data=(0 0 0);", "line 28: table of 'B': every row of a table sums to 1, got 0"),
        ("data=(0.5 0.25 0.25);", "data=(0.5 0.5 0.5);", "line 28: table of 'B': every row .* sums to 1, got 1.5"),
        ("data=(0.5 0.25 0.25);", "data=(2 8 -1);", "line 28: table of 'B': probabilities are finite and not negative"),
        (
            "data=(0.5 0.25 0.25);",
            "data=(2 8 inf);",
            "line 28: table of 'B': probabilities are finite and not negative",
        ),
        (
            "data=(0.5 0.25 0.25);",
            "data=(0,5 0,25 0,25);",
            "line 28: expected a number, got '0,5': decimals are",
        ),
        ("( .5 .5 0 )", "( 5 .5 0 )", r"line 19: table of 'C', row \(A = no, B = 1\): every row .* got 5.5"),
        (
            "( .5 .5 0 )",
            "(0,5,0,5)",
            "every row of the data of 'C' has 3 numbers, .* has 1: decimals are",
        ),
        ("( .5 .5 0 )", "( .5 .6 0 )", r"line 19: table of 'C', row \(A = no, B = 1\): every row .* got 1.1"),
        ("( 1 0 0 )(0 1 0)", "( 1 0 )(0 0 1 0)", r"line 23: every row of the data of 'C' has 3 .* B = 1\) has 2"),
        ("( 1 0 0 )(0 1 0)", "1 ( 0 0 )(0 1 0)", r"line 23: every row of the data of 'C' has 3 .* B = 1\) has 2"),
        ("( 1 0 0 )(0 1 0)", "( 1 0 0 0)(1 0)", r"line 23: every row of the data of 'C' has 3 .* B = 1\) has more"),
        ("( .5 .5 0 )", "( .5 .5 x )", "line 24: expected a number, got 'x'"),
        ("0.25); }\n", "0.25);\n", "line 29: expected attribute = value; or }, got the end of the file"),
    ],
)
def test_bad_files(old, new, match):
    assert old in TEXT
    assert_refused(TEXT.replace(old, new, 1), match)


@pytest.mark.parametrize("second", ["net { }", "class B { net { } }", "class B { }"])
def test_two_networks_are_not_merged(second):
    in_class = f"class Main {{ {TEXT} }}"
    kind = second.split()[0]
    node = ' node D { states = ("x"); } potential (D) { data = (1); }'
    assert_refused((TEXT if kind == "net" else in_class) + second + node, f"one network, got a second {kind} block")


def test_empty_files():
    assert_refused("", "at least one variable")
    assert_refused("net { }", "at least one variable")
    assert_refused("hello", "line 1: expected a net, node or potential block, got 'hello'")


def test_escaped_quotes_are_part_of_their_string():
    text = r"""
        net { HR_Desc = "12\" main"; }
        node pipe { label = "12\" } main; %"; states = ("12\" main" "6\" branch" "C:\new" "\""); }
        potential ( pipe ) { data = ( 0.5 0.125 0.25 0.125 ); }
    """
    assert read_hugin(text).states["pipe"] == ('12" main', '6" branch', "C:\\new", '"')


def test_deep_nesting():
    text = TEXT.replace("data=(0.5", "data=" + "(" * 300_000 + "0.5")
    assert_refused(text, "nested in 1 pairs of parentheses.* got 300000 opened and 1 closed")


@pytest.mark.parametrize("name", ["", "a b", "a|b", "a,b", "a=b", "a;b", "a{", "}", "(a)", 'a"', "a%", "a//b", "\0"])
def test_variable_names_that_net_cannot_hold(name):
    with pytest.raises(ValueError, match=r"HUGIN .net cannot hold the variable name"):
        write_hugin(fd.BayesNet({name: fd.Categorical([1.0])}))


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "\0"])
def test_state_names_that_net_cannot_hold(name):
    with pytest.raises(ValueError, match=r"HUGIN .net cannot hold the state name"):
        write_hugin(fd.BayesNet({"v": fd.Categorical([0.5, 0.5], states=["x", name])}))


@pytest.mark.parametrize(
    "data",
    [
        "(((.1 .9)(.2 .8)(.3 .7))((.4 .6)))",
        "((((.1 .9)))(.2 .8)(.3 .7)(.4 .6))",
        "((.1 .9)((.2 .8)(.3 .7)(.4 .6))())",
        "(((.1 .9)(.2 .8)))(((.3 .7)(.4 .6))",
    ],
)
def test_nesting_follows_the_parents(data):
    nodes = "".join(f'node {name} {{ states = ("0" "1"); }}' for name in "abc")
    roots = "".join(f"potential ({name}) {{ data = (.5 .5); }}" for name in "ab")
    right = read_hugin(f"{nodes}{roots}potential (c | a b) {{ data = (((.1 .9)(.2 .8))((.3 .7)(.4 .6))); }}")
    np.testing.assert_array_equal(right["c"].table[:, :, 0], [[0.1, 0.2], [0.3, 0.4]])
    with pytest.raises(FormatError, match=r"nested|every row"):
        read_hugin(f"{nodes}{roots}potential (c | a b) {{ data = {data}; }}")


AGRUM = """net {
  name = unnamedBN;
  software = "aGrUM 3.3.1";
}
node lamp {
   states = (0 1 );
   label = "lamp";
}
node day {
   states = (_12% [1.5;2[ (2;3) _3%);
}
node c {
   states = (a/b /c [d]);  // a comment with { and "
}
potential (lamp) {
   data = (  0.25 0.75);
}
potential ( c | lamp ) {
   data = ((0.5 0.25 0.25) // "lamp=0
           (0 0 1)); % lamp=1
}
potential (day) { data = (0.25 0.25 0.25 0.25); }
"""


def test_states_without_quotes_as_agrum_writes_them():
    net = read_hugin(AGRUM.replace("_12%", "_12").replace("_3%", "_3"))
    assert net.states == {"lamp": ("0", "1"), "day": ("_12", "[1.5;2[", "(2;3)", "_3"), "c": ("a/b", "/c", "[d]")}
    assert np.array_equal(net["c"].table, [[0.5, 0.25, 0.25], [0, 0, 1]])
    assert_refused(AGRUM, "line 10: expected attribute = value; or }, got 'states = ._12")  # % begins a comment


@pytest.mark.parametrize(
    "before", ["// one { comment\n", "// one\n// two\n%% three\n", 'net { HR_x = "http://a"; } //']
)
def test_comments_with_two_slashes(before):
    net = read_hugin(
        f'{before}\nnode a {{ states = ("c//d" "%"); // }}\n }} potential (a) {{ data = (0.5 //\n 0.5); }}'
    )
    assert net.states == {"a": ("c//d", "%")}


COUNTS = """
node a { states = ("no" "yes"); }
node b { states = ("x" "y"); }
potential (a) { DATA }
potential (b | a) { data = (ROWS); }
"""


def read_counts(data: str, rows: str) -> tuple[fd.BayesNet, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net = read_hugin(COUNTS.replace("DATA", data).replace("ROWS", rows), "x.net")
    return net, [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("rows", "table"),
    [
        ("(1 1)(1 1)", [[0.5, 0.5], [0.5, 0.5]]),  # as a new table is saved
        ("(3 1)(0 5)", [[0.75, 0.25], [0, 1]]),
        ("(25.5 74.5)(50 50)", [[0.255, 0.745], [0.5, 0.5]]),  # percentages
        ("(0.25 0.5)(4.5 1.5)", [[1 / 3, 2 / 3], [0.75, 0.25]]),  # expected counts
    ],
)
def test_counts_and_weights_are_divided_with_one_warning(rows, table):
    net, messages = read_counts("data = (10 90);", rows)
    np.testing.assert_allclose(net["a"].table, [0.1, 0.9], rtol=0, atol=1e-15)
    np.testing.assert_allclose(net["b"].table, table, rtol=0, atol=1e-15)
    assert messages == ["x.net: rows of counts or weights were divided by their sum: 'a', 'b'"]


@pytest.mark.parametrize(
    "rows",
    [
        "(0.5 0.5)(0.5 5)",
        "(0.5 0.6)(0.5 0.6)",
        "(0 0)(2 3)",
        "(0.2 0.1)(0.2 0.8)",
        "(0.8 2)(0.5 5)",
        "(0.25 0.5)(1.5 0.5)",
        "(1 0)(1 1)",
        "(1 0)(0 10)",
    ],
)
def test_probabilities_with_typing_errors_are_no_counts(rows):
    with pytest.raises(fd.FormatError, match=r"table of 'b', row \(a = (no|yes)\): every row .* sums to 1, got"):
        read_counts("data = (10 90);", rows)


@pytest.mark.parametrize("data", ["(0.8 2)", "(0.8 1.2)", "(1.0 .5)"])
def test_a_single_row_with_a_typing_error_is_no_count(data):
    with pytest.raises(fd.FormatError, match=r"table of 'a': every row of a table sums to 1, got"):
        read_counts(f"data = {data};", "(0.5 0.5)(1 0)")


def test_counts_may_have_few_rows_that_sum_to_one():
    nodes = 'node a { states = (0 1 2 3 4 5 6 7 8 9); } node b { states = ("x" "y"); } potential (a) { }'
    table = np.array([[1, 0], *([[3, 1]] * 9)])
    text = f"{nodes} potential (b | a) {{ data = (ROWS); }}"
    with pytest.warns(UserWarning, match="rows of counts or weights were divided by their sum: 'b'"):
        net = read_hugin(text.replace("ROWS", "(1 0)" + "(3 1)" * 9))
    assert np.array_equal(net["b"].table, table / table.sum(axis=1, keepdims=True))
    with pytest.raises(fd.FormatError, match=r"table of 'b', row \(a = 2\): every row .* sums to 1, got 4"):
        read_hugin(text.replace("ROWS", "(1 0)(0 1)" + "(3 1)" * 8))


@pytest.mark.parametrize("data", ["(10 90)", "(1 1)", "(25.5 74.5)"])
def test_a_tolerance_of_zero_refuses_counts(data):
    with pytest.raises(fd.FormatError, match=r"table of 'a': every row of a table sums to 1, got"):
        read_hugin(f"node a {{ states = (0 1); }} potential (a) {{ data = {data}; }}", tolerance=0.0)


def test_omitted_data_are_uniform():
    net, messages = read_counts("", "(0.5 0.501)(1 0)")
    assert np.array_equal(net["a"].table, [0.5, 0.5]) and len(messages) == 1
    assert "'b' (1 rows, worst 1.0e-03); tables without data were read as uniform: 'a'" in messages[0]
    nodes = "".join(
        f"node v{i} {{ states = ({' '.join(map(str, range(100)))}); }} potential (v{i}) {{ }}" for i in range(4)
    )
    assert_refused(f"{nodes} node c {{ states = (0 1); }} potential (c | v0 v1 v2 v3) {{ }}", "fill at most 16777216")


@pytest.mark.parametrize(
    ("attributes", "match"),
    [
        ("model_nodes = (b); model_data = (Poisson(3), 1);", "not supported: model_data, expressions .* of potential"),
        (
            "experience = (5);\n Data = (0.9 0.1);",
            r"line 5: the numbers of potential \(a\) stand in 'data', .*'Data'",
        ),
        ("dat = (0.9 0.1);", "line 4: the numbers of .* 'dat'"),
        ("DATA = (0.9 0.1);", "'DATA'"),
        ("states = (0.9 0.1);", "'states'"),
    ],
)
def test_what_may_stand_for_the_data_is_not_read_as_uniform(attributes, match):
    with pytest.raises(fd.FormatError, match=match):
        read_counts(attributes, "(0.5 0.5)(1 0)")


@pytest.mark.parametrize("attributes", ["experience = (5); fading = (0.5);", 'HR_Desc = "x";', "% data = (0.9 0.1);\n"])
def test_what_stands_beside_omitted_data_is_skipped(attributes):
    net, messages = read_counts(attributes, "(0.5 0.5)(1 0)")
    assert np.array_equal(net["a"].table, [0.5, 0.5]) and len(messages) == 1
    net, messages = read_counts(f"model_data = (Poisson(3)); data = (0.75 0.25); {attributes}", "(0.5 0.5)(1 0)")
    assert np.array_equal(net["a"].table, [0.75, 0.25]) and not messages


@pytest.mark.parametrize("states", [['12" main', '"', 'C:\\"x'], ["c\\", "\\\\", '\\"'], ["C:\\new", "\\", '"\\\\"']])
def test_quotation_marks_and_backslashes_in_states_survive(states):
    net = fd.BayesNet({"v": fd.Categorical([0.5, 0.25, 0.25], states=states)})
    assert read_hugin(write_hugin(net)).states == net.states


def test_escaped_backslashes():
    text = r"""
        node v { label = "c\\"; states = ("c\\" "C:\new" "C:\\old\\" "\\\"" "\a"); } % a comment
        potential (v) { data = (0.5 0.125 0.125 0.125 0.125); }
    """
    assert read_hugin(text).states["v"] == ("c\\", "C:\\new", "C:\\old\\", '\\"', "\\a")


@pytest.mark.parametrize(
    ("states", "line", "sign"),
    [
        ("(0%\n 50%\n 100%\n)", 1, "%"),
        ("(\n low % a comment\n 50%\n)", 3, "%"),
        ("(http://a\n b)", 1, "//"),
        ("(a\n b%c\n)", 2, "%"),
    ],
)
def test_comment_signs_in_names_without_quotes_are_an_error(states, line, sign):
    text = f"node v {{ states = {states}; }} potential (v) {{ data = (0.5 0.5); }}"
    assert_refused(text, f"line {line}: a state of 'v' with {sign} in it is written in quotes")


def test_comments_between_names_without_quotes():
    text = "node v { states = (% names: 0% to 100%\n // two\n low % 50%\n % 60%\n high // a//b\n); }"
    assert read_hugin(f"{text} potential (v) {{ data = (0.5 0.5); }}").states["v"] == ("low", "high")
