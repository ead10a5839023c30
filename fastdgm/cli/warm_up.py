"""The command that compiles all kernels ahead: every public verb of every family, on models of a few numbers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from .warm_up_evidence import steps_of_evidence
from .warm_up_modules import steps_of_modules
from .warm_up_reals import steps_of_reals

FLOATS = (np.float32, np.float64)
CODES = (np.uint8, np.uint16, np.int32, np.int64)  # signed and unsigned ones of a width share their kernels
FEW_ROWS, ROWS = 2, 16
MANY_STATES = 300  # codes of two bytes


class Step(NamedTuple):
    """Something that compiles, and its name on the screen."""

    name: str
    run: Callable[[], object]


def warm_up() -> None:
    """Run all steps, and say where their kernels are kept."""
    from ..engines.cache import cache_folder

    begin = time.monotonic()
    every = list(steps())
    with ExitStack() as shown:
        report = _reporter(shown, len(every))
        for number, step in enumerate(every):
            report(number, step.name)
            step.run()
    seconds = time.monotonic() - begin
    folder = cache_folder()
    kept = "there is no folder to keep the kernels in" if folder is None else f"the kernels are kept in {folder}"
    print(f"{len(every)} of {len(every)} steps in {seconds:.0f} s; {kept}")


def _reporter(shown: ExitStack, total: int) -> Callable[[int, str], None]:
    """A bar on a terminal where tqdm is installed, else a line for every step; no step says how long others take.

    The bar is not shown in the first step, in which a line says that kernels are compiled.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        tqdm = None
    if tqdm is None or not sys.stderr.isatty():
        return lambda number, name: print(f"{number + 1} of {total}: {name}", file=sys.stderr, flush=True)
    layout = "{n_fmt} of {total_fmt} |{bar:30}| {elapsed} {desc}"
    bar = shown.enter_context(tqdm(total=total, bar_format=layout, leave=False, delay=1e-9))  # not at once

    def report(number: int, name: str) -> None:
        bar.n = number + 1
        bar.set_description_str(name, refresh=number > 0)

    return report


def steps() -> Iterator[Step]:
    """All steps, the most common families first."""
    yield from _network_steps()
    for name, run in steps_of_evidence():
        yield Step(name, run)
    for name, run in steps_of_reals():
        yield Step(name, run)
    yield from _sequence_steps()
    yield Step("hidden Markov chains", _hidden_chains)
    for dtype in FLOATS:
        yield from _neural_steps(np.dtype(dtype))
    if find_spec("torch") is not None:
        yield Step("torch modules: sample", _sample_module)
        for name, run in steps_of_modules():
            yield Step(name, run)


# --- networks of tables ---------------------------------------------------------------------------------------------


def _network_steps() -> Iterator[Step]:
    from ..bayesnet import BayesNet

    for n_states in (2, MANY_STATES):
        names = [str(state) for state in range(n_states)]
        net = BayesNet.from_edges([("a", "b")], states={"a": names, "b": ["False", "True"]})
        yield from _steps_of_network(net, f"Bayes nets, {n_states} states", names)


def _steps_of_network(net: Any, family: str, names: list[str]) -> Iterator[Step]:
    labels = {"a": [names[0], names[1]] * ROWS, "b": np.array([False, True] * ROWS)}
    yield Step(f"{family}: fit labels", lambda: net.fit(labels))
    yield Step(f"{family}: fit with weights", lambda: net.fit(labels, sample_weight=np.ones(2 * ROWS)))
    yield Step(f"{family}: sample", lambda: net.sample(ROWS, seed=0))
    yield Step(f"{family}: log_prob of samples", lambda: net.log_prob(net.sample(ROWS, seed=0)))
    yield Step(f"{family}: log_prob by variable", lambda: net.log_prob(net.sample(ROWS, seed=0), per_variable=True))
    for dtype in CODES:
        rows = np.zeros((ROWS, 2), dtype)
        for layout, codes in {"rows": rows, "columns": np.asfortranarray(rows)}.items():
            what = f"{family}, {rows.dtype} codes in {layout}"
            yield Step(f"{what}: log_prob", partial(net.log_prob, codes))
            yield Step(f"{what}: log_prob by variable", partial(net.log_prob, codes, per_variable=True))
            yield Step(f"{what}: fit", partial(net.fit, codes))


# --- Markov chains --------------------------------------------------------------------------------------------------


def _sequence_steps() -> Iterator[Step]:
    from ..autoregressive.markov import MarkovChain

    rows = np.arange(4 * ROWS).reshape(ROWS, 4)
    distinct = [str(number) for number in range(2100)]  # so many contexts and symbols that tables are sparse
    data: dict[str, tuple[Any, Any]] = {
        "text": (["ab", "b"] * ROWS, {}),
        "other text": (["aβ", "b"] * ROWS, {}),
        "tokens": ([["a", "bc"], ["bc"]] * ROWS, {}),
        "many tokens": ([distinct[:MANY_STATES], distinct[:2]], {}),
        "sparse tokens": ([distinct, distinct[:2]], {}),
        "codes": ([np.array([0, 1]), np.array([1])] * ROWS, {}),
        "rows": (rows % 2, {"n_vars": 4}),
        "rows, many states": (rows * 4, {"n_vars": 4, "n_states": MANY_STATES}),
        "sparse rows": (np.arange(4200).reshape(2, 2100) % 2100, {"n_vars": 2100}),
        "rows by position": (rows % 2, {"n_vars": 4, "position_dependent": True}),
    }
    for name, (sequences, settings) in data.items():
        yield from _steps_of_chain(MarkovChain(order=1, **settings), f"Markov chains, {name}", sequences)
    varied = [np.random.default_rng(0).integers(0, 200, 60_000)]  # counted in several tables, scored in several runs
    chain = MarkovChain(order=1)
    yield Step("Markov chains, a long sequence: fit", lambda: chain.fit(varied))
    yield Step("Markov chains, a long sequence: log_prob", lambda: chain.log_prob(varied))
    higher = MarkovChain(order=5)  # too many contexts to be counted by a number each
    yield Step("Markov chains, a long sequence, order 5: fit", lambda: higher.fit(varied))


