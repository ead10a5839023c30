"""Checks by perturbation that a function of codes is causal: output d moves with inputs before d alone.

Two rows that agree before a *cut* must have the same outputs up to it: output d reads inputs before d, so the outputs
0 to cut read nothing that differs. A leak from input j to output d <= j shows at every cut from d to j.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ...runtime.row_mixing import same, scale

Array = npt.NDArray[Any]
Logits = Callable[[Array], Array]  # (n, n_vars) int64 codes -> (n, n_vars, k) floats
Steps = Callable[[Array], Iterable[tuple[int, Array]]]  # the same codes -> for each position its (n, k) logits

MOST_ROUNDING = 1 / 32  # between steps and whole passes, in bfloat16
PASSES = 4  # over the cuts, where they are few
MOST_CUTS = 1024
FEWEST_CUTS = 8  # whatever they cost
MOST_INPUTS = 1 << 20  # that the module reads in all: as many as to draw one row of 1024 variables without steps
MOST_OUTPUTS = 1 << 26  # that it gives in all
IMPOSSIBLE = 5000.0  # nats below the largest logit: a probability that no float holds, whatever the logit is
CELLS_AT_ONCE = 1 << 22  # outputs of a batch, of at least two rows


def check_causal(logits: Logits, n_vars: int, n_states: int, tolerance: float, hint: str = "") -> None:
    """Change all inputs from a cut on, and see whether outputs up to the cut move.

    Every position is a cut, with several random rows, while the module reads no more than MOST_INPUTS codes and gives
    no more than MOST_OUTPUTS logits in all. Beyond, it is the ends, powers of two and a random subset of the others:
    a leak that no cut lies in is not found. Outputs count as equal within ``tolerance`` times the largest finite one
    (at least 1).

    Raises ValueError naming an output and an input that moves it, with the hint where both have one number.
    """
    if n_states == 1:
        return
    rng = np.random.default_rng(0)
    most = min(MOST_CUTS, MOST_INPUTS // n_vars, MOST_OUTPUTS // (n_vars * n_states))
    cuts = choose_cuts(n_vars, max(FEWEST_CUTS, most), rng)
    size = max(1, CELLS_AT_ONCE // (n_vars * n_states) - 1)
    for number in range(max(1, min(PASSES, most // len(cuts)))):
        for begin in range(0, len(cuts), size):
            own = cuts[begin : begin + size]
            base = rng.integers(0, n_states, n_vars)
            changed = _changed(base, own, n_states, rng, sparse=number % 2 == 1)
            _refuse_leaks(logits, base, own, changed, tolerance, hint)


def choose_cuts(n_vars: int, most: int, rng: np.random.Generator) -> Array:
    """All positions, or the ends, those around powers of two (where blocks and windows end) and random ones; sorted."""
    if n_vars <= most:
        return np.arange(n_vars)
    powers = [(1 << bit) - below for bit in range(1, n_vars.bit_length()) for below in (0, 1)]
    wanted = [0, n_vars - 1, *reversed(powers), *rng.permutation(n_vars).tolist()]
    return np.sort(list(dict.fromkeys(wanted))[:most])


def _changed(base: Array, cuts: Array, n_states: int, rng: np.random.Generator, sparse: bool) -> Array:
    """A row for each cut: from there on all inputs have another state; sparse: the first, and half of the others."""
    size, positions = (len(cuts), len(base)), np.arange(len(base))
    change = positions >= cuts[:, np.newaxis]
    if sparse:
        change &= (rng.random(size) < 0.5) | (positions == cuts[:, np.newaxis])
    return np.where(change, (base + rng.integers(1, n_states, size)) % n_states, base)


def _refuse_leaks(logits: Logits, base: Array, cuts: Array, changed: Array, tolerance: float, hint: str) -> None:
    """One batch, so that the floats of all rows are rounded alike."""
    result = logits(np.concatenate([base[np.newaxis], changed]))
    limit = tolerance * scale(result[0])
    leaks = []
    for cut, row, output in zip(cuts, changed, result[1:], strict=True):
        before, after = result[0, : cut + 1], output[: cut + 1]
        if not np.array_equal(before, after):
            moved = ~same(after, before, limit).all(axis=1)
            leaks += [(int(np.argmax(moved)), int(cut), row)] if moved.any() else []
    if not leaks:
        return
    output, cut, row = min(leaks, key=lambda leak: leak[:2])
    position = _first_mover(logits, base, row, cut, output, limit)
    raise ValueError(
        f"the module is not causal: output {output} changes when input {position} does, "
        f"but output d may depend on inputs 0 to d - 1 alone{hint if position == output else ''}"
    )


def _first_mover(logits: Logits, base: Array, changed: Array, cut: int, output: int, limit: float) -> int:
    """Changing inputs from the cut on moves an output: the input with which that begins, by bisection."""
    low, high = cut, len(base)  # the output stays with changes up to low, and moves with those up to high
    while high - low > 1:
        middle = (low + high) // 2
        some = np.concatenate([changed[:middle], base[middle:]])
        result = logits(np.stack([base, some]))[:, output]
        low, high = (middle, high) if same(result[0], result[1], limit).all() else (low, middle)
    return high - 1


def check_steps(logits: Logits, steps: Steps, n_vars: int, n_states: int, epsilon: float) -> None:
    """The outputs that ``steps`` makes position by position must be those of the whole module, at every position.

    They may differ by the square root of the rounding error, which is ``epsilon`` or that of a coarser type inside, and
    by MOST_ROUNDING at most, times the largest.
    """
    rows = np.random.default_rng(1).integers(0, n_states, (2, n_vars))
    whole = logits(rows)
    limit = min(MOST_ROUNDING, math.sqrt(max(epsilon, _inner_epsilon(whole)))) * scale(whole)
    for position, stepped in steps(rows):
        if not same(stepped, whole[:, position], limit).all():
            raise ValueError(
                f"step() must give the logits that the module itself gives, but at position {position} they are "
                f"{stepped[0][:4]} and {whole[0, position][:4]} (first row, first states)"
            )


def _inner_epsilon(logits: Array) -> float:
    """Rounding error of the coarsest type that holds all of these floats: autocast modules often end with float()."""
    if logits.dtype == np.float32 and not (logits.view(np.uint32) & 0xFFFF).any():
        return 2.0**-7  # bfloat16: the upper half of float32
    with np.errstate(over="ignore"):
        half = np.array_equal(logits.astype(np.float16), logits)
    return float(np.finfo(np.float16 if half else logits.dtype).eps)


def without_impossible(logits: Array) -> Array:
    """-inf for states of no probability: a logit of -1e9 that stands for it would count as the largest of all."""
    impossible = logits < logits.max(axis=-1, keepdims=True) - IMPOSSIBLE
    return np.where(impossible, -np.inf, logits) if impossible.any() else logits
