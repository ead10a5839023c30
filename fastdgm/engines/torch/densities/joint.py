"""The log-density of a whole network in torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import torch

from ....conditionals.base import Conditional
from ....conditionals.deterministic import Deterministic
from ....conditionals.gaussian import LinearGaussian
from ....conditionals.logistic import Logistic, Softmax
from ....conditionals.multivariate import MultivariateNormal
from ....conditionals.neural import Neural
from ....conditionals.noisy_or import NoisyOr
from ....conditionals.roots import Root
from ....conditionals.table import CPT
from .base import Density, Values
from .functions import FunctionDensity
from .gaussian import LinearGaussianDensity
from .log_linear import LogLinearDensity
from .multivariate import MultivariateDensity
from .neural import NeuralDensity
from .noisy_or import NoisyOrDensity
from .roots import RootDensity
from .tables import TableDensity
from .words import Words

# Which kind of conditional has which density; subclasses go with their class.
DENSITIES: dict[type[Conditional], type[Density]] = {
    CPT: TableDensity,
    Deterministic: FunctionDensity,
    LinearGaussian: LinearGaussianDensity,
    Logistic: LogLinearDensity,
    MultivariateNormal: MultivariateDensity,
    Neural: NeuralDensity,
    NoisyOr: NoisyOrDensity,
    Root: RootDensity,
    Softmax: LogLinearDensity,
}


def density_of(conditional: Conditional) -> type[Density]:
    """The density of a conditional's kind. TypeError where there is none."""
    found = _found(conditional)
    if found is None:
        raise TypeError(f"a {type(conditional).__name__} has no density with gradients")
    return found


def have_densities(conditionals: Iterable[Conditional]) -> bool:
    """Whether all of them have one."""
    return all(_found(own) is not None for own in conditionals)


def _found(conditional: Conditional) -> type[Density] | None:
    return next((DENSITIES[kind] for kind in type(conditional).__mro__ if kind in DENSITIES), None)


def _density_of_member(name: str, conditional: Conditional) -> type[Density]:
    try:
        return density_of(conditional)
    except TypeError as error:
        raise TypeError(f"{name!r}: {error}") from None


class JointDensity(torch.nn.Module):
    """The sum of the log-densities of variables given their parents, one Density for each kind."""

    def __init__(self, conditionals: Mapping[str, Conditional], order: Sequence[str]) -> None:
        """``order`` is topological."""
        super().__init__()
        self.came_from = conditionals
        self.order: tuple[str, ...] = tuple(order)
        kinds: dict[type[Density], list[str]] = {}
        for name in self.order:
            kinds.setdefault(_density_of_member(name, conditionals[name]), []).append(name)
        self.densities: torch.nn.ModuleList = torch.nn.ModuleList(
            kind(conditionals, own) for kind, own in kinds.items()
        )
        self._home = {name: i for i, own in enumerate(kinds.values()) for name in own}

    def of(self, name: str) -> Density:
        """The density that has this member."""
        return cast(Density, self.densities[self._home[name]])

    def forward(self, values: Values) -> torch.Tensor:
        """log p (n,), nats."""
        total: torch.Tensor = sum(density(values) for density in self.densities)
        return total

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """log p (n,) of every variable given its parents, in order."""
        found = {name: own for density in self.densities for name, own in density.terms(values).items()}  # type: ignore[operator]
        return {name: found[name] for name in self.order}

    def table(self, values: Values, names: Sequence[str]) -> torch.Tensor:
        """The terms (n, n_names) of variables in some order."""
        terms = self.terms(values)
        return torch.stack([terms[name].to(torch.float64) for name in names], dim=1)

    def why_not_drawn(self) -> dict[str, str]:
        """The variables whose draws have no gradient, and why."""
        reasons = {name: self.of(name).why_not_drawn(name) for name in self.order}
        return {name: reason for name, reason in reasons.items() if reason}

    def rsample(
        self, n: int, key: int, start: int, first_words: Mapping[str, int], dtype: torch.dtype
    ) -> dict[str, torch.Tensor]:
        """Rows ``start`` to ``start + n`` of a key's stream (n, *event_shape), parents first; differentiable by all
        parameters. ``first_words`` are the first of each variable's random words."""
        values: dict[str, torch.Tensor] = {}
        for name in self.order:
            words = Words(key, start, n, first_words[name])
            values[name] = self.of(name).rsample(name, values, words).to(dtype)
        return values

    def as_the_network(self, device: torch.device | None = None) -> JointDensity:
        """Itself, fixed as the network is: only modules have parameters with a gradient, and these are called in eval
        mode, where they are. All other parameters are moved to ``device``."""
        for density in self.densities:
            if isinstance(density, NeuralDensity):
                density.in_eval_mode = True
            else:
                density.requires_grad_(False).to(device=device)
        return self

    def modules_by_member(self) -> dict[str, torch.nn.Module]:
        """The modules of neural conditionals."""
        found = [own.modules_by_member() for own in self.densities if isinstance(own, NeuralDensity)]
        return {name: module for own in found for name, module in own.items()}

    def conditionals(self) -> dict[str, Conditional]:
        """All conditionals with the parameters as they are now, in order."""
        found = {name: own for density in self.densities for name, own in density.conditionals().items()}  # type: ignore[operator]
        return {name: found[name] for name in self.order}
