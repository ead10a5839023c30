"""XMLBIF 0.3: axis order, what other programs write, hostile XML."""

from __future__ import annotations

import re

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.io import read_xmlbif, write_xmlbif

DOG = """<?xml version="1.0"?>
<!DOCTYPE BIF [
  <!ELEMENT BIF ( NETWORK )*>
  <!ATTLIST VARIABLE TYPE (nature|decision|utility) "nature">
]>
<BIF VERSION="0.3">
<NETWORK><NAME>Dog-Problem</NAME>
<VARIABLE TYPE="nature"><NAME> family-out </NAME><OUTCOME>true</OUTCOME><OUTCOME>&lt;5 &amp; more</OUTCOME>
  <PROPERTY>position = (73, 165)</PROPERTY></VARIABLE>
<VARIABLE><NAME>bowel</NAME><OUTCOME>true</OUTCOME><OUTCOME>false</OUTCOME><OUTCOME>State 3</OUTCOME></VARIABLE>
<DEFINITION><FOR>dog-out</FOR><GIVEN>bowel</GIVEN><GIVEN>family-out</GIVEN>
  <TABLE>
    .99 .01 <!-- bowel = true, family-out = true -->
    0.97 0.03
    9e-1 0.1
    0.3 0.7
    0 1
    1 0
  </TABLE>
</DEFINITION>
<VARIABLE TYPE="nature"><NAME>dog-out</NAME><OUTCOME>true</OUTCOME><OUTCOME>false</OUTCOME></VARIABLE>
<DEFINITION><FOR>family-out</FOR><TABLE>0.15 0.85</TABLE></DEFINITION>
<DEFINITION><FOR>bowel</FOR><TABLE>0.01 0.98 0.01</TABLE></DEFINITION>
</NETWORK>
</BIF>
"""


def assert_refused(text: str, match: str) -> None:
    with pytest.raises(fd.FormatError, match=match):
        read_xmlbif(text, "net.xml")


@pytest.mark.parametrize("before", ["", "\n  \n\t", "\r\n"])
def test_child_changes_fastest_then_the_last_given(before):
    net = read_xmlbif(before + DOG)
    assert net.names == ("family-out", "bowel", "dog-out")
    assert net.states["family-out"] == ("true", "<5 & more")
    assert net.states["bowel"] == ("true", "false", "State 3")
    assert net.parents["dog-out"] == ("bowel", "family-out")
    assert np.array_equal(net["dog-out"].table[:, :, 0], [[0.99, 0.97], [0.9, 0.3], [0, 1]])


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("</BIF>", "", "line 26: this is no XML: no element found"),
        ("</NETWORK>", "", "line 25: this is no XML: mismatched tag"),
        ("0.97 0.03", "0.97 0.3", r"line 11: table of 'dog-out', row .bowel = true, family-out = <5 & more.: .* 1.27"),
        ("0.97 0.03", "0.97 O.03", "line 14: expected a number, got 'O.03'"),
        ("0.97 0.03", "0.97", r"line 11: the table of 'dog-out' needs 12 numbers \(3 x 2 x 2\), got 11"),
        ("0.97 0.03", "nan 0.03", "line 11: table of 'dog-out', row .*: probabilities are finite"),
        ("<GIVEN>bowel", "<GIVEN>bow", "line 11: the table of 'dog-out' names 'bow', which is not declared"),
        ("<GIVEN>bowel", "<GIVEN>family-out", "line 11: parents must be distinct"),
        ("<GIVEN>bowel", "<GIVEN>dog-out", "line 11: a Bayes net has no cycle"),
        ("<FOR>bowel</FOR>", "<FOR>family-out</FOR>", "a variable has one table, 'family-out' has a second"),
        ("<FOR>bowel</FOR>", "<FOR>bowel</FOR><FOR>dog-out</FOR>", "line 23: expected one FOR, got 2"),
        ("<TABLE>0.15 0.85</TABLE>", "", "line 22: expected one TABLE, got 0"),
        ("<NAME>bowel</NAME>", "", "line 10: expected one NAME, got 0"),
        ("<NAME>bowel</NAME>", "<NAME></NAME>", "line 10: a variable has a name, got an empty one"),
        ("<NAME>bowel</NAME>", "<NAME>family-out</NAME>", "line 10: variable names must be distinct"),
        ("<OUTCOME>false</OUTCOME>", "<OUTCOME>true</OUTCOME>", "line 10: state names .* 'bowel' has 'true' twice"),
        ("<OUTCOME>false</OUTCOME>", "<OUTCOME><B>false</B></OUTCOME>", "line 10: OUTCOME has text only, .* 'B'"),
        ("<OUTCOME>false</OUTCOME>", "<DEFINITION/>", "line 10: DEFINITION inside VARIABLE"),
        (
            '<VARIABLE TYPE="nature"><NAME>dog',
            '<VARIABLE TYPE="utility"><NAME>dog',
            "line 21: only chance nodes .*TYPE='utility'",
        ),
        ("<FOR>bowel</FOR><TABLE>0.01 0.98 0.01</TABLE>", "", "line 23: expected one FOR, got 0"),
        (
            "<DEFINITION><FOR>bowel</FOR><TABLE>0.01 0.98 0.01</TABLE></DEFINITION>",
            "",
            "line 10: .* 'bowel' has no table",
        ),
        ("&lt;5", "&five;", "line 8: this is no XML: undefined entity"),
    ],
)
def test_bad_files(old, new, match):
    assert old in DOG
    assert_refused(DOG.replace(old, new, 1), match)


