"""Of the twins of hidden Markov chains."""

from __future__ import annotations

from collections.abc import Iterator

from numba.types import int64

from fastdgm.engines.hmm.loops_cuda import LOOPS
from fastdgm.kernels.hmm import HiddenChain
from fastdgm.kernels.hmm_lanes import Lanes, LanesChain

from .signature import Signature, array, plan_type


def hmm_signatures() -> Iterator[Signature]:
    """All verbs; frames are float64."""
    vector, matrix, integers = array("float64", 1), array("float64", 2), array("int64", 1)
    chain = plan_type(HiddenChain, "float64", matrix, "float64", matrix)
    side_by_side = [
        plan_type(LanesChain, "float64", "float64", "float64", int64, int64),
        plan_type(Lanes, "int64", "int64"),
        matrix,
    ]
    one_by_one = [chain, integers, matrix]
    posterior = [*side_by_side, matrix, array("float64", 3), matrix]
    arguments = {
        "log_prob": [*side_by_side, matrix],
        "log_prob, transitions in shared memory": [*side_by_side, matrix],
        "posterior": posterior,
        "posterior, transitions in shared memory": posterior,
        "forward log": [*one_by_one, matrix, vector],
        "backward log": [*one_by_one, matrix],
        "forward scaled": [*one_by_one, matrix, vector, vector],
        "backward scaled": [*one_by_one, vector, matrix],
        "viterbi in a lattice": [*one_by_one, matrix, integers, vector],
    }
    for verb, own in arguments.items():
        yield Signature("hidden chains", verb, "", LOOPS[verb, "cuda"], own)
