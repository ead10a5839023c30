"""Steps of ``fastdgm warm-up``: rows with missing values, evidence of all kinds, in networks of discrete variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

ROWS = 16
MANY_STATES, LARGE = 300, 200  # states, of codes of two bytes and of one
TYPES = (np.uint8, np.uint16, np.int32, np.int64, np.float32, np.float64)  # signed ones share the loops of unsigned
Run = Callable[[], object]


def steps_of_evidence() -> Iterator[tuple[str, Run]]:
    """Names and what compiles: every verb, for codes of one byte and of two."""
    for n_states in (2, MANY_STATES):
        family = f"Evidence, {n_states} states"
        net = _chain(n_states)
        yield from _readers(net, family)
        yield from _verbs(net, family)
    for n_states in (LARGE, MANY_STATES):
        yield from _verbs(_long_chain(n_states), f"Evidence in large trees, {n_states} states")


def _chain(n_states: int) -> Any:
    """a -> b, of which a has many states; c after b makes a variable between others."""
    from .. import CPT, BayesNet, Bernoulli, Categorical

    pair = [[0.25, 0.75], [0.5, 0.5]]
    table = np.resize(np.array(pair), (n_states, 2))
    flat = np.full(n_states, 1 / n_states)
    return BayesNet({"a": Categorical(flat), "b": CPT(["a"], table), "c": CPT(["b"], pair), "d": Bernoulli(0.5)})


def _long_chain(n_states: int) -> Any:
    """a -> b -> c -> d -> e, all of many states: too large a tree for the loops that take all rows through it."""
    from .. import CPT, BayesNet, Categorical

    flat = np.full((n_states, n_states), 1 / n_states)
    return BayesNet({"a": Categorical(flat[0]), **{child: CPT([parent], flat) for parent, child in pairwise("abcde")}})


def _readers(net: Any, family: str) -> Iterator[tuple[str, Run]]:
    """Arrays of all types in both layouts, and columns of labels and numbers."""
    for dtype in TYPES:
        rows = np.zeros((ROWS, 4), dtype)
        rows[::2, 1] = np.nan if rows.dtype.kind == "f" else np.iinfo(rows.dtype).max if rows.dtype.kind == "u" else -1
        for layout, codes in {"rows": rows, "columns": np.asfortranarray(rows)}.items():
            yield f"{family}, {rows.dtype} codes in {layout}: log_prob", partial(net.log_prob, codes)
        yield f"{family}, {rows.dtype} columns: log_prob", partial(net.log_prob, {"b": rows[:, 1], "c": rows[:, 2]})
    yield f"{family}, labels: log_prob", partial(net.log_prob, {"a": ["0", None] * ROWS, "c": ["1", "0"] * ROWS})


def _verbs(net: Any, family: str) -> Iterator[tuple[str, Run]]:
    rows = {"b": np.resize([0, -1, 1], ROWS), "c": np.resize([0, 1], ROWS)}
    yield f"{family}: predict_proba", partial(net.predict_proba, rows, "a")
    yield f"{family}: marginals", partial(net.marginals, rows)
    likelihood = np.linspace(0.5, 1.0, len(net.states["b"]))
    yield f"{family}: posterior", partial(net.posterior, ["a"], given={"b": likelihood})
    yield f"{family}: sample given values", partial(net.sample, ROWS, given={"c": 1}, seed=0)
    yield f"{family}: sample given rows", partial(net.sample, given=rows, seed=0)
    for how in ("mpe", "mode", "sample"):
        yield f"{family}: impute by {how}", partial(net.impute, rows, how=how, seed=0)
    yield f"{family}: fit", partial(_fit, net, rows)


def _fit(net: Any, rows: dict[str, Any]) -> object:
    """A network of the same structure, learnt from rows with missing values."""
    from .. import BayesNet

    return BayesNet(net.conditionals).fit(rows, max_iterations=2, tolerance=1e9, seed=0, progress=False)
