"""The inverse of a masked affine layer: by our loops in one pass, with gradients by the implicit function theorem.

For x = f^-1(y; c, p) and J = df / dx at x, a gradient g by x is v = J'^-1 g by y and -v df / d(c, p) by context and
parameters (Krantz & Parks, The Implicit Function Theorem, 2002). J is triangular: v costs one backward pass.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch.autograd import forward_ad

from ...engines.masked.flow import from_noise, from_noise_with_log_det
from ...engines.masked.flow_gradient import solve_transposed
from ...engines.masked.plan import MaskedNet
from .affine import AffineLayer, shift_and_slope
from .curves import curves_of
from .reading import reading

Array = npt.NDArray[Any]
FLOATS = {torch.float32, torch.float64}


def fast_inverse(layer: AffineLayer, y: Any, c: Any) -> Any:
    """x of y (n, n_vars) and context c (n, n_context), or None where that is left to the library's own code."""
    found = _solved(layer, y, c, scored=False)
    return None if found is None else found[0]


def fast_inverse_with_log_det(layer: AffineLayer, y: Any, c: Any) -> Any:
    """x and log |dx / dy| (n,), or None."""
    return _solved(layer, y, c, scored=True)


def _solved(layer: AffineLayer, y: Any, c: Any, scored: bool) -> Any:
    net = _net_for(layer, y, c)
    if net is None:
        return None
    parameters = dict(layer.network.named_parameters())
    request = _Request(layer, net, tuple(parameters), scored)
    try:
        return _Inverse.apply(request, y, c, *parameters.values())
    except ValueError:  # a row leaves the range of the float type: the library's own says NaN or infinity
        return None


def check_context(layer: AffineLayer, c: Any) -> None:
    """ValueError for another width of context than the layer's."""
    width = (0,) if c is None else tuple(c.shape[-1:])  # a number has none
    if width != (layer.n_context,):
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


class _Request(NamedTuple):
    layer: AffineLayer
    net: MaskedNet
    names: tuple[str, ...]  # of the network's parameters
    scored: bool  # whether log |dx / dy| is asked for, too


class _Inverse(torch.autograd.Function):
    """x of y, and log |dx / dy|, for the parameters as they are."""

    @staticmethod
    def forward(ctx: Any, request: _Request, y: Any, c: Any, *parameters: Any) -> Any:
        rows = request.net, _array(y), _array(c)
        x, log_det = from_noise_with_log_det(*rows) if request.scored else (from_noise(*rows), np.empty(0))
        ctx.request = request
        ctx.set_materialize_grads(False)
        result = torch.from_numpy(x)
        ctx.save_for_backward(result, y, c, *parameters)
        return result, torch.from_numpy(log_det).to(y.dtype)

    @staticmethod
    def backward(ctx: Any, g: Any, g_log_det: Any) -> Any:
        x, y, c, *parameters = ctx.saved_tensors
        g = torch.zeros_like(x) if g is None else g
        g_log_det = None if not ctx.request.scored else g_log_det
        needed = ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():  # for a second derivative
            return None, *_unrolled(ctx.request, (g, g_log_det), (y, c, *parameters), needed)
        return None, *_implicit(ctx.request, (g, g_log_det), (x, c, *parameters), needed)


def _implicit(request: _Request, weights: tuple[Any, Any], inputs: tuple[Any, ...], needed: tuple[bool, ...]) -> Any:
    """Gradients of ``weights . (x, log_det)`` by y, c and the parameters, at the x that was found."""
    g, g_log_det = weights
    with torch.enable_grad():
        x = inputs[0].detach().requires_grad_()
        shift, slope = _shift_and_slope(request, x, inputs[1], inputs[2:])
        y, log_det = x * slope + shift, -slope.log().sum(-1)
        if g_log_det is not None:
            g = g + torch.autograd.grad(log_det, x, g_log_det, retain_graph=True)[0]
    rows = _array(x), _array(inputs[1]), _array(g)
    v = torch.from_numpy(solve_transposed(request.net, *rows, curves_of(request.layer.link)))
    wanted = [own for own, asked in zip(inputs[1:], needed[1:], strict=True) if asked]
    if not wanted:
        return v, *(None for _ in needed[1:])
    roots = [(y, -v)] if g_log_det is None else [(y, -v), (log_det, g_log_det)]
    outputs, given = zip(*roots, strict=True)
    found = iter(torch.autograd.grad(outputs, wanted, given, allow_unused=True))
    return v if needed[0] else None, *(next(found) if asked else None for asked in needed[1:])


def _unrolled(request: _Request, weights: tuple[Any, Any], inputs: tuple[Any, ...], needed: tuple[bool, ...]) -> Any:
    """The same by the library's own way, a pass for each variable, which can be differentiated again."""
    y, c, *parameters = inputs
    x = torch.zeros_like(y)
    for _ in range(request.layer.n_vars):
        shift, slope = _shift_and_slope(request, x, c, parameters)
        x = (y - shift) / slope
    roots = [
        (own, weight) for own, weight in zip((x, -slope.log().sum(-1)), weights, strict=True) if weight is not None
    ]
    wanted = [own for own, asked in zip(inputs, needed, strict=True) if asked]
    outputs, given = zip(*roots, strict=True)
    found = iter(torch.autograd.grad(outputs, wanted, given, create_graph=True, allow_unused=True))
    return [next(found) if asked else None for asked in needed]


def _shift_and_slope(request: _Request, x: Any, c: Any, parameters: Any) -> tuple[Any, Any]:
    layer = request.layer
    named = dict(zip(request.names, parameters, strict=True))
    return shift_and_slope(layer, torch.func.functional_call(layer.network, named, layer.arguments(x, c)))
