"""A network of tables and what its elimination is lowered to, made at first use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from ...runtime.lazy import cached_property
from .buckets import BucketTree
from .dense_steps import Lowered, lowered
from .order import Families

Array = npt.NDArray[Any]


class LoweredNetwork:
    """Tables along the order of a bucket tree, as steps that loops and twins take."""

    def __init__(self, tree: BucketTree, families: Families, tables: Sequence[Array], n_states: Sequence[int]) -> None:
        self._tree, self._families, self._tables, self._n_states = tree, families, tables, n_states

    @cached_property
    def _merged(self) -> Lowered:
        return lowered(self._tree, self._families, self._tables, self._n_states, merged=True)

    @cached_property
    def _single(self) -> Lowered:
        return lowered(self._tree, self._families, self._tables, self._n_states, merged=False)
