"""Counts -> the tables of a chain: full ones, or sparse where a cell for every context and state would be too many."""

from __future__ import annotations

from .chain import MarkovTables
from .counts import Counts, Layout, check_counts
from .dense import DenseTables
from .dense_automaton import build_dense
from .levels import context_levels
from .smoothing import Smoothing
from .sparse import SparseTables
from .sparse_automaton import build_sparse

MOST_CELLS = 2**26  # contexts x symbols of full tables, 3 GB with those for drawing
SMALL_CELLS = 2**22  # of tables that are full whatever they hold
SMALL_WIDTH = 256  # symbols of an alphabet, with the end symbol
MOST_CELLS_PER_GRAM = 64  # of larger tables for large vocabularies: with more, they would be all but empty


def make_tables(counts: Counts, layout: Layout, smoothing: Smoothing, alpha: float) -> MarkovTables:
    """The tables; ValueError where counts are none or contexts are missing, as in a damaged file."""
    check_counts(counts, layout)
    contexts = context_levels(counts, layout)
    if is_dense(sum(len(level.keys) for level in contexts), layout.width, len(counts.symbols)):
        return DenseTables(counts, layout, build_dense(contexts, counts, layout, smoothing, alpha))
    return SparseTables(counts, layout, build_sparse(contexts, counts, layout, smoothing, alpha))


def is_dense(n_contexts: int, width: int, n_grams: int) -> bool:
    """Whether a chain has full tables: a function of the model alone, because sparse ones draw other rows.

    ``n_grams`` counts the symbols that were seen after the contexts of full length.
    """
    cells = n_contexts * width
    if cells <= SMALL_CELLS:
        return True
    return cells <= MOST_CELLS and (width <= SMALL_WIDTH or cells <= MOST_CELLS_PER_GRAM * n_grams)
