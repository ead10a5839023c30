"""EM in networks of tables by enumerating every completion of every row: obvious, and slow."""

from __future__ import annotations

from itertools import product

import numpy as np


def completions(row, n_states, present):
    """Every complete row that agrees with ``row``, -1 where nothing is known, of the variables that are present."""
    choices = [range(n_states[v]) if row[v] < 0 else [row[v]] for v in present]
    return [dict(zip(present, own, strict=True)) for own in product(*choices)]


def probability(whole, parents, tables):
    """p of some variables, with all of their parents."""
    return float(np.prod([tables[v][tuple(whole[u] for u in (*parents[v], v))] for v in whole]))


def bearing_on(row, parents):
    """The variables that are known, and all that these descend from."""
    found = {v for v, code in enumerate(row) if code >= 0}
    while True:
        more = found.union(*(parents[v] for v in found))
        if more == found:
            return sorted(found)
        found = more


def expected_counts(rows, weights, parents, tables, n_states, barren=False):
    """(sum_i w_i log p(what row i says), counts by variable); ``barren``: rows on which a table does not bear count."""
    counts = [np.zeros_like(table) for table in tables]
    log_likelihood = 0.0
    for row, weight in zip(rows, weights, strict=True):
        if weight == 0.0 or (row < 0).all():
            continue
        present = list(range(len(row))) if barren else bearing_on(row, parents)
        wholes = completions(row, n_states, present)
        joint = np.array([probability(whole, parents, tables) for whole in wholes])
        log_likelihood += weight * np.log(joint.sum())
        for whole, share in zip(wholes, joint / joint.sum(), strict=True):
            for v in present:
                counts[v][tuple(whole[u] for u in (*parents[v], v))] += weight * share
    return log_likelihood, counts


def log_prior(tables, pseudo_counts):
    """Sum of a log theta."""
    return sum(float((a * np.log(table)).sum()) for a, table in zip(pseudo_counts, tables, strict=True) if a > 0.0)


def maximised(counts, pseudo_counts):
    """theta = (N + a) / sum (N + a)."""
    cells = [own + a for own, a in zip(counts, pseudo_counts, strict=True)]
    return [own / own.sum(axis=-1, keepdims=True) for own in cells]
