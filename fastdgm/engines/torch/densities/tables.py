"""Tables, as log-softmax of unbounded numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ....conditionals.base import Conditional
from ....conditionals.deterministic import FunctionTable
from ....conditionals.table import CPT
from .base import Density, Values, Words, as_array, row_index


class TableDensity(Density):
    """log P = log_softmax(logits)[parents, child]; logits start at the logarithms of the table.

    Entries that are 0 stay 0, without a parameter that counts: their logits are 0, have a gradient of 0 and are read as
    -inf. So the table of a Deterministic variable stays as it is.
    """

    def __init__(self, conditionals: Mapping[str, Conditional], members: Sequence[str]) -> None:
        super().__init__(conditionals, members)
        self._tables = {name: own for name, own in self.own.items() if isinstance(own, CPT)}
        arrays = [own.table for own in self._tables.values()]
        logits = (np.log(array, where=array > 0, out=np.zeros_like(array)) for array in arrays)
        self.logits: torch.nn.ParameterList = torch.nn.ParameterList(map(torch.from_numpy, logits))
        self._is_zero = [f"is_zero_{i}" if (array == 0).any() else "" for i, array in enumerate(arrays)]
        for buffer, array in zip(self._is_zero, arrays, strict=True):
            if buffer:
                self.register_buffer(buffer, torch.from_numpy(array == 0), persistent=False)

    def _log_table(self, i: int) -> torch.Tensor:
        """Of member i."""
        logits, buffer = self.logits[i], self._is_zero[i]
        allowed = logits.masked_fill(self.get_buffer(buffer), -torch.inf) if buffer else logits
        return torch.log_softmax(allowed, -1)

    def terms(self, values: Values) -> dict[str, torch.Tensor]:
        """By look-up."""
        found = {}
        for i, (name, own) in enumerate(self._tables.items()):
            index = row_index([values[parent] for parent in (*own.parents, name)], own.table.shape)
            found[name] = self._log_table(i).reshape(-1)[index]
        return found

    def rsample(self, name: str, values: Values, words: Words) -> torch.Tensor:
        """Discrete draws have no gradient."""
        raise self.not_drawn(name)

    def conditionals(self) -> dict[str, Conditional]:
        """Tables of the present logits."""
        return {
            name: own if isinstance(own, FunctionTable) else _table(own, self._log_table(i))
            for i, (name, own) in enumerate(self._tables.items())
        }


def _table(own: CPT, log_table: torch.Tensor) -> CPT:
    table = as_array(log_table).exp()
    return CPT.trusted(own.parents, (table / table.sum(-1, keepdim=True)).numpy(), own.states, own.parent_states)
