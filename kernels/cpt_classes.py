"""Networks of tables scored under every state of one variable, in one pass over the others: a classifier.

Clusters are those of cpt.py without the variable, which is hidden: cluster c has a table for each of its states, one
after the other from ``table_start[c]``, and the index of a row is found once for all of them.
"""

from __future__ import annotations

from .cpt import NARROW, SCORING_TILE, add_table, new_index
from .jit import kernel, loop
from .tiles import columns_in_range, joint_index, wide_joint_index

__all__ = ["log_prob_of_states_cpu"]


@loop
def _score_states(plan, c, codes, a, index, totals):
    """totals[k, i] += the cell of row a + i in table k of cluster c."""
    n_states, n = totals.shape
    own = slice(plan.scope_start[c], plan.scope_start[c + 1])
    tables = plan.table[plan.table_start[c] : plan.table_start[c + 1]]
    size = tables.shape[0] // n_states
    if size <= NARROW:
        joint_index(plan.scope_column[own], plan.scope_stride[own], codes, a, n, index.narrow)
        for k in range(n_states):
            add_table(totals[k], index.narrow, tables[k * size : (k + 1) * size], n)
    else:
        wide_joint_index(plan.scope_column[own], plan.scope_stride[own], codes, a, n, index.wide)
        for k in range(n_states):
            add_table(totals[k], index.wide, tables[k * size : (k + 1) * size], n)


@kernel
def log_prob_of_states_cpu(row_begin, row_end, plan, largest, codes, out):
    """out[k, i] = sum over clusters of table k's cell of row i, for rows [row_begin, row_end) of ``codes``.

    Returns -1, or the first row of a tile in which a code exceeds ``largest`` of its variable.
    """
    index = new_index(SCORING_TILE)
    for a in range(row_begin, row_end, SCORING_TILE):
        n = min(SCORING_TILE, row_end - a)
        if not columns_in_range(codes, a, n, largest):
            return a
        totals = out[:, a : a + n]
        totals[:] = 0.0
        for c in range(plan.table_start.shape[0] - 1):
            _score_states(plan, c, codes, a, index, totals)
    return -1
