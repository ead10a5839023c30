"""Every CUDA twin in the tables of loops has the arguments of its CPU loop, without the range of rows."""

from __future__ import annotations

import inspect

import numba
import pytest

from fastdgm.engines import cuda_matrices
from fastdgm.engines.elimination import loops as elimination
from fastdgm.engines.elimination import loops_cuda as elimination_cuda
from fastdgm.engines.gaussian import loops as gaussian
from fastdgm.engines.gaussian import loops_cuda as gaussian_cuda
from fastdgm.engines.hmm import loops as hidden
from fastdgm.engines.hmm import loops_cuda as hidden_cuda
from fastdgm.engines.intervals import loops as intervals
from fastdgm.engines.intervals import loops_cuda as intervals_cuda
from fastdgm.engines.junction import loops as junction
from fastdgm.engines.junction import loops_cuda as junction_cuda
from fastdgm.engines.junction import sliced_loops as sliced
from fastdgm.engines.junction import sliced_loops_cuda as sliced_cuda
from fastdgm.engines.logistic import loops as logistic
from fastdgm.engines.logistic import loops_cuda as logistic_cuda
from fastdgm.engines.markov import loops as markov
from fastdgm.engines.markov import loops_cuda as markov_cuda
from fastdgm.engines.masked import loops as masked
from fastdgm.engines.masked import loops_cuda as masked_cuda
from fastdgm.engines.moments import loops as moments
from fastdgm.engines.moments import loops_cuda as moments_cuda
from fastdgm.engines.multivariate import loops as multivariate
from fastdgm.engines.multivariate import loops_cuda as multivariate_cuda
from fastdgm.engines.nade import loops as nade
from fastdgm.engines.nade import loops_cuda as nade_cuda
from fastdgm.engines.program_loops_cuda import LOOPS as TERMS
from fastdgm.engines.roots import loops as roots
from fastdgm.engines.roots import loops_cuda as roots_cuda
from fastdgm.engines.tables import loops as tables
from fastdgm.engines.tables import loops_cuda as tables_cuda
from fastdgm.engines.torch import neural_loops, neural_loops_cuda, noise, noise_cuda

FAMILIES = {
    "logistic": logistic.LOOPS | logistic_cuda.LOOPS,
    "gaussian": gaussian.LOOPS | gaussian_cuda.LOOPS,
    "roots": roots.LOOPS | roots_cuda.LOOPS,
    "terms": TERMS,
    "tables": tables.LOOPS | tables_cuda.LOOPS,
    "elimination": elimination.LOOPS | elimination_cuda.LOOPS,
    "sliced": sliced.LOOPS | sliced_cuda.LOOPS,
    "hidden chains": hidden.LOOPS | hidden_cuda.LOOPS,
    "intervals": intervals.LOOPS | intervals_cuda.LOOPS,
    "junction": junction.LOOPS | junction_cuda.LOOPS,
    "markov": markov.LOOPS | markov_cuda.LOOPS,
    "matrices": cuda_matrices.LOOPS,
    "masked": masked.LOOPS | masked_cuda.LOOPS,
    "moments": moments.LOOPS | moments_cuda.LOOPS,
    "multivariate": multivariate.LOOPS | multivariate_cuda.LOOPS,
    "nade": nade.LOOPS | nade_cuda.LOOPS,
    "noise": noise.LOOPS | noise_cuda.LOOPS,
    "neural": neural_loops.LOOPS | neural_loops_cuda.LOOPS,
}
# A device returns nothing: neither the first bad row, nor a table or a stream that grows. Packed plans are others.
ONLY_CUDA = {
    ("hidden chains", "log_prob, transitions in shared memory"),
    ("hidden chains", "posterior, transitions in shared memory"),
    ("hidden chains", "viterbi in a lattice"),  # a device allocates nothing
    ("junction", "copy row"),
    ("junction", "largest share"),
    ("junction", "modes"),
    ("junction", "packed answer"),
    ("junction", "packed answer in shared memory"),
    ("junction", "packed draw"),
    ("junction", "packed most probable"),
    ("junction", "subtract"),
    ("junction", "widen"),
    ("moments", "block moments"),
    ("moments", "first bad weight"),
    ("moments", "first values"),
    ("moments", "fold"),
    ("tables", "count rows"),
    ("nade", "slopes"),
    ("nade", "rows"),
    ("nade", "gradients of slopes"),  # the CPU does both in one loop
    ("masked", "begin rows"),  # of the CPU's sampling, for panels that a library multiplies
    ("masked", "draw block"),
    ("masked", "load minibatch"),  # of the CPU's backward and update, a layer each
    ("masked", "forward layer"),
    ("masked", "head slopes"),
    ("masked", "activation slopes"),
    ("masked", "backward layer"),
    ("masked", "update weights"),
    ("masked", "update biases"),
    ("masked", "copy"),
    ("tables", "posterior of states"),
    ("terms", "add"),
    ("terms", "clear"),
    *(("markov", verb) for verb, _ in markov_cuda.LOOPS),  # sequences without ends, in pieces
    *(("matrices", verb) for verb, _ in cuda_matrices.LOOPS),  # on the CPU NumPy does these
}
# Plans packed into two buffers, which a launch costs less: what they are called instead.
PACKED = {"tables": {"words", "table", "slots"}}
UNPACKED = {"plan", "largest"}
TWINS = [(family, verb) for family, loops in FAMILIES.items() for verb, device in loops if device == "cuda"]

simulated = pytest.mark.skipif(bool(numba.config.ENABLE_CUDASIM), reason="the simulator's kernels have no signature")


def arguments(kernel) -> list[str]:
    return list(inspect.signature(kernel.py_func).parameters)


@simulated
@pytest.mark.parametrize(("family", "verb"), TWINS)
def test_a_twin_has_the_arguments_of_its_loop(family, verb):
    loops = FAMILIES[family]
    own = arguments(loops[verb, "cuda"].kernel)
    assert len(own) <= 8
    if (verb, "cpu") in loops:
        packed = PACKED.get(family, set())
        expected = arguments(loops[verb, "cpu"])[2:]
        assert [name for name in own if name not in packed] == [
            name for name in expected if not (packed and name in UNPACKED)
        ]


@simulated
@pytest.mark.parametrize("family", FAMILIES)
def test_loops_begin_with_a_range(family):
    for (verb, device), loop in FAMILIES[family].items():
        if device == "cpu":
            begin, end, *others = arguments(loop)
            assert begin in ("begin", "row_begin", "unit_begin") and end == begin.replace("begin", "end"), verb
            assert len(others) <= 6, verb


def test_every_twin_without_a_loop_is_known():
    assert {own for own in TWINS if (own[1], "cpu") not in FAMILIES[own[0]]} == ONLY_CUDA


@pytest.mark.parametrize(("family", "verb"), TWINS)
def test_every_twin_states_its_launch_shape(family, verb):
    threads = FAMILIES[family][verb, "cuda"].threads_per_block
    assert threads % 32 == 0 and 32 <= threads <= 1024
