"""BIF: dialects, flat tables in either order, default rows, and errors that name file, line and row."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.io import draft, read_bif, write_bif

VARIABLES = """
variable a { type discrete [ 2 ] { yes, no }; }
variable b { type discrete [ 3 ] { <5, 5-12, 12+ }; }
variable c { type discrete [ 2 ] { 0, Asy/Patch }; }
probability ( a ) { table 0.25, 0.75; }
probability ( b ) { table 0.5, 0.25, 0.25; }
"""
ROWS = """
  (yes, <5) 0.1, 0.9;
  (no, <5) 0.2, 0.8;
  (yes, 5-12) 0.3, 0.7;
  (no, 5-12) 0.4, 0.6;
  (yes, 12+) 1, 0;
  (no, 12+) 0, 1.0E0;
"""
TABLE = [[[0.1, 0.9], [0.3, 0.7], [1, 0]], [[0.2, 0.8], [0.4, 0.6], [0, 1]]]


def c_given(body: str, head: str = "c | a, b") -> str:
    return f"{VARIABLES}probability ( {head} ) {{ {body} }}"


def assert_refused(text: str, match: str) -> None:
    with pytest.raises(fd.FormatError, match=match):
        read_bif(text, "net.bif")


def test_rows_are_found_by_state_names():
    net = read_bif(c_given(ROWS))
    assert net.states["b"] == ("<5", "5-12", "12+") and net.states["c"] == ("0", "Asy/Patch")
    assert net.parents["c"] == ("a", "b")
    assert np.array_equal(net["c"].table, TABLE)


@pytest.mark.parametrize(
    "body",
    [
        ROWS.replace(",", " "),  # blanks between numbers and between states
        ROWS.replace(" 0.1, 0.9;", "\n\t0.1\n,0.9\n;"),
        ROWS.replace("(yes, <5)", '( "yes" , "<5" )'),
        ROWS.replace(";", "; // a comment with (no, <5) 1, 0;"),
        ROWS.replace("(no, 12+)", "/* several\nlines */ (no, 12+)"),
        'property note = "a } brace; and (no)"; property label = c;' + ROWS,
    ],
)
def test_ways_to_write_rows(body):
    assert np.array_equal(read_bif(c_given(body))["c"].table, TABLE)


@pytest.mark.parametrize("head", ["c|a,b", '"c" | "a", "b"', " c | a b ", "c a b", "c, a, b"])
def test_ways_to_write_a_family(head):
    assert read_bif(c_given(ROWS, head)).parents["c"] == ("a", "b")


@pytest.mark.parametrize(
    "block",
    [
        "variable a { type discrete[2] { yes, no }; }",
        "variable  a {\n\ttype discrete[2]{yes,no};\n}",
        'variable "a" { type discrete [2] { "yes" "no" }; }',
        "variable a { type discrete { yes no } }",
        'variable a { property position = (1, 2); type discrete[2] { yes, no }; property x = "}"; } // two\n',
        '//% old comment with { braces\nvariable a { type discrete[2] {\n yes, // "<9"\n no// "no"\n }; }',
        'network "Unknown" { property "a } brace"; } property top level; variable a { type discrete [2] {yes, no}; }',
    ],
)
def test_ways_to_write_a_variable(block):
    net = read_bif(block + " probability ( a ) { table 0.25 0.75 ; }")
    assert dict(net.states) == {"a": ("yes", "no")}


def test_child_before_its_parents():
    net = read_bif("""
        probability ( child | parent ) { (x) 0, 1; (y) 1, 0; }
        variable child { type discrete [ 2 ] { s, t }; }
        variable parent { type discrete [ 2 ] { x, y }; }
        probability ( parent ) { table 0.5, 0.5; }
    """)
    assert net.names == ("child", "parent") and net.order == ("parent", "child")


def test_blanks_in_state_names():
    net = read_bif("""
        variable one { type discrete [ 1 ] { State 1 }; }
        variable two { type discrete [ 2 ] { State 1, State 2 }; }
        probability ( one | two ) { (State 1) 1; (State 2) 1; }
        probability ( two ) { table 0.5, 0.5; }
    """)
    assert dict(net.states) == {"one": ("State 1",), "two": ("State 1", "State 2")}


def flat(table: np.ndarray) -> str:
    return "table " + " ".join(map(repr, table.reshape(-1).tolist())) + ";"


def test_interval_states_in_quotes():
    states = '"[18,35]", "(35,60]", "(60,90]"'
    text = f"""
        variable age {{ type discrete [ 3 ] {{ {states} }}; }}
        variable risk {{ type discrete [ 2 ] {{ "low", "high" }}; }}
        probability ( age ) {{ table 0.3, 0.4, 0.3; }}
        probability ( risk | age ) {{ ("[18,35]") 0.9, 0.1; ("(35,60]") 0.7, 0.3; ("(60,90]") 0.4, 0.6; }}
    """
    net = read_bif(text)
    assert net.states["age"] == ("[18,35]", "(35,60]", "(60,90]")
    assert np.array_equal(net["risk"].table, [[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]])
    without_quotes = read_bif(text.replace('"', ""))
    assert without_quotes.states == net.states
    assert np.array_equal(without_quotes["risk"].table, net["risk"].table)
    mixed = read_bif(text.replace(states, states.replace('"', "")))
    assert mixed.states == net.states and np.array_equal(mixed["risk"].table, net["risk"].table)


INTERVALS = """
    variable age { type discrete [ 3 ] { STATES }; }
    variable sex { type discrete [ 2 ] { f, m (or x) }; }
    variable risk { type discrete [ 2 ] { low, high }; }
    probability ( age ) { table 0.3, 0.4, 0.3; }
    probability ( sex ) { table 0.5, 0.5; }
    probability ( risk | age, sex ) { ROWS }
