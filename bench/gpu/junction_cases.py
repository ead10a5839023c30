"""The twins of the dense engine of evidence: rows with missing values of a shipped network."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.data.evidence_rows import as_evidence
from fastdgm.engines.junction.cuda_run import SHARED_BYTES, n_threads
from fastdgm.engines.junction.dense import DenseEngine
from fastdgm.engines.junction.dense_packed import Known, packed, packed_states
from fastdgm.engines.junction.dense_program import evidence_program, marginals_program, states_plan
from fastdgm.engines.junction.dense_steps import lowered
from fastdgm.engines.junction.loops_cuda import LOOPS
from fastdgm.kernels.junction_cuda import CudaAnswers, CudaEvidence
from fastdgm.kernels.junction_states_cuda import CudaDraws, CudaStates
from fastdgm.kernels.junction_vectors import LANES

SHARE = 0.2  # of the values is missing
NO_LIKELIHOODS = np.zeros((1, 1))


def junction_cases(name: str, n_tiles: int, n_columns: int) -> Iterator[Case]:
    """log p(e), marginals, most probable rows and draws, where it is not shared in workspaces for so many rows."""
    net, n = fd.example(name), n_tiles * LANES
    exact = net._exact
    network = exact.engine.tree, exact.families, exact.tables, exact.n_states
    codes = np.asarray(net.sample(n, seed=0))
    hidden = np.random.default_rng(0).random(codes.shape) < SHARE
    evidence = as_evidence(np.where(hidden, np.uint8(255), codes), exact.schema).read(0, n)
    known, cpu = CudaEvidence(evidence.codes, NO_LIKELIHOODS), DenseEngine(*network)
    log_p, marginals = np.empty(n), np.empty((sum(exact.n_states), n))
    cpu.marginals(evidence, log_p, marginals)
    first_cell = dict(enumerate(accumulate(exact.n_states, initial=0)))
    parts = [marginals[first_cell[v] : first_cell[v + 1]].T.ravel() for v in range(len(exact.n_states))]
    merged, status = lowered(*network, merged=True), np.full(2, n)
    for verb, program, cells in (
        ("log evidence", evidence_program(merged), np.zeros(1)),
        ("marginals", marginals_program(merged), np.concatenate(parts)),
    ):
        own = packed(program, n_threads(), Known(), first_cell)
        answers = CudaAnswers(np.zeros(n), np.zeros(len(cells)), status)
        n_bytes = codes.nbytes + log_p.nbytes + cells.nbytes * (verb == "marginals")
        memory, twin = (_slabs(own.n_cells, n_columns),), LOOPS["packed answer", "cuda"]
        if 8 * own.n_cells <= SHARED_BYTES:
            shared = LOOPS["packed answer in shared memory", "cuda"]
            memory, twin = (), shared._replace(shared_bytes=8 * own.n_cells)
        expected = (*[None for _ in memory], log_p, cells, None)
        inputs, outputs = (own.program, known), (*memory, answers)

        def run(verb: str = verb) -> None:
            cpu.log_evidence(evidence, log_p) if verb == "log evidence" else cpu.marginals(evidence, log_p, marginals)

        yield Case(f"{name} {verb}", twin, inputs, outputs, expected, 1e-10, n, codes.size, n_bytes, run)
    yield from _states_cases(name, network, known, n_columns, (cpu, evidence))


def _states_cases(
    name: str, network: tuple[Any, ...], known: CudaEvidence, n_columns: int, there: tuple[Any, ...]
) -> Iterator[Case]:
    cpu, evidence = there
    plan, (n_vars, n) = states_plan(lowered(*network, merged=False)), known.codes.shape
    own, words = packed(plan.program, n_threads(), Known(), {}), packed_states(plan, n_threads())
    memory, rows = _slabs(own.n_cells, n_columns), np.arange(n, dtype=np.uint64)
    codes = np.empty((2, n_vars, n), np.uint8)
    runs = {
        "most probable": lambda: cpu.most_probable(evidence, np.empty(n), codes[0]),
        "draw": lambda: cpu.draw(evidence, 3, rows, codes[1]),
    }
    for number, (verb, run) in enumerate(runs.items()):
        run()
        draws = (CudaDraws(np.uint64(3), np.uint64(0), 1),) if verb == "draw" else ()
        inputs = (*draws, own.program, words, known)
        outputs = (memory, CudaStates(np.zeros((n_vars, n), np.uint8), np.full(2, n)))
        expected, n_bytes = (None, codes[number], None), 2 * known.codes.nbytes
        twin = LOOPS[f"packed {verb}", "cuda"]
        yield Case(f"{name} {verb}", twin, inputs, outputs, expected, 1e-5, n, codes[0].size, n_bytes, run)


def _slabs(n_cells: int, n_columns: int) -> np.ndarray:
    """Memory for blocks of a program."""
    return np.zeros(n_cells * max(1, n_columns // n_threads()))
