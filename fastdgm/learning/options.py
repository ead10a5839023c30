"""What a gradient fit is asked for, in one object, and the checks of it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ..runtime.seeds import at_least_one, key_from_seed
from .progress import check_progress

Schedule = str | Callable[[float], float]
SCHEDULES = ("cosine", "constant", "plateau")


@dataclass(frozen=True)
class TrainingOptions:
    """The arguments of ``AutoregressiveModel.fit`` besides its data; ``checked`` says whether they are right."""

    schedule: Schedule  # first, because a resumed run is told the first setting that differs
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int | None
    seed: int | None  # None: a fresh one, or that of the run that is resumed
    checkpoint: str | os.PathLike[str] | None = None
    progress: bool | None = None

    def checked(self, has_valid: bool) -> TrainingOptions:
        """The options, or a ValueError or TypeError that names the first that is wrong."""
        checked = replace(
            self,
            epochs=at_least_one(self.epochs, "epochs"),
            batch_size=at_least_one(self.batch_size, "batch_size"),
            learning_rate=finite_number(self.learning_rate, "learning_rate"),
            weight_decay=finite_number(self.weight_decay, "weight_decay", zero=True),
            patience=None if self.patience is None else at_least_one(self.patience, "patience"),
            seed=None if self.seed is None else key_from_seed(self.seed),
        )
        _check_schedule(self.schedule, checked.patience, has_valid)
        check_progress(self.progress)
        return checked

    def as_json(self) -> dict[str, Any]:
        """What a resumed run must share. ``epochs`` is part of it only where the schedule depends on it."""
        shared = {name: value for name, value in vars(self).items() if name not in ("checkpoint", "progress")}
        if not isinstance(self.schedule, str):
            shared["schedule"] = "function"
        if self.schedule in ("constant", "plateau"):
            del shared["epochs"]
        return shared


def _check_schedule(schedule: Any, patience: int | None, has_valid: bool) -> None:
    if not callable(schedule) and not (isinstance(schedule, str) and schedule in SCHEDULES):
        raise ValueError(
            f"schedule must be one of {', '.join(SCHEDULES)} or a function of the fraction done, got {schedule!r}"
        )
    if schedule == "plateau" and not has_valid:
        raise ValueError('schedule="plateau" watches the validation rows, pass valid')
    if schedule == "plateau" and (patience or 0) < 2:
        raise ValueError(f'schedule="plateau" waits patience // 2 epochs, so patience >= 2, got {patience!r}')


def finite_number(value: Any, name: str, *, zero: bool = False) -> float:
    """A finite float above 0, or at least 0."""
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and (number > 0.0 or (zero and number == 0.0))):
        raise ValueError(f"{name} must be a finite number {'of at least' if zero else 'above'} 0, got {value!r}")
    return number
