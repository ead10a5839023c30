"""Neural conditionals: the user's own modules, whose parameters are theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext

import torch

from ....conditionals.base import Conditional
from ....conditionals.neural import Neural
from ....runtime.torch_modules import in_eval_mode
from ..families import TERMS, with_fixed_std
from .base import Density, Values, Words


class NeuralDensity(Density):
    """One module for each member; a module that several share is registered once."""

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        self.modules_of_members: torch.nn.ModuleList = torch.nn.ModuleList(
            [own.module for own in self._neural.values()]
        )
        self.in_eval_mode = False  # whether modules are called so, whatever mode they are in

    @property
    def _neural(self) -> dict[str, Neural]:
        return {name: own for name, own in self.own.items() if isinstance(own, Neural)}

    def modules_by_member(self) -> dict[str, torch.nn.Module]:
        """As they are now."""
        return {name: own.module for name, own in self._neural.items()}

    def parameters_of(self, name: str, values: Values, n: int) -> Sequence[torch.Tensor]:
        """The parts of a member's family in ``n`` rows."""
        own = self._neural[name]
        columns = [values[parent] for parent in own.parents]
        with in_eval_mode(own.module) if self.in_eval_mode else nullcontext():
            return with_fixed_std(own.call.outputs(name, columns, n), own.std)

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By torch."""
        found = {}
        for name, own in self._neural.items():
            x = values[name]
            cells = TERMS[own.family](self.parameters_of(name, values, len(x)), x)
            found[name] = cells.flatten(1).sum(1) if own.event_shape else cells
        return found

    def normal(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Of the normal family."""
        if self._neural[name].family != "normal":
            return None
        mean, log_std = self.parameters_of(name, values, len(next(iter(values.values()))))
        return mean, log_std

    def why_not_drawn(self, name: str) -> str | None:
        """Of the normal family alone."""
        family = self._neural[name].family
        return None if family == "normal" else f"its family is {family}"

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """mean + std * noise."""
        if self.why_not_drawn(name):
            raise self.not_drawn(name)
        mean, log_std = self.parameters_of(name, values, words.n)
        noise = words.normals(self.variables[name].size, mean).reshape(mean.shape)
        return mean + torch.exp(log_std) * noise

    def conditionals(self) -> dict[str, Conditional]:
        """The same: their modules are shared."""
        return dict(self.own)
