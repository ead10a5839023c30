"""Logistic, softmax and noisy-or variables: their loops against the oracle and against tables."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import reference_logistic as oracle
from logistic_nets import (
    BITS,
    O_LEAK,
    O_PROBABILITIES,
    S_BIAS,
    S_WEIGHTS,
    Y_BIAS,
    Y_WEIGHTS,
    beside_reals,
    discrete_net,
    rng_weights,
)

import fastdgm as fd
from fastdgm.data.blocks import Part
from fastdgm.kernels import logistic as kernels
from fastdgm.kernels import noisy_or
from fastdgm.kernels.philox import LOW

pytestmark = pytest.mark.kernel
N = 300_000
STATES = [2] * 5 + [3, 2, 4, 2]


@pytest.fixture(scope="module")
def net():
    return discrete_net()


@pytest.fixture(scope="module")
def drawn(net):
    return net.sample(N, seed=11)


def first_words(net):
    """By variable, of those that are no tables."""
    found = {}
    for segment in net._program.segments:
        for j, v in enumerate(segment.members):
            found[net.names[v]] = getattr(segment.engine, "_runs", [None])[0] and segment.engine._runs[0].first_word + j
    return found


def columns_of(x, parents, n_states):
    return oracle.columns([np.asarray(x[name], np.int64) for name in parents], n_states)


def test_samples_are_those_of_the_oracle(net, drawn):
    word, rows = first_words(net), np.arange(N, dtype=np.uint64)
    x = columns_of(drawn, ["b0", "c", "b1", "b2", "b3"], [2, 3, 2, 2, 2])
    z = x @ Y_WEIGHTS + Y_BIAS
    y = oracle.draw_bits(1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z)), 11, rows, word["y"])
    assert (drawn["y"] == y).all()
    p = oracle.softmax_probabilities(columns_of(drawn, ["c", "y"], [3, 2]), S_WEIGHTS, S_BIAS)
    assert (drawn["s"] == oracle.draw_states(p, 11, rows, word["s"])).all()
    causes = columns_of(drawn, ["b4", "y", "b1", "b0"], [2] * 4)
    log_off = oracle.noisy_or_log_prob(causes, O_PROBABILITIES, O_LEAK, np.zeros(N))
    o = oracle.draw_bits(-np.expm1(log_off), np.exp(log_off), 11, rows, word["o"])
    assert (drawn["o"] == o).all()


def test_log_prob_is_that_of_the_oracle(net, drawn):
    terms = net.log_prob(drawn, per_variable=True)
    own = {name: terms[:, net.names.index(name)] for name in net.names}
    x = columns_of(drawn, ["b0", "c", "b1", "b2", "b3"], [2, 3, 2, 2, 2])
    np.testing.assert_allclose(own["y"], oracle.logistic_log_prob(x, Y_WEIGHTS, Y_BIAS, drawn["y"]), rtol=1e-12)
    p = oracle.softmax_probabilities(columns_of(drawn, ["c", "y"], [3, 2]), S_WEIGHTS, S_BIAS)
    np.testing.assert_allclose(own["s"], np.log(p[np.arange(N), drawn["s"]]), rtol=1e-11)
    causes = columns_of(drawn, ["b4", "y", "b1", "b0"], [2] * 4)
    expected = oracle.noisy_or_log_prob(causes, O_PROBABILITIES, O_LEAK, drawn["o"])
    np.testing.assert_allclose(own["o"], expected, rtol=1e-12)
    np.testing.assert_allclose(net.log_prob(drawn), terms.sum(axis=1), rtol=1e-12)


def test_the_same_distribution_as_tables(net):
    every = np.array(list(itertools.product(*map(range, STATES))))
    tabulated = {}
    for name in net.names:
        own = net[name]
        if isinstance(own, fd.CPT):
            tabulated[name] = own
            continue
        v, parents = net.names.index(name), [net.names.index(parent) for parent in own.parents]
        rows = np.zeros((int(np.prod([STATES[p] for p in parents])) * STATES[v], len(STATES)), np.int64)
        grid = np.indices([*(STATES[p] for p in parents), STATES[v]])
        rows[:, [*parents, v]] = grid.reshape(len(parents) + 1, -1).T
        table = np.exp(net.log_prob(rows, per_variable=True)[:, v]).reshape(grid.shape[1:])
        np.testing.assert_allclose(table.sum(axis=-1), 1.0, rtol=1e-13)
        tabulated[name] = fd.CPT(own.parents, table, net.states[name])
    tables = fd.BayesNet(tabulated)
    np.testing.assert_allclose(net.log_prob(every), tables.log_prob(every), rtol=1e-12)
    assert np.exp(net.log_prob(every)).sum() == pytest.approx(1.0)


def test_frequencies(net, drawn):
    every = np.array(list(itertools.product(*map(range, STATES))))
    expected = N * np.exp(net.log_prob(every))
    found = np.bincount(np.ravel_multi_index(tuple(drawn.block.astype(np.int64)), STATES), minlength=len(every))
    assert (found[expected == 0] == 0).all()
    common = expected > 5
    chi_square = ((found - expected)[common] ** 2 / expected[common]).sum()
    assert chi_square < common.sum() + 5 * np.sqrt(2 * common.sum())


def test_rows_do_not_depend_on_chunks_threads_and_start(net, drawn):
    part = net.sample(5000, seed=11, start=1234)
    assert (part.block == drawn.block[:, 1234:6234]).all()
    with fd.num_threads(1):
        assert (net.sample(N, seed=11).block == drawn.block).all()
    before = net.sample(3000, seed=11, start=2**32 - 1500)
    after = net.sample(1000, seed=11, start=2**32)
    assert (before.block[:, 1500:2500] == after.block).all()
    few = np.concatenate([net.log_prob(drawn[i : i + 7]) for i in range(0, 700, 7)])
    assert (few == net.log_prob(drawn)[:700]).all()


# Real parents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_real_parents(dtype):
    n = 20_000
    conditionals, engine, values = beside_reals(dtype, n)
    engine.sample(0, n, 5, 100, values)
    c, y, z, s = values.codes.astype(np.int64)
    x, v = values.reals[0], list(values.reals[1:])
    rows = np.arange(100, 100 + n, dtype=np.uint64)
    columns = oracle.columns([*v, c, x], [0, 0, 0, 0, 3, 0])
    own = conditionals["y"]
    logit = columns @ own.weights + own.bias
    chance = 1 / (1 + np.exp(-logit))
    low, _ = oracle.uniforms(5, rows, 2)
    clear = abs(low - chance) > (0 if dtype == np.float64 else 1e-5)
    assert (y == oracle.draw_bits(chance, 1 / (1 + np.exp(logit)), 5, rows, 2))[clear].all()
    logit = oracle.columns([y, c], [2, 3]) @ conditionals["z"].weights + 0.1  # no real parent: exactly that
    assert (z == oracle.draw_bits(1 / (1 + np.exp(-logit)), 1 / (1 + np.exp(logit)), 5, rows, 3)).all()
    p = oracle.softmax_probabilities(oracle.columns([x, y], [0, 2]), rng_weights(0), conditionals["s"].bias)
    low, _ = oracle.uniforms(5, rows, 4)
    clear = abs(low[:, None] - p.cumsum(axis=1)).min(axis=1) > (0 if dtype == np.float64 else 1e-5)
    assert (s == oracle.draw_states(p, 5, rows, 4))[clear].all()
    terms = np.full((6, n), np.nan)
    part = Part("columns", values.codes, 0, values.reals)
    assert engine.log_prob_per_variable(0, n, part, terms) == -1
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    expected = oracle.logistic_log_prob(columns, own.weights, float(own.bias), y)
    np.testing.assert_allclose(terms[3], expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(terms[5], np.log(p[np.arange(n), s]), rtol=tolerance, atol=tolerance)
    assert np.isnan(terms[:3]).all()  # those of others
    out = np.empty(n)
    assert engine.log_prob(0, n, part, out) == -1
    np.testing.assert_allclose(out, terms[3:].sum(axis=0), rtol=1e-6)
    assert engine.n_words == 3 and engine.n_bytes > 0


def test_parts_of_a_block_give_the_same_bits():
    _, engine, values = beside_reals(np.float32, 3000)
    engine.sample(0, 3000, 5, 0, values)
    again = values.codes.copy()
    again[1:] = 0
    for begin in range(0, 3000, 17):
        engine.sample(begin, min(begin + 17, 3000), 5, 0, values._replace(codes=again))
    assert (again == values.codes).all()


def test_sums_beyond_float32_are_refused():
    conditionals, engine, values = beside_reals(np.float32, 100)
    values.reals[1:, 41] = [3e38, 0.0, 0.0, 3e38]  # infinite, which is a certain state
    values.reals[1:, 42] = [3e38, 3e38, 0.0, 3e38]
    values.reals[1:, 43] = [-3e38, 3e38, 0.0, 3e38]  # infinity less infinity
    with pytest.raises(ValueError, match=r"row 1043 cannot be drawn.*leaves the range"):
        engine.sample(0, 100, 5, 1000, values)
    part = Part("columns", values.codes, 500, values.reals)
    with pytest.raises(ValueError, match="log_prob of row 543 is not defined: the weighted sum of 'y'"):
        engine.log_prob(0, 100, part, np.empty(100))
    members = engine._members
    wide = {**conditionals, "y": fd.Logistic(["x"], [1e39], 0.0)}
    narrow = type(engine)(members._replace(conditionals=wide, columns=[3]))
    with pytest.raises(ValueError, match="weights of 'y' leave the range of float32, the largest is 1e\\+39"):
        narrow.sample(0, 1, 5, 0, values)
    assert type(engine)(members._replace(conditionals=wide, columns=[3])).n_words == 1


# Certain and impossible states ------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(0, 0), (LOW, LOW), (0, LOW), (LOW, 0), (2**31, 0)])
def test_bits_that_are_certain(words):
    words = tuple(map(np.uint64, words))
    for z in (800.0, 1e300, np.inf, 50.0):
        assert kernels.logistic_bit(np.float64(z), *words)
        assert not kernels.logistic_bit(np.float64(-z), *words)
    assert not noisy_or.noisy_or_bit(np.float64(0.0), *words)
    assert noisy_or.noisy_or_bit(np.float64(noisy_or.CERTAIN), *words)
    assert noisy_or.noisy_or_bit(np.float64(-800.0), *words)


def test_rare_bits_are_drawn_by_both_words():
    tiny = np.float64(-43.0)  # 2e-19, less than what 64 bits less one leave at the other end of a float64
    assert kernels.logistic_bit(tiny, np.uint64(0), np.uint64(0))
    assert not kernels.logistic_bit(tiny, np.uint64(0), np.uint64(9))
    assert not kernels.logistic_bit(-tiny, np.uint64(LOW), np.uint64(LOW))
    assert kernels.logistic_bit(-tiny, np.uint64(LOW), np.uint64(LOW - 9))


def test_huge_weights_never_give_nan():
    net = fd.BayesNet(
        {
            "a": fd.Bernoulli(0.5),
            "y": fd.Logistic(["a"], [2e6], -1e6),
            "s": fd.Softmax(["a"], [[1e9], [0.0], [-1e300]], [0.0, 1e9 / 2, 0.0]),
            "o": fd.NoisyOr(["a"], [1.0], 0.0),
        }
    )
    x = net.sample(20_000, seed=0)
    assert (x["y"] == x["a"]).all() and (x["o"] == x["a"]).all() and (x["s"] == 1 - x["a"]).all()
    assert np.allclose(net.log_prob(x), np.log(0.5))
    wrong = net.log_prob([[1, 0, 0, 0]], per_variable=True)[0].tolist()
    assert wrong[1] == -1e6 and wrong[3] == -np.inf


def test_rare_states_are_as_frequent_as_they_should_be():
    net = fd.BayesNet({"y": fd.Logistic([], [], -12.0), "z": fd.Logistic([], [], 12.0)})
    x = net.sample(4_000_000, seed=3)
    expected = 4_000_000 / (1 + np.exp(12.0))
    assert abs(int(x["y"].sum()) - expected) < 5 * np.sqrt(expected)
    assert abs(int((x["z"] == 0).sum()) - expected) < 5 * np.sqrt(expected)


@pytest.mark.parametrize("row", [3, 20])
def test_a_second_word_decides(row):
    """The chance lies within what the first word leaves open of the uniform of one row."""
    high = int(oracle.reference.random_words(9, np.array([row], np.uint64), 0, 0)[0])
    chance = (high + 0.5) / 2**32
    odds = np.log(chance) - np.log1p(-chance)
    rows = np.arange(30, dtype=np.uint64)
    expected = oracle.draw_bits(np.full(30, chance), np.full(30, 1 - chance), 9, rows, 0)
    x = fd.BayesNet({"y": fd.Logistic([], [], odds)}).sample(30, seed=9)
    assert (x["y"] == expected).all()
    x = fd.BayesNet({"s": fd.Softmax([], np.zeros((3, 0)), [odds, -800.0, 0.0])}).sample(30, seed=9)
    assert (x["s"] == 2 * (1 - expected)).all()
    x = fd.BayesNet({"o": fd.NoisyOr([], [], chance)}).sample(30, seed=9)
    assert (x["o"] == expected).all()


def test_many_states_and_wide_codes():
    rng = np.random.default_rng(1)
    parent = fd.Categorical(rng.dirichlet(np.ones(300)))
    net = fd.BayesNet({"p": parent, "s": fd.Softmax(["p"], rng.normal(size=(700, 299)), rng.normal(size=700))})
    x = net.sample(3000, seed=2)
    assert x["s"].dtype == np.uint16 and x["s"].max() > 255
    p = oracle.softmax_probabilities(oracle.columns([x["p"]], [300]), net["s"].weights, net["s"].bias)
    np.testing.assert_allclose(net.log_prob(x, per_variable=True)[:, 1], np.log(p[np.arange(3000), x["s"]]), rtol=1e-11)


def test_a_state_alone():
    net = fd.BayesNet({"a": fd.CPT([], [1.0]), "s": fd.Softmax(["a"], np.zeros((1, 0)), [3.0]), "b": fd.Bernoulli(0.5)})
    x = net.sample(100, seed=0)
    assert not x["s"].any() and (net.log_prob(x) == np.log(0.5)).all() and net["s"].n_parameters == 0


def test_parents_may_be_bits_of_any_number():
    weights = np.linspace(-1, 1, len(BITS))
    for k in range(len(BITS) + 1):
        bits = {name: fd.Bernoulli(0.5) for name in BITS}
        net = fd.BayesNet({**bits, "y": fd.Logistic(BITS[:k], weights[:k], 0.5)})
        x = net.sample(1000, seed=0)
        expected = oracle.logistic_log_prob(np.asarray(x, float)[:, :k], weights[:k], 0.5, x["y"])
        np.testing.assert_allclose(net.log_prob(x, per_variable=True)[:, -1], expected, rtol=1e-12)
