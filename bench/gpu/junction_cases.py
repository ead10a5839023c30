"""The twins of the dense engine of evidence: rows with missing values of a shipped network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from case import Case
from sliced_cases import arrays

import fastdgm as fd
from fastdgm.data.evidence_rows import as_evidence
from fastdgm.engines.junction.dense import DenseEngine
from fastdgm.engines.junction.dense_program import evidence_program, marginals_program, states_plan
from fastdgm.engines.junction.dense_steps import lowered
from fastdgm.engines.junction.loops import LOOPS as CPU_LOOPS
from fastdgm.engines.junction.loops_cuda import LOOPS
from fastdgm.kernels.junction import DenseAnswers, DenseScratch, new_scratch
from fastdgm.kernels.junction_states import FoundStates
from fastdgm.kernels.junction_vectors import COUNT_LANES, LANES

SHARE = 0.2  # of the values is missing


def junction_cases(name: str, n_tiles: int, n_threads: int) -> Iterator[Case]:
    """Whole tiles of rows, worked on by so many threads: log p(e), marginals, most probable rows and draws."""
    net, n = fd.example(name), n_tiles * LANES
    exact = net._exact
    engine = DenseEngine(exact.engine.tree, exact.families, exact.tables, exact.n_states)
    codes = np.asarray(net.sample(n, seed=0))
    hidden = np.random.default_rng(0).random(codes.shape) < SHARE
    known = engine.read(as_evidence(np.where(hidden, np.uint8(255), codes), exact.schema).read(0, n))
    merged, single = (
        lowered(exact.engine.tree, exact.families, exact.tables, exact.n_states, merged=own) for own in (True, False)
    )
    for verb, program, n_cells in (
        ("log evidence", evidence_program(merged), 0),
        ("marginals", marginals_program(merged), sum(exact.n_states)),
    ):
        answers = DenseAnswers(
            np.zeros(n, np.bool_), np.zeros(n), np.zeros(n_cells * n), n if n_cells else 0, np.zeros((0, COUNT_LANES))
        )
        inputs = (program, known, np.ones(n))
        scratch = new_scratch(program), new_scratch(program, n_threads)
        yield junction_case(f"{name} {verb}", "answer", inputs, scratch, answers, codes)
    plan = states_plan(single)
    for verb, random in (("most probable", ()), ("draw", (np.uint64(3), np.arange(n, dtype=np.uint64)))):
        states = FoundStates(np.zeros(n, np.bool_), np.zeros(n), np.zeros(codes.T.shape, np.uint8))
        scratch = new_scratch(plan.program), new_scratch(plan.program, n_threads)
        yield junction_case(f"{name} {verb}", verb, (*random, plan, known), scratch, states, codes)


def junction_case(
    name: str,
    verb: str,
    inputs: tuple[Any, ...],
    scratch: tuple[DenseScratch, DenseScratch],
    answers: DenseAnswers | FoundStates,
    codes: np.ndarray,
) -> Case:
    """The CPU's loop, which has the first scratch, fills what is right."""
    n, (host, device) = len(codes), scratch
    right = type(answers)(*(own.copy() if isinstance(own, np.ndarray) else own for own in answers))

    def cpu() -> None:
        CPU_LOOPS[verb, "cpu"](0, n, *inputs, host, right)

    cpu()
    expected = [None for _ in arrays(device)] + [own if own.size else None for own in arrays(right)]
    n_bytes = codes.nbytes + sum(own.nbytes for own in arrays(answers))
    twin = LOOPS[verb, "cuda"]
    return Case(name, twin, inputs, (device, answers), tuple(expected), 1e-10, n, codes.size, n_bytes, cpu)
