"""The twins of the loops over MADE, FVSBN and NADE, with weights as they are before training, and of Adam's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.engines.masked.cuda_run import state_rows
from fastdgm.engines.masked.loops_cuda import LOOPS as MASKED_LOOPS
from fastdgm.engines.masked.run import no_context
from fastdgm.engines.nade.cuda_plan import cuda_plan_of, cuda_units, team_twin
from fastdgm.engines.nade.cuda_train import MOST_PARTS
from fastdgm.engines.nade.loops_cuda import LOOPS as NADE_LOOPS
from fastdgm.engines.nade.plan import padded_to, plan_in
from fastdgm.engines.training import Step
from fastdgm.kernels.activations import SIGMOID
from fastdgm.kernels.adam import AdamSettings, adam_cpu
from fastdgm.kernels.made_sampling import PHILOX, Given, Request
from fastdgm.kernels.made_tiles_cuda import TILE
from fastdgm.kernels.nade import NEVER_SURE, NADEDraw, NADEPlan
from fastdgm.kernels.nade_gradient_cuda import ROWS
from fastdgm.kernels.outputs import Draws, Scores

SEED = 5
NOTHING = np.empty(0)


def made_cases(n: int, n_vars: int, hidden: int) -> Iterator[Case]:
    """Scoring and drawing of n rows of binary variables."""
    for name, model in (
        (f"MADE {n_vars}-{hidden}", fd.MADE(n_vars, (hidden,), seed=0)),
        (f"MADE {n_vars}-{hidden} float64", fd.MADE(n_vars, (hidden,), seed=0, dtype=np.float64)),
        (f"FVSBN {n_vars}", fd.FVSBN(n_vars, seed=0)),
    ):
        yield from masked_cases(name, model, n)


def masked_cases(name: str, model: fd.MADE | fd.FVSBN, n: int) -> Iterator[Case]:
    """Of one model."""
    net, exact = model._net, model.dtype == np.float64
    x, log_prob = model.sample(n, seed=SEED, return_log_prob=True)
    state = np.full((state_rows(net), -(-n // TILE) * TILE), np.nan, net.biases.dtype)
    scored = Case(
        f"{name} log_prob",
        MASKED_LOOPS["log_prob", "cuda"],
        (net, x, no_context(net, n)),
        (Scores(np.full(n, np.nan), np.empty((0, x.shape[1])), state),),
        (log_prob, None, None),
        1e-9 if exact else 1e-4,
        n,
        x.size,
        x.nbytes + 8 * n + net.weights.nbytes,
        lambda: model.log_prob(x),
    )
    yield scored
    request = Request(np.uint64(SEED), np.uint64(0), 0, 0, 1, 1.0, 0, 1.0, False, False, PHILOX)
    given = Given(np.empty((1, 1), x.dtype), np.empty((1, 1)), no_context(net, n))
    yield scored._replace(
        name=f"{name} sample",
        twin=MASKED_LOOPS["sample", "cuda"],
        inputs=(net, request, given),
        outputs=(Draws(np.full_like(x, 77), NOTHING, NOTHING, np.zeros(n, np.bool_), state),),
        expected=(x, None, None, np.zeros(n, np.bool_), None),
        tolerance=0.0 if exact else 0.01,
        cpu=lambda: model.sample(n, seed=SEED),
        n_words=x.size * (2 if exact else 1),
    )
    marks = np.zeros(n, np.bool_)
    began = scored._replace(
        name=f"{name} begin rows",
        twin=MASKED_LOOPS["begin rows", "cuda"],
        inputs=(net, request, given, Draws(x, NOTHING, NOTHING, marks, state), 0),
        outputs=(),
        expected=(),
        n_bytes=n,
        cpu=lambda: np.zeros(n, np.bool_),
    )
    yield began
    values = np.full_like(x, 77)
    first = net._replace(weights=np.zeros_like(net.weights))  # whatever the panels hold: the first block has none
    yield began._replace(
        name=f"{name} draw block",
        twin=MASKED_LOOPS["draw block", "cuda"],
        inputs=(first, request, given, Draws(values, NOTHING, NOTHING, marks, np.zeros_like(state)), 0, 4, 0),
        cells=4 * n,
        n_words=4 * n,
        cpu=lambda: model.sample(n, seed=SEED),
    )


def nade_cases(n: int, n_vars: int, hidden: int) -> Iterator[Case]:
    """Scoring, drawing and gradients of n rows in float32."""
    model = fd.NADE(n_vars, hidden, seed=0)
    plan, x = cuda_plan_of(model.parameters, model.activation, model.order), model.sample(n, seed=SEED)
    nothing, number = np.empty((0, 0), np.float32), np.float32
    scored = Case(
        f"NADE {n_vars}-{hidden} log_prob",
        team_twin("log_prob", plan),
        (plan, x),
        (Scores(np.full(n, np.nan), np.empty((0, n_vars)), nothing),),
        (model.log_prob(x), None, None),
        1e-4,
        n,
        x.size,
        x.nbytes + 8 * n + 2 * plan.W.nbytes,
        lambda: model.log_prob(x),
    )
    yield scored
    no_prefix, no_uniforms = np.empty((1, 0), np.uint8), np.empty((0, n_vars))
    rows = np.uint64(SEED), np.uint64(0)
    yield scored._replace(
        name=f"NADE {n_vars}-{hidden} sample",
        twin=team_twin("sample", plan),
        inputs=(plan, NADEDraw(*rows, number(1.0), number(NEVER_SURE), no_prefix, n, no_uniforms, False)),
        outputs=(Draws(np.full_like(x, 77), NOTHING, NOTHING, np.zeros(n, np.bool_), nothing),),
        expected=(x, None, None, np.zeros(n, np.bool_), None),
        tolerance=0.01,
        cpu=lambda: model.sample(n, seed=SEED),
        n_words=x.size,
    )
    yield from _nade_gradients(scored, fd.NADE(n_vars, cuda_units(hidden), seed=0), x)  # no units that pad others


def _nade_gradients(scored: Case, model: fd.NADE, x: np.ndarray) -> Iterator[Case]:
    """Of the mean, as a step of a fit computes them."""
    n, number = len(x), np.float32
    own, weights = padded_to(cuda_units(model.hidden), model.parameters), np.full(n, -1 / n, number)
    plan = plan_in(SIGMOID, own, own["W"], model.order)
    unlikely = 1.0 - np.exp(model.log_prob(x, per_variable=True))
    slopes = (weights[:, None] * np.where(x, unlikely, -unlikely)).astype(number)
    yield scored._replace(
        name=f"{scored.name} slopes",
        twin=team_twin("slopes", plan),
        inputs=(plan, x, weights),
        outputs=(np.full(n, np.nan), np.full_like(slopes, np.nan)),
        expected=(model.log_prob(x), slopes),
        tolerance=1e-3,
        cpu=lambda: model.gradients(x, weights),
    )
    n_parts = min(MOST_PARTS, -(-n // ROWS))
    parts = np.array([_gradients(model, x[own], weights[own], plan) for own in _rows_of_parts(n, n_parts)])
    yield scored._replace(
        name=f"{scored.name} gradients",
        twin=NADE_LOOPS["gradients of slopes", "cuda"],
        inputs=(plan, model.hidden, x, slopes),
        outputs=(np.full_like(parts, np.nan),),
        expected=(parts,),
        tolerance=1e-3,
        rows=n_parts * (plan.c.size + len(plan.order)),
        cpu=lambda: model.gradients(x, weights),
    )


def _rows_of_parts(n: int, n_parts: int) -> list[np.ndarray]:
    """Which rows add to each sum of gradients."""
    part = np.arange(n) // ROWS % n_parts
    return [np.flatnonzero(part == own) for own in range(n_parts)]


def _gradients(model: fd.NADE, x: np.ndarray, weights: np.ndarray, plan: NADEPlan) -> np.ndarray:
    """Of some rows, as the twin writes them: padded and flat."""
    padded = padded_to(plan.c.size, model.gradients(x, weights)[1])
    return np.concatenate([padded[name].reshape(-1) for name in ("W", "V", "c", "b")])


def adam_cases(n: int) -> Iterator[Case]:
    """One Adam step of n parameters in float32."""
    rng = np.random.default_rng(0)
    parameter, gradient = (rng.normal(size=n).astype(np.float32) for _ in range(2))
    settings = AdamSettings(*Step(1, 0.01, 0.9, 0.999, 1e-8, 0.0).scalars())
    before = parameter, np.zeros_like(parameter), np.zeros_like(parameter)
    after = tuple(array.copy() for array in before)
    adam_cpu(0, n, settings, gradient, *after)
    again = tuple(array.copy() for array in before)
    yield Case(
        "Adam step",
        NADE_LOOPS["adam", "cuda"],
        (settings, gradient),
        before,
        after,
        1e-4,
        n,
        n,
        7 * 4 * n,
        lambda: adam_cpu(0, n, settings, gradient, *again),
    )
