"""Masked networks as JSON structure and arrays, and back; everything that comes from a file is checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...kernels import made as kernels
from ...kernels.made import MaskedNet
from ...runtime.memory import check_memory
from ...runtime.seeds import at_least_one, whole_number
from . import plan as masked
from .plan import ACTIVATIONS, HEADS, Layer, Shape

Array = npt.NDArray[Any]


def to_state(net: MaskedNet, head: str) -> tuple[dict[str, Any], dict[str, Array]]:
    """Structure and arrays: per layer its sorted degrees, weights (units, sources) and biases."""
    names = {code: name for name, code in ACTIVATIONS.items()}
    layers: list[dict[str, Any]] = []
    arrays = {"order": np.array(net.order, np.int64)}
    for number in range(1, len(net.layers)):
        fields = net.layers[number]
        layers.append(
            {
                "activation": names[int(fields[kernels.ACTIVATION])],
                "source": int(fields[kernels.SOURCE]),
                "residual": int(fields[kernels.RESIDUAL]),
                "weighted": bool(fields[kernels.STRIDE]),
            }
        )
        arrays[f"layer{number}.degrees"] = sorted_degrees(net, number)
        arrays[f"layer{number}.biases"] = masked.bias_view(net, number).copy()
        if layers[-1]["weighted"]:
            arrays[f"layer{number}.weights"] = np.ascontiguousarray(masked.layer_view(net, number))
    structure: dict[str, Any] = {
        "head": head,
        "n_states": net.n_states,
        "head_size": net.head_size,
        "layers": layers,
    }
    return structure | ({"n_context": int(net.n_context)} if net.n_context else {}), arrays


def sorted_degrees(net: MaskedNet, number: int) -> Array:
    """Degrees of a layer's units, in the kernels' order."""
    units = int(net.layers[number, kernels.UNITS])
    return np.searchsorted(net.known[number], np.arange(units), side="right").astype(np.int64)


def from_state(structure: dict[str, Any], arrays: dict[str, Array]) -> MaskedNet:
    """The network of a file; ValueError, TypeError or KeyError names what is wrong."""
    without_context = {key: value for key, value in structure.items() if key != "n_context"}  # which few have
    _check_keys("the structure of a network", without_context, {"head", "n_states", "head_size", "layers"})
    shape, dtype = _shape(structure, arrays), arrays["layer1.biases"].dtype
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ValueError(f"layer1.biases must be float32 or float64, got {dtype}")
    layers: list[Layer] = []
    degrees = [shape.input_degrees]
    for number, entry in enumerate(structure["layers"], start=1):
        layer = _layer(number, entry, arrays, dtype, layers, len(degrees[0]))
        own = arrays[f"layer{number}.degrees"]
        if own.dtype.kind not in "iu" or own.shape != layer.biases.shape:
            raise ValueError(f"layer{number}.degrees must be {len(layer.biases)} integers, got {own.dtype} {own.shape}")
        if ((own < 0) | (own > shape.n_vars)).any() or (np.diff(own) < 0).any():
            raise ValueError(f"layer{number}.degrees must rise from 0 to at most {shape.n_vars}")
        if layer.residual is not None and (degrees[layer.residual] > own).any():
            raise ValueError(f"layer {number} must not know less than its residual layer {layer.residual}")
        layers.append(layer)
        degrees.append(own.astype(np.int64))
    _check_names(arrays, layers)
    if layers[-1].weights is None or layers[-1].activation != "linear" or layers[-1].residual is not None:
        raise ValueError(f"layer {len(layers)}, the last, must be linear, with weights and without residual")
    if not np.array_equal(degrees[-1], shape.output_degrees):
        raise ValueError(f"layer{len(layers)}.degrees must be 0 .. {shape.n_vars - 1}, {shape.head_size} of each")
    net = masked.build(layers, degrees, shape, dtype)
    for number, layer in enumerate(layers, start=1):
        if layer.weights is not None and not np.array_equal(masked.layer_view(net, number), layer.weights):
            raise ValueError(f"layer{number}.weights must be 0 where a source has a higher degree than the unit")
    return net


def _shape(structure: dict[str, Any], arrays: dict[str, Array]) -> Shape:
    order, head = arrays["order"], structure["head"]
    if order.dtype.kind not in "iu" or order.ndim != 1 or not len(order):
        raise ValueError(f"order must be a vector of integers, got {order.dtype} {order.shape}")
    if not np.array_equal(np.sort(order), np.arange(len(order))):
        raise ValueError(f"order must hold every variable 0 .. {len(order) - 1} once")
    if head not in HEADS:
        raise ValueError(f"head must be one of {sorted(HEADS)}, got {head!r}")
    n_states = whole_number(structure["n_states"], "n_states")
    size = whole_number(structure["head_size"], "head_size")
    n_context = at_least_one(structure["n_context"], "n_context") if "n_context" in structure else 0
    expected = {"bernoulli": n_states == 1 == size, "categorical": 2 <= n_states == size <= 65_535}
    expected |= {"normal": n_states == 1 and size == 2, "mixture": n_states == 1 and size >= 3 and size % 3 == 0}
    if not expected[head]:
        raise ValueError(f"n_states {n_states} and head_size {size} do not go with head {head!r}")
    if not isinstance(structure["layers"], list) or not structure["layers"]:
        raise ValueError("layers must be a list of at least one layer")
    n_layers = len(structure["layers"])
    for number, entry in enumerate(structure["layers"], start=1):
        if not isinstance(entry, dict):
            raise ValueError(f"layer {number} must be an object, got {type(entry).__name__}")
    if (outputs := arrays[f"layer{n_layers}.biases"]).shape != (len(order) * size,):  # before anything is that long
        raise ValueError(f"layer{n_layers}.biases must have shape ({len(order) * size},), got {outputs.shape}")
    check_memory(16 * (len(order) * (n_states + size) + n_context), "inputs and outputs of the network")
    check_memory(8 * n_layers * (len(order) + 1), "the degrees of the layers")
    return Shape(order.astype(np.int64), n_states, HEADS[head], size, n_context)


def _layer(
    number: int,
    entry: dict[str, Any],
    arrays: dict[str, Array],
    dtype: np.dtype[Any],
    before: list[Layer],
    n_inputs: int,
) -> Layer:
    _check_keys(f"layer {number}", entry, {"activation", "source", "residual", "weighted"})
    if type(entry["weighted"]) is not bool:
        raise ValueError(f"weighted must be true or false, got {entry['weighted']!r}")
    source, residual = (whole_number(entry[name], name) for name in ("source", "residual"))
    if not 0 <= source < number or not -1 <= residual < number or residual == 0:
        raise ValueError(f"layer {number} must read earlier layers, got source {source}, residual {residual}")
    if entry["activation"] not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}, got {entry['activation']!r}")
    biases = arrays[f"layer{number}.biases"]
    if biases.ndim != 1 or not len(biases):
        raise ValueError(f"layer{number}.biases must be a vector, got shape {biases.shape}")
    _check_numbers(f"layer{number}.biases", biases, biases.shape, dtype)
    weights = None
    if entry["weighted"]:
        sources = n_inputs if source == 0 else len(before[source - 1].biases)
        weights = arrays[f"layer{number}.weights"]
        _check_numbers(f"layer{number}.weights", weights, (len(biases), sources), dtype)
    if residual > 0 and len(before[residual - 1].biases) != len(biases):
        raise ValueError(f"layer {number} must be as wide as its residual layer {residual}")
    return Layer(weights, biases, entry["activation"], source, None if residual < 0 else residual)


def _check_keys(what: str, entry: dict[str, Any], expected: set[str]) -> None:
    if missing := sorted(expected - set(entry)):
        raise KeyError(f"{what} must have {', '.join(missing)}")
    if extra := sorted(set(entry) - expected):
        raise ValueError(f"{what} has {', '.join(sorted(expected))} and nothing else, got also {', '.join(extra)}")


def _check_numbers(name: str, array: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(f"{name} must be {dtype} of shape {shape}, got {array.dtype} of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must hold finite numbers")


def _check_names(arrays: dict[str, Array], layers: list[Layer]) -> None:
    expected = {"order"}
    for number, layer in enumerate(layers, start=1):
        expected |= {f"layer{number}.degrees", f"layer{number}.biases"}
        expected |= set() if layer.weights is None else {f"layer{number}.weights"}
    if extra := sorted(set(arrays) - expected):
        raise ValueError(f"arrays that no layer has: {extra}")
