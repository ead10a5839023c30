"""Counts of families of discrete variables, which say all that rows say of them, and conditionals from counts."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.base import Conditional
from ..conditionals.logistic import LogLinear
from ..conditionals.table import CPT
from ..data.blocks import Part
from ..data.evidence_block import missing_code
from ..data.schema import Schema, Values
from ..runtime.arrays import read_only
from ..runtime.pieces import split
from .background import BACKGROUND
from .base import RowsEstimator, Target
from .counts import Prior, table_from_counts
from .estimators import ESTIMATORS, KEPT, is_table, kind_of
from .gathered import GatheredRows

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

ROWS_AT_ONCE = 1 << 18


class Estimate(NamedTuple):
    """A conditional, what to tell of it, and whether its counts alone determined it."""

    conditional: Conditional
    notes: tuple[str, ...] = ()
    is_degenerate: bool = False


class Family:
    """A variable and its parents, and how its conditional is learnt from their counts."""

    def __init__(self, target: Target, schema: Schema, prior: Prior) -> None:
        self.target: Target = target
        self.prior: Prior = prior
        self.members: tuple[int, ...] = tuple(schema.rows[name] for name in (*target.parents, target.name))
        self.shape: tuple[int, ...] = tuple(len(schema.states[name]) for name in (*target.parents, target.name))
        self.is_kept: bool = isinstance(target.conditional, KEPT)
        self._schema = schema
        self._gathered: GatheredRows | None = None
        if not (self.is_kept or is_table(target)):
            kind = ESTIMATORS[kind_of(target)]
            if not issubclass(kind, RowsEstimator):
                raise TypeError(f"EM learns tables and what is fitted to rows from counts, not by {kind.__name__}")
            self._gathered = GatheredRows(kind, [target], schema, prior, prod(self.shape))

    @property
    def is_table(self) -> bool:
        """Whether it is learnt as a table."""
        return self._gathered is None and not self.is_kept

    @property
    def is_closed(self) -> bool:
        """Whether counts determine it in closed form."""
        return self._gathered is None

    def counts(self, codes: Array, weights: Floats, kept: Array | None = None) -> Floats:
        """The weights of rows, codes (n_vars, n), that know all of the family, by its configuration."""
        total = np.zeros(prod(self.shape))
        for begin, end in split(codes.shape[1], ROWS_AT_ONCE):
            own = codes[list(self.members), begin:end]
            known = (own != missing_code(codes.dtype)).all(axis=0)
            if kept is not None:
                known &= kept[begin:end]
            place = np.ravel_multi_index(tuple(own[:, known].astype(np.intp)), self.shape)
            total += np.bincount(place, weights[begin:end][known], len(total))
        return total.reshape(self.shape)

    def first_row(self, codes: Array, configurations: Array) -> int:
        """The first row that knows the whole family, in one of the configurations (booleans) of which there are any."""
        own = codes[list(self.members)]
        known = (own != missing_code(codes.dtype)).all(axis=0)
        found = np.zeros(codes.shape[1], bool)
        found[known] = configurations[tuple(own[:, known].astype(np.intp))]
        return int(np.argmax(found))

    def estimate(self, counts: Floats, held: bool = False, pseudo_counts: bool = True) -> Estimate:
        """The conditional of most likelihood, and prior; of one that is ``held`` also seen with the background."""
        target = self.target
        if self.is_kept:
            assert target.conditional is not None
            return Estimate(target.conditional)
        if self._gathered is None:
            pseudo_count = self.prior.per_cell(counts) if pseudo_counts else 0.0
            table = table_from_counts(counts, pseudo_count)
            return Estimate(CPT.trusted(tuple(target.parents), table, self._schema.states[target.name]))
        statistics = self._collected(self._gathered, counts)
        uniform = np.full(self.shape, BACKGROUND * max(1.0, float(counts.sum())) / counts.size)
        background = self._collected(self._gathered, uniform)
        learnt, degenerate = self._gathered.guarded(statistics, background, [held])
        return Estimate(learnt.conditionals[target.name], learnt.notes, bool(degenerate[0]))

    def log_prior(self, conditional: Conditional) -> float:
        """But for a constant: of a table pseudo-count times the sum of logarithms, of a logistic variable
        -l2 / 2 |weights|^2."""
        if isinstance(conditional, CPT) and not self.is_kept:
            pseudo_count = self.prior.per_cell(conditional.table)
            with np.errstate(divide="ignore"):  # -inf of parameters that this prior does not lead to
                return pseudo_count * float(np.log(conditional.table).sum()) if pseudo_count > 0.0 else 0.0
        if isinstance(conditional, LogLinear):
            return -0.5 * conditional.l2 * float(np.square(conditional.parameters()["weights"]).sum())
        return 0.0

    def _collected(self, gathered: GatheredRows, counts: Floats) -> Any:
        """Every configuration as a row of the weight that it has."""
        codes = np.zeros((self._schema.n_codes, counts.size), self._schema.code_dtype)
        for member, column in zip(self.members, np.indices(self.shape).reshape(len(self.shape), -1), strict=True):
            codes[member] = column
        values = Values(codes, np.empty((0, counts.size), np.float32))
        part = Part("columns", read_only(values.codes), 0, read_only(values.reals))
        return gathered.collect(0, counts.size, part, counts.ravel())
