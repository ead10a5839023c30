"""Rows filled in: what is missing gets its most probable state, the jointly most probable states, or a draw of them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..data.evidence_block import EvidenceBlock, evidence_type, held_evidence, missing_code
from ..engines.junction.row_errors import numbered
from ..runtime.memory import check_memory
from ..runtime.pieces import split
from .exact import Exact
from .impossible import Impossible, refuse_impossible

Array = npt.NDArray[Any]
How = Literal["mpe", "mode", "sample"]

CELLS_AT_ONCE = 1 << 22  # probabilities that are held while modes are found


def completed(
    exact: Exact, block: EvidenceBlock, how: How, key: int, start: int, n_per_row: int, impossible: Impossible
) -> Array:
    """Codes (n_vars, n * n_per_row) of rows of evidence, all of them filled in; observed ones stay.

    Impossible rows raise ImpossibleEvidenceError, or keep what is missing.
    """
    if how == "mpe":
        log_p, codes = exact.most_probable(block)
        is_impossible = log_p == -np.inf
    elif how == "mode":
        is_impossible, codes = _modes(exact, block)
    else:
        codes = exact.draws(block, key, start, n_per_row)
        is_impossible = without_draws(exact, block, codes[:, ::n_per_row])
    if not is_impossible.any():
        return codes
    if impossible == "error":
        refuse_impossible(exact.log_evidence, block, is_impossible, "imputation")
    return _with_missing(block, codes, is_impossible, n_per_row)


def _modes(exact: Exact, block: EvidenceBlock) -> tuple[npt.NDArray[np.bool_], Array]:
    """Which rows are impossible (n,), and the most probable state of every variable (n_vars, n)."""
    schema, first = exact.schema, exact.first_cell
    n_vars = len(first) - 1
    check_memory(block.n * n_vars * schema.code_dtype.itemsize, f"{block.n} rows x {n_vars} variables")
    is_impossible, codes = np.empty(block.n, np.bool_), np.empty((n_vars, block.n), schema.code_dtype)
    for begin, end in split(block.n, max(256, CELLS_AT_ONCE // first[-1])):
        with numbered(range(begin, end)):
            log_p, cells = exact.marginals(held_evidence(block.read(begin, end), schema))
        is_impossible[begin:end] = log_p == -np.inf
        for v in range(n_vars):
            codes[v, begin:end] = np.argmax(cells[first[v] : first[v + 1]], axis=0)
    return is_impossible, codes


def without_draws(exact: Exact, block: EvidenceBlock, codes: Array) -> npt.NDArray[np.bool_]:
    """Which rows are impossible (n,), by the first draw of each: nothing was drawn there."""
    if (codes == missing_code(codes.dtype)).all(axis=0).any():  # or the last of 256 states, everywhere
        return exact.log_evidence(block) == -np.inf
    return np.zeros(block.n, np.bool_)


def _with_missing(block: EvidenceBlock, codes: Array, is_impossible: Array, n_per_row: int) -> Array:
    """The codes, in a type that has a missing code, with impossible rows as they came."""
    codes = codes.astype(evidence_type(block.schema), copy=False)
    for row in np.flatnonzero(is_impossible):
        codes[:, row * n_per_row : (row + 1) * n_per_row] = block.read(int(row), int(row) + 1).codes
    return codes