def test_two_networks_are_not_merged():
    more = (
        "<VARIABLE><NAME>a</NAME><OUTCOME>x</OUTCOME></VARIABLE><DEFINITION><FOR>a</FOR><TABLE>1</TABLE></DEFINITION>"
    )
    second = f"</NETWORK>\n<NETWORK>{more}</NETWORK>"
    assert_refused(
        DOG.replace("</NETWORK>", second), "line 25: a file holds one network, got a second NETWORK.* line 7"
    )
    both = f"<all>\n<BIF>{more}</BIF>\n<BIF>{more.replace('a<', 'b<')}</BIF></all>"
    assert_refused(both, "line 3: a file holds one network, got a second BIF, the first in line 2")


def test_elements_are_known_by_their_local_names():
    for namespace in ('xmlns="http://www.cs.ubc.ca/XMLBIFv0_3"', 'xmlns:b="http://example.org/b"'):
        text = DOG.replace('<BIF VERSION="0.3">', f'<BIF VERSION="0.3" {namespace}>')
        if "xmlns:b" in namespace:
            text = text.replace("<VARIABLE", "<b:VARIABLE").replace("</VARIABLE", "</b:VARIABLE")
        assert read_xmlbif(text).names == ("family-out", "bowel", "dog-out")


OLD = """<BIF VERSION="0.2"><NETWORK><NAME>n</NAME>
<VARIABLE><NAME>a</NAME><TYPE>discrete</TYPE><VALUE>T</VALUE><VALUE>F</VALUE></VARIABLE>
<VARIABLE><NAME>b</NAME><TYPE>discrete</TYPE><VALUE>x</VALUE><VALUE>y</VALUE><VALUE>z</VALUE></VARIABLE>
<PROBABILITY><FOR>a</FOR><TABLE>0.25 0.75</TABLE></PROBABILITY>
<PROBABILITY><FOR>b</FOR><GIVEN>a</GIVEN><TABLE>0.25 0.5 0.25 0 0 1</TABLE></PROBABILITY>
</NETWORK></BIF>"""


@pytest.mark.parametrize("values", ["0.25 0.5 0.25 0 0 1", "0.25 0 0.5 0 0.25 1"])
def test_version_2_in_either_order(values):
    net = read_xmlbif(OLD.replace("0.25 0.5 0.25 0 0 1", values))
    assert net.states == {"a": ("T", "F"), "b": ("x", "y", "z")}
    assert np.array_equal(net["b"].table, [[0.25, 0.5, 0.25], [0, 0, 1]])


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("<TYPE>discrete</TYPE>", "<TYPE>continuous</TYPE>", "line 2: only chance nodes .*TYPE='continuous'"),
        ("0.25 0.5 0.25 0 0 1", "0.25 0.5 0.25 0 0", "line 5: the table of 'b' needs 6 numbers .2 x 3., got 5"),
        ("0.25 0.5 0.25 0 0 1", "0.25 0.5 0.25 0 1 1", "line 5: every row .* of 'b' do so neither"),
        ("</FOR><TABLE>0.25 0.75", "</FOR><GIVEN>b</GIVEN><TABLE>0.25 0.75 0.5 0.5 1 0", "has no cycle"),
    ],
)
def test_bad_files_of_version_2(old, new, match):
    assert_refused(OLD.replace(old, new, 1), match)


