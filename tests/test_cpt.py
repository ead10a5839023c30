"""Sampling and scoring of networks against the oracle, to the last bit, and against the mathematics."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import reference
from compiled import compiled
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import ir
from random_nets import codes_of, nets, plain, random_net, random_table
from tables import plans_of

import fastdgm as fd
from fastdgm.kernels import alias, cpt, philox
from fastdgm.kernels.tiles import TILE

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu]

MANY_STATES = [1, 2, 255, 256, 257, 300]
keys = st.integers(0, 2**64 - 1)
starts = st.one_of(
    st.integers(0, 2**63),
    st.integers(2**32 - 400, 2**32 + 5),
    st.integers(5 * 2**32 - 400, 5 * 2**32),
    st.just(2**64 - 300),
)


def oracle_sample(net: fd.BayesNet, n: int, seed: int, start: int = 0) -> np.ndarray:
    return reference.sample(seed, start, n, *plain(net), plans_of(net).sampling_clusters)


def net_of_cardinality(n_states: int) -> fd.BayesNet:
    """A variable of so many states as a root, as a parent and as a child."""
    rng = np.random.default_rng(n_states)
    return fd.BayesNet(
        {
            "root": fd.Categorical(random_table(rng, (n_states,))),
            "coin": fd.Bernoulli(0.3),
            "child": fd.CPT(["coin", "root"], random_table(rng, (2, n_states, 3))),
            "grandchild": fd.CPT(["child", "coin"], random_table(rng, (3, 2, n_states))),
        }
    )


def assert_same_sums(actual: np.ndarray, terms: np.ndarray) -> None:
    """Equal to 1e-12 x the sum of the absolute terms; impossible rows exactly."""
    expected = terms.sum(axis=0)
    possible = np.isfinite(expected)
    assert (actual[~possible] == -np.inf).all()
    error = np.abs(actual[possible] - expected[possible])
    assert (error <= 1e-12 * np.abs(terms[:, possible]).sum(axis=0)).all()


# --- sampling -------------------------------------------------------------------------------------------


@given(nets(max_vars=12), keys, starts)
def test_samples_equal_the_oracle_bit_for_bit(net, seed, start):
    x = net.sample(300, seed=seed, start=start)
    assert (x.block == oracle_sample(net, 300, seed, start)).all()
    assert x.dtype == np.uint8


@pytest.mark.parametrize("n_states", MANY_STATES)
def test_samples_of_many_states_equal_the_oracle(n_states):
    net = net_of_cardinality(n_states)
    x = net.sample(2000, seed=n_states)
    assert (x.block == oracle_sample(net, 2000, n_states)).all()
    assert x.dtype == (np.uint8 if n_states <= 256 else np.uint16)


def test_as_many_states_as_are_allowed():
    net = fd.BayesNet({"big": fd.Categorical(np.random.default_rng(0).dirichlet(np.ones(65_535)))})
    x = net.sample(3000, seed=1)
    assert (x.block == oracle_sample(net, 3000, 1)).all()
    assert_same_sums(net.log_prob(x), reference.log_prob_per_variable(x.block, *plain(net)))


def net_with_a_large_table(*sizes: int) -> fd.BayesNet:
    rng = np.random.default_rng(5)
    first, second, third = sizes
    return fd.BayesNet(
        {
            "a": fd.Categorical(rng.dirichlet(np.ones(first))),
            "b": fd.Categorical(rng.dirichlet(np.ones(second))),
            "child": fd.CPT(["b", "a"], random_table(rng, (second, first, third))),
        }
    )


EXACTLY_2_16, MORE_THAN_2_16 = (16, 16, 256), (20, 20, 200)  # the largest table for 16-bit indices, and beyond


@pytest.mark.parametrize("sizes", [EXACTLY_2_16, MORE_THAN_2_16])
def test_large_tables(sizes):
    net = net_with_a_large_table(*sizes)
    slots = np.diff(plans_of(net).sampling.table_start).max()
    assert slots == cpt.NARROW if sizes == EXACTLY_2_16 else slots > cpt.NARROW
    x = net.sample(3000, seed=2)
    assert (x.block == oracle_sample(net, 3000, 2)).all()
    codes = np.vstack([codes_of(net, 3000), np.array(sizes) - 1])  # up to the last cell
    assert_same_sums(net.log_prob(codes), reference.log_prob_per_variable(codes.T, *plain(net)))


@given(nets(), keys, starts, st.lists(st.integers(0, 299), max_size=4))
def test_any_split_gives_the_same_rows(net, seed, start, cuts):
    whole = net.sample(300, seed=seed, start=start).block
    edges = pairwise([0, *sorted(cuts), 300])
    parts = [net.sample(end - begin, seed=seed, start=start + begin).block for begin, end in edges]
    assert (np.concatenate(parts, axis=1) == whole).all()


@pytest.mark.parametrize("n", [0, 1, TILE - 1, TILE, TILE + 1, 3 * TILE + 17])
@pytest.mark.parametrize("start", [0, 2**32 - TILE - 5, 2**32 - TILE, 2**64 - 4 * TILE])
def test_the_row_index_is_64_bits_wide_in_every_tile(n, start):
    net = random_net(11, 6)
    assert (net.sample(n, seed=3, start=start).block == oracle_sample(net, n, 3, start)).all()


def chi_square_z(observed: np.ndarray, expected: np.ndarray) -> float:
    """Wilson and Hilferty's normal score of Pearson's statistic; cells that expect fewer than 5 are pooled."""
    rare = expected < 5.0
    observed = np.append(observed[~rare], observed[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    observed, expected = observed[expected > 0.0], expected[expected > 0.0]
    degrees = len(expected) - 1
    if degrees == 0:
        return 0.0
    statistic = ((observed - expected) ** 2 / expected).sum()
    spread = 2.0 / (9.0 * degrees)
    return ((statistic / degrees) ** (1.0 / 3.0) - (1.0 - spread)) / math.sqrt(spread)


@given(nets(max_vars=6, max_states=3), keys)
def test_samples_follow_the_joint_distribution(net, seed):
    n = 20_000
    cells = plain(net).assignments()
    probabilities = np.exp(net.log_prob(cells.T))
    x = net.sample(n, seed=seed)
    counts = np.bincount(np.ravel_multi_index(x.block, plain(net).sizes), minlength=cells.shape[1])
    assert (counts[probabilities == 0.0] == 0).all()
    assert (counts[probabilities == 1.0] == n).all()
    assert chi_square_z(counts, n * probabilities) < 5.0


def test_clusters_do_not_make_variables_dependent():
    """Far-apart coins share clusters, hence words: every pair of them must still look independent."""
    net = fd.BayesNet({f"x{v}": fd.Bernoulli(0.5) for v in range(40)})
    x = np.asarray(net.sample(50_000, seed=0)).astype(float)
    correlations = np.corrcoef(x.T) - np.eye(40)
    assert np.abs(correlations).max() < 5.0 / math.sqrt(50_000)


# --- the second word ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [0, 4, TILE - 1, TILE, 2 * TILE + 3])
@pytest.mark.parametrize("side", [-1, 0, 1])
def test_a_draw_on_the_threshold_is_decided_by_the_second_word(row, side):
    """The slot's threshold is the 64-bit number of a row, or its neighbour: only there the rows may differ."""
    seed, n = 12, 3 * TILE
    numbers = reference.draws(seed, np.arange(n, dtype=np.uint64), 0)
    share = (int(numbers[row]) & (2**63 - 1)) + side
    half = int(numbers[row]) >> 63  # the net's table has two slots; all numbers of this half use the forged one
    net = fd.BayesNet({"coin": fd.Bernoulli(0.5)})
    slots = np.full(2, 1 << 16 | 1, np.uint64)  # outcome 1 whatever the fraction
    fine = np.zeros(2, np.uint32)
    threshold = share << 1
    slots[half] = threshold >> 32 << 32 | 1 << 16  # outcome 0 below the threshold, 1 from it on
    fine[half] = threshold & 0xFFFFFFFF
    plan = plans_of(net).sampling._replace(slots=slots, fine=fine)
    out = np.empty((1, n), np.uint8)
    cpt.sample_cpu(0, n, np.uint64(seed), np.uint64(0), plan, out)
    expected = [int(number >> 63 != half or (number & (2**63 - 1)) >= share) for number in numbers.tolist()]
    assert out[0].tolist() == expected
    assert out[0, row] == int(side <= 0)


