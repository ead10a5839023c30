"""Uniform, exponential and Laplace variables, which have no parents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch

from ....conditionals.base import Conditional
from ....conditionals.roots import Exponential, Laplace, Root, Uniform
from .base import Density, Values, Words, as_array, widened

Tensor = torch.Tensor
LOG_2 = 0.6931471805599453


class Kind(NamedTuple):
    """A distribution by its parameters (2,) or (1,), which are what gradients move."""

    start: Callable[[Tensor], Tensor]  # from those of the conditional
    back: Callable[[Tensor], Tensor]
    term: Callable[[Tensor, Tensor], Tensor]  # log p(x)
    draw: Callable[[Tensor, Tensor], Tensor]  # from uniforms


def _uniform_term(own: Tensor, x: Tensor) -> Tensor:
    return torch.where((own[0] <= x) & (x <= own[1]), -(own[1] - own[0]).log(), -torch.inf)


def _uniform_draw(own: Tensor, u: Tensor) -> Tensor:
    return own[0] + (own[1] - own[0]) * u


def _exponential_term(own: Tensor, x: Tensor) -> Tensor:
    return torch.where(x >= 0, own[0] - own[0].exp() * x, -torch.inf)


def _exponential_draw(own: Tensor, u: Tensor) -> Tensor:
    return -torch.log1p(-u) * (-own[0]).exp()


def _laplace_term(own: Tensor, x: Tensor) -> Tensor:
    is_point = torch.isneginf(own[1])
    finite = own[1].masked_fill(is_point, 0.0)
    density = -finite - LOG_2 - (x - own[0]).abs() * (-finite).exp()
    return torch.where(is_point, torch.zeros_like(density).masked_fill(x != own[0], -torch.inf), density)


def _laplace_draw(own: Tensor, u: Tensor) -> Tensor:
    middle = u - 0.5
    return own[0] - own[1].exp() * middle.sign() * torch.log1p(-2 * middle.abs())


# Scales and rates are logarithms.
KINDS: dict[type[Root], Kind] = {
    Uniform: Kind(torch.clone, torch.clone, _uniform_term, _uniform_draw),
    Exponential: Kind(torch.log, torch.exp, _exponential_term, _exponential_draw),
    Laplace: Kind(
        lambda own: torch.stack([own[0], own[1].log()]),
        lambda own: torch.stack([own[0], own[1].exp()]),
        _laplace_term,
        _laplace_draw,
    ),
}


def _kind_of(own: Root) -> Kind:
    """That of its class; subclasses go with it."""
    return next(kind for root, kind in KINDS.items() if isinstance(own, root))


class RootDensity(Density):
    """Parameters (2,): low, high; or loc, log scale; or (1,): log rate. A point mass, of scale 0, has no gradient."""

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        self._roots = {name: own for name, own in self.own.items() if isinstance(own, Root)}
        starts = (_kind_of(own).start(torch.tensor(own.values, dtype=torch.float64)) for own in self._roots.values())
        self.parameters_of_members: torch.nn.ParameterList = torch.nn.ParameterList(starts)

    def _member(self, name: str) -> tuple[Kind, Tensor]:
        return _kind_of(self._roots[name]), self.parameters_of_members[self.members.index(name)]

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By torch."""
        found = {}
        for name in self.members:
            kind, own = self._member(name)
            found[name] = kind.term(own, widened(values[name], own))
        return found

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """By inverse CDF."""
        kind, own = self._member(name)
        return kind.draw(own, words.uniforms(1, own)[:, 0])

    def conditionals(self) -> dict[str, Conditional]:
        """Of the present parameters. ValueError where they are none, as a low that is not below high."""
        found: dict[str, Conditional] = {}
        for name, root in self._roots.items():
            kind, own = self._member(name)
            try:
                found[name] = type(root)(*kind.back(as_array(own)).tolist())
            except ValueError as error:
                raise ValueError(f"parameters of {name!r}: {error}") from None
        return found
