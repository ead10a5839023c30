"""How surprising every value of a row is, given its other values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.boundary import read_once
from ..data.evidence_block import missing_code
from ..data.evidence_rows import as_evidence
from ..data.partial import PartialRows, as_partial_rows, only
from ..data.schema import Schema
from ..errors import ImpossibleEvidenceError
from ..runtime.memory import check_memory
from ..runtime.pieces import split
from .exact import Exact
from .impossible import Impossible, refuse_impossible
from .latent import Inference

Array = npt.NDArray[np.float64]

ROWS_AT_ONCE = 1 << 16


def outlier_scores(exact: Exact, data: Any, impossible: Impossible) -> Array:
    """log p(row without x_v) - log p(row) (n, n_vars), NaN where x_v is missing, by sums over x_v alone."""
    schema = exact.schema
    block = as_evidence(read_once(data, schema.names), schema)
    total = exact.log_evidence(block)
    scores = _empty(block.n, schema.names)
    for v, name in enumerate(schema.names):
        others = block.without(name)
        without = exact.log_evidence(others)
        if impossible == "error":
            refuse_impossible(exact.log_evidence, others, without == -np.inf, f"outlier score of {name!r}")
        scores[:, v] = _score(without, total)
    for begin, end in split(block.n, ROWS_AT_ONCE):
        evidence = block.read(begin, end)
        is_missing = evidence.codes == missing_code(evidence.codes.dtype)
        scores[begin:end][is_missing.T] = np.nan
    return scores


def outlier_scores_beside_reals(inference: Inference, data: Any, impossible: Impossible) -> Array:
    """The same in any network; of a real variable it is minus the log-density."""
    schema = inference.network.schema
    rows = as_partial_rows(read_once(data, schema.names), schema)
    total = inference.log_prob(rows)
    scores = _empty(rows.n, schema.names)
    for v, name in enumerate(schema.names):
        without = inference.log_prob(only(rows, set(schema.names) - {name}))
        if impossible == "error" and (without == -np.inf).any():
            row = int(np.argmax(without == -np.inf))
            raise ImpossibleEvidenceError(
                f"row {row} has no outlier score of {name!r}: the network calls its other values impossible"
            )
        scores[:, v] = _score(without, total)
        scores[_is_missing(rows, schema, name), v] = np.nan
    return scores


def _empty(n: int, names: Sequence[str]) -> Array:
    check_memory(8 * n * len(names), f"outlier scores of {n} rows x {len(names)} variables")
    return np.empty((n, len(names)))


def _score(without: Array, total: Array) -> Array:
    """without - total: inf where only the latter is impossible, NaN where both are; never below 0 by rounding."""
    with np.errstate(invalid="ignore"):
        score: Array = without - total
    return score


def _is_missing(rows: PartialRows, schema: Schema, name: str) -> npt.NDArray[np.bool_]:
    """In which rows nothing, or not all, is known of a variable."""
    first = schema.rows[name] + (schema.n_codes if name in schema.sizes else 0)
    found = np.zeros(rows.n, np.bool_)
    for row in range(first, first + schema.variables[name].size):
        if row in rows.missing:
            missing = rows.missing[row]
            found |= True if missing is None else missing
    return found
