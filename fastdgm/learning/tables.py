"""The tables of a network that has other kinds of conditionals, too; counts.py says how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.table import CPT
from ..data.blocks import Part
from ..data.cuda_blocks import CudaBlock
from ..data.schema import Schema
from ..engines.tables.count import count_piece
from ..engines.tables.plan import Structure, family_counts
from ..runtime.cuda_queue import CudaQueue
from .base import Learnt, SumEstimator, Target, Weights
from .counts import Prior, table_from_counts

Array = npt.NDArray[Any]


class TableEstimator(SumEstimator):
    """theta = (N + a) / sum (N + a), N being the weighted counts of a variable's states by those of its parents."""

    def __init__(self, targets: Sequence[Target], schema: Schema, prior: Prior) -> None:
        super().__init__(targets, schema, prior)
        own = {target.name: tuple(target.parents) for target in targets}
        parents = {cell: own.get(cell, ()) for cell in schema.cell_states}  # those of vectors have no tables
        self._structure = Structure(parents, schema.cell_states, [schema.rows[name] for name in own])

    @property
    def n_sums(self) -> int:
        """Cells of all tables."""
        return int(self._structure.counting.table_start[-1])

    def collect(self, begin: int, end: int, part: Part, weights: Weights) -> Array:
        """Counts by cell."""
        return count_piece(self._structure, begin, end, part.codes, weights)[0]

    def collect_on_card(self, queue: CudaQueue, block: CudaBlock, weights: Any) -> Array:
        """The same of rows on a GPU."""
        from ..engines.tables.cuda_count import count_cells_on_card

        return count_cells_on_card(self._structure, queue, block.part.codes, weights)

    def merged(self, earlier: Array, later: Array) -> Array:
        """Their sum."""
        return earlier + later

    def estimate(self, statistics: Array) -> Learnt:
        """Tables by variable."""
        counts = family_counts(self._structure, np.asarray(statistics))
        conditionals = {}
        for target in self.targets:
            own = counts[self.schema.rows[target.name]]
            table = table_from_counts(own, self.prior.per_cell(own))
            conditionals[target.name] = CPT.trusted(tuple(target.parents), table, self.schema.states[target.name])
        return Learnt(dict(conditionals))
