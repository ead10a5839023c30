"""Tables from counts: maximum likelihood and Dirichlet priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.table import CPT
from ..data.blocks import Block
from ..data.booleans import with_plain_bytes
from ..data.boundary import Variables, as_known_block, as_training_block
from ..data.cuda_arrays import refuse_on_cpu
from ..data.cuda_blocks import CudaBlock
from ..engines.tables.count import count_cells
from ..engines.tables.plan import Structure, family_counts
from ..runtime.arrays import read_only
from ..runtime.cuda_queue import CudaQueue

Array = npt.NDArray[Any]
UnknownLabels = Literal["error", "drop"]
LARGEST_WEIGHT = 1e280  # of a row or a prior, so that no sum of them overflows


class TrainingRows(NamedTuple):
    """What is counted: rows and their weights, without rows that were left out."""

    block: Block
    weights: Any
    n_dropped: int = 0
    first_problem: str = ""  # of those that were

    @property
    def warning(self) -> str:
        """What to tell; "" where no rows were left out."""
        return dropped_warning(self.n_dropped, self.block.n + self.n_dropped, self.first_problem)


class Prior(NamedTuple):
    """Pseudo-counts: ``pseudo_count`` in every cell or, where shared, divided among the cells of each table."""

    pseudo_count: float
    shared: bool = False

    def per_cell(self, table: Array) -> float:
        """Pseudo-count of a cell of a table of counts."""
        return self.pseudo_count / table.size if self.shared else self.pseudo_count


def tables_from_counts(
    parents: Mapping[str, tuple[str, ...]],
    states: Mapping[str, tuple[str, ...]],
    counts: Sequence[Array],
    prior: Prior,
) -> dict[str, CPT]:
    """The tables of a network of tables only, from the counts of every family."""
    return {
        name: CPT.trusted(own, table_from_counts(count, prior.per_cell(count)), states[name])
        for (name, own), count in zip(parents.items(), counts, strict=True)
    }


def check_unknown(unknown: Any) -> None:
    """ValueError for what is no way to deal with labels that are no states."""
    if unknown not in ("error", "drop"):
        raise ValueError(f"unknown must be 'error' or 'drop', got {unknown!r:.60}")


def training_rows(
    data: Any, known: Variables, names: Sequence[str], weights: Any, unknown: UnknownLabels
) -> TrainingRows:
    """Rows fit for counting; with ``unknown="drop"`` those without labels that are no states, and their weights."""
    check_unknown(unknown)
    if unknown == "error":
        return TrainingRows(as_training_block(data, known, names), weights)
    found = as_known_block(data, known, names)
    if isinstance(found, Block):
        return TrainingRows(found, weights)
    kept = found.kept
    if weights is not None:
        weights = checked_weights(weights, len(kept))[kept]
    return TrainingRows(found.block, weights, int((~kept).sum()), found.first_problem)


def dropped_warning(n_dropped: int, n_rows: int, first_problem: str) -> str:
    """What to tell of rows that were left out; "" where there are none."""
    if not n_dropped:
        return ""
    return f"{n_dropped} of {n_rows} rows hold a label that is no state and were left out: {first_problem}"


def checked_prior(prior: Any, equivalent_sample_size: Any) -> Prior:
    """A number is a pseudo-count per cell; "BDeu", in any case, shares the sample size among a table's cells."""
    if isinstance(prior, str):
        if prior.lower() != "bdeu":
            raise ValueError(f'prior must be a number per cell or "bdeu", got {prior!r}')
        size = float(equivalent_sample_size)
        if not 0.0 < size <= LARGEST_WEIGHT:
            raise ValueError(
                f"equivalent_sample_size must be above 0 and at most {LARGEST_WEIGHT:g}, got {equivalent_sample_size!r}"
            )
        return Prior(size, shared=True)
    if isinstance(prior, bool) or not isinstance(prior, (int, float, np.integer, np.floating)):
        raise TypeError(f'prior must be a number per cell or "bdeu", got {prior!r}')
    if not 0.0 <= float(prior) <= LARGEST_WEIGHT:
        raise ValueError(f"prior must be between 0 and {LARGEST_WEIGHT:g}, got {prior!r}")
    return Prior(float(prior))


def check_ignored_labels(y: Any) -> None:
    """What scikit-learn passes to every ``fit``: nothing or one label per row. TypeError for a misplaced option."""
    if y is not None and (isinstance(y, str) or not hasattr(y, "__len__")):
        raise TypeError(
            f"y is ignored, and is None or one label per row, got {y!r:.60}: give options by name, as prior="
        )


def checked_weights(sample_weight: Any, n: int) -> Array:
    """Weights as float64 of shape (n,), between 0 and LARGEST_WEIGHT."""
    refuse_on_cpu(sample_weight, "sample_weight")
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
    return read_only(weights)


def count_families(parents: Mapping[str, Sequence[str]], block: Block, sample_weight: Any = None) -> list[Array]:
    """Counts of every family's joint states, one array per variable with the axes of its CPT.

    int64, or float64 when weighted; weighted sums do not depend on the number of threads.
    """
    structure = Structure(parents, block.states)
    weights = None if sample_weight is None else checked_weights(sample_weight, block.n)
    return family_counts(structure, count_cells(structure, block, weights))


def count_families_on_card(
    parents: Mapping[str, Sequence[str]], queue: CudaQueue, block: CudaBlock, weights: Any
) -> list[Array]:
    """The same of rows on a GPU, with weights (n,) there; None: 1 each. Weighted sums differ by rounding."""
    from ..engines.tables.cuda_count import count_cells_on_card

    structure = Structure(parents, block.schema.states)
    return family_counts(structure, count_cells_on_card(structure, queue, block.part.codes, weights))


def table_from_counts(counts: Array, pseudo_count: float) -> Array:
    """(N + a) / sum (N + a) along the last axis; uniform where that sum is 0."""
    cells = counts + pseudo_count
    sums = cells.sum(axis=-1, keepdims=True)
    uniform = np.full_like(cells, 1.0 / cells.shape[-1], dtype=np.float64)
    return np.divide(cells, sums, out=uniform, where=sums > 0.0)
