"""The log-density of a whole network in torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

import torch

from ....conditionals.base import Conditional
from ....conditionals.multivariate import MultivariateNormal
from ....conditionals.neural import Neural
from ....conditionals.table import CPT
from .base import Density, Values
from .multivariate import MultivariateDensity
from .neural import NeuralDensity
from .tables import TableDensity

# Which kind of conditional has which density; subclasses go with their class.
DENSITIES: dict[type[Conditional], type[Density]] = {
    CPT: TableDensity,
    MultivariateNormal: MultivariateDensity,
    Neural: NeuralDensity,
}


def density_of(conditional: Conditional) -> type[Density]:
    """The density of a conditional's kind. TypeError where there is none."""
    for kind in type(conditional).__mro__:
        if kind in DENSITIES:
            return DENSITIES[kind]
    raise TypeError(f"a {type(conditional).__name__} has no density with gradients")


class JointDensity(torch.nn.Module):
    """The sum of the log-densities of variables given their parents, one Density for each kind."""

    def __init__(
        self, conditionals: Mapping[str, Conditional], order: Sequence[str], members: Collection[str] | None = None
    ) -> None:
        """``order`` is topological; ``members`` are those whose terms count (None: all)."""
        super().__init__()
        self.order = tuple(name for name in order if members is None or name in members)
        kinds: dict[type[Density], list[str]] = {}
        for name in self.order:
            kinds.setdefault(density_of(conditionals[name]), []).append(name)
        self.densities = torch.nn.ModuleList(kind(conditionals, own) for kind, own in kinds.items())
        self._home = {name: i for i, own in enumerate(kinds.values()) for name in own}

    def of(self, name: str) -> Density:
        """The density that has this member."""
        return cast(Density, self.densities[self._home[name]])

    def forward(self, values: Values) -> torch.Tensor:
        """log p (n,), nats."""
        total: torch.Tensor = sum(density(values) for density in self.densities)
        return total

    def conditionals(self) -> dict[str, Conditional]:
        """All conditionals with the parameters as they are now, in order."""
        found = {name: own for density in self.densities for name, own in density.conditionals().items()}  # type: ignore[operator]
        return {name: found[name] for name in self.order}
