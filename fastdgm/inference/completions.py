"""Rows filled in: what is missing gets its most probable state, the jointly most probable states, or a draw of them."""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..data.evidence_block import EvidenceBlock, evidence_type, held_evidence, missing_code
from ..data.mixed import values_block
from ..data.partial import PartialRows, Pattern
from ..data.schema import Values
from ..errors import ImpossibleEvidenceError
from ..runtime.memory import check_memory
from ..runtime.pieces import split
from ..runtime.text import preview
from .exact import Exact
from .impossible import Impossible, refuse_impossible
from .latent import Inference, taken
from .predictions import marginals_of_rows

Array = npt.NDArray[Any]
How = Literal["mpe", "mode", "sample"]

CELLS_AT_ONCE = 1 << 22  # probabilities that are held while modes are found
MAX_CONFIGURATIONS = 1 << 12  # of what is missing in one row beside real variables


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
        is_impossible = _without_draws(exact, block, codes[:, ::n_per_row])
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
        log_p, cells = exact.marginals(held_evidence(block.read(begin, end), schema))
        is_impossible[begin:end] = log_p == -np.inf
        for v in range(n_vars):
            codes[v, begin:end] = np.argmax(cells[first[v] : first[v + 1]], axis=0)
    return is_impossible, codes


def _without_draws(exact: Exact, block: EvidenceBlock, codes: Array) -> npt.NDArray[np.bool_]:
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


def completed_beside_reals(inference: Inference, rows: PartialRows, how: How, impossible: Impossible) -> Values:
    """The same in any network: discrete variables are filled in where all that is real has values, and none by draws.

    Raises ValueError for other missing values, naming the variables.
    """
    _refuse_other_missing(rows)
    if how == "sample":
        raise ValueError(
            'impute(how="sample") draws in networks of discrete variables only: beside real ones use "mpe" or "mode", '
            "or predict_proba"
        )
    codes = rows.values.codes.copy()
    is_impossible = _fill_jointly(inference, rows, codes) if how == "mpe" else _fill_modes(inference, rows, codes)
    if is_impossible.any() and impossible == "error":
        raise ImpossibleEvidenceError(
            f"row {int(np.argmax(is_impossible))} has no imputation: the network calls what it holds impossible"
        )
    if is_impossible.any():
        codes = codes.astype(evidence_type(rows.schema), copy=False)
        for row, missing in rows.missing.items():
            codes[row, is_impossible if missing is None else is_impossible & missing] = missing_code(codes.dtype)
    return Values(codes, rows.values.reals.copy())


def _refuse_other_missing(rows: PartialRows) -> None:
    schema = rows.schema
    n_codes = schema.n_codes
    owners = {schema.rows[name] + i + n_codes: name for name, size in schema.sizes.items() for i in range(size)}
    owners |= {row: name for row, name in enumerate(schema.code_owners) if schema.variables[name].event_shape}
    names = list(dict.fromkeys(owners[row] for row in rows.missing if row in owners))
    if names:
        raise ValueError(
            f"impute fills in discrete variables, and {preview(names)}, real ones or vectors, have missing values: "
            "posterior(names, given=) is the distribution of real ones in one row"
        )


def _fill_modes(inference: Inference, rows: PartialRows, codes: Array) -> npt.NDArray[np.bool_]:
    """Fill in most probable states; returns which rows are impossible."""
    is_impossible = np.zeros(rows.n, np.bool_)
    for name, own in marginals_of_rows(inference, rows, "nan").items():
        is_impossible |= np.isnan(own[:, 0])
        codes[rows.schema.rows[name]] = np.argmax(own, axis=1)
    return is_impossible


def _fill_jointly(inference: Inference, rows: PartialRows, codes: Array) -> npt.NDArray[np.bool_]:
    """Fill in the most probable configuration of what is missing; returns which rows are impossible."""
    is_impossible = np.zeros(rows.n, np.bool_)
    for pattern, own in rows.patterns():
        place = np.arange(rows.n) if own is None else own
        is_impossible[place] = _fill_pattern(inference, rows, pattern, place, codes)
    return is_impossible


def _fill_pattern(
    inference: Inference, rows: PartialRows, pattern: Pattern, place: Array, codes: Array
) -> npt.NDArray[np.bool_]:
    schema = rows.schema
    hidden = [schema.rows[name] for name in sorted(pattern.discrete)]
    sizes = [len(schema.states[name]) for name in sorted(pattern.discrete)]
    if prod(sizes) > MAX_CONFIGURATIONS:
        raise ValueError(
            f'impute(how="mpe") beside real variables tries all configurations of what is missing: {prod(sizes):,} of '
            f'{preview(sorted(pattern.discrete))}, at most {MAX_CONFIGURATIONS}; how="mode" does without'
        )
    values = taken(rows.values, place)
    best = np.full(len(place), -np.inf)
    for configuration in np.ndindex(*sizes):
        for row, code in zip(hidden, configuration, strict=True):
            values.codes[row] = code
        log_p = inference.program.log_prob(values_block(values, schema))
        better = log_p > best
        best[better] = log_p[better]
        for row, code in zip(hidden, configuration, strict=True):
            codes[row, place[better]] = code
    return best == -np.inf
