"""The twins of the loops over tables, on a shipped network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.engines.tables.cuda_plan import PackedTables, packed_sampling, packed_scoring
from fastdgm.engines.tables.loops_cuda import LOOPS, RESIDENT_BLOCKS, ROWS_PER_THREAD
from fastdgm.engines.tables.plan import Plans

SEED = 2**63 + 1


def table_cases(name: str, n: int) -> Iterator[Case]:
    """Sampling, scoring and counting of n rows of a network."""
    net = fd.example(name)
    (engine,) = net._program.scoring
    plans, x = engine.plans, net.sample(n, seed=SEED)
    codes, key = x.block, (np.uint64(SEED), np.uint64(0))

    def case(
        verb: str, packed: PackedTables, inputs: tuple[Any, ...], expected: np.ndarray, cpu: Callable[[], Any]
    ) -> Case:
        twin, out = LOOPS[verb, "cuda"]._replace(shared_bytes=packed.shared_bytes), np.full_like(expected, 77)
        n_bytes, threads = codes.nbytes + expected.nbytes, -(-n // ROWS_PER_THREAD)
        own = Case(f"{name} {verb}", twin, inputs, (out,), (expected,), 0.0, n, codes.size, n_bytes, cpu)
        return own._replace(threads=min(threads, RESIDENT_BLOCKS * twin.threads_per_block))

    drawn = packed_sampling(plans.sampling)
    draw = case("sample", drawn, (*key, drawn.words, drawn.cells), codes, lambda: net.sample(n, seed=SEED))
    yield draw._replace(n_bytes=codes.nbytes, n_words=n * len(plans.sampling.slot_bits), threads=-(-n // 4))
    whole = packed_scoring(plans.scoring, plans.largest)
    yield case("log_prob columns", whole, (whole.words, whole.cells, codes), net.log_prob(x), lambda: net.log_prob(x))
    states = np.array([net.log_prob(np.where(np.arange(len(net)) == 0, k, codes.T)) for k in range(2)])
    by_state = packed_scoring(plans.scoring_of_states(0), plans.largest, n_tables=2)
    yield case(
        "log_prob of states",
        by_state,
        (by_state.words, by_state.cells, codes),
        states,
        lambda: net.predict_proba(x, net.names[0]),
    )._replace(tolerance=1e-12)
    yield posterior_case(name, states)
    each = packed_scoring(plans.scoring_per_variable, plans.largest, rows=plans.columns)
    yield case(
        "log_prob per variable",
        each,
        (each.words, each.cells, codes),
        net.log_prob(x, per_variable=True).T.copy(),
        lambda: net.log_prob(x, per_variable=True),
    )
    yield from counting_cases(case, plans, codes, lambda: fd.BayesNet(net.conditionals).fit(x))


def posterior_case(name: str, states: np.ndarray) -> Case:
    """Bayes' rule after the log-probabilities (K, n) of all states."""
    verb, n = "posterior of states", states.shape[1]
    weights = np.exp(states - states.max(axis=0))
    shares = (weights / weights.sum(axis=0)).T.ravel()
    status = np.full(2, np.iinfo(np.int64).max)
    return Case(
        f"{name} {verb}",
        LOOPS[verb, "cuda"],
        (states,),
        (np.full_like(shares, 77), status.copy()),
        (shares, status),
        1e-12,
        n,
        states.size,
        states.nbytes + shares.nbytes,
        lambda: np.exp(states - states.max(axis=0)),
    )


def counting_cases(
    case: Callable[..., Case], plans: Plans, codes: np.ndarray, cpu: Callable[[], Any]
) -> Iterator[Case]:
    """Rows, and rows of weight 1."""
    counts, ones = counts_of(plans, codes), np.ones(codes.shape[1])
    narrow = packed_scoring(plans.counting, plans.largest, bytes_per_cell=4)
    wide = packed_scoring(plans.counting, plans.largest)
    yield case("count rows", narrow, (narrow.words, codes), counts, cpu)._replace(
        outputs=(np.zeros_like(counts),), n_bytes=codes.nbytes
    )
    weighted = counts.astype(np.float64)
    yield case("count", wide, (wide.words, codes, ones), weighted, cpu)._replace(
        outputs=(np.zeros_like(weighted),), n_bytes=codes.nbytes + ones.nbytes
    )


def counts_of(plans: Plans, codes: np.ndarray) -> np.ndarray:
    """How many rows are in each cell."""
    plan = plans.counting
    counts = np.zeros(int(plan.table_start[-1]), np.uint64)
    for c in range(len(plan.table_start) - 1):
        begin, end = (int(plan.table_start[k]) for k in (c, c + 1))
        own = slice(plan.scope_start[c], plan.scope_start[c + 1])
        cells = np.zeros(codes.shape[1], np.int64)
        for stride, column in zip(plan.scope_stride[own], plan.scope_column[own], strict=True):
            cells += int(stride) * codes[column].astype(np.int64)
        counts[begin:end] = np.bincount(cells, minlength=end - begin)
    return counts
