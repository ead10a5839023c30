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
from fastdgm.show.layered import CELL_WIDTH, label_size, placed
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


def test_a_table_out_of_a_network_shows_the_states_of_its_parents():
    wet = fd.CPT(["sprinkler", "<b>"], np.full((2, 2, 2), 0.5), states=["dry", "wet"])
    net = fd.BayesNet(
        {"sprinkler": fd.CPT([], [0.5, 0.5], ["off", "on"]), "<b>": fd.Categorical([1, 0], ["&no", "y\0"]), "wet": wet}
    )
    assert repr(net["wet"]).splitlines()[1:] == [
        "sprinkler  <b>  dry  wet",
        "off        &no  0.5  0.5",
        "off        y?   0.5  0.5",
        "on         &no  0.5  0.5",
        "on         y?   0.5  0.5",
    ]
    lines = [[cell.text for cell in line] for line in fromstring(net["wet"]._repr_html_()).iter("tr")]
    assert lines[0] == ["sprinkler", "<b>", "dry", "wet"]
    assert lines[2] == ["off", "y?", "0.5", "0.5"]
    assert repr(wet).splitlines()[2] == "0          0    0.5  0.5"  # made by hand: it knows no states of parents


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
    drawn = fromstring(hostile.plot(layout="dot").svg)
    labels = {text.text for text in drawn.iter(f"{SVG}text")}
    assert labels == {printable(name) for name in HOSTILE if name}


@has_graphviz
@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".SVG", b"<?xml")])
def test_graphviz_files(asia, tmp_path, suffix, magic):
    path = tmp_path / f"net{suffix}"
    assert asia.plot(path, layout="dot") == path
    assert path.read_bytes().startswith(magic)


@has_graphviz
def test_dot_in_a_notebook(asia):
    drawn = asia.plot(layout="dot")._repr_svg_()
    assert re.match(r'<svg width="100%" viewBox="0 0 750 \d+" style="max-width:750pt"', drawn)
    assert drawn.count('class="edge"') == len(ASIA)


# --- without graphviz --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_graphviz")
def test_a_picture_in_a_notebook(asia):
    """The last line of a cell and plot() show the same, in one form beside text, so exactly once."""
    assert asia.plot()._repr_svg_() == asia._repr_svg_() == asia.plot().svg
    assert repr(asia.plot()) == repr(asia)
    for shown in (asia, asia.plot()):
        assert [name for name in dir(shown) if name.startswith("_repr_")] == ["_repr_svg_"]
        assert not hasattr(shown, "_ipython_display_")


@pytest.mark.parametrize("layout", ["Dot", "", None, []])
def test_unknown_layouts(asia, tmp_path, layout):
    for path in (None, tmp_path / "net.svg"):
        with pytest.raises(ValueError, match=r"layout must be one of \('layers', 'dot'\), got"):
            asia.plot(path, layout=layout)
    assert os.listdir(tmp_path) == []


