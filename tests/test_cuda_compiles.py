"""Every CUDA twin compiles to PTX, without a GPU: this finds the typing errors that the simulator cannot see."""

from __future__ import annotations

import importlib.util
import os
from types import SimpleNamespace
from typing import Any

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
MASKED_NAMES = ["log_prob_cuda", "sample_cuda"]


@pytest.fixture(scope="module", autouse=True)
def card():
    """Compiling a device function asks which GPU it is for. A private name of numba-cuda, hence this one place."""
    from numba.cuda import dispatcher

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dispatcher, "get_current_device", lambda: SimpleNamespace(compute_capability=CAPABILITY))
        yield


def array(dtype: str, n_axes: int, layout: str = "C") -> numba.types.Array:
    return numba.types.Array(getattr(numba.types, dtype), n_axes, layout)


def plan_type(plan: type, *fields: Any) -> numba.types.NamedTuple:
    """Fields are types, or names of the dtypes of flat arrays."""
    return numba.types.NamedTuple([array(own, 1) if isinstance(own, str) else own for own in fields], plan)


def assert_compiles(kernel: Any, *arguments: Any) -> None:
    from numba import cuda

    ptx, _ = cuda.compile_ptx(kernel.py_func, numba.types.void(*arguments), cc=CAPABILITY)
    assert ".visible .entry" in ptx
    assert "st.global" in ptx or "atom." in ptx or "red." in ptx


# --- tables ---


def table_arguments(codes: str) -> dict[str, list[Any]]:
    """Of the twins by verb."""
    from numba.types import uint64

    from fastdgm.kernels.cpt import SamplingPlan, ScoringPlan

    short, flat, block, totals = "uint32", array(codes, 1), array(codes, 2), array("float64", 1)
    sampling = plan_type(SamplingPlan, *[short] * 8, "uint64", "uint64", short, uint64)
    scoring = plan_type(ScoringPlan, *[short] * 3, "uint64", "float64")
    return {
        "sample": [uint64, uint64, sampling, block],
        "log_prob columns": [scoring, flat, block, totals],
        "log_prob per variable": [scoring, flat, block, array("float64", 2)],
        "count": [scoring, flat, block, totals, array("float64", 2)],
        "first bad row": [flat, block, array("int64", 1)],
    }


TABLE_VERBS = ["sample", "log_prob columns", "log_prob per variable", "count", "first bad row"]


@pytest.mark.parametrize("codes", ["uint8", "uint16"])
@pytest.mark.parametrize("verb", TABLE_VERBS)
def test_the_twin_of_tables_compiles(verb, codes):
    from fastdgm.engines.tables.loops_cuda import LOOPS

    assert_compiles(LOOPS[verb, "cuda"].kernel, *table_arguments(codes)[verb])
    assert [verb for verb, _ in LOOPS] == TABLE_VERBS


# --- Markov chains ---


def markov_arguments(codes: str) -> dict[str, list[Any]]:
    """Of the twins by verb."""
    from numba.types import int64, uint64

    from fastdgm.kernels.markov import Chain
    from fastdgm.kernels.markov_sampling import Request, Sampler
    from fastdgm.kernels.markov_sparse import SparseChain, SparseSampler

    flat, rows, starts, totals = array(codes, 1), array(codes, 2), array("int64", 1), array("float64", 1)
    chain = plan_type(Chain, "uint32", "float64", *[int64] * 5)
    sampler = plan_type(Sampler, "uint32", "uint64", "uint32", *[int64] * 3)
    columns = "int64", "uint16", "float64", "uint32", "uint32", "float64"
    sparse = plan_type(SparseChain, *columns, *[int64] * 6)
    sparse_sampler = plan_type(SparseSampler, sparse, "uint64", "uint32", "int64", "uint8")
    request = plan_type(Request, uint64, uint64, int64, int64, flat, starts)
    return {
        "log_prob": [chain, flat, starts, int64, totals],
        "count known contexts": [chain, flat, starts, starts],
        "sample padded": [sampler, request, rows, starts],
        "sparse log_prob": [sparse, flat, starts, int64, totals],
        "sparse sample padded": [sparse_sampler, request, rows, starts],
    }


MARKOV_VERBS = ["log_prob", "count known contexts", "sample padded", "sparse log_prob", "sparse sample padded"]


@pytest.mark.parametrize("codes", ["uint8", "uint16"])
@pytest.mark.parametrize("verb", MARKOV_VERBS)
def test_the_twin_of_markov_chains_compiles(verb, codes):
    from fastdgm.engines.markov.loops_cuda import LOOPS

    assert_compiles(LOOPS[verb, "cuda"].kernel, *markov_arguments(codes)[verb])
    assert [verb for verb, _ in LOOPS] == MARKOV_VERBS


# --- masked networks ---


@pytest.fixture(scope="module")
def masked_twins():
    from numba import cuda

    from fastdgm.kernels import made_cuda

    return cuda, made_cuda.load_cuda()


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
