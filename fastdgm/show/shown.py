"""What the pictures look at: enough of a network and of a table, so that nothing here knows their classes."""
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..data.variables import Variable


class Table(Protocol):
    """What is shown of a conditional probability table."""

    @property
    def parents(self) -> tuple[str, ...]: ...
    @property
    def parent_states(self) -> tuple[tuple[str, ...], ...] | None: ...
    @property
    def states(self) -> tuple[str, ...]: ...
    @property
    def table(self) -> npt.NDArray[np.float64]: ...
    @property
    def n_states(self) -> int: ...
    @property
    def n_parameters(self) -> int: ...


class LinearGaussianLike(Protocol):
    """What is shown of a linear Gaussian beside its numbers."""

    @property
    def parents(self) -> tuple[str, ...]: ...
    @property
    def discrete_parents(self) -> tuple[str, ...] | None: ...
    @property
    def real_parents(self) -> tuple[str, ...] | None: ...
    @property
    def parent_states(self) -> tuple[tuple[str, ...], ...] | None: ...
    @property
    def n_parameters(self) -> int: ...


class LogLinearLike(Protocol):
    """What is shown of a logistic or softmax regression beside its numbers."""

    @property
    def parents(self) -> tuple[str, ...]: ...
    @property
    def states(self) -> tuple[str, ...]: ...
    @property
    def n_parameters(self) -> int: ...


class NoisyOrLike(Protocol):
    """What is shown of a noisy-or beside its probabilities."""

    @property
    def parents(self) -> tuple[str, ...]: ...
    @property
    def leak(self) -> float: ...
    @property
    def n_parameters(self) -> int: ...


@runtime_checkable
class NeuralLike(Protocol):
    """What a tree says of a variable whose distribution a module gives."""

    @property
    def family(self) -> str: ...
    @property
    def event_shape(self) -> tuple[int, ...]: ...


class NetworkLike(Protocol):
    """What is shown of a Bayes net."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def variables(self) -> Mapping[str, Variable]: ...
    @property
    def states(self) -> Mapping[str, tuple[str, ...]]: ...
    @property
    def edges(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def order(self) -> tuple[str, ...]: ...
    @property
    def is_fitted(self) -> bool: ...
    @property
    def conditionals(self) -> Mapping[str, object]: ...
    @property
    def guide(self) -> Mapping[str, object]: ...
    @property
    def n_parameters(self) -> int: ...
    def __len__(self) -> int: ...
