"""The example networks: sizes as published, and marginals known from the literature, by brute force."""

from __future__ import annotations

from importlib.resources import files
from itertools import product

import numpy as np
import pytest
from shared_data import shared

from fastdgm.bayesnet import BayesNet
from fastdgm.errors import UnknownNameError
from fastdgm.examples import example, example_names
from fastdgm.io import read, write_bif

SIZES = {  # nodes, arcs, parameters
    "alarm": (37, 46, 509),
    "asia": (8, 8, 18),
    "cancer": (5, 4, 10),
    "earthquake": (5, 4, 10),
    "sachs": (11, 17, 178),
    "sprinkler": (4, 4, 9),
    "student": (5, 4, 15),
    "survey": (6, 6, 21),
}

MARGINALS = [
    ("asia", {"dysp": "yes"}, 0.4359706),  # Lauritzen & Spiegelhalter 1988
    ("asia", {"xray": "yes"}, 0.11029),
    ("cancer", {"Cancer": "True"}, 0.01163),
    ("sprinkler", {"wet_grass": "True"}, 0.6471),  # Murphy 2001
    ("student", {"letter": "strong"}, 0.502336),  # Koller & Friedman 2009, section 3.2.1.2: 50.2%
    ("student", {"grade": "A"}, 0.362),
]


def probability(net: BayesNet, event: dict[str, str]) -> float:
    """p(event), by adding up the joint probabilities of all assignments that agree with it."""
    total = 0.0
    for assignment in product(*(range(len(net.states[name])) for name in net.names)):
        code = dict(zip(net.names, assignment, strict=True))
        if all(net.states[name][code[name]] == state for name, state in event.items()):
            cells = (net[v].table[(*(code[u] for u in net[v].parents), code[v])] for v in net.names)
            total += float(np.prod(list(cells)))
    return total


def test_names_are_those_of_the_files():
    in_folder = {file.name for file in files("fastdgm.examples").iterdir() if file.name.endswith(".bif")}
    assert in_folder == {f"{name}.bif" for name in example_names()}
    assert set(example_names()) == set(SIZES)


@pytest.mark.parametrize("name", example_names())
def test_sizes(name):
    net = example(name)
    assert (len(net), len(net.edges), net.n_parameters) == SIZES[name]


@pytest.mark.parametrize("name", example_names())
def test_files_are_what_our_writer_writes(name):
    text = files("fastdgm.examples").joinpath(f"{name}.bif").read_text(encoding="utf-8")
    assert write_bif(example(name)) == text


@pytest.mark.parametrize("name", example_names())
def test_notice_names_the_source(name):
    notice = files("fastdgm.examples").joinpath("NOTICE").read_text(encoding="utf-8")
    assert any(line.startswith(f"{name} ") for line in notice.splitlines())


@pytest.mark.parametrize(("name", "event", "expected"), MARGINALS)
def test_known_marginals(name, event, expected):
    assert probability(example(name), event) == pytest.approx(expected, abs=1e-6)


def test_known_posterior():
    """Murphy 2001: rain is the likelier cause of wet grass, P(rain | wet) = 0.7079, P(sprinkler | wet) = 0.4298."""
    net = example("sprinkler")
    wet = probability(net, {"wet_grass": "True"})
    assert probability(net, {"wet_grass": "True", "rain": "True"}) / wet == pytest.approx(0.7079, abs=1e-4)
    assert probability(net, {"wet_grass": "True", "sprinkler": "True"}) / wet == pytest.approx(0.4298, abs=1e-4)


@pytest.mark.parametrize("name", ["alarm", "asia", "cancer", "earthquake", "sachs", "survey"])
def test_same_numbers_as_the_repository(name):
    published, ours = read(shared(f"bif/{name}.bif.gz")), example(name)
    assert ours.names == published.names
    for variable in ours.names:
        assert np.array_equal(ours[variable].table, published[variable].table)


@pytest.mark.parametrize("name", ["Asia", "asia.bif", "", 3])
def test_unknown_name(name):
    with pytest.raises(UnknownNameError, match=r"no example network .* there are alarm, asia"):
        example(name)
