"""Rows of discrete variables as evidence: hard values, likelihoods, or nothing known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.arrays import code_type
from .evidence import known_values
from .partial import as_partial_rows
from .schema import Schema

Array = npt.NDArray[Any]


class Evidence(NamedTuple):
    """What is known of some rows."""

    codes: Array  # (n_vars, n), the state, or the missing code of the type where nothing is known
    soft: tuple[int, ...]  # numbers of the variables that have likelihoods, ascending
    likelihoods: Array  # (sum of their numbers of states, n) float64; their codes are missing


class EvidenceBlock:
    """Rows of evidence, read piece by piece."""

    def __init__(self, evidence: Evidence, schema: Schema, hidden: Collection[int] = ()) -> None:
        self._evidence = evidence
        self.schema = schema
        self._hidden = tuple(hidden)

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self._evidence.codes.shape[1])

    def read(self, begin: int, end: int) -> Evidence:
        """Rows ``begin`` to ``end``."""
        codes = np.array(self._evidence.codes[:, begin:end], order="C")
        for v in self._hidden:
            codes[v] = missing_code(codes.dtype)
        return self._evidence._replace(codes=codes, likelihoods=self._evidence.likelihoods[:, begin:end])

    def without(self, name: str) -> EvidenceBlock:
        """The same rows with nothing known of one variable."""
        return EvidenceBlock(self._evidence, self.schema, {*self._hidden, self.schema.rows[name]})


def evidence_type(schema: Schema) -> np.dtype[Any]:
    """The type of codes that has a code more than there are states: the one of a missing value."""
    return code_type(max(map(len, schema.states.values())) + 1)


def missing_code(dtype: npt.DTypeLike) -> int:
    """The code that stands where nothing is known: all ones."""
    return int(np.iinfo(dtype).max)


def as_evidence(data: Any, schema: Schema) -> EvidenceBlock:
    """Rows in any form, in which values may be missing and columns absent."""
    rows = as_partial_rows(data, schema)
    codes = rows.values.codes.astype(evidence_type(schema))
    for row, missing in rows.missing.items():
        codes[row, slice(None) if missing is None else missing] = missing_code(codes.dtype)
    return EvidenceBlock(Evidence(codes, (), np.empty((0, rows.n))), schema)


def given_evidence(given: Mapping[str, object], schema: Schema) -> EvidenceBlock:
    """Known values of some variables as one row."""
    known = known_values(given, schema)
    dtype = evidence_type(schema)
    codes = np.full((schema.n_codes, 1), missing_code(dtype), dtype)
    for name, code in known.codes.items():
        codes[schema.rows[name]] = code
    return EvidenceBlock(Evidence(codes, (), np.empty((0, 1))), schema)
