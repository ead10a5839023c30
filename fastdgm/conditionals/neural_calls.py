"""Calling the module of a neural conditional: what goes in, and what must come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..data.variables import Variable
from ..runtime.text import shortened
from ..runtime.torch_modules import is_out_of_memory
from .neural_families import Family
from .neural_hints import shape_hint
from .neural_inputs import module_device, module_dtype, module_inputs

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """How the module of one variable is called, and the shapes of what it gives."""

    module: nn.Module
    family: Family
    event_shape: tuple[int, ...]
    n_states: int | None  # None: the variable is real
    has_fixed_std: bool
    separate: bool
    parent_variables: tuple[Variable, ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """What the module gives, in order."""
        return self.family.parts[:1] if self.has_fixed_std else self.family.parts

    def outputs(self, name: str, columns: Sequence[Tensor], n: int) -> tuple[Tensor, ...]:
        """The parameters of variable ``name`` in ``n`` rows, one tensor for each of ``parts``: ``(n, *event_shape)``,
        with one more axis where the family has one; ``columns`` are the parents' values ``(n, *event_shape)``.

        Floats of 16 bits come back as float32, which densities need. Where memory was not enough, torch's error does.

        A module without parameters and buffers works where the columns are.

        Raises ValueError, TypeError where the module raises, or gives something else.
        """
        kind, device = module_dtype(self.module), module_device(self.module, next(iter(columns), None))
        return self.outputs_of(name, module_inputs(columns, self.parent_variables, self.separate, n, kind, device), n)

    def outputs_of(self, name: str, inputs: Sequence[Tensor], n: int) -> tuple[Tensor, ...]:
        """The same of the module's own arguments."""
        try:
            found = self.module(*inputs)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            shapes = ", ".join(f"{tuple(own.shape)} {str(own.dtype).removeprefix('torch.')}" for own in inputs)
            raise ValueError(
                f"the module of {name!r} takes tensors of shape {shapes}, it raised: {type(error).__name__}: "
                f"{shortened(str(error))}"
            ) from error
        return self._checked(name, found, n, module_device(self.module, next(iter(inputs), None)))

    def _checked(self, name: str, found: Any, n: int, device: Any) -> tuple[Tensor, ...]:
        import torch

        outputs = tuple(found) if isinstance(found, tuple | list) else (found,)
        if len(outputs) != len(self.parts) or not all(isinstance(output, torch.Tensor) for output in outputs):
            raise TypeError(self._wrong_parts(name, found, outputs))
        for part, output in zip(self.parts, outputs, strict=True):
            if not output.is_floating_point():
                raise TypeError(f"the {part} of {name!r} are floats, the module gave {output.dtype}")
            if output.device != device:
                raise ValueError(
                    f"the {part} of {name!r} are on {device} as the module is, it gave them on {output.device}"
                )
            expected = self._shape(n, outputs[0])
            if tuple(output.shape) != expected:
                hint = shape_hint(self.family.name, self.event_shape, expected, tuple(output.shape))
                raise ValueError(
                    f"the {part} of {name!r} have shape {expected}, the module gave {tuple(output.shape)}{hint}"
                )
        return tuple(output.float() if output.element_size() < 4 else output for output in outputs)

    def _shape(self, n: int, first: Tensor) -> tuple[int, ...]:
        """Of each part; that of a mixture has as many components as the first."""
        shape = (n, *self.event_shape)
        if not self.family.has_axis:
            return shape
        if self.n_states is not None:
            return *shape, self.n_states
        n_components = int(first.shape[-1]) if first.ndim else 0
        return *shape, max(1, n_components)

    def _wrong_parts(self, name: str, found: Any, outputs: Sequence[Any]) -> str:
        tensors = "tensor" if len(self.parts) == 1 else f"tuple of {len(self.parts)} tensors"
        came = ", ".join(type(output).__name__ for output in outputs)
        if isinstance(found, Mapping):
            came = f"a {type(found).__name__} of {', '.join(map(repr, found))}"
        hint = ""
        if self.family.name == "normal" and self.has_fixed_std and len(outputs) == 2:
            hint = ": std= is fixed, so the mean comes alone"
        elif self.family.name == "normal" and not self.has_fixed_std and len(outputs) == 1:
            hint = ": give (mean, log_std), or Neural(..., std=) a fixed standard deviation"
        return f"the module of {name!r} gives a {tensors} ({', '.join(self.parts)}), got {came}{hint}"
