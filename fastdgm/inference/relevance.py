"""Which factors bear on an answer: those that share hidden variables with it, by way of others."""

from __future__ import annotations

from collections.abc import Collection, Iterable


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
