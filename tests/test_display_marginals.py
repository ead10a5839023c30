"""Bars of probabilities in the nodes of a picture: our own SVG, graphviz's language, text."""

from __future__ import annotations

import importlib.util
import re
import shutil
from itertools import pairwise

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring

import fastdgm as fd
from fastdgm.errors import ImpossibleEvidenceError
from fastdgm.runtime.text import printable
from fastdgm.show.bars import BAR_WIDTH
from fastdgm.show.dot import network_dot
from fastdgm.show.graph import network_svg, picture, write_picture
from fastdgm.show.layered import MARGIN, text_width
from fastdgm.show.marginals import MAX_BARS, MAX_STATE, Marginals, panels, percent

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ['a"b\\', "<script>&amp;", "\x1b[31mred\n", "\ud800", "é" * 100, "\\N", ""]

has_graphviz = pytest.mark.skipif(
    shutil.which("dot") is None or importlib.util.find_spec("graphviz") is None,
    reason="graphviz (package and program) is not installed",
)
NET = fd.BayesNet(
    {
        "rain": fd.Categorical([0.8, 0.2], ["no", "yes"]),
        "wet": fd.CPT(["rain"], [[1.0, 0.0], [0.25, 0.75]], ["dry", "wet"]),
    }
)
PRIOR = {"rain": [0.8, 0.2], "wet": [0.85, 0.15]}
GIVEN = Marginals(PRIOR, {"rain": [0.0, 1.0], "wet": [0.0, 1.0]}, {"wet": "wet"}, "probability 0.15")


def boxes_of(svg: str) -> dict:
    drawn = fromstring(svg)
    return {own.find(f"{SVG}text").text: own for own in drawn.iter(f"{SVG}g") if own.find(f"{SVG}title") is not None}


def texts_of(box) -> list[list[str]]:
    return [[text.text for text in group.iter(f"{SVG}text")] for group in box.findall(f"{SVG}g")]


def widths_of(path) -> list[float]:
    return [float(width) / BAR_WIDTH for width in re.findall(r"h(\d[\d.]*)v", path.get("d"))]


def many_states(n: int) -> fd.BayesNet:
    return fd.BayesNet({"k": fd.Categorical(np.full(n, 1 / n), [f"state {i}" for i in range(n)])})


# --- our own SVG -------------------------------------------------------------------------------------------


def test_bars_are_the_probabilities_and_outlines_the_prior():
    boxes = boxes_of(network_svg(NET, GIVEN))
    assert texts_of(boxes["rain"]) == [["no", "yes"], ["0 %", "100 %"]]
    bars, outlines = boxes["rain"].findall(f"{SVG}path")
    assert widths_of(bars) == [1.0] and outlines.get("fill") == "none"
    assert widths_of(outlines) == pytest.approx([0.8, 0.2], abs=0.05 / BAR_WIDTH)


def test_what_is_known_is_marked():
    boxes = boxes_of(network_svg(NET, GIVEN))
    colours = {name: own.find(f"{SVG}rect").get("fill") for name, own in boxes.items()}
    assert colours["wet"] != colours["rain"] == boxes_of(network_svg(NET))["rain"].find(f"{SVG}rect").get("fill")
    assert boxes["wet"].find(f"{SVG}path").get("fill") != boxes["rain"].find(f"{SVG}path").get("fill")


def test_the_prior_alone_has_no_outlines():
    svg = network_svg(NET, Marginals(PRIOR, PRIOR))
    assert all(len(own.findall(f"{SVG}path")) == 1 for own in boxes_of(svg).values())
    assert texts_of(boxes_of(svg)["wet"])[1] == ["85.0 %", "15.0 %"]
    assert fromstring(svg).find(f"{SVG}text").text == "the prior: nothing is given"


