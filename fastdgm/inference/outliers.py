"""How surprising every value of a row is, given its other values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.boundary import read_once
from ..data.evidence_block import Evidence, EvidenceBlock, held_evidence, missing_code, taken_evidence
from ..data.evidence_rows import as_evidence
from ..data.partial import PartialRows, as_partial_rows, only
from ..data.schema import Schema, Values
from ..engines.junction.row_errors import numbered
from ..errors import ImpossibleEvidenceError
from ..runtime.memory import check_memory
from ..runtime.pieces import split
from .exact import Exact
from .impossible import Impossible, refuse_impossible
from .latent import Inference, taken

Array = npt.NDArray[np.float64]

ROWS_AT_ONCE = 1 << 14


def outlier_scores(exact: Exact, inference: Inference, data: Any, impossible: Impossible) -> Array:
    """- log P(x_v | the row's other values) (n, n_vars), NaN where x_v is missing.

    Complete rows are answered by the loops of tables alone, others by sums: log p(row without x_v) - log p(row).
    """
    schema = exact.schema
    block = as_evidence(read_once(data, schema.names), schema)
    scores = _empty(block.n, schema.names)
    is_missing = np.empty(scores.shape, np.bool_)
    for begin, end in split(block.n, ROWS_AT_ONCE):
        evidence = block.read(begin, end)
        own = evidence.codes == missing_code(evidence.codes.dtype)
        is_missing[begin:end] = own.T
        incomplete = own.any(axis=0)
        if incomplete.any():
            with numbered(begin + np.flatnonzero(incomplete)):
                scores[begin:end][incomplete] = _of_incomplete(exact, taken_evidence(evidence, incomplete))
        if not incomplete.all():
            codes = taken_evidence(evidence, ~incomplete).codes
            scores[begin:end][~incomplete] = _of_complete(inference, codes.astype(schema.code_dtype, copy=False))
    if impossible == "error":
        _refuse_undefined(exact, block, np.isnan(scores) & ~is_missing)
    scores[is_missing] = np.nan
    return scores


def _of_complete(inference: Inference, codes: npt.NDArray[Any]) -> Array:
    """Only in impossible rows, which are few, each score looks at whether all other values are possible."""
    schema, n = inference.network.schema, codes.shape[1]
    rows = PartialRows(Values(codes, np.empty((0, n), np.float32)), schema, {})
    is_impossible = inference.are_impossible(rows)
    impossible = rows._replace(values=taken(rows.values, np.flatnonzero(is_impossible)))
    scores = np.empty((n, len(codes)))
    for v, name in enumerate(schema.names):
        shares = inference.posterior_of_possible(rows, name)
        if impossible.n:
            shares[is_impossible] = inference.posterior(impossible, name, "nan")
        own = shares[np.arange(n), codes[v]]
        with np.errstate(divide="ignore"):
            scores[:, v] = 0.0 - np.log(own)
    return scores


def _of_incomplete(exact: Exact, evidence: Evidence) -> Array:
    block = held_evidence(evidence, exact.schema)
    total = exact.log_evidence(block)
    scores = np.empty((block.n, len(exact.schema.names)))
    for v, name in enumerate(exact.schema.names):
        scores[:, v] = _score(exact.log_evidence(block.without(name)), total)
    return scores


def _refuse_undefined(exact: Exact, block: EvidenceBlock, is_undefined: npt.NDArray[np.bool_]) -> None:
    """ImpossibleEvidenceError for the first variable, and row, of which the other values are impossible."""
    for name, own in zip(exact.schema.names, is_undefined.T, strict=True):
        refuse_impossible(exact.log_evidence, block.without(name), own, f"outlier score of {name!r}")


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
    """without - total: inf where only the latter is impossible, NaN where both are."""
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
