"""The kernels of linear Gaussians as torch operators with gradients, which torch.compile keeps as single nodes.

``fastdgm::gaussian_log_prob`` has ``fastdgm::gaussian_gradient`` as its backward; the gradient of that, where somebody
asks for it (``create_graph=True``), is taken of the formulas of gaussian_formulas.py, and so is everything under
``torch.func.vmap``. There is no forward mode. All numbers are float64, on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from ...runtime.arrays import read_only
from ..gaussian import gradient as kernels
from . import gaussian_formulas
from .gaussian_formulas import Place

Tensor = torch.Tensor
WIDE = ("table_start", "slope_start")  # fields that are uint64


def layout_tensors(layout: kernels.Layout) -> list[Tensor]:
    """As int32 and int64 tensors: torch knows little of unsigned ones."""
    return [
        torch.from_numpy(array.view(np.int64 if field in WIDE else np.int32).copy())
        for field, array in layout._asdict().items()
    ]


def _layout(tensors: Sequence[Tensor]) -> kernels.Layout:
    arrays = (tensor.numpy().view(np.uint64 if tensor.dtype == torch.int64 else np.uint32) for tensor in tensors)
    return kernels.Layout(*map(read_only, arrays))


def _arrays(*tensors: Tensor) -> list[Any]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


@torch.library.custom_op("fastdgm::gaussian_log_prob", mutates_args=(), device_types="cpu")
def gaussian_log_prob(
    reals: Tensor, codes: Tensor, intercept: Tensor, slope: Tensor, log_std: Tensor, layout: list[Tensor]
) -> Tensor:
    """log p (n,) of linear Gaussians, float64: reals (n_reals, n), codes (n_codes, n)."""
    own_reals, own_codes, *parameters = _arrays(reals, codes, intercept, slope, log_std)
    found = kernels.log_prob(_layout(layout), kernels.Parameters(*parameters), own_codes, own_reals)
    return torch.from_numpy(found)


@torch.library.custom_op("fastdgm::gaussian_gradient", mutates_args=(), device_types="cpu")
def gaussian_gradient(
    weights: Tensor,
    reals: Tensor,
    codes: Tensor,
    intercept: Tensor,
    slope: Tensor,
    log_std: Tensor,
    layout: list[Tensor],
    by_reals: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradient of sum_i weights[i] log p(row i) by reals, (0, 0) unless ``by_reals``, intercept, slope, log std."""
    own_weights, own_reals, own_codes, *parameters = _arrays(weights, reals, codes, intercept, slope, log_std)
    of_reals, of_parameters = kernels.gradient(
        _layout(layout), kernels.Parameters(*parameters), own_codes, own_reals, own_weights, by_reals
    )
    return tuple(map(torch.from_numpy, (of_reals, *of_parameters)))  # type: ignore[return-value]


@gaussian_log_prob.register_fake
def _(reals: Tensor, codes: Tensor, intercept: Tensor, slope: Tensor, log_std: Tensor, layout: list[Tensor]) -> Tensor:
    return reals.new_empty(reals.shape[1])


