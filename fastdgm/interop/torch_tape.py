"""Layers of a network, noted down one operation at a time, and without those that nothing reads in the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engines.masked.plan import Layer
from ..runtime.memory import check_memory

Array = npt.NDArray[Any]


class Values(NamedTuple):
    """Numbers that the network computes for a row: scale * (that unit of that layer) + shift, each (n,).

    Layer 0 are the inputs; what is constant has scale 0.
    """

    layer: Array
    unit: Array
    scale: Array
    shift: Array

    def take(self, features: Array) -> Values:
        """Some of them, in that order."""
        return Values(*(part[features] for part in self))


class _Piece(NamedTuple):
    """Some of the numbers of a sum: what one layer gives to them."""

    source: int
    features: Array  # which of the numbers
    units: Array  # of the source
    scale: Array


def units_of(layer: int, n: int) -> Values:
    """All units of a layer as they are."""
    return Values(np.full(n, layer), np.arange(n), np.ones(n), np.zeros(n))


def constants(numbers: Array) -> Values:
    """What depends on no input."""
    none = np.zeros(len(numbers), np.int64)
    return Values(none, none, np.zeros(len(numbers)), np.asarray(numbers, np.float64))


def together(parts: Sequence[Values]) -> Values:
    """One after the other."""
    return Values(*(np.concatenate(fields) for fields in zip(*parts, strict=True)))


class Tape:
    """The layers so far; every method that makes one returns what its units are."""

    def __init__(self, n_inputs: int) -> None:
        self.layers: list[Layer] = []
        self._n_inputs = n_inputs

    def linear(self, values: Values, weights: Array, biases: Array) -> Values:
        """weights (units, n) @ values + biases: a layer for each that it reads, each added to the one before.

        Raises ValueError for numbers that are not finite.
        """
        if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
            raise ValueError("weights and biases must be finite")
        biases, residual = biases + weights @ values.shift, None
        for piece in _pieces(values) or [_Piece(0, np.arange(0), np.arange(0), np.zeros(0))]:
            own = weights if self._is_all(piece, weights.shape[1]) else self._scattered(weights, piece)
            residual = self._append(Layer(own, biases, "linear", piece.source, residual))
            biases = np.zeros(len(biases))
        return units_of(len(self.layers), len(biases))

    def add(self, parts: Sequence[Values]) -> Values:
        """The sum of values, as many of each."""
        shift = np.sum([part.shift for part in parts], axis=0)
        varying = [part for part in parts if part.scale.any()]
        if len(varying) <= 1:
            return varying[0]._replace(shift=shift) if varying else constants(shift)
        pieces = [piece for part in varying for piece in _pieces(part)]
        return units_of(self._sum(pieces, shift), len(shift))

    def activate(self, activation: str, values: Values) -> Values:
        """The activation of values; ``without_dead`` makes one layer of it and the sum before, if nothing else reads
        that."""
        before, n = self.settle(values), len(values.shift)
        return units_of(self._append(Layer(None, np.zeros(n), activation, before, before)), n)

    def settle(self, values: Values) -> int:
        """A layer whose units are these values."""
        return self._sum(_pieces(values), values.shift)

    def _sum(self, pieces: list[_Piece], shift: Array) -> int:
        """One of the pieces brings the weights, the others are the residual."""
        n = len(shift)
        if len(pieces) == 1 and pieces[0].source and not shift.any() and self._is_all(pieces[0], n):
            return pieces[0].source
        bases = [piece for piece in pieces if self._is_foldable(piece, n, alone=len(pieces) == 1)]
        others = [piece for piece in pieces if not self._is_all(piece, n)]
        base = max(bases or others or pieces or [_Piece(0, np.arange(0), np.arange(0), np.zeros(0))], key=_source)
        rest = [piece for piece in pieces if piece is not base]
        residual = self._sum(rest, np.zeros(n)) if rest else None
        if not bases:
            picking = self._picking(base, n)
            return self._append(Layer(picking, shift, "linear", base.source, residual))
        folded = self.layers[base.source - 1]
        assert folded.weights is not None
        if self._is_all(base, n):  # no copy of the weights
            weights, biases = folded.weights, folded.biases + shift
            residual = folded.residual if residual is None else residual
        else:
            weights, biases = np.zeros((n, folded.weights.shape[1])), shift.copy()
            weights[base.features] = base.scale[:, np.newaxis] * folded.weights[base.units]
            biases[base.features] += base.scale * folded.biases[base.units]
        return self._append(Layer(weights, biases, "linear", folded.source, residual))

    def _is_all(self, piece: _Piece, n: int) -> bool:
        """Whether the piece is every unit of its layer in turn."""
        return len(piece.features) == n and _is_whole(piece, self._width(piece.source))

    def _is_foldable(self, piece: _Piece, n: int, alone: bool) -> bool:
        """Whether a layer of the piece can read what the piece's source reads, in place of the source."""
        source = self.layers[piece.source - 1] if piece.source else None
        if source is None or source.weights is None or source.activation != "linear":
            return False
        return source.residual is None or (alone and self._is_all(piece, n))

    def _picking(self, piece: _Piece, n: int) -> Array:
        """The matrix that picks the piece's units."""
        width = self._width(piece.source)
        check_memory(8 * n * width, f"a matrix of {n} x {width}, to add or scale units,")
        matrix = np.zeros((n, width))
        matrix[piece.features, piece.units] = piece.scale
        return matrix

    def _scattered(self, weights: Array, piece: _Piece) -> Array:
        """Weights of numbers, as weights of the units that these are."""
        matrix = np.zeros((self._width(piece.source), len(weights)))
        np.add.at(matrix, piece.units, (weights[:, piece.features] * piece.scale).T)
        return np.ascontiguousarray(matrix.T)

    def _width(self, layer: int) -> int:
        return len(self.layers[layer - 1].biases) if layer else self._n_inputs

    def _append(self, layer: Layer) -> int:
        self.layers.append(layer)
        return len(self.layers)


