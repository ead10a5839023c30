"""The inverse of a masked affine layer: by our loops in one pass, with gradients by the implicit function theorem.

For x = f^-1(y; c, p) and J = df / dx at x, a gradient g by x is v = J'^-1 g by y and -v df / d(c, p) by context and
parameters (Krantz & Parks, The Implicit Function Theorem, 2002). J is triangular: v costs one backward pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.autograd import forward_ad

from ...engines.masked.flow import from_noise, from_noise_with_log_det
from ...engines.masked.flow_gradient import Curves, solve_transposed
from ...engines.masked.plan import MaskedNet
from .affine import AffineLayer, shift_and_slope, slope_of, through
from .reading import reading

Array = npt.NDArray[Any]
FLOATS = {torch.float32, torch.float64}


def fast_inverse(layer: AffineLayer, y: Any, c: Any) -> Any:
    """x of y (n, n_vars) and context c (n, n_context), or None where that is left to the library's own code."""
    net = _net_for(layer, y, c)
    if net is None:
        return None
    parameters = dict(layer.network.named_parameters())
    try:
        return _Inverse.apply(layer, net, tuple(parameters), y, c, *parameters.values())
    except ValueError:  # a row leaves the range of the float type: the library's own says NaN or infinity
        return None


def fast_inverse_with_log_det(layer: AffineLayer, y: Any, c: Any) -> Any:
    """x and log |dx / dy| (n,), or None."""
    if wants_gradient(layer, y, c):
        x = fast_inverse(layer, y, c)
        if x is None:
            return None
        _, slope = shift_and_slope(layer, layer.network(*layer.arguments(x, c)))
        return x, -slope.log().sum(-1)
    net = _net_for(layer, y, c)
    if net is None:
        return None
    try:
        x, log_det = from_noise_with_log_det(net, _array(y), _array(c))
    except ValueError:
        return None
    return torch.from_numpy(x), torch.from_numpy(log_det).to(y.dtype)


def wants_gradient(layer: AffineLayer, y: Any, c: Any) -> bool:
    """Whether torch would differentiate the inverse."""
    tensors = (y, c, *layer.network.parameters())
    return torch.is_grad_enabled() and any(own.requires_grad for own in tensors)


def check_context(layer: AffineLayer, c: Any) -> None:
    """ValueError for another width of context than the layer's."""
    given = 0 if c is None else c.shape[-1]
    if given != layer.n_context:
        came = "none" if c is None else f"one of shape {tuple(c.shape)}"
        raise ValueError(f"the flow's layer has a context of {layer.n_context} features, got {came}")


def check_mode(layer: AffineLayer) -> None:
    """RuntimeError where the network's outputs are not a function of its inputs."""
    for part in layer.network.modules():
        if not part.training:
            continue
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            raise RuntimeError(
                "a layer with batch normalisation has no inverse in training mode, where its numbers depend on all "
                "rows of the batch: call eval() first"
            )
        if isinstance(part, torch.nn.modules.dropout._DropoutNd) and part.p > 0:
            raise RuntimeError(
                "a layer with dropout has no inverse in training mode, where each pass draws other units: call eval() "
                "first"
            )


def _net_for(layer: AffineLayer, y: Any, c: Any) -> MaskedNet | None:
    """The layer's net, if the call is one for our loops: finite rows on the CPU in the net's float type, outside of
    torch's transforms of functions (vmap, forward mode, compilation)."""
    if not (_is_plain(y) and _is_plain(c)) or forward_ad._current_level >= 0 or torch.compiler.is_compiling():
        return None
    if y.shape[1] != layer.n_vars or c.shape != (len(y), layer.n_context):
        return None
    first = next(layer.network.parameters(), None)
    if first is None or first.dtype != y.dtype or c.dtype != y.dtype or first.device.type != "cpu":
        return None
    if not all(_is_plain(own) for own in layer.network.parameters()):
        return None
    if not (bool(torch.isfinite(y).all()) and bool(torch.isfinite(c).all())):
        return None
    return reading(layer).net


