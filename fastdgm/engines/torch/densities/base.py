"""What a log-density in torch is: some variables of a network given their parents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch

from ....conditionals.base import Conditional
from ....data.variables import Discrete, Variable
from .words import Words

Values = Mapping[str, torch.Tensor]  # by variable: int64 codes, or numbers, (n, *event_shape)


class Density(torch.nn.Module, ABC):
    """log p(x_v | parents of v) for some variables v; parameters are torch Parameters, starting from the network's.

    Terms are of the wider of the types of parameters and data. Data are complete and checked; a discrete value is a
    code within the variable's states.
    """

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__()
        self.members: tuple[str, ...] = tuple(members)
        self.variables: dict[str, Variable] = {name: own.variable for name, own in conditionals.items()}
        self.own: dict[str, Conditional] = {name: conditionals[name] for name in members}

    @abstractmethod
    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """log p of each member (n,)."""

    def forward(self, values: Values) -> torch.Tensor:
        """The sum of the members' terms (n,)."""
        total: torch.Tensor = sum(self.terms(values).values())  # type: ignore[assignment]
        return total

    def why_not_drawn(self, name: str) -> str | None:
        """Why draws of a member have no gradient; None where they have."""
        return "it is discrete" if isinstance(self.variables[name], Discrete) else None

    def n_words(self, name: str) -> int:
        """How many random words of a row a member's draw takes."""
        return self.variables[name].size

    @abstractmethod
    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """A draw of a member (n, *event_shape) that is differentiable by parents and parameters.

        Raises ValueError where ``why_not_drawn`` says why.
        """

    def normal(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Mean and log std (n, *event_shape) of a member whose numbers are independent normals; else None."""
        return None

    @abstractmethod
    def conditionals(self) -> dict[str, Conditional]:
        """The members' conditionals with the parameters as they are now."""

    def not_drawn(self, name: str) -> ValueError:
        """The error for a member whose draws have no gradient."""
        return ValueError(f"no reparameterised draw of {name!r}: {self.why_not_drawn(name)}")


def widened(x: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """Data in the wider of its own type and that of a parameter, also where that is a single number."""
    return x.to(torch.promote_types(x.dtype, parameter.dtype))


def row_index(codes: Sequence[torch.Tensor], n_states: Sequence[int]) -> torch.Tensor:
    """The place (n,) of each row's states in an array of shape ``n_states``, its last axis fastest."""
    index = codes[0].long()
    for code, k in zip(codes[1:], n_states[1:], strict=True):
        index = index * k + code.long()
    return index


def as_array(parameter: torch.Tensor) -> torch.Tensor:
    """A parameter's numbers in float64, on the CPU, without a gradient: what a conditional is made of."""
    return parameter.detach().double().cpu()
