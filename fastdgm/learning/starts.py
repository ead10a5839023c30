"""Where EM begins: a state for every hidden variable in every row, by clusters of what is observed below it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.partial import PartialRows
from ..data.schema import Schema
from .kmeans import cluster_centres, nearest_centres

Array = npt.NDArray[Any]

MOST_POINTS = 20_000  # that centres are found from
MOST_COLUMNS = 1 << 10  # of what is observed below one variable


def start_codes(
    rows: PartialRows,
    parents: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
    hidden: Collection[str] | None = None,
) -> Array:
    """The codes (n_codes, n) with a state where there was none, of some variables or all.

    States of a variable are clusters, by k-means++, of its children where they are observed, of its further
    descendants where no child is, and drawn at random where none of them is. Where some rows say the state, clusters
    begin with the means of these rows, so that they keep their names.
    """
    codes = np.array(rows.values.codes)
    for row, (name, states) in enumerate(rows.schema.states.items()):
        if row not in rows.missing or (hidden is not None and name not in hidden):
            continue
        found = rows.missing[row]
        missing = np.ones(rows.n, bool) if found is None else found
        points = _points(_below(name, rows, parents), rows)
        if points is None:
            codes[row, missing] = rng.integers(len(states), size=int(missing.sum()))
        else:
            centres = _centres(points, codes[row], ~missing, len(states), rng)
            codes[row, missing] = nearest_centres(points[missing], centres)
    return codes


def _centres(points: Array, codes: Array, known: Array, n_states: int, rng: np.random.Generator) -> Array:
    """One for each state: the mean of the rows that are known to have it, else a cluster."""
    some = points if len(points) <= MOST_POINTS else points[rng.choice(len(points), MOST_POINTS, replace=False)]
    centres = cluster_centres(some, n_states, rng)
    for k in np.unique(codes[known]):
        centres[k] = points[known & (codes == k)].mean(axis=0)
    return centres


def _below(name: str, rows: PartialRows, parents: Mapping[str, Sequence[str]]) -> list[str]:
    """The observed children of a variable; its observed descendants where it has none."""
    children: dict[str, list[str]] = {own: [] for own in parents}
    for child, own in parents.items():
        for parent in own:
            children[parent].append(child)
    level, seen = children[name], {name, *children[name]}
    while level:
        observed = [child for child in level if _is_observed(child, rows)]
        if observed:
            return observed
        further = dict.fromkeys(child for own in level for child in children[own] if child not in seen)  # each once
        seen.update(further)
        level = list(further)
    return []


def _is_observed(name: str, rows: PartialRows) -> bool:
    """Whether any row says something of a variable."""
    return any(rows.missing.get(cell, rows.values.codes) is not None for cell in _cells(name, rows.schema))


def _cells(name: str, schema: Schema) -> range:
    """The rows of the blocks, codes before reals, that are a variable's."""
    first = schema.rows[name]
    if name in schema.states:
        return range(first, first + 1)
    return range(schema.n_codes + first, schema.n_codes + first + schema.sizes[name])


def _points(names: Sequence[str], rows: PartialRows) -> Array | None:
    """Columns (n, m) of mean 0 and variance 1: the numbers, or where there are none indicators of states; 0 where one
    is missing. None where no column varies.
    """
    reals = [name for name in names if name in rows.schema.sizes]  # beside them, steps of indicators would dominate
    columns = [column for name in reals or names for column in _columns(name, rows)][:MOST_COLUMNS]
    scaled = []
    for column in columns:
        known = np.isfinite(column)
        if known.any() and (spread := column[known].std()) > 0.0:
            scaled.append(np.where(known, (column - column[known].mean()) / spread, 0.0))
    return np.array(scaled).T if scaled else None


def _columns(name: str, rows: PartialRows) -> list[Array]:
    schema, first = rows.schema, rows.schema.rows[name]
    if name not in schema.states:
        return [rows.values.reals[first + i].astype(np.float64) for i in range(schema.sizes[name])]
    missing = rows.missing.get(first)
    indicators = []
    for k in range(len(schema.states[name])):
        own = (rows.values.codes[first] == k).astype(np.float64)
        if missing is not None:
            own[missing] = np.nan
        indicators.append(own)
    return indicators[1:] if len(indicators) == 2 else indicators
