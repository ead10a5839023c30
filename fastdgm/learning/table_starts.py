"""Where EM in networks of discrete variables begins: the counts of rows that know a family, and clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data.evidence_block import missing_code
from ..data.partial import PartialRows
from ..data.schema import Schema, Values
from .family_counts import Family
from .starts import MOST_POINTS, start_codes
from .table_rows import KnownRows

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

SMOOTHING = 1.0  # rows in every configuration of the parents, by what all rows say of the variable


def start_counts(
    families: Sequence[Family], rows: KnownRows, latent: Sequence[str], schema: Schema, seed: int, restart: int
) -> list[Floats]:
    """Counts by family, all above 0, to begin run 0, 1, ... from.

    They are of the rows that know the whole family. Latent variables, which no row knows, are clusters of what is known
    below them (``starts.py``) in a sample of the rows. Every run has clusters of its own, and those after the first
    give rows random weights (the Bayesian bootstrap, Rubin 1981).
    """
    rng = np.random.default_rng((seed, restart))
    unit = rows.unit
    weights = unit * rng.gamma(rows.weights / unit) if restart else rows.weights
    sample, own_weights = rows.codes, weights
    if latent:
        sample, own_weights = _clustered(families, rows, weights, latent, schema, rng)
    hidden = {schema.rows[name] for name in latent}
    counts = []
    for family in families:
        found = rows.codes, weights
        if hidden.intersection(family.members):
            found = sample, own_weights
        own = family.counts(*found)
        single = own.reshape(-1, own.shape[-1]).sum(axis=0) + unit
        counts.append(own + SMOOTHING * unit * single / single.sum())
    return counts


def _clustered(
    families: Sequence[Family],
    rows: KnownRows,
    weights: Floats,
    latent: Sequence[str],
    schema: Schema,
    rng: np.random.Generator,
) -> tuple[Array, Floats]:
    """Codes of a sample of rows in which latent variables have states, and weights that add up to those of all."""
    n = len(weights)
    equal = float(weights.min()) == float(weights.max())
    size = min(MOST_POINTS, n) if equal else MOST_POINTS
    if equal and size == n:
        picked = np.arange(n)
    else:
        picked = np.sort(rng.choice(n, size, replace=not equal, p=None if equal else weights / weights.sum()))
    codes = np.ascontiguousarray(rows.codes[:, picked])
    parents = {family.target.name: tuple(family.target.parents) for family in families}
    filled = start_codes(_partial(codes, schema), parents, rng, latent)
    for name in latent:
        codes[schema.rows[name]] = filled[schema.rows[name]]
    return codes, np.full(len(picked), weights.sum() / len(picked))


def _partial(codes: Array, schema: Schema) -> PartialRows:
    """Codes with 0 where nothing is known, and where that is."""
    unknown = codes == missing_code(codes.dtype)
    missing: Mapping[int, Array | None] = {v: None if own.all() else own for v, own in enumerate(unknown) if own.any()}
    known = np.where(unknown, 0, codes).astype(schema.code_dtype)
    return PartialRows(Values(known, np.empty((0, codes.shape[1]), np.float32)), schema, missing)