def _source(piece: _Piece) -> int:
    return piece.source


def _pieces(values: Values) -> list[_Piece]:
    """By layer."""
    varying = values.scale != 0
    result = []
    for source in np.unique(values.layer[varying]):
        own = np.flatnonzero(varying & (values.layer == source))
        result.append(_Piece(int(source), own, values.unit[own], values.scale[own]))
    return result


def _is_whole(piece: _Piece, width: int) -> bool:
    """Whether the piece's units are all of the layer, once and as they are."""
    every = np.arange(width)
    return bool(
        np.array_equal(piece.units, every) and np.array_equal(piece.features, every) and (piece.scale == 1).all()
    )


def without_dead(layers: Sequence[Layer], output: int) -> list[Layer]:
    """What layer ``output`` needs, in the same order, that one last. An activation that alone reads a sum becomes one
    layer with it."""
    readers = _count_readers(layers, output)
    numbers: dict[int, int] = {0: 0}
    kept: list[Layer] = []
    for number, layer in enumerate(layers[:output], start=1):
        if not readers[number]:
            continue
        before = layer.residual or 0
        if layer.weights is None and before and layers[before - 1].activation == "linear" and readers[before] == 1:
            kept[numbers[before] - 1] = kept[numbers[before] - 1]._replace(activation=layer.activation)
            numbers[number] = numbers[before]
            continue
        residual = None if layer.residual is None else numbers[layer.residual]
        kept.append(layer._replace(source=numbers[layer.source], residual=residual))
        numbers[number] = len(kept)
    return kept


def _count_readers(layers: Sequence[Layer], output: int) -> list[int]:
    """How many layers that are needed read each layer."""
    readers = [0] * (len(layers) + 1)
    readers[output] = 1
    for number in range(output, 0, -1):
        layer = layers[number - 1]
        if readers[number]:
            read = set() if layer.weights is None else {layer.source}
            for one in read | ({layer.residual} - {None}):
                readers[one or 0] += 1
    return readers
