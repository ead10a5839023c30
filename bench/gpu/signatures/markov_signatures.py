"""Of the twins of Markov chains."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import int64, uint64

from fastdgm.engines.markov.loops_cuda import LOOPS
from fastdgm.kernels.markov import Chain
from fastdgm.kernels.markov_sampling import MarkovRequest, Sampler
from fastdgm.kernels.markov_sparse import SparseChain, SparseSampler

from .signature import Signature, array, plan_type


def markov_signatures() -> Iterator[Signature]:
    """All verbs, for both types of codes."""
    for codes in ("uint8", "uint16"):
        flat, rows, starts, totals = array(codes, 1), array(codes, 2), array("int64", 1), array("float64", 1)
        chain = plan_type(Chain, "uint32", "float64", *[int64] * 5, "uint32")
        sampler = plan_type(Sampler, "uint32", "uint64", "uint32", *[int64] * 3)
        columns = "int64", "uint16", "float64", "uint32", "uint32", "float64"
        sparse = plan_type(SparseChain, *columns, *[int64] * 6)
        sparse_sampler = plan_type(SparseSampler, sparse, "uint64", "uint32", "int64", "uint8")
        request = plan_type(MarkovRequest, uint64, uint64, int64, int64, flat, starts)
        arguments = {
            "log_prob": [chain, flat, starts, int64, totals],
            "count known contexts": [chain, flat, starts, starts],
            "sample padded": [sampler, request, rows, starts],
            "sparse log_prob": [sparse, flat, starts, int64, totals],
            "sparse sample padded": [sparse_sampler, request, rows, starts],
        }
        for verb, own in arguments.items():
            yield Signature("markov", verb, codes, LOOPS[verb, "cuda"], own)