def _steps_of_chain(chain: Any, family: str, data: Any) -> Iterator[Step]:
    few = data[:FEW_ROWS]
    yield Step(f"{family}: fit", lambda: chain.fit(data))
    yield Step(f"{family}: log_prob", lambda: chain.log_prob(few))
    yield Step(f"{family}: log_prob by variable", lambda: chain.log_prob(few, per_variable=True))
    length = {"max_length": 8} if chain.n_vars is None else {}
    yield Step(f"{family}: sample", lambda: chain.sample(FEW_ROWS, seed=0, **length))
    yield Step(f"{family}: sample a prefix", lambda: chain.sample(prefix=_beginnings(few), seed=0, **length))
    options = {"top_k": 2, "return_log_prob": True, "seed": 0, **length}
    yield Step(f"{family}: sample a prefix by top_k", lambda: chain.sample(prefix=_beginnings(few), **options))
    uniforms = np.full((FEW_ROWS, chain.n_vars or 8), 1.0 - 2.0**-53)  # the end symbol comes last
    yield Step(f"{family}: sample by uniforms", lambda: chain.sample(FEW_ROWS, uniforms=uniforms))


def _beginnings(data: Any) -> Any:
    return data[:, :1] if isinstance(data, np.ndarray) else [sequence[:1] for sequence in data]


# --- hidden Markov chains -------------------------------------------------------------------------------------------


def _hidden_chains() -> None:
    from ..engines.hmm import lanes, sequences

    start, step, frames = np.full(2, 0.5), np.full((2, 2), 0.5), np.zeros((ROWS, 2))
    own, batch = sequences.hidden_chain(start, step), lanes.batch_of(np.full(2, ROWS // 2))
    scales = sequences.forward_scaled(own, frames + 1.0).scales
    sequences.forward_log(own, frames)
    sequences.backward_log(own, frames)
    sequences.backward_scaled(own, frames + 1.0, scales)
    for verb in (lanes.log_prob, lanes.posterior, lanes.viterbi):
        verb(lanes.chain_of(start, step, logs=True), batch, frames)


# --- neural models --------------------------------------------------------------------------------------------------


def _neural_steps(dtype: np.dtype[Any]) -> Iterator[Step]:
    from ..autoregressive.fvsbn import FVSBN
    from ..autoregressive.made import MADE
    from ..autoregressive.nade import NADE
    from ..engines.masked.flow import SOFT_CAP, SOFTPLUS

    bits = np.zeros((ROWS, 3), np.uint8)
    reals = np.zeros((ROWS, 3))
    size: dict[str, Any] = {"n_vars": 3, "hidden": (4,), "dtype": dtype}
    models = {
        "MADE": (MADE(**size), bits),
        "MADE, many states": (MADE(**size, n_states=MANY_STATES), bits),
        "MADE, Normal": (MADE(**size, head="normal"), reals),
        "MADE, mixture": (MADE(**size, head="mixture", n_components=2), reals),
        "FVSBN": (FVSBN(3, dtype=dtype), bits),
        "NADE": (NADE(3, 4, dtype=dtype), bits),
    }
    for name, (model, rows) in models.items():
        yield from _steps_of_neural(model, f"{name}, {dtype}", rows)
    for link in (SOFT_CAP, SOFTPLUS):
        yield Step(f"flows, {link}, {dtype}: sample", partial(_draw_from_flow, link, dtype))


def _steps_of_neural(model: Any, family: str, rows: Any) -> Iterator[Step]:
    weights = np.ones(ROWS)
    yield Step(f"{family}: log_prob", lambda: model.log_prob(rows))
    yield Step(f"{family}: log_prob of few rows", lambda: model.log_prob(rows[:FEW_ROWS]))
    yield Step(f"{family}: sample", lambda: model.sample(ROWS, seed=0))
    yield Step(f"{family}: sample few rows", lambda: model.sample(FEW_ROWS, seed=0))
    yield Step(f"{family}: sample a prefix", lambda: model.sample(prefix=rows[:, :1], seed=0))
    yield Step(f"{family}: fit", lambda: model.fit(rows, rows, epochs=1, progress=False))
    yield Step(f"{family}: gradients", lambda: model.gradients(rows, weights))


def _draw_from_flow(link: str, dtype: np.dtype[Any]) -> object:
    from ..engines.masked.flow import affine_net, from_noise
    from ..engines.masked.plan import Layer

    net = affine_net([Layer(np.zeros((2, 1)), np.zeros(2))], np.zeros(1, np.int64), 0, dtype, link)
    return from_noise(net, np.zeros((ROWS, 1), dtype), np.zeros((ROWS, 0), dtype))


def _sample_module() -> object:
    import torch

    from ..autoregressive.module import Autoregressive

    class Constant(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.zeros(len(x), 3, 2)

    return Autoregressive(Constant(), n_vars=3, n_states=2).sample(FEW_ROWS, seed=0)
