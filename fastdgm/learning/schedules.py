"""What a gradient fit is asked for, checked, and the learning rate it has at each moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ..runtime.seeds import key_from_seed, whole_number

Schedule = str | Callable[[float], float]
NAMES = ("cosine", "constant", "plateau")


@dataclass(frozen=True)
class Settings:
    """The arguments of ``fit`` that decide its numbers; made by ``checked_settings``."""

    schedule: Schedule  # first, because a resumed run is told the first setting that differs
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int | None
    seed: int

    def as_json(self) -> dict[str, Any]:
        """What a resumed run must share. ``epochs`` is part of it only where the schedule depends on it."""
        shared = dict(vars(self), schedule=self.schedule if isinstance(self.schedule, str) else "function")
        if self.schedule in ("constant", "plateau"):
            del shared["epochs"]
        return shared


def checked_settings(
    *,
    epochs: Any,
    batch_size: Any,
    learning_rate: Any,
    schedule: Any,
    weight_decay: Any,
    patience: Any,
    seed: Any,
    has_valid: bool,
) -> Settings:
    """The settings, or a ValueError or TypeError that names the first that is wrong."""
    settings = Settings(
        epochs=_count(epochs, "epochs"),
        batch_size=_count(batch_size, "batch_size"),
        learning_rate=_number(learning_rate, "learning_rate"),
        schedule=schedule,
        weight_decay=_number(weight_decay, "weight_decay", zero=True),
        patience=None if patience is None else _count(patience, "patience"),
        seed=key_from_seed(seed),
    )
    if not callable(schedule) and not (isinstance(schedule, str) and schedule in NAMES):
        raise ValueError(
            f"schedule must be one of {', '.join(NAMES)} or a function of the fraction done, got {schedule!r}"
        )
    if schedule == "plateau" and not has_valid:
        raise ValueError('schedule="plateau" watches the validation rows, pass valid')
    if schedule == "plateau" and (settings.patience or 0) < 2:
        raise ValueError(f'schedule="plateau" waits patience // 2 epochs, so patience >= 2, got {patience!r}')
    return settings


def _count(value: Any, name: str) -> int:
    number = whole_number(value, name)
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number


def _number(value: Any, name: str, *, zero: bool = False) -> float:
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and (number > 0.0 or (zero and number == 0.0))):
        raise ValueError(f"{name} must be a finite number {'of at least' if zero else 'above'} 0, got {value!r}")
    return number


def rate_after(settings: Settings, done: float, valid: Sequence[float]) -> float:
    """The rate after ``done`` epochs (2.5: half-way through the third), given the validation losses so far.

    cosine: rate (1 + cos(pi done / epochs)) / 2. plateau: halved after every patience // 2 epochs in a row without
    a new lowest loss. A function is called with done / epochs and gives the factor.
    """
    if settings.schedule == "constant":
        factor = 1.0
    elif settings.schedule == "cosine":
        factor = 0.5 * (1.0 + math.cos(math.pi * done / settings.epochs))
    elif settings.schedule == "plateau":
        factor = 0.5 ** _waits(valid, (settings.patience or 0) // 2)
    else:
        fraction = done / settings.epochs
        factor = _number(
            cast(Callable[[float], float], settings.schedule)(fraction), f"schedule({fraction:g})", zero=True
        )
    return settings.learning_rate * factor


def _waits(valid: Sequence[float], wait: int) -> int:
    """How often ``wait`` epochs in a row passed without a new lowest loss."""
    best, since, waits = math.inf, 0, 0
    for loss in valid:
        since = 0 if loss < best else since + 1
        best = min(best, loss)
        waits += since > 0 and since % wait == 0
    return waits
