"""The training state of the modules of a network: steps that raise the mean bound of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ....runtime.torch_modules import evaluating
from ...training import Step
from ..train import Loss, TorchStepper
from .bound import Bound, Noise
from .layers import batch_norms, by_running_means
from .records import Layout

Array = npt.NDArray[Any]

TERMS_AT_ONCE = 4096  # rows times particles and configurations of a batch that is scored
VALID_SEED = 2**64 - 1  # of the noise of rows that are scored: it is that of the row, whatever the run


class Annealing(NamedTuple):
    """The weight of the divergence grows to 1 in the first ``steps``."""

    steps: int = 0

    def weight(self, number: int) -> float:
        """In step ``number``, from 1 on."""
        return min(1.0, number / self.steps) if self.steps else 1.0


class BoundStepper(TorchStepper):
    """Copies of a network's and its guide's modules, and the bound that they are trained by."""

    def __init__(
        self,
        bound: Bound,
        layout: Layout,
        modules: Mapping[str, Any],
        annealing: Annealing,
        max_gradient_norm: float | None,
    ) -> None:
        super().__init__(modules, max_gradient_norm)
        self._bound, self._layout, self._annealing = bound, layout, annealing
        self._device = next(iter(self._trained.values())).device
        self._batch_norms = batch_norms(list(modules.values()))
        for module in modules.values():
            module.train()

    def loss(self, rows: Array, step: Step) -> Loss:
        """The mean of -bound, each row times its weight."""
        batch = self._layout.batch(rows, self._device)
        with by_running_means(self._batch_norms if batch.n == 1 else ()):
            noise = Noise(self.noise_seed(step))
            descended, bound = self._bound(batch, noise, self._annealing.weight(step.number))
        if "weight" in (rows.dtype.names or ()):
            weights = torch.from_numpy(np.array(rows["weight"])).to(bound)
            descended, bound = weights * descended, weights * bound
        return Loss(-descended.mean(), bound.detach().double().sum())

    def why_not_finite(self, rows: Array, step: Step) -> str | None:
        """Which variable's term is not, in train mode and with the step's noise; None where their sum alone is not."""
        batch = self._layout.batch(rows, self._device)
        with torch.no_grad(), by_running_means(self._batch_norms if batch.n == 1 else ()):
            return self._bound.not_finite(batch, Noise(self.noise_seed(step)))

    def evaluate(self, rows: Array) -> Array:
        """The bounds (n,), each row times its weight; the noise is that of the row's number."""
        out = np.empty(len(rows))
        size = max(1, TERMS_AT_ONCE // self._bound.copies)
        with evaluating(*self.modules.values()):
            for first in range(0, len(rows), size):
                own = rows[first : first + size]
                batch = self._layout.batch(own, self._device)
                _, bound = self._bound(batch, Noise(VALID_SEED, int(own["number"][0])))
                out[first : first + size] = bound.double().cpu().numpy()
        return out * rows["weight"] if "weight" in (rows.dtype.names or ()) else out

    def noise_seed(self, step: Step) -> int:
        """Of the run's seed and the step."""
        return int(np.random.SeedSequence((step.seed, step.number)).generate_state(1, np.uint64)[0])
