"""Masked layers read off torch modules."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engines.masked.plan import Layer, Shape, derive_degrees

Array = npt.NDArray[Any]
MOST_WIDTHS = 8  # tried, of a module that does not say how many inputs it takes


class Twin(NamedTuple):
    """A copy of a module on the CPU, in eval mode, and what it takes."""

    module: Any
    dtype: Any  # torch.float64, or float32 where it insists on that
    n_inputs: int

    def tensor(self, rows: Array) -> Any:
        """Rows as the module takes them."""
        import torch

        return torch.from_numpy(np.ascontiguousarray(rows)).to(self.dtype)


def twin_of(module: Any, n_inputs: int | None = None, n_context: int = 0) -> Twin:
    """In float64 where the module's forward takes that; ``n_inputs``, unless given, is the width that it takes.

    One that also takes a context becomes one of a single argument: the context, then its inputs.

    Raises TypeError for no module, and where its forward takes neither float type (with what it raised) or gives
    something else than one tensor.
    """
    import torch
    from torch import nn

    if not isinstance(module, nn.Module):
        hint = ": load it into its module" if hasattr(module, "keys") else ""
        raise TypeError(f"{type(module).__name__} is not supported, a torch.nn.Module is needed{hint}")
    module = getattr(module, "_orig_mod", module)  # of torch.compile
    module = module.module if isinstance(module, nn.DataParallel) else module
    widths = [n_inputs] if n_inputs is not None else list(_widths(module))
    if n_context:
        module = with_joined_inputs(module, n_context)
        widths = list(
            dict.fromkeys(each + extra for each in widths for extra in (n_context, 0) if each + extra > n_context)
        )
        widths = widths[:1] if n_inputs is not None else widths
    first: tuple[int, Exception] | None = None
    for dtype in (torch.float64, torch.float32):
        twin = copied(module, dtype)
        for width in widths:
            try:
                with torch.no_grad():
                    output = twin(torch.zeros(2, width, dtype=dtype))
            except Exception as error:  # of the user's own forward, whatever it is
                first = first or (width, error)
                continue
            if not isinstance(output, torch.Tensor):
                kind = type(output).__name__
                raise TypeError(f"the forward of {_name(module)} must give one tensor of outputs, got {kind}")
            return Twin(twin, dtype, width)
    if first is None:
        text = " ".join(str(module).split())[:200]
        raise TypeError(f"{_name(module)} is not supported: a matrix of weights is needed, it has none; got {text}")
    rows = f"rows of {first[0]} floats{_tried(widths, n_inputs is not None)}"
    raise TypeError(
        f"{_name(module)} must take {rows}: a copy of it raised {type(first[1]).__name__}: {str(first[1])[:300]}"
    ) from first[1]


def with_joined_inputs(module: Any, n_context: int) -> Any:
    """A module of one argument, the context and then the inputs, that calls ``module(inputs, context)``."""
    from torch import nn

    class JoinedInputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, joined: Any) -> Any:
            return self.module(joined[:, n_context:], joined[:, :n_context])

    return JoinedInputs()


def _tried(widths: list[int], given: bool) -> str:
    """Where the first width comes from, and which others were tried."""
    if given:
        return ", as n_vars= says"
    others = "".join(f"{', ' if number else 'or '}{width}" for number, width in enumerate(widths[1:]))
    return f" ({others}{'; ' if others else ''}n_vars= says how many variables it has), float64 or else float32"


def _widths(module: Any) -> Iterator[int]:
    """Numbers of inputs that a module may take: the sides of its matrices, the first one's columns first."""
    matrices = [parameter.shape for parameter in module.parameters() if parameter.ndim == 2]
    sides = [shape[1] for shape in matrices[:1]] + [side for shape in matrices for side in (shape[1], shape[0])]
    return iter(list(dict.fromkeys(sides))[:MOST_WIDTHS])


def copied(module: Any, dtype: Any) -> Any:
    """A copy on the CPU, in eval mode, also of modules with pruned weights, which deepcopy refuses."""
    import torch

    computed = [
        tensor
        for part in module.modules()
        for tensor in vars(part).values()
        if isinstance(tensor, torch.Tensor) and not tensor.is_leaf
    ]
    memo = {id(tensor): tensor.detach().clone() for tensor in computed}  # torch computes them anew at every call
    with torch.no_grad():  # else copies of scripts are computed from the original
        return copy.deepcopy(module, memo).cpu().to(dtype).eval()


def _name(module: Any) -> str:
    return type(module).__name__


def read_layers(twin: Twin) -> list[Layer]:
    """The layers of a module, in float64; the last one are its outputs. Raises what ``torch_trace.trace`` does."""
    from .torch_trace import trace

    return trace(twin.module, twin.n_inputs, twin.dtype)


def ending(layers: list[Layer]) -> list[Layer]:
    """The same, ended by a layer with weights and without residual, as the kernels' heads are; TypeError where the
    outputs have an activation."""
    last = layers[-1]
    if last.activation != "linear":
        raise TypeError(
            "the module must end with a masked linear layer whose outputs are logits, or means and log sigmas: leave "
            f"out the {last.activation} that comes after it"
        )
    if last.weights is not None and last.residual is None:
        return layers
    n = len(last.biases)
    return [*layers, Layer(np.eye(n), np.zeros(n), "linear", len(layers))]


def arrange(layers: Sequence[Layer], columns: Array, rows: Array) -> list[Layer]:
    """The same layers with inputs ``columns`` and outputs ``rows``, in that order."""
    arranged = [
        layer if layer.weights is None or layer.source else layer._replace(weights=layer.weights[:, columns])
        for layer in layers
    ]
    last = arranged[-1]
    assert last.weights is not None  # see ``ending``
    arranged[-1] = last._replace(weights=last.weights[rows], biases=last.biases[rows])
    return arranged


def degrees_of(layers: list[Layer], shape: Shape) -> tuple[list[Layer], list[Array]]:
    """Layers whose units can be sorted by degree, and the degrees.

    A unit and its residual must have one degree. Where that would leak though the module does not, what is added comes
    by weights of 1 instead. ValueError where the masks leak.
    """
    try:
        return layers, derive_degrees(layers, shape)
    except ValueError:
        apart = _without_ties(layers)
        return apart, derive_degrees(apart, shape)


def _without_ties(layers: list[Layer]) -> list[Layer]:
    """The same numbers; nothing but one layer reads what it has as a residual."""
    numbers, result = {0: 0}, list[Layer]()
    for number, layer in enumerate(layers, start=1):
        source, n = numbers[layer.source], len(layer.biases)
        if layer.residual is None:
            result.append(layer._replace(source=source))
        else:
            own = None
            if layer.weights is not None:
                result.append(Layer(layer.weights, np.zeros(n), "linear", source))
                own = len(result)
            result.append(Layer(np.eye(n), layer.biases, layer.activation, numbers[layer.residual], own))
        numbers[number] = len(result)
    return result


def float_type(module: Any) -> np.dtype[Any]:
    """float64 if any parameter is, else float32."""
    import torch

    double = any(parameter.dtype == torch.float64 for parameter in module.parameters())
    return np.dtype(np.float64 if double else np.float32)
