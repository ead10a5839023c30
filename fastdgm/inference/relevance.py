"""Which variables bear on an answer: those without anything observed below them do not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ..graph import reached


def with_ancestors(names: Iterable[str], parents: Mapping[str, Sequence[str]]) -> set[str]:
    """The variables and all that they descend from; what is left of a network sums to one (barren nodes)."""
    return reached(names, parents)


def connected(names: Collection[str], scopes: Iterable[Collection[str]]) -> list[int]:
    """The numbers of the scopes that these variables reach through variables that scopes share."""
    own = [set(scope) for scope in scopes]
    reached, found = set(names), set[int]()
    grows = True
    while grows:
        new = [i for i, scope in enumerate(own) if i not in found and scope & reached]
        reached.update(*(own[i] for i in new))
        found.update(new)
        grows = bool(new)
    return sorted(found)
