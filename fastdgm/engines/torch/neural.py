"""The engine of Neural conditionals: their modules in torch, batch by batch, and draws from words of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...conditionals.neural import Neural
from ...conditionals.neural_probe import module_outputs
from ...data.blocks import Part
from ...data.schema import Values
from ...data.variables import Discrete, Variable
from ...kernels.uniforms import uniforms_cpu
from ...runtime.torch_modules import evaluating
from ..base import Engine, Members
from .families import TERMS, with_fixed_std

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[Any]

ROWS_AT_ONCE = 4096


class NeuralEngine(Engine):
    """Variables whose parameters torch modules compute; a member draws from a word for each of its cells (two, of a
    mixture)."""

    whole = True

    def __init__(self, members: Members, first_word: int = 0) -> None:
        self._names = list(members.conditionals)
        conditionals = list(members.conditionals.values())
        self._variables, self._rows = members.variables, members.rows
        self._parents = {v: members.parents[v] for v in members.columns}
        self._own: dict[int, Neural] = {v: conditionals[v] for v in members.columns}  # type: ignore[misc]
        self._words: dict[int, int] = {}
        word = first_word
        for v, own in self._own.items():
            self._words[v] = word
            word += own.variable.size * (2 if own.family == "mixture" else 1)
        self._n_words = word - first_word

    @property
    def n_words(self) -> int:
        """One for each cell, two of mixtures."""
        return self._n_words

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw the members in order."""
        for first, last in _batches(begin, end):
            for v in self._own:
                parameters = self._parameters(v, first, last, values.codes, values.reals)
                drawn = _draw(self._own[v], parameters, key, start + first, self._words[v])
                block = values.codes if isinstance(self._variables[v], Discrete) else values.reals
                row = self._rows[v]
                block[row : row + self._variables[v].size, first:last] = drawn.reshape(last - first, -1).T

    def log_prob(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """The sum over the members."""
        out[begin:end] = 0.0
        for v in self._own:
            for first, last in _batches(begin, end):
                out[first:last] += self._terms(v, first, last, part)
        return -1

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: npt.NDArray[np.float64]) -> int:
        """Member after member."""
        for v in self._own:
            for first, last in _batches(begin, end):
                out[v, first:last] = self._terms(v, first, last, part)
        return -1

    def _terms(self, v: int, first: int, last: int, part: Part) -> npt.NDArray[np.float64]:
        own = self._own[v]
        parameters = self._parameters(v, first, last, part.codes, part.reals)
        x = self._column(v, first, last, part.codes, part.reals).to(parameters[0].device)
        terms = TERMS[own.family](with_fixed_std(parameters, own.std), x)
        found: npt.NDArray[np.float64] = terms.reshape(last - first, -1).double().sum(dim=1).cpu().numpy()
        return found

    def _parameters(self, v: int, first: int, last: int, codes: Array, reals: Array) -> Sequence[Tensor]:
        """What the module of variable v gives for some rows."""
        own = self._own[v]
        columns = [self._column(p, first, last, codes, reals) for p in self._parents[v]]
        with evaluating(own.module):
            return module_outputs(own, self._names[v], columns, last - first)

    def _column(self, p: int, first: int, last: int, codes: Array, reals: Array) -> Tensor:
        """(n, *event_shape) of variable p."""
        import torch

        variable: Variable = self._variables[p]
        block = codes if isinstance(variable, Discrete) else reals
        own = block[self._rows[p] : self._rows[p] + variable.size, first:last]
        return torch.from_numpy(np.array(own.T, order="C")).reshape(last - first, *variable.event_shape)

    @property
    def n_bytes(self) -> int:
        """None: parameters stay in the modules."""
        return 0


def _batches(begin: int, end: int) -> Iterator[tuple[int, int]]:
    return ((first, min(first + ROWS_AT_ONCE, end)) for first in range(begin, end, ROWS_AT_ONCE))


def _draw(own: Neural, parameters: Sequence[Tensor], key: int, row: int, word: int) -> Array:
    """(n, *event_shape) values from the words of rows ``row``, ..."""
    import torch

    n, size = len(parameters[0]), own.variable.size
    words = 2 * size if own.family == "mixture" else size
    uniforms = np.empty((word + words, n))
    uniforms_cpu(np.uint64(key), np.uint64(row % 2**64), np.empty((8, n), np.uint32), uniforms)
    u = torch.from_numpy(np.ascontiguousarray(uniforms[word:].T)).reshape(n, *own.event_shape, -1)
    parts = [part.double().cpu() for part in with_fixed_std(parameters, own.std)]
    if own.family == "bernoulli":
        drawn = u[..., 0] < torch.sigmoid(parts[0])
    elif own.family == "categorical":
        drawn = (u >= torch.cumsum(torch.softmax(parts[0], -1), -1)[..., :-1]).sum(-1)
    elif own.family == "normal":
        drawn = parts[0] + torch.exp(parts[1]) * torch.special.ndtri(u[..., 0])
    else:
        component = (u[..., :1] >= torch.cumsum(torch.softmax(parts[0], -1), -1)[..., :-1]).sum(-1, keepdim=True)
        mean, log_std = (part.gather(-1, component)[..., 0] for part in parts[1:])
        drawn = mean + torch.exp(log_std) * torch.special.ndtri(u[..., 1])
    return drawn.numpy()