"""


@pytest.mark.parametrize(
    "ages",
    [("[18,35]", "(35,60]", "(60,90]"), ("[18, 35[", "[35, 60[", "[60, 90]"), ("[0,1]", "]1,2]", "x[0]")],
)
def test_intervals_without_quotes_where_the_declared_number_decides(ages):
    rows = ""
    for i, age in enumerate(ages):
        rows += f"({age}, f) 0.{i}1, 0.{9 - i}9; ({age}, m (or x)) 0.{i}2, 0.{9 - i}8;"
    text = INTERVALS.replace("STATES", ", ".join(ages))
    net = read_bif(text.replace("ROWS", rows))
    assert net.states["age"] == ages and net.states["sex"] == ("f", "m (or x)")
    assert np.allclose(net["risk"].table[..., 0], [[0.01, 0.02], [0.11, 0.12], [0.21, 0.22]])
    assert_refused(text.replace("ROWS", rows.replace(", f)", ")")), "names one state for each of its parents")


@pytest.mark.parametrize(
    ("declared", "match"),
    [
        ("[ 2 ] { [18,35], (35,60], (60,90] }", "declared with 2 states but 6 are named: a name with a comma in it"),
        ("[ 3 ] { [18,35, 60,90] }", "declared with 3 states but 4 are named: a name with a comma in it"),
        (
            "{ [18,35], (35,60], (60,90] }",
            "'age' has no number of states: a name with a comma in it is",
        ),
    ],
)
def test_intervals_without_quotes_that_are_not_clear(declared, match):
    assert_refused(INTERVALS.replace("[ 3 ] { STATES }", declared), match)


def test_commas_that_the_declared_number_takes_for_separators():
    net = read_bif("variable a { type discrete [ 3 ] { [p, q], r }; } probability ( a ) { table 1 0 0; }")
    assert net.states["a"] == ("[p", "q]", "r")


def test_quoted_names_of_variables():
    net = read_bif("""
        variable "age (years)" { type discrete [ 2 ] { "a;b", "c } d" }; }
        variable "x | y, z" { type discrete [ 2 ] { State 1, "//" }; }
        probability ( "age (years)" ) { table 0.5, 0.5; }
        probability ( "x | y, z" | "age (years)" ) { ("c } d") 1, 0; ("a;b") 0.25, 0.75; }
    """)
    assert dict(net.parents) == {"age (years)": (), "x | y, z": ("age (years)",)}
    assert dict(net.states) == {"age (years)": ("a;b", "c } d"), "x | y, z": ("State 1", "//")}
    assert np.array_equal(net["x | y, z"].table, [[0.25, 0.75], [1, 0]])


@pytest.mark.parametrize(
    ("body", "match"),
    [
        (ROWS.replace("0.4, 0.6", "0,4, 0,6"), "line 11: every row of 'c' needs 2 numbers, .* has 4: decimals are"),
        (ROWS.replace("0.4, 0.6", "0,4 0,6"), "line 11: every row of 'c' needs 2 numbers, .* has 4: decimals are"),
        ("table " + "0,5 " * 12 + ";", "the table of 'c' needs 12 numbers, got 24: decimals are written with a point"),
        (ROWS.replace("0.4, 0.6", "0.4, 0.6, 0"), "has 3$"),
    ],
)
def test_decimal_commas_are_named(body, match):
    assert_refused(c_given(body), match)


# --- flat tables ---------------------------------------------------------------------------------------------


def test_flat_table_with_the_child_fastest():
    assert np.array_equal(read_bif(c_given(flat(np.array(TABLE))))["c"].table, TABLE)


def test_flat_table_with_the_child_slowest():
    slowest = np.moveaxis(np.array(TABLE), -1, 0)
    assert np.array_equal(read_bif(c_given(flat(slowest)))["c"].table, TABLE)


def test_flat_table_that_means_the_same_in_both_orders():
    text = VARIABLES + "probability ( c | a ) { table 0.1 0.9 0.9 0.1; }"
    assert np.array_equal(read_bif(text)["c"].table, [[0.1, 0.9], [0.9, 0.1]])


def test_ambiguous_flat_table_is_refused():
    # rows (.2 .8) (.8 .2) (.2 .8) (.8 .2) one way, columns that also sum to 1 the other way, other numbers
    text = """
        variable a { type discrete [ 4 ] { p, q, r, s }; }
        variable c { type discrete [ 2 ] { x, y }; }
        probability ( a ) { table 0.25 0.25 0.25 0.25; }
        probability ( c | a ) { table 0.2 0.8 0.7 0.3 0.8 0.2 0.3 0.7; }
    """
    assert_refused(text, "net.bif, line 5: the flat table of 'c' is ambiguous")


CYCLE = """
    variable now { type discrete [ 3 ] { a, b, c }; }
    variable next { type discrete [ 3 ] { a, b, c }; }
    variable seen { type discrete [ 2 ] { n, y }; }
    probability ( now ) { table 0.5 0.3 0.2; }
    probability ( next | now ) { table 0 1 0  0 0 1  1 0 0; }
    probability ( seen | next ) { SEEN }
