"""Expected values of neural variables."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from ...conditionals.neural import Neural
from ...data.schema import Schema, Values
from .module_parts import module_parts

Array = npt.NDArray[Any]


def expected_neural(name: str, own: Neural, schema: Schema, values: Values) -> Array:
    """P(x = 1) of bernoulli variables, all probabilities (..., n_states) of categorical ones, means of real ones."""
    import torch

    parts = [torch.from_numpy(part) for part in module_parts(name, own, schema, values)]
    if own.family == "bernoulli":
        found = torch.sigmoid(parts[0])
    elif own.family == "categorical":
        found = torch.softmax(parts[0], dim=-1)
    elif own.family == "normal":
        found = parts[0]
    else:
        found = (torch.softmax(parts[0], dim=-1) * parts[1]).sum(dim=-1)
    array: Array = found.numpy()
    return array
