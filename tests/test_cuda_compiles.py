"""Every CUDA twin compiles to PTX, without a GPU: this finds the typing errors that the simulator cannot see."""

from __future__ import annotations

import importlib.util
import os
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
import pytest

pytestmark = [
    pytest.mark.slow,
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


# --- evidence ---


@pytest.mark.parametrize("verb", ["log evidence", "marginals"])
def test_the_twins_of_sliced_elimination_compile(verb):
    from numba.types import int64

    from fastdgm.engines.junction.sliced_loops_cuda import LOOPS
    from fastdgm.kernels.sliced import SlicedMemory, SlicedNetwork, SlicedPrograms, SlicedRows

    network = plan_type(SlicedNetwork, int64, int64, *["int64"] * 12, "float64", "float64", "int64", "int64")
    rows = plan_type(SlicedRows, "int32", "float64", "uint8", int64, "float64", "int32", "int32", "int32", "int32")
    programs = plan_type(SlicedPrograms, int64, "int32", int64, "int32", "int32", "int64")
    memory = plan_type(SlicedMemory, *[array("float64", 2)] * 2, array("int32", 2), array("float64", 2))
    more = [array("float64", 2)] if verb == "marginals" else []
    assert_compiles(LOOPS[verb, "cuda"].kernel, network, rows, programs, memory, *more)


@pytest.mark.parametrize("verb", ["answer", "most probable", "draw"])
def test_the_twins_of_dense_elimination_compile(verb):
    from fastdgm import example
    from fastdgm.data.evidence_rows import as_evidence
    from fastdgm.engines.junction.dense import DenseEngine
    from fastdgm.engines.junction.dense_program import marginals_program, states_plan
    from fastdgm.engines.junction.dense_steps import lowered
    from fastdgm.engines.junction.loops_cuda import LOOPS
    from fastdgm.kernels.junction import DenseAnswers, new_scratch
    from fastdgm.kernels.junction_states import FoundStates

    exact, n = example("asia")._exact, 4
    network = exact.engine.tree, exact.families, exact.tables, exact.n_states
    known = DenseEngine(*network).read(as_evidence(np.full((n, 8), -1), exact.schema).read(0, n))
    flags, numbers = np.zeros(n, np.bool_), np.zeros(n)
    if verb == "answer":
        program = marginals_program(lowered(*network, merged=True))
        answers = DenseAnswers(flags, numbers, np.zeros(16 * n), n, np.zeros((0, 4)))
        arguments = (program, known, numbers, new_scratch(program, n), answers)
    else:
        plan = states_plan(lowered(*network, merged=False))
        random = (np.uint64(0), np.zeros(n, np.uint64)) if verb == "draw" else ()
        found = FoundStates(flags, numbers, np.zeros((8, n), np.uint8))
        arguments = (*random, plan, known, new_scratch(plan.program, n), found)
    assert_compiles(LOOPS[verb, "cuda"].kernel, *map(numba.typeof, arguments))


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
        "log_prob of states": [scoring, flat, block, array("float64", 2)],
        "first bad row": [flat, block, array("int64", 1)],
    }


@pytest.mark.parametrize("verb", ["log sums", "posterior"])
def test_the_twin_of_sums_over_hidden_variables_compiles(verb):
    from fastdgm.engines.elimination.loops_cuda import LOOPS
    from fastdgm.kernels.elimination import EliminationPlan

    plan = plan_type(EliminationPlan, "uint32", "uint32", "uint32")
    blocks = [array("float64", 2)] * (1 if verb == "log sums" else 2)
    assert_compiles(LOOPS[verb, "cuda"].kernel, plan, *blocks)


TABLE_VERBS = [
    "sample",
    "log_prob columns",
    "log_prob per variable",
    "log_prob of states",
    "count",
    "first bad row",
]


@pytest.mark.parametrize("codes", ["uint8", "uint16"])
@pytest.mark.parametrize("verb", TABLE_VERBS)
def test_the_twin_of_tables_compiles(verb, codes):
    from fastdgm.engines.tables.loops_cuda import LOOPS

    assert_compiles(LOOPS[verb, "cuda"].kernel, *table_arguments(codes)[verb])
    assert [verb for verb, _ in LOOPS] == TABLE_VERBS


# --- weighted sums ---


