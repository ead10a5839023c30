"""The twins of the loops over tables, on a shipped network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.engines.tables.loops_cuda import LOOPS
from fastdgm.engines.tables.plan import Plans

SEED = 2**63 + 1


def table_cases(name: str, n: int) -> Iterator[Case]:
    """Sampling, scoring, counting and the check of ranges of n rows of a network."""
    net = fd.example(name)
    (engine,) = net._program.scoring
    plans, x = engine.plans, net.sample(n, seed=SEED)
    cells, codes = n * len(net), x.block

    def case(verb: str, inputs: tuple[Any, ...], expected: np.ndarray, n_bytes: int, cpu: Callable[[], Any]) -> Case:
        twin, out = LOOPS[verb, "cuda"], np.full_like(expected, 77)
        return Case(f"{name} {verb}", twin, inputs, (out,), (expected,), 0.0, n, cells, n_bytes, cpu)

    key, start = np.uint64(SEED), np.uint64(0)
    draw = case("sample", (key, start, plans.sampling), codes, codes.nbytes, lambda: net.sample(n, seed=SEED))
    yield draw._replace(n_words=n * len(plans.sampling.slot_bits))
    yield case(
        "log_prob columns",
        (plans.scoring, plans.largest, codes),
        net.log_prob(x),
        codes.nbytes + 8 * n,
        lambda: net.log_prob(x),
    )
    states = np.array([net.log_prob(np.where(np.arange(len(net)) == 0, k, codes.T)) for k in range(2)])
    yield case(
        "log_prob of states",
        (plans.scoring_of_states(0), plans.largest, codes),
        states,
        codes.nbytes + states.nbytes,
        lambda: net.predict_proba(x, net.names[0]),
    )._replace(tolerance=1e-12)
    few, part = codes[:, : n // 4].copy(), x[: n // 4]
    yield case(
        "log_prob per variable",
        (plans.scoring_per_variable, plans.largest, few),
        net.log_prob(part, per_variable=True).T.copy(),
        few.nbytes + 8 * few.size,
        lambda: net.log_prob(part, per_variable=True),
    )._replace(rows=n // 4, cells=few.size)
    counts, again = counts_of(plans, codes), fd.BayesNet(net.conditionals)
    yield case(
        "count", (plans.counting, plans.largest, codes, np.ones(n)), counts, codes.nbytes, lambda: again.fit(x)
    )._replace(outputs=(np.zeros_like(counts),))
    broken = codes.copy()
    broken[-1, -1] = 255
    yield case(
        "first bad row",
        (plans.largest, broken),
        np.array([n - 1]),
        codes.nbytes,
        lambda: (codes > plans.largest[:, None]).any(),
    )._replace(outputs=(np.array([n]),))


def counts_of(plans: Plans, codes: np.ndarray) -> np.ndarray:
    """What the twin adds up in its four tables: rows i, i + 4, ... share one."""
    plan, rows = plans.counting, np.arange(codes.shape[1])
    counts = np.zeros((4, int(plan.table_start[-1])))
    for c in range(len(plan.table_start) - 1):
        begin, end = (int(plan.table_start[k]) for k in (c, c + 1))
        own = slice(plan.scope_start[c], plan.scope_start[c + 1])
        cells = np.zeros(len(rows), np.int64)
        for stride, column in zip(plan.scope_stride[own], plan.scope_column[own], strict=True):
            cells += int(stride) * codes[column].astype(np.int64)
        index = (rows & 3) * (end - begin) + cells
        counts[:, begin:end] = np.bincount(index, minlength=4 * (end - begin)).reshape(4, -1)
    return counts