def _is_plain(tensor: Any) -> bool:
    return (
        type(tensor) in (torch.Tensor, torch.nn.Parameter)
        and tensor.device.type == "cpu"
        and tensor.dtype in FLOATS
        and not torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    )


def _array(tensor: Any) -> Array:
    return np.ascontiguousarray(tensor.detach().numpy())


class _Inverse(torch.autograd.Function):
    """x of y, for the parameters as they are."""

    @staticmethod
    def forward(ctx: Any, layer: AffineLayer, net: MaskedNet, names: Any, y: Any, c: Any, *parameters: Any) -> Any:
        x = torch.from_numpy(from_noise(net, _array(y), _array(c)))
        ctx.layer, ctx.net, ctx.names = layer, net, names
        ctx.save_for_backward(x, y, c, *parameters)
        return x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, y, c, *parameters = ctx.saved_tensors
        if torch.is_grad_enabled():  # for a second derivative
            return None, None, None, *_unrolled(ctx, g, y, c, parameters)
        curves = Curves(_activate, lambda scale: _slope(ctx.layer, scale))
        v = torch.from_numpy(solve_transposed(ctx.net, _array(x), _array(c), _array(g), curves))
        wanted = [own for own, needed in zip((c, *parameters), ctx.needs_input_grad[4:], strict=True) if needed]
        found = iter(_pulled_back(ctx, -v, x, c, parameters, wanted))
        rest = (next(found) if needed else None for needed in ctx.needs_input_grad[4:])
        return None, None, None, v if ctx.needs_input_grad[3] else None, *rest


def _pulled_back(ctx: Any, weights: Any, x: Any, c: Any, parameters: Any, wanted: Any) -> Any:
    """weights . df / d(wanted) at x."""
    if not wanted:
        return ()
    with torch.enable_grad():
        y = through(ctx.layer, _outputs(ctx, x.detach(), c, parameters), x.detach())
        return torch.autograd.grad(y, wanted, weights, allow_unused=True)


def _outputs(ctx: Any, x: Any, c: Any, parameters: Any) -> Any:
    named = dict(zip(ctx.names, parameters, strict=True))
    return torch.func.functional_call(ctx.layer.network, named, ctx.layer.arguments(x, c))


def _unrolled(ctx: Any, g: Any, y: Any, c: Any, parameters: Any) -> Any:
    """Gradients that can be differentiated again: by the library's own way, a pass for each variable."""
    needed = ctx.needs_input_grad[3:]
    wanted = [own for own, asked in zip((y, c, *parameters), needed, strict=True) if asked]
    x = torch.zeros_like(y)
    for _ in range(ctx.layer.n_vars):
        shift, slope = shift_and_slope(ctx.layer, _outputs(ctx, x, c, parameters))
        x = (y - shift) / slope
    found = iter(torch.autograd.grad(x, wanted, g, create_graph=True, allow_unused=True))
    return [next(found) if asked else None for asked in needed]


# What the sweep asks for: functions and their derivatives by torch ------------------------------------------------

ACTIVATIONS = {
    "relu": torch.relu,
    "elu": torch.nn.functional.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": torch.nn.functional.softplus,
    "silu": torch.nn.functional.silu,
    "gelu": torch.nn.functional.gelu,
    "gelu_tanh": lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
    "leaky_relu": torch.nn.functional.leaky_relu,
    "selu": torch.selu,
    "mish": torch.nn.functional.mish,
}


def _activate(name: str, sums: Array) -> tuple[Array, Array]:
    return (sums, np.ones_like(sums)) if name == "linear" else _differentiated(ACTIVATIONS[name], sums)


def _slope(layer: AffineLayer, scale: Array) -> tuple[Array, Array]:
    return _differentiated(lambda own: slope_of(layer.link, own), scale)


def _differentiated(function: Any, x: Array) -> tuple[Array, Array]:
    """Values and derivatives of a function of each number."""
    with torch.enable_grad():
        leaf = torch.from_numpy(np.ascontiguousarray(x)).requires_grad_()
        values = function(leaf)
        (derivatives,) = torch.autograd.grad(values.sum(), leaf)
    return values.detach().numpy(), derivatives.numpy()
