"""The engine of small trees: all rows take the same steps, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.evidence_rows import Evidence
from ...kernels.junction import LANES, DenseEvidence
from ...runtime.lazy import cached_property
from .buckets import BucketTree
from .dense_plan import Lowered, dense_plan
from .loops import LOOPS
from .order import Families

Array = npt.NDArray[Any]


class DenseEngine:
    """Answers about pieces of rows. Methods return which rows are flagged: their numbers became too small."""

    def __init__(self, tree: BucketTree, families: Families, tables: Sequence[Array], n_states: Sequence[int]) -> None:
        self._tree, self._families, self._tables, self._n_states = tree, families, tables, n_states

    @cached_property
    def _lowered(self) -> Lowered:
        return dense_plan(self._tree, self._families, self._tables, self._n_states)

    def log_evidence(self, evidence: Evidence, out: Array) -> Array:
        """out (n,) = log p(e), nats, -inf where it is impossible."""
        n = len(out)
        flagged = np.zeros(n, np.bool_)
        LOOPS["log evidence", "cpu"](0, n, self._lowered.plan, self._read(evidence), flagged, out)
        return flagged

    def marginals(self, evidence: Evidence, log_p: Array, out: Array) -> Array:
        """out (n_cells, n) = P(x_v = k | e), variable after variable; NaN where impossible."""
        n = len(log_p)
        flagged = np.zeros(n, np.bool_)
        LOOPS["marginals", "cpu"](0, n, self._lowered.plan, self._read(evidence), flagged, log_p, out)
        return flagged

    def most_probable(self, evidence: Evidence, log_p: Array, codes: Array) -> Array:
        """codes (n_vars, n) = argmax p(x, e), log_p (n,) its logarithm."""
        n = len(log_p)
        flagged = np.zeros(n, np.bool_)
        LOOPS["most probable", "cpu"](0, n, self._lowered.plan, self._read(evidence), flagged, log_p, codes)
        return flagged

    def draw(self, evidence: Evidence, key: int, rows: Array, codes: Array) -> Array:
        """codes (n_vars, n) ~ p(x | e), by the random words of the given global rows."""
        n = len(rows)
        flagged = np.zeros(n, np.bool_)
        LOOPS["draw", "cpu"](0, n, np.uint64(key), rows, self._lowered.plan, self._read(evidence), flagged, codes)
        return flagged

    def expected_counts(self, evidence: Evidence, weights: Array, log_p: Array, counts: Array) -> Array:
        """counts += sum_i weights[i] P(x_v, parents | e_i), the tables of all variables flat, one after the other."""
        n = len(log_p)
        flagged = np.zeros(n, np.bool_)
        plan, counted = self._lowered
        cells = np.zeros((len(plan.weight), LANES))
        LOOPS["expected counts", "cpu"](0, n, plan, self._read(evidence), weights, flagged, log_p, cells)
        totals = cells.sum(axis=1)
        starts = [0, *accumulate(table.size for table in self._tables)]
        for own in counted:
            size = self._tables[own.variable].size
            found = np.bincount(own.entries, totals[own.cells], size)
            counts[starts[own.variable] : starts[own.variable + 1]] += found
        return flagged

    def _read(self, evidence: Evidence) -> DenseEvidence:
        first = np.full(len(self._n_states), -1, np.int32)
        row = 0
        for v in evidence.soft:
            first[v] = row
            row += self._n_states[v]
        return DenseEvidence(evidence.codes, first, np.ascontiguousarray(evidence.likelihoods, np.float64))
