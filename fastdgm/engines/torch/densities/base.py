"""What a log-density in torch is: some variables of a network given their parents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from ....conditionals.base import Conditional
from ....kernels.uniforms import uniforms_cpu

Values = Mapping[str, torch.Tensor]  # by variable: int64 codes, or numbers, (n, *event_shape)


class Words(NamedTuple):
    """The random words of one variable: rows ``start`` to ``start + n`` of a key's stream, from ``first`` on."""

    key: int
    start: int
    n: int
    first: int

    def uniforms(self, count: int) -> torch.Tensor:
        """(n, count) float64 in (0, 1)."""
        out = np.empty((self.first + count, self.n))
        uniforms_cpu(np.uint64(self.key), np.uint64(self.start % 2**64), np.empty((8, self.n), np.uint32), out)
        return torch.from_numpy(np.ascontiguousarray(out[self.first :].T))

    def normals(self, count: int, like: torch.Tensor) -> torch.Tensor:
        """(n, count) standard normal numbers of the type and device of ``like``."""
        return torch.special.ndtri(self.uniforms(count)).to(like)


class Density(torch.nn.Module, ABC):
    """log p(x_v | parents of v) for some variables v; parameters are torch Parameters, starting from the network's.

    A kind of conditional whose density has no gradient at all refuses in ``__init__``.
    """

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__()
        self.members = tuple(members)
        self.variables = {name: own.variable for name, own in conditionals.items()}
        self.own = {name: conditionals[name] for name in members}

    @abstractmethod
    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """log p of each member (n,)."""

    def forward(self, values: Values) -> torch.Tensor:
        """The sum of the members' terms (n,)."""
        total: torch.Tensor = sum(self.terms(values).values())  # type: ignore[assignment]
        return total

    @abstractmethod
    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """A draw of a member (n, *event_shape) that is differentiable by parents and parameters; without a gradient
        where the member is discrete."""

    def normal(self, name: str, values: Values) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Mean and log std (n, *event_shape) of a member whose numbers are independent normals; else None."""
        return None

    @abstractmethod
    def conditionals(self) -> dict[str, Conditional]:
        """The members' conditionals with the parameters as they are now."""
