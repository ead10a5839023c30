"""Hostile files: whatever the bytes, a reader gives a network or a FormatError, quickly and with little memory."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.io import (
    draft,
    read_bif,
    read_hugin,
    read_json,
    read_uai,
    read_xdsl,
    read_xmlbif,
    write_bif,
    write_hugin,
    write_json,
    write_uai,
    write_xdsl,
    write_xmlbif,
)
from fastdgm.io.encoding import decode

READERS = {"bif": read_bif, "xmlbif": read_xmlbif, "uai": read_uai, "hugin": read_hugin, "xdsl": read_xdsl}
WRITERS = {"bif": write_bif, "xmlbif": write_xmlbif, "uai": write_uai, "hugin": write_hugin, "xdsl": write_xdsl}
READERS["json"], WRITERS["json"] = read_json, write_json
NET = fd.BayesNet(
    {
        "a": fd.Categorical([0.25, 0.75], states=["<5", "12+"]),
        "b": fd.CPT(["a"], [[0.1, 0.2, 0.7], [1, 0, 0]], states=["x", "State 1", "%"]),
        "c": fd.CPT(["a", "b"], np.full((2, 3, 2), 0.5), states=["no", "yes"]),
    }
)
QUIRKS = {
    "bif": 'network "x" { property p = "}"; }\n// comment\nvariable a { type discrete[2] { "u" "v" }; property q; }\n'
    "variable b { type discrete [ 2 ] { 1, 2 }; } /* more */ probability ( a ) { table 0.5 0.5; }\n"
    "probability ( b | a ) { default 0.5, 0.5; (u) 1, 0; }",
    "xmlbif": '<?xml version="1.0"?><!DOCTYPE BIF [<!ELEMENT BIF ( NETWORK )*>]><BIF VERSION="0.3"><NETWORK>'
    '<VARIABLE TYPE="nature"><NAME>a</NAME><OUTCOME>u</OUTCOME><OUTCOME>v</OUTCOME></VARIABLE>'
    "<!-- c --><DEFINITION><FOR>a</FOR><TABLE>0.5 <!-- u --> 0.5</TABLE></DEFINITION></NETWORK></BIF>",
    "uai": "# comment\nBAYES 2\n1 2\n2\n2 1 0\n1 1\n2\n1 1\n2 # two\n0.5 0.5",
    "hugin": 'class M { net { }\nnode a { states = ("u" "v"); HR_x = "}"; }\npotential ( a | ) { % comment\n'
    "data = ( 0.5 0.5 ); } outputs = (a); }",
}
MORE_QUIRKS = {
    "bif": 'variable a { type discrete [2] { [1,2], (2,3] }; } variable "b, (c)" { type discrete [2] { "u;", v }; }\n'
    'probability ( a ) { table 0.33, 0.66; }\nprobability ( "b, (c)" | a ) { ([1,2]) 1, 0; ((2,3]) 0.5, 0.5; }',
    "xmlbif": '<x:bif xmlns:x="u" version="0.2"><x:variable><name>a</name><type>discrete</type><value>u</value>'
    "<value>v</value></x:variable><!- a -><probability><for>a</for><table>0.5 0.5</table></probability></x:bif>",
    "uai": "BAYES 2\n2 3\n2\n1 0\n2 0 1\n2\n0.3 0.7\n6\n0.2 0.6 0.3 0.3 0.5 0.1\n1\n1 0 1\n",
    "hugin": "net { } // c\nnode a { states = (u [1;2[ (2;3)); }\nnode b { states = (0 1 ); }\npotential (a) { }\n"
    "potential (b | a) { data = ((10 90)(1 1)(0 3)); }",
    "xdsl": '<smile><nodes><cpt id="a"><state id="u"/><state id="v"/><probabilities>0.5 0.5</probabilities></cpt>'
    '<cpt id="c"><state id="u"/><state id="v"/><parents>a b</parents>'
    "<probabilities>0 1 1 0 0 1 1 0</probabilities></cpt>"
    '<deterministic id="b"><state id="x"/><state id="y"/><parents>a</parents>'
    "<resultingstates>y x</resultingstates></deterministic></nodes>"
    '<extensions><genie app="aGrUM 3"/></extensions></smile>',
}
PLAIN = fd.BayesNet(
    {
        "a": fd.Categorical([0.25, 0.75], states=["no", "yes"]),
        "b": fd.CPT(["a"], [[0.1, 0.2, 0.7], [1, 0, 0]], states=["x", "y", "z"]),
    }
)
HYBRID = fd.BayesNet(
    {
        **PLAIN.conditionals,
        "x": fd.LinearGaussian(["b", "y", "a"], [[0, 1], [2, 3], [4, 5]], [0.5], [[0, 1], [2, 3], [4, 5]]),
        "y": fd.Normal(-1, 2),
    }
)
QUIRKS["json"] = (
    '{"nodes": ["a", "x"], "arcs": [{"from": "a", "to": "x"}], "cpds": {"a": {"type": "discrete", "parents": [], '
    '"levels": ["u", "v"], "cpt": {"u": 0.5, "v": 0.5}}, "x": {"type": "cgnode", "parents": "a", "dparents": 1, '
    '"gparents": [], "dlevels": {"a": ["v", "u"]}, "coefficients": {"(Intercept)": [1, 2]}, "sd": {"0": 1, "1": 0}}}}'
)
MORE_QUIRKS["json"] = write_json(fd.BayesNet({"y": fd.Normal(1, 2), "x": fd.LinearGaussian(["y"], 1, [2], 3)}))
TEXTS = {name: [write(PLAIN if name == "xdsl" else NET), MORE_QUIRKS[name]] for name, write in WRITERS.items()}
for _name, _text in QUIRKS.items():
    TEXTS[_name].append(_text)
for _name in ("hugin", "json"):
    TEXTS[_name].append(WRITERS[_name](HYBRID))
PIECES = [
    "",
    " ",
    "\n",
    '"',
    "(",
    ")",
    "{",
    "}",
    ";",
    ",",
    "|",
    "<",
    ">",
    "&",
    "#",
    "%",
    "//",
    "/*",
    "*/",
    "<!--",
    "]]>",
]
PIECES += [
    "0",
    "-1",
    "1e999",
    "nan",
    "99999999999",
    "0.5",
    "1_0",
    "²",
    "\x85",
    "a",
    "variable",
    "type",
    "default",
    "class",
    "normal",
    "*",
    "[",
    "]",
    ":",
    "1e-3",
]


def mutated(draw, text: str) -> str:
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 5, 20, 100])))
        source = draw(st.integers(0, len(text)))
        piece = draw(
            st.one_of(
                st.sampled_from(PIECES),
                st.text(max_size=5),
                st.just(text[source : source + draw(st.sampled_from([1, 5, 30, 200]))]),
            )
        )
        text = text[:start] + piece + text[end:]
    return text


def read_or_refuse(name: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rows slightly off 1
        try:
            net = READERS[name](text, "file")
        except fd.FormatError as error:
            assert str(error).startswith("file")
        else:
            for own in net.conditionals.values():
                if isinstance(own, fd.LinearGaussian):
                    assert np.isfinite(own.intercept).all() and np.isfinite(own.coefficients).all()
                    assert (own.std >= 0).all() and np.isfinite(own.std).all()
                else:
                    assert np.allclose(own.table.sum(axis=-1), 1.0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
@settings(max_examples=250, deadline=1000)
def test_mutated_files(name, data):
    text = data.draw(st.sampled_from(TEXTS[name]))
    read_or_refuse(name, mutated(data.draw, text))


@pytest.mark.parametrize("name", READERS)
def test_every_truncation(name):
    for text in TEXTS[name]:
        for end in range(len(text)):
            read_or_refuse(name, text[:end])


@pytest.mark.parametrize("name", READERS)
@given(text=st.text(max_size=60))
@settings(max_examples=100, deadline=1000)
def test_any_text(name, text):
    read_or_refuse(name, text)


def refuse_cheaply(name: str, text: str, match: str, bytes_per_character: int = 200) -> None:
    """Refused within memory and processor time in proportion to the text."""
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(fd.FormatError, match=match):
            READERS[name](text, "file")
        assert time.process_time() - start < 5.0
        assert tracemalloc.get_traced_memory()[1] < 20_000_000 + bytes_per_character * len(text)
    finally:
        tracemalloc.stop()


def big_table(name: str, n_parents: int, body: str) -> str:
    """A child with many ten-state parents: 10^n_parents rows declared."""
    variables = [*(f"v{i}" for i in range(n_parents)), "child"]
    parents = variables[:-1]
    states = [str(k) for k in range(10)]
    tenth = " ".join(["0.1"] * 10)
    if name == "bif":
        text = "".join(f"variable {v} {{ type discrete [10] {{ {', '.join(states)} }}; }}\n" for v in variables)
        text += "".join(f"probability ( {v} ) {{ table {tenth}; }}\n" for v in parents)
        return text + f"probability ( child | {', '.join(parents)} ) {{ {body} }}"
    if name == "hugin":
        quoted = " ".join(f'"{s}"' for s in states)
        text = "".join(f"node {v} {{ states = ({quoted}); }}\n" for v in variables)
        text += "".join(f"potential ( {v} ) {{ data = ({tenth}); }}\n" for v in parents)
        return text + f"potential ( child | {' '.join(parents)} ) {{ data = ({body}); }}"
    if name == "xmlbif":
        outcomes = "".join(f"<OUTCOME>{s}</OUTCOME>" for s in states)
        text = "".join(f"<VARIABLE><NAME>{v}</NAME>{outcomes}</VARIABLE>\n" for v in variables)
        text += "".join(f"<DEFINITION><FOR>{v}</FOR><TABLE>{tenth}</TABLE></DEFINITION>\n" for v in parents)
        given_ = "".join(f"<GIVEN>{v}</GIVEN>" for v in parents)
        return f"<BIF>{text}<DEFINITION><FOR>child</FOR>{given_}<TABLE>{body}</TABLE></DEFINITION></BIF>"
    if name == "xdsl":
        listed = "".join(f'<state id="s{s}"/>' for s in states)
        nodes = "".join(f'<cpt id="{v}">{listed}<probabilities>{tenth}</probabilities></cpt>\n' for v in parents)
        nodes += (
            f'<cpt id="child">{listed}<parents>{" ".join(parents)}</parents><probabilities>{body}</probabilities></cpt>'
        )
        return f"<smile><nodes>{nodes}</nodes></smile>"
    if name == "json":
        own = {"type": "discrete", "parents": [], "levels": states, "cpt": dict.fromkeys(states, 0.1)}
        child = {"type": "discrete", "parents": parents, "levels": states, "cpt": {"v0=0": {"0": 0.1}}}
        arcs = [[parent, "child"] for parent in parents]
        return json.dumps({"nodes": variables, "arcs": arcs, "cpds": dict.fromkeys(parents, own) | {"child": child}})
    n = n_parents + 1
    text = f"BAYES {n} {'10 ' * n} {n} " + " ".join(f"1 {i}" for i in range(n_parents))
    text += f" {n} {' '.join(map(str, range(n)))} " + f"10 {tenth} " * n_parents
    return text + f"{10**n} {body}"


@pytest.mark.parametrize("name", READERS)
def test_table_with_a_billion_entries_is_refused_before_it_is_made(name):
    refuse_cheaply(name, big_table(name, 8, "0.1 0.9"), "a table has at most 268435456 entries, that of '(child|x8)'")
    refuse_cheaply(name, big_table(name, 200, "0.1 0.9"), "a table has at most 268435456 entries")


def test_json_table_with_many_rows_and_one():
    refuse_cheaply("json", big_table("json", 6, ""), "'child' has a cpt with 1000000 rows, .* got 1")


@pytest.mark.parametrize("name", ["xmlbif", "hugin", "xdsl"])
def test_table_with_ten_million_entries_and_few_numbers(name):
    refuse_cheaply(name, big_table(name, 6, "0.1 0.9"), r"needs 10000000 numbers \(10 x .* x 10\), got 2")


def test_bif_tables_with_many_entries_and_few_numbers():
    tenth = ", ".join(["0.1"] * 10)
    refuse_cheaply("bif", big_table("bif", 6, f"table {tenth};"), "needs 10000000 numbers")
    row = f"(0, 0, 0, 0, 0, 0) {tenth};"
    refuse_cheaply("bif", big_table("bif", 6, row), r"no row \(v0 = 0, .* v5 = 1\)")
    refuse_cheaply("bif", big_table("bif", 7, f"default {tenth};"), "default rows fill at most")


def test_uai_table_with_many_entries_and_few_numbers():
    refuse_cheaply("uai", big_table("uai", 6, "0.1 0.9"), "expected 10000000 entries .* got the end of the file")


CONTINUOUS = "continuous node y { } potential ( y ) { data = "


def one_node(intercept: str) -> str:
    """A Gaussian network in JSON whose intercept is any text."""
    own = f'"coefficients": {{"(Intercept)": {intercept}}}, "variance": [1], "parents": []'
    return f'{{"nodes": ["y"], "arcs": [], "cpds": {{"y": {{{own}}}}}}}'


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("bif", "variable a { type discrete [ 999999999 ] { x, y }; }", "declared with 999999999 states but 2"),
        ("bif", f"variable a {{ type discrete [ {'9' * 5000} ] {{ x, y }}; }}", "expected type discrete"),
        ("bif", "/*" * 200_000, "expected a network, variable or probability block"),
        ("bif", "variable a " + '"' * 199_999, "expected a network, variable or probability block"),
        ("bif", "variable a { property " + '"x" ' * 50_000, "expected type discrete"),
        ("bif", "variable a " * 20_000, "expected a network, variable or probability block"),
        ("bif", "probability ( a ) { ( " + "(" * 200_000, "expected a row, table|names 'a'"),
        ("bif", "probability ( " + "a, " * 50_000 + ") { }", "which is not declared"),
        ("bif", f"variable {'a' * 200_000} {{ }}", "variable 'aaa"),
        ("hugin", "node a { x = " + "(" * 300_000, "expected attribute"),
        ("hugin", "%" * 300_000, "at least one variable"),
        ("hugin", 'node a { states = ( "x" ' + '"' * 199_999, "expected attribute"),
        ("hugin", "net { a = 1; " * 20_000, "expected attribute|given twice"),
        ("hugin", "class x { " * 20_000, "a file holds one network, got a second class block"),
        ("uai", "BAYES " + "9" * 300_000, "the number of variables must be"),
        ("uai", "BAYES 29999 " + "1 " * 29_999 + "29999 " + "1 0 " * 29_999, "expected the number of entries"),
        ("xmlbif", "<BIF " + "a='b' " * 50_000 + "/>", "no XML: duplicate attribute"),
        ("xmlbif", "<!-" * 100_000, "this is no XML"),
        ("xmlbif", "<!-" + "<!--" * 100_000, "this is no XML"),
        ("xdsl", "<smile><nodes>" + "<cpt id='a'>" * 50_000, "this is no XML"),
        ("bif", "variable a { type discrete [ 2 ] { " + "[a,b" * 50_000 + " }; }", "declared with 2 states but 50001"),
        ("bif", "variable a { type discrete [ 2 ] { (, ) }; } probability ( a ) { " + "(" * 200_000, "expected a row"),
        ("bif", "variable a { type discrete [ 2 ] { (, ) }; } probability ( a ) { (" + ")" * 200_000, "expected a row"),
        ("hugin", "node a { states = (" + ")" * 200_000, "expected attribute"),
        ("hugin", "node a { states = (" + ") " * 100_000, "expected attribute"),
        ("hugin", "//" * 200_000, "at least one variable"),
        ("hugin", CONTINUOUS + "normal ( " * 100_000 + ");}", "nest one level per discrete"),
        ("hugin", CONTINUOUS + "normal ( 0 " + "+ 1 * x" * 100_000 + ", 1);}", "got '.{10}"),
        ("hugin", CONTINUOUS + "normal ( 1" + "e1" * 100_000 + ", 1);}", "a mean is a sum"),
        ("hugin", CONTINUOUS + "normal ( " + "1 + " * 100_000 + ", 1);}", "a mean is a sum"),
        ("hugin", CONTINUOUS + "normal ( " + "9" * 300_000 + ", 1);}", "a mean is a sum"),
        ("hugin", CONTINUOUS + "(" * 100_000 + "normal(0,1)" + ")" * 100_000 + ";}", "nest one level per discrete"),
        ("json", "[" * 200_000, "this is no JSON"),
        ("json", '{"nodes": ' + "[" * 200_000, "this is no JSON"),
        ("json", '{"nodes": ' + "[" * 900 + "]" * 900 + ', "arcs": [], "cpds": {}}', "nodes are a list of names"),
        ("json", '{"nodes": [' + '"a",' * 90_000 + '"a"], "arcs": [], "cpds": {}}', "has one entry in cpds"),
        ("json", one_node("9" * 4000), "this is no JSON|has finite numbers"),
        ("json", one_node("9" * 400), "has finite numbers, got 9999"),
        ("json", one_node("[" + "1," * 100_000 + "1]"), "has 1 configurations of discrete parents, got numbers for"),
        ("json", one_node('{"0":1}').replace('"coefficients"', '"x": 1, "x"'), "keys of an object are distinct"),
    ],
)
def test_files_made_to_be_slow(name, text, match):
    refuse_cheaply(name, text, match)


MANY = 300_000
QUOTED = '"aa" ' * MANY
ATTRIBUTES = '<!ATTLIST a b CDATA "">' * MANY
TWO_VARIABLES = "".join(f"variable {v} {{ type discrete [1] {{ x }}; }} " for v in "ab") + "probability ( a | b ) { "


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        (
            "uai",
            f"BAYES {MANY} {'1 ' * MANY}",
            "number of variables must be .* from 1 to 100000, got '300000",
        ),
        ("uai", "BAYES 99 " + "65535 " * 99 + " " * 7_000_000, "at most 4194304 states of all variables, got 6487965"),
        ("uai", "BAYES 3 9 9 9 3 " + "3 0 1 2 " * MANY, "the number of entries of the table of 'x2' must be 729"),
        ("uai", "#\n" * MANY, "expected BAYES, got the end of the file"),
        ("bif", "probability(a){}" * MANY, "a file has at most 1000 probability blocks, got more"),
        ("bif", f"variable a {{ type discrete {{ {'aa,' * MANY} }}; }}", "at most 65535 states, 'a' has more"),
        ("bif", f"variable a {{ type discrete {{ {QUOTED} }}; }}", "at most 65535 states, 'a' has more"),
        ("bif", f"probability ( a | {'aa ' * MANY} ) {{ }}", "which is not declared"),
        ("bif", TWO_VARIABLES + f"(x) {'0.5 ' * MANY}; }}", "every row of 'a' needs 1 numbers, row .x. has 300000"),
        ("bif", TWO_VARIABLES + f"({'xx, ' * MANY}) 1; }}", "a row of 'a' names one state for each of its parents"),
        ("bif", TWO_VARIABLES + "(x) 1;" * MANY + "}", "the table of 'a' has row .b = x. twice"),
        ("bif", "//\n" * MANY, "at least one variable"),
        ("hugin", "potential(a){data=(1);}" * MANY, "a file has at most 1000 potentials, got more"),
        ("hugin", "node a {" + "".join(f"b{i}=;" for i in range(MANY)), "at most 131072 attributes, got more"),
        ("hugin", f"node a {{ states = ({QUOTED}); }}", "a variable has 1 to 65535 states"),
        ("hugin", f"node a {{ states = ({'a ' * MANY}); }}", "a variable has 1 to 65535 states"),
        (
            "xdsl",
            "<smile><nodes>" + "".join(f"<cpt id='a{i}'><state id='x'/></cpt>" for i in range(MANY)),
            "at most 1000",
        ),
        ("xmlbif", "<BIF>" + "<DEFINITION/>" * MANY, "a file has at most 1000 DEFINITIONs, got more"),
        ("xmlbif", "<BIF>" + "".join(f"<a{i}/>" for i in range(MANY)), "at most 4096 names, got more"),
        ("xmlbif", "<a>" * MANY, "elements nest at most 262144 deep"),
        ("xmlbif", "<BIF " + "".join(f"a{i}='' " for i in range(MANY)), "a tag or comment has at most 1048576 bytes"),
        ("hugin", "continuous node y { }" * MANY, "names must be distinct"),
        ("hugin", "".join(f"continuous node y{i} {{ }}" for i in range(MANY)), "at most 1000 variables, got more"),
        ("hugin", CONTINUOUS + f"({'normal(0,1)' * MANY});}}", "have 1 normal .* got 300000"),
        (
            "xmlbif",
            f"<!DOCTYPE BIF [{ATTRIBUTES}]><BIF/>",
            "the first element comes in",
        ),
    ],
)
def test_many_small_items_take_little_memory(monkeypatch, name, text, match):
    monkeypatch.setattr(draft, "MAX_VARIABLES", 1000)  # reached sooner
    refuse_cheaply(name, text, match, bytes_per_character=30)


def test_many_regressions_without_coefficients_take_little_memory(monkeypatch):
    """Each configuration of a few parents has a coefficient for each of many."""
    monkeypatch.setattr(draft, "MAX_FILLED_CELLS", 1 << 16)
    reals = [f"x{i}" for i in range(200)]
    text = 'node a { states = ("0" "1" "2" "3" "4" "5" "6" "7" "8" "9"); }' + "continuous node y { }"
    text += 'node b { states = ("0" "1" "2" "3" "4" "5" "6" "7" "8" "9"); }'
    text += 'node c { states = ("0" "1" "2" "3" "4" "5" "6" "7" "8" "9"); }'
    text += "".join(f"continuous node {x} {{ }}" for x in reals)
    rows = ("(" + ("(" + "normal(0,1)" * 10 + ")") * 10 + ")") * 10
    text += f"potential ( y | a b c {' '.join(reals)} ) {{ data = ({rows}); }}"
    refuse_cheaply("hugin", text, "continuous nodes fill at most 65536 entries", bytes_per_character=30)


@pytest.mark.parametrize("suffix", ["uai", "bif", "net", "xml"])
def test_a_small_compressed_file_stays_small(tmp_path, suffix):
    """Three million variables in a few kilobytes of gzip."""
    item = {"uai": "1 ", "bif": "variable a{}", "net": "node a{}", "xml": "<VARIABLE/>"}[suffix]
    head = {"uai": "BAYES 3000000 ", "xml": "<BIF>"}.get(suffix, "")
    text = head + item * 3_000_000
    path = tmp_path / f"bomb.{suffix}.gz"
    path.write_bytes(gzip.compress(text.encode(), 1))
    tracemalloc.start()
    try:
        with pytest.raises(fd.FormatError, match=r"bomb"):
            fd.read(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000 + 5 * len(text)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=50)
@given(data=st.data())
def test_mutated_bytes_of_a_file(name, data):
    """Bytes flipped, dropped and doubled: whatever the encoding becomes."""
    content = bytearray(TEXTS[name][0].encode())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    try:
        text, _ = decode(bytes(content), "file", xml=name in ("xmlbif", "xdsl"))
    except fd.FormatError:
        return
    read_or_refuse(name, text)


def test_a_number_of_a_million_digits():
    net = read_bif(f"variable a {{ type discrete [1] {{ x }}; }} probability ( a ) {{ table 1.{'0' * 1_000_000}; }}")
    assert net["a"].table[0] == 1.0


@pytest.mark.parametrize("name", READERS)
def test_long_cycle(name):
    n = 3000
    names = [f"v{i}" for i in range(n)]
    if name == "bif":
        text = "".join(f"variable {v} {{ type discrete [1] {{ x }}; }}\n" for v in names)
        text += "".join(f"probability ( {names[i]} | {names[i - 1]} ) {{ (x) 1; }}\n" for i in range(n))
    elif name == "hugin":
        text = "".join(f'node {v} {{ states = ("x"); }}\n' for v in names)
        text += "".join(f"potential ( {names[i]} | {names[i - 1]} ) {{ data = ((1)); }}\n" for i in range(n))
    elif name == "xmlbif":
        text = "".join(f"<VARIABLE><NAME>{v}</NAME><OUTCOME>x</OUTCOME></VARIABLE>\n" for v in names)
        for i in range(n):
            head = f"<FOR>{names[i]}</FOR><GIVEN>{names[i - 1]}</GIVEN>"
            text += f"<DEFINITION>{head}<TABLE>1</TABLE></DEFINITION>"
        text = f"<BIF>{text}</BIF>"
    elif name == "json":
        cpds = {
            names[i]: {"coefficients": {"(Intercept)": 0, names[i - 1]: 1}, "variance": 1, "parents": names[i - 1]}
            for i in range(n)
        }
        text = json.dumps({"nodes": names, "arcs": [[names[i - 1], names[i]] for i in range(n)], "cpds": cpds})
    elif name == "xdsl":
        text = "".join(
            f'<cpt id="{names[i]}"><state id="x"/><parents>{names[i - 1]}</parents>'
            "<probabilities>1</probabilities></cpt>"
            for i in range(n)
        )
        text = f"<smile><nodes>{text}</nodes></smile>"
    else:
        scopes = "".join(f"2 {(i - 1) % n} {i}\n" for i in range(n))
        text = f"BAYES {n} {'1 ' * n} {n}\n{scopes} {'1 1 ' * n}"
    with pytest.raises(fd.FormatError, match=r"file: a Bayes net has no cycle, got .* -> .* -> ") as caught:
        READERS[name](text, "file")
    assert len(str(caught.value)) < 1200
