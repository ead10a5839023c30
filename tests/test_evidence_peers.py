"""Rows with missing values against pyAgrum, whose tables are set in memory, and pgmpy."""

from __future__ import annotations

import numpy as np
import pytest
from partial_rows import FEW_ROWS, MISSING, network, partial_rows, rows_of

import fastdgm as fd

CLOSE = 1e-10
LARGE = ("mildew", "munin3", "munin", "link", "diabetes")  # few values are missing


def observed(net, row):
    return {name: int(code) for name, code in zip(net.names, row, strict=True) if code != MISSING}


@pytest.mark.parametrize("name", [*fd.example_names(), *FEW_ROWS, *LARGE])
def test_pyagrum_gives_the_same_probabilities_and_marginals(name):
    pyagrum = pytest.importorskip("pyagrum", reason="pyAgrum is not installed")
    net = network(name)
    rows = partial_rows(net, 3, 0.05) if name in LARGE else rows_of(net, name, at_most=8)
    engine = pyagrum.LazyPropagation(net.to_pyagrum())
    log_p, found = net.log_prob(rows), net.marginals(rows)
    for i, row in enumerate(rows):
        engine.setEvidence(observed(net, row))
        assert log_p[i] == pytest.approx(np.log(engine.evidenceProbability()), rel=CLOSE, abs=CLOSE)
        for variable in net.names:
            theirs = engine.posterior(variable).toarray()
            np.testing.assert_allclose(found[variable][i], theirs, rtol=0, atol=CLOSE, err_msg=f"{variable}, row {i}")


@pytest.mark.parametrize("name", ["cancer", "asia", "student", "alarm"])
def test_pgmpy_gives_the_same_marginals(name):
    inference = pytest.importorskip("pgmpy.inference", reason="pgmpy is not installed")
    net = fd.example(name)
    engine = inference.VariableElimination(net.to_pgmpy())
    rows = partial_rows(net, 3, 0.5, seed=1)
    found = net.marginals(rows)
    for i, row in enumerate(rows):
        known = {variable: net.states[variable][code] for variable, code in observed(net, row).items()}
        for variable in (name for name in net.names if name not in known):
            theirs = engine.query([variable], known, show_progress=False)
            values = [theirs.values[theirs.state_names[variable].index(state)] for state in net.states[variable]]
            np.testing.assert_allclose(found[variable][i], values, rtol=0, atol=CLOSE)
