"""The oracles of evidence in networks of tables: every joint state one by one, and plain variable elimination.

It imports nothing of ours. Variables are numbers. ``families[v]`` are the parents of v and v itself, in the order of
the axes of ``tables[v]``. A row of evidence has one entry for each variable: a state that was observed, a list of
likelihoods (k,) that need not sum to one, or None where nothing is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray
Families = Sequence[Sequence[int]]
Tables = Sequence[Array]
Row = Sequence[Any]


def families_of(parents: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """The axes of each table: the parents in their order, then the variable."""
    return [(*own, v) for v, own in enumerate(parents)]


def rows_of(codes: Array, missing: int) -> list[list[Any]]:
    """Rows from a block of codes (n_vars, n)."""
    return [[None if code == missing else int(code) for code in column] for column in codes.T]


def with_likelihoods(
    rows: list[list[Any]], soft: Sequence[int], likelihoods: Array, n_states: Sequence[int]
) -> list[Row]:
    """Rows with likelihoods (sum of n_states of the ``soft`` variables, n), these below each other."""
    first = 0
    for v in soft:
        for i, row in enumerate(rows):
            row[v] = likelihoods[first : first + n_states[v], i]
        first += n_states[v]
    return rows


def likelihood(known: Any, n_states: int) -> Array:
    """What is known of a variable, as a factor of its states, ``(k,)``."""
    if known is None:
        return np.ones(n_states)
    if isinstance(known, int | np.integer):
        return np.eye(n_states)[known]
    return np.asarray(known, float)


# --- every joint state --------------------------------------------------------------------------------------------


def joint_probabilities(tables: Tables, families: Families) -> Array:
    """p(x) of every joint state, one axis for each variable."""
    n = len(tables)
    joint = np.ones([table.shape[-1] for table in tables])
    for table, family in zip(tables, families, strict=True):
        order = sorted(range(len(family)), key=lambda axis: family[axis])
        shape = [table.shape[family.index(v)] if v in family else 1 for v in range(n)]
        joint = joint * table.transpose(order).reshape(shape)
    return joint


def weighted_joint(tables: Tables, families: Families, row: Row) -> Array:
    """p(x) prod_v L_v(x_v) of every joint state: with 0 where a state contradicts what was observed."""
    joint = joint_probabilities(tables, families)
    for v, known in enumerate(row):
        shape = [joint.shape[v] if u == v else 1 for u in range(joint.ndim)]
        joint = joint * likelihood(known, joint.shape[v]).reshape(shape)
    return joint


def log_evidence(tables: Tables, families: Families, row: Row) -> float:
    """log sum_x p(x) prod_v L_v(x_v)."""
    with np.errstate(divide="ignore"):
        return float(np.log(weighted_joint(tables, families, row).sum()))


def marginals(tables: Tables, families: Families, row: Row) -> list[Array]:
    """P(x_v = k | e), an array (k,) for each variable; NaN where the evidence is impossible."""
    joint = weighted_joint(tables, families, row)
    with np.errstate(invalid="ignore"):
        return [_sum_onto(joint, [v]) / joint.sum() for v in range(joint.ndim)]


def most_probable(tables: Tables, families: Families, row: Row) -> tuple[float, tuple[int, ...]]:
    """log max_x p(x) prod_v L_v(x_v), and the first x that has it."""
    joint = weighted_joint(tables, families, row)
    with np.errstate(divide="ignore"):
        return float(np.log(joint.max())), tuple(int(s) for s in np.unravel_index(joint.argmax(), joint.shape))


def expected_counts(tables: Tables, families: Families, row: Row) -> list[Array]:
    """P(x_v, parents | e) with the axes of each table."""
    joint = weighted_joint(tables, families, row)
    return [_sum_onto(joint, family) / joint.sum() for family in families]


def log_probability(tables: Tables, families: Families, row: Row, states: Sequence[int]) -> float:
    """log p(x) prod_v L_v(x_v) of one joint state, by the chain rule: for networks of any size."""
    terms = [table[tuple(states[u] for u in family)] for table, family in zip(tables, families, strict=True)]
    terms += [likelihood(row[v], table.shape[-1])[states[v]] for v, table in enumerate(tables)]
    with np.errstate(divide="ignore"):
        return float(np.log(terms).sum())


def _sum_onto(joint: Array, axes: Sequence[int]) -> Array:
    """The sum over all other axes, these in their order."""
    kept = joint.sum(axis=tuple(v for v in range(joint.ndim) if v not in axes))
    return kept.transpose([sorted(axes).index(v) for v in axes])


# --- variable elimination: for networks whose joint states cannot be listed ------------------------------------------

Factor = tuple[tuple[int, ...], Array]


def eliminated_log_evidence(tables: Tables, families: Families, row: Row) -> float:
    """log sum_x p(x) prod_v L_v(x_v): one variable after another, that of the smallest product first."""
    (_, values), scale = _eliminate(tables, families, row, keep=())
    with np.errstate(divide="ignore"):
        return float(np.log(values)) + scale


def eliminated_marginal(tables: Tables, families: Families, row: Row, variable: int) -> Array:
    """P(x_v = k | e), ``(k,)``, by an elimination of its own."""
    (_, values), _ = _eliminate(tables, families, row, keep=(variable,))
    return values / values.sum()


def eliminated_family(tables: Tables, families: Families, row: Row, variable: int) -> Array:
    """P(x_v, parents | e) with the axes of the table, by an elimination of its own."""
    family = tuple(families[variable])
    (scope, values), _ = _eliminate(tables, families, row, keep=family)
    return values.transpose([scope.index(v) for v in family]) / values.sum()


def _eliminate(tables: Tables, families: Families, row: Row, keep: Sequence[int]) -> tuple[Factor, float]:
    """The sum over all variables but ``keep``, as a factor of these and the logarithm of what it is to be scaled by."""
    factors = [_sliced((tuple(family), table), row, keep) for family, table in zip(families, tables, strict=True)]
    for v, known in enumerate(row):
        if v in keep or (known is not None and not isinstance(known, int | np.integer)):
            factors.append(((v,), likelihood(known, tables[v].shape[-1])))
    scale = 0.0
    left = {v for scope, _ in factors for v in scope} - set(keep)
    while left:
        v = min(left, key=lambda own: (_size_of_product(own, factors), own))
        left.remove(v)
        scope, values = _product([own for own in factors if v in own[0]])
        values = values.sum(axis=scope.index(v))
        largest = values.max()
        if largest > 0.0:
            values, scale = values / largest, scale + float(np.log(largest))
        factors = [own for own in factors if v not in own[0]]
        factors.append((tuple(u for u in scope if u != v), values))
    constants = np.array([float(values) for scope, values in factors if not scope])  # their product may underflow
    scope, values = _product([own for own in factors if own[0]])
    if (constants > 0.0).all():
        return (scope, values), scale + float(np.log(constants).sum())
    return (scope, values * 0.0), scale


def _sliced(factor: Factor, row: Row, keep: Sequence[int]) -> Factor:
    """A factor where what was observed is put in."""
    scope, values = factor
    fixed = [isinstance(row[v], int | np.integer) and v not in keep for v in scope]
    places = tuple(row[v] if own else slice(None) for v, own in zip(scope, fixed, strict=True))
    return tuple(v for v, own in zip(scope, fixed, strict=True) if not own), values[places]


def _size_of_product(v: int, factors: Sequence[Factor]) -> int:
    sizes = {u: n for scope, values in factors if v in scope for u, n in zip(scope, values.shape, strict=True)}
    return int(np.prod(list(sizes.values())))


def _product(factors: Sequence[Factor]) -> Factor:
    """The product of factors over the union of their variables."""
    scope = tuple(dict.fromkeys(v for own, _ in factors for v in own))
    found = np.ones([1] * len(scope))
    for own, values in factors:
        order = sorted(range(len(own)), key=lambda axis: scope.index(own[axis]))
        shape = [values.shape[own.index(v)] if v in own else 1 for v in scope]
        found = found * values.transpose(order).reshape(shape)
    return scope, found