"""
FASTEST, SLOWEST = "table 0.9 0.1 0.8 0.2 0.1 0.9;", "table 0.9 0.8 0.1 0.1 0.2 0.9;"


def test_an_ambiguous_flat_table_is_read_as_the_other_tables_of_its_file():
    cycle = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert np.array_equal(read_bif(CYCLE.replace("SEEN", FASTEST))["next"].table, cycle)
    assert np.array_equal(read_bif(CYCLE.replace("SEEN", SLOWEST))["next"].table, cycle.T)
    both = f"variable more {{ type discrete [ 2 ] {{ n, y }}; }} probability ( more | next ) {{ {FASTEST} }}"
    assert_refused(CYCLE.replace("SEEN", SLOWEST) + both, "line 6: the flat table of 'next' is ambiguous")
    assert_refused(CYCLE.replace("SEEN", "default 0.5 0.5;"), "line 6: the flat table of 'next' is ambiguous")


TWO_DIGITS = "table 0.50,0.33,0.16, 0.17,0.50,0.34, 0.33,0.17,0.50;"  # rows 0.99 1.01 1.00, columns 1.00


def read_two_digits(seen: str) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rows were divided by their sum
        return read_bif(CYCLE.replace("table 0 1 0  0 0 1  1 0 0;", TWO_DIGITS).replace("SEEN", seen))["next"].table


def test_columns_that_are_closer_to_one_than_rows_of_two_digits_decide_nothing():
    rows = np.array([[0.50, 0.33, 0.16], [0.17, 0.50, 0.34], [0.33, 0.17, 0.50]])
    expected = rows / rows.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(read_two_digits(FASTEST), expected, rtol=0, atol=1e-15)
    np.testing.assert_allclose(read_two_digits(SLOWEST), rows.T, rtol=0, atol=1e-15)
    text = CYCLE.replace("table 0 1 0  0 0 1  1 0 0;", TWO_DIGITS).replace("SEEN", "default 0.5 0.5;")
    assert_refused(text, "line 6: the flat table of 'next' is ambiguous")


def test_columns_that_are_closer_to_one_than_rows_of_many_digits_decide():
    text = """
        variable a { type discrete [ 2 ] { n, y }; }
        variable c { type discrete [ 2 ] { n, y }; }
        probability ( a ) { table 0.5 0.5; }
        probability ( c | a ) { table 0.5 0.494877 0.5 0.505123; }
    """  # rows 0.994877 1.005123: more than six digits round away
    assert np.array_equal(read_bif(text)["c"].table, [[0.5, 0.5], [0.494877, 0.505123]])
    assert_refused(
        text.replace("0.494877", "0.49").replace("0.505123", "0.51"), "line 5: the flat table of 'c' is ambiguous"
    )


def test_flat_tables_that_contradict_each_other_are_refused():
    more = f"variable more {{ type discrete [ 2 ] {{ n, y }}; }} probability ( more | next ) {{ {FASTEST} }}"
    text = CYCLE.replace("table 0 1 0  0 0 1  1 0 0;", "default 0 1 0;").replace("SEEN", SLOWEST) + more
    assert_refused(
        text, "line 7: the rows of the flat table of 'seen' sum to 1 only with the .* slowest, those of 'more'"
    )


def test_flat_table_that_sums_to_one_in_no_order():
    assert_refused(c_given("table 0.1 0.9 0.3 0.7 1 0 0.2 0.8 0.4 0.6 0.5 0.4;"), "neither with the child")


@pytest.mark.parametrize("body", ["table 0.1 0.9;", "table ;", flat(np.full(14, 0.5))])
def test_flat_table_of_the_wrong_size(body):
    assert_refused(c_given(body), r"the table of 'c' needs 12 numbers \(2 x 3 x 2\), got (0|2|14)")


# --- rows that are missing, twice, or by default -------------------------------------------------------------


def test_missing_row_is_named():
    assert_refused(
        c_given(ROWS.replace("(no, 5-12) 0.4, 0.6;", "")), r"the table of 'c' has no row \(a = no, b = 5-12\)"
    )
    assert_refused(c_given(ROWS.replace("(no, 12+) 0, 1.0E0;", "")), r"has no row \(a = no, b = 12\+\)")
    assert_refused(c_given(""), r"line 7: the table of 'c' has no row \(a = yes, b = <5\)")


def test_second_row_is_named_with_its_line():
    assert_refused(
        c_given(ROWS + "(no, 5-12) 0.4, 0.6;"), r"line 14: the table of 'c' has row \(a = no, b = 5-12\) twice"
    )


def test_default_row():
    table = read_bif(c_given("default 0.5, 0.5; (no, <5) 0.2, 0.8;"))["c"].table
    assert np.array_equal(table[1, 0], [0.2, 0.8]) and (np.delete(table.reshape(6, 2), 3, 0) == 0.5).all()
    assert (read_bif(c_given("default 0.5, 0.5;"))["c"].table == 0.5).all()


def test_default_rows_cannot_fill_the_memory(monkeypatch):
    monkeypatch.setattr(draft, "MAX_FILLED_CELLS", 12)
    body = "default 0.5, 0.5;"
    more = "variable d { type discrete [ 2 ] { x, y }; }"
    assert len(read_bif(c_given(body))) == 3
    assert_refused(c_given(body) + more + f"probability ( d | a ) {{ {body} }}", "default rows fill at most 12 entries")


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("default 0.5; " + ROWS, "the default row of 'c' needs 2 numbers, got 1"),
        ("default 0.5, 0.5; default 0.5, 0.5;", "'c' has a second 'default'"),
        ("table 0.5 0.5; " + ROWS, "'c' has both a table and rows"),
        (ROWS.replace("(no, 5-12) 0.4, 0.6", "(no, 5-12) 0.4, 0.6, 0"), r"line 11: every row of 'c' needs 2 .* has 3"),
        (ROWS.replace("(no, 5-12)", "(no, 6-12)"), r"line 11: a row of 'c' names one state .* got \(no, 6-12\)"),
        (ROWS.replace("(no, 5-12)", "(no)"), r"line 11: a row of 'c' names one state for each of its parents"),
        (ROWS.replace("0.4,", "0.4x,"), "line 11: expected a number, got '0.4x'"),
        (ROWS.replace("0.4,", "1_0,"), "line 11: expected a number, got '1_0'"),
        (ROWS.replace("0.4,", "٠.٤,"), "line 11: expected a number"),
        (ROWS.replace("0.4,", "0.4,\x85"), "line 11: expected a number, got '.x85'"),
        (ROWS.replace("0.4,", "nan,"), r"line 11: table of 'c', row \(a = no, b = 5-12\): probabilities are finite"),
        (ROWS.replace("0.4,", "-0.4,"), r"line 11: table of 'c', row .*: probabilities are finite and not negative"),
        (ROWS.replace("0.4,", "1e999,"), r"line 11: table of 'c', row .* finite"),
        (ROWS.replace("0.4,", "1e308,").replace("0.6", "1e308"), r"line 11: table of 'c', row .* sums to 1"),
        (ROWS.replace("0.4,", "0.5,"), r"line 11: table of 'c', row \(a = no, b = 5-12\): every row .* got 1.1"),
        (
            ROWS.replace("0.4, 0.6;", "0.4, 0.6"),
            "line 11: expected a row of the table of 'c', got '.no, 5-12. 0.4, 0.6",
        ),
        ("property function max ; " + ROWS, "'c' has the function 'max' .a noisy-max"),
    ],
)
def test_bad_rows(body, match):
    assert_refused(c_given(body), match)


def test_rows_slightly_off_are_divided_with_one_warning():
    text = c_given(ROWS.replace("0.4,", "0.4002,")).replace("0.5, 0.25", "0.5001, 0.25")
    with pytest.warns(
        UserWarning, match=r"net.bif: rows of 2 tables .* 'b' \(1 rows.*'c' \(1 rows, worst 2\.0e-04"
    ) as w:
        net = read_bif(text, "net.bif")
    assert len(w) == 1
    assert np.array_equal(net["c"].table[1, 1], np.array([0.4002, 0.6]) / (0.4002 + 0.6))


def test_rows_off_by_rounding_are_divided_silently():
    net = read_bif(
        "variable a { type discrete [3] {x, y, z}; } probability (a) { table 0.3333333 0.3333333 0.3333333; }"
    )
    assert np.allclose(net["a"].table, 1 / 3, rtol=0, atol=1e-15)


# --- blocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "net.bif: a Bayes net has at least one variable"),
        ("network x { }", "at least one variable"),
        ("hello", "line 1: expected a network, variable or probability block, got 'hello'"),
        ("\n\nvariable a", "line 3: expected a network, variable or probability block, got 'variable a'"),
        ("variable a {", "line 1: expected type discrete .* in variable 'a', got the end of the file"),
        ("variable a { }", "variable 'a' has no type"),
        ("variable { type discrete [1] {x}; }", "a variable has one name"),
        ("variable a b { type discrete [1] {x}; }", "a variable has one name, quoted if it has blanks, got 'a b'"),
        ("variable a { type real [1] {x}; }", "only discrete variables are supported, 'a' is 'real'"),
        ("variable a { type continuous; }", "only discrete variables are supported, 'a' is 'continuous'"),
        ("variable a { type discrete [2] {x}; }", "'a' is declared with 2 states but 1 are named"),
        ("variable a { type discrete [0] { }; }", "a variable has 1 to 65535 states, 'a' has 0"),
        ("variable a { type discrete [2] {x, }; }", "variable 'a' has a state without a name"),
        ("variable a { type discrete [2] {x, x}; }", "state names must be distinct, 'a' has 'x' twice"),
        ("variable a { type discrete [2] {x, y}; type discrete [1] {x}; }", "variable 'a' has a second type"),
        ("variable a { type discrete [1] {x}; }", "line 1: variable 'a' has no table"),
        (VARIABLES + "variable a { type discrete [1] {x}; }", "line 7: variable names must be distinct, got 'a' twice"),
        (c_given(ROWS, "c | a, d"), "line 7: the table of 'c' names 'd', which is not declared"),
        (c_given(ROWS, "d | a, b"), "line 7: the table of 'd' names 'd', which is not declared"),
        (c_given(ROWS, "c | a, a"), "parents must be distinct, 'c' has 'a' twice"),
        (c_given(ROWS, "c | a, c"), "a Bayes net has no cycle, got 'c' -> 'c'"),
        (c_given(ROWS, "c b | a"), r"expected probability \( child | parents \), got '\( c b | a \)'"),
        (c_given(ROWS, "c | a | b"), r"expected probability \( child | parents \)"),
        (c_given(ROWS, " | a, b"), r"expected probability \( child | parents \)"),
        (c_given(ROWS) + "probability ( c ) { table 0.5, 0.5; }", "a variable has one table, 'c' has a second"),
        (c_given(ROWS)[:-1], "expected a row, table, default, property or }, got the end of the file"),
        (VARIABLES + "probability ( c | a ) { (yes) 1, 0; (no", "line 7: expected a row"),
        ("network x { } " + VARIABLES + "\nnetwork y { }", "line 8: a file holds one network, got a second .* line 1"),
        (c_given(flat(np.array(TABLE))) + "probability ( c ) { table 0.5 0.5; }", "one table, 'c' has a second"),
        ("network x { no property; }", "expected a property or } in the network block"),
    ],
)
def test_bad_blocks(text, match):
    assert_refused(text, match)


def test_cycle_is_printed():
    text = "".join(f"variable {v} {{ type discrete [1] {{x}}; }} " for v in "abc")
    text += "".join(f"probability ({v} | {u}) {{ (x) 1; }} " for u, v in ("ab", "bc", "ca"))
    assert_refused(text, "net.bif: a Bayes net has no cycle, got .* -> .* -> .* -> ")


# --- writing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", 'a"', "a\nb", "a\rb", "\0"])
def test_names_that_bif_cannot_hold(name):
    with pytest.raises(ValueError, match="BIF cannot hold the variable name"):
        write_bif(fd.BayesNet({name: fd.Categorical([1.0])}))
    with pytest.raises(ValueError, match=r"BIF cannot hold the state name .* of 'v'"):
        write_bif(fd.BayesNet({"v": fd.Categorical([0.5, 0.5], states=["x", name])}))


NASTY = [
    " a",
    "a ",
    "a b",
    "a|b",
    "a,b",
    "a;b",
    "a{",
    "}",
    "(a)",
    "[1,2]",
    "(1,2]",
    "a//b",
    "a/*b",
    "a\tb",
    "table",
    "|",
    ",",
]


@pytest.mark.parametrize("name", [*NASTY, "|", ",", "]", "property", "default"])
def test_names_that_need_quotes_get_them(name):
    child = fd.CPT([name, "p"], [[[0.25, 0.75], [1, 0]]] * 2, states=["State 1", name])
    net = fd.BayesNet(
        {
            "child": child,
            name: fd.Categorical([0.5, 0.5], states=[name, "y"]),
            "p": fd.Categorical([0.5, 0.5], states=["State 2", name]),
        }
    )
    back = read_bif(write_bif(net))
    assert back.states == net.states and back.parents == net.parents
    assert np.array_equal(back["child"].table, child.table)
    plain = write_bif(fd.BayesNet({"a": fd.Categorical([0.5, 0.5], states=["State 1", "<5"])}))
    assert '"' not in plain


def test_more_parents_than_an_array_has_axes_are_refused_in_our_words():
    names = [f"p{i}" for i in range(64)]
    text = "network x { }\nvariable c { type discrete [ 2 ] { u, v }; }\n"
    text += "".join(f"variable {name} {{ type discrete [ 1 ] {{ a }}; }}\n" for name in names)
    text += "".join(f"probability ( {name} ) {{ table 1.0; }}\n" for name in names)
    text += f"probability ( c | {', '.join(names)} ) {{ ({', '.join('a' for _ in names)}) 0.5, 0.5; }}\n"
    with pytest.raises(fd.FormatError, match=r"table of 'c': a table has at most 64 axes, .*, got 64 parents"):
        read_bif(text, "wide.bif")
