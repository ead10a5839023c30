"""Write, then read: names, states and probabilities come back to the last bit, or the writer refuses the name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.io import (
    read_bif,
    read_hugin,
    read_uai,
    read_xdsl,
    read_xmlbif,
    write_bif,
    write_hugin,
    write_uai,
    write_xdsl,
    write_xmlbif,
)

NAMED_FORMATS = {
    "bif": (read_bif, write_bif),
    "xmlbif": (read_xmlbif, write_xmlbif),
    "hugin": (read_hugin, write_hugin),
}
ODD_NAMES = ["<5", "12+", "Asy/Patch", "1_2", "0", "5-12", ">=7.5", "100%", "a&b", "[x]", "table", "property", "é", "|"]
ODD_NAMES += ["State 1", "a, b", "#", "%", "'", '"', "//", "None", "True", "=", "\u2028", "\x85", "\xa0", "日本", "a\\"]

plain_names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True)
any_names = st.one_of(st.sampled_from(ODD_NAMES), st.text(st.characters(codec="utf-8"), max_size=5))


@st.composite
def networks(draw, names):
    """Random DAGs of up to 5 variables with 1 to 4 states, tables with many zeros and extreme numbers."""
    variables = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    order = draw(st.permutations(variables))
    states = {v: draw(st.lists(names, min_size=1, max_size=4, unique=True)) for v in variables}
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    conditionals = {}
    for v in variables:
        before = order[: order.index(v)]
        parents = draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else []
        shape = [len(states[u]) for u in (*parents, v)]
        table = rng.dirichlet(np.full(shape[-1], 0.1), shape[:-1])
        conditionals[v] = fd.CPT(parents, table / table.sum(axis=-1, keepdims=True), states[v])
    return fd.BayesNet(conditionals)


def assert_same(a: fd.BayesNet, b: fd.BayesNet) -> None:
    assert a.names == b.names
    assert dict(a.states) == dict(b.states)
    assert dict(a.parents) == dict(b.parents)
    for name in a.names:
        assert np.array_equal(a[name].table, b[name].table)


@pytest.mark.parametrize("name", NAMED_FORMATS)
@given(net=networks(plain_names))
@settings(max_examples=60, deadline=None)
def test_plain_names_survive(name, net):
    read, write = NAMED_FORMATS[name]
    assert_same(read(write(net)), net)


@pytest.mark.parametrize("name", NAMED_FORMATS)
@given(net=networks(any_names))
@settings(max_examples=150, deadline=None)
def test_odd_names_survive_or_are_refused(name, net):
    read, write = NAMED_FORMATS[name]
    try:
        text = write(net)
    except ValueError as error:
        assert "cannot hold" in str(error)
    else:
        assert_same(read(text), net)


@given(net=networks(plain_names))
@settings(max_examples=60, deadline=None)
def test_uai_keeps_everything_but_names(net):
    back = read_uai(write_uai(net))
    number = {name: f"x{i}" for i, name in enumerate(net.names)}
    assert back.names == tuple(number.values())
    for name in net.names:
        assert back.parents[number[name]] == tuple(number[parent] for parent in net.parents[name])
        assert np.array_equal(back[number[name]].table, net[name].table)
    assert_same(read_uai(write_uai(back)), back)


@given(net=networks(plain_names))
@settings(max_examples=60, deadline=None)
def test_xdsl_keeps_everything_but_the_order_of_variables(net):
    back = read_xdsl(write_xdsl(net))
    assert back.names == net.order
    assert dict(back.states) == dict(net.states) and dict(back.parents) == dict(net.parents)
    assert all(np.array_equal(back[name].table, net[name].table) for name in net.names)
    assert_same(read_xdsl(write_xdsl(back)), back)


@pytest.mark.parametrize("state", ["<5", "12+", "Asy/Patch", "State 1", "0", "100%", "a|b", "property", "É"])
@pytest.mark.parametrize("name", NAMED_FORMATS)
def test_state_names_of_real_networks_can_be_held(name, state):
    read, write = NAMED_FORMATS[name]
    child = fd.CPT(["parent"], [[0.25, 0.75], [1, 0]], states=["x", state])
    net = fd.BayesNet({"child": child, "parent": fd.Categorical([0.5, 0.5], states=[state, "y"])})
    assert_same(read(write(net)), net)


@pytest.mark.parametrize("p", [5e-324, 1e-300, 0.1, 1 / 3, 1 - 2**-53, 0.0, 1.0])
@pytest.mark.parametrize("name", NAMED_FORMATS)
def test_extreme_numbers(name, p):
    read, write = NAMED_FORMATS[name]
    net = fd.BayesNet({"v": fd.CPT([], [p, 1 - p])})
    assert_same(read(write(net)), net)
