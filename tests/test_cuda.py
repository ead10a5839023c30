"""CUDA twins of the loops over tables against these, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from device import run
from random_nets import codes_of, plain, random_net, random_table
from tables import plans_of

import fastdgm as fd
from fastdgm.engines.tables.plan import family_counts
from fastdgm.kernels import cpt
from fastdgm.kernels.cpt import SamplingPlan

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def loops():
    from fastdgm.engines.tables.loops_cuda import LOOPS

    return LOOPS


def sample_on_device(loops, plan: SamplingPlan, out: np.ndarray, seed: int, start: int = 0) -> np.ndarray:
    run(loops["sample", "cuda"], out.shape[1], np.uint64(seed), np.uint64(start), plan, out)
    return out


NETS = {
    "small": random_net(3, 8),
    "many clusters": fd.BayesNet(
        {f"x{v}": fd.Categorical(random_table(np.random.default_rng(v), (5,))) for v in range(40)}
    ),
    "257 states": fd.BayesNet({"x": fd.Categorical(random_table(np.random.default_rng(0), (257,)))}),
}


@pytest.mark.parametrize("net", NETS.values(), ids=NETS.keys())
@pytest.mark.parametrize("start", [0, 2**32 - 20, 2**64 - 50])
def test_samples_are_those_of_the_cpu(loops, net, start):
    x = net.sample(50, seed=2**63 + 1, start=start)
    out = np.empty_like(x.block)
    assert (sample_on_device(loops, plans_of(net).sampling, out, 2**63 + 1, start) == x.block).all()


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_a_draw_on_the_threshold_is_decided_by_the_second_word(loops, side):
    seed, n, row = 12, 30, 17
    numbers = reference.draws(seed, np.arange(n, dtype=np.uint64), 0)
    share = (int(numbers[row]) & (2**63 - 1)) + side
    half = int(numbers[row]) >> 63
    slots, fine = np.full(2, 1 << 16 | 1, np.uint64), np.zeros(2, np.uint32)
    slots[half] = share >> 31 << 32 | 1 << 16
    fine[half] = share << 1 & 0xFFFFFFFF
    plan = plans_of(fd.BayesNet({"coin": fd.Bernoulli(0.5)})).sampling._replace(slots=slots, fine=fine)
    out = sample_on_device(loops, plan, np.empty((1, n), np.uint8), seed)
    on_cpu = np.empty((1, n), np.uint8)
    cpt.sample_cpu(0, n, np.uint64(seed), np.uint64(0), plan, on_cpu)
    assert (out == on_cpu).all()
    assert out[0, row] == int(side <= 0)


@pytest.mark.parametrize("net", NETS.values(), ids=NETS.keys())
def test_log_prob(loops, net):
    codes = np.ascontiguousarray(codes_of(net, 50).T.astype(plans_of(net).dtype))
    out, terms = np.empty(50), np.empty(codes.shape)
    plans = plans_of(net)
    run(loops["log_prob columns", "cuda"], 50, plans.scoring, plans.largest, codes, out)
    run(loops["log_prob per variable", "cuda"], 50, plans.scoring_per_variable, plans.largest, codes, terms)
    assert (out == net.log_prob(codes.T)).all()
    assert (terms == net.log_prob(codes.T, per_variable=True).T).all()


def test_counts(loops):
    net = NETS["small"]
    codes = np.ascontiguousarray(codes_of(net, 50).T.astype(np.uint8))
    weights = np.arange(50.0)
    counts = np.zeros((4, int(plans_of(net).counting.table_start[-1])))
    run(loops["count", "cuda"], 50, plans_of(net).counting, plans_of(net).largest, codes, weights, counts)
    expected = reference.count(codes, plain(net).parents, plain(net).sizes, weights)
    for own, table in zip(expected, family_counts(plans_of(net), counts.sum(axis=0)), strict=True):
        assert (own == table).all()


@pytest.mark.parametrize("bad", [[], [0], [49], [31, 7, 40]])
def test_the_first_bad_row_is_found(loops, bad):
    net = NETS["small"]
    codes = np.zeros((len(net), 50), np.uint8)
    codes[3, bad] = 200
    first = np.array([50], np.int64)
    run(loops["first bad row", "cuda"], 50, plans_of(net).largest, codes, first)
    assert first[0] == min(bad, default=50)
    assert plain(net).sizes[3] < 200


def test_codes_out_of_range_give_nan_and_are_not_counted(loops):
    net, plans = NETS["small"], plans_of(NETS["small"])
    codes = np.ascontiguousarray(codes_of(net, 50).T.astype(np.uint8))
    right, bad = net.log_prob(codes.T), [0, 31, 49]
    codes[3, bad] = plans.largest[3] + 1
    out, terms = np.empty(50), np.empty(codes.shape)
    run(loops["log_prob columns", "cuda"], 50, plans.scoring, plans.largest, codes, out)
    run(loops["log_prob per variable", "cuda"], 50, plans.scoring_per_variable, plans.largest, codes, terms)
    assert np.isnan(out[bad]).all() and np.isnan(terms[3, bad]).all()
    good = np.delete(np.arange(50), bad)
    assert (out[good] == right[good]).all()
    counts = np.zeros((4, int(plans.counting.table_start[-1])))
    run(loops["count", "cuda"], 50, plans.counting, plans.largest, codes, np.ones(50), counts)
    per_cluster = np.add.reduceat(counts.sum(axis=0), plans.counting.table_start[:-1].astype(int))
    scopes = np.split(plans.counting.scope_column, plans.counting.scope_start[1:-1])
    assert per_cluster.tolist() == [47 if 3 in scope else 50 for scope in scopes]
