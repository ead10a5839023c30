"""The networks of affine layers as our loops take them, read once and again whenever their numbers have changed."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from ...engines.masked.flow import affine_net
from ...engines.masked.flow_gradient import outputs
from ...engines.masked.plan import MaskedNet
from ..torch_masked import Twin, arrange, ending, float_type, read_layers, twin_of
from ..torch_order import causal_order
from .affine import AffineLayer

Array = npt.NDArray[Any]
CHECKED_ROWS = 16
TOLERANCE = {"float64": 1e-6, "float32": 1e-3}  # far above rounding, far below what another function would give


class Reading(NamedTuple):
    """A network as it was when it was last read."""

    numbers: list[Any]  # copies of its parameters and buffers
    net: MaskedNet | None
    reason: str  # why it could not be read


_readings: WeakKeyDictionary[Any, Reading] = WeakKeyDictionary()  # by network


def reading(layer: AffineLayer) -> Reading:
    """The net of a layer's present numbers, in the float type of its parameters.

    They are compared with those last read rather than their versions, which ``parameter.data`` goes round. Nothing is
    raised: what cannot be read has a reason instead.
    """
    network = layer.network
    numbers = [*network.parameters(), *network.buffers()]
    last = _readings.get(network)
    if last is not None and _same(last.numbers, numbers):
        return last
    copies = [own.detach().clone() for own in numbers]
    try:
        net, reason = read(layer, verified=last is None or last.net is None), ""
    except (TypeError, ValueError) as error:
        net, reason = None, str(error)
    _readings[network] = found = Reading(copies, net, reason)
    return found


def _same(before: list[Any], now: list[Any]) -> bool:
    import torch

    if len(before) != len(now):
        return False
    pairs = zip(before, now, strict=True)
    return all(old.dtype == new.dtype and old.device == new.device and torch.equal(old, new) for old, new in pairs)


def read(layer: AffineLayer, *, verified: bool = True) -> MaskedNet:
    """TypeError for a network that is none of masked layers; ValueError for masks that leak, or infinite weights."""
    twin = twin_of(layer.network, None if layer.joined else layer.n_vars, 0 if layer.joined else layer.n_context)
    n_inputs = layer.n_vars + layer.n_context
    if twin.n_inputs != n_inputs:
        raise TypeError(f"its network must take {n_inputs} inputs, it takes {twin.n_inputs}")
    layers = ending(read_layers(twin))
    if len(layers[-1].biases) != 2 * layer.n_vars:
        raise TypeError(f"its network must give {2 * layer.n_vars} outputs, it gives {len(layers[-1].biases)}")
    first = 0 if layer.joined else layer.n_context  # where the variables are among the inputs
    variables = np.full(n_inputs, -1)
    variables[first : first + layer.n_vars] = np.arange(layer.n_vars)
    order = causal_order(layers, variables, layer.outputs)
    columns = np.concatenate([np.flatnonzero(variables < 0), first + order])
    arranged = arrange(layers, columns, layer.outputs[order].ravel())
    if verified:
        _verify(layer, twin, affine_net(arranged, order, layer.n_context, np.float64, layer.link))
    return affine_net(arranged, order, layer.n_context, float_type(layer.network), layer.link)


def _verify(layer: AffineLayer, twin: Twin, net: MaskedNet) -> None:
    """The network itself must give the same outputs for random rows. By NumPy: no loop is compiled for it."""
    import torch

    from .curves import curves_of

    random = np.random.default_rng(0)
    x, c = (random.standard_normal((CHECKED_ROWS, width)) for width in (layer.n_vars, layer.n_context))
    joined = twin.tensor(np.hstack([x, c] if layer.joined else [c, x]))
    with torch.no_grad():
        theirs = twin.module(joined).double().numpy()[:, layer.outputs[net.order].ravel()]
    ours = outputs(net, x, c, curves_of(layer.link))
    tolerance = TOLERANCE[str(twin.dtype).removeprefix("torch.")]
    if not np.allclose(ours, theirs, rtol=tolerance, atol=tolerance):
        raise TypeError("its network computes something else than its masked layers")
