"""Noisy-or."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch.nn.functional import softplus

from ....conditionals.base import Conditional
from ....conditionals.noisy_or import NoisyOr
from .base import Density, Values, Words, as_array

LOG_HALF = -0.6931471805599453


class NoisyOrDensity(Density):
    """P(False) = prod over the leak and the causes at work of 1 - sigmoid(logit); ``logits`` are (1 + n_parents,), the
    leak first. Probabilities of 0 and 1 stay so: their logits have a gradient of 0."""

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        self._members = {name: own for name, own in self.own.items() if isinstance(own, NoisyOr)}
        chances = [np.concatenate([[own.leak], own.parameters()["probabilities"]]) for own in self._members.values()]
        starts = []
        for i, p in enumerate(chances):
            free = np.where((p > 0) & (p < 1), p, 0.5)
            starts.append(torch.from_numpy(np.log(free) - np.log1p(-free)))
            self.register_buffer(f"never_{i}", torch.from_numpy(p == 0), persistent=False)
            self.register_buffer(f"always_{i}", torch.from_numpy(p == 1), persistent=False)
        self.logits: torch.nn.ParameterList = torch.nn.ParameterList(starts)

    def _parts(self, i: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Logits of member i, and which probabilities are 0 and 1."""
        return self.logits[i], self.get_buffer(f"never_{i}"), self.get_buffer(f"always_{i}")

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """log P(False) is a sum, log P(True) from the side where nothing cancels."""
        found = {}
        for i, (name, own) in enumerate(self._members.items()):
            logits, never, always = self._parts(i)
            x = values[name]
            causes = torch.stack([torch.ones_like(x), *(values[parent] for parent in own.parents)], 1)
            log_false = causes.to(logits) @ (-softplus(logits)).masked_fill(never | always, 0.0)
            certain = (causes.bool() & always).any(1)
            log_true = torch.where(certain, 0.0, _log_complement(log_false))
            found[name] = torch.where(x == 1, log_true, log_false.masked_fill(certain, -torch.inf))
        return found

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """Discrete draws have no gradient."""
        raise self.not_drawn(name)

    def conditionals(self) -> dict[str, Conditional]:
        """With the present probabilities."""
        found: dict[str, Conditional] = {}
        for i, (name, own) in enumerate(self._members.items()):
            logits, never, always = (part.cpu() for part in self._parts(i))
            p = as_array(logits).sigmoid().masked_fill(never, 0.0).masked_fill(always, 1.0).numpy()
            found[name] = own.trusted(own.parents, p[1:].copy(), float(p[0]), own.parent_variables)
        return found


def _log_complement(a: torch.Tensor) -> torch.Tensor:
    """log(1 - exp(a)) for a <= 0: -inf at 0, where the gradient is 0."""
    near = (a > LOG_HALF) & (a < 0)
    of_near = torch.log(-torch.expm1(torch.where(near, a, LOG_HALF)))
    of_far = torch.log1p(-torch.exp(torch.where(a <= LOG_HALF, a, LOG_HALF)))
    return torch.where(near, of_near, torch.where(a < 0, of_far, -torch.inf))
