"""The twins of the dense engine of exact evidence: all rows of a network take the same steps, whatever is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.data.evidence_rows import as_evidence
from fastdgm.engines.junction.buckets import bucket_tree
from fastdgm.engines.junction.dense import DenseEngine
from fastdgm.engines.junction.dense_program import marginals_program, states_plan
from fastdgm.engines.junction.dense_steps import lowered
from fastdgm.engines.junction.loops import LOOPS as CPU_LOOPS
from fastdgm.engines.junction.loops_cuda import LOOPS
from fastdgm.engines.junction.order import elimination_order
from fastdgm.kernels.junction import DenseAnswers, DenseEvidence, new_scratch
from fastdgm.kernels.junction_states import FoundStates
from fastdgm.kernels.junction_vectors import COUNT_LANES, LANES

SHARE = 0.2  # of the values is missing
VERBS = {"answer": "dense answers", "most probable": "dense states", "draw": "dense draws"}


def junction_cases(name: str, n_tiles: int, n_threads: int) -> Iterator[Case]:
    """Rows of a shipped network, and a workspace for so many threads."""
    net, n = fd.example(name), n_tiles * LANES
    exact = net._exact
    order = elimination_order(exact.families, exact.n_states)
    tree = bucket_tree(exact.families, exact.n_states, order)
    codes = np.asarray(net.sample(n, seed=0))
    hidden = np.random.default_rng(0).random(codes.shape) < SHARE
    rows = as_evidence(np.where(hidden, np.uint8(255), codes), exact.schema).read(0, n)
    evidence = DenseEngine(tree, exact.families, exact.tables, exact.n_states).read(rows)
    program = marginals_program(lowered(tree, exact.families, exact.tables, exact.n_states, merged=True))
    plan = states_plan(lowered(tree, exact.families, exact.tables, exact.n_states, merged=False))
    n_cells = sum(exact.n_states)
    made = [
        DenseAnswers(np.zeros(n, np.bool_), np.zeros(n), np.zeros(n_cells * n), n, np.zeros((0, COUNT_LANES)))
        for _ in range(2)
    ]
    yield _case(name, "answer", program, (program, evidence, np.empty(0)), made, n_threads)
    drawn = (np.uint64(0), np.arange(n, dtype=np.uint64))
    for verb, first in (("most probable", ()), ("draw", drawn)):
        found = [FoundStates(np.zeros(n, np.bool_), np.zeros(n), np.zeros(codes.T.shape, np.uint8)) for _ in range(2)]
        yield _case(name, verb, plan.program, (*first, plan, evidence), found, n_threads)


def _case(name: str, verb: str, program: Any, inputs: tuple[Any, ...], found: list[Any], n_threads: int) -> Case:
    n = len(found[0].log_p)
    own = new_scratch(program)

    def cpu() -> None:
        CPU_LOOPS[verb, "cpu"](0, n, *inputs, own, found[0])

    cpu()
    scratch = new_scratch(program, n_threads)
    right = [part for part in found[0] if isinstance(part, np.ndarray)]
    wanted = (*(None for _ in scratch), *right)
    evidence = next(part for part in inputs if isinstance(part, DenseEvidence))
    n_bytes = evidence.codes.nbytes + sum(part.nbytes for part in right)
    twin, cells = LOOPS[verb, "cuda"], evidence.codes.size
    return Case(f"{name} {VERBS[verb]}", twin, inputs, (scratch, found[1]), wanted, 1e-10, n, cells, n_bytes, cpu)
