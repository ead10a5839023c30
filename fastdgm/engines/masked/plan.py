"""Layers of a masked network -> the sorted arrays that the kernels read; the only place that knows that layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels import activations, heads
from ...kernels import made as kernels
from ...kernels.made import MaskedNet as MaskedNet
from ...runtime.memory import check_memory

Array = npt.NDArray[Any]

ACTIVATIONS = {
    "linear": activations.LINEAR,
    "relu": activations.RELU,
    "elu": activations.ELU,
    "tanh": activations.TANH,
    "sigmoid": activations.SIGMOID,
    "softplus": activations.SOFTPLUS,
    "silu": activations.SILU,
    "gelu": activations.GELU,
    "gelu_tanh": activations.GELU_TANH,
    "leaky_relu": activations.LEAKY_RELU,
    "selu": activations.SELU,
    "mish": activations.MISH,
}

HEADS = {
    "bernoulli": heads.BERNOULLI,
    "categorical": heads.CATEGORICAL,
    "normal": heads.NORMAL,
    "mixture": heads.MIXTURE,
}


class Layer(NamedTuple):
    """activation(biases + weights @ source + residual), units in any order.

    Layer 0 of a network are its inputs: context, then the variables in the model's order (``n_states`` inputs each).
    The last layer holds the parameters of the heads, ``head_size`` for each variable in turn.
    """

    weights: Array | None  # (units, sources), masked entries 0; None where a layer only has a residual
    biases: Array  # (units,)
    activation: str = "linear"
    source: int = 0
    residual: int | None = None


class Shape(NamedTuple):
    """What a network's inputs and outputs are."""

    order: Array  # (n_vars,)
    n_states: int  # inputs per variable
    head: int
    head_size: int
    n_context: int = 0

    @property
    def n_vars(self) -> int:
        """Number of variables."""
        return len(self.order)

    @property
    def input_degrees(self) -> Array:
        """0 for context; d + 1 for what is known once the variable at position d is."""
        variables = np.repeat(np.arange(1, self.n_vars + 1), self.n_states)
        return np.concatenate([np.zeros(self.n_context, np.int64), variables])

    @property
    def output_degrees(self) -> Array:
        """How many variables the parameters of each head may depend on."""
        return np.repeat(np.arange(self.n_vars), self.head_size)


def derive_degrees(layers: Sequence[Layer], shape: Shape) -> list[Array]:
    """Degrees of every layer from its weights: a unit's is the largest among the sources that it reads.

    Raises ValueError where a head reads its own variable or a later one: then the masks leak.
    """
    degrees = [shape.input_degrees] + [np.zeros(len(layer.biases), np.int64) for layer in layers]
    changed = True
    while changed:  # residuals tie the degrees of two layers together
        changed = False
        for number, layer in enumerate(layers, start=1):
            own = np.maximum(degrees[number], _largest_read(layer, degrees[layer.source]))
            if layer.residual is not None:
                own = np.maximum(own, degrees[layer.residual])
                changed |= bool((degrees[layer.residual] < own).any())
                degrees[layer.residual] = own
            changed |= bool((degrees[number] < own).any())
            degrees[number] = own
    _check_heads(degrees[-1], shape)
    degrees[-1] = shape.output_degrees
    return degrees


def _largest_read(layer: Layer, source_degrees: Array) -> Array:
    if layer.weights is None:
        return np.zeros(len(layer.biases), np.int64)
    return np.where(layer.weights != 0, source_degrees, 0).max(axis=1, initial=0)


def _check_heads(read: Array, shape: Shape) -> None:
    leaks = np.flatnonzero(read > shape.output_degrees)
    if leaks.size:
        position = int(leaks[0]) // shape.head_size
        source = int(read[leaks[0]]) - 1
        raise ValueError(
            f"masks leak: the output of variable {shape.order[position]} (position {position} of the order) reads "
            f"variable {shape.order[source]} (position {source}); it may read earlier positions only"
        )


def build(layers: Sequence[Layer], degrees: Sequence[Array], shape: Shape, dtype: npt.DTypeLike) -> MaskedNet:
    """Sort every layer by degree and lay it out. Weights from a source of higher degree are dropped as masked."""
    sorting = [np.argsort(own, kind="stable") for own in degrees]
    known = np.stack([np.searchsorted(np.sort(own), np.arange(shape.n_vars + 1), side="right") for own in degrees])
    fields = np.zeros((len(layers) + 1, 7), np.int64)
    fields[0] = 0, len(degrees[0]), 0, 0, 0, -1, 0
    row, at = len(degrees[0]) + kernels.PADDING, 0
    for number, layer in enumerate(layers, start=1):
        units = len(layer.biases)
        stride = 0 if layer.weights is None else _stride(layer.weights.shape[1])
        residual = -1 if layer.residual is None else layer.residual
        fields[number] = row, units, at, stride, layer.source, residual, ACTIVATIONS[layer.activation]
        row, at = row + units + kernels.PADDING, at + (units + kernels.PADDING) * stride
    check_memory((at + row) * np.dtype(dtype).itemsize, "the parameters of the network")
    weights, biases, reach = np.zeros(at, dtype), np.zeros(row, dtype), np.zeros(row, np.int64)
    net = MaskedNet(
        weights,
        biases,
        fields,
        known,
        reach,
        np.array(shape.order, np.int64),
        shape.n_context,
        shape.n_states,
        shape.head,
        shape.head_size,
        heads.KINDS[shape.head](shape.head_size),
    )
    for number, layer in enumerate(layers, start=1):
        own = slice(fields[number, kernels.FIRST], fields[number, kernels.FIRST] + len(layer.biases))
        biases[own] = layer.biases[sorting[number]]
        if layer.weights is None:
            continue
        allowed = known[layer.source][degrees[number][sorting[number]]]
        reach[own] = allowed
        masked = np.arange(layer.weights.shape[1]) >= allowed[:, np.newaxis]
        block = layer.weights[sorting[number]][:, sorting[layer.source]]
        layer_view(net, number)[:] = np.where(masked, 0, block)
    return net


