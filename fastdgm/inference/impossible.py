"""Evidence of probability 0: the one error for it, and which observed values cannot be together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..data.evidence_block import Evidence, EvidenceBlock, held_evidence, missing_code
from ..data.schema import Schema
from ..errors import ImpossibleEvidenceError
from ..runtime.text import printable

Array = npt.NDArray[Any]
Impossible = Literal["error", "nan"]
LogEvidence = Callable[[EvidenceBlock], npt.NDArray[np.float64]]

MOST_NAMED = 6  # variables of a conflict; a larger one is not named


def check_impossible_option(impossible: str) -> None:
    """ValueError for what is no rule."""
    if impossible not in ("error", "nan"):
        raise ValueError(f'impossible is "error" or "nan", got {impossible!r}')


def difference(total: npt.NDArray[np.float64], given: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """total - given, NaN where ``given`` is -inf."""
    found: npt.NDArray[np.float64] = total - np.where(given == -np.inf, np.nan, given)
    return found


def refuse_impossible(log_evidence: LogEvidence, block: EvidenceBlock, is_impossible: Array, what: str) -> None:
    """ImpossibleEvidenceError for the first row of the block that is impossible, naming what cannot be together."""
    if not is_impossible.any():
        return
    row = int(np.argmax(is_impossible))
    raise impossible_row(row, what, reason(log_evidence, block, row))


def impossible_row(row: int, what: str, why: str) -> ImpossibleEvidenceError:
    """The error for it; ``why`` is its end."""
    return ImpossibleEvidenceError(f"row {row} has no {what}: the network calls what it holds impossible{why}")


def reason(log_evidence: LogEvidence, block: EvidenceBlock, row: int) -> str:
    """The end of an error message about an impossible row: the values that cannot be together, if they are few."""
    evidence = block.read(row, row + 1)
    values = described(evidence, block.schema, conflict(log_evidence, evidence, block.schema))
    return f": {values} has probability 0" if values else ""


def conflict(log_evidence: LogEvidence, evidence: Evidence, schema: Schema) -> list[int]:
    """Observed variables of one impossible row whose evidence has probability 0, and none of which can be left out.

    The shortest impossible beginning of the observed variables ends with one that it cannot do without. That one is
    kept and put first, what came after it is dropped, and so on until those kept are impossible by themselves: a call
    for each of them, with a row for every observed variable. Empty where more than six are needed.
    """
    observed = observed_variables(evidence)
    found: list[int] = []
    for _ in range(MOST_NAMED + 1):
        rows = restricted(evidence, schema, _beginnings(found, observed, len(evidence.codes)))
        is_impossible = log_evidence(held_evidence(rows, schema)) == -np.inf
        shortest = int(np.argmax(is_impossible))
        if shortest == 0:
            return sorted(found) if is_impossible[0] else []
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


def observed_variables(evidence: Evidence) -> list[int]:
    """Those of which something is known in a row, in the order of declaration."""
    missing = missing_code(evidence.codes.dtype)
    return sorted({*evidence.soft, *np.flatnonzero(evidence.codes[:, 0] != missing).tolist()})


def restricted(evidence: Evidence, schema: Schema, known: Array) -> Evidence:
    """Copies of one row, in each of which only the ``known`` (n_vars, n) variables are."""
    dtype = evidence.codes.dtype
    codes = np.where(known, evidence.codes, np.array(missing_code(dtype), dtype))
    sizes = [len(schema.states[schema.names[v]]) for v in evidence.soft]
    likelihoods = np.where(np.repeat(known[list(evidence.soft)], sizes, axis=0), evidence.likelihoods, 1.0)
    return Evidence(codes, evidence.soft, likelihoods)


def described(evidence: Evidence, schema: Schema, variables: Sequence[int]) -> str:
    """The evidence of some variables of one row as text."""
    return " and ".join(_described(evidence, schema, v) for v in variables)


def _described(evidence: Evidence, schema: Schema, v: int) -> str:
    name = schema.names[v]
    if v in evidence.soft:
        return f"the likelihood of {printable(name)}"
    return f"{printable(name)}={printable(schema.states[name][int(evidence.codes[v, 0])])}"
