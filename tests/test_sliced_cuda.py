"""The twins of sliced elimination answer as the loops of the CPU, with the programs that these lowered."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from random_nets import plain, random_net
from test_sliced import Case

from fastdgm.engines.junction.sliced_loops import LOOPS
from fastdgm.engines.junction.sliced_loops_cuda import LOOPS as TWINS
from fastdgm.engines.junction.sliced_memory import Workspace
from fastdgm.engines.junction.sliced_plan import sliced_plan
from fastdgm.kernels.sliced import SlicedMemory
from fastdgm.runtime.arrays import read_only

LINES = 8


def lowered(prune):
    """A network, rows that were loaded and lowered, and their programs."""
    net = plain(random_net(9, n_vars=7))
    case = Case(net, 9, n=20, missing=0.6)
    network = sliced_plan(case.tables, case.families, case.n_states, range(case.n_vars)).network
    work = Workspace(network, 1 << 20)
    LOOPS["load rows", "cpu"](0, case.n, network, read_only(case.evidence.codes), prune, work.rows, work.tile)
    LOOPS["lower rows", "cpu"](0, case.n, network, work.rows, work.programs, work.lowering)
    rows = work.rows._replace(log_p=work.rows.log_p[: case.n].copy())
    return network, rows, work


def lines(memory):
    """The same memory for each of some threads."""
    return SlicedMemory(*(np.tile(own, (LINES, 1)) for own in memory))


@pytest.mark.gpu
def test_log_evidence():
    network, rows, work = lowered(prune=True)
    memory = work.cells(network, with_slopes=False)
    expected = rows._replace(log_p=rows.log_p.copy())
    LOOPS["log evidence", "cpu"](0, len(rows.log_p), network, expected, work.programs, memory)
    run(TWINS["log evidence", "cuda"], len(rows.log_p), network, rows, work.programs, lines(memory))
    np.testing.assert_allclose(rows.log_p, expected.log_p, rtol=1e-13)


@pytest.mark.gpu
def test_marginals():
    network, rows, work = lowered(prune=False)
    memory = work.cells(network, with_slopes=True)
    expected = rows._replace(log_p=rows.log_p.copy())
    shares, found = np.zeros((2, len(rows.log_p), network.n_cells))
    LOOPS["marginals", "cpu"](0, len(rows.log_p), network, expected, work.programs, memory, shares)
    run(TWINS["marginals", "cuda"], len(rows.log_p), network, rows, work.programs, lines(memory), found)
    np.testing.assert_allclose(rows.log_p, expected.log_p, rtol=1e-13)
    np.testing.assert_allclose(found, shares, rtol=1e-12, atol=1e-14)
