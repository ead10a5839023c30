"""Errors about one row say its number in the data, whichever verb asks and however rows are cut into pieces."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.runtime.threads import num_threads

SIDE = 22  # of a grid that is too wide to be summed out
TOO_WIDE = 8  # the row


def grid(side):
    """x{i}_{j} of two states, with the parents x{i-1}_{j} and x{i}_{j-1}."""
    rng = np.random.default_rng(0)
    conditionals = {}
    for i in range(side):
        for j in range(side):
            own = [f"x{i - 1}_{j}"] * (i > 0) + [f"x{i}_{j - 1}"] * (j > 0)
            conditionals[f"x{i}_{j}"] = fd.CPT(own, rng.dirichlet(np.ones(2), [2] * len(own)))
    return fd.BayesNet(conditionals)


@pytest.fixture(scope="module")
def net():
    return grid(SIDE)


@pytest.fixture(scope="module")
def rows(net):
    """Ten rows, of which one knows no more than two corners; others are complete, or miss up to three values."""
    codes = np.asarray(net.sample(10, seed=0)).astype(np.int16)
    for row, missing in ((0, [0]), (3, [1, 2, 40]), (7, [5]), (9, [100, 200])):
        codes[row, missing] = -1
    codes[TOO_WIDE, :-1] = -1
    return codes


@pytest.mark.kernel
@pytest.mark.parametrize(
    "ask",
    [
        lambda net, rows: net.log_prob(rows),
        lambda net, rows: net.log_prob(rows, given=["x21_21"]),
        lambda net, rows: net.predict_proba(rows, "x3_3"),
        lambda net, rows: net.marginals(rows),
        lambda net, rows: net.outlier_scores(rows),
        lambda net, rows: net.impute(rows),
        lambda net, rows: net.impute(rows, how="mode"),
        lambda net, rows: net.impute(rows, how="sample", n_per_row=2),
        lambda net, rows: net.sample(given=rows, n_per_row=3, seed=0),
        lambda net, rows: net.fit(rows, progress=False),
    ],
    ids=["log_prob", "given", "predict_proba", "marginals", "outlier_scores", "mpe", "mode", "draws", "sample", "fit"],
)
def test_a_row_that_is_too_wide_is_named(net, rows, ask):
    with pytest.raises(ValueError, match=rf"row {TOO_WIDE}, with 4\d\d hidden variables .* bytes"):
        ask(net, rows)


@pytest.mark.kernel
def test_learning_from_one_corner_of_a_grid_is_refused_at_once(net):
    """Many ways lead from the other corner to it."""
    fresh = fd.BayesNet.from_edges(net.edges, net.names, net.states)
    with pytest.raises(ValueError, match=r"cells a row, and row 0, with 483 hidden variables .* bytes"):
        fresh.fit({"x21_21": [0, 1]}, progress=False)


@pytest.mark.kernel
def test_the_number_does_not_depend_on_pieces(net, rows, monkeypatch):
    monkeypatch.setattr("fastdgm.inference.exact.FEWEST_ROWS", 2)
    monkeypatch.setattr("fastdgm.inference.exact.PIECE_CELLS", 1)
    for n_threads in (1, 2):
        with num_threads(n_threads):
            for ask in (net.log_prob, net.marginals, lambda own: net.sample(given=own, n_per_row=3, seed=0)):
                with pytest.raises(ValueError, match=rf"row {TOO_WIDE}, with"):
                    ask(rows)
