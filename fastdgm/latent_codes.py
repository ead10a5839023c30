"""Latent variables without a closed form: guides that propose their values, codes of rows, rows of codes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Self

from .conditionals.base import Conditional
from .graph import check_parents
from .queries import Queries


class LatentCodes(Queries):
    """A network that may have a guide: q(z | what is observed) for latent real variables z."""

    def guided(self, guide: Mapping[str, Conditional]) -> Self:
        """The same network with a guide attached; nothing is trained, and modules are shared.

        Parameters
        ----------
        guide : latent real variables and their conditionals given others, as ``Neural(["x"], encoder,
            family="normal", event_shape=(16,))`` for ``z``. Guides may have latent parents, without a cycle.

        Raises
        ------
        KeyError : no variable of that name. ValueError : a guide of a discrete variable (these are summed out), one of
            another shape, one that reads its own node, a cycle.
        """
        own = copy(self)
        own._set_guide(guide)
        return own

    def _set_guide(self, guide: Mapping[str, Conditional]) -> None:
        self._guide = self._checked_guide(guide)

    def _checked_guide(self, guide: Mapping[str, Conditional]) -> dict[str, Conditional]:
        """The guide, bound to the network's variables."""
        if not isinstance(guide, Mapping):
            raise TypeError(f"a guide is a mapping from latent variables to conditionals, got {type(guide).__name__}")
        for name, own in guide.items():
            self._check_name(name)
            if not isinstance(own, Conditional):
                raise TypeError(f"the guide of {name!r} is a conditional, as Neural, got {own!r}")
            if name in self._states:
                raise ValueError(f"{name!r} is discrete: it is summed out, and has no guide")
            if own.variable != self._variables[name]:
                raise ValueError(
                    f"the guide of {name!r} is for {own.variable}, the variable is {self._variables[name]}"
                )
            if name in own.parents:
                raise ValueError(f"the guide of {name!r} reads {name!r} itself")
            for parent in own.parents:
                self._check_name(parent)
        observed = {parent: () for own in guide.values() for parent in own.parents if parent not in guide}
        check_parents(observed | {name: own.parents for name, own in guide.items()})
        return {
            name: own.bound(name, [self._variables[parent] for parent in own.parents]) for name, own in guide.items()
        }
