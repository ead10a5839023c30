"""Gradient fits of rows on a GPU: the minibatches, rates and stops of ``learning.gradient``, the steps of twins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engines.cuda_training import CudaStepper, TrainingRows
from ..engines.training import Step
from ..runtime.seeds import key_from_seed
from .gradient import Fit, History, Run
from .options import TrainingOptions
from .progress import reporter


def fit(stepper: CudaStepper, rows: TrainingRows, valid: TrainingRows | None, options: TrainingOptions) -> Fit:
    """As ``learning.gradient.fit``, without a checkpoint. Parameters are copied from the card once, at the end; each
    step reads one number, its loss."""
    own = options if options.seed is not None else replace(options, seed=key_from_seed(None))
    run = CudaRun(stepper, rows, valid, own)
    with reporter(options.progress, options.epochs, 0) as report:
        while not run.finished():
            run.run_epoch()
            report(run.history[-1])
    return Fit(run.result(), run.history)


class CudaRun(Run):
    """A training run whose rows and parameters are on a card."""

    def __init__(
        self, stepper: CudaStepper, rows: TrainingRows, valid: TrainingRows | None, options: TrainingOptions
    ) -> None:
        self.options: TrainingOptions = options
        self.history: History = []
        self._on_card, self._rows, self._valid = stepper, rows, valid  # type: ignore[assignment]

    def result(self) -> dict[str, npt.NDArray[Any]]:
        """The best parameters by validation, or the last ones without it."""
        return self._on_card.result()

    def not_finite(self) -> str | None:
        """Checked on the card, all at once."""
        return None if self._on_card.is_finite() else "the parameters are"

    def keep_best(self) -> None:
        """On the card."""
        self._on_card.keep()

    def steps(self, epoch: int) -> Iterator[Callable[[Step], float]]:
        """The order of the rows is uploaded once for the epoch."""
        rows: Any = self._rows
        self._on_card.shuffle(self.order_of(epoch).astype(np.int64))
        for first in range(0, len(rows), self.options.batch_size):
            size = min(self.options.batch_size, len(rows) - first)
            yield partial(self._on_card.step, rows, first, size)

    def score_valid(self) -> float:
        """The sum of log_prob of the validation rows."""
        valid: Any = self._valid
        return self._on_card.log_prob(valid)

    def largest_real(self) -> float:
        """Not looked for on the card."""
        return 0.0
