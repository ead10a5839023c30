"""Of the twins of elimination: sums over hidden variables, dense and sliced evidence."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import int64, uint64

from fastdgm.engines.elimination.loops_cuda import LOOPS as ELIMINATION
from fastdgm.engines.junction.loops_cuda import LOOPS as JUNCTION
from fastdgm.engines.junction.sliced_loops_cuda import LOOPS as SLICED
from fastdgm.kernels.elimination import EliminationPlan
from fastdgm.kernels.junction_cuda import CudaAnswers, CudaEvidence, PackedProgram
from fastdgm.kernels.junction_states_cuda import CudaDraws, CudaStates
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
    """Of dense elimination."""
    program, slabs = plan_type(PackedProgram, "uint32", "float64"), array("float64", 1)
    known = plan_type(CudaEvidence, array("uint8", 2), array("float64", 2))
    answers = plan_type(CudaAnswers, "float64", "float64", "int64")
    found = plan_type(CudaStates, array("uint8", 2), "int64")
    draws = plan_type(CudaDraws, uint64, uint64, int64)
    arguments = {
        "packed answer": [program, known, slabs, answers],
        "packed answer in shared memory": [program, known, answers],
        "packed most probable": [program, array("uint32", 1), known, slabs, found],
        "packed draw": [draws, program, array("uint32", 1), known, slabs, found],
    }
    for verb, own in arguments.items():
        yield Signature("junction", verb, "", JUNCTION[verb, "cuda"], own)
