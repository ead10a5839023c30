"""Checks that a function of a batch of rows gives for each row what that row alone decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Outputs = Callable[[Array], Array]  # numbers (m,) of rows that may be repeated -> (m, ...) floats

ROUGH = 0.05  # of the largest number: batches of other sizes may be rounded otherwise, in bfloat16 by so much

MIXES = (
    ". Is a layer taking the rows for the sequence (batch_first=True?), or the batch's mean, variance or largest "
    "(batch normalisation without running statistics, dynamic quantisation)?"
)


def check_rows_alone(outputs: Outputs, n: int, epsilon: float) -> None:
    """The output for a row may depend neither on the other rows, nor on their number, nor on its place among them.

    Rows 0 to n - 1 are compared; n to 2 n - 1 differ from them and are put in their places. In batches of one size a
    row's floats take the same steps whatever the others hold: with other company the outputs must be equal but for a
    few times the rounding error ``epsilon``, however coarse the type that the module computes in. So batch statistics
    and scales by the batch's largest show, and rounding does not. Alone, and in a larger batch in another order,
    rounding may differ: equal within ``ROUGH``.

    Raises ValueError: outputs that depend on the batch, or on chance.
    """
    rows, others = np.arange(n), np.arange(n, 2 * n)
    base = outputs(rows)
    largest = scale(base)
    exact, rough = min(100 * epsilon, max(2 * epsilon, 1e-4)) * largest, ROUGH * largest  # but for a GPU's atomics
    even = rows % 2 == 0
    for kept in (even, ~even):
        company = outputs(np.where(kept, rows, others))
        if not same(company[kept], base[kept], exact).all():
            _refuse(outputs, rows, base, rough, "changed with the other rows")
    larger = outputs(np.concatenate([others[:1], rows[::-1]]))
    if not same(larger[:0:-1], base, rough).all():
        _refuse(outputs, rows, base, rough, "changed in a larger batch in another order")
    if not same(outputs(rows[:1]), base[:1], rough).all():
        _refuse(outputs, rows, base, rough, "changed when the row came alone")


def _refuse(outputs: Outputs, rows: Array, base: Array, limit: float, what: str) -> NoReturn:
    if not same(outputs(rows), base, limit).all():
        raise ValueError(
            "the module is random in eval mode: the same rows gave other outputs the second time. Is a layer drawing "
            "noise that eval() does not switch off?"
        )
    raise ValueError(
        "the module mixes the rows of a batch: its output for a row must depend on that row alone, but it "
        f"{what}{MIXES}"
    )


def scale(logits: Array) -> float:
    """The largest finite size, at least 1."""
    largest = float(np.abs(logits).max(initial=1.0))
    return largest if np.isfinite(largest) else float(np.abs(logits[np.isfinite(logits)]).max(initial=1.0))


def same(a: Array, b: Array, limit: float) -> Array:
    """Elementwise equal within the limit; infinities equal themselves, NaN nothing."""
    with np.errstate(invalid="ignore"):
        return (a == b) | (np.abs(a - b) <= limit)