def test_a_caption_says_what_is_given_and_has_room():
    drawn = fromstring(network_svg(NET, GIVEN, in_cell=False))
    caption = drawn.find(f"{SVG}text")
    assert caption.text == "given wet = wet (probability 0.15); outlined: the prior"
    left, top, width, height = map(float, drawn.get("viewBox").split())
    assert top < float(caption.get("y")) < 0 and left == 0
    assert width >= text_width(caption.text) + 2 * MARGIN
    assert (drawn.get("width"), drawn.get("height")) == (f"{width:.0f}", f"{height:.0f}")
    paper = drawn.find(f"{SVG}rect")
    assert (float(paper.get("y")), float(paper.get("height"))) == (top, height)


def test_titles_hold_the_figures():
    boxes = boxes_of(network_svg(NET, GIVEN))
    title = boxes["wet"].find(f"{SVG}title").text.splitlines()
    assert title == ["wet: dry, wet", "dry 0 (prior 0.85)", "wet 1 (prior 0.15)"]
    title = boxes_of(network_svg(NET, Marginals(PRIOR, PRIOR)))["wet"].find(f"{SVG}title").text.splitlines()
    assert title == ["wet: dry, wet", "dry 0.85", "wet 0.15"]


def test_a_variable_of_which_nothing_is_believed_is_as_ever():
    svg = network_svg(NET, GIVEN._replace(prior={"wet": PRIOR["wet"]}, posterior={"wet": [0.0, 1.0]}))
    boxes = boxes_of(svg)
    assert texts_of(boxes["rain"]) == [] and len(texts_of(boxes["wet"])) == 2


@pytest.mark.parametrize("n", [1, MAX_BARS, MAX_BARS + 1, 300])
def test_many_states_have_a_bar_together(n):
    net, p = many_states(n), np.random.default_rng(n).dirichlet(np.ones(n))
    prior = np.full(n, 1 / n)
    own = panels(net.states, Marginals({"k": prior}, {"k": p}, {"x": "1"}, "probability 1"))["k"]
    assert len(own.bars) == min(n, MAX_BARS)
    assert sum(bar.probability for bar in own.bars) == pytest.approx(1.0)
    assert sum(bar.prior for bar in own.bars) == pytest.approx(1.0)
    shown = [int(bar.label.split()[1]) for bar in own.bars if bar.label.startswith("state")]
    assert shown == sorted(shown)
    if n > MAX_BARS:
        assert own.bars[-1].label == f"{n - MAX_BARS + 1} more"
        hidden = sorted(set(range(n)) - set(shown))
        assert np.maximum(p, prior)[hidden].max() <= np.maximum(p, prior)[shown].min()


def test_hostile_names_are_escaped_and_cut():
    states = HOSTILE[:-1]
    net = fd.BayesNet({name: fd.Categorical(np.full(6, 1 / 6), states) for name in HOSTILE})
    flat = {name: np.full(6, 1 / 6) for name in HOSTILE}
    marginals = Marginals(flat, flat, {name: name for name in HOSTILE}, "probability 1e-9")
    boxes = boxes_of(network_svg(net, marginals))
    assert list(boxes) == [printable(name) or None for name in HOSTILE]
    for own in boxes.values():
        assert texts_of(own)[0] == [printable(state, MAX_STATE) for state in states]
    text = repr(picture(net, "layers", marginals))
    assert "".join(text.splitlines()).isprintable()
    source = picture(net, "layers", marginals).svg
    assert source is not None and len(source) < 40_000


