"""Ancestors, blankets and d-separation: against definitions that are slow and obvious, and against probabilities."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdgm as fd

ASIA = fd.example("asia")


def graph(seed: int, n: int, n_edges: int) -> fd.BayesNet:
    """A random graph, declared in another order than its own."""
    rng = np.random.default_rng(seed)
    pairs = [(f"v{i}", f"v{j}") for i, j in combinations(range(n), 2)]
    chosen = rng.permutation(len(pairs))[:n_edges]
    nodes = [f"v{i}" for i in rng.permutation(n)]
    return fd.BayesNet.from_edges([pairs[i] for i in chosen], nodes=nodes)


graphs = st.builds(graph, st.integers(0, 2**31), st.integers(2, 7), st.integers(0, 12))


def separated_in_the_moral_graph(net, x, y, given):
    """Lauritzen's criterion: apart in the moralised graph of the ancestors of all of them, without the given ones."""
    kept = {*x, *y, *given}.union(*(net.ancestors(name) for name in (*x, *y, *given)))
    families = [{name, *net.parents[name]} for name in kept]
    reached = set(x)
    for _ in net.names:
        for family in families:
            for a, b in combinations(family, 2):
                for one, other in ((a, b), (b, a)):
                    if one in reached and one not in given and other not in given:
                        reached.add(other)
    return reached.isdisjoint(y)


@given(graphs, st.integers(0, 2**31))
def test_d_separation_is_separation_in_the_moral_graph(net, seed):
    rng = np.random.default_rng(seed)
    for _ in range(20):
        group = rng.integers(0, 4, len(net))
        x, y, known = ([name for name, own in zip(net.names, group, strict=True) if own == k] for k in range(3))
        if x and y:
            expected = separated_in_the_moral_graph(net, x, y, known)
            assert net.is_d_separated(x, y, known) == expected == net.is_d_separated(y, x, tuple(known))


@given(graphs)
def test_a_blanket_is_the_smallest_set_that_separates_from_all_others(net):
    for name in net.names:
        blanket = net.markov_blanket(name)
        others = [own for own in net.names if own != name and own not in blanket]
        assert not others or net.is_d_separated(name, others, blanket)
        for left_out in blanket:
            rest = [own for own in blanket if own != left_out]
            assert not net.is_d_separated(name, left_out, [*rest, *others])


@given(graphs)
def test_ancestors_and_descendants_are_each_others(net):
    for name in net.names:
        above = net.ancestors(name)
        assert name not in above and set(net.parents[name]) <= set(above)
        assert list(above) == [own for own in net.names if own in above]
        assert {own for own in net.names if name in net.descendants(own)} == set(above)
        assert all(set(net.ancestors(own)) <= set(above) for own in above)


def test_a_long_chain_takes_no_recursion():
    n = 20_000
    net = fd.BayesNet.from_edges([(f"v{i}", f"v{i + 1}") for i in range(n)])
    assert len(net.descendants("v0")) == n
    assert not net.is_d_separated("v0", f"v{n}") and net.is_d_separated("v0", f"v{n}", given="v9")


def test_explaining_away():
    assert ASIA.is_d_separated("asia", ["smoke", "lung", "bronc"])
    assert not ASIA.is_d_separated("asia", "lung", given="dysp")
    assert ASIA.is_d_separated(["asia"], ["lung"], given=["bronc"])


@pytest.mark.parametrize("verb", ["ancestors", "descendants", "markov_blanket"])
def test_names_are_known(verb):
    ask = {"ancestors": ASIA.ancestors, "descendants": ASIA.descendants, "markov_blanket": ASIA.markov_blanket}[verb]
    with pytest.raises(fd.UnknownNameError, match=r"no variable 'lungs'.*did you mean 'lung'"):
        ask("lungs")


@pytest.mark.parametrize(
    ("x", "y", "known", "error", "text"),
    [
        ("asia", "asia", (), ValueError, "'asia' is in x and y"),
        ("asia", "tub", ["tub"], ValueError, "'tub' is in y and given"),
        ((), "tub", (), ValueError, "x is at least one variable"),
        ("asia", [], (), ValueError, "y is at least one variable"),
        (["asia", "asia"], "tub", (), ValueError, "x are distinct"),
        ("asia", "tub", ["nothing"], KeyError, "no variable 'nothing'"),
        ("asia", {"tub"}, (), TypeError, "order counts"),
        ("asia", 3, (), TypeError, "list of names"),
    ],
)
def test_questions_that_make_no_sense(x, y, known, error, text):
    with pytest.raises(error, match=text):
        ASIA.is_d_separated(x, y, known)