def test_the_package_without_the_program(asia, monkeypatch, tmp_path):
    pytest.importorskip("graphviz", reason="the package graphviz is not installed")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImportError, match=r"layout=\"dot\" needs graphviz: .*; the layout .layers., .* work without"):
        asia.plot(layout="dot")
    asia.plot(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_text().startswith("<svg")


def test_a_program_that_fails(asia, monkeypatch, tmp_path, capfd):
    pytest.importorskip("graphviz", reason="the package graphviz is not installed")
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho no layout engine >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    asia.plot(tmp_path / "net.svg")
    with pytest.raises(OSError, match=r"writing \.png: graphviz's dot ended with status 3: no layout engine"):
        asia.plot(tmp_path / "net.png")
    with pytest.raises(OSError, match=r'layout="dot": graphviz\'s dot ended with status 3'):
        asia.plot(layout="dot")
    assert sorted(os.listdir(tmp_path)) == ["dot", "net.svg"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("no_graphviz")
@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_what_is_missing_is_named(asia, tmp_path, suffix):
    with pytest.raises(ImportError, match=rf'{suffix} needs graphviz: .* pip install "\.\[plot\]"'):
        asia.plot(tmp_path / f"net{suffix}", layout="dot")
    assert os.listdir(tmp_path) == []


@pytest.mark.usefixtures("no_graphviz")
def test_an_svg_of_our_own(hostile, tmp_path):
    hostile.plot(tmp_path / "net.svg")
    drawn = fromstring((tmp_path / "net.svg").read_bytes())
    assert [text.text or "" for text in drawn.iter(f"{SVG}text")] == [printable(name) for name in HOSTILE]
    assert [title.text or "" for title in drawn.iter(f"{SVG}title")] == [printable(name, 200) for name in HOSTILE]


def test_titles_hold_whole_names_and_states():
    long, many = "a variable of a name of more than 24 characters", [f"s{k}" for k in range(30)]
    net = fd.BayesNet.from_edges([(long, "<b>")], states={long: ["no", "<i>&"], "<b>": many})
    titles = [title.text for title in fromstring(net.plot().svg).iter(f"{SVG}title")]
    assert titles == [f"{long}: no, <i>&", f"<b>: {', '.join(many[:20])}, ... 10 more"]


def test_what_web_pages_clean_away_is_not_used(asia):
    """Scripts, style sheets, references; names would be shared by two pictures on a page. Its paper is white."""
    drawn = fromstring(asia.plot().svg)
    assert {element.tag.removeprefix(SVG) for element in drawn.iter()} <= {"svg", "rect", "path", "g", "title", "text"}
    assert not any(key in element.attrib for element in drawn.iter() for key in ("id", "class", "href", "onload"))
    (paper, *_), (width, height) = drawn.iter(f"{SVG}rect"), size_of(asia)
    assert paper.attrib == {"width": width, "height": height, "fill": "white"}
    assert drawn.attrib == {
        "width": "100%",  # of the cell
        "viewBox": f"0 0 {CELL_WIDTH:.0f} {height}",  # a small picture is not blown up
        "style": f"max-width:{CELL_WIDTH:.0f}px",
        "font-family": "sans-serif",
        "font-size": "12",
    }


def test_a_file_is_as_large_as_the_picture(asia, tmp_path):
    width, height = size_of(asia)
    file = fromstring(asia.plot(tmp_path / "net.svg").read_text())
    assert (file.get("width"), file.get("height"), file.get("viewBox")) == (width, height, f"0 0 {width} {height}")


def size_of(net):
    return [
        f"{side:.0f}" for side in placed(net.parents, net.order, {name: label_size(name) for name in net.names}).size
    ]


def random_net(n_vars: int) -> fd.BayesNet:
    """As large and as sparse as pedigrees: up to two parents among the forty before, names of ten characters."""
    rng = np.random.default_rng(n_vars)
    names = [f"p{number:09}" for number in rng.permutation(n_vars)]
    edges = [(names[j], names[i]) for i in range(1, n_vars) for j in np.unique(rng.integers(max(0, i - 40), i, 2))]
    return fd.BayesNet.from_edges(edges, names)


def test_a_large_network_is_no_wider_than_can_be_read():
    net = random_net(441)
    drawn = fromstring(net._repr_svg_())
    assert len(boxes_of(drawn)) == 441
    assert float(drawn.get("viewBox").split()[2]) < 2 * CELL_WIDTH  # of letters of 12 pixels
    assert len(net._repr_svg_()) < 500_000


def test_a_star_shares_one_line():
    net = fd.naive_bayes("class", [f"x{i}" for i in range(400)])
    drawing = placed(net.parents, net.order, {name: label_size(name) for name in net.names})
    assert drawing.size[0] < CELL_WIDTH + 50
    assert len(drawing.x) - len(net) == len({*drawing.y.tolist()}) - 2  # a bend per layer between


def test_too_many_bends_are_left_out():
    """Lines of a net without structure run straight; a picture of it is still made."""
    rng = np.random.default_rng(0)
    edges = {(f"v{min(i, j)}", f"v{max(i, j)}") for i, j in rng.integers(0, 2000, (6000, 2)) if i != j}
    net = fd.BayesNet.from_edges(sorted(edges))
    drawing = placed(net.parents, net.order, {name: label_size(name) for name in net.names})
    assert len(drawing.x) == len(net)
    assert len(drawing.lines) == len(edges)


def test_what_is_too_large_is_shown_as_text():
    names = [f"x{i}" for i in range(graph.MAX_DRAWN + 1)]
    assert fd.independent(names)._repr_svg_() is None
    assert fd.independent(names).plot()._repr_svg_() is None
    assert repr(fd.independent(names).plot()).startswith(f"BayesNet: {len(names)} variables")
    net = fd.independent(names[: graph.MAX_SHOWN + 1])
    assert net._repr_svg_() is None
    assert net.plot()._repr_svg_().startswith("<svg")


def boxes_of(drawn):
    """Corner and width by label."""
    at = {}
    for group in drawn.iter(f"{SVG}g"):
        box, text = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        if box is not None:
            at[text.text] = {key: float(box.get(key)) for key in ("x", "y", "width")}
    return at


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=60))
def test_layers_run_downwards_and_boxes_never_overlap(pairs):
    edges = {(f"v{min(pair):02}", f"v{max(pair):02}") for pair in pairs if pair[0] != pair[1]}
    net = fd.BayesNet.from_edges(sorted(edges), [f"v{i:02}" for i in range(16)])
    check_layers(net, edges)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.integers(20, 120))
def test_packed_layers_run_downwards_and_boxes_never_overlap(seed, n_vars):
    rng = np.random.default_rng(seed)
    names = [f"a variable {i:03}" for i in range(n_vars)]
    pairs = np.sort(rng.integers(0, n_vars, (2 * n_vars, 2)), axis=1)
    edges = {(names[i], names[j]) for i, j in pairs if i != j}
    check_layers(fd.BayesNet.from_edges(sorted(edges), names), edges)


def check_layers(net, edges):
    drawn = fromstring(net.plot().svg)
    at = boxes_of(drawn)
    assert at.keys() == set(net.names)
    assert all(at[parent]["y"] < at[child]["y"] for parent, child in edges)
    rows = sorted(at.values(), key=lambda box: (box["y"], box["x"]))
    for left, right in pairwise(rows):
        assert left["y"] < right["y"] or left["x"] + left["width"] < right["x"]
    width = float(drawn.get("viewBox").split()[2])
    arrows = [path.get("d") for path in drawn.iter(f"{SVG}path")][-1]
    assert arrows.count("z") == len(edges)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in at.values())


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=60))
def test_lines_lead_from_every_parent_to_its_children_and_to_nobody_else(pairs):
    edges = {(f"v{min(pair):02}", f"v{max(pair):02}") for pair in pairs if pair[0] != pair[1]}
    net = fd.BayesNet.from_edges(sorted(edges), [f"v{i:02}" for i in range(16)])
    drawing = placed(net.parents, net.order, {name: label_size(name) for name in net.names})
    from_above = {}
    for upper, lower in drawing.lines:
        from_above.setdefault(lower, []).append(upper)
    shown = set()
    for child, name in enumerate(net.order):
        for point in from_above.get(child, []):
            while point >= len(net):  # a bend has one line from above
                (point,) = from_above[point]
            shown.add((net.order[point], name))
    assert shown == edges


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
