"""Rows of a network as records: one array (n,) whose elements hold all that training reads of a row.

A record has ``codes`` (those of a hidden discrete variable are its number of states), ``reals``, the row's ``number``,
which says what noise it gets where rows are scored, and a ``weight`` where rows have weights.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from ....data.schema import Schema
from ....data.variables import Discrete
from .bound import Batch
from .configurations import configurations

Array = npt.NDArray[Any]


class Layout(NamedTuple):
    """Which variables records hold, and which of them may be hidden."""

    schema: Schema
    hidden: tuple[str, ...]

    def batch(self, records: Array, device: torch.device) -> Batch:
        """The values of rows as modules and densities take them: two-state vectors as 0.0 and 1.0, other codes as
        int64."""
        values, schema = {}, self.schema
        for name, variable in schema.variables.items():
            if name in self.hidden:
                continue
            cells = slice(schema.rows[name], schema.rows[name] + variable.size)
            if isinstance(variable, Discrete):
                kind = np.float32 if variable.event_shape and variable.n_states == 2 else np.int64
                own = records["codes"][:, cells].astype(kind)
            else:
                own = np.array(records["reals"][:, cells])
            values[name] = torch.from_numpy(own).reshape(len(records), *variable.event_shape).to(device)
        found = None
        if self.hidden:
            n_states = {name: len(schema.states[name]) for name in self.hidden}
            codes = records["codes"][:, [schema.rows[name] for name in self.hidden]].astype(np.int64)
            codes[codes == list(n_states.values())] = -1
            found = configurations(n_states, codes, device)
        return Batch(len(records), values, found)


def record_type(schema: Schema, code_dtype: Any, real_dtype: Any, has_weights: bool) -> np.dtype[Any]:
    """The type of the records of some variables."""
    fields: list[Any] = [("codes", code_dtype, (schema.n_codes,)), ("reals", real_dtype, (schema.n_reals,))]
    fields += [("number", np.int64)] + [("weight", np.float64)] * has_weights
    return np.dtype(fields, align=True)
