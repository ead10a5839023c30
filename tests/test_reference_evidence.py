"""The oracles of evidence agree with each other: every joint state against plain variable elimination."""

from __future__ import annotations

import numpy as np
import pytest
import reference_evidence as reference
from random_nets import plain, random_net

MISSING = 255


def case(seed):
    net = plain(random_net(seed, n_vars=6))
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, np.array(net.sizes)[:, None], (6, 8))
    codes[rng.random(codes.shape) < 0.6] = MISSING
    codes[2] = MISSING
    rows = reference.rows_of(codes, MISSING)
    rows = reference.with_likelihoods(rows, [2], rng.random((net.sizes[2], 8)), net.sizes)
    return net.tables, reference.families_of(net.parents), rows


@pytest.mark.parametrize("seed", range(5))
def test_elimination_is_the_sum_over_every_joint_state(seed):
    tables, families, rows = case(seed)
    for row in rows:
        expected = reference.log_evidence(tables, families, row)
        np.testing.assert_allclose(
            reference.eliminated_log_evidence(tables, families, row), expected, rtol=1e-12, atol=1e-12
        )
        if expected == -np.inf:
            continue
        for v, own in enumerate(reference.marginals(tables, families, row)):
            np.testing.assert_allclose(reference.eliminated_marginal(tables, families, row, v), own, atol=1e-13)
        for v, counts in enumerate(reference.expected_counts(tables, families, row)):
            np.testing.assert_allclose(reference.eliminated_family(tables, families, row, v), counts, atol=1e-13)


def test_the_most_probable_state_has_its_probability():
    tables, families, rows = case(0)
    for row in rows:
        log_p, states = reference.most_probable(tables, families, row)
        np.testing.assert_allclose(reference.log_probability(tables, families, row, states), log_p, rtol=1e-12)