def test_boxes_of_any_height_never_overlap_and_lines_keep_out_of_them():
    rng = np.random.default_rng(0)
    names = [f"v{i}" for i in range(40)]
    sizes = {name: int(rng.integers(2, 12)) for name in names}
    edges = sorted({(names[min(i, j)], names[max(i, j)]) for i, j in rng.integers(0, 40, (60, 2)) if i != j})
    net = fd.BayesNet.from_edges(edges, names, {name: [str(k) for k in range(n)] for name, n in sizes.items()})
    flat = {name: np.full(n, 1 / n) for name, n in sizes.items()}
    drawn = fromstring(network_svg(net, Marginals(flat, flat)))
    at = {}
    for group in drawn.iter(f"{SVG}g"):
        if (box := group.find(f"{SVG}rect")) is not None:
            at[group.find(f"{SVG}text").text] = {key: float(box.get(key)) for key in ("x", "y", "width", "height")}
    assert at.keys() == set(names)
    rows = sorted(at.values(), key=lambda box: (box["y"], box["x"]))
    for left, right in pairwise(rows):
        assert left["y"] < right["y"] or left["x"] + left["width"] < right["x"]
    bottom = {box["y"]: max(own["y"] + own["height"] for own in rows if own["y"] == box["y"]) for box in rows}
    tops = sorted(bottom)
    assert all(bottom[above] < below for above, below in pairwise(tops))
    assert all(at[parent]["y"] + at[parent]["height"] < at[child]["y"] for parent, child in edges)
    ends = {round(box["y"] + box["height"]) for box in rows}
    starts = re.findall(r"M(\d+) (\d+)(?:v(\d+))?c", drawn.findall(f"{SVG}path")[0].get("d"))
    assert starts and all(int(y) in ends | {round(y) for y in bottom.values()} for _, y, _ in starts)
    assert all(int(y) + int(further or 0) in bottom.values() for _, y, further in starts)


