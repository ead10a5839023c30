"""Tables and networks as text, HTML, graphviz source and pictures, with and without graphviz."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.runtime.text import printable
from fastdgm.show import graph
from fastdgm.show.layered import layered_svg
from fastdgm.show.text import MAX_LINES, network_text

ASIA = [
    ("asia", "tub"),
    ("smoke", "lung"),
    ("smoke", "bronc"),
    ("tub", "either"),
    ("lung", "either"),
    ("either", "xray"),
    ("bronc", "dysp"),
    ("either", "dysp"),
]
HOSTILE = ['a"b\\', "<script>&amp;", "\x1b[31mred\n", "\ud800", "é" * 100, "\\N", ""]
SVG = "{http://www.w3.org/2000/svg}"

has_graphviz = pytest.mark.skipif(
    shutil.which("dot") is None or importlib.util.find_spec("graphviz") is None,
    reason="graphviz (package and program) is not installed",
)


@pytest.fixture
def no_graphviz(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)


@pytest.fixture
def asia():
    return fd.BayesNet.from_edges(ASIA)


@pytest.fixture
def hostile():
    return fd.markov_chain(HOSTILE)


# --- tables ------------------------------------------------------------------------------------------------


def test_a_table_as_text():
    cpt = fd.CPT(["rain"], [[0.99, 0.01], [0.125, 0.875]], states=["dry", "wet"])
    assert repr(cpt).splitlines() == [
        "CPT given rain: 2 states, 2 parameters",
        "rain  dry    wet",
        "0     0.99   0.01",
        "1     0.125  0.875",
    ]
    assert repr(fd.Bernoulli(0.2)) == "Bernoulli: 2 states, 1 parameter\nFalse  True\n0.8    0.2"


def test_rows_are_parent_configurations_the_last_parent_fastest():
    table = np.random.default_rng(0).dirichlet(np.ones(2), size=(2, 3))
    lines = repr(fd.CPT(["a", "b"], table)).splitlines()[2:]
    for line, (i, j) in zip(lines, np.ndindex(2, 3), strict=True):
        assert line.split() == [str(i), str(j), *(f"{p:.4g}" for p in table[i, j])]


def test_large_tables_are_cut():
    text = repr(fd.CPT(["a", "b"], np.full((40, 50, 20), 0.05)))
    assert text.endswith("... (1988 more rows)")
    assert len(text.splitlines()) == 2 + 12 + 1
    assert text.splitlines()[1].split() == ["a", "b", *map(str, range(10)), "..."]
    thirteen = fd.CPT(["a"], np.full((13, 2), 0.5))
    assert repr(thirteen).endswith("... (1 more row)")


def test_text_has_no_control_characters():
    cpt = fd.CPT([HOSTILE[2]], [[0.5, 0.5]], states=["\x07", "\x1b[2J"])
    assert "".join(repr(cpt).splitlines()).isprintable()


def test_a_table_as_html_is_escaped():
    cells, parser = [], HTMLParser()
    parser.handle_data = cells.append
    cpt = fd.CPT(["<b>"], [[0.25, 0.75]], states=["<script>alert()", "&lt;"])
    parser.feed(cpt._repr_html_())
    parser.close()
    wanted = ["<b>", "<script>alert()", "&lt;", "0", "0.25", "0.75"]
    assert [cell for cell in cells if cell.strip()][1:] == wanted


# --- trees -------------------------------------------------------------------------------------------------


def test_a_network_as_a_tree(asia):
    assert repr(asia).splitlines() == [
        "BayesNet: 8 variables, 8 arcs, not fitted",
        "asia",
        "└─ tub",
        "   └─ either",
        "      ├─ xray",
        "      └─ dysp",
        "smoke",
        "├─ lung",
        "│  └─ either (above)",
        "└─ bronc",
        "   └─ dysp",
    ]
    assert repr(fd.BayesNet({"rain": fd.Bernoulli(0.2)})) == "BayesNet: 1 variable, 0 arcs, 1 parameter\nrain"


def test_large_trees_are_cut():
    lines = repr(fd.independent([f"x{i}" for i in range(100)])).splitlines()
    assert len(lines) == MAX_LINES + 1
    assert lines[-1] == "... (71 more lines; all with plot('net.txt'))"


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=60))
def test_a_full_tree_has_every_arc_once(pairs):
    edges = {(f"v{min(pair)}", f"v{max(pair)}") for pair in pairs if pair[0] != pair[1]}
    net = fd.BayesNet.from_edges(sorted(edges), [f"v{i}" for i in range(16)])
    shown, path = [], []
    for line in network_text(net, max_lines=None).splitlines()[1:]:
        name = re.search(r"v\d+", line)
        path[name.start() // 3 :] = [name.group()]
        shown += [tuple(path[-2:])] if len(path) > 1 else []
    assert sorted(shown) == sorted(edges)


def test_a_long_chain_is_linear_text():
    net = fd.markov_chain([f"x{i}" for i in range(3000)])
    text = network_text(net, max_lines=None)
    assert len(text) < 200_000
    assert re.findall(r"x\d+$", text, re.M) == [f"x{i}" for i in range(3000)]


# --- graphviz source ---------------------------------------------------------------------------------------


def test_graphviz_source_is_escaped(hostile):
    source = graph.network_dot(hostile)
    assert '[label="a\\"b\\\\"];' in source
    assert '[label="<script>&amp;amp;"];' in source
    assert '[label="?[31mred?"];' in source
    assert source.count(" -> ") == len(HOSTILE) - 1
    source.encode()


@has_graphviz
def test_dot_draws_names_as_they_are(hostile):
    drawn = fromstring(hostile._repr_svg_())
    labels = {text.text for text in drawn.iter(f"{SVG}text")}
    assert labels == {printable(name) for name in HOSTILE if name}


@has_graphviz
@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".SVG", b"<?xml")])
def test_graphviz_files(asia, tmp_path, suffix, magic):
    path = tmp_path / f"net{suffix}"
    assert asia.plot(path) == path
    assert path.read_bytes().startswith(magic)


@has_graphviz
def test_a_picture_in_a_notebook(asia):
    assert asia.plot()._repr_svg_().count('class="edge"') == len(ASIA)
    assert fd.independent([f"x{i}" for i in range(graph.MAX_INLINE + 1)])._repr_svg_() is None


# --- without graphviz --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_graphviz")
def test_notebooks_fall_back_to_text(asia):
    assert asia.plot()._repr_svg_() is None
    assert repr(asia.plot()).startswith("BayesNet: 8 variables, 8 arcs")


def test_the_package_without_the_program(asia, monkeypatch, tmp_path):
    pytest.importorskip("graphviz", reason="the package graphviz is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asia._repr_svg_() is None
    asia.plot(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text().startswith("<svg")


def test_a_program_that_fails(asia, monkeypatch, tmp_path, capfd):
    pytest.importorskip("graphviz", reason="the package graphviz is not installed")
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho no layout engine >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert asia._repr_svg_() is None
    asia.plot(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text().startswith("<svg")
    with pytest.raises(OSError, match=r"writing \.png: graphviz's dot ended with status 3: no layout engine"):
        asia.plot(tmp_path / "net.png")
    assert sorted(os.listdir(tmp_path)) == ["dot", "net.svg"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_graphviz")
@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_what_is_missing_is_named(asia, tmp_path, suffix):
    with pytest.raises(ImportError, match=rf'{suffix} needs graphviz: .* pip install "\.\[plot\]"'):
        asia.plot(tmp_path / f"net{suffix}")
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("no_graphviz")
def test_an_svg_of_our_own(hostile, tmp_path):
    hostile.plot(tmp_path / "net.svg")
    drawn = fromstring((tmp_path / "net.svg").read_bytes())
    assert [text.text or "" for text in drawn.iter(f"{SVG}text")] == [printable(name) for name in HOSTILE]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=60))
def test_layers_run_downwards_and_boxes_never_overlap(pairs):
    edges = {(f"v{min(pair):02}", f"v{max(pair):02}") for pair in pairs if pair[0] != pair[1]}
    net = fd.BayesNet.from_edges(sorted(edges), [f"v{i:02}" for i in range(16)])
    drawn = fromstring(layered_svg(net.parents, net.order, {name: name for name in net.names}))
    rectangles = [box for box in drawn.iter(f"{SVG}rect") if box.get("x")]
    boxes = [{key: float(box.get(key)) for key in ("x", "y", "width")} for box in rectangles]
    at = dict(zip([text.text for text in drawn.iter(f"{SVG}text")], boxes, strict=True))
    assert all(at[parent]["y"] < at[child]["y"] for parent, child in edges)
    rows = sorted(at.values(), key=lambda box: (box["y"], box["x"]))
    for left, right in pairwise(rows):
        assert left["y"] < right["y"] or left["x"] + left["width"] < right["x"]
    arrows = [path for path in drawn.iter(f"{SVG}path") if path.get("marker-end")]
    assert len(arrows) == len(edges)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= float(drawn.get("width")) for box in boxes)


# --- files -------------------------------------------------------------------------------------------------


def test_text_files(asia, tmp_path):
    asia.plot(str(tmp_path / "net.dot"))
    asia.plot(tmp_path / "net.txt")
    assert (tmp_path / "net.dot").read_text() == graph.network_dot(asia)
    assert (tmp_path / "net.txt").read_text(encoding="utf-8") == repr(asia) + "\n"
    assert sorted(os.listdir(tmp_path)) == ["net.dot", "net.txt"]


@pytest.mark.parametrize("name", ["net.gif", "net", "net.svg.gz"])
def test_unknown_suffixes(asia, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot or \.txt, got the suffix"):
        asia.plot(tmp_path / name)
    assert os.listdir(tmp_path) == []


def test_an_unwritable_place_is_named_as_it_was_given(asia, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        asia.plot("nowhere/net.dot")
    assert caught.value.filename == "nowhere/net.dot"


def test_a_failed_write_leaves_the_old_file(asia, tmp_path, monkeypatch):
    path = tmp_path / "net.txt"
    path.write_text("old")

    def fail(source, target):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        asia.plot(path)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["net.txt"]