@pytest.mark.parametrize(("sums", "reals"), [("float64", "float32"), ("float32", "float32"), ("float64", "float64")])
@pytest.mark.parametrize("codes", ["uint8", "uint16"])
def test_the_twins_of_weighted_sums_compile(sums, reals, codes):
    from numba.types import int64, uint64

    from fastdgm.engines.logistic.loops_cuda import LOOPS
    from fastdgm.kernels.logistic import LogisticPlan
    from fastdgm.kernels.weighted_sums import Groups, WeightedSums

    short = "uint32"
    groups = plan_type(Groups, *[short] * 4, "uint64", short, sums)
    members = plan_type(WeightedSums, groups, short, short, "uint64", sums, short, sums)
    plan = plan_type(LogisticPlan, members, "uint8", short, short, int64, uint64)
    blocks = [array(codes, 2), array(reals, 2)]
    assert_compiles(LOOPS["sample", "cuda"].kernel, uint64, uint64, plan, *blocks)
    assert_compiles(LOOPS["log_prob", "cuda"].kernel, plan, *blocks, array("float64", 1))
    assert_compiles(LOOPS["log_prob per variable", "cuda"].kernel, plan, *blocks, array("float64", 2))
    assert len(LOOPS) == 3


# --- parameters that torch modules gave ---


@pytest.mark.parametrize("number", ["float32", "float64"])
@pytest.mark.parametrize("codes", ["uint8", "uint16"])
def test_the_twins_of_modules_parameters_compile(number, codes):
    from numba.types import int64, uint64

    from fastdgm.engines.torch.neural_loops_cuda import LOOPS
    from fastdgm.kernels.module_features import Features
    from fastdgm.kernels.module_reals import MixtureParts, NormalParts
    from fastdgm.kernels.module_tiles import Cells

    cells, flat, deep = plan_type(Cells, int64, int64, uint64), array(number, 2), array(number, 3)
    families = {
        "bernoulli": (flat, codes),
        "categorical": (deep, codes),
        "normal": (plan_type(NormalParts, flat, flat), number),
        "mixture": (plan_type(MixtureParts, deep, deep, deep), number),
    }
    for family, (parameters, kind) in families.items():
        block = array(kind, 2)
        assert_compiles(LOOPS[f"sample {family}", "cuda"].kernel, uint64, uint64, cells, parameters, block)
        assert_compiles(LOOPS[f"log_prob {family}", "cuda"].kernel, cells, parameters, block, array("float64", 1))
    short = "uint32"
    plan, blocks = plan_type(Features, *[short] * 5), [array(codes, 2), array(number, 2)]
    assert_compiles(LOOPS["features", "cuda"].kernel, plan, int64, *blocks, array("float32", 2))
    assert len(LOOPS) == 2 * len(families) + 1


# --- real scalars ---


def scalar_arguments(element: str) -> dict[tuple[str, str], list[Any]]:
    """Of the twins by family and verb."""
    from numba.types import float64, uint64

    from fastdgm.kernels.gaussian import GaussianPlan
    from fastdgm.kernels.roots import RootPlan

    short, block, codes = "uint32", array(element, 2), array("uint8", 2)
    wide = "float64", "float64"
    gaussian = plan_type(
        GaussianPlan, *[short] * 6, "uint64", element, element, *wide, "uint8", "uint64", element, float64, uint64
    )
    roots = plan_type(RootPlan, short, "uint8", *[element] * 4, *wide, uint64)
    totals, terms, columns = array("float64", 1), array("float64", 2), array(short, 1)
    return {
        ("gaussian", "sample"): [uint64, uint64, gaussian, codes, block],
        ("gaussian", "log_prob"): [gaussian, codes, block, totals],
        ("gaussian", "log_prob per variable"): [gaussian, columns, codes, block, terms],
        ("roots", "sample"): [uint64, uint64, roots, block],
        ("roots", "log_prob"): [roots, block, totals],
        ("roots", "log_prob per variable"): [roots, columns, block, terms],
    }


SCALAR_VERBS = ["sample", "log_prob", "log_prob per variable"]


@pytest.mark.parametrize("element", ["float32", "float64"])
@pytest.mark.parametrize("verb", SCALAR_VERBS)
@pytest.mark.parametrize("family", ["gaussian", "roots"])
def test_the_twin_of_real_scalars_compiles(family, verb, element):
    from fastdgm.engines.gaussian.loops_cuda import LOOPS as GAUSSIAN
    from fastdgm.engines.roots.loops_cuda import LOOPS as ROOTS

    loops = {"gaussian": GAUSSIAN, "roots": ROOTS}[family]
    assert_compiles(loops[verb, "cuda"].kernel, *scalar_arguments(element)[family, verb])
    assert [verb for verb, _ in loops] == SCALAR_VERBS + ["gradient"] * (family == "gaussian")


