"""The engine of normal vectors."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ...conditionals.multivariate import MultivariateNormal
from ...data.blocks import Part
from ...data.schema import Values
from ...kernels.multivariate import Components, Vector
from ..base import Engine, Members
from .loops import LOOPS
from .plan import drawing_components, scoring_components

Array = npt.NDArray[np.float64]
MakesComponents = Callable[[Array, Array, np.dtype[Any]], Components]


class MultivariateEngine(Engine):
    """Normal vectors, each by a triangular matrix for every configuration of its parents."""

    def __init__(self, members: Members, first_word: int = 0) -> None:
        own = list(members.conditionals.values())
        self.numbers: list[int] = list(members.columns)
        self.vectors: list[MultivariateNormal] = [own[v] for v in self.numbers]  # type: ignore[misc]
        rows, parents = members.rows, members.parents
        self._rows = [rows[v] for v in self.numbers]
        self._parents = [[rows[parent] for parent in parents[v]] for v in self.numbers]
        sizes = [vector.variable.size for vector in self.vectors]
        self._words = [first_word + sum(sizes[:j]) for j in range(len(sizes))]
        self._n_words = sum(sizes)
        self._plans: dict[tuple[MakesComponents, np.dtype[Any]], list[Vector]] = {}

    @property
    def n_words(self) -> int:
        """One for each number."""
        return self._n_words

    def sample(self, begin: int, end: int, key: int, start: int, values: Values) -> None:
        """Draw vector after vector; they have no real parents."""
        codes, reals = values
        for vector in self.drawing(reals.dtype):
            LOOPS["sample", "cpu"](begin, end, np.uint64(key), np.uint64(start % 2**64), vector, codes, reals)

    def log_prob(self, begin: int, end: int, part: Part, out: Array) -> int:
        """The sum over the vectors."""
        out[begin:end] = 0.0
        for vector in self.scoring(part.reals.dtype):
            LOOPS["log_prob", "cpu"](begin, end, vector, part.codes, part.reals, out)
        return -1

    def log_prob_per_variable(self, begin: int, end: int, part: Part, out: Array) -> int:
        """Vector after vector."""
        for v, vector in zip(self.numbers, self.scoring(part.reals.dtype), strict=True):
            out[v, begin:end] = 0.0
            LOOPS["log_prob", "cpu"](begin, end, vector, part.codes, part.reals, out[v])
        return -1

    def log_prob_of_states(self, begin: int, end: int, part: Part, row: int, out: Array) -> None:
        """All components at once, where each vector has that parent alone."""
        vectors = self.scoring(part.reals.dtype)
        if any(vector.parents.tolist() != [row] for vector in vectors):
            super().log_prob_of_states(begin, end, part, row, out)
            return
        first, *others = vectors
        loop = LOOPS["log_prob of components", "cpu"]
        loop(begin, end, first.components, first.row, part.reals, out)
        for vector in others:
            terms = np.empty_like(out)
            loop(begin, end, vector.components, vector.row, part.reals, terms)
            out[:, begin:end] += terms[:, begin:end]

    @property
    def n_bytes(self) -> int:
        """Memory of the plans made so far."""
        plans = [vector.components for vectors in self._plans.values() for vector in vectors]
        return sum(array.nbytes for components in plans for array in components)

    def drawing(self, dtype: np.dtype[Any]) -> list[Vector]:
        """The plans that draw numbers of a type."""
        return self._planned(drawing_components, dtype)

    def scoring(self, dtype: np.dtype[Any]) -> list[Vector]:
        """Those that score them."""
        return self._planned(scoring_components, dtype)

    def _planned(self, make: MakesComponents, dtype: np.dtype[Any]) -> list[Vector]:
        """The plans of one verb for one type of numbers, made at first use."""
        found = self._plans.get((make, dtype))
        if found is None:
            found = self._plans[make, dtype] = [self._vector(j, make, dtype) for j in range(len(self.vectors))]
        return found

    def _vector(self, j: int, make: MakesComponents, dtype: np.dtype[Any]) -> Vector:
        own = self.vectors[j]
        n_states, d = own.mean.shape[:-1], own.mean.shape[-1]
        strides = np.array([prod(n_states[i + 1 :]) for i in range(len(n_states))], np.int64)
        components = make(own.mean.reshape(-1, d), own.covariance.reshape(-1, d, d), dtype)
        return Vector(components, np.array(self._parents[j], np.int64), strides, self._rows[j], self._words[j])