@pytest.mark.parametrize("towards", [0.0, 1.0])
def test_a_network_whose_probability_is_a_row_s_own_number(towards):
    """P(x = 0) one float below and above the uniform of a row: 32 bits cannot tell, the sample must."""
    seed = 3
    numbers = reference.draws(seed, np.arange(1000, dtype=np.uint64), 0)
    row = int(np.flatnonzero((numbers >> np.uint64(63)) == 0)[17])
    zero = float(np.nextafter(int(numbers[row]) / 2**64, towards))
    net = fd.BayesNet({"x": fd.Categorical([zero, 1.0 - zero])})
    word = reference.random_words(seed, np.array([row], np.uint64), 0, philox.STREAM_SAMPLE)[0]
    assert alias.undecided(np.uint32(word), plans_of(net).sampling.slots[0], np.uint32(1))
    x = net.sample(1000, seed=seed)
    assert x.block[0, row] == (1 if towards == 0.0 else 0)
    assert (x.block == oracle_sample(net, 1000, seed)).all()


# --- scoring --------------------------------------------------------------------------------------------


@given(nets())
def test_probabilities_sum_to_one(net):
    assert np.exp(net.log_prob(plain(net).assignments().T)).sum() == pytest.approx(1.0, abs=1e-12)


@given(nets(max_vars=12), st.integers(0, 1000))
def test_log_prob_equals_the_oracle(net, seed):
    codes = np.concatenate([codes_of(net, 50, seed), net.sample(50, seed=seed)])
    terms = reference.log_prob_per_variable(codes.T, *plain(net))
    assert_same_sums(net.log_prob(codes), terms)
    assert_same_sums(net.log_prob(np.asfortranarray(codes.astype(np.uint8))), terms)
    np.testing.assert_allclose(net.log_prob(codes, per_variable=True), terms.T, rtol=1e-15, atol=0)


