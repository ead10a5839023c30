"""The twins of sliced elimination: rows with missing values, each with the programs that the host lowered for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.data.evidence_rows import as_evidence
from fastdgm.engines.junction.sliced_loops import LOOPS as CPU_LOOPS
from fastdgm.engines.junction.sliced_loops_cuda import LOOPS
from fastdgm.engines.junction.sliced_memory import Workspace
from fastdgm.engines.junction.sliced_plan import sliced_plan
from fastdgm.kernels.sliced import SlicedMemory, SlicedNetwork, SlicedRows
from fastdgm.runtime.arrays import read_only

SHARE = 0.2  # of the values is missing
MOST_CELLS = 1 << 22


def sliced_cases(name: str, n: int, repeats: int, n_lines: int) -> Iterator[Case]:
    """n rows of a shipped network and their answers, ``repeats`` times, worked on by so many threads."""
    net = fd.example(name)
    exact = net._exact
    network = sliced_plan(exact.tables, exact.families, exact.n_states, exact.engine.order).network
    codes = np.asarray(net.sample(n, seed=0))
    hidden = np.random.default_rng(0).random(codes.shape) < SHARE
    evidence = as_evidence(np.where(hidden, np.uint8(255), codes), exact.schema).read(0, n)
    for verb, prune in (("log evidence", True), ("marginals", False)):
        yield sliced_case(name, verb, network, evidence.codes, prune, repeats, n_lines)


def sliced_case(
    name: str, verb: str, network: SlicedNetwork, codes: np.ndarray, prune: bool, repeats: int, n_lines: int
) -> Case:
    """The rows are loaded and lowered first: that stays with the host."""
    n, work = codes.shape[1], Workspace(network, MOST_CELLS)
    CPU_LOOPS["load rows", "cpu"](0, n, network, read_only(codes), prune, work.rows, work.tile)
    if CPU_LOOPS["lower rows", "cpu"](0, n, network, work.rows, work.programs, work.lowering) < n:
        raise ValueError(f"programs of {n} rows of {name} do not fit in memory at once")
    rows = repeated(work.rows, n, repeats, network.n_vars)
    memory = work.cells(network, with_slopes=verb == "marginals")
    answers = [np.zeros((n * repeats, network.n_cells))] if verb == "marginals" else []
    expected = [own.copy() for own in answers]
    right = rows._replace(log_p=rows.log_p.copy())

    def cpu() -> None:
        right.log_p[:] = rows.log_p
        CPU_LOOPS[verb, "cpu"](0, n * repeats, network, right, work.programs, memory, *expected)

    cpu()
    lines = SlicedMemory(*(np.tile(own, (n_lines, 1)) for own in memory))
    outputs: tuple[Any, ...] = (rows, work.programs, lines, *answers)
    wanted = [right.log_p if own is rows.log_p else None for own in arrays(outputs[:3])] + expected
    n_bytes = rows.states.nbytes + rows.log_p.nbytes + sum(own.nbytes for own in answers)
    twin, cells = LOOPS[verb, "cuda"], rows.states.size
    return Case(
        f"{name} sliced {verb}", twin, (network,), outputs, tuple(wanted), 1e-10, n * repeats, cells, n_bytes, cpu
    )


def repeated(rows: SlicedRows, n: int, repeats: int, n_vars: int) -> SlicedRows:
    """The first n rows so many times over, one after the other."""
    n_components = rows.component_start[n]
    starts = rows.component_start[:n] + n_components * np.arange(repeats)[:, np.newaxis]
    return rows._replace(
        states=np.tile(rows.states[: n * n_vars], repeats),
        log_p=np.tile(rows.log_p[:n], repeats),
        status=np.tile(rows.status[:n], repeats),
        likelihood_bits=np.tile(rows.likelihood_bits[:n], repeats),
        component_start=np.append(starts, repeats * n_components).astype(np.int32),
        component=np.tile(rows.component[:n_components], repeats),
    )


def arrays(outputs: Any) -> Iterator[np.ndarray]:
    """Of tuples, in turn."""
    for own in outputs:
        if isinstance(own, tuple):
            yield from arrays(own)
        elif isinstance(own, np.ndarray):
            yield own
