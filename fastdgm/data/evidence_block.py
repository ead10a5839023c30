"""Evidence: what is known of rows of discrete variables, read piece by piece."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ..runtime.arrays import code_type
from ..runtime.lazy import cached_property
from ..runtime.pieces import cell_ranges, run_ranges
from .labels import Column
from .likelihoods import Likelihood
from .missing_codes import missing_code
from .partial_columns import PartialColumn
from .schema import Schema

Array = npt.NDArray[Any]
CELLS_PER_PIECE = 1 << 20


class Evidence(NamedTuple):
    """What is known of some rows."""

    codes: Array  # (n_vars, n), the state, or the missing code of the type where nothing is known
    soft: tuple[int, ...]  # numbers of the variables that have likelihoods, ascending
    likelihoods: Array  # (sum of their numbers of states, n) float64; their codes are missing


def taken_evidence(evidence: Evidence, rows: npt.NDArray[np.bool_]) -> Evidence:
    """Some rows of evidence."""
    if rows.all():
        return evidence
    return evidence._replace(codes=evidence.codes[:, rows], likelihoods=evidence.likelihoods[:, rows])


def complete_rows(evidence: Evidence) -> npt.NDArray[np.bool_]:
    """In which rows every variable has a value (n,)."""
    return np.asarray(evidence.codes.max(axis=0) < missing_code(evidence.codes.dtype))


class CodesReader(Protocol):
    """What fills in codes and missing codes piece by piece."""

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write rows ``begin`` to ``end`` into ``out`` (n_vars, end - begin), checked."""


class EvidenceBlock:
    """Rows of evidence, read piece by piece, on any thread.

    Parameters
    ----------
    schema : the variables, all of them discrete and none a vector.
    n : number of rows.
    codes : what reads their codes.
    likelihoods : those of variables that have any, by their number; what ``codes`` says of these does not count.
    hidden : numbers of variables of which nothing is known in any row, whatever ``codes`` says.
    """

    def __init__(
        self,
        schema: Schema,
        n: int,
        codes: CodesReader,
        likelihoods: Mapping[int, Likelihood] = MappingProxyType({}),
        hidden: Collection[int] = (),
    ) -> None:
        self.schema = schema
        self.n = n
        self._codes = codes
        self._hidden = frozenset(hidden)
        self._likelihoods = {v: likelihoods[v] for v in sorted(likelihoods) if v not in self._hidden}

    def read(self, begin: int, end: int) -> Evidence:
        """Rows ``begin`` to ``end``, in fresh arrays in C order.

        Raises ValueError that names variable, row and value for one that is neither a state nor missing.
        """
        codes = np.empty((self.schema.n_codes, end - begin), evidence_type(self.schema))
        self._codes.read(begin, end, codes)
        for v in self._hidden.union(self._likelihoods):
            codes[v] = missing_code(codes.dtype)
        n_states = [len(states) for states in self.schema.states.values()]
        starts = [0, *accumulate(n_states[v] for v in self._likelihoods)]
        likelihoods = np.empty((starts[-1], end - begin))
        for own, first, last in zip(self._likelihoods.values(), starts, starts[1:], strict=False):
            own.read(begin, end, likelihoods[first:last])
        return Evidence(codes, tuple(self._likelihoods), likelihoods)

    def without(self, name: str) -> EvidenceBlock:
        """The same rows with nothing known of one variable."""
        hidden = self._hidden | {self.schema.rows[name]}
        return EvidenceBlock(self.schema, self.n, self._codes, self._likelihoods, hidden)

    def only(self, names: Collection[str]) -> EvidenceBlock:
        """The same rows with nothing known of any variables but those named."""
        hidden = self._hidden | {row for name, row in self.schema.rows.items() if name not in names}
        return EvidenceBlock(self.schema, self.n, self._codes, self._likelihoods, hidden)

    @cached_property
    def missing_counts(self) -> dict[str, int]:
        """In how many rows nothing is known of each variable; all rows are read for it."""
        soft = list(self._likelihoods)

        def work(begin: int, end: int) -> Array:
            codes = self.read(begin, end).codes
            return np.count_nonzero(codes == missing_code(codes.dtype), axis=1)

        counts = np.zeros(self.schema.n_codes, np.int64)
        for own in run_ranges(work, cell_ranges(self.n, self.schema.n_codes, CELLS_PER_PIECE)):
            counts += own
        counts[soft] = 0
        return dict(zip(self.schema.names, counts.tolist(), strict=True))


class HeldCodes:
    """Codes and missing codes that are there already."""

    def __init__(self, codes: Array) -> None:
        """``codes`` are those of all rows, (n_vars, n)."""
        self._codes = codes

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write rows ``begin`` to ``end`` into ``out``."""
        out[:] = self._codes[:, begin:end]


def likelihoods_of(evidence: Evidence, n_states: Sequence[int]) -> dict[int, Array]:
    """The likelihoods (k, n) of every variable that has any."""
    starts = [0, *accumulate(n_states[v] for v in evidence.soft)]
    return {
        v: evidence.likelihoods[first : first + n_states[v]] for v, first in zip(evidence.soft, starts, strict=False)
    }


def held_evidence(evidence: Evidence, schema: Schema) -> EvidenceBlock:
    """Evidence that is there already, as a block."""
    variables = [Column(name, states) for name, states in schema.states.items()]
    found = likelihoods_of(evidence, [len(own.states) for own in variables])
    likelihoods = {v: Likelihood(variables[v], own.T) for v, own in found.items()}
    return EvidenceBlock(schema, evidence.codes.shape[1], HeldCodes(evidence.codes), likelihoods)


class ColumnsReader:
    """Codes of variables that are the same in all rows, or missing, and columns of others."""

    def __init__(self, codes: Array, columns: Mapping[int, PartialColumn]) -> None:
        """``codes`` are those of all rows, (n_vars,)."""
        self._codes = codes
        self._columns = columns

    def read(self, begin: int, end: int, out: Array) -> None:
        """Write rows ``begin`` to ``end`` into ``out``."""
        for v, code in enumerate(self._codes):
            if v in self._columns:
                self._columns[v].read(begin, end, out[v])
            else:
                out[v] = code


def evidence_type(schema: Schema) -> np.dtype[Any]:
    """The type of codes that has a code more than there are states: the one of a missing value."""
    return code_type(max(map(len, schema.states.values())) + 1)
