"""Which hidden variable is summed out when: greedy elimination, the smallest next factor first.

Variables that share no factor never meet, so that independent mixtures cost the sum of their states and trees cost two
variables at a time; only variables that depend on each other are enumerated together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.elimination import EliminationPlan
from ...runtime.arrays import freeze
from ...runtime.text import preview

Array = npt.NDArray[Any]
Scope = tuple[str, ...]  # hidden variables, in the order of a factor's axes

MAX_CONFIGURATIONS = 1 << 20  # of hidden variables that have to be summed out together


class Factor(NamedTuple):
    """A function of some hidden variables: row ``rows[configuration]`` of the block of terms holds its logarithms."""

    scope: Scope
    rows: Array  # one axis for each variable


class Elimination(NamedTuple):
    """Sums for the loops, and where the answers are."""

    plan: EliminationPlan
    inputs: tuple[Factor, ...]  # as they were given
    n_terms: int
    target: Array | None  # rows of log p(target = k, what is observed), where there is a target


def elimination(scopes: Sequence[Scope], n_states: Mapping[str, int], target: str | None = None) -> Elimination:
    """Sums for given factors with these scopes, whose rows come first, in C order of their configurations.

    The last row is the logarithm of the sum over everything; with a target, it has been in one of the scopes. Raises
    ValueError where hidden variables depend on each other in too many configurations.
    """
    block = _Block()
    inputs = tuple(Factor(scope, block.rows(_shape(scope, n_states))) for scope in scopes)
    waiting = list(inputs)
    hidden = list(dict.fromkeys(name for scope in scopes for name in scope if name != target))
    while hidden:
        name = min(hidden, key=lambda own: prod(n_states[other] for other in _neighbours(own, waiting)))
        hidden.remove(name)
        summands = _joined(name, waiting, n_states)
        waiting = [own for own in waiting if name not in own.scope]
        waiting.append(Factor(summands.scope[:-1], block.add_sums(summands.rows)))
    known = [int(own.rows) for own in waiting if not own.scope]
    if target is None:
        block.add_sums(np.array([known], int))
        return Elimination(block.plan(), inputs, block.n_rows, None)
    own = [[*known, *(int(factor.rows[k]) for factor in waiting if factor.scope)] for k in range(n_states[target])]
    rows = block.add_sums(np.array(own)[:, None])
    block.add_sums(rows[:, None])
    return Elimination(block.plan(), inputs, block.n_rows, rows)


class _Block:
    """The rows of the block of terms as they are handed out, and the sums that fill those below the inputs."""

    def __init__(self) -> None:
        self.n_rows = 0
        self._sums: list[Array] = []  # rows of the factors, (summands, factors) each

    def rows(self, shape: Sequence[int]) -> Array:
        """So many new rows."""
        first, self.n_rows = self.n_rows, self.n_rows + prod(shape)
        return np.arange(first, self.n_rows).reshape(shape)

    def add_sums(self, factors: Array) -> Array:
        """New rows, each the logarithm of a sum, for factors of shape (*shape, summands, factors)."""
        rows = self.rows(factors.shape[:-2])
        self._sums.extend(factors.reshape(rows.size, *factors.shape[-2:]))
        return rows

    def plan(self) -> EliminationPlan:
        """The sums for the loops."""
        lengths = [own.shape[1] for own in self._sums for _ in own]
        plan = EliminationPlan(
            summand_start=np.array([0, *accumulate(map(len, self._sums))], np.uint32),
            factor_start=np.array([0, *accumulate(lengths)], np.uint32),
            factor_row=np.concatenate([own.ravel() for own in self._sums]).astype(np.uint32),
        )
        freeze(*plan)
        return plan


def _shape(scope: Scope, n_states: Mapping[str, int]) -> list[int]:
    """Numbers of states, as long as memory holds their joint configurations."""
    shape = [n_states[name] for name in scope]
    if prod(shape) > MAX_CONFIGURATIONS:
        raise ValueError(
            f"cannot be summed out: the hidden variables {preview(scope)} depend on each other and have {prod(shape)} "
            f"joint configurations, at most 2**{MAX_CONFIGURATIONS.bit_length() - 1} are summed"
        )
    return shape


def _neighbours(name: str, factors: Sequence[Factor]) -> dict[str, None]:
    """The variables of all factors of a variable, itself last."""
    scope = dict.fromkeys(other for own in factors if name in own.scope for other in own.scope if other != name)
    return {**scope, name: None}


def _joined(name: str, factors: Sequence[Factor], n_states: Mapping[str, int]) -> Factor:
    """Rows of all factors of a variable, (*other variables, states of its own, factors)."""
    scope = tuple(_neighbours(name, factors))
    shape = _shape(scope, n_states)
    rows = [_spread(own, scope, shape) for own in factors if name in own.scope]
    return Factor(scope, np.stack(rows, axis=-1))


def _spread(factor: Factor, scope: Scope, shape: Sequence[int]) -> Array:
    """The rows of a factor along the axes of a wider scope."""
    order = sorted(range(len(factor.scope)), key=lambda axis: scope.index(factor.scope[axis]))
    place = [n if name in factor.scope else 1 for name, n in zip(scope, shape, strict=True)]
    return np.broadcast_to(factor.rows.transpose(order).reshape(place), shape)
