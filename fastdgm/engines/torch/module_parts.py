"""What the module of a neural conditional says of rows in blocks, beside any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...conditionals.neural import Neural
from ...conditionals.neural_inputs import module_device
from ...data.schema import Schema, Values
from ...data.variables import Discrete
from ...runtime.torch_modules import evaluating
from .batches import in_batches, rows_at_once
from .families import with_fixed_std

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[Any]


def module_parts(name: str, own: Neural, schema: Schema, values: Values, step: int = 1) -> list[Array]:
    """The parts of the family of variable ``name`` in every ``step``-th column of blocks, (n, *event_shape, ...).

    Raises MemoryError, and ValueError where the module gives something else.
    """
    n = len(range(0, values.codes.shape[1], step))
    n_states = len(own.states) if own.states is not None else 1
    cells = sum(schema.variables[parent].size for parent in own.parents) + 2 * n_states * own.variable.size

    def called(first: int, last: int) -> list[Array]:
        columns = [_column(parent, schema, values, slice(first * step, last * step, step)) for parent in own.parents]
        with evaluating(own.module):
            outputs = with_fixed_std(own.call.outputs(name, columns, last - first), own.std)
        return [output.detach().cpu().numpy() for output in outputs]  # a Parameter's view requires grad even here

    size = rows_at_once(module_device(own.module).type, cells)
    batches = [found for _, _, found in in_batches(0, n, size, called, f"the module of {name!r}")] or [called(0, 0)]
    return batches[0] if len(batches) == 1 else [np.concatenate(part) for part in zip(*batches, strict=True)]


def _column(name: str, schema: Schema, values: Values, place: slice) -> Tensor:
    """(n, *event_shape): a copy, because a module may write into what it is given."""
    import torch

    variable, first = schema.variables[name], schema.rows[name]
    block = values.codes if isinstance(variable, Discrete) else values.reals
    own = np.array(block[first : first + variable.size, place].T, order="C")
    return torch.from_numpy(own).reshape(own.shape[0], *variable.event_shape)
