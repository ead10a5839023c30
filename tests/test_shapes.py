"""Ready-made structures have the textbook numbers of parameters."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.structures import ParameterCounts, parameter_counts


def binary(n: int) -> dict[str, int]:
    return {f"x{i}": 2 for i in range(n)}


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_textbook_counts(n):
    assert fd.full_joint(binary(n)).n_parameters == 2**n - 1
    assert fd.independent(binary(n)).n_parameters == n
    assert fd.markov_chain(binary(n)).n_parameters == 2 * n - 1
    assert fd.naive_bayes("y", binary(n), target_states=2).n_parameters == 2 * n + 1


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_counts_for_any_numbers_of_states(sizes):
    variables = {f"x{i}": k for i, k in enumerate(sizes)}
    joint = int(np.prod(sizes)) - 1
    marginals = sum(k - 1 for k in sizes)
    chain = marginals + sum((k - 1) * (before - 1) for before, k in pairwise(sizes))
    assert parameter_counts(fd.full_joint(variables)) == (joint, marginals, joint)
    assert parameter_counts(fd.independent(variables)) == (marginals, marginals, joint)
    assert parameter_counts(fd.markov_chain(variables)) == (chain, marginals, joint)


def test_counts_of_a_network_are_exact_however_large():
    net = fd.markov_chain(dict.fromkeys((f"x{i}" for i in range(1000)), 10))
    assert parameter_counts(net) == ParameterCounts(9 + 999 * 90, 9000, 10**1000 - 1)


def test_counts_need_the_states():
    with pytest.raises(fd.NotFittedError, match=r"states of \['b'\] are not known"):
        parameter_counts(fd.independent({"a": 2, "b": None}))


def test_edges():
    assert fd.independent(["a", "b"]).edges == ()
    assert fd.markov_chain(["a", "b", "c"]).edges == (("a", "b"), ("b", "c"))
    assert fd.full_joint(["a", "b", "c"]).edges == (("a", "b"), ("a", "c"), ("b", "c"))
    bayes = fd.naive_bayes("y", ["a", "b"])
    assert bayes.names == ("y", "a", "b")
    assert bayes.edges == (("y", "a"), ("y", "b"))


def test_states_are_counts_lists_or_left_to_fit():
    net = fd.independent({"a": np.int64(3), "b": ["lo", "hi"], "c": np.array(["x", "y"]), "d": None})
    assert net.states == {"a": ("0", "1", "2"), "b": ("lo", "hi"), "c": ("x", "y")}
    assert not net.is_fitted
    assert fd.naive_bayes("y", iter(["a"]), target_states=["ham", "spam"]).states == {"y": ("ham", "spam")}


def test_a_chain_with_tables():
    net = fd.markov_chain({"mon": ["dry", "wet"], "tue": ["dry", "wet"]}, [0.5, 0.5], [[0.9, 0.1], [0.4, 0.6]])
    assert net.states["tue"] == ("dry", "wet")
    assert net["mon"].table.tolist() == [0.5, 0.5]
    assert net["tue"].table.tolist() == [[0.9, 0.1], [0.4, 0.6]]


@pytest.mark.parametrize(
    ("initial", "transition", "rule"),
    [
        ([0.5, 0.5], None, "both initial and transition"),
        (None, [[0.9, 0.1], [0.4, 0.6]], "both initial and transition"),
        ([0.2, 0.3, 0.5], [[0.9, 0.1], [0.4, 0.6]], "expected shape"),
        ([0.5, 0.5], [0.5, 0.5], "one axis per parent"),
        ([0.5, 0.5], [[0.9, 0.2], [0.4, 0.6]], "sums to 1"),
        ([0.5, 0.5], [[1, 0, 0], [0, 1, 0]], r"expected shape \(2, 2\), got \(2, 3\)"),
    ],
)
def test_chain_tables_that_disagree(initial, transition, rule):
    with pytest.raises(ValueError, match=rule):
        fd.markov_chain(["a", "b"], initial, transition)


@pytest.mark.parametrize("n", [25, 64, 784])
def test_a_full_joint_is_counted_at_any_size_and_refused_where_tables_are_needed(n):
    net = fd.full_joint(binary(n))
    assert net.n_parameters == 2**n - 1
    assert parameter_counts(net) == (2**n - 1, n, 2**n - 1)
    assert len(net.edges) == n * (n - 1) // 2
    assert len(repr(net)) < 5000
    with pytest.raises(fd.NotFittedError, match="no tables yet"):
        net.sample(1)
    if n > 31:
        with pytest.raises(ValueError, match=rf"at most 2\*\*31 cells, the table of .* with {n - 1} parents has"):
            net.fit(np.zeros((1, n), np.uint8))


def test_counting_does_not_need_names_of_all_states():
    net = fd.full_joint(dict.fromkeys((f"x{i}" for i in range(100)), 60_000))
    assert net.n_parameters == 60_000**100 - 1
    assert all(own is net.states["x0"] for own in net.states.values())


def test_a_graph_of_too_many_edges_is_refused():
    with pytest.raises(ValueError, match="at most 4096 variables, each with all earlier ones as parents, got 4097"):
        fd.full_joint(binary(4097))


@pytest.mark.parametrize("shape", [fd.independent, fd.full_joint, fd.markov_chain, lambda x: fd.naive_bayes("y", x)])
@pytest.mark.parametrize(
    ("variables", "error", "rule"),
    [
        ("abc", TypeError, "list of names or a mapping from names, got 'abc'"),
        ({"a", "b"}, TypeError, "in order, are a list of names"),
        (3, TypeError, "list of names or a mapping from names, got 3"),
        ([], ValueError, "at least one variable"),
        (["a", "a"], ValueError, "distinct, got 'a' twice"),
        ([1, 2], TypeError, "names are strings, got 1"),
        ({"a": 0}, ValueError, "'a' needs 1 to 65535 states, got 0"),
        ({"a": 10**12}, ValueError, "'a' needs 1 to 65535 states"),
        ({"a": 0.5}, TypeError, "states of 'a' are a number or a list"),
        ({"a": True}, TypeError, "states of 'a' are a number or a list"),
        ({"a": "xy"}, TypeError, "states of 'a' are a number or a list"),
        ({"a": {"x", "y"}}, TypeError, "states of 'a' are a number or a list of names in order"),
        ({"a": ["x", "x"]}, ValueError, "distinct, got 'x' twice"),
    ],
)
def test_variables_that_are_refused(shape, variables, error, rule):
    with pytest.raises(error, match=rule):
        shape(variables)


def test_the_class_is_not_a_feature():
    with pytest.raises(ValueError, match="not one of its features, got 'a'"):
        fd.naive_bayes("a", ["a", "b"])