def _stride(sources: int) -> int:
    """Elements between rows of weights; never a power of two, whose rows would share the sets of the cache."""
    stride = -(-max(1, sources) // 16) * 16
    return stride + 16 if stride % 128 == 0 else stride


def layer_view(net: MaskedNet, number: int, weights: Array | None = None) -> Array:
    """The (units, sources) weights of a layer, in sorted order: a view of the net's, or of an array like them."""
    flat = net.weights if weights is None else weights
    units, at, stride = (int(net.layers[number, field]) for field in (kernels.UNITS, kernels.WEIGHTS, kernels.STRIDE))
    sources = int(net.layers[net.layers[number, kernels.SOURCE], kernels.UNITS])
    return flat[at : at + units * stride].reshape(units, stride)[:, : sources if stride else 0]


def bias_view(net: MaskedNet, number: int, biases: Array | None = None) -> Array:
    """The (units,) biases of a layer, in sorted order."""
    flat = net.biases if biases is None else biases
    first, units = (int(net.layers[number, field]) for field in (kernels.FIRST, kernels.UNITS))
    return flat[first : first + units]


def head_name(net: MaskedNet) -> str:
    """Distribution of each variable, one of HEADS."""
    return next(name for name, code in HEADS.items() if code == net.head)


def count_states(net: MaskedNet) -> int | None:
    """States of each variable; None where they are real."""
    return {heads.BERNOULLI: 2, heads.CATEGORICAL: net.n_states}.get(net.head)


def count_uniforms(net: MaskedNet) -> int:
    """Numbers in [0, 1) that each variable is drawn by: of a mixture the component's, then the value's."""
    return 2 if net.head == heads.MIXTURE else 1


def count_components(net: MaskedNet) -> int | None:
    """Normals of each variable's mixture; None with another head."""
    return net.head_size // 3 if net.head == heads.MIXTURE else None


def one_activation(net: MaskedNet) -> str | None:
    """That of all hidden layers of a plain stack, as MADE's constructor makes; None for any other network."""
    hidden = net.layers[1:-1]
    codes = set(hidden[:, kernels.ACTIVATION].tolist())
    stacked = np.array_equal(hidden[:, kernels.SOURCE], np.arange(len(hidden)))
    if not stacked or (hidden[:, kernels.RESIDUAL] >= 0).any() or len(codes) != 1 or codes == {activations.LINEAR}:
        return None
    return next(name for name, code in ACTIVATIONS.items() if code in codes)


def count_parameters(net: MaskedNet) -> int:
    """Free parameters: biases, and the weights that the masks leave."""
    return int(net.reach.sum() + net.layers[1:, kernels.UNITS].sum())


def with_parameters(net: MaskedNet, weights: Array, biases: Array) -> MaskedNet:
    """The same structure with other numbers."""
    return net._replace(weights=weights, biases=biases)


def without_masked(net: MaskedNet) -> MaskedNet:
    """A copy with zeros in all cells that no unit reads, whatever they hold: the kernels count on those zeros.

    Raises ValueError for a weight or bias that is read and not finite: activations such as ReLU would hide it.
    """
    check_memory(net.weights.nbytes + net.biases.nbytes, "a copy of the network's parameters")
    weights, biases = np.zeros_like(net.weights), np.zeros_like(net.biases)
    for number in range(1, len(net.layers)):
        own, source = layer_view(net, number, weights), layer_view(net, number)
        np.copyto(own, source, where=np.arange(source.shape[1]) < bias_view(net, number, net.reach)[:, np.newaxis])
        bias_view(net, number, biases)[:] = bias_view(net, number)
        for name, array in (("weights", own), ("biases", bias_view(net, number, biases))):
            if not np.isfinite(array).all():
                bad = array[~np.isfinite(array)][0]
                raise ValueError(f"{name} must be finite, got {bad} in layer {number} of {len(net.layers) - 1}")
    return with_parameters(net, weights, biases)


def widths(net: MaskedNet) -> tuple[int, ...]:
    """Units of the hidden layers."""
    return tuple(int(units) for units in net.layers[1:-1, kernels.UNITS])
