"""Of the twins of elimination: sums over hidden variables, dense and sliced evidence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from numba.types import int64

from fastdgm import example
from fastdgm.data.evidence_rows import as_evidence
from fastdgm.engines.elimination.loops_cuda import LOOPS as ELIMINATION
from fastdgm.engines.junction.dense import DenseEngine
from fastdgm.engines.junction.dense_program import marginals_program, states_plan
from fastdgm.engines.junction.dense_steps import lowered
from fastdgm.engines.junction.loops_cuda import LOOPS as JUNCTION
from fastdgm.engines.junction.sliced_loops_cuda import LOOPS as SLICED
from fastdgm.kernels.elimination import EliminationPlan
from fastdgm.kernels.junction import DenseAnswers, new_scratch
from fastdgm.kernels.junction_states import FoundStates
from fastdgm.kernels.sliced import SlicedMemory, SlicedNetwork, SlicedPrograms, SlicedRows

from .signature import Signature, array, plan_type


def evidence_signatures() -> Iterator[Signature]:
    """All verbs."""
    yield from elimination_signatures()
    yield from dense_signatures()
    yield from sliced_signatures()


def elimination_signatures() -> Iterator[Signature]:
    """Of sums over hidden variables."""
    plan = plan_type(EliminationPlan, "uint32", "uint32", "uint32")
    for verb, n_blocks in (("log sums", 1), ("posterior", 2)):
        yield Signature("elimination", verb, "", ELIMINATION[verb, "cuda"], [plan, *[array("float64", 2)] * n_blocks])


def sliced_signatures() -> Iterator[Signature]:
    """Of sliced elimination."""
    network = plan_type(SlicedNetwork, int64, int64, *["int64"] * 12, "float64", "float64", "int64", "int64")
    rows = plan_type(SlicedRows, "int32", "float64", "uint8", int64, "float64", "int32", "int32", "int32", "int32")
    programs = plan_type(SlicedPrograms, int64, "int32", int64, "int32", "int32", "int64")
    memory = plan_type(SlicedMemory, *[array("float64", 2)] * 2, array("int32", 2), array("float64", 2))
    plain = [network, rows, programs, memory]
    yield Signature("sliced elimination", "log evidence", "", SLICED["log evidence", "cuda"], plain)
    yield Signature("sliced elimination", "marginals", "", SLICED["marginals", "cuda"], [*plain, array("float64", 2)])


def dense_signatures() -> Iterator[Signature]:
    """Of dense elimination: the types of a small network's own plans."""
    exact, n = example("asia")._exact, 4
    network = exact.engine.tree, exact.families, exact.tables, exact.n_states
    known = DenseEngine(*network).read(as_evidence(np.full((n, 8), -1), exact.schema).read(0, n))
    flags, numbers = np.zeros(n, np.bool_), np.zeros(n)
    program = marginals_program(lowered(*network, merged=True))
    answers = DenseAnswers(flags, numbers, np.zeros(16 * n), n, np.zeros((0, 4)))
    yield dense_signature("answer", program, known, numbers, new_scratch(program, n), answers)
    plan = states_plan(lowered(*network, merged=False))
    found = FoundStates(flags, numbers, np.zeros((8, n), np.uint8))
    arguments = plan, known, new_scratch(plan.program, n), found
    yield dense_signature("most probable", *arguments)
    yield dense_signature("draw", np.uint64(0), np.zeros(n, np.uint64), *arguments)


def dense_signature(verb: str, *arguments: Any) -> Signature:
    """That of a twin for arguments like these."""
    return Signature("junction", verb, "", JUNCTION[verb, "cuda"], [*map(numba.typeof, arguments)])