@given(nets(max_vars=12))
def test_terms_sum_to_log_prob(net):
    x = net.sample(100, seed=1)
    assert_same_sums(net.log_prob(x), net.log_prob(x, per_variable=True).T)
    assert np.isfinite(net.log_prob(x)).all()


@pytest.mark.parametrize("n_states", MANY_STATES)
def test_log_prob_of_many_states(n_states):
    net = net_of_cardinality(n_states)
    codes = codes_of(net, 1000)
    terms = reference.log_prob_per_variable(codes.T, *plain(net))
    assert_same_sums(net.log_prob(codes), terms)
    assert_same_sums(net.log_prob(net.sample(10, seed=0)[:0]), terms[:, :0])


@pytest.mark.parametrize("n", [0, 1, 7, 8, 511, 512, TILE - 1, TILE, TILE + 1, 2 * TILE + 9])
def test_every_size_of_the_last_tile(n):
    net = net_with_a_large_table(*MORE_THAN_2_16)
    codes = codes_of(net, n)
    terms = reference.log_prob_per_variable(codes.T, *plain(net))
    for data in (codes, codes.astype(np.uint8), np.asfortranarray(codes.astype(np.uint8)), codes[:, ::-1][:, ::-1]):
        assert_same_sums(net.log_prob(data), terms)
        assert_same_sums(net.log_prob(data, per_variable=True).sum(axis=1), terms)


def test_impossible_rows_are_minus_infinity():
    net = fd.BayesNet({"a": fd.Bernoulli(0.0), "b": fd.CPT(["a"], [[0.5, 0.5], [1.0, 0.0]])})
    assert net.log_prob([[0, 1], [1, 0], [1, 1]]).tolist() == [math.log(0.5), -math.inf, -math.inf]
    assert net.log_prob([[1, 1]], per_variable=True).tolist() == [[-math.inf, -math.inf]]


def test_log_prob_accumulates_in_float64():
    net = fd.BayesNet({f"x{v}": fd.Bernoulli(1e-3) for v in range(3000)})
    assert net.log_prob(np.zeros((1, 3000), np.uint8))[0] == pytest.approx(3000 * math.log1p(-1e-3), rel=1e-12)


# --- types ----------------------------------------------------------------------------------------------


def index_types(function: Any, array: str) -> set[str]:
    """numba's types of everything that subscripts the array of this name in the compiled versions of a loop."""
    found = set()
    for version in function.overloads.values():
        types = version.type_annotation.typemap
        for block in version.type_annotation.blocks.values():
            reads = [e for e in block.find_exprs("getitem") if e.value.name.split(".")[0] == array]
            writes = [e for e in block.find_insts(ir.SetItem) if e.target.name.split(".")[0] == array]
            found |= {str(types[subscript.index.name]) for subscript in (*reads, *writes)}
    return found


@pytest.mark.parametrize("index_type", [np.uint16, np.uint32])
def test_gathers_are_indexed_by_unsigned_64_bit_integers(index_type):
    """A signed index costs a wrap-around check in every gather, and uint64 + int silently becomes one."""
    index = np.zeros(9, index_type)
    add_table, gather_slots, count = map(compiled, (cpt.add_table, alias.gather_slots, cpt._count))
    add_table(np.zeros(9), index, np.zeros(4), 9)
    assert index_types(add_table, "table") == {"uint64"}
    gather_slots(np.zeros(8, np.uint32), np.zeros(4, np.uint64), 8, np.zeros(8, np.uint64))
    assert index_types(gather_slots, "slots") == {"uint64"}
    count(index, None, np.zeros((4, 4), np.uint32), 8)
    assert {t for lane in ("first", "second", "third", "fourth") for t in index_types(count, lane)} == {"uint64"}


@settings(max_examples=20)
@given(nets(max_vars=4), st.integers(0, 3))
def test_plans_have_the_types_that_were_compiled(net, _):
    plans = plans_of(net)
    expected = {"slots": np.uint64, "table_start": np.uint64, "first_word": np.uint64, "table": np.float64}
    for plan in (plans.sampling, plans.scoring, plans.scoring_per_variable):
        for field, array in plan._asdict().items():
            assert array.dtype == expected.get(field, np.uint32), field
            assert array.flags.c_contiguous
