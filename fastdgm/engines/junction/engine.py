"""Both ways through the tree of a network: which one answers a row depends on the network and on that row alone.

Rows in which little is hidden take the sliced way, whose cost grows with what is hidden; others, where the tree is
small enough, the dense one, whose cost is the same for all. A row is answered with the same bits beside any others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...data.evidence_block import Evidence, missing_code, taken_evidence
from ...runtime.lazy import cached_property
from .buckets import BucketTree, bucket_tree
from .dense import DenseEngine
from .order import Families, elimination_order
from .row_errors import numbered
from .sliced import SlicedEngine

Array = npt.NDArray[Any]

DENSE_CELLS = 1 << 17  # of the tree, up to which there is a dense way
DENSE_NANOSECONDS = 0.1  # a cell, about, on one thread; likewise the next two
SLICED_NANOSECONDS = 200.0  # a row
HIDDEN_NANOSECONDS = 350.0  # a hidden variable


Engine = DenseEngine | SlicedEngine


class Part(NamedTuple):
    """The rows of a piece that go one way."""

    engine: Engine
    rows: Array | slice
    evidence: Evidence


Answer = Callable[..., Array | None]  # by an engine, for a part, into arrays for its rows


class JunctionEngine:
    """Answers about pieces of rows of one network of tables.

    ``tables[v]`` has the axes ``families[v]``, its own variable last. Methods return which rows are flagged: their
    numbers became too small, and the tree is too large for other ways; what they say of these rows is nothing.
    """

    def __init__(self, families: Families, tables: Sequence[Array], n_states: tuple[int, ...]) -> None:
        self._families, self._tables, self._n_states = families, tables, n_states

    @cached_property
    def order(self) -> tuple[int, ...]:
        """In which variables are summed out."""
        return elimination_order(self._families, self._n_states)

    @cached_property
    def tree(self) -> BucketTree:
        """That of the order."""
        return bucket_tree(self._families, self._n_states, self.order)

    @property
    def has_dense(self) -> bool:
        """Whether the tree is small enough for the dense way."""
        return self.tree.n_cells <= DENSE_CELLS

    @cached_property
    def most_hidden(self) -> int:
        """How many variables may be hidden in a row that goes the sliced way."""
        if not self.has_dense:
            return len(self._n_states)
        return int((DENSE_NANOSECONDS * self.tree.n_cells - SLICED_NANOSECONDS) / HIDDEN_NANOSECONDS)

    @cached_property
    def _dense(self) -> DenseEngine:
        return DenseEngine(self.tree, self._families, self._tables, self._n_states)

    @cached_property
    def _sliced(self) -> SlicedEngine:
        return SlicedEngine(self._tables, self._families, self._n_states, self.order)

    def log_evidence(self, evidence: Evidence, out: Array) -> Array:
        """out (n,) = log p(e), nats, -inf where it is impossible."""
        return self._answer(evidence, (out,), lambda engine, part, own: engine.log_evidence(part.evidence, own))

    def marginals(self, evidence: Evidence, log_p: Array, out: Array) -> Array:
        """out (n_cells, n) = P(x_v = k | e), variable after variable; NaN where impossible; log_p (n,) = log p(e)."""
        return self._answer(evidence, (log_p, out), lambda engine, part, *own: engine.marginals(part.evidence, *own))

    def most_probable(self, evidence: Evidence, log_p: Array, codes: Array) -> Array:
        """codes (n_vars, n) = argmax p(x, e), log_p (n,) its logarithm; missing codes where it is impossible."""
        return self._answer(
            evidence, (log_p, codes), lambda engine, part, *own: engine.most_probable(part.evidence, *own)
        )

    def draw(self, evidence: Evidence, key: int, rows: Array, codes: Array) -> Array:
        """codes (n_vars, n) ~ p(x | e), by the random words of the given global rows; missing where impossible."""
        return self._answer(
            evidence, (codes,), lambda engine, part, own: engine.draw(part.evidence, key, rows[part.rows], own)
        )

    def expected_counts(self, evidence: Evidence, weights: Array, log_p: Array, counts: Array) -> Array:
        """counts += sum_i weights[i] P(x_v, parents | e_i), the tables of all variables flat; log_p (n,) = log p(e).

        Flagged rows add nothing.
        """
        return self._answer(
            evidence,
            (log_p,),
            lambda engine, part, own: engine.expected_counts(part.evidence, weights[part.rows], own, counts),
        )

    def _answer(self, evidence: Evidence, outputs: Sequence[Array], answer: Answer) -> Array:
        """Fill the outputs (..., n), some rows by one engine and some by the other; flagged rows are returned."""
        flagged = np.zeros(evidence.codes.shape[1], np.bool_)
        for part in self._parts(evidence):
            found = self._answer_part(part, outputs, answer)
            if found is not None:
                flagged[part.rows] = found
        if flagged.any() and self.has_dense:
            rows = np.flatnonzero(flagged)
            self._answer_part(Part(self._dense, rows, taken_evidence(evidence, flagged)), outputs, answer)
            flagged[:] = False
        return flagged

    @staticmethod
    def _answer_part(part: Part, outputs: Sequence[Array], answer: Answer) -> Array | None:
        if isinstance(part.rows, slice):
            return answer(part.engine, part, *outputs)
        own = [np.empty((*out.shape[:-1], len(part.rows)), out.dtype) for out in outputs]
        with numbered(part.rows):
            found = answer(part.engine, part, *own)
        for out, values in zip(outputs, own, strict=True):
            out[..., part.rows] = values
        return found

    def _parts(self, evidence: Evidence) -> Iterator[Part]:
        """Rows by the way that they go; of no rows both ways, so that their loops are compiled."""
        whole = slice(None)
        if not self.has_dense:
            yield Part(self._sliced, whole, evidence)
        elif self.most_hidden < 1:
            yield Part(self._dense, whole, evidence)
        else:
            sliced = _hidden_counts(evidence.codes) <= self.most_hidden
            for engine, own in ((self._sliced, sliced), (self._dense, ~sliced)):
                if own.all():
                    yield Part(engine, whole, evidence)
                elif own.any():
                    yield Part(engine, np.flatnonzero(own), taken_evidence(evidence, own))


def _hidden_counts(codes: Array) -> Array:
    """How many variables have no value in each row (n,)."""
    counts, missing = np.zeros(codes.shape[1], np.uint16), missing_code(codes.dtype)
    for own in codes:
        counts += own == missing
    return counts
