"""Checks that a function of a batch of rows gives for each row what that row alone decides."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from .causality import CELLS_AT_ONCE, Logits, same, scale

Array = npt.NDArray[Any]
FEWEST_ROWS, MOST_ROWS = 2, 8


def check_rows_alone(logits: Logits, n_vars: int, n_states: int, exact: float, rough: float) -> None:
    """The output for a row may depend neither on the other rows, nor on their number, nor on its place among them.

    In batches of one size a row's floats take the same steps whatever the others hold: with other company the outputs
    must be equal within ``exact`` times the largest, however coarse the type that the module computes in. So batch
    statistics and scales by the batch's largest show, and rounding does not. Alone, and in a larger batch in another
    order, rounding may differ: equal within ``rough``.

    Raises ValueError: outputs that are not defined, that depend on the batch, or on chance.
    """
    rng = np.random.default_rng(0)
    n = int(np.clip(CELLS_AT_ONCE // (n_vars * n_states), FEWEST_ROWS, MOST_ROWS))
    rows = rng.integers(0, n_states, (n, n_vars))
    others = (rows + rng.integers(min(1, n_states - 1), n_states, rows.shape)) % n_states
    base = logits(rows)
    _refuse_undefined(base)
    largest = scale(base)
    even = np.arange(n) % 2 == 0
    for kept in (even, ~even):
        company = logits(np.where(kept[:, np.newaxis], rows, others))
        if not same(company[kept], base[kept], exact * largest).all():
            _refuse(logits, rows, base, rough * largest, "changed with the other rows")
    larger = logits(np.concatenate([others[:1], rows[::-1]]))
    if not same(larger[:0:-1], base, rough * largest).all():
        _refuse(logits, rows, base, rough * largest, "changed in a larger batch in another order")
    if not same(logits(rows[:1]), base[:1], rough * largest).all():
        _refuse(logits, rows, base, rough * largest, "changed when the row came alone")


def _refuse(logits: Logits, rows: Array, base: Array, limit: float, what: str) -> NoReturn:
    if not same(logits(rows), base, limit).all():
        raise ValueError(
            "the module is random in eval mode: the same rows gave other outputs the second time. Is a layer drawing "
            "noise that eval() does not switch off?"
        )
    raise ValueError(
        "the module mixes the rows of a batch: its output for a row must depend on that row alone, but it "
        f"{what}. Is a layer taking the rows for the sequence (batch_first=True?), or the batch's mean, variance or "
        "largest (batch normalisation without running statistics, dynamic quantisation)?"
    )


def _refuse_undefined(base: Array) -> None:
    defined = np.isfinite(base) | (base == -np.inf)
    if not defined.all():
        row, position, _ = (int(i) for i in np.argwhere(~defined)[0])
        raise ValueError(f"logits are finite or -inf, got {base[row, position][:4]} at position {position}")
