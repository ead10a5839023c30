"""MADE and FVSBN against torch: speed of sampling and scoring, and that both compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from tasks import Record, Task, check, measure, ours

import fastdgm as fd
from fastdgm.engines.masked import plan as masked

NAIVE_PASSES = 16  # of n_vars passes one in so many is timed: all cost the same
CHECKED_ROWS = 32
NEAR = 1e-5  # how close to a threshold a uniform lies where float32 results may differ
WEIGHT_SCALE = 3.0  # initial heads are small: with these, probabilities are not all near 1/2

GRID = tuple((n_vars, (width,) * depth) for n_vars in (100, 500, 784) for width in (100, 500) for depth in (1, 2))
ROWS = (1000, 100, 1)
MAIN = (784, (500,))
NAIVE = {(100, (100,)), (500, (500,)), (784, (500,)), (784, (500, 500))}


class Settings(NamedTuple):
    """How much is measured."""

    rounds: int
    slow_rounds: int
    quick: bool


def masked_model(n_vars: int, hidden: tuple[int, ...]) -> Any:
    """A random model with probabilities of all sizes; without hidden layers an FVSBN."""
    model: Any = fd.MADE(n_vars, hidden, seed=0) if hidden else fd.FVSBN(n_vars)
    if hidden:
        model._net.weights[:] *= WEIGHT_SCALE
    else:
        random = np.random.default_rng(0).standard_normal((n_vars, n_vars))
        masked.layer_view(model._net, 1)[:] = np.tril(random * 2 / np.sqrt(n_vars), -1)
    return model


def about(model: Any, rows: int) -> Record:
    """Which model, and how many rows a call has."""
    hidden = [int(width) for width in np.atleast_1d(getattr(model, "hidden", []))]
    name = "-".join(map(str, (model.n_vars, *hidden)))
    return {"model": f"{type(model).__name__} {name}", "n_vars": model.n_vars, "hidden": hidden, "rows": rows}


def masked_tasks(model: Any, torch_model: Any, rows: int, threads: int, naive: bool) -> list[Task]:
    """Everything that samples or scores so many rows."""
    import torch

    x = model.sample(rows, seed=1)
    xt = torch.from_numpy(x.astype(np.float32))
    halves = torch_model.halved_inputs(rows)
    tasks = [
        ours(operation, own, call)
        for own in sorted({1, threads})
        for operation, call in (
            ("sample", lambda: model.sample(rows, seed=2)),
            ("log_prob", lambda: model.log_prob(x)),
        )
    ]
    tasks += [
        Task("sample", "prefix-loop", lambda: torch_model.sample_prefix(rows), threads),
        Task("log_prob", "torch-masked", lambda: torch_model.log_prob(xt, baked=False), threads),
        Task("log_prob", "torch-baked", lambda: torch_model.log_prob(xt), threads),
        Task("log_prob", "halved-mm", lambda: torch_model.halved_mm(halves), threads),
    ]
    if naive:
        passes = max(1, model.n_vars // NAIVE_PASSES)
        tasks.append(
            Task(
                "sample",
                "naive",
                lambda: torch_model.sample_naive(rows, passes=passes),
                threads,
                scale=model.n_vars / passes,
                note=f"{passes} of {model.n_vars} passes timed, scaled; masks applied beforehand",
            )
        )
    return tasks


def masked_group(
    cases: Sequence[tuple[int, tuple[int, ...]]], sizes: Sequence[int], threads: int, settings: Settings
) -> tuple[list[Record], list[Record]]:
    """Speed records, and checks that the methods agree."""
    from peers_ar.torch_masked import TorchMasked

    records: list[Record] = []
    checks: list[Record] = []
    for n_vars, hidden in cases:
        model = masked_model(n_vars, hidden)
        torch_model = TorchMasked(model)
        checks += masked_checks(model, torch_model)
        for rows in sizes:
            naive = (not hidden or (n_vars, hidden) in NAIVE) and threads == 1
            tasks = masked_tasks(model, torch_model, rows, threads, naive)
            records += measure(tasks, settings.rounds, about(model, rows))
    return records, checks


def masked_checks(model: Any, torch_model: Any) -> list[Record]:
    """The same samples by DESIGN.md's rule from both torch methods, and the same log_prob."""
    import torch

    uniforms = np.random.default_rng(3).random((CHECKED_ROWS, model.n_vars), np.float32)
    x, u = model.sample(CHECKED_ROWS, uniforms=uniforms), torch.from_numpy(uniforms)
    naive = torch_model.sample_naive(CHECKED_ROWS, u).numpy()
    prefix = torch_model.sample_prefix(CHECKED_ROWS, u.T.contiguous()).numpy().T
    probabilities = torch.sigmoid(torch_model.logits(torch.from_numpy(naive))).numpy()
    own = model.log_prob(x)
    theirs = torch_model.log_prob(torch.from_numpy(x.astype(np.float32))).numpy()
    which = about(model, CHECKED_ROWS)
    return [
        *sample_checks(which, x, naive, uniforms, probabilities, "one pass per variable"),
        *sample_checks(which, x, prefix, uniforms, probabilities, "incremental loop"),
        check(which, "log_prob, largest relative difference from torch", relative(own, theirs), 1e-5),
    ]


def relative(own: np.ndarray, theirs: np.ndarray) -> float:
    """The largest |own - theirs| / |theirs|."""
    return float(np.max(np.abs(own - theirs) / np.abs(theirs)))


def sample_checks(
    which: Record, x: np.ndarray, other: np.ndarray, uniforms: np.ndarray, probabilities: np.ndarray, name: str
) -> list[Record]:
    """Rows may differ only from the first variable whose uniform lies near its threshold.

    ``probabilities`` are those of the naive samples: they hold up to the first difference from them.
    """
    differ = x != other
    rows = np.flatnonzero(differ.any(axis=1))
    first = differ[rows].argmax(axis=1)
    gaps = np.abs(uniforms[rows, first] - probabilities[rows, first])
    what = f"samples, {len(rows)} rows differ from the {name}: largest |uniform - threshold| where they begin to"
    return [check(which, what, float(gaps.max(initial=0.0)), NEAR)]
