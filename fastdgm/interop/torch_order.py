"""The order of variables that the zeros of masked layers allow, with no more memory than the layers' own cells."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engines.masked.plan import Layer
from ..runtime.memory import check_memory

Array = npt.NDArray[Any]


def causal_order(layers: Sequence[Layer], variables: Array, outputs: Array) -> Array:
    """An order in which every variable reads earlier ones only; of those possible next the lowest number comes first.

    Parameters
    ----------
    variables : (n_inputs,) the variable that each input belongs to; -1: context, which all may read.
    outputs : (n_vars, size) outputs of the last layer, by variable.

    ValueError names the variables of a cycle. Kahn's algorithm (1962) on the units: one is known when all are that it
    reads by weights that are not 0, and a variable's inputs are when all of its outputs are.
    """
    known = _Known(layers, variables)
    missing = np.array([np.count_nonzero(~known.units[-1][own]) for own in outputs])
    owner = np.full(len(layers[-1].biases), -1)
    owner[outputs] = np.arange(len(outputs))[:, np.newaxis]
    ready, order = np.flatnonzero(missing == 0).tolist(), []
    while ready:
        order.append(heapq.heappop(ready))
        for variable in owner[known.learn(np.flatnonzero(variables == order[-1]))].tolist():
            missing[variable] -= 1
            if missing[variable] == 0:
                heapq.heappush(ready, variable)
    if len(order) < len(outputs):
        raise ValueError(
            "masks leak: in no order do outputs read earlier variables only: "
            + _cycle(known, variables, outputs, np.flatnonzero(missing > 0))
        )
    return np.array(order, np.int64)


def check_order(layers: Sequence[Layer], variables: Array, outputs: Array, order: Array) -> None:
    """ValueError where the outputs of a variable read itself or one that comes later in the order."""
    known = _Known(layers, variables)
    position = np.argsort(order)
    for number, variable in enumerate(order.tolist()):
        unknown = outputs[variable][~known.units[-1][outputs[variable]]]
        if unknown.size:
            source = int(variables[known.unknown_input(int(unknown[0]))])
            raise ValueError(
                f"masks leak: the output of variable {variable} (position {number} of the order) reads "
                f"variable {source} (position {position[source]}); it may read earlier positions only"
            )
        known.learn(np.flatnonzero(variables == variable))


class _Known:
    """Which units are known: all that they read, directly or not, is context or has been learnt."""

    def __init__(self, layers: Sequence[Layer], variables: Array) -> None:
        cells = sum(layer.weights.size for layer in layers if layer.weights is not None)
        check_memory(2 * cells, "the zeros of the module's weights")
        self._layers = layers
        self._reads = [
            None if layer.weights is None else np.ascontiguousarray(layer.weights.T != 0) for layer in layers
        ]
        self._missing = [
            (0 if reads is None else reads.sum(axis=0)) + np.full(len(layer.biases), layer.residual is not None, int)
            for layer, reads in zip(layers, self._reads, strict=True)
        ]
        self.units = [np.zeros(len(variables), bool), *(np.zeros(len(layer.biases), bool) for layer in layers)]
        self.learn(np.flatnonzero(variables < 0))

    def learn(self, inputs: Array) -> Array:
        """Outputs that are known now that these inputs are, too."""
        new = [inputs]
        self.units[0][inputs] = True
        for layer, reads, missing, known in zip(self._layers, self._reads, self._missing, self.units[1:], strict=True):
            if reads is not None:
                missing -= reads[new[layer.source]].sum(axis=0)
            if layer.residual is not None:
                missing[new[layer.residual]] -= 1
            new.append(np.flatnonzero((missing == 0) & ~known))
            known[new[-1]] = True
        return new[-1]

    def unknown_input(self, output: int) -> int:
        """An input that is not known and that the output reads: along the first unknown unit of each layer."""
        layer, unit = len(self._layers), output
        while layer > 0:
            own, reads = self._layers[layer - 1], self._reads[layer - 1]
            unknown = np.flatnonzero(reads[:, unit] & ~self.units[own.source]) if reads is not None else np.empty(0)
            if len(unknown):
                layer, unit = own.source, int(unknown[0])
            else:
                assert own.residual is not None  # else the unit were known
                layer = own.residual
        return unit


def _cycle(known: _Known, variables: Array, outputs: Array, waiting: Iterable[int]) -> str:
    """Variables that wait for others wait for one another: go from each to one that it reads until one comes again."""
    path = [int(next(iter(waiting)))]
    while path.count(path[-1]) < 2:
        own = outputs[path[-1]]
        path.append(int(variables[known.unknown_input(int(own[~known.units[-1][own]][0]))]))
    cycle = path[path.index(path[-1]) :]
    links = [f"the output of variable {reader} reads variable {read}" for reader, read in pairwise(cycle)]
    return ", ".join(links[:5]) + (", ..." if len(links) > 5 else "")