def test_the_twin_of_gaussian_gradients_compiles():
    from fastdgm.engines.gaussian.loops_cuda import LOOPS
    from fastdgm.kernels.gaussian_gradient import GaussianSums

    plan, codes, reals, totals = scalar_arguments("float64")["gaussian", "log_prob"]
    sums = plan_type(GaussianSums, *["float64"] * 3)
    assert_compiles(LOOPS["gradient", "cuda"].kernel, plan, codes, reals, totals, reals, sums)


@pytest.mark.parametrize(("verb", "element"), [("uniforms", "float64"), ("normals", "float32"), ("normals", "float64")])
def test_the_twins_of_noise_compile(verb, element):
    from numba.types import uint64

    from fastdgm.engines.torch.noise_cuda import LOOPS

    assert_compiles(LOOPS[verb, "cuda"].kernel, uint64, uint64, uint64, array(element, 2))


# --- Markov chains ---


def markov_arguments(codes: str) -> dict[str, list[Any]]:
    """Of the twins by verb."""
    from numba.types import int64, uint64

    from fastdgm.kernels.markov import Chain
    from fastdgm.kernels.markov_sampling import MarkovRequest, Sampler
    from fastdgm.kernels.markov_sparse import SparseChain, SparseSampler

    flat, rows, starts, totals = array(codes, 1), array(codes, 2), array("int64", 1), array("float64", 1)
    chain = plan_type(Chain, "uint32", "float64", *[int64] * 5)
    sampler = plan_type(Sampler, "uint32", "uint64", "uint32", *[int64] * 3)
    columns = "int64", "uint16", "float64", "uint32", "uint32", "float64"
    sparse = plan_type(SparseChain, *columns, *[int64] * 6)
    sparse_sampler = plan_type(SparseSampler, sparse, "uint64", "uint32", "int64", "uint8")
    request = plan_type(MarkovRequest, uint64, uint64, int64, int64, flat, starts)
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


# --- matrices ---


def matrix_arguments(element: str) -> dict[str, list[Any]]:
    from numba.types import boolean, float64, int64

    x, flags, total = array(element, 2, "A"), [array("int64", 1), int64], array("float64", 2)
    return {
        "clear flags": [flags[0]],
        "check codes": [x, int64, *flags],
        "load codes": [x, int64, int64, *flags, array("uint8", 2)],
        "load reals": [x, int64, *flags, array("float32", 2)],
        "load uniforms": [x, float64, *flags, total],
        "check scores": [total, *flags],
        "check undefined": [numba.types.Array(boolean, 1, "C"), *flags],
        "partial sums": [array("float64", 1), array("float64", 1)],
    }


@pytest.mark.parametrize("element", ["int64", "uint8", "float32"])
@pytest.mark.parametrize("verb", list(matrix_arguments("int64")))
def test_the_twin_of_matrices_compiles(verb, element):
    from fastdgm.engines.cuda_matrices import LOOPS

    assert_compiles(LOOPS[verb, "cuda"].kernel, *matrix_arguments(element)[verb])
    assert [verb for verb, _ in LOOPS] == list(matrix_arguments("int64"))


# --- autoregressive networks ---


def outputs(values: str, element: str) -> tuple[Any, Any]:
    """Types of Scores and Draws."""
    from numba.types import boolean

    from fastdgm.kernels.outputs import Draws, Scores

    total, block, scratch = array("float64", 1), array("float64", 2), array(element, 2)
    draws = plan_type(Draws, array(values, 2), total, total, numba.types.Array(boolean, 1, "C"), scratch)
    return plan_type(Scores, total, block, scratch), draws


def masked_arguments(element: str, values: str) -> dict[str, list[Any]]:
    """Of the twins by verb: ``element`` is the type of a network's numbers, ``values`` that of its data."""
    from numba.types import NamedTuple, boolean, float64, int64, uint64

    from fastdgm.kernels.heads import BernoulliHead
    from fastdgm.kernels.made import MaskedNet
    from fastdgm.kernels.made_sampling import Given, Request

    block, table, index = array(element, 2), array("int64", 2), array("int64", 1)
    kind = NamedTuple([int64], BernoulliHead)
    net = plan_type(MaskedNet, element, element, table, table, index, index, *[int64] * 4, kind)
    request = plan_type(Request, uint64, uint64, int64, int64, float64, int64, float64, boolean, boolean, int64)
    given = plan_type(Given, block, array("float64", 2), block)
    scores, draws = outputs(values, element)
    return {"log_prob": [net, array(values, 2), block, scores], "sample": [net, request, given, draws]}


