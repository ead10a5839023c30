"""What each CUDA twin reads and must write, made by the CPU loops from models of real sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import fastdgm as fd
from fastdgm.data.sequences import Stream, codes_as_stream
from fastdgm.engines.draw import Draw
from fastdgm.engines.markov.run import request_of
from fastdgm.engines.masked.run import no_context
from fastdgm.engines.nade.plan import plan_of
from fastdgm.engines.training import Step
from fastdgm.kernels import adam, cpt, made, made_cuda, markov, markov_sampling, markov_sparse_cuda, nade


class Case(NamedTuple):
    """A twin, what it reads, what it must write, and what the CPU takes for the same."""

    name: str
    twin: Any
    inputs: tuple[Any, ...]
    outputs: tuple[np.ndarray, ...]
    expected: tuple[np.ndarray, ...]
    tolerance: float  # 0: bit for bit; of reals the largest relative difference; of draws the share of rows that differ
    rows: int
    cells: int
    n_bytes: int  # that any implementation must read and write
    cpu: Callable[[], Any]


def table_cases(scale: float, name: str) -> Iterator[Case]:
    """A network of tables: sampling, log_prob, per variable, counting, range check."""
    net, n = fd.example(name), max(16, int(4_000_000 * scale))
    twins, plans, seed = cpt.load_cuda(), net._lowered, np.uint64(2**63 + 1)
    x = net.sample(n, seed=int(seed))
    cells, codes = n * len(net), x.block

    def case(twin: str, inputs: tuple[Any, ...], expected: np.ndarray, n_bytes: int, cpu: Callable[[], Any]) -> Case:
        out = np.full_like(expected, 77)
        return Case(f"{name} {twin}", twins[twin], inputs, (out,), (expected,), 0.0, n, cells, n_bytes, cpu)

    yield case("sample_cuda", (seed, np.uint64(0), plans.sampling), codes, cells, lambda: net.sample(n, seed=int(seed)))
    scores = net.log_prob(x)
    yield case("log_prob_cuda", (plans.scoring, codes), scores, cells + 8 * n, lambda: net.log_prob(x))
    few, terms = codes[:, : n // 4].copy(), net.log_prob(x[: n // 4], per_variable=True).T.copy()
    yield case(
        "log_prob_per_variable_cuda",
        (plans.scoring_per_variable, few),
        terms,
        9 * few.size,
        lambda: net.log_prob(x[: n // 4], per_variable=True),
    )._replace(rows=n // 4, cells=few.size)
    counts = np.zeros(int(plans.counting.table_start[-1]))
    for c in range(len(plans.counting.table_start) - 1):
        a, b = (int(plans.counting.table_start[k]) for k in (c, c + 1))
        own = slice(plans.counting.scope_start[c], plans.counting.scope_start[c + 1])
        strides, columns = plans.counting.scope_stride[own], plans.counting.scope_column[own]
        index = sum(s * codes[v].astype(np.int64) for s, v in zip(strides, columns, strict=True))
        counts[a:b] = np.bincount(index, minlength=b - a)
    weights = np.ones(n)
    again = fd.BayesNet(net.conditionals)
    yield case("count_cuda", (plans.counting, codes, weights), counts, cells, lambda: again.fit(x))._replace(
        outputs=(np.zeros_like(counts),)
    )
    last, none = np.array([n - 1]), np.array([n])
    broken = codes.copy()
    broken[-1, -1] = 255
    check = case("in_range_cuda", (broken, plans.largest), last, cells, lambda: (codes > plans.largest[:, None]).any())
    yield check._replace(outputs=(none,))


def made_cases(scale: float) -> Iterator[Case]:
    """MADE and FVSBN of 784 variables in float32."""
    twins, n, seed = made_cuda.load_cuda(), max(8, int(4096 * scale)), 5
    n_vars, hidden = (784, 500) if scale == 1 else (12, 8)
    for name, model in (
        ("MADE", fd.MADE(n_vars, (hidden,), seed=0)),
        ("MADE float64", fd.MADE(n_vars, (hidden,), seed=0, dtype=np.float64)),
        ("FVSBN", fd.FVSBN(n_vars, seed=0)),
    ):
        net = model._net
        x, lp = model.sample(n, seed=seed, return_log_prob=True)
        state = np.full((net.biases.size, n), np.nan, net.biases.dtype)
        n_bytes = x.size + net.weights.nbytes
        close = 1e-9 if model.dtype == np.float64 else 1e-4
        terms = np.empty((0, n_vars))
        yield Case(
            f"{name} {n_vars}-{hidden} log_prob_cuda",
            twins["log_prob_cuda"],
            (net, x, no_context(net, n), state, terms),
            (np.full(n, np.nan),),
            (lp,),
            close,
            n,
            x.size,
            n_bytes,
            lambda model=model, x=x: model.log_prob(x),
        )
        request = made.Request(np.uint64(seed), np.uint64(0), 0, 1, 1.0, 0, 1.0, False, False, made.PHILOX)
        given = made.Given(np.empty((1, 1), net.biases.dtype), np.empty((1, 1)), no_context(net, n))
        yield Case(
            f"{name} {n_vars}-{hidden} sample_cuda",
            twins["sample_cuda"],
            (net, request, given, state, np.empty(n)),
            (np.full_like(x, 77),),
            (x,),
            0.0 if model.dtype == np.float64 else 0.01,
            n,
            x.size,
            n_bytes,
            lambda model=model: model.sample(n, seed=seed),
        )


def nade_cases(scale: float) -> Iterator[Case]:
    """NADE 784-500 in float32."""
    twins, n = nade.load_cuda(), max(8, int(4096 * scale))
    n_vars, hidden = (784, 500) if scale == 1 else (12, 8)
    model = fd.NADE(n_vars, hidden, seed=0)
    plan = plan_of(model.parameters, "sigmoid", model.order)
    uniforms = np.random.default_rng(0).random((n, n_vars))
    x = model.sample(n, uniforms=uniforms)
    scratch = np.full((2, plan.c.size, n), np.nan, np.float32)
    weights = plan.W, plan.V, plan.b, plan.c
    n_bytes = x.size + 2 * plan.W.nbytes
    yield Case(
        f"NADE {n_vars}-{hidden} nade_log_prob_cuda",
        twins["nade_log_prob_cuda"],
        (plan.mode, plan.order, *weights, x, scratch),
        (np.full(x.shape, np.nan),),
        (model.log_prob(x, per_variable=True),),
        1e-4,
        n,
        x.size,
        n_bytes,
        lambda: model.log_prob(x, per_variable=True),
    )
    rule = 1.0, nade.NEVER_SURE
    yield Case(
        f"NADE {n_vars}-{hidden} nade_sample_cuda",
        twins["nade_sample_cuda"],
        (*rule, plan.order, *weights, plan.mode, 0, uniforms, scratch),
        (np.zeros_like(x),),
        (x,),
        0.01,
        n,
        x.size,
        n_bytes,
        lambda: model.sample(n, uniforms=uniforms),
    )


def markov_cases(scale: float) -> Iterator[Case]:
    """An order-3 chain over 20 symbols: a stream scored and counted, rows drawn."""
    twins = {**markov.load_cuda(), **markov_sampling.load_cuda()}
    n, length = max(20, int(100_000 * scale)), 100 if scale == 1 else 10
    rng = np.random.default_rng(0)
    model = fd.MarkovChain(3, n_states=20).fit(rng.integers(0, 20, (2000, length)))
    fitted = model._model.tables
    x = model.sample(n, seed=1)
    stream = Stream(np.column_stack([x, np.full(n, 20)]).astype(np.uint8).ravel(), np.arange(n + 1) * (length + 1))
    scoring, symbols = fitted.scoring, len(stream.symbols)
    lp = fitted.log_prob(stream)
    arrays = scoring, stream.symbols, stream.starts
    yield Case(
        "Markov log_prob_cuda",
        twins["log_prob_cuda"],
        arrays,
        (np.full(n, np.nan),),
        (lp,),
        0.0,
        n,
        symbols,
        symbols + 8 * n,
        lambda: fitted.log_prob(stream),
    )
    counts = np.zeros(len(scoring.table), np.int64)
    state = np.full(n, scoring.start)
    for d in range(length + 1):
        cell = state * scoring.width + stream.symbols.reshape(n, -1)[:, d]
        counts += np.bincount(cell, minlength=len(counts))
        state = scoring.successor[cell].astype(np.int64)
    yield Case(
        "Markov count_cuda",
        twins["count_cuda"],
        arrays,
        (np.zeros_like(counts),),
        (counts,),
        0.0,
        n,
        symbols,
        symbols,
        lambda: fd.MarkovChain(3, n_states=20).fit(x),
    )
    request = request_of(Draw(n, 1), None, length, 20)
    yield Case(
        "Markov sample_cuda",
        twins["sample_cuda"],
        (fitted.sampler, request),
        (np.zeros_like(x), np.zeros(n, np.int64)),
        (x, np.full(n, length)),
        0.0,
        n,
        x.size,
        x.size,
        lambda: model.sample(n, seed=1),
    )


def sparse_markov_cases(scale: float) -> Iterator[Case]:
    """An order-2 chain of 20 000 words, of which most pairs were never seen: sequences scored and drawn."""
    twins, n = markov_sparse_cuda.load_cuda(), max(20, int(100_000 * scale))
    rng = np.random.default_rng(0)
    values = np.minimum(rng.pareto(1.0, 400_000) * 3, 19_999).astype(np.int64)
    model = fd.MarkovChain(2, n_states=20_000).fit((values, np.arange(0, 400_001, 20)))
    fitted = model._model.tables
    x = model.sample(n, seed=1, max_length=40)
    stream = codes_as_stream(np.concatenate(x), np.concatenate([[0], np.cumsum([len(own) for own in x])]), 20_000)
    scoring, symbols = fitted.scoring, len(stream.symbols)
    yield Case(
        "Markov sparse_log_prob_cuda",
        twins["sparse_log_prob_cuda"],
        (scoring, stream.symbols, stream.starts),
        (np.full(n, np.nan),),
        (fitted.log_prob(stream),),
        0.0,
        n,
        symbols,
        2 * symbols + 8 * n,
        lambda: fitted.log_prob(stream),
    )
    rows = np.zeros((n, 40), np.uint16)
    for i, own in enumerate(x):
        rows[i, : len(own)] = own
    yield Case(
        "Markov sparse_sample_cuda",
        twins["sparse_sample_cuda"],
        (fitted.sampler, request_of(Draw(n, 1), None, 40, 20_000)),
        (np.zeros_like(rows), np.zeros(n, np.int64)),
        (rows, np.diff(stream.starts) - 1),
        0.0,
        n,
        symbols,
        2 * symbols,
        lambda: model.sample(n, seed=1, max_length=40),
    )


def adam_cases(scale: float) -> Iterator[Case]:
    """One Adam step of many parameters in float32."""
    n, rng = max(50, int(20_000_000 * scale)), np.random.default_rng(0)
    parameter, gradient = (rng.normal(size=n).astype(np.float32) for _ in range(2))
    first, second = np.zeros_like(parameter), np.zeros_like(parameter)
    step = Step(1, 0.01, 0.9, 0.999, 1e-8, 0.0).scalars()
    before = parameter.copy(), first.copy(), second.copy()
    after = tuple(array.copy() for array in before)
    adam.adam_cpu(0, n, after[0], gradient, *after[1:], *step)
    yield Case(
        "adam_cuda",
        adam.load_cuda()["adam_cuda"],
        (gradient, *step),
        before,
        after,
        1e-4,
        n,
        n,
        7 * 4 * n,
        lambda: adam.adam_cpu(0, n, parameter, gradient, first, second, *step),
    )


def every_case(scale: float) -> Iterator[Case]:
    """All cases, one family after the other; ``scale`` 1 is the size of the results."""
    yield from table_cases(scale, "alarm")
    yield from made_cases(scale)
    yield from nade_cases(scale)
    yield from markov_cases(scale)
    yield from sparse_markov_cases(scale)
    yield from adam_cases(scale)
