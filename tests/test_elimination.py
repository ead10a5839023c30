"""Sums over hidden variables by elimination: against every configuration, one by one, and the plans' sizes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from device import run
from reference_latent import log_sum, marginal

from fastdgm.engines.elimination import loops, loops_cuda
from fastdgm.engines.elimination.plan import elimination

LOOPS = loops.LOOPS | loops_cuda.LOOPS
SIZES = {"a": 2, "b": 3, "c": 2, "d": 4, "e": 1}

MODELS = {
    "one": [("a",)],
    "observed": [(), ()],
    "independent": [("a",), ("b",), ("c",), ()],
    "chain": [("a",), ("a", "b"), ("b", "c"), ("c", "d"), ("d",), ()],
    "tree": [("b",), ("b", "a"), ("c", "b"), ("b", "d"), ("d", "e"), ("a",), ("e",)],
    "loop": [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("e",)],
    "all together": [("d", "b", "a", "c"), ("c", "a"), ("e",), ("d",)],
}


def factors_of(scopes, n, rng, impossible=0.1):
    """Random log-factors, some of them -inf."""
    found = []
    for scope in scopes:
        values = rng.normal(0.0, 20.0, [*(SIZES[name] for name in scope), n])
        values[rng.random(values.shape) < impossible] = -np.inf
        found.append((scope, values))
    return found


def block_of(made, factors, n):
    """The block of terms with its inputs filled in."""
    terms = np.full((made.n_terms, n), np.nan)
    for own, (_, values) in zip(made.inputs, factors, strict=True):
        terms[own.rows.ravel()] = values.reshape(-1, n)
    return terms


def sizes_of(scopes):
    return {name: SIZES[name] for scope in scopes for name in scope}


def check(scopes, n, call, impossible=0.1, begin=0):
    factors = factors_of(scopes, n, np.random.default_rng(len(scopes)), impossible)
    made = elimination(scopes, SIZES)
    terms = block_of(made, factors, n)
    call("log sums", begin, n, made.plan, terms)
    expected = log_sum(factors, sizes_of(scopes))
    np.testing.assert_allclose(terms[-1, begin:], expected[begin:], rtol=1e-12, atol=1e-12)
    shares = np.full_like(terms, np.nan)
    call("posterior", begin, n, made.plan, terms, shares)
    for factor in made.inputs:
        if factor.scope:
            own = marginal(factors, sizes_of(scopes), factor.scope)
            np.testing.assert_allclose(shares[factor.rows][..., begin:], own[..., begin:], rtol=1e-10, atol=1e-12)


def on_cpu(verb, begin, end, *arguments):
    LOOPS[verb, "cpu"](begin, end, *arguments)


def on_device(verb, begin, end, *arguments):
    run(LOOPS[verb, "cuda"], end - begin, *arguments)


@pytest.mark.kernel
@pytest.mark.parametrize("model", MODELS)
def test_sums_are_those_over_every_configuration(model):
    check(MODELS[model], 50, on_cpu)


@pytest.mark.kernel
def test_many_rows_and_a_range_of_them():
    check(MODELS["tree"], 1100, on_cpu, begin=7)


@pytest.mark.kernel
def test_impossible_rows_are_minus_infinity_and_have_no_posterior():
    scopes = MODELS["chain"]
    made = elimination(scopes, SIZES)
    terms = block_of(made, factors_of(scopes, 3, np.random.default_rng(0), impossible=0.0), 3)
    terms[made.inputs[0].rows, 1] = -np.inf
    on_cpu("log sums", 0, 3, made.plan, terms)
    assert terms[-1, 1] == -np.inf and np.isfinite(terms[-1, [0, 2]]).all()
    shares = np.empty_like(terms)
    on_cpu("posterior", 0, 3, made.plan, terms, shares)
    assert (shares[made.inputs[1].rows, 1] == 0.0).all()


@pytest.mark.gpu
@pytest.mark.parametrize("model", ["independent", "tree", "all together"])
def test_twins(model):
    check(MODELS[model], 20, on_device)


@pytest.mark.parametrize("target", ["b", "d"])
@pytest.mark.parametrize("model", ["chain", "tree", "loop"])
def test_a_target_keeps_its_states(model, target):
    scopes = MODELS[model]
    factors = factors_of(scopes, 30, np.random.default_rng(3), impossible=0.0)
    made = elimination(scopes, SIZES, target)
    terms = block_of(made, factors, 30)
    on_cpu("log sums", 0, 30, made.plan, terms)
    found = np.exp(terms[made.target] - terms[-1])
    np.testing.assert_allclose(found, marginal(factors, sizes_of(scopes), [target]), rtol=1e-10, atol=1e-12)


def test_independent_mixtures_cost_the_sum_of_their_states():
    sizes = {f"z{i}": 7 for i in range(50)}
    made = elimination([(name,) for name in sizes], sizes)
    assert made.n_terms == 50 * 7 + 50 + 1


def test_a_long_chain_costs_two_variables_at_a_time():
    names = [f"z{t}" for t in range(200)]
    made = elimination([(names[0],), *pairwise(names)], dict.fromkeys(names, 5))
    assert made.n_terms < 200 * 5 * 5 + 200 * 6


def test_a_star_is_summed_from_its_leaves():
    sizes = {"centre": 3, **{f"leaf{i}": 4 for i in range(60)}}
    made = elimination([("centre",), *((f"leaf{i}", "centre") for i in range(60))], sizes)
    assert made.n_terms < 60 * 20


def test_too_many_configurations_are_named():
    names = [f"z{i}" for i in range(30)]
    with pytest.raises(ValueError, match=r"hidden variables \['z0', .* depend on each other and have 1073741824 joint"):
        elimination([tuple(names)], dict.fromkeys(names, 2))
