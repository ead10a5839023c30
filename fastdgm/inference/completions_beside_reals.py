"""Rows of any variables, in which discrete values are missing, filled in: by all configurations of what is missing."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.evidence_block import evidence_type, missing_code
from ..data.mixed import values_block
from ..data.partial import PartialRows, Pattern
from ..data.schema import Values
from ..engines.keys import given_key
from ..errors import ImpossibleEvidenceError
from ..runtime.memory import check_memory
from ..runtime.pieces import split
from ..runtime.text import preview
from .completions import How
from .impossible import Impossible
from .joint import MOST_COMPLETIONS
from .latent import Inference, taken
from .predictions import marginals_of_rows
from .weighted import uniform_numbers

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]

CELLS_AT_ONCE = 1 << 20  # configurations of rows


class DrawnRows(NamedTuple):
    """Which global rows are drawn."""

    key: int
    start: int
    n_per_row: int  # 1 where nothing is drawn


def completed_beside_reals(
    inference: Inference, rows: PartialRows, how: How, drawn: DrawnRows, impossible: Impossible
) -> Values:
    """Rows (n * n_per_row) whose discrete variables all have values; real ones had them.

    Raises ValueError for other missing values, naming the variables; ImpossibleEvidenceError, or keeps what is missing.
    """
    _refuse_other_missing(rows)
    n_per_row = drawn.n_per_row
    n_bytes = sum(block.nbytes for block in rows.values)
    check_memory(n_bytes * n_per_row, f"{rows.n * n_per_row} rows x {len(rows.schema.names)} variables")
    codes = np.repeat(rows.values.codes, n_per_row, axis=1)
    is_impossible = np.zeros(rows.n, np.bool_)
    if how == "mode":
        _fill_modes(inference, rows, codes, is_impossible)
    else:
        uniforms = _uniforms(drawn, rows.n) if how == "sample" else None
        for pattern, own in rows.patterns():
            place = np.arange(rows.n) if own is None else own
            _fill_pattern(inference, rows, pattern, place, uniforms, codes, is_impossible)
    if is_impossible.any() and impossible == "error":
        raise ImpossibleEvidenceError(
            f"row {int(np.argmax(is_impossible))} has no imputation: the network calls what it holds impossible, or so "
            "far out that the log-probability leaves the range of float64"
        )
    return Values(_with_missing(rows, codes, is_impossible), np.repeat(rows.values.reals, n_per_row, axis=1))


def _refuse_other_missing(rows: PartialRows) -> None:
    schema = rows.schema
    owners = {
        schema.n_codes + schema.rows[name] + i: name for name, size in schema.sizes.items() for i in range(size)
    } | {row: name for row, name in enumerate(schema.code_owners) if schema.variables[name].event_shape}
    names = list(dict.fromkeys(owners[row] for row in rows.missing if row in owners))
    if names:
        raise ValueError(
            f"impute fills in discrete variables, and {preview(names)}, real ones or vectors, have missing values: "
            "posterior(names, given=) is the distribution of real ones in one row"
        )


def _uniforms(drawn: DrawnRows, n: int) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for every draw (n, n_per_row)."""
    return uniform_numbers(n * drawn.n_per_row, given_key(drawn.key), drawn.start).reshape(n, drawn.n_per_row)


def _fill_modes(inference: Inference, rows: PartialRows, codes: Array, is_impossible: Flags) -> None:
    """Fill in the most probable state of each missing value."""
    for name, own in marginals_of_rows(inference, rows, "nan").items():
        is_impossible |= np.isnan(own[:, 0])
        row = rows.schema.rows[name]
        if row in rows.missing:
            missing = rows.missing[row]
            codes[row] = (
                np.argmax(own, axis=1) if missing is None else np.where(missing, np.argmax(own, axis=1), codes[row])
            )


def _fill_pattern(
    inference: Inference,
    rows: PartialRows,
    pattern: Pattern,
    place: Array,
    uniforms: npt.NDArray[np.float64] | None,
    codes: Array,
    is_impossible: Flags,
) -> None:
    """Fill in configurations of what one pattern misses, in the rows ``place``: the most probable, or drawn ones."""
    names = sorted(pattern.discrete)
    hidden = [rows.schema.rows[name] for name in names]
    sizes = [len(rows.schema.states[name]) for name in names]
    if prod(sizes) > MOST_COMPLETIONS:
        raise ValueError(
            f"impute beside real variables tries all configurations of what is missing: {prod(sizes):,} of "
            f'{preview(names)}, at most {MOST_COMPLETIONS}; how="mode" does without'
        )
    configurations = np.indices(sizes).reshape(len(sizes), prod(sizes))
    n_per_row = 1 if uniforms is None else uniforms.shape[1]
    for begin, end in split(len(place), max(1, CELLS_AT_ONCE // prod(sizes))):
        own = place[begin:end]
        log_p = _log_joint(inference, taken(rows.values, own), rows, hidden, configurations)
        is_impossible[own] = log_p.max(axis=0) == -np.inf
        for j in range(n_per_row):
            picked = log_p.argmax(axis=0) if uniforms is None else _drawn(log_p, uniforms[own, j])
            codes[np.ix_(np.array(hidden, np.intp), own * n_per_row + j)] = configurations[:, picked]


def _log_joint(
    inference: Inference, values: Values, rows: PartialRows, hidden: list[int], configurations: Array
) -> npt.NDArray[np.float64]:
    """log p of some rows with each configuration (n_configurations, n)."""
    log_p = np.empty((configurations.shape[1], values.codes.shape[1]))
    for own, configuration in zip(log_p, configurations.T, strict=True):
        for row, code in zip(hidden, configuration, strict=True):
            values.codes[row] = code
        own[:] = inference.program.log_prob(values_block(values, rows.schema))
    return log_p


def _drawn(log_p: npt.NDArray[np.float64], uniforms: npt.NDArray[np.float64]) -> Array:
    """Configurations (n,) with probabilities in proportion to e^log_p (n_configurations, n), by inverse CDF."""
    with np.errstate(invalid="ignore"):
        sums = np.exp(log_p - log_p.max(axis=0)).cumsum(axis=0)
    below = np.minimum(uniforms * sums[-1], np.nextafter(sums[-1], 0.0))
    picked: Array = np.argmax(sums > below, axis=0)
    return picked


def _with_missing(rows: PartialRows, codes: Array, is_impossible: Flags) -> Array:
    """The codes, in a type that has a missing code where that is needed in impossible rows."""
    if not is_impossible.any():
        return codes
    n_per_row = codes.shape[1] // rows.n
    codes = codes.astype(evidence_type(rows.schema), copy=False)
    for row, missing in rows.missing.items():
        where = is_impossible if missing is None else is_impossible & missing
        codes[row, np.repeat(where, n_per_row)] = missing_code(codes.dtype)
    return codes
