"""Gradient fits that every autoregressive family shares: minibatches, Adam, validation, early stopping, resuming.

All that decides how a run goes on is a pure function of its settings and its history, so a checkpoint holds
nothing else but arrays, and a resumed run gives the same numbers bit for bit.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engines.training import Step, Stepper
from ..errors import DivergedError
from ..runtime.seeds import key_from_seed
from .checkpoints import Checkpoint, Origin
from .options import TrainingOptions
from .progress import reporter
from .schedules import rate_after

Array = npt.NDArray[Any]
History = list[dict[str, float]]
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # the values of Kingma and Ba (2015)
LARGE = 100.0  # values of standardised data do not come near it
ROWS_AT_ONCE = 4096  # of the validation rows: short enough for Ctrl-C


class Fit(NamedTuple):
    """What a fit found: the best parameters, or the last ones without validation, and one record for every epoch."""

    parameters: dict[str, Array]
    history: History


def fit(stepper: Stepper, rows: Array, valid: Array | None, options: TrainingOptions, origin: Origin | None) -> Fit:
    """Train by Adam on checked rows; see ``AutoregressiveModel.fit``. ``origin`` is what a checkpoint is told apart by.

    Whatever ends this early, Ctrl-C included, leaves the checkpoint of the last whole epoch. Raises DivergedError
    where the loss or a gradient is not finite, ValueError where an existing checkpoint belongs to another run,
    FormatError where it is damaged.
    """
    own = options if options.seed is not None else replace(options, seed=key_from_seed(None))
    run = Run(stepper, rows, valid, own)
    file = None
    if options.checkpoint is not None:
        assert origin is not None
        file = Checkpoint(options.checkpoint, origin, rows, valid, run.arrays())
        run.begin_or_resume(file, any_seed=options.seed is None)
    with reporter(options.progress, options.epochs, len(run.history)) as report:
        while not run.finished():
            run.run_epoch()
            if file is not None:
                file.save(run.options.as_json(), run.history, run.arrays())
            report(run.history[-1])
    return Fit(run.result(), run.history)


class Run:
    """One training run between two epochs: its history, the live arrays and the best parameters so far."""

    def __init__(self, stepper: Stepper, rows: Array, valid: Array | None, options: TrainingOptions) -> None:
        self.options: TrainingOptions = options
        self.history: History = []
        self._stepper, self._rows, self._valid = stepper, rows, valid
        self._best = {} if valid is None else {name: array.copy() for name, array in stepper.parameters.items()}
        self._batch = np.empty((min(options.batch_size, len(rows)), *rows.shape[1:]), rows.dtype)

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
        patience = self.options.patience
        return len(self.history) >= self.options.epochs or (patience is not None and since_best >= patience)

    def begin_or_resume(self, file: Checkpoint, any_seed: bool) -> None:
        """Take over what the file holds; where there is none, write one, so that a bad path is found at once."""
        if not file.exists():
            file.save(self.options.as_json(), self.history, self.arrays())
            return
        stored = file.load()
        if any_seed:
            self.options = replace(self.options, seed=stored.settings["seed"])
        file.refuse_others(stored, self.options.as_json())
        self._refuse_history(stored.history, file)
        self.history = stored.history
        for kind, own in self.arrays().items():
            for name, array in own.items():
                array[...] = stored.arrays[f"{kind}/{name}"]

    def _refuse_history(self, history: History, file: Checkpoint) -> None:
        """Two functions cannot be compared, but the rates that they gave can."""
        if len(history) > self.options.epochs:
            raise ValueError(f"{file} holds {len(history)} epochs, more than epochs={self.options.epochs}")
        losses = [record["valid"] for record in history if "valid" in record]
        for done, record in enumerate(history):
            rate, then = rate_after(self.options, done, losses[:done]), record["learning_rate"]
            if not math.isclose(rate, then, rel_tol=1e-9):
                raise ValueError(f"{file} had learning rate {then:g} in epoch {done + 1}, this schedule gives {rate:g}")

    def run_epoch(self) -> None:
        """One pass over the rows in the order of (seed, epoch), then the validation rows."""
        begin = time.perf_counter()
        epoch = len(self.history) + 1
        rate = rate_after(self.options, epoch - 1, self._losses())
        record = {"epoch": epoch, "train": -self._climb(epoch) / len(self._rows)}
        if (name := self.not_finite()) is not None:
            raise DivergedError(f"{name} no longer finite after epoch {epoch}; {self._advice()}")
        if self._valid is not None:
            record["valid"] = self._validate(epoch)
            if record["valid"] < min(self._losses(), default=math.inf):
                self.keep_best()
        self.history.append(record | {"seconds": time.perf_counter() - begin, "learning_rate": rate})

    def not_finite(self) -> str | None:
        """The parameter that is no longer, with its verb; None where all are."""
        arrays = self._stepper.parameters.items()
        return next((f"{name} is" for name, array in arrays if not np.isfinite(array).all()), None)

    def keep_best(self) -> None:
        """The parameters as they are now are the best so far."""
        self._best = {name: array.copy() for name, array in self._stepper.parameters.items()}

    def _climb(self, epoch: int) -> float:
        """The steps of one epoch; the sum of log_prob over its rows, each before its step."""
        per_epoch = -(-len(self._rows) // self.options.batch_size)
        losses, total = self._losses(), 0.0
        for number, climb in enumerate(self.steps(epoch)):
            rate = rate_after(self.options, epoch - 1 + number / per_epoch, losses)
            count = (epoch - 1) * per_epoch + number + 1
            where = f"in minibatch {number + 1} of epoch {epoch}"
            advice = self._advice if count > 1 else self._advice_before_any_step
            try:
                part = climb(self._step(count, rate))
            except FloatingPointError as error:
                raise DivergedError(f"{error} {where}; {advice()}") from error
            if not math.isfinite(part):
                raise DivergedError(f"the loss is {-part} {where}; {advice()}")
            total += part
        return total

    def _step(self, number: int, rate: float) -> Step:
        seed = self.options.seed
        assert seed is not None  # see fit
        return Step(number, rate, BETA1, BETA2, EPSILON, self.options.weight_decay, seed)

    def order_of(self, epoch: int) -> npt.NDArray[np.int64]:
        """That of the rows, which depends on (seed, epoch) alone."""
        seed = self.options.seed
        assert seed is not None  # see fit
        return np.random.default_rng((seed, epoch)).permutation(len(self._rows))

    def steps(self, epoch: int) -> Iterator[Callable[[Step], float]]:
        """One step for each minibatch, the rows of which are in one buffer; the last may be fewer."""
        order = self.order_of(epoch)
        for first in range(0, len(order), len(self._batch)):
            own = order[first : first + len(self._batch)]
            batch = self._batch[: len(own)]
            np.take(self._rows, own, axis=0, out=batch, mode="clip")  # "raise" would copy once more
            batch.flags.writeable = False
            yield partial(self._stepper.step, batch)

    def score_valid(self) -> float:
        """The sum of log_prob of the validation rows."""
        valid, total = self._valid, 0.0
        assert valid is not None  # see run_epoch
        for first in range(0, len(valid), ROWS_AT_ONCE):
            rows = valid[first : first + ROWS_AT_ONCE]
            rows.flags.writeable = False
            total += float(self._stepper.log_prob(rows).sum())
        return total

    def _validate(self, epoch: int) -> float:
        """The mean negative log_prob of the validation rows."""
        assert self._valid is not None
        loss = -self.score_valid() / len(self._valid)
        if not math.isfinite(loss):
            raise DivergedError(f"the validation loss is {loss} after epoch {epoch}; {self._advice()}")
        return loss

    def _losses(self) -> list[float]:
        return [record["valid"] for record in self.history] if self._valid is not None else []

    def _advice(self) -> str:
        scale = self._advice_on_scale()
        scale = f"{scale}, or " if scale else ""
        return f"{scale}lower learning_rate, {self.options.learning_rate:g} now. The model is unchanged"

    def _advice_before_any_step(self) -> str:
        """The learning rate has not been used yet."""
        start = "the parameters that training begins with give these rows no finite log_prob and gradient"
        return f"{self._advice_on_scale() or start}. The model is unchanged"

    def largest_real(self) -> float:
        """The largest absolute value of the rows; 0 where they are no real numbers."""
        fields = self._rows.dtype.names  # of a network's rows, or of rows and their context
        reals = self._rows if fields is None else self._rows["reals" if "reals" in fields else "x"]
        return float(np.abs(reals).max(initial=0.0)) if reals.dtype.kind == "f" else 0.0

    def _advice_on_scale(self) -> str:
        """Of real numbers; nothing where there are none, or they are small."""
        largest = self.largest_real()
        return f"standardise the data, whose values go up to {largest:.3g}" if largest > LARGE else ""
