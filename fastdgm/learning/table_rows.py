"""Rows of discrete variables as EM in tables sees them: what is known, how often, and what bears on anything known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.evidence_block import evidence_type, missing_code
from ..data.partial import PartialRows

Array = npt.NDArray[Any]

FEW = 0.7  # of the rows: so many distinct ones are worth a copy
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd: of a polynomial modulo 2**64
OFTEN = 0.5  # of the weight of all rows
MOST_PARTS = 4  # for each of which a network is lowered in every step


class KnownRows(NamedTuple):
    """Rows of positive weight in which something is known; equal ones may be one of their joint weight."""

    codes: Array  # (n_vars, n), the missing code where nothing is known
    weights: npt.NDArray[np.float64]  # (n,)
    number: Array  # (n,) of the first such row in the data
    unit: float  # the mean weight of a row of the data, at most 1: whole weights are repeated rows

    def taken(self, kept: Array) -> KnownRows:
        """Some of the rows."""
        return self._replace(
            codes=np.ascontiguousarray(self.codes[:, kept]), weights=self.weights[kept], number=self.number[kept]
        )


def known_rows(rows: PartialRows, weights: npt.NDArray[np.float64]) -> KnownRows:
    """The rows that say something. ValueError where there is none."""
    codes = rows.values.codes.astype(evidence_type(rows.schema))
    unknown = missing_code(codes.dtype)
    for v, missing in rows.missing.items():
        codes[v, slice(None) if missing is None else missing] = unknown
    kept = (weights > 0.0) & (codes != unknown).any(axis=0)
    if not kept.any():
        raise ValueError("EM needs a row of positive weight in which something is observed, got none")
    found = KnownRows(codes, weights, np.arange(rows.n), min(1.0, float(weights[kept].mean())))
    return found if kept.all() else found.taken(kept)


def distinct_rows(rows: KnownRows) -> KnownRows:
    """Equal rows as one, where these are much fewer; in an order that depends on what they hold."""
    keys = np.zeros(len(rows.weights), np.uint64)
    for column in rows.codes:
        keys = keys * MULTIPLIER + column
        keys ^= keys >> np.uint64(29)
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    if len(first) > FEW * len(keys):
        return rows
    if not all((column[first][place] == column).all() for column in rows.codes):
        return rows  # two rows of one key
    weights = np.zeros(len(first))
    np.add.at(weights, place, rows.weights)
    codes = np.ascontiguousarray(rows.codes[:, first])
    return rows._replace(codes=codes, weights=weights, number=rows.number[first])


def bearing(codes: Array, parents: Sequence[Sequence[int]], order: Sequence[int]) -> npt.NDArray[np.bool_]:
    """(n_vars, n): whether a variable of a row or anything that descends from it is known.

    Only then does p(what is known) depend on its table.
    """
    found = codes != missing_code(codes.dtype)
    for v in reversed(order):
        for parent in parents[v]:
            found[parent] |= found[v]
    return found


class Part(NamedTuple):
    """Rows that do without some variables, which bear on nothing known in any of them."""

    absent: frozenset[int]
    rows: Array  # numbers


def parts_of(bears: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64], order: Sequence[int]) -> list[Part]:
    """Rows by the variables without a bearing, of those that mostly have none.

    A table would learn slowly from rows on which it does not bear, by its own expectations: steps in which half of
    the weight is such halve the distance to the maximum. In a part its variables are left out of the network, which
    changes no answer.
    """
    share = (bears @ weights) / weights.sum()
    children_first = order[::-1]
    often = [v for v in sorted(children_first, key=lambda v: share[v]) if share[v] <= 1.0 - OFTEN]
    number = np.zeros(bears.shape[1], np.intp)
    used: list[int] = []
    for v in often:  # descendants, which bear on less, come first: what is left out takes its children along
        finer = np.unique(2 * number + bears[v], return_inverse=True)[1]
        if finer.max(initial=0) >= MOST_PARTS:
            break
        number = finer
        used.append(v)
    parts = []
    for k in range(int(number.max(initial=0)) + 1):
        rows = np.flatnonzero(number == k)
        parts.append(Part(frozenset(v for v in used if not bears[v, rows[0]]), rows))
    return parts
