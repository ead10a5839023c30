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


def run_packed(twin, n: int, packed, *arguments) -> None:
    """A twin with the shared memory of its packed plan."""
    run(twin._replace(shared_bytes=packed.shared_bytes), n, *arguments)


def sample_on_device(loops, plan: SamplingPlan, out: np.ndarray, seed: int, start: int = 0) -> np.ndarray:
    from fastdgm.engines.tables.cuda_plan import packed_sampling

    packed = packed_sampling(plan)
    key = np.uint64(seed), np.uint64(start)
    run_packed(loops["sample", "cuda"], out.shape[1], packed, *key, packed.words, packed.cells, out)
    return out


def score_on_device(loops, verb: str, plan, largest: np.ndarray, codes: np.ndarray, out: np.ndarray, **options) -> None:
    from fastdgm.engines.tables.cuda_plan import packed_scoring

    packed = packed_scoring(plan, largest, **options)
    run_packed(loops[verb, "cuda"], out.shape[-1], packed, packed.words, packed.cells, codes, out)


def count_on_device(loops, plans, codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    from fastdgm.engines.tables.cuda_plan import packed_scoring

    verb = "count rows" if weights is None else "count"
    counts = np.zeros(int(plans.counting.table_start[-1]), np.uint64 if weights is None else np.float64)
    packed = packed_scoring(plans.counting, plans.largest, bytes_per_cell=4 if weights is None else 8)
    own = () if weights is None else (weights,)
    run_packed(loops[verb, "cuda"], codes.shape[1], packed, packed.words, codes, *own, counts)
    return counts


NETS = {
    "small": random_net(3, 8),
    "many clusters": fd.BayesNet(
        {f"x{v}": fd.Categorical(random_table(np.random.default_rng(v), (5,))) for v in range(40)}
    ),
    "257 states": fd.BayesNet({"x": fd.Categorical(random_table(np.random.default_rng(0), (257,)))}),
}


@pytest.mark.parametrize("net", NETS.values(), ids=NETS.keys())
@pytest.mark.parametrize(("n", "start"), [(48, 0), (49, 2**32 - 20), (50, 2**64 - 52)])
def test_samples_are_those_of_the_cpu(loops, net, n, start):
    x = net.sample(n, seed=2**63 + 1, start=start)
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
@pytest.mark.parametrize("n", [48, 49])
def test_log_prob(loops, net, n):
    codes = np.ascontiguousarray(codes_of(net, n).T.astype(plans_of(net).dtype))
    out, terms = np.empty(n), np.empty(codes.shape)
    plans = plans_of(net)
    score_on_device(loops, "log_prob columns", plans.scoring, plans.largest, codes, out)
    each = {"rows": plans.columns}
    score_on_device(loops, "log_prob per variable", plans.scoring_per_variable, plans.largest, codes, terms, **each)
    assert (out == net.log_prob(codes.T)).all()
    assert (terms == net.log_prob(codes.T, per_variable=True).T).all()


@pytest.mark.parametrize("n", [48, 51])
def test_counts_are_those_of_the_cpu(loops, n):
    net = NETS["small"]
    codes = np.ascontiguousarray(codes_of(net, n).T.astype(np.uint8))
    for weights in (None, np.arange(float(n)), np.linspace(0.0, 1.0, n, dtype=np.float32)):
        own = np.ones(n) if weights is None else weights
        expected = reference.count(codes, plain(net).parents, plain(net).sizes, own)
        counts = count_on_device(loops, plans_of(net), codes, weights)
        for count, table in zip(expected, family_counts(plans_of(net), counts), strict=True):
            np.testing.assert_allclose(table, count, rtol=0 if weights is None else 1e-12)


@pytest.mark.parametrize("room", [0, 100, 1 << 20])
def test_tables_without_room_in_shared_memory_are_read_and_counted_where_they_are(loops, monkeypatch, room):
    from fastdgm.engines.tables import cuda_plan

    monkeypatch.setattr(cuda_plan, "SHARED_BYTES", room)
    net, n = NETS["small"], 30
    plans, x = plans_of(net), net.sample(n, seed=3)
    assert (sample_on_device(loops, plans.sampling, np.empty_like(x.block), 3) == x.block).all()
    out = np.empty(n)
    score_on_device(loops, "log_prob columns", plans.scoring, plans.largest, x.block, out)
    assert (out == net.log_prob(x)).all()
    expected = reference.count(x.block, plain(net).parents, plain(net).sizes, np.ones(n))
    for count, table in zip(expected, family_counts(plans, count_on_device(loops, plans, x.block)), strict=True):
        assert (count == table).all()


def test_codes_out_of_range_give_nan_and_are_not_counted(loops):
    net, plans = NETS["small"], plans_of(NETS["small"])
    codes = np.ascontiguousarray(codes_of(net, 50).T.astype(np.uint8))
    right, bad = net.log_prob(codes.T), [0, 31, 49]
    codes[3, bad] = plans.largest[3] + 1
    out, terms = np.empty(50), np.empty(codes.shape)
    score_on_device(loops, "log_prob columns", plans.scoring, plans.largest, codes, out)
    each = {"rows": plans.columns}
    score_on_device(loops, "log_prob per variable", plans.scoring_per_variable, plans.largest, codes, terms, **each)
    assert np.isnan(out[bad]).all() and np.isnan(terms[3, bad]).all()
    good = np.delete(np.arange(50), bad)
    assert (out[good] == right[good]).all()
    counts = count_on_device(loops, plans, codes)
    per_cluster = np.add.reduceat(counts, plans.counting.table_start[:-1].astype(int))
    scopes = np.split(plans.counting.scope_column, plans.counting.scope_start[1:-1])
    assert per_cluster.tolist() == [47 if 3 in scope else 50 for scope in scopes]
