"""Evidence that does not bear on an answer, and may be impossible all the same: then there is no answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ..conditionals.autoregressive import AutoregressiveConditional
from ..conditionals.base import Conditional
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.logistic import Logistic, Softmax
from ..conditionals.multivariate import MultivariateNormal
from ..conditionals.neural import Neural
from ..conditionals.table import CPT

ALWAYS_POSSIBLE = (AutoregressiveConditional, Logistic, MultivariateNormal, Neural, Softmax)


def may_exclude(conditional: Conditional) -> bool:
    """Whether some values have probability, or density, 0. Not so of values that are merely too far out for floats.

    The outputs of modules and masked models are taken to be possible: to make sure would cost more than the answer.
    """
    if isinstance(conditional, CPT):
        return not conditional.table.all()
    if isinstance(conditional, LinearGaussian):
        return conditional.std is None or not np.all(conditional.std)
    return not isinstance(conditional, ALWAYS_POSSIBLE)


def excluding_groups(scopes: Mapping[str, Collection[str]], may_exclude: Collection[str]) -> list[set[str]]:
    """Families by the hidden variables that they share, where one of a group may call its values impossible.

    ``scopes`` are the hidden variables of each family; of those without any only the ones that matter are kept.
    """
    observed = {name for name, scope in scopes.items() if not scope and name in may_exclude}
    groups: list[tuple[set[str], set[str]]] = []  # families, and hidden variables
    for name, scope in scopes.items():
        if scope:
            touching = [own for own in groups if own[1].intersection(scope)]
            groups = [own for own in groups if own not in touching]
            families = {name}.union(*(own[0] for own in touching))
            groups.append((families, set(scope).union(*(own[1] for own in touching))))
    found = [families for families, _ in groups if not families.isdisjoint(may_exclude)]
    return [observed, *found] if observed else found
