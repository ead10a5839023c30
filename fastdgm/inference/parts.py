"""Vectors that are known in part, of numbers that are independent given the parents: what is missing is left out."""

from __future__ import annotations

from collections.abc import Collection

from ..conditionals.neural import Neural
from ..data.partial import Pattern
from ..data.variables import Discrete
from .joint import Joint

Cells = dict[str, tuple[int, ...]]  # by vector, which of its cells are known


def without_missing_cells(network: Joint, pattern: Pattern, kept: Collection[str]) -> tuple[Pattern, Cells]:
    """The pattern in which such vectors count as known, and the cells that are.

    Raises ValueError, naming the vector, where variables whose factors count depend on one that is discrete.
    """
    schema = network.schema
    found: Cells = {}
    for name in network.order:
        variable, first = schema.variables[name], schema.rows[name]
        is_discrete = isinstance(variable, Discrete)
        missing = (pattern.cells if is_discrete else pattern.reals).intersection(range(first, first + variable.size))
        if name not in kept or not missing or len(missing) == variable.size:
            continue
        children = [child for child in network.order if child in kept and name in network.parents[child]]
        if is_discrete and children:
            raise ValueError(
                f"cannot be summed out: {name!r} is known in part, a vector of discrete variables, and {children[0]!r} "
                "depends on it: give all of its values, or none"
            )
        if is_discrete or (isinstance(network.conditionals[name], Neural) and not children):
            found[name] = tuple(i for i in range(variable.size) if first + i not in missing)
    known = {schema.rows[name] + i for name in found if name in schema.sizes for i in range(schema.sizes[name])}
    return pattern._replace(reals=pattern.reals - known), found
