"""Rows of discrete variables -> what the exact engine says of them, whatever is missing in each."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.boundary import as_network_block, is_table, read_once
from ..data.columns import matched_columns
from ..data.evidence_block import Evidence, EvidenceBlock, held_evidence, missing_code, taken_evidence
from ..data.evidence_rows import as_evidence
from ..data.labels import codes_are_ambiguous
from ..data.likelihoods import likelihood_of
from ..data.partial import PartialRows
from ..data.samples import Samples
from ..data.schema import Schema, Values
from ..engines.junction.row_errors import numbered
from ..errors import MissingValuesError, UnknownNameError
from ..runtime.pieces import run_ranges, split
from .exact import Exact
from .impossible import Impossible, difference, refuse_impossible
from .latent import Inference, empty_posterior

Array = npt.NDArray[Any]

CELLS_AT_ONCE = 1 << 22  # probabilities that are held beside the answer


def log_evidence(exact: Exact, data: Any) -> npt.NDArray[np.float64]:
    """log p of what is observed in every row (n,): complete data are read where they are."""
    schema = exact.schema
    data = read_once(data, schema.names)
    if not _has_likelihoods(data):
        with suppress(MissingValuesError, UnknownNameError):
            return exact.program.log_prob(as_network_block(data, schema))
    return exact.log_evidence(as_evidence(data, schema))


def _has_likelihoods(data: Any) -> bool:
    """Whether there are columns of floats (n, k) in a mapping."""
    if not isinstance(data, Mapping):
        return False
    return any(own is not None and own.ndim == 2 for own in map(likelihood_of, data.values()))


def log_evidence_given(
    exact: Exact, data: Any, names: Collection[str], impossible: Impossible
) -> npt.NDArray[np.float64]:
    """log p(what is observed) - log p(what is observed of some variables), NaN where the latter is impossible."""
    data = read_once(data, exact.schema.names)
    total = log_evidence(exact, data)
    known = as_evidence(data, exact.schema).only(names)
    given = exact.log_evidence(known)
    if impossible == "error":
        refuse_impossible(exact.log_evidence, known, given == -np.inf, "log_prob given these names")
    return difference(total, given)


def posterior(
    exact: Exact, inference: Inference, data: Any, name: str, impossible: Impossible
) -> npt.NDArray[np.float64]:
    """P(name = k | the row's other values) (n, k).

    A row in which all of these are known is answered by the loops of its tables alone, the same bits beside any rows.
    """
    data = read_once(data, exact.schema.names)
    rows = _complete_rows(data, exact.schema, name)
    if rows is not None:
        out = inference.posterior(rows, name, "nan")
    else:
        block = as_evidence(data, exact.schema).without(name)
        out = empty_posterior(block.n, name, exact.schema)

        def work(begin: int, end: int) -> None:
            with numbered(range(begin, end)):
                _fill_posterior(exact, inference, block.read(begin, end), name, out[begin:end])

        run_ranges(work, split(block.n, max(256, CELLS_AT_ONCE // exact.first_cell[-1])))
    is_impossible = np.isnan(out[:, 0])
    if impossible == "error" and is_impossible.any():
        others = as_evidence(data, exact.schema).without(name)
        refuse_impossible(exact.log_evidence, others, is_impossible, f"posterior of {name!r}")
    return out


def _complete_rows(data: Any, schema: Schema, name: str) -> PartialRows | None:
    """The rows, if nothing but that variable is missing; arrays and samples are read where they are."""
    if is_table(data) and not isinstance(data, Samples):
        data = _with_any_values(data, schema, name)
    if data is not None:
        with suppress(MissingValuesError):
            block = as_network_block(data, schema)
            return PartialRows(Values(block.read(0, block.n).codes, _no_reals(block.n)), schema, {})
    return None


def _with_any_values(data: Any, schema: Schema, name: str) -> dict[str, Any] | None:
    """The columns of a table, that of one variable replaced by codes; None where others are absent, or likelihoods."""
    if _has_likelihoods(data):
        return None
    columns, n = matched_columns(data, schema.names, partial=True)
    if len({*columns, name}) < len(schema.names) or codes_are_ambiguous(schema.states[name]):
        return None
    return {**columns, name: np.zeros(n, schema.code_dtype)}


def _fill_posterior(exact: Exact, inference: Inference, evidence: Evidence, name: str, out: Array) -> None:
    """out = P(name = k | evidence), of rows that say nothing of that variable."""
    schema, target = exact.schema, exact.schema.rows[name]
    is_missing = evidence.codes == missing_code(evidence.codes.dtype)
    is_missing[target] = False
    incomplete = is_missing.any(axis=0)
    if incomplete.any():
        with numbered(np.flatnonzero(incomplete)):
            out[incomplete] = exact.posterior(held_evidence(taken_evidence(evidence, incomplete), schema), name)
    if not incomplete.all():
        codes = taken_evidence(evidence, ~incomplete).codes.astype(schema.code_dtype, copy=False)
        codes[target] = 0
        rows = PartialRows(Values(codes, _no_reals(codes.shape[1])), schema, {target: None})
        out[~incomplete] = inference.posterior(rows, name, "nan")


def _no_reals(n: int) -> npt.NDArray[np.float32]:
    return np.empty((0, n), np.float32)


def marginals(exact: Exact, block: EvidenceBlock, impossible: Impossible) -> dict[str, npt.NDArray[np.float64]]:
    """P(x_v = k | e) of every variable, (n, k); certain where observed."""
    log_p, cells = exact.marginals(block)
    if impossible == "error":
        refuse_impossible(exact.log_evidence, block, log_p == -np.inf, "marginals")
    first = exact.first_cell
    return {name: cells[first[v] : first[v + 1]].T for v, name in enumerate(exact.schema.names)}
