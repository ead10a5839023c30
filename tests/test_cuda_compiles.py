"""Every CUDA twin compiles to PTX, without a GPU: this finds the typing errors that the simulator cannot see."""

from __future__ import annotations

import importlib.util
import os
from types import SimpleNamespace

import numba
import pytest

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("numba_cuda") is None,
        reason='numba-cuda is not installed: pip install "fastdgm[cuda]"',
    ),
    pytest.mark.skipif(os.environ.get("NUMBA_ENABLE_CUDASIM") == "1", reason="the simulator compiles nothing"),
]

CAPABILITY = 8, 0
NAMES = ["sample_cuda", "log_prob_cuda", "log_prob_per_variable_cuda", "count_cuda", "in_range_cuda"]
MASKED_NAMES = ["log_prob_cuda", "sample_cuda"]


@pytest.fixture(scope="module")
def twins():
    from numba import cuda
    from numba.cuda import dispatcher

    from fastdgm.kernels import cpt

    # Compiling a device function asks which GPU it is for. A private name of numba-cuda, hence this one place.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=CAPABILITY))
        yield cuda, cpt.load_cuda()


@pytest.fixture(scope="module")
def masked_twins(twins):
    from fastdgm.kernels import made_cuda

    return twins[0], made_cuda.load_cuda()


def array(dtype: str, n_axes: int, layout: str = "C") -> numba.types.Array:
    return numba.types.Array(getattr(numba.types, dtype), n_axes, layout)


def plan_type(plan: type, **special: str) -> numba.types.NamedTuple:
    return numba.types.NamedTuple([array(special.get(field, "uint32"), 1) for field in plan._fields], plan)


def signature(name: str, codes: str):
    from numba.types import int64, uint64, void

    from fastdgm.kernels.cpt import SamplingPlan, ScoringPlan

    sampling = plan_type(SamplingPlan, table_start="uint64", slots="uint64")
    scoring = plan_type(ScoringPlan, table_start="uint64", table="float64")
    block = array(codes, 2)
    return {
        "sample_cuda": void(uint64, uint64, sampling, block),
        "log_prob_cuda": void(scoring, block, array("float64", 1)),
        "log_prob_per_variable_cuda": void(scoring, block, array("float64", 2)),
        "count_cuda": void(scoring, block, array("float64", 1), array("float64", 1)),
        "in_range_cuda": void(block, array(codes, 1), array(str(int64), 1)),
    }[name]


@pytest.mark.parametrize("codes", ["uint8", "uint16"])
@pytest.mark.parametrize("name", NAMES)
def test_the_twin_compiles(twins, name, codes):
    cuda, jitted = twins
    ptx, _ = cuda.compile_ptx(jitted[name].py_func, signature(name, codes), cc=CAPABILITY)
    assert ".visible .entry" in ptx
    assert "st.global" in ptx or "atom." in ptx or "red." in ptx


def test_every_twin_is_tried(twins):
    assert list(twins[1]) == NAMES


def masked_signature(name: str, element: str, values: str):
    """Of a masked network's twin: ``element`` is the type of its numbers, ``values`` that of its data."""
    from numba.types import NamedTuple, boolean, float64, int64, uint64, void

    from fastdgm.kernels.made import Given, MaskedNet, Request

    flat, block, table = array(element, 1), array(element, 2), array("int64", 2)
    net = NamedTuple([flat, flat, table, table, *[array("int64", 1)] * 2, *[int64] * 4], MaskedNet)
    if name == "log_prob_cuda":
        return void(net, array(values, 2), block, block, array("float64", 2), array("float64", 1))
    numbers = [uint64, uint64, int64, int64, float64, int64, float64, boolean, boolean, int64]
    given = NamedTuple([block, array("float64", 2), block], Given)
    return void(net, NamedTuple(numbers, Request), given, block, array("float64", 1), array(values, 2))


@pytest.mark.parametrize(
    ("element", "values"), [("float32", "uint8"), ("float32", "float32"), ("float64", "uint16"), ("float64", "float64")]
)
@pytest.mark.parametrize("name", MASKED_NAMES)
def test_the_masked_twin_compiles(masked_twins, name, element, values):
    cuda, jitted = masked_twins
    ptx, _ = cuda.compile_ptx(jitted[name].py_func, masked_signature(name, element, values), cc=CAPABILITY)
    assert ".visible .entry" in ptx
    assert "st.global" in ptx


def test_every_masked_twin_is_tried(masked_twins):
    assert list(masked_twins[1]) == MASKED_NAMES


SPARSE_MARKOV_NAMES = ["sparse_log_prob_cuda", "sparse_sample_cuda"]


@pytest.fixture(scope="module")
def sparse_markov_twins(twins):
    from fastdgm.kernels import markov_sparse_cuda

    return twins[0], markov_sparse_cuda.load_cuda()


def sparse_markov_signature(name: str, codes: str):
    from numba.types import NamedTuple, int64, uint64, void

    from fastdgm.kernels.markov_sampling import Request
    from fastdgm.kernels.markov_sparse import SparseChain, SparseSampler

    types = ["int64", "uint16", "float64", "uint32", "uint32", "float64"]
    chain = NamedTuple([*(array(dtype, 1) for dtype in types), *[int64] * 6], SparseChain)
    flat = array(codes, 1)
    if name == "sparse_log_prob_cuda":
        return void(chain, flat, array("int64", 1), array("float64", 1))
    tables = [array(dtype, 1) for dtype in ("uint64", "uint32", "int64", "uint8")]
    request = NamedTuple([uint64, uint64, int64, int64, flat, array("int64", 1)], Request)
    return void(NamedTuple([chain, *tables], SparseSampler), request, array(codes, 2), array("int64", 1))


@pytest.mark.parametrize("codes", ["uint8", "uint16"])
@pytest.mark.parametrize("name", SPARSE_MARKOV_NAMES)
def test_the_twin_of_sparse_markov_chains_compiles(sparse_markov_twins, name, codes):
    cuda, jitted = sparse_markov_twins
    ptx, _ = cuda.compile_ptx(jitted[name].py_func, sparse_markov_signature(name, codes), cc=CAPABILITY)
    assert ".visible .entry" in ptx
    assert "st.global" in ptx


def test_every_twin_of_sparse_markov_chains_is_tried(sparse_markov_twins):
    assert list(sparse_markov_twins[1]) == SPARSE_MARKOV_NAMES
