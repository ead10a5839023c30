"""Neural conditionals: the user's own modules, whose parameters are theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from ....conditionals.base import Conditional
from ....conditionals.neural import Neural
from ..families import TERMS, with_fixed_std
from .base import Density, Values, Words


class NeuralDensity(Density):
    """One module for each member; a module that several share is registered once."""

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        self.modules_of_members = torch.nn.ModuleList([own.module for own in self._neural.values()])

    @property
    def _neural(self) -> dict[str, Neural]:
        return {name: own for name, own in self.own.items() if isinstance(own, Neural)}

    def parameters_of(self, name: str, values: Values) -> Sequence[torch.Tensor]:
        """The parts of a member's family."""
        own = self._neural[name]
        columns = [values[parent] for parent in own.parents]
        n = len(columns[0]) if columns else len(next(iter(values.values())))
        return with_fixed_std(own.call.outputs(name, columns, n), own.std)

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By torch."""
        return {
            name: TERMS[own.family](self.parameters_of(name, values), values[name]).flatten(1).sum(1)
            if own.event_shape
            else TERMS[own.family](self.parameters_of(name, values), values[name])
            for name, own in self._neural.items()
        }

    def normal(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Of the normal family."""
        if self._neural[name].family != "normal":
            return None
        mean, log_std = self.parameters_of(name, values)
        return mean, log_std

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """mean + std * noise."""
        own = self._neural[name]
        if own.family != "normal":
            raise ValueError(f"{name!r} is of the family {own.family}, which has no reparameterised draw")
        mean, log_std = self.parameters_of(name, values)
        noise = words.normals(own.variable.size, mean).reshape(mean.shape)
        return mean + torch.exp(log_std) * noise

    def conditionals(self) -> dict[str, Conditional]:
        """The same: their modules are shared."""
        return dict(self.own)
