"""The E-step and M-step of EM in networks of discrete variables: expected counts of every family.

EM maximises

    sum_i w_i log p(what row i says) + log prior                   nats; of a table sum_cells a log theta

by theta = (N + a) / sum (N + a), with N the expected counts of a variable's states by those of its parents, as of
complete rows (Lauritzen 1995). What does not change from one step to the next is counted once: families that are known
wherever they bear on anything, and rows that know all that does. Equal rows are one. A variable that is missing with
everything that descends from it bears on nothing in that row, and as far as ``table_rows.py`` leaves it out, its table
learns nothing from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..data.evidence_block import EvidenceBlock, HeldCodes, missing_code
from ..data.partial import PartialRows
from ..data.schema import Schema
from ..engines.hybrid import Program
from ..engines.junction.row_errors import numbered
from ..engines.tables.plan import Structure
from ..graph import topological_order
from ..inference.exact import Exact
from ..inference.joint import Joint
from ..inference.tabular import tables_of
from .background import STEPS
from .base import Target
from .counts import Prior
from .estimators import is_table
from .family_counts import Estimate, Family
from .steps import Expected, Maximised, Steps
from .table_rows import KnownRows, bearing, distinct_rows, known_rows, parts_of
from .table_starts import start_counts

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

EM_BYTES = 96  # per cell: counts of certain rows, of a start, expected ones and their pieces, tables, engines
MOST_CELLS = 1 << 16  # of a family whose configurations are rows of an estimator


def counts_suffice(targets: Sequence[Target], schema: Schema) -> bool:
    """Whether all that rows say is in counts of families, of which those that are no tables are not too large."""
    if not schema.is_discrete or schema.has_discrete_vectors:
        return False
    shapes = [[len(schema.states[own]) for own in (*target.parents, target.name)] for target in targets]
    return all(is_table(target) or prod(shape) <= MOST_CELLS for target, shape in zip(targets, shapes, strict=True))


class EvidencePart(NamedTuple):
    """Rows that are summed over, and the variables of the network that they are summed in."""

    names: tuple[str, ...]
    block: EvidenceBlock
    weights: Floats
    number: Array  # of the rows in the data


class TableExpectation(Steps):
    """Rows of discrete variables, values of which are missing."""

    def __init__(self, targets: Sequence[Target], rows: PartialRows, weights: Floats, prior: Prior) -> None:
        self.schema: Schema = rows.schema
        parents = {target.name: tuple(target.parents) for target in targets}
        Structure(parents, self.schema.states).check_tables(EM_BYTES, "EM")
        self.families: list[Family] = [Family(target, self.schema, prior) for target in targets]
        self._order = topological_order(parents)
        self.rows: KnownRows = distinct_rows(known_rows(rows, weights))
        self.weight: float = float(self.rows.weights.sum())
        codes, own_weights = self.rows.codes, self.rows.weights
        unknown = codes == missing_code(codes.dtype)
        order = [self.schema.rows[name] for name in self._order]
        bears = bearing(codes, [family.members[:-1] for family in self.families], order)
        hidden = unknown & bears
        names = self.schema.names
        self.latent: list[str] = [names[v] for v in np.flatnonzero(unknown.all(axis=1) & bears.any(axis=1))]
        self.fixed: list[Estimate | None] = self._fixed(bears, hidden)
        certain = ~hidden.any(axis=0)
        self.certain: list[Floats] = [
            family.counts(codes, own_weights, certain & bears[v]) for v, family in enumerate(self.families)
        ]
        self.parts: list[EvidencePart] = self._parts(self.rows.taken(~certain), bears[:, ~certain], order)

    def _fixed(self, bears: npt.NDArray[np.bool_], hidden: npt.NDArray[np.bool_]) -> list[Estimate | None]:
        """The conditionals of families that are known in all rows on which they bear, None for others."""
        found: list[Estimate | None] = []
        for v, family in enumerate(self.families):
            is_open = (bears[v] & hidden[list(family.members)].any(axis=0)).any()
            counts = None if is_open else family.counts(self.rows.codes, self.rows.weights, bears[v])
            found.append(None if counts is None else family.estimate(counts))
        return found

    def _parts(self, rows: KnownRows, bears: npt.NDArray[np.bool_], order: Sequence[int]) -> list[EvidencePart]:
        parts = []
        for part in parts_of(bears, rows.weights, order) if len(rows.weights) else ():
            own = rows.taken(part.rows)
            present = [v for v in range(len(self.families)) if v not in part.absent]
            names = [self.schema.names[v] for v in present]
            schema = Schema({name: self.schema.variables[name] for name in names})
            codes = np.ascontiguousarray(own.codes[present])
            block = EvidenceBlock(schema, codes.shape[1], HeldCodes(codes))
            parts.append(EvidencePart(tuple(names), block, own.weights, own.number))
        return parts

    @property
    def is_exact(self) -> bool:
        """Whether what is learnt in steps are tables."""
        return all(
            family.is_closed or fixed is not None for family, fixed in zip(self.families, self.fixed, strict=True)
        )

    def start(self, kept: Mapping[str, Conditional], seed: int, restart: int) -> Maximised:
        """From the counts of rows that know a family, and clusters; run 0 without chance where nothing is latent."""
        counts = start_counts(self.families, self.rows, self.latent, self.schema, seed, restart)
        return self._learnt(counts, [[0] for _ in self.families], pseudo_counts=False)

    def expected(self, conditionals: Mapping[str, Conditional]) -> Expected:
        """Objective and expected counts; ValueError names a row that is impossible."""
        log_prior = sum(family.log_prior(conditionals[family.target.name]) for family in self.families)
        objective, size = self._log_p_of_certain(conditionals)
        counts = {name: own.copy() for name, own in zip(self.schema.names, self.certain, strict=True)}
        for part in self.parts:
            own = {name: conditionals[name] for name in part.names}
            exact = Exact(Program(own, [name for name in self._order if name in own]))
            with numbered(part.number):
                log_p, found = exact.expected_counts(part.block, part.weights)
            if not (log_p > -np.inf).all():
                raise _impossible(part.number[np.argmin(log_p > -np.inf)])
            terms = part.weights * log_p
            objective, size = objective + float(terms.sum()), size + float(np.abs(terms).sum())
            for name, expected in zip(part.names, found, strict=True):
                counts[name] += expected
        return Expected(objective + log_prior, size, list(counts.values()), log_prior)

    def _log_p_of_certain(self, conditionals: Mapping[str, Conditional]) -> tuple[float, float]:
        """The part of the log-likelihood that is of rows which know all that bears on anything, and its size."""
        tables = tables_of(Joint(conditionals, self._order, self.schema))
        total = size = 0.0
        for family, table, counts in zip(self.families, tables, self.certain, strict=True):
            seen = counts > 0.0
            impossible = seen & (table == 0.0)
            if impossible.any():
                raise _impossible(self.rows.number[family.first_row(self.rows.codes, impossible)])
            terms = counts[seen] * np.log(table[seen])
            total, size = total + float(terms.sum()), size + float(np.abs(terms).sum())
        return total, size

    def maximised(
        self,
        statistics: Sequence[Any],
        conditionals: Mapping[str, Conditional],
        degenerate: Sequence[Sequence[Any]] | None = None,
    ) -> Maximised:
        """Every conditional from its expected counts."""
        return self._learnt(statistics, degenerate or [[0] for _ in self.families])

    def _learnt(
        self, counts: Sequence[Floats], degenerate: Sequence[Sequence[int]], pseudo_counts: bool = True
    ) -> Maximised:
        variables = self.schema.variables
        conditionals, notes, after, helped = {}, list[str](), [], False
        for family, fixed, own, (count,) in zip(self.families, self.fixed, counts, degenerate, strict=True):
            name, parents = family.target.name, family.target.parents
            found = fixed or family.estimate(own, count >= STEPS, pseudo_counts)
            conditionals[name] = found.conditional.bound(name, [variables[parent] for parent in parents])
            notes += found.notes
            after.append([count + found.is_degenerate])
            helped |= fixed is None and (found.is_degenerate or count >= STEPS)
        return Maximised(conditionals, tuple(notes), after, not helped)


def _impossible(row: int) -> ValueError:
    return ValueError(f"EM cannot go on from parameters under which row {row} of the data is impossible")
