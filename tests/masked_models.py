"""Masked models for tests: random weights, and the same networks as the oracle's plain layers."""

from __future__ import annotations

import numpy as np
import reference_ar as reference

from fastdgm.autoregressive.fvsbn import FVSBN
from fastdgm.autoregressive.made import MADE
from fastdgm.engines.masked import plan as masked
from fastdgm.kernels import heads
from fastdgm.kernels import made as kernels

HEAD_NAMES = {code: name for name, code in masked.HEADS.items()} | {
    heads.AFFINE: "affine",
    heads.SOFTPLUS_AFFINE: "softplus affine",
}
ACTIVATION_NAMES = {code: name for name, code in masked.ACTIVATIONS.items()}


def randomised(model, scale=1.0, seed=0):
    """The model with random parameters; see ``with_normal_parameters``."""
    return with_normal_parameters(model, scale, np.random.default_rng(seed))


def with_normal_parameters(model, scale, random):
    """The model with normal weights, scaled by the square root of a unit's sources, and normal biases."""
    net = model._net
    weights, biases = np.zeros_like(net.weights), np.zeros_like(net.biases)
    for number in range(1, len(net.layers)):
        view = masked.layer_view(net, number, weights)
        first, units = net.layers[number, kernels.FIRST], net.layers[number, kernels.UNITS]
        reach = net.reach[first : first + units, np.newaxis]
        view[:] = scale * random.normal(size=view.shape) / np.sqrt(np.maximum(1, reach))
        view[np.arange(view.shape[1]) >= reach] = 0
        masked.bias_view(net, number, biases)[:] = 0.5 * random.normal(size=units)
    return type(model)._from_net(masked.with_parameters(net, weights, biases))


def random_made(n_vars=10, hidden=(12,), *, scale=2.0, seed=0, order="random", **options):
    return randomised(MADE(n_vars, hidden, order=order, seed=seed, **options), scale, seed)


def random_fvsbn(n_vars=10, *, scale=2.0, seed=0, **options):
    return randomised(FVSBN(n_vars, order="random", seed=seed, **options), scale, seed)


def plain_net(net):
    """A network as the oracle takes it; its units stay in the sorted order."""
    layers = []
    for number in range(1, len(net.layers)):
        fields = net.layers[number]
        residual = int(fields[kernels.RESIDUAL])
        layers.append(
            reference.PlainLayer(
                masked.layer_view(net, number) if fields[kernels.STRIDE] else None,
                masked.bias_view(net, number),
                ACTIVATION_NAMES[int(fields[kernels.ACTIVATION])],
                int(fields[kernels.SOURCE]),
                None if residual < 0 else residual,
            )
        )
    return reference.Plain(layers, net.order, HEAD_NAMES[net.head], net.n_states)


def plain(model):
    return plain_net(model._net)


def random_uniforms(model, n, seed=0):
    return np.random.default_rng(seed).random((n, *model._uniforms_shape()))
