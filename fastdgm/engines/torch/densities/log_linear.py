"""Logistic and softmax regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch.nn.functional import logsigmoid

from ....conditionals.base import Conditional
from ....conditionals.columns import first_columns
from ....conditionals.logistic import Logistic, LogLinear
from ....data.variables import Discrete
from .base import Density, Values, Words, as_array, widened


class LogLinearDensity(Density):
    """Logits are bias + weights . columns of the parents; the parameters are those of the conditionals."""

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        self._regressions = {name: own for name, own in self.own.items() if isinstance(own, LogLinear)}
        self.weights: torch.nn.ParameterList = torch.nn.ParameterList(
            torch.tensor(own.weights) for own in self._regressions.values()
        )
        self.biases: torch.nn.ParameterList = torch.nn.ParameterList(
            torch.tensor(own.bias) for own in self._regressions.values()
        )

    def _logits(self, name: str, values: Values) -> torch.Tensor:
        """(n,) of a yes/no variable, (n, k) of another."""
        own, i = self._regressions[name], self.members.index(name)
        weights = self.weights[i]
        logits = self.biases[i].expand(len(values[name]), *self.biases[i].shape)
        starts = first_columns([self.variables[parent] for parent in own.parents])
        for parent, begin, end in zip(own.parents, starts, starts[1:], strict=False):
            logits = logits + self._addend(weights[..., begin:end], values[parent], parent)
        return logits

    def _addend(self, weights: torch.Tensor, x: torch.Tensor, parent: str) -> torch.Tensor:
        """What one parent adds: weights (..., columns)."""
        if isinstance(self.variables[parent], Discrete):  # state 0 has no column
            return torch.nn.functional.pad(weights, (1, 0)).movedim(-1, 0)[x.long()]
        columns = widened(x, weights).reshape(len(x), -1)
        return columns @ weights.to(columns).movedim(-1, 0)

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """log sigmoid, or log softmax, of the logits."""
        found = {}
        for name, own in self._regressions.items():
            logits, x = self._logits(name, values), values[name]
            if isinstance(own, Logistic):
                found[name] = logsigmoid((2 * x - 1).to(logits) * logits)
            else:
                found[name] = torch.log_softmax(logits, -1).gather(-1, x.long()[:, None])[:, 0]
        return found

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """Discrete draws have no gradient."""
        raise self.not_drawn(name)

    def conditionals(self) -> dict[str, Conditional]:
        """With the present weights."""
        return {
            name: own.trusted(
                own.parents, as_array(weights).numpy(), as_array(bias).numpy(), own.l2, own.states, own.parent_variables
            )
            for (name, own), weights, bias in zip(self._regressions.items(), self.weights, self.biases, strict=True)
        }
