"""What the module of a neural conditional says of rows in blocks, beside any engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...conditionals.neural import Neural
from ...conditionals.neural_probe import module_outputs
from ...data.schema import Schema, Values
from ...data.variables import Discrete
from ...runtime.torch_modules import evaluating
from .families import with_fixed_std

if TYPE_CHECKING:
    from torch import Tensor


def module_parts(name: str, own: Neural, schema: Schema, values: Values, step: int = 1) -> Sequence[Tensor]:
    """The parts of the family of variable ``name`` in every ``step``-th column of blocks, (n, *event_shape, ...)."""
    columns = [_column(parent, schema, values, step) for parent in own.parents]
    n = len(range(0, values.codes.shape[1], step))
    with evaluating(own.module):
        return with_fixed_std(module_outputs(own, name, columns, n), own.std)


def _column(name: str, schema: Schema, values: Values, step: int) -> Tensor:
    """(n, *event_shape): a copy, because a module may write into what it is given."""
    import torch

    variable, first = schema.variables[name], schema.rows[name]
    block = values.codes if isinstance(variable, Discrete) else values.reals
    own = np.array(block[first : first + variable.size, ::step].T, order="C")
    return torch.from_numpy(own).reshape(-1, *variable.event_shape)
