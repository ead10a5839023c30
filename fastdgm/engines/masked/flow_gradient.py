"""J'v = g for the Jacobian J of an affine autoregressive flow, at the cost of one backward pass.

    d z_i / d x_j = slope_i where i = j, and what comes through the network where j is earlier than i

J is triangular in the flow's order, so v is found from the last variable to the first. A hidden unit of degree m is
read by the outputs from position m on, no others: once these have their v, what comes back to the unit is final, and
it is added up then, once. That is the way of ``kernels/made_sampling.py`` in reverse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels import made as kernels
from ...runtime.memory import check_memory
from .plan import ACTIVATIONS, MaskedNet, bias_view, layer_view

Array = npt.NDArray[Any]
TILE = 1024  # rows at a time: what they need stays in the cache
NAMES = {code: name for name, code in ACTIVATIONS.items()}


class Curves(NamedTuple):
    """Functions of arrays and their derivatives, (values, derivatives) of what they are given, and products.

    Products are the caller's because its library has threads of its own: many small products by those of NumPy, beside
    them, took eight times as long.
    """

    activate: Callable[[str, Array], tuple[Array, Array]]  # an activation by its name in ACTIVATIONS
    slope: Callable[[Array], tuple[Array, Array]]  # d z_i / d x_i by a variable's scale
    product: Callable[[Array, Array], Array]  # of two matrices


def solve_transposed(net: MaskedNet, x: Array, context: Array, g: Array, curves: Curves) -> Array:
    """v (n, n_vars) with J'v = g in every row, J = dz / dx at x (n, n_vars); all in the net's float type."""
    check_memory(x.nbytes, "the gradient of the flow")
    v = np.empty_like(x)
    for begin in range(0, len(x), TILE):
        rows = slice(begin, begin + TILE)
        v[rows] = _Sweep(net, x[rows], context[rows], curves).solve(g[rows])
    return v


def outputs(net: MaskedNet, x: Array, context: Array, curves: Curves) -> Array:
    """(n, 2 n_vars): shift and scale of each variable in the flow's order, of x (n, n_vars)."""
    with np.errstate(over="ignore", invalid="ignore"):  # of huge weights: infinities and NaN say it
        return np.ascontiguousarray(_Sweep(net, x, context, curves).outputs.T)


class _Layer(NamedTuple):
    weights: Array | None  # (units, sources)
    source: int
    residual: int  # -1: none
    known: Array  # units of degree m or less, by m


class _Sweep:
    """A tile of rows on its way back through the network; arrays are (units, rows)."""

    def __init__(self, net: MaskedNet, x: Array, context: Array, curves: Curves) -> None:
        self.net, self.x, self.curves = net, np.ascontiguousarray(x[:, net.order].T), curves
        self.layers = [_Layer(None, 0, -1, net.known[0]), *(_layer(net, n) for n in range(1, len(net.layers)))]
        self.derivatives = self._forward(np.concatenate([context.T, self.x]))
        self.coming = [np.zeros((int(units), len(x)), x.dtype) for units in net.layers[:, kernels.UNITS]]

    def _forward(self, inputs: Array) -> list[Array]:
        """Derivatives of the units' activations; those of the last layer stand for nothing."""
        values, derivatives = [inputs], [inputs]
        for number, layer in enumerate(self.layers[1:], start=1):
            sums = np.repeat(bias_view(self.net, number)[:, np.newaxis], inputs.shape[1], axis=1)
            if layer.weights is not None:
                sums += self.curves.product(layer.weights, values[layer.source])
            if layer.residual >= 0:
                sums += values[layer.residual]
            own = self.curves.activate(NAMES[int(self.net.layers[number, kernels.ACTIVATION])], sums)
            values.append(own[0])
            derivatives.append(own[1])
        self.outputs = values[-1]
        return derivatives

    def solve(self, g: Array) -> Array:
        """v of g, (rows, n_vars)."""
        net = self.net
        slopes, bends = self.curves.slope(self.outputs[1::2])
        v = np.empty_like(self.x)
        for d in reversed(range(len(net.order))):
            for number in range(len(self.layers) - 2, 0, -1):
                own = slice(*self.layers[number].known[d : d + 2])  # the units that the variable at d completes
                if own.stop > own.start:
                    self.coming[number][own] = self._read_by(number, own, d) * self.derivatives[number][own]
            back = self._read_by(0, slice(net.n_context + d, net.n_context + d + 1), d)[0]
            v[d] = (g[:, net.order[d]] - back) / slopes[d]
            self.coming[-1][2 * d] = v[d]
            self.coming[-1][2 * d + 1] = v[d] * self.x[d] * bends[d]
        result = np.empty_like(g)
        result[:, net.order] = v.T
        return result

    def _read_by(self, number: int, units: slice, d: int) -> Array:
        """What comes back to units of a layer from all that read them: units that the variable at d, or a later one,
        completes."""
        total = np.zeros((units.stop - units.start, self.x.shape[1]), self.x.dtype)
        for reader, layer in self._readers(number):
            first = layer.known[d]
            if layer.weights is not None and layer.source == number:
                total += self.curves.product(layer.weights[first:, units].T, self.coming[reader][first:])
            if layer.residual == number:
                total += self.coming[reader][units]
        return total

    def _readers(self, number: int) -> Iterator[tuple[int, _Layer]]:
        for reader in range(number + 1, len(self.layers)):
            yield reader, self.layers[reader]


def _layer(net: MaskedNet, number: int) -> _Layer:
    fields = net.layers[number]
    weights = layer_view(net, number) if fields[kernels.STRIDE] else None
    return _Layer(weights, int(fields[kernels.SOURCE]), int(fields[kernels.RESIDUAL]), net.known[number])
