"""Checks by perturbation that a function of codes is causal: output d moves with inputs before d alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Logits = Callable[[Array], Array]  # (n, n_vars) int64 codes -> (n, n_vars, k) float64

BASE_ROWS = 4
MOST_POSITIONS = 256  # inputs that are changed; beyond, the ends and a random subset
CELLS_AT_ONCE = 1 << 22  # outputs held at a time


def check_causal(logits: Logits, n_vars: int, n_states: int, tolerance: float) -> None:
    """Change each input of a few random rows to another state, and see which outputs move.

    With more than 256 variables, inputs 0, 1 and n_vars - 1 and a random subset are changed, 256 in all. Outputs count
    as equal within ``tolerance`` times the largest finite one (at least 1).

    Raises ValueError: NaN, outputs that depend on the other rows of a batch or on chance, and the first leak.
    """
    rng = np.random.default_rng(0)
    rows = rng.integers(0, n_states, (BASE_ROWS, n_vars))
    base = logits(rows)
    _refuse_undefined(base)
    finite = base[np.isfinite(base)]
    tolerance *= max(1.0, float(np.abs(finite).max(initial=0.0)))
    if not same(base, logits(rows[::-1])[::-1], tolerance).all():
        raise ValueError(
            "the module's output for a row must depend on that row alone, but it changed when the batch was reversed: "
            "is a layer mixing rows (batch_first=True?), or random in eval mode?"
        )
    if n_states == 1:
        return
    leaks = [leak for row in rows for leak in _leaks(logits, row, _positions(n_vars, rng), n_states, tolerance, rng)]
    if leaks:
        output, position = min(leaks)
        raise ValueError(
            f"the module is not causal: output {output} changes when input {position} does, "
            f"but output d may depend on inputs 0 to d - 1 alone"
        )


def _positions(n_vars: int, rng: np.random.Generator) -> Array:
    if n_vars <= MOST_POSITIONS:
        return np.arange(n_vars)
    ends = np.array([0, 1, n_vars - 1])
    inner = 2 + rng.choice(n_vars - 3, MOST_POSITIONS - len(ends), replace=False)
    return np.sort(np.concatenate([ends, inner]))


def _leaks(
    logits: Logits, row: Array, positions: Array, n_states: int, tolerance: float, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """(output, input) pairs with output <= input that moves: for each output the first such input of each batch."""
    n_vars = len(row)
    size = max(1, CELLS_AT_ONCE // (n_vars * n_states))
    found = []
    for begin in range(0, len(positions), size):
        own = positions[begin : begin + size]
        changed = np.repeat(row[np.newaxis], len(own) + 1, axis=0)  # row 0 stays: one batch, one rounding
        changed[np.arange(len(own)) + 1, own] += rng.integers(1, n_states, len(own))
        changed %= n_states
        result = logits(changed)
        moved = ~same(result[1:], result[:1], tolerance).all(axis=2) & (np.arange(n_vars) <= own[:, np.newaxis])
        found += [(int(d), int(own[np.argmax(moved[:, d])])) for d in np.flatnonzero(moved.any(axis=0))]
    return found


def check_steps(logits: Logits, steps: Logits, n_vars: int, n_states: int, tolerance: float) -> None:
    """The outputs that ``steps`` makes position by position must be those of the whole module."""
    rows = np.random.default_rng(1).integers(0, n_states, (2, n_vars))
    whole, stepped = logits(rows), steps(rows)
    finite = whole[np.isfinite(whole)]
    agree = same(stepped, whole, tolerance * max(1.0, float(np.abs(finite).max(initial=0.0)))).all(axis=(0, 2))
    if not agree.all():
        position = int(np.argmin(agree))
        raise ValueError(
            f"step() must give the logits that the module itself gives, but at position {position} they are "
            f"{stepped[0, position][:4]} and {whole[0, position][:4]} (first row, first states)"
        )


def same(a: Array, b: Array, tolerance: float) -> Array:
    """Elementwise equal within the tolerance; infinities equal themselves, NaN nothing."""
    with np.errstate(invalid="ignore"):
        return (a == b) | (np.abs(a - b) <= tolerance)


def _refuse_undefined(base: Array) -> None:
    defined = np.isfinite(base) | (base == -np.inf)
    if not defined.all():
        row, position, _ = (int(i) for i in np.argwhere(~defined)[0])
        raise ValueError(f"logits are finite or -inf, got {base[row, position][:4]} at position {position}")
