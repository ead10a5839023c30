"""Of the twins of Markov chains, and of those that load sequences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numba.types import int64, uint64

from fastdgm.data.cuda_codes import LOOPS as SEQUENCE_LOOPS
from fastdgm.engines.markov.loops_cuda import LOOPS
from fastdgm.kernels.markov_counting import Digits
from fastdgm.kernels.markov_counting_cuda import CountTable
from fastdgm.kernels.markov_cuda import PackedChain
from fastdgm.kernels.markov_sampling_cuda import CudaRequest, PackedSampler
from fastdgm.kernels.markov_sparse import SparseChain, SparseSampler
from fastdgm.kernels.packed_sequences_cuda import Extent, PackedSequences

from .signature import Signature, array, plan_type


def sampling_arguments(sequences: Any, sampler: Any) -> list[Any]:
    """Of both samplers."""
    request = plan_type(CudaRequest, uint64, uint64, int64, int64)
    return [sampler, request, sequences, sequences, array("int64", 1)]


def chain_arguments(codes: str) -> dict[str, list[Any]]:
    """By verb."""
    sequences = plan_type(PackedSequences, codes, "uint64", "int64", *[int64] * 3)
    extent = plan_type(Extent, "int64", *[int64] * 5)
    sums, counts = array("float64", 1), array("uint64", 1)
    scored = [plan_type(PackedChain, "uint64", "float64"), sequences, extent, sums]
    columns = "int64", "uint16", "float64", "uint32", "uint32", "float64"
    sparse = plan_type(SparseChain, *columns, *[int64] * 6)
    sparse_scored = [sparse, sequences, extent, sums]
    counted = [plan_type(Digits, *[int64] * 6), sequences, extent]
    table = plan_type(CountTable, "uint64", "uint64")
    sampler = plan_type(PackedSampler, "uint64", "uint32", "uint32")
    sparse_sampler = plan_type(SparseSampler, sparse, "uint64", "uint32", "int64", "uint8")
    return {
        "log_prob by pieces": scored,
        "log_prob by pieces, tables in shared memory": scored,
        "sum pieces": [sums, int64, sums],
        "terms by pieces": scored,
        "sample twice": sampling_arguments(sequences, sampler),
        "sample twice, tables in shared memory": sampling_arguments(sequences, sampler),
        "count by key": [*counted, counts],
        "count by key, in shared memory": [*counted, counts],
        "count in a hash table": [*counted, int64, table],
        "clear counts": [counts, counts],
        "collect counts": [table, counts, counts, counts],
        "sparse log_prob by pieces": sparse_scored,
        "sparse terms by pieces": sparse_scored,
        "sparse sample twice": sampling_arguments(sequences, sparse_sampler),
    }


def markov_signatures() -> Iterator[Signature]:
    """All verbs of chains, for both types of codes."""
    for codes in ("uint8", "uint16"):
        for verb, own in chain_arguments(codes).items():
            yield Signature("markov", verb, codes, LOOPS[verb, "cuda"], own)


def sequence_signatures() -> Iterator[Signature]:
    """All verbs of the loader of sequences."""
    numbers = array("int64", 1)
    arguments = {
        "load codes": [array("int16", 2, "A"), int64, numbers, array("uint8", 1), numbers],
        "load offsets": [array("int32", 1, "A"), int64, numbers, numbers],
        "starts": [numbers, int64, numbers],
        "sum chunks": [numbers, int64, int64, numbers, numbers],
        "offsets": [numbers, int64, numbers, numbers, numbers],
    }
    for verb, own in arguments.items():
        yield Signature("sequences", verb, "", SEQUENCE_LOOPS[verb], own)