@gaussian_gradient.register_fake
def _(
    weights: Tensor,
    reals: Tensor,
    codes: Tensor,
    intercept: Tensor,
    slope: Tensor,
    log_std: Tensor,
    layout: list[Tensor],
    by_reals: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    of_reals = torch.empty_like(reals, memory_format=torch.contiguous_format) if by_reals else reals.new_empty((0, 0))
    return of_reals, torch.empty_like(intercept), torch.empty_like(slope), torch.empty_like(log_std)


# Under torch.compile ----------------------------------------------------------------------------------------------


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    reals, codes, intercept, slope, log_std, layout = inputs
    ctx.save_for_backward(reals, codes, intercept, slope, log_std, *layout)


def _backward(ctx: Any, weights: Tensor) -> tuple[Any, ...]:
    reals, codes, intercept, slope, log_std, *layout = ctx.saved_tensors
    wanted = ctx.needs_input_grad[0]
    of_reals, *of_parameters = gaussian_gradient(
        weights, reals, codes, intercept, slope, log_std, list(layout), by_reals=wanted
    )
    return (of_reals if wanted else None, None, *of_parameters, [None] * len(layout))


gaussian_log_prob.register_autograd(_backward, setup_context=_keep_inputs)


# In eager mode ----------------------------------------------------------------------------------------------------


class Structure(NamedTuple):
    """The layout of a network's linear Gaussians, for the kernels and for the formulas."""

    layout: list[Tensor]
    places: Sequence[Place]


def followed_log_prob(reals: Tensor, codes: Tensor, parameters: Sequence[Tensor], structure: Structure) -> Tensor:
    """log p (n,), differentiable by reals and parameters: intercepts, slopes, log stds."""
    if torch.compiler.is_compiling():
        compiled: Tensor = gaussian_log_prob(reals, codes, *parameters, structure.layout)
        return compiled
    found: Tensor = _LogProb.apply(reals, codes, *parameters, structure)
    return found


def _formula_gradient(
    weights: Tensor, numbers: Sequence[Tensor], codes: Tensor, places: Sequence[Place]
) -> tuple[Tensor, ...]:
    """What ``gaussian_gradient`` is, by torch's own operations; ``numbers`` are reals, intercept, slope, log std."""

    def total(*tensors: Tensor) -> Tensor:
        return gaussian_formulas.log_prob(places, tensors[0], codes, tensors[1:])

    pull_back = torch.func.vjp(total, *numbers)[1]
    return tuple(pull_back(weights))


class _LogProb(torch.autograd.Function):
    """torch.func knows functions with a setup_context, not operators."""

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        *tensors, structure = inputs
        found: Tensor = gaussian_log_prob(*tensors, structure.layout)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        *tensors, ctx.structure = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, weights: Tensor) -> tuple[Any, ...]:
        wanted = ctx.needs_input_grad[0]
        found = _Gradient.apply(weights, *ctx.saved_tensors, ctx.structure, wanted)
        return (found[0] if wanted else None, None, *found[1:], None)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Tensor, int]:
        *tensors, structure = inputs

        def one(reals: Tensor, codes: Tensor, *parameters: Tensor) -> Tensor:
            return gaussian_formulas.log_prob(structure.places, reals, codes, parameters)

        return torch.vmap(one, in_dims[:-1])(*tensors), 0


class _Gradient(torch.autograd.Function):
    """Differentiable itself, by formulas."""

    @staticmethod
    def forward(*inputs: Any) -> tuple[Tensor, ...]:
        *tensors, structure, by_reals = inputs
        found: tuple[Tensor, ...] = gaussian_gradient(*tensors, structure.layout, by_reals=by_reals)
        return found

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        *tensors, ctx.structure, ctx.by_reals = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *by_outputs: Tensor) -> tuple[Any, ...]:
        weights, reals, codes, *parameters = ctx.saved_tensors
        places = ctx.structure.places

        def found(weights: Tensor, *numbers: Tensor) -> tuple[Tensor, ...]:
            gradients = _formula_gradient(weights, numbers, codes, places)
            return gradients if ctx.by_reals else gradients[1:]

        pull_back = torch.func.vjp(found, weights, reals, *parameters)[1]
        of_weights, of_reals, *of_parameters = pull_back(by_outputs if ctx.by_reals else by_outputs[1:])
        return (of_weights, of_reals, None, *of_parameters, None, None)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        *tensors, structure, by_reals = inputs

        def one(weights: Tensor, reals: Tensor, codes: Tensor, *parameters: Tensor) -> tuple[Tensor, ...]:
            found = _formula_gradient(weights, (reals, *parameters), codes, structure.places)
            return found if by_reals else found[1:]

        found = torch.vmap(one, in_dims[:-2])(*tensors)
        if not by_reals:
            found = (found[0].new_empty((info.batch_size, 0, 0)), *found)
        return found, (0, 0, 0, 0)
