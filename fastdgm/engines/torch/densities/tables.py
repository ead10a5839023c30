"""Tables, as log-softmax of unbounded numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ....conditionals.base import Conditional
from ....conditionals.table import CPT
from .base import Density, Values, Words


class TableDensity(Density):
    """log P = log_softmax(logits)[parents, child]; logits start at the logarithms of the table."""

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        tables = [own.parameters()["table"] for own in self.own.values()]
        with np.errstate(divide="ignore"):
            self.logits = torch.nn.ParameterList(torch.from_numpy(np.log(table)) for table in tables)

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By look-up."""
        return {
            name: torch.log_softmax(logits, -1)[tuple(values[own_name] for own_name in (*own.parents, name))]
            for (name, own), logits in zip(self.own.items(), self.logits, strict=True)
        }

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """Discrete draws have no gradient."""
        raise ValueError(f"{name!r} is discrete: its draws have no gradient")

    def conditionals(self) -> dict[str, Conditional]:
        """Tables of the present logits."""
        return {
            name: CPT(own.parents, torch.softmax(logits.detach(), -1).numpy(), states=own.variable.states)  # type: ignore[union-attr]
            for (name, own), logits in zip(self.own.items(), self.logits, strict=True)
        }