def test_ambiguous_tables_of_version_2():
    outcomes = "".join(f"<VALUE>{state}</VALUE>" for state in "xyz")
    text = OLD.replace("<VALUE>T</VALUE><VALUE>F</VALUE>", outcomes).replace("0.25 0.75", "0.5 0.25 0.25")
    cycle = text.replace("0.25 0.5 0.25 0 0 1", "0 1 0 0 0 1 1 0 0")
    assert_refused(cycle, "line 5: the flat table of 'b' is ambiguous: .* in XMLBIF 0.3 the child changes fastest")


@pytest.mark.parametrize("kind", ["discrete", "Nature", "chance"])
def test_tags_in_lower_case_and_types_of_chance_nodes(kind):
    text = re.sub("<(/?)([A-Z]+)", lambda match: f"<{match[1]}{match[2].lower()}", DOG[DOG.index("<BIF") :])
    net = read_xmlbif(text.replace('TYPE="nature"', f'type="{kind}"'))
    assert net.names == ("family-out", "bowel", "dog-out")
    assert np.array_equal(net["dog-out"].table, read_xmlbif(DOG)["dog-out"].table)


def test_malformed_comments_of_agrum_are_skipped():
    text = DOG.replace("<NAME>bowel", "<!- not é used ->\n<NAME>bowel").replace("<BIF", "<!-- <!- -> --><BIF")
    assert read_xmlbif(text).names == ("family-out", "bowel", "dog-out")
    assert_refused(text.replace("0.97 0.03", "0.97 0.3"), "line 12: table of 'dog-out'")
    data = DOG.replace("<OUTCOME>false", "<OUTCOME><![CDATA[<!- no comment ->]]>", 1)
    assert read_xmlbif(data).states["bowel"][1] == "<!- no comment ->"


def test_what_is_wrong_with_other_files_is_named():
    broken = DOG.replace("<!-- bowel = true, family-out = true -->", "<!- bowel >")
    assert_refused(broken, "line 13: this is no XML: .* at ' bowel.* after '<!-': a comment is written <!-- so -->")
    assert_refused(DOG.replace("0.97 0.03", "0,97 0,03"), "expected a number, got '0,97': decimals are written with a")


def test_other_xml_is_no_network():
    assert_refused("<html><NAME>a</NAME></html>", "net.xml: a Bayes net has at least one variable")
    assert_refused("", "this is no XML")
    assert_refused("network x { }", "this is no XML")
    assert_refused("<BIF>\ud800</BIF>", "not accepted in XML")


def test_entity_bombs_are_refused():
    bomb = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(9))
    assert_refused(f'<!DOCTYPE BIF [<!ENTITY e0 "ha">{bomb}]><BIF><NAME>&e9;</NAME></BIF>', "not accepted .* Entities")
    assert_refused('<!DOCTYPE BIF [<!ENTITY x SYSTEM "file:///etc/passwd">]><BIF>&x;</BIF>', "not accepted .* Entities")


def test_deep_nesting():
    assert_refused("<a>" * 200_000, "this is no XML: no element found")
    assert_refused("<a>" * 200_000 + "</a>" * 200_000, "at least one variable")


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a\tb", "a\rb", "\0", "\x1b", "\ufffe"])
def test_names_that_xml_cannot_hold(name):
    with pytest.raises(ValueError, match="XMLBIF cannot hold the variable name"):
        write_xmlbif(fd.BayesNet({name: fd.Categorical([1.0])}))
    with pytest.raises(ValueError, match=r"XMLBIF cannot hold the state name .* of 'v'"):
        write_xmlbif(fd.BayesNet({"v": fd.Categorical([0.5, 0.5], states=["x", name])}))


def test_comments_in_names_are_no_part_of_them():
    net = read_xmlbif(COMMENTED)
    assert net.states == {"rain": ("no", "yes")}
    np.testing.assert_array_equal(net["rain"].table, [0.8, 0.2])


COMMENTED = """<BIF VERSION="0.3"><NETWORK>
<VARIABLE TYPE="nature"><NAME>ra<!-- or snow -->in</NAME><OUTCOME>n<!-- -->o</OUTCOME><OUTCOME>yes</OUTCOME></VARIABLE>
<DEFINITION><FOR>rain</FOR><TABLE>0.8<!-- no, yes -->0.2</TABLE></DEFINITION>
</NETWORK></BIF>"""
