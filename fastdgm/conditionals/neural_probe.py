"""Trying out a module: shapes, finiteness, and that rows do not mix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..data.variables import Discrete, Variable
from ..runtime.torch_modules import evaluating
from .neural_families import FAMILIES
from .neural_inputs import module_device, module_dtype, module_inputs

if TYPE_CHECKING:
    from torch import Tensor


class ModuleOwner(Protocol):
    """What a Neural conditional says of its module."""

    module: Any
    family: str
    event_shape: tuple[int, ...]
    states: tuple[str, ...] | None
    std: float | None
    separate: bool
    parent_variables: tuple[Variable, ...] | None


def check_module(own: ModuleOwner, name: str) -> None:
    """ValueError where the module of variable ``name`` is not what it must be."""
    import torch

    with evaluating(own.module):
        outputs = module_outputs(own, name, [_probe(variable, 2) for variable in own.parent_variables or ()], 2)
    for part, tensor in zip(FAMILIES[own.family].parts, outputs, strict=False):
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"the {part} that the module of {name!r} gives are finite, got {tensor.reshape(-1)[:4]}")


def _probe(variable: Any, n: int) -> Tensor:
    import torch

    shape = (n, *variable.event_shape)
    if isinstance(variable, Discrete):
        return torch.arange(n).reshape(n, *[1] * len(variable.event_shape)).expand(shape) % variable.n_states
    return torch.linspace(-0.5, 0.5, n, dtype=torch.float64).reshape(n, *[1] * len(variable.event_shape)).expand(shape)


def module_outputs(own: ModuleOwner, name: str, columns: Sequence[Tensor], n: int) -> tuple[Tensor, ...]:
    """The parameters of variable ``name`` in ``n`` rows: ``(n, *event_shape)`` for each part of the family, with one
    more axis where that has one; ``columns`` are the parents' values.

    Raises ValueError, TypeError where the module raises, or gives something else.
    """
    module = own.module
    inputs = module_inputs(
        columns, own.parent_variables or (), own.separate, n, module_dtype(module), module_device(module)
    )
    try:
        found = module(*inputs)
    except Exception as error:
        shapes = ", ".join(str(tuple(own.shape)) for own in inputs)
        raise ValueError(
            f"the module of {name!r} takes tensors of shape {shapes}, it raised: {type(error).__name__}: {error}"
        ) from error
    return checked_outputs(own, name, found, n)


def checked_outputs(own: ModuleOwner, name: str, found: Any, n: int) -> tuple[Tensor, ...]:
    """What a module gave, as a tuple of tensors of the right shapes."""
    import torch

    family = FAMILIES[own.family]
    parts = family.parts[:1] if own.std is not None else family.parts
    outputs = tuple(found) if isinstance(found, tuple | list) else (found,)
    if len(outputs) != len(parts) or not all(isinstance(output, torch.Tensor) for output in outputs):
        came = ", ".join(type(output).__name__ for output in outputs)
        raise TypeError(f"the module of {name!r} gives {len(parts)} tensors ({', '.join(parts)}), got {came}")
    shape = (n, *own.event_shape)
    for part, output in zip(parts, outputs, strict=True):
        last = (output.shape[-1],) if family.has_axis and output.ndim else ()
        expected = (*shape, len(own.states)) if own.family == "categorical" and own.states else (*shape, *last)
        if tuple(output.shape) != expected:
            raise ValueError(f"the {part} of {name!r} have shape {expected}, the module gave {tuple(output.shape)}")
    return outputs
