"""The joint distribution of several discrete variables given one row: its configurations as rows of evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.evidence_rows import Evidence, EvidenceBlock
from ..data.schema import Schema
from ..errors import ImpossibleEvidenceError
from ..runtime.memory import check_memory
from ..runtime.pieces import split
from ..runtime.text import preview
from .exact import Exact
from .impossible import refuse_impossible

Array = npt.NDArray[Any]
Fill = Callable[[Array], npt.NDArray[np.float64]]

MAX_CELLS = 1 << 24  # of a table
ROWS_AT_ONCE = 1 << 16


def joint_table(exact: Exact, block: EvidenceBlock, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """P(names | the one row of the block), an axis for each name: log p of the row and every configuration, normalised.

    Raises ValueError for a table of more than 2**24 cells, before it is made; ImpossibleEvidenceError.
    """
    schema = exact.schema
    check_table(names, schema)
    refuse_impossible(exact, block, exact.log_evidence(block), f"posterior of {preview(names)}")
    row = block.read(0, 1)

    def log_p(configurations: Array) -> npt.NDArray[np.float64]:
        n = configurations.shape[1]
        codes = np.repeat(row.codes, n, axis=1)
        codes[[schema.rows[name] for name in names]] = configurations
        return exact.log_evidence(
            EvidenceBlock(Evidence(codes, row.soft, np.repeat(row.likelihoods, n, axis=1)), schema)
        )

    return normalised(log_table([len(schema.states[name]) for name in names], log_p), names)


def check_table(names: Sequence[str], schema: Schema) -> None:
    """ValueError where the joint states of some variables are too many."""
    cells = prod(len(schema.states[name]) for name in names)
    if cells > MAX_CELLS:
        raise ValueError(
            f"the joint distribution of {preview(names)} has {cells:,} configurations, at most 2**24 = {MAX_CELLS:,} "
            "are tabulated: ask for fewer variables, or draw rows by sample(given=)"
        )
    check_memory(16 * cells, f"the joint distribution of {preview(names)}, {cells:,} configurations,")


def log_table(sizes: Sequence[int], log_p: Fill) -> npt.NDArray[np.float64]:
    """A table with axes of these sizes: log_p of all configurations, as columns of codes, some at a time."""
    table = np.empty(sizes)
    cells = table.reshape(-1)
    for begin, end in split(len(cells), ROWS_AT_ONCE):
        cells[begin:end] = log_p(np.array(np.unravel_index(np.arange(begin, end), sizes)))
    return table


def normalised(log_joint: npt.NDArray[np.float64], names: Sequence[str]) -> npt.NDArray[np.float64]:
    """e^log_joint, scaled to sum to one."""
    largest = log_joint.max()
    if largest == -np.inf:
        raise ImpossibleEvidenceError(
            f"there is no posterior of {preview(names)}: the network calls what is given impossible"
        )
    shares: npt.NDArray[np.float64] = np.exp(log_joint - largest)
    return shares / shares.sum()
