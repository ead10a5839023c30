"""The families of distributions whose parameters a module gives: their parts and shapes."""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """A distribution of each cell of a vector, the cells being independent of each other."""

    name: str
    is_discrete: bool
    parts: tuple[str, ...]  # what the module gives, in order
    has_axis: bool = False  # parts have one more axis, the last: of states, or of components


FAMILIES = {
    family.name: family
    for family in (
        Family("bernoulli", True, ("logits",)),
        Family("categorical", True, ("logits",), True),
        Family("normal", False, ("mean", "log_std")),
        Family("mixture", False, ("logits", "mean", "log_std"), True),
    )
}
