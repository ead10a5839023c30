"""Conditionals with weighted sums and networks with real variables as text, HTML, graphviz source and pictures."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring

import fastdgm as fd
from fastdgm.show.graph import network_dot
from fastdgm.structures import parameter_counts

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ['a"b\\', "<script>&amp;", "\x1b[31mred\n", "\ud800", "é" * 100, "\\N", ""]

NET = fd.BayesNet(
    {
        "sex": fd.Categorical([0.5, 0.5], ["f", "m"]),
        "mother": fd.Normal(165, 7),
        "height": fd.LinearGaussian(["sex", "mother"], [80, -90], [[0.5], [-1.0]], [5, 0]),
        "both": fd.MultivariateNormal.given(["sex"], np.zeros((2, 2)), np.eye(2)),
        "tall": fd.Logistic(["sex", "height", "both"], [1, 0.25, 2, 3], -40, states=["no", "yes"]),
    }
)


def lines(own: object) -> list[str]:
    return repr(own).splitlines()


# --- conditionals ------------------------------------------------------------------------------------------


def test_a_linear_gaussian_out_of_a_network_reads_as_normals():
    assert lines(NET["height"]) == [
        "LinearGaussian given sex, mother: 6 parameters",
        "sex  distribution",
        "f    N(80 + 0.5 mother, 5^2)",
        "m    N(-90 - mother, 0^2)",
    ]
    assert repr(NET["mother"]) == "Normal(mean=165.0, std=7.0)"


@pytest.mark.parametrize(
    ("intercept", "coefficients", "expected"),
    [
        (0, [1, 0], "N(a, 1^2)"),
        (0, [-1, 1], "N(-a + b, 1^2)"),
        (0, [0, 0], "N(0, 1^2)"),
        (-2.5, [1e-7, -1234567], "N(-2.5 + 1e-07 a - 1.235e+06 b, 1^2)"),
    ],
)
def test_sums_are_written_as_by_hand(intercept, coefficients, expected):
    net = fd.BayesNet(
        {"a": fd.Normal(0, 1), "b": fd.Normal(0, 1), "c": fd.LinearGaussian(["a", "b"], intercept, coefficients, 1)}
    )
    assert lines(net["c"]) == ["LinearGaussian given a, b: 4 parameters", expected]


def test_before_a_network_the_parameters_are_shown_as_given():
    own = fd.LinearGaussian(["sex", "mother"], [80, 90], [0.5], 5)
    assert repr(own) == "LinearGaussian(['sex', 'mother'], intercept=[80.0, 90.0], coefficients=[0.5], std=5.0)"
    assert own._repr_html_() is None
    net = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.LinearGaussian(["x"])})
    assert repr(net["y"]) == "LinearGaussian(['x'], not fitted)"


def test_logistic_and_softmax_show_a_weight_for_every_column():
    assert lines(NET["tall"]) == [
        "Logistic given sex, height, both: 2 states, 5 parameters",
        "logit    yes",
        "(bias)   -40",
        "sex = m  1",
        "height   0.25",
        "both[0]  2",
        "both[1]  3",
    ]
    own = fd.Softmax(["a"], [[0, 0], [1, 2], [3, 4.5]], [0, -1, 1], states=["p", "q", "r"])
    net = fd.BayesNet({"a": fd.Categorical([0.2, 0.3, 0.5], ["x", "y", "z"]), "s": own})
    assert lines(net["s"])[1:] == ["logit   p  q   r", "(bias)  0  -1  1", "a = y   0  1   3", "a = z   0  2   4.5"]


def test_noisy_or_shows_its_causes():
    net = fd.BayesNet({"a": fd.Bernoulli(0.5), "n": fd.NoisyOr(["a"], [0.9], leak=0.01)})
    assert lines(net["n"]) == ["NoisyOr given a: 2 parameters", "cause   probability", "(leak)  0.01", "a       0.9"]


def test_large_conditionals_are_cut():
    roots = {f"x{i}": fd.Normal(0, 1) for i in range(40)}
    k = fd.Categorical(np.full(30, 1 / 30))
    net = fd.BayesNet(
        {
            **roots,
            "k": k,
            "y": fd.LinearGaussian(["k", *roots], 1, np.ones(40), np.ones(30)),
            "s": fd.Softmax(list(roots), np.ones((20, 40)), np.zeros(20)),
            "b": fd.NoisyOr([f"b{i}" for i in range(20)], np.full(20, 0.5)),
            **{f"b{i}": fd.Bernoulli(0.5) for i in range(20)},
        }
    )
    assert lines(net["y"])[0].endswith("x7, x8, ... 31 more: 1260 parameters")
    assert lines(net["y"])[2].endswith("x6 + x7 + ... 32 more, 1^2)")
    assert lines(net["y"])[-1] == "... (18 more rows)" and len(lines(net["y"])) == 15
    assert lines(net["s"])[1].split() == ["logit", *map(str, range(10)), "..."]
    assert lines(net["s"])[-1] == "... (29 more rows)"
    assert lines(net["b"])[-1] == "... (9 more rows)"
    assert all(len(line) < 400 for name in net.names for line in lines(net[name]))


@pytest.mark.parametrize("name", HOSTILE[:-1])
def test_names_are_escaped_and_printable(name):
    label = f"{name}x"
    net = fd.BayesNet(
        {
            name: fd.Categorical([0.5, 0.5], [name, label]),
            label: fd.Normal(0, 1),
            "y": fd.LinearGaussian([name, label], 1, [2], 1),
            "l": fd.Logistic([name, label], [1, 2], 1, states=[name, label]),
        }
    )
    for own in (net["y"], net["l"]):
        assert "".join(lines(own)).isprintable()
        cells, parser = [], HTMLParser()
        parser.handle_data = cells.append
        parser.feed(own._repr_html_())
        parser.close()
        assert "".join("".join(cells).split()) == "".join(repr(own).split())
    assert fromstring(net._repr_svg_()) is not None


# --- networks ----------------------------------------------------------------------------------------------


def test_a_tree_says_what_is_no_table():
    assert lines(NET) == [
        "BayesNet: 5 variables (3 real), 6 arcs, 24 parameters",
        "sex",
        "├─ height ~ LinearGaussian",
        "│  └─ tall ~ Logistic",
        "├─ both ~ MultivariateNormal",
        "│  └─ tall",
        "└─ tall",
        "mother ~ Normal",
        "└─ height (above)",
    ]


def test_a_tree_of_one_kind_does_not_repeat_it():
    net = fd.BayesNet({"x": fd.LinearGaussian([], 0, (), 1), "y": fd.LinearGaussian(["x"], 0, [1], 1)})
    assert lines(net) == ["BayesNet: 2 variables (2 real), 1 arc, 5 parameters", "x", "└─ y"]


def test_a_tree_of_conditionals_to_be_learnt():
    net = fd.BayesNet({"a": fd.Bernoulli(0.5), "x": fd.LinearGaussian(["a"])})
    assert lines(net) == ["BayesNet: 2 variables (1 real), 1 arc, not fitted", "a", "└─ x ~ LinearGaussian"]


def test_a_structure_says_what_is_real():
    net = fd.BayesNet.from_edges([("a", "x")], real=["x"])
    assert lines(net) == ["BayesNet: 2 variables (1 real), 1 arc, not fitted", "a", "└─ x"]
    assert net.plot().svg.count("<ellipse") == 1


def test_real_variables_are_ellipses_with_their_density(tmp_path):
    drawing = fromstring(NET.plot().svg)
    boxes = {
        group.find(f"{SVG}text").text: group
        for group in drawing.iter(f"{SVG}g")
        if group.find(f"{SVG}title") is not None
    }
    assert {name for name, box in boxes.items() if box.find(f"{SVG}ellipse") is not None} == {
        "mother",
        "height",
        "both",
    }
    assert {name for name, box in boxes.items() if box.find(f"{SVG}rect") is not None} == {"sex", "tall"}
    titles = {name: box.find(f"{SVG}title").text.splitlines() for name, box in boxes.items()}
    assert titles["sex"] == ["sex: f, m"]
    assert titles["height"] == ["height", *lines(NET["height"])]
    assert titles["tall"][0] == "tall: no, yes" and titles["tall"][1].startswith("Logistic given")
    path = NET.plot(tmp_path / "net.dot")
    assert [line for line in path.read_text().splitlines() if "ellipse" in line] == [
        '  v1 [label="mother", shape=ellipse];',
        '  v2 [label="height", shape=ellipse];',
        '  v3 [label="both", shape=ellipse];',
    ]


# --- parameters --------------------------------------------------------------------------------------------


def test_parameters_of_conditionally_normal_networks():
    net = fd.BayesNet({name: NET[name] for name in ("sex", "mother", "height", "both")})
    # sex 1; mother and height 2 each, both 2 + 3; jointly 4 means and 10 covariances for each sex
    assert parameter_counts(net) == (1 + 2 + 6 + 10, 1 + 2 + 2 + 5, 1 + 2 * 14)
    gaussian = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 0, [1], 1)})
    assert parameter_counts(gaussian) == (5, 4, 5)
    mixture = fd.gaussian_mixture(3, 4)  # to be learnt
    assert parameter_counts(mixture) == (2 + 3 * 14, 2 + 14, 2 + 3 * 14)


def test_networks_that_no_joint_distribution_bounds():
    with pytest.raises(TypeError, match="discrete variables, 'tall' depends on 'height', which is real"):
        parameter_counts(NET)
    with pytest.raises(TypeError, match="compares with normal distributions, variable 'u' has a Uniform"):
        parameter_counts(fd.BayesNet({"u": fd.Uniform(0, 1)}))
    with pytest.raises(fd.NotFittedError):
        parameter_counts(fd.BayesNet({"x": fd.LinearGaussian([])}))
    with pytest.raises(fd.NotFittedError):
        parameter_counts(fd.BayesNet.from_edges([("a", "x")], states={"a": ["u", "v"]}, real=["x"]))


# --- modules and guides ------------------------------------------------------------------------------------


def test_networks_with_modules_and_guides():
    """A tree says the family and the shape; latent variables, which have a guide, are white."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    net = fd.BayesNet(
        {
            "z": fd.Normal(0, 1),
            "x": fd.Neural(["z"], torch.nn.Linear(1, 3), family="normal", event_shape=(3,), std=1.0),
            "k": fd.Neural(["x"], torch.nn.Linear(3, 2), family="categorical", n_states=2),
        }
    )
    guided = net.guided({"z": fd.LinearGaussian(["k"], [0, 1], [], 1)})
    tree = ["z ~ LinearGaussian", "└─ x ~ Neural normal (3,)", "   └─ k ~ Neural categorical"]
    assert lines(net) == ["BayesNet: 3 variables (2 real), 2 arcs, 16 parameters", *tree]
    assert lines(guided) == ["BayesNet: 3 variables (2 real), 2 arcs, 16 parameters, guide of z", *tree]
    drawn = fromstring(guided.plot().svg)
    boxes = {own.find(f"{SVG}text").text: own for own in drawn.iter(f"{SVG}g") if own.find(f"{SVG}title") is not None}
    fills = {name: (own.find(f"{SVG}ellipse") or own[1]).get("fill") for name, own in boxes.items()}
    assert fills["z"] == "white" and fills["x"] == fills["k"] != "white"
    assert "guide: LinearGaussian" in boxes["z"].find(f"{SVG}title").text
    assert "Linear, family='categorical'" in boxes["k"].find(f"{SVG}title").text
    dot = network_dot(guided).splitlines()
    assert '  v0 [label="z", shape=ellipse, fillcolor=white];' in dot and '  v2 [label="k"];' in dot
    assert "white" not in network_dot(net).replace('fillcolor="#eef3fa"', "")
