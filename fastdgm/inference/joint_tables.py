"""The joint distribution of several discrete variables given one row: its configurations as rows of evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.evidence import Known, known_values
from ..data.evidence_block import Evidence, held_evidence
from ..data.evidence_rows import given_evidence
from ..data.given_values import given_values
from ..data.partial import PartialRows
from ..data.schema import Schema, Values
from ..data.variables import Discrete
from ..errors import ImpossibleEvidenceError
from ..runtime.memory import check_memory
from ..runtime.pieces import split
from ..runtime.text import preview
from .exact import Exact
from .impossible import reason
from .known_row import one_row
from .latent import Inference

Array = npt.NDArray[Any]
Fill = Callable[[Array], npt.NDArray[np.float64]]

MAX_CELLS = 1 << 24  # of a table
ROWS_AT_ONCE = 1 << 16


def joint_table(exact: Exact, names: Sequence[str], known: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """P(names | known), an axis for each name, in a network of discrete variables.

    Raises ValueError for a table of more than 2**24 cells, before it is made; ImpossibleEvidenceError.
    """
    schema = exact.schema
    check_table(names, schema)
    block = given_evidence(known, schema)
    if block.n != 1:
        raise _several_rows(block.n)
    row = block.read(0, 1)
    rows = [schema.rows[name] for name in names]

    def log_p(configurations: Array) -> npt.NDArray[np.float64]:
        n = configurations.shape[1]
        codes = np.repeat(row.codes, n, axis=1)
        codes[rows] = configurations
        evidence = Evidence(codes, row.soft, np.repeat(row.likelihoods, n, axis=1))
        return exact.log_evidence(held_evidence(evidence, schema))

    table = log_table([len(schema.states[name]) for name in names], log_p)
    if table.max() == -np.inf:
        why = reason(exact.log_evidence, block, 0)
        raise ImpossibleEvidenceError(
            f"there is no posterior of {preview(names)}: the network calls what is given impossible{why}"
        )
    return normalised(table)


def joint_table_beside_reals(
    inference: Inference, names: Sequence[str], known: Mapping[str, Any]
) -> npt.NDArray[np.float64]:
    """The same in any network: variables with a likelihood are further axes, over which the table is summed."""
    schema = inference.network.schema
    row, likelihoods = row_and_likelihoods(known, schema)
    axes = [*names, *likelihoods]
    check_table(axes, schema)
    rows = [schema.rows[name] for name in axes]
    missing = {own: where for own, where in row.missing.items() if own not in rows}

    def log_p(configurations: Array) -> npt.NDArray[np.float64]:
        n = configurations.shape[1]
        values = Values(*(np.repeat(block, n, axis=1) for block in row.values))
        values.codes[rows] = configurations
        return inference.log_prob(PartialRows(values, schema, missing))

    table = log_table([len(schema.states[name]) for name in axes], log_p)
    for i, own in enumerate(likelihoods.values(), start=len(names)):
        with np.errstate(divide="ignore"):
            table = table + np.log(own).reshape(-1, *[1] * (len(axes) - i - 1))
    if table.max() == -np.inf:
        raise ImpossibleEvidenceError(
            f"there is no posterior of {preview(names)}: the network calls what is given impossible, or so far out "
            "that its log-probability leaves the range of float64"
        )
    return normalised(table).sum(axis=tuple(range(len(names), len(axes))))


def row_and_likelihoods(known: Mapping[str, Any], schema: Schema) -> tuple[PartialRows, dict[str, Array]]:
    """Known values as one row, and the likelihoods (k,) of discrete variables that have one."""
    single = {name: own for name, own in schema.variables.items() if isinstance(own, Discrete) and not own.event_shape}
    found = given_values({name: own for name, own in known.items() if name in single}, Schema(single), "given")
    if found.columns:
        raise _several_rows(len(next(iter(found.columns.values()))))
    others = known_values({name: own for name, own in known.items() if name not in single}, schema)
    names, likelihoods = list(single), {}
    codes = {names[v]: code for v, code in found.codes.items()}
    for v, own in found.likelihoods.items():
        out = np.empty((len(schema.states[names[v]]), 1))
        own.read(0, 1, out)
        likelihoods[names[v]] = out[:, 0]
    return one_row(Known(codes, others.reals, others.names.union(codes), others.cells), schema), likelihoods


def _several_rows(n: int) -> ValueError:
    return ValueError(
        f"a posterior is that of one row, given= has values of {n} rows: predict_proba(data, name) and marginals(data) "
        "answer many rows at once"
    )


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


def normalised(log_joint: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """e^log_joint, some of which is not 0, scaled to sum to one."""
    shares: npt.NDArray[np.float64] = np.exp(log_joint - log_joint.max())
    return shares / shares.sum()
