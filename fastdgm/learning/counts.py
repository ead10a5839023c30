"""Tables from counts: maximum likelihood and Dirichlet priors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..conditionals.table import CPT
from ..data.blocks import States, as_codes, infer_states, readable_twice, refuse_bad_codes
from ..data.booleans import with_plain_bytes
from ..engines.tables.plan import Structure, family_counts

if TYPE_CHECKING:
    from ..bayesnet import BayesNet

Array = npt.NDArray[Any]
CELLS_PER_COUNT = 128  # a piece has so many cells of data per cell of its own tables, which are cleared and added up
LARGEST_PIECE = 1 << 31  # cells, so that a 32-bit count cannot overflow
PIECES_AT_ONCE = 64  # bounds the memory of partial counts
LARGEST_WEIGHT = 1e280  # of a row or a prior, so that no sum of them overflows


def fit(net: BayesNet, data: Any, *, prior: Any, equivalent_sample_size: float, sample_weight: Any, add: bool) -> None:
    """Learn all tables; with ``add``, from these counts and those of earlier calls. See ``BayesNet.fit``."""
    pseudo_count = checked_prior(prior, equivalent_sample_size)
    states = net._states if add else net._declared
    if len(states) < len(net.names):
        data = readable_twice(data, net.names)
        states = infer_states(data, states, net.names)
    counts = count_families(net.parents, states, data, sample_weight)
    if add and net._counts is not None:
        counts = [old + new for old, new in zip(net._counts, counts, strict=True)]
    conditionals = {}
    for name, own in zip(net.names, counts, strict=True):
        cells = pseudo_count if prior != "bdeu" else pseudo_count / own.size
        conditionals[name] = CPT.trusted(net.parents[name], table_from_counts(own, cells), states[name])
    net._set_conditionals(conditionals)
    net._counts = counts


def checked_prior(prior: Any, equivalent_sample_size: Any) -> float:
    """The pseudo-count per cell, or for "bdeu" the equivalent sample size that a table's cells share."""
    if isinstance(prior, str):
        if prior != "bdeu":
            raise ValueError(f'prior must be a number per cell or "bdeu", got {prior!r}')
        size = float(equivalent_sample_size)
        if not 0.0 < size <= LARGEST_WEIGHT:
            raise ValueError(
                f"equivalent_sample_size must be above 0 and at most {LARGEST_WEIGHT:g}, got {equivalent_sample_size!r}"
            )
        return size
    if isinstance(prior, bool) or not isinstance(prior, (int, float, np.integer, np.floating)):
        raise TypeError(f'prior must be a number per cell or "bdeu", got {prior!r}')
    if not 0.0 <= float(prior) <= LARGEST_WEIGHT:
        raise ValueError(f"prior must be between 0 and {LARGEST_WEIGHT:g}, got {prior!r}")
    return float(prior)


def checked_weights(sample_weight: Any, n: int) -> Array:
    """Weights as float64 of shape (n,), between 0 and LARGEST_WEIGHT."""
    if np.ma.is_masked(sample_weight):
        raise ValueError("sample_weight has one weight per row, got masked entries")
    weights = np.asarray(sample_weight)
    if weights.dtype.kind not in "biufO":
        raise TypeError(f"sample_weight holds numbers, got values of type {weights.dtype}")
    if weights.dtype == bool:
        weights = with_plain_bytes(weights)
    weights = np.ascontiguousarray(weights, dtype=np.float64)
    if weights.shape != (n,):
        raise ValueError(f"sample_weight has one weight per row, shape ({n},), got shape {weights.shape}")
    bad = ~((weights >= 0.0) & (weights <= LARGEST_WEIGHT))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"sample_weight must be between 0 and {LARGEST_WEIGHT:g}, got {weights[row]} in row {row}")
    weights = weights[...]
    weights.flags.writeable = False
    return weights


def count_families(
    parents: dict[str, Sequence[str]] | Any, states: States, data: Any, sample_weight: Any = None
) -> list[Array]:
    """Counts of every family's joint states, one array per variable with the axes of its CPT.

    int64, or float64 when weighted; weighted sums do not depend on the number of threads.
    """
    from ..engines.tables.dispatch import LOOPS, piece_cells, pieces_of
    from ..runtime.threads import run_pieces

    structure = Structure(parents, states)
    codes = as_codes(data, structure.states, structure.dtype)
    weights = None if sample_weight is None else checked_weights(sample_weight, codes.n)
    plan = structure.counting
    count = LOOPS["count"]

    def count_piece(begin: int, end: int) -> Array:
        cells = np.zeros((4, int(plan.table_start[-1])), np.uint32 if weights is None else np.float64)
        columns, first = codes.columns(begin, end, structure)
        own_weights = None if weights is None else weights[first:]
        bad = count(begin - first, end - first, plan, structure.largest, columns, own_weights, cells)
        refuse_bad_codes(bad if bad < 0 else first + bad, codes, structure.states)
        return cells.sum(axis=0, dtype=np.int64 if weights is None else np.float64)

    total = count_piece(0, 0)  # compiles in this thread
    size = min(max(piece_cells(codes), CELLS_PER_COUNT * total.size), LARGEST_PIECE)
    pieces = pieces_of(codes.n, len(structure.n_states), size)
    for first in range(0, len(pieces), PIECES_AT_ONCE):
        for cells in run_pieces(count_piece, pieces[first : first + PIECES_AT_ONCE]):
            total += cells
    return family_counts(structure, total)


def table_from_counts(counts: Array, pseudo_count: float) -> Array:
    """(N + a) / sum (N + a) along the last axis; uniform where that sum is 0."""
    cells = counts + pseudo_count
    sums = cells.sum(axis=-1, keepdims=True)
    uniform = np.full_like(cells, 1.0 / cells.shape[-1], dtype=np.float64)
    return np.divide(cells, sums, out=uniform, where=sums > 0.0)
