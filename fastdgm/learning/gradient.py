"""Gradient fits that every autoregressive family shares: minibatches, Adam, validation, early stopping, resuming.

All that decides how a run goes on is a pure function of its settings and its history, so a checkpoint holds
nothing else but arrays, and a resumed run gives the same numbers bit for bit.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .checkpoints import Checkpoint
from .schedules import Schedule, Settings, checked_settings, rate_after

if TYPE_CHECKING:
    from ..autoregressive.base import AutoregressiveModel

Array = npt.NDArray[Any]
History = list[dict[str, float]]
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # the values of Kingma and Ba (2015)
LARGE = 100.0  # values of standardised data do not come near it
ROWS_AT_ONCE = 4096  # of the validation rows: short enough for Ctrl-C


class Step(NamedTuple):
    """One step of Adam: its number from 1 on, and its settings."""

    number: int
    rate: float
    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float

    def scalars(self) -> tuple[float, float, float, float, float, float, float]:
        """The fields of ``kernels.adam.AdamSettings``.

        >>> Step(1, 0.001, 0.9, 0.999, 1e-8, 0.0).scalars()[-2:]
        (10.000000000000002, 999.9999999999991)
        """
        correction1 = 1.0 / (1.0 - self.beta1**self.number)
        correction2 = 1.0 / (1.0 - self.beta2**self.number)
        return self.rate, self.beta1, self.beta2, self.epsilon, self.weight_decay, correction1, correction2


class Stepper(Protocol):
    """A family's training state; it owns copies of the model's parameters, which it changes in place.

    Rows are as ``_check_data`` gives them: C-contiguous (n, n_vars), read-only, at least one.
    """

    @property
    def parameters(self) -> dict[str, Array]:
        """Live: what is written into these arrays holds from the next call on."""

    @property
    def moments(self) -> dict[str, Array]:
        """Live: "first.<name>" and "second.<name>" for every parameter, zero at first."""

    def step(self, rows: Array, step: Step) -> float:
        """One Adam step that ascends the mean log_prob of the rows; returns its sum before the step."""

    def log_prob(self, rows: Array) -> Array:
        """(n,) float64 under the live parameters."""


def fit(
    model: AutoregressiveModel,
    train: Any,
    valid: Any = None,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    schedule: Schedule,
    weight_decay: float,
    patience: int | None,
    seed: int | np.random.Generator | None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> None:
    """Train the model in place by Adam; see ``AutoregressiveModel.fit``.

    Whatever ends this early, Ctrl-C included, leaves the model as it was and the checkpoint of the last whole epoch.
    Raises ValueError where a setting or the data is wrong, where the loss is no longer finite, and where an existing
    checkpoint belongs to another run; FormatError where it is damaged.
    """
    settings = checked_settings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        weight_decay=weight_decay,
        patience=patience,
        seed=seed,
        has_valid=valid is not None,
    )
    bar_class = _bar_class(progress)
    rows = _checked_rows(model, train, "train")
    held_out = None if valid is None else _checked_rows(model, valid, "valid")
    run = _Run(model._stepper(), rows, held_out, settings)
    file = None
    if checkpoint is not None:
        file = Checkpoint(checkpoint, model, rows, held_out, run.arrays())
        run.begin_or_resume(file, any_seed=seed is None)
    with _reporter(bar_class, settings.epochs, len(run.history)) as report:
        while not run.finished():
            run.run_epoch()
            if file is not None:
                file.save(run.settings.as_json(), run.history, run.arrays())
            report(run.history[-1])
    model._adopt(run.result())
    model._history = run.history


def _checked_rows(model: AutoregressiveModel, x: Any, name: str) -> Array:
    rows = model._check_data(x, name)
    if not len(rows):
        raise ValueError(f"{name} must have at least one row, got none")
    return rows


class _Run:
    """One training run between two epochs: its history, the live arrays and the best parameters so far."""

    def __init__(self, stepper: Stepper, rows: Array, valid: Array | None, settings: Settings) -> None:
        self.settings = settings
        self.history: History = []
        self._stepper, self._rows, self._valid = stepper, rows, valid
        self._best = {} if valid is None else {name: array.copy() for name, array in stepper.parameters.items()}
        self._batch = np.empty((min(settings.batch_size, len(rows)), *rows.shape[1:]), rows.dtype)

    def arrays(self) -> dict[str, dict[str, Array]]:
        """All that a checkpoint must hold besides the history; live."""
        return {"parameters": self._stepper.parameters, "moments": self._stepper.moments, "best": self._best}

    def result(self) -> dict[str, Array]:
        """The best parameters by validation, or the last ones without it."""
        return self._best or self._stepper.parameters

    def finished(self) -> bool:
        """Whether all epochs are done, or ``patience`` of them brought no new lowest validation loss."""
        losses = self._losses()
        since_best = len(losses) - 1 - losses.index(min(losses)) if losses else 0
        patience = self.settings.patience
        return len(self.history) >= self.settings.epochs or (patience is not None and since_best >= patience)

    def begin_or_resume(self, file: Checkpoint, any_seed: bool) -> None:
        """Take over what the file holds; where there is none, write one, so that a bad path is found at once."""
        if not file.exists():
            file.save(self.settings.as_json(), self.history, self.arrays())
            return
        stored = file.load()
        if any_seed:
            self.settings = replace(self.settings, seed=stored.settings["seed"])
        file.refuse_others(stored, self.settings.as_json())
        self._refuse_history(stored.history, file)
        self.history = stored.history
        for kind, own in self.arrays().items():
            for name, array in own.items():
                array[...] = stored.arrays[f"{kind}/{name}"]

    def _refuse_history(self, history: History, file: Checkpoint) -> None:
        """Two functions cannot be compared, but the rates that they gave can."""
        if len(history) > self.settings.epochs:
            raise ValueError(f"{file} holds {len(history)} epochs, more than epochs={self.settings.epochs}")
        losses = [record["valid"] for record in history if "valid" in record]
        for done, record in enumerate(history):
            rate, then = rate_after(self.settings, done, losses[:done]), record["learning_rate"]
            if not math.isclose(rate, then, rel_tol=1e-9):
                raise ValueError(f"{file} had learning rate {then:g} in epoch {done + 1}, this schedule gives {rate:g}")

    def run_epoch(self) -> None:
        """One pass over the rows in the order of (seed, epoch), then the validation rows."""
        begin = time.perf_counter()
        epoch = len(self.history) + 1
        rate = rate_after(self.settings, epoch - 1, self._losses())
        record = {"epoch": epoch, "train": -self._climb(epoch) / len(self._rows)}
        for name, array in self._stepper.parameters.items():
            if not np.isfinite(array).all():
                raise ValueError(f"{name} is no longer finite after epoch {epoch}; {self._advice()}")
        if self._valid is not None:
            record["valid"] = self._validate(self._valid, epoch)
            if record["valid"] < min(self._losses(), default=math.inf):
                self._best = {name: array.copy() for name, array in self._stepper.parameters.items()}
        self.history.append(record | {"seconds": time.perf_counter() - begin, "learning_rate": rate})

    def _climb(self, epoch: int) -> float:
        """The steps of one epoch; the sum of log_prob over its rows, each before its step."""
        per_epoch = -(-len(self._rows) // self.settings.batch_size)
        losses, total = self._losses(), 0.0
        for number, rows in enumerate(self._minibatches(epoch)):
            rate = rate_after(self.settings, epoch - 1 + number / per_epoch, losses)
            count = (epoch - 1) * per_epoch + number + 1
            part = self._stepper.step(rows, Step(count, rate, BETA1, BETA2, EPSILON, self.settings.weight_decay))
            if not math.isfinite(part):
                advice = self._advice() if count > 1 else self._advice_before_any_step()
                raise ValueError(f"the loss is {-part} in minibatch {number + 1} of epoch {epoch}; {advice}")
            total += part
        return total

    def _minibatches(self, epoch: int) -> Iterator[Array]:
        """The rows in an order that depends on (seed, epoch) alone, in one buffer; the last may be fewer."""
        order = np.random.default_rng((self.settings.seed, epoch)).permutation(len(self._rows))
        for first in range(0, len(order), len(self._batch)):
            own = order[first : first + len(self._batch)]
            batch = self._batch[: len(own)]
            np.take(self._rows, own, axis=0, out=batch, mode="clip")  # "raise" would copy once more
            batch.flags.writeable = False
            yield batch

    def _validate(self, valid: Array, epoch: int) -> float:
        """The mean negative log_prob of the validation rows."""
        total = 0.0
        for first in range(0, len(valid), ROWS_AT_ONCE):
            rows = valid[first : first + ROWS_AT_ONCE]
            rows.flags.writeable = False
            total += float(self._stepper.log_prob(rows).sum())
        if not math.isfinite(total):
            raise ValueError(f"the validation loss is {-total / len(valid)} after epoch {epoch}; {self._advice()}")
        return -total / len(valid)

    def _losses(self) -> list[float]:
        return [record["valid"] for record in self.history] if self._valid is not None else []

    def _advice(self) -> str:
        real = self._rows.dtype.kind == "f" and self._largest() > LARGE
        scale = f"standardise the data, whose values go up to {self._largest():.3g}, or " if real else ""
        return f"{scale}lower learning_rate, {self.settings.learning_rate:g} now. The model is unchanged"

    def _advice_before_any_step(self) -> str:
        """The learning rate has not been used yet."""
        if self._rows.dtype.kind == "f":
            return f"standardise the data, whose values go up to {self._largest():.3g}. The model is unchanged"
        return "the parameters that training begins with give these rows no finite log_prob. The model is unchanged"

    def _largest(self) -> float:
        return float(np.abs(self._rows).max())


def _bar_class(progress: bool | None) -> Any:
    """The kind of bar, None where none is to be shown; ``progress=None`` shows one if tqdm is installed."""
    if progress is not None and not isinstance(progress, bool):
        raise TypeError(f"progress must be None, True or False, got {progress!r}")
    if progress is False:
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        if progress:
            raise ImportError('progress=True shows a tqdm bar: pip install "fastdgm[train]"') from None
        return None
    return partial(tqdm, disable=False if progress else None)  # None: only on a terminal


@contextmanager
def _reporter(bar_class: Any, epochs: int, done: int) -> Iterator[Callable[[dict[str, float]], None]]:
    """What is told of every epoch."""
    if bar_class is None:
        yield lambda record: None
        return
    with bar_class(total=epochs, initial=done, unit=" epochs") as bar:

        def report(record: dict[str, float]) -> None:
            bar.set_postfix_str(
                ", ".join(f"{name} {record[name]:.4g}" for name in ("train", "valid") if name in record)
            )
            bar.update()

        yield report
