"""What is known and what is set by an intervention: of a variable in both they say the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.evidence import Known
from ..data.evidence_block import Evidence, EvidenceBlock, likelihoods_of, missing_code
from ..data.schema import Schema
from ..runtime.pieces import split

ROWS_AT_ONCE = 1 << 16


def check_agreement(block: EvidenceBlock, done: Known) -> None:
    """ValueError for the first row that says something else of a variable than what it is set to."""
    for begin, end in split(block.n, ROWS_AT_ONCE):
        evidence = block.read(begin, end)
        for name, code in done.codes.items():
            others = _says_otherwise(evidence, block.schema, name, code)
            if others.any():
                raise _disagree(name, f" in row {begin + int(np.argmax(others))}" if block.n > 1 else "")


def check_known_agreement(known: Known, done: Known, schema: Schema) -> None:
    """The same for values of networks of any variables."""
    for name in known.names & done.names:
        row = schema.rows[name]
        of_known = known.reals.get(row) if name in schema.sizes else known.codes.get(name)
        of_done = done.reals.get(row) if name in schema.sizes else done.codes.get(name)
        if of_known != of_done:
            raise _disagree(name, "")


def _says_otherwise(evidence: Evidence, schema: Schema, name: str, code: int) -> npt.NDArray[np.bool_]:
    """In which rows some other state is likely, or that one is not possible."""
    v = schema.rows[name]
    if v not in evidence.soft:
        own: npt.NDArray[Any] = evidence.codes[v]
        return (own != code) & (own != missing_code(own.dtype))
    likely = likelihoods_of(evidence, [len(states) for states in schema.states.values()])[v] > 0
    return (likely.sum(axis=0) != 1) | ~likely[code]


def _disagree(name: str, where: str) -> ValueError:
    return ValueError(
        f"given and do must agree: do= sets {name!r}, given= says something else of it{where}; leave it out of one"
    )
