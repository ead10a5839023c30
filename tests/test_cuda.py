"""CUDA twins against the CPU loops, bit for bit: on a GPU, or in numba's simulator (NUMBA_ENABLE_CUDASIM=1)."""

from __future__ import annotations

import os

import numpy as np
import pytest
import reference
from random_nets import codes_of, plain, random_net, random_table
from tables import plans_of

import fastdgm as fd
from fastdgm.engines.tables.plan import family_counts
from fastdgm.kernels import cpt
from fastdgm.kernels.cpt import SamplingPlan, ScoringPlan

GRID = 2, 4  # the simulator's cost is its threads: a tiny grid, so that every thread walks several rows


def why_not() -> str:
    if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        return ""
    from numba import cuda

    return "" if cuda.is_available() else "no GPU: set NUMBA_ENABLE_CUDASIM=1 to run this in numba's simulator"


pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.filterwarnings("ignore:.*Grid size"),  # so tiny a grid is no way to use a real GPU
]


@pytest.fixture(scope="module")
def twins():
    from fastdgm.kernels import cpt_cuda

    return {name: getattr(cpt_cuda, name) for name in cpt_cuda.__all__}


def launch(twin, *arguments):
    """Copy the arrays to the device, run, and copy the last one back into place."""
    from numba import cuda

    *inputs, out = arguments
    device_out = cuda.to_device(out)
    twin[GRID](*(_to_device(argument) for argument in inputs), device_out)
    device_out.copy_to_host(out)


def _to_device(argument):
    from numba import cuda

    if isinstance(argument, SamplingPlan | ScoringPlan):
        return type(argument)(*(cuda.to_device(array) for array in argument))
    return cuda.to_device(argument) if isinstance(argument, np.ndarray) else argument


def sample_on_device(twins, plan: SamplingPlan, out: np.ndarray, seed: int, start: int = 0) -> np.ndarray:
    launch(twins["sample_cuda"], np.uint64(seed), np.uint64(start), plan, out)
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
def test_samples_are_those_of_the_cpu(twins, net, start):
    x = net.sample(50, seed=2**63 + 1, start=start)
    out = np.empty_like(x.block)
    assert (sample_on_device(twins, plans_of(net).sampling, out, 2**63 + 1, start) == x.block).all()


@pytest.mark.parametrize("side", [-1, 0, 1])
def test_a_draw_on_the_threshold_is_decided_by_the_second_word(twins, side):
    seed, n, row = 12, 30, 17
    numbers = reference.draws(seed, np.arange(n, dtype=np.uint64), 0)
    share = (int(numbers[row]) & (2**63 - 1)) + side
    half = int(numbers[row]) >> 63
    slots, fine = np.full(2, 1 << 16 | 1, np.uint64), np.zeros(2, np.uint32)
    slots[half] = share >> 31 << 32 | 1 << 16
    fine[half] = share << 1 & 0xFFFFFFFF
    plan = plans_of(fd.BayesNet({"coin": fd.Bernoulli(0.5)})).sampling._replace(slots=slots, fine=fine)
    out = sample_on_device(twins, plan, np.empty((1, n), np.uint8), seed)
    on_cpu = np.empty((1, n), np.uint8)
    cpt.sample_cpu(0, n, np.uint64(seed), np.uint64(0), plan, on_cpu)
    assert (out == on_cpu).all()
    assert out[0, row] == int(side <= 0)


@pytest.mark.parametrize("net", NETS.values(), ids=NETS.keys())
def test_log_prob(twins, net):
    codes = np.ascontiguousarray(codes_of(net, 50).T.astype(plans_of(net).dtype))
    out, terms = np.empty(50), np.empty(codes.shape)
    launch(twins["log_prob_cuda"], plans_of(net).scoring, plans_of(net).largest, codes, out)
    launch(twins["log_prob_per_variable_cuda"], plans_of(net).scoring_per_variable, plans_of(net).largest, codes, terms)
    assert (out == net.log_prob(codes.T)).all()
    assert (terms == net.log_prob(codes.T, per_variable=True).T).all()


def test_counts(twins):
    net = NETS["small"]
    codes = np.ascontiguousarray(codes_of(net, 50).T.astype(np.uint8))
    weights = np.arange(50.0)
    counts = np.zeros((4, int(plans_of(net).counting.table_start[-1])))
    launch(twins["count_cuda"], plans_of(net).counting, plans_of(net).largest, codes, weights, counts)
    expected = reference.count(codes, plain(net).parents, plain(net).sizes, weights)
    for own, table in zip(expected, family_counts(plans_of(net), counts.sum(axis=0)), strict=True):
        assert (own == table).all()


@pytest.mark.parametrize("bad", [[], [0], [49], [31, 7, 40]])
def test_the_first_bad_row_is_found(twins, bad):
    net = NETS["small"]
    codes = np.zeros((len(net), 50), np.uint8)
    codes[3, bad] = 200
    first = np.array([50], np.int64)
    launch(twins["in_range_cuda"], plans_of(net).largest, codes, first)
    assert first[0] == min(bad, default=50)
    assert plain(net).sizes[3] < 200