MASKED_VERBS = ["log_prob", "sample"]


@pytest.mark.parametrize(
    ("element", "values"), [("float32", "uint8"), ("float32", "float32"), ("float64", "uint16"), ("float64", "float64")]
)
@pytest.mark.parametrize("verb", MASKED_VERBS)
def test_the_twin_of_masked_networks_compiles(verb, element, values):
    from fastdgm.engines.masked.loops_cuda import LOOPS

    assert_compiles(LOOPS[verb, "cuda"].kernel, *masked_arguments(element, values)[verb])
    assert [verb for verb, _ in LOOPS] == MASKED_VERBS


def nade_arguments(element: str) -> dict[str, list[Any]]:
    """Of the twins by verb."""
    from numba.types import boolean, float64, int64, uint64

    from fastdgm.kernels.adam import AdamSettings
    from fastdgm.kernels.nade import NADEDraw, NADEPlan

    number, flat, block, codes = getattr(numba.types, element), array(element, 1), array(element, 2), array("uint8", 2)
    plan = plan_type(NADEPlan, int64, "int64", block, block, flat, flat, block, flat)
    draw = plan_type(NADEDraw, uint64, uint64, number, number, codes, int64, block, boolean)
    scores, draws = outputs("uint8", element)
    settings = plan_type(AdamSettings, *[float64] * 7)
    return {
        "log_prob": [plan, codes, scores],
        "sample": [plan, draw, draws],
        "slopes": [plan, codes, flat, array("float64", 1), block],
        "gradients of slopes": [plan, codes, block, block],
        "sum parts": [block, flat],
        "adam": [settings, flat, flat, flat, flat],
    }


NADE_VERBS = ["log_prob", "sample", "slopes", "gradients of slopes", "sum parts", "adam"]


@pytest.mark.parametrize("element", ["float32", "float64"])
@pytest.mark.parametrize("verb", NADE_VERBS)
def test_the_twin_of_nade_compiles(verb, element):
    from fastdgm.engines.nade.loops_cuda import LOOPS

    assert_compiles(LOOPS[verb, "cuda"].kernel, *nade_arguments(element)[verb])
    assert [verb for verb, _ in LOOPS] == NADE_VERBS


# --- normal vectors ---


def vector_arguments(element: str) -> dict[str, list[Any]]:
    """Of the twins by verb."""
    from numba.types import int64, uint64

    from fastdgm.kernels.multivariate import Components, Vector

    components = plan_type(Components, array(element, 2), element, array("int64", 2), "float64")
    vector = plan_type(Vector, components, "int64", "int64", int64, int64)
    codes, reals, terms = array("uint8", 2), array(element, 2), array("float64", 2)
    return {
        "sample": [uint64, uint64, vector, codes, reals],
        "log_prob": [vector, codes, reals, array("float64", 1)],
        "log_prob of components": [components, int64, reals, terms],
    }


@pytest.mark.parametrize("element", ["float32", "float64"])
@pytest.mark.parametrize("verb", ["sample", "log_prob", "log_prob of components"])
def test_the_twin_of_normal_vectors_compiles(verb, element):
    from fastdgm.engines.multivariate.loops_cuda import LOOPS

    assert_compiles(LOOPS[verb, "cuda"].kernel, *vector_arguments(element)[verb])


# --- intervals ---


def test_the_twin_of_intervals_compiles():
    from numba.types import float64

    from fastdgm.engines.intervals.loops_cuda import LOOPS

    assert_compiles(LOOPS["log mean density", "cuda"].kernel, array("float64", 1), float64, array("float64", 1))


# --- real numbers of random words ---


@pytest.mark.parametrize("element", ["float32", "float64"])
@pytest.mark.parametrize("name", ["normal", "exponential", "laplace"])
def test_the_numbers_of_quantiles_compile(name, element):
    from numba.types import int64, uint64
    from quantile_twins import TWINS

    assert_compiles(TWINS[name].kernel, uint64, uint64, int64, array(element, 2))
