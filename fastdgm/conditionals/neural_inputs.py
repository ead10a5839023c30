"""What a module is called with: its parents' columns as features, or one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..data.variables import Discrete, Variable
from .context import states_wide

if TYPE_CHECKING:
    from torch import Tensor


def module_device(module: Any, otherwise: Tensor | None = None) -> Any:
    """Where the module's parameters are, or its buffers where it has none, or else a tensor, or the CPU."""
    import torch

    first = next(chain(module.parameters(), module.buffers()), otherwise)
    return torch.device("cpu") if first is None else first.device


def module_dtype(module: Any) -> Any:
    """The float type that the module takes: that of its first float parameter or buffer, float32 where it has none."""
    import torch

    numbers = chain(module.parameters(), module.buffers())
    kinds = (own.dtype for own in numbers if own.is_floating_point())
    return next(kinds, torch.float32)


def module_inputs(
    columns: Sequence[Tensor], variables: Sequence[Variable], separate: bool, n: int, dtype: Any, device: Any
) -> tuple[Tensor, ...]:
    """The arguments of a module: parents' values ``(n, *event_shape)``, codes and numbers, as it takes them."""
    import torch

    if separate:
        return tuple(
            column.to(device, torch.int64 if isinstance(variable, Discrete) else dtype)
            for column, variable in zip(columns, variables, strict=True)
        )
    features = [_features(column, variable, dtype, device) for column, variable in zip(columns, variables, strict=True)]
    if len(features) == 1:
        return (features[0],)
    return (torch.cat(features, dim=1) if features else torch.zeros((n, 0), dtype=dtype, device=device),)


def _features(column: Tensor, variable: Variable, dtype: Any, device: Any) -> Tensor:
    """(n, d): one-hot codes, or numbers; a vector of two-state variables as 0 and 1."""
    import torch

    column = column.to(device)
    if n_states := states_wide(variable):
        column = column[..., None] == torch.arange(n_states, device=device)  # one-hot, without a look at codes
    return column.reshape(len(column), -1).to(dtype)
