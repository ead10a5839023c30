"""Evidence of probability 0: the one error for it, and which observed values cannot be together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..data.evidence_rows import Evidence, EvidenceBlock, missing_code
from ..data.schema import Schema
from ..errors import ImpossibleEvidenceError
from .exact import Exact

Array = npt.NDArray[Any]
Impossible = Literal["error", "nan"]

MOST_NAMED = 6  # variables of a conflict; a larger one is not named


def check_impossible_option(impossible: str) -> None:
    """ValueError for what is no rule."""
    if impossible not in ("error", "nan"):
        raise ValueError(f'impossible is "error" or "nan", got {impossible!r}')


def refuse_impossible(exact: Exact, block: EvidenceBlock, log_p: Array, what: str) -> None:
    """ImpossibleEvidenceError for the first row whose evidence has probability 0, naming what cannot be together."""
    impossible = log_p == -np.inf
    if not impossible.any():
        return
    row = int(np.argmax(impossible))
    evidence = block.read(row, row + 1)
    values = described(evidence, block.schema, conflict(exact, evidence, block.schema))
    why = f": {values} cannot be" if values else ", whatever the state"
    raise ImpossibleEvidenceError(
        f'row {row} has no {what}: the network calls what it holds impossible{why}; impossible="nan" gives NaN there'
    )


def conflict(exact: Exact, evidence: Evidence, schema: Schema) -> list[int]:
    """A smallest set of observed variables of one impossible row whose evidence has probability 0 by itself.

    The shortest impossible beginning of the observed variables ends with one that no such set within it can do without;
    that one is moved to the front, and so on until the front alone is impossible (Bradley and Manna 2008): a
    call with a row for every observed variable for each that is found. Empty where more than six are needed.
    """
    observed = observed_variables(evidence, schema)
    found: list[int] = []
    for _ in range(MOST_NAMED + 1):
        known = _beginnings(found, observed, len(evidence.codes))
        impossible = exact.log_evidence(EvidenceBlock(restricted(evidence, schema, known), schema)) == -np.inf
        shortest = int(np.argmax(impossible))
        if shortest == 0:
            return sorted(found) if impossible[0] else []
        found.append(observed[shortest - 1])
        observed = observed[: shortest - 1]
    return []


def _beginnings(found: Sequence[int], observed: Sequence[int], n_vars: int) -> Array:
    """Which variables are known (n_vars, n): those found, and the first 0, 1, ... of the others."""
    known = np.zeros((n_vars, len(observed) + 1), np.bool_)
    known[list(found)] = True
    for k, v in enumerate(observed):
        known[v, k + 1 :] = True
    return known


def observed_variables(evidence: Evidence, schema: Schema) -> list[int]:
    """Those of which something is known in a row, in the order of declaration."""
    missing = missing_code(evidence.codes.dtype)
    return sorted({*evidence.soft, *np.flatnonzero(evidence.codes[:, 0] != missing).tolist()})


def restricted(evidence: Evidence, schema: Schema, known: Array) -> Evidence:
    """Copies of one row, in each of which only the ``known`` (n_vars, n) variables are."""
    codes = np.where(known, evidence.codes, missing_code(evidence.codes.dtype)).astype(evidence.codes.dtype)
    sizes = [len(schema.states[schema.code_names[v]]) for v in evidence.soft]
    likelihoods = np.where(np.repeat(known[list(evidence.soft)], sizes, axis=0), evidence.likelihoods, 1.0)
    return Evidence(codes, evidence.soft, likelihoods)


def described(evidence: Evidence, schema: Schema, variables: Sequence[int]) -> str:
    """The evidence of some variables of one row as text."""
    names = schema.code_names
    return " and ".join(
        f"the likelihood of {names[v]!r}"
        if v in evidence.soft
        else f"{names[v]}={schema.states[names[v]][int(evidence.codes[v, 0])]}"
        for v in variables
    )
