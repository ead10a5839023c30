"""GeNIe .xdsl: axis order, deterministic nodes, what GeNIe writes beside them, and kinds of nodes that are refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.io import read_xdsl, write_xdsl

TEXT = """<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand, as GeNIe writes it -->
<smile version="1.0" id="Sprinkler" numsamples="10000" discsamples="10000">
\t<nodes>
\t\t<cpt id="rain">
\t\t\t<state id="no" />
\t\t\t<state id="yes" fault="true" />
\t\t\t<probabilities>0.75 0.25</probabilities>
\t\t</cpt>
\t\t<cpt id="wet" target="true">
\t\t\t<state id="dry"/><state id="damp"/><state id="wet"/>
\t\t\t<parents>rain season</parents>
\t\t\t<property id="note"> <b>0.5</b> </property>
\t\t\t<probabilities>1 0 0 <!-- no, winter --> 0.5 0.25 0.25
\t\t\t\t0.125 0.375 0.5 0.25 0.25 0.5</probabilities>
\t\t</cpt>
\t\t<cpt id="season"><state id="winter"/><state id="summer"/><probabilities>.5 .5</probabilities></cpt>
\t\t<deterministic id="umbrella">
\t\t\t<state id="in" />
\t\t\t<state id="out" />
\t\t\t<parents>rain</parents>
\t\t\t<resultingstates>in out</resultingstates>
\t\t</deterministic>
\t</nodes>
\t<extensions>
\t\t<genie version="1.0" app="GeNIe 2.0" name="Sprinkler"><node id="rain"><name>Rain?</name></node></genie>
\t</extensions>
</smile>
"""
WET = [[[1, 0, 0], [0.5, 0.25, 0.25]], [[0.125, 0.375, 0.5], [0.25, 0.25, 0.5]]]


def assert_refused(text: str, match: str) -> None:
    with pytest.raises(fd.FormatError, match=match):
        read_xdsl(text, "x.xdsl")


def test_child_changes_fastest_then_the_last_parent():
    net = read_xdsl(TEXT)
    assert net.names == ("rain", "wet", "season", "umbrella")
    assert net.states["wet"] == ("dry", "damp", "wet") and net.parents["wet"] == ("rain", "season")
    assert np.array_equal(net["wet"].table, WET)
    assert np.array_equal(net["umbrella"].table, [[1, 0], [0, 1]])


def test_files_of_agrum_have_the_first_parent_fastest():
    text = TEXT.replace("GeNIe 2.0", "aGrUM 3.3.1")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net = read_xdsl(text, "x.xdsl")
    assert np.array_equal(net["wet"].table, np.swapaxes(WET, 0, 1))
    assert len(caught) == 1 and "x.xdsl: the file is written by aGrUM" in str(caught[0].message)
    read_xdsl(
        text.replace("rain season<", "rain<").replace("0.125 0.375 0.5 0.25 0.25 0.5", "")
    )  # no order, no warning


def test_what_pyagrum_writes(tmp_path):
    pyagrum = pytest.importorskip("pyagrum", reason="pyAgrum is not installed")
    model = pyagrum.fastBN("a{no|yes}->b[3]<-c[4];d->b")
    expected = fd.from_pyagrum(model)
    for suffix in (".xdsl", ".net"):
        path = tmp_path / f"net{suffix}"
        pyagrum.saveBN(model, str(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            net = fd.read(path)
        axes = [net.parents["b"].index(parent) for parent in expected.parents["b"]]
        assert np.allclose(net["b"].table.transpose(*axes, 3), expected["b"].table, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("smile", "smil", "line 3: expected smile, the outermost element of GeNIe's files, got 'smil'"),
        ("</smile>", "", "this is no XML: no element found"),
        ("\t</nodes>", "\t</nodes><nodes/>", "line 24: a file holds one network, got a second nodes element"),
        ("\t</nodes>", "\t</nodes><dynamic/>", "line 24: not supported: a dynamic network"),
        ('<cpt id="season">', '<cpt id="rain">', "line 17: variable names must be distinct, got 'rain' twice"),
        ('<cpt id="season">', "<cpt>", "line 17: a variable has a name, got an empty one"),
        ('<state id="yes" ', '<state id="no" ', "line 5: state names must be distinct"),
        ('<state id="yes" ', '<state id="" ', "line 7: variable 'rain' has a state without a name"),
        ('<state id="yes" ', "<state ", "line 7: variable 'rain' has a state without a name"),
        ("rain season", "rain spring", "line 10: the table of 'wet' names 'spring', which is not declared"),
        ("rain season", "rain wet", "line 10: a Bayes net has no cycle"),
        ("0.75 0.25", "0.75 0.26 0", "line 5: the table of 'rain' needs 2 numbers .2., got 3"),
        ("0.75 0.25", "0.75 0.5", "line 5: table of 'rain': every row of a table sums to 1, got 1.25"),
        ("0.75 0.25", "0,75 0,25", "line 8: expected a number, got '0,75': decimals are written with a point"),
        ("0.125 0.375", "0.125 x", "line 15: expected a number, got 'x'"),
        ("0.75 0.25", "<b>0.75</b> 0.25", "line 8: probabilities has text only, got an element 'b'"),
        ("<probabilities>0.75 0.25</probabilities>", "", "line 5: 'rain' has no element 'probabilities'"),
        ("<parents>rain ", "<parents/><parents>rain ", "line 12: 'wet' has a second element 'parents'"),
        ("in out", "in off", "line 22: 'off' is no state of 'umbrella'"),
        ("in out", "in", "line 22: 'umbrella' needs 2 resulting states, .* got 1"),
        ("in out", "in out in", "line 22: 'umbrella' needs 2 resulting states, .* got more"),
    ],
)
def test_bad_files(old, new, match):
    assert old in TEXT
    assert_refused(TEXT.replace(old, new) if old == "smile" else TEXT.replace(old, new, 1), match)


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        ("noisymax", "line 18: not supported: the noisymax node 'x'; in GeNIe, change its type to General"),
        ("noisyadder", "not supported: the noisyadder node 'x'"),
        ("decision", "only chance nodes with tables are supported, 'x' is a node of type 'decision'"),
        ("utility", "only chance nodes with tables are supported, 'x' is a node of type 'utility'"),
        ("mau", "'mau'"),
        ("equation", "'equation'"),
    ],
)
def test_other_kinds_of_nodes_are_named(kind, match):
    node = f'<{kind} id="x"><state id="a"/></{kind}>'
    assert_refused(TEXT.replace("\t\t<deterministic", f"{node}<deterministic"), match)


def test_deterministic_nodes_cannot_fill_the_memory():
    states = "".join(f'<state id="s{i}"/>' for i in range(5000))
    text = f'<smile><nodes><cpt id="a">{states}<probabilities>{"0.0002 " * 5000}</probabilities></cpt>'
    text += f'<deterministic id="b">{states}<parents>a</parents><resultingstates>{"s0 " * 5000}</resultingstates>'
    assert_refused(f"{text}</deterministic></nodes></smile>", "deterministic nodes fill at most 16777216 entries")


def test_the_old_format_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"\.dsl is not read: open it in GeNIe and save it as \.xdsl or \.net"):
        fd.read(tmp_path / "net.dsl")


@pytest.mark.parametrize("name", ["", "a b", "1a", "_a", "<5", "é", 'a"', "a-b"])
def test_names_that_genie_refuses(name):
    with pytest.raises(ValueError, match=r"GeNIe \.xdsl cannot hold the variable name"):
        write_xdsl(fd.BayesNet({name: fd.Categorical([1.0], states=["a"])}))
    with pytest.raises(ValueError, match=r"GeNIe \.xdsl cannot hold the state name"):
        write_xdsl(fd.BayesNet({"v": fd.Categorical([0.5, 0.5], states=["x", name])}))


def test_what_is_written_has_parents_first():
    net = read_xdsl(TEXT)
    back = read_xdsl(write_xdsl(net))
    assert back.names == net.order and back.parents["wet"] == ("rain", "season")
    assert all(np.array_equal(back[name].table, net[name].table) for name in net.names)