def test_a_large_network_stays_readable():
    names = [f"p{i:03}" for i in range(441)]
    net = fd.BayesNet.from_edges(
        [(names[i // 2], names[i]) for i in range(1, 441)], names, {name: ["aa", "ab", "bb"] for name in names}
    )
    flat = {name: [0.25, 0.5, 0.25] for name in names}
    drawn = fromstring(network_svg(net, Marginals(flat, flat)))
    assert float(drawn.get("viewBox").split()[2]) < 2000
    assert len(boxes_of(network_svg(net, Marginals(flat, flat)))) == 441


# --- text --------------------------------------------------------------------------------------------------


def test_bars_as_text(tmp_path):
    path = write_picture(NET, tmp_path / "net.txt", "layers", GIVEN)
    assert path.read_text().splitlines() == repr(picture(NET, "layers", GIVEN)).splitlines() == [
        "BayesNet: 2 variables, 1 arc, 3 parameters",
        "given wet = wet (probability 0.15); in brackets: the prior",
        "rain   no                             0 %  (80.0 %)",
        f"       yes  {'█' * 20}    100 %  (20.0 %)",
        "wet *  dry                            0 %  (85.0 %)",
        f"       wet  {'█' * 20}    100 %  (15.0 %)",
    ]  # fmt: skip
    assert (
        repr(picture(NET, "layers", Marginals(PRIOR, PRIOR))).splitlines()[2] == f"rain  no   {'█' * 16}       80.0 %"
    )


def test_long_text_is_cut():
    net = fd.independent({f"x{i}": 2 for i in range(100)})
    flat = {name: [0.5, 0.5] for name in net.names}
    lines = repr(picture(net, "layers", Marginals(flat, flat))).splitlines()
    assert len(lines) == 31 and lines[-1] == "... (172 more lines; all with plot('net.txt', posterior=...))"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (1 + 2e-16, "100 %"),
        (1 - 2e-16, "100 %"),
        (1 - 1e-9, ">99.9 %"),
        (4e-4, "<0.1 %"),
        (0.9996, ">99.9 %"),
        (0.9994, "99.9 %"),
        (0.0005, "0.1 %"),
    ],
)
def test_percents_do_not_claim_certainty(p, text):
    assert percent(p) == text


# --- graphviz ----------------------------------------------------------------------------------------------


def test_graphviz_source_has_tables(tmp_path):
    text = write_picture(NET, tmp_path / "net.dot", "layers", GIVEN).read_text()
    rain, wet = (line for line in text.splitlines() if re.match(r"  v\d \[", line))
    for name, line in {"rain": rain, "wet": wet}.items():
        table = fromstring(re.search(r"label=<(<TABLE.*</TABLE>)>", line)[1])
        assert table.find("TR").find("TD").text == name
    assert 'WIDTH="64"' in wet and "(85.0 %)" in wet and "fillcolor" in wet and "fillcolor" not in rain
    assert 'label="given wet = wet (probability 0.15); outlined: the prior"' not in text  # graphviz draws no outlines
    assert 'label="given wet = wet (probability 0.15); in brackets: the prior"' in text


def test_graphviz_tables_are_escaped():
    net = fd.BayesNet({name: fd.Categorical(np.full(6, 1 / 6), HOSTILE[:-1]) for name in HOSTILE[1:]})
    flat = {name: np.full(6, 1 / 6) for name in net.names}
    source = network_dot(net, Marginals(flat, flat))
    source.encode()
    for table in re.findall(r"label=<(<TABLE.*?</TABLE>)>[],]", source):
        assert "\\" not in table
        fromstring(table)


@has_graphviz
def test_graphviz_draws_the_tables(tmp_path):
    drawn = fromstring(picture(NET, "dot", GIVEN).svg)
    assert {"rain", "no", "yes", "100 %", "(80.0 %)"} <= {text.text for text in drawn.iter(f"{SVG}text")}
    assert write_picture(NET, tmp_path / "net.png", "layers", GIVEN).read_bytes().startswith(b"\x89PNG")


# --- networks ----------------------------------------------------------------------------------------------


def enumerated(net, given):
    """P(x_v = k | given) of every variable by summing the joint distribution."""
    sizes = [len(own) for own in net.states.values()]
    rows = np.indices(sizes).reshape(len(sizes), -1).T
    p = np.exp(net.log_prob(rows))
    for name, code in given.items():
        p = p * (rows[:, net.names.index(name)] == code)
    return {name: np.bincount(rows[:, v], p, sizes[v]) / p.sum() for v, name in enumerate(net.names)}


@pytest.mark.parametrize("given", [{}, {"xray": 1}, {"dysp": 0, "smoke": 1}])
def test_bars_are_the_posterior(given):
    net = fd.example("asia")
    marginals = net._shown_marginals(given)
    assert marginals.posterior.keys() == marginals.prior.keys() == set(net.names)
    prior, posterior = enumerated(net, {}), enumerated(net, given)
    for name in net.names:
        assert marginals.prior[name] == pytest.approx(prior[name], rel=1e-12)
        assert marginals.posterior[name] == pytest.approx(posterior[name], rel=1e-12)
    labels = {name: net.states[name][code] for name, code in given.items()}
    assert marginals.known == labels
    assert net.plot(posterior=labels).svg == net.plot(posterior=given).svg == network_svg(net, marginals)


@pytest.mark.parametrize(
    ("given", "reads"),
    [
        ({"xray": np.array([1e308, 1e308]), "dysp": np.array([1e308, 1.0])}, r"\(log-likelihood 14\d\d\.\d nats\)"),
        ({"xray": np.array([30.0, 20.0])}, r"\(likelihood 2\d\.\d+\)"),
        ({"xray": np.array([1e-300, 1e-320]), "dysp": np.array([1e-300, 0.0])}, r"\(log-likelihood -13\d\d\.\d nats\)"),
        ({"xray": ["yes"]}, r"\(probability 0\.\d+\)"),
        ({"xray": "yes", "dysp": np.array([1.0, 0.0])}, r"\(probability 0\.\d+\)"),
    ],
)
def test_how_likely_what_is_given_reads(given, reads):
    net = fd.example("asia")
    assert re.search(reads, net._shown_marginals(given).caption("outlined"))
    assert "given" in str(net.plot(posterior=given))


@pytest.mark.parametrize(("std", "reads"), [(1e-155, r"\(log-density \d{3}\.\d nats\)"), (1.0, r"\(density 0\.\d+\)")])
def test_densities_may_be_any_number(std, reads):
    net = fd.BayesNet({"k": fd.Bernoulli(0.5), **{f"x{i}": fd.Normal(0.0, std) for i in range(2)}})
    assert re.search(reads, net._shown_marginals({"x0": 0.0, "x1": 0.0}).caption("outlined"))


def test_a_picture_of_the_prior_and_files(tmp_path):
    assert NET.plot(posterior={}).svg == network_svg(NET, NET._shown_marginals({}))
    assert NET.plot(tmp_path / "net.svg", posterior={"wet": "wet"}).read_text().startswith("<svg")
    assert NET.plot(tmp_path / "net.txt", posterior={"wet": "wet"}).read_text() == f"{NET.plot(posterior={'wet': 1})}\n"
    assert '<TD COLSPAN="4">rain</TD>' in NET.plot(tmp_path / "net.dot", posterior={"wet": 1}).read_text()
    assert NET.plot().svg == NET._repr_svg_()  # what was drawn before is drawn now


def test_pictures_of_networks_with_real_variables():
    net = fd.BayesNet(
        {
            "z": fd.Bernoulli(0.3),
            "x": fd.Normal.given(["z"], [-2.0, 3.0], [1.0, 0.5]),
            "y": fd.Logistic(["x"], [2.0], 0.0),
            "v": fd.MultivariateNormal.standard(2),
        }
    )
    boxes = boxes_of(net.plot(posterior={"x": 1.0, "v": [0.0, 1.0]}).svg)
    expected = net.predict_proba({"x": [1.0]}, "z")[0]
    assert texts_of(boxes["z"])[1] == [percent(p) for p in expected]
    assert texts_of(boxes["x"]) == texts_of(boxes["v"]) == []
    assert texts_of(boxes["y"]) == []  # its prior has no closed form
    colours = {name: own[1].get("fill") for name, own in boxes.items()}
    assert colours["x"] == colours["v"] != colours["z"]
    assert repr(net.plot(posterior={"x": 1.0})).splitlines()[1].startswith("given x = 1 (density 0.0")
    known = repr(net.plot(posterior={"z": 1})).splitlines()
    assert known[1] == "given z = True (probability 0.3); in brackets: the prior"
    assert known[3].split()[-4:] == ["100", "%", "(30.0", "%)"]


@pytest.mark.parametrize(
    ("posterior", "error", "match"),
    [
        ({"rian": "yes"}, KeyError, "no variable 'rian'.*did you mean 'rain'"),
        ({"rain": "maybe"}, KeyError, "'maybe' is no state of 'rain'"),
        ({"rain": 2}, ValueError, "codes of 'rain' run from 0 to 1, got 2"),
        (
            {"rain": "no", "wet": "wet"},
            ImpossibleEvidenceError,
            "impossible: rain=no and wet=wet has probability 0",
        ),
        (3, TypeError, "mapping from variables to values.* got 3"),
    ],
)
def test_wrong_evidence(posterior, error, match, tmp_path):
    with pytest.raises(error, match=match):
        NET.plot(tmp_path / "net.svg", posterior=posterior)
    assert not list(tmp_path.iterdir())


def test_a_structure_believes_nothing():
    with pytest.raises(fd.NotFittedError):
        fd.markov_chain(["a", "b"]).plot(posterior={})


def test_evidence_of_tiny_probability_is_written_as_a_logarithm():
    net = fd.BayesNet({f"x{i}": fd.Bernoulli(1e-30) for i in range(20)})
    line = repr(net.plot(posterior={f"x{i}": 1 for i in range(20)})).splitlines()[1]
    assert f"log-probability {20 * np.log(1e-30):.1f} nats" in line
