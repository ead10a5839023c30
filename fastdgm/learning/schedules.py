"""The learning rate of a gradient fit at each moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

from .options import TrainingOptions, finite_number


def rate_after(options: TrainingOptions, done: float, valid: Sequence[float]) -> float:
    """The rate after ``done`` epochs (2.5: half-way through the third), given the validation losses so far.

    cosine: rate (1 + cos(pi done / epochs)) / 2. plateau: halved after every patience // 2 epochs in a row without
    a new lowest loss. A function is called with done / epochs and gives the factor.
    """
    if options.schedule == "constant":
        factor = 1.0
    elif options.schedule == "cosine":
        factor = 0.5 * (1.0 + math.cos(math.pi * done / options.epochs))
    elif options.schedule == "plateau":
        factor = 0.5 ** _waits(valid, (options.patience or 0) // 2)
    else:
        fraction = done / options.epochs
        factor = finite_number(
            cast(Callable[[float], float], options.schedule)(fraction), f"schedule({fraction:g})", zero=True
        )
    return options.learning_rate * factor


def _waits(valid: Sequence[float], wait: int) -> int:
    """How often ``wait`` epochs in a row passed without a new lowest loss."""
    best, since, waits = math.inf, 0, 0
    for loss in valid:
        since = 0 if loss < best else since + 1
        best = min(best, loss)
        waits += since > 0 and since % wait == 0
    return waits
