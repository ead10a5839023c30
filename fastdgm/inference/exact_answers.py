"""Rows of discrete variables -> what the exact engine says of them, whatever is missing in each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.boundary import as_network_block, read_once
from ..data.evidence_block import Evidence, EvidenceBlock, evidence_type, held_evidence, missing_code
from ..data.evidence_rows import as_evidence
from ..data.partial import PartialRows, Pattern, as_partial_rows, without
from ..errors import MissingValuesError, UnknownNameError
from .exact import Exact
from .impossible import Impossible, difference, refuse_impossible
from .latent import Inference, empty_posterior

Array = npt.NDArray[Any]


def log_evidence(exact: Exact, data: Any) -> npt.NDArray[np.float64]:
    """log p of what is observed in every row (n,): complete data are read where they are."""
    schema = exact.schema
    data = read_once(data, schema.names)
    try:
        return exact.program.log_prob(as_network_block(data, schema))
    except (MissingValuesError, UnknownNameError):
        return exact.log_evidence(as_evidence(data, schema))


def log_evidence_given(
    exact: Exact, data: Any, names: Collection[str], impossible: Impossible
) -> npt.NDArray[np.float64]:
    """log p(what is observed) - log p(what is observed of some variables), NaN where the latter is impossible."""
    data = read_once(data, exact.schema.names)
    total = log_evidence(exact, data)
    known = as_evidence(data, exact.schema).only(names)
    refuse = _refusal(exact, known, "log_prob given these names")
    return difference(total, exact.log_evidence(known), impossible, refuse)


def _refusal(exact: Exact, block: EvidenceBlock, what: str) -> Callable[[Array], None]:
    return lambda is_impossible: refuse_impossible(exact.log_evidence, block, is_impossible, what)


def posterior(
    exact: Exact, inference: Inference, data: Any, name: str, impossible: Impossible
) -> npt.NDArray[np.float64]:
    """P(name = k | the row's other values) (n, k): a row in which these are all there is answered by its loops alone,
    so that it has the same bits beside any other rows."""
    rows = without(as_partial_rows(read_once(data, exact.schema.names), exact.schema), name)
    out = empty_posterior(rows, name)
    incomplete = _incomplete(rows, exact.schema.rows[name])
    if not incomplete.all():
        own = np.flatnonzero(~incomplete) if incomplete.any() else None
        inference.fill_posterior(rows, Pattern(frozenset([name]), frozenset()), own, name, out, "nan")
    if incomplete.any():
        own = np.flatnonzero(incomplete)
        out[own] = exact.posterior(held_evidence(_evidence(rows, own), exact.schema), name)
    if impossible == "error":
        block = held_evidence(_evidence(rows, np.arange(rows.n)), exact.schema)
        _refusal(exact, block, f"posterior of {name!r}")(np.isnan(out[:, 0]))
    return out


def _incomplete(rows: PartialRows, target: int) -> npt.NDArray[np.bool_]:
    """Whether anything but the target is missing in each row (n,)."""
    found = np.zeros(rows.n, np.bool_)
    for row, missing in rows.missing.items():
        if row != target:
            found |= True if missing is None else missing
    return found


def _evidence(rows: PartialRows, own: Array) -> Evidence:
    """Some rows as evidence."""
    codes = rows.values.codes[:, own].astype(evidence_type(rows.schema))
    for row, missing in rows.missing.items():
        codes[row, slice(None) if missing is None else missing[own]] = missing_code(codes.dtype)
    return Evidence(codes, (), np.empty((0, len(own))))


def marginals(exact: Exact, block: EvidenceBlock, impossible: Impossible) -> dict[str, npt.NDArray[np.float64]]:
    """P(x_v = k | e) of every variable, (n, k); certain where observed."""
    log_p, cells = exact.marginals(block)
    if impossible == "error":
        _refusal(exact, block, "marginals")(log_p == -np.inf)
    first = exact.first_cell
    return {name: cells[first[v] : first[v + 1]].T for v, name in enumerate(exact.schema.names)}
