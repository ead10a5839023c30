"""Rows drawn in networks of tables under known values: the same for all of them, or others for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.evidence_rows import EvidenceBlock, as_evidence, given_evidence, missing_code
from ..data.schema import Schema
from ..errors import ImpossibleEvidenceError
from .exact import Exact

Array = npt.NDArray[Any]


def evidence_of(given: Any, schema: Schema) -> EvidenceBlock:
    """Known values as rows of evidence."""
    return given_evidence(given, schema) if isinstance(given, Mapping) else as_evidence(given, schema)


def drawn_rows(exact: Exact, block: EvidenceBlock, key: int, start: int, n_per_row: int) -> Array:
    """x (n_vars, n * n_per_row) ~ p(x | e); ImpossibleEvidenceError for the first row whose evidence is impossible."""
    codes = exact.draws(block, key, start, n_per_row)
    empty = (codes == missing_code(codes.dtype)).all(axis=0)  # or the last of 256 states, everywhere
    if empty.any():
        refuse_impossible(exact, block)
    return codes


def refuse_impossible(exact: Exact, block: EvidenceBlock) -> None:
    """ImpossibleEvidenceError for the first row whose evidence has probability 0."""
    impossible = exact.log_evidence(block) == -np.inf
    if impossible.any():
        raise ImpossibleEvidenceError(f"row {int(np.argmax(impossible))} of given= is impossible")
