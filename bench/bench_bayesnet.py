"""Every library on every workload, for pytest-benchmark.

    pytest bench --benchmark-only -k "alarm-100k and log_prob"

``compare.py`` is the measurement that speed claims rest on: it interleaves the libraries. This one is for looking at
one of them closely.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
from libraries import LIBRARIES, open_library
from peers.base import OPERATIONS, UnsuitableError
from workloads import WORKLOADS, MissingNetworkError, Workload, load_network

import fastdgm as fd

pytestmark = pytest.mark.filterwarnings("default")  # rivals' deprecations


@lru_cache(maxsize=1)
def rows_of(workload: Workload) -> tuple[fd.BayesNet, fd.Samples]:
    net = load_network(workload.network)
    return net, net.sample(workload.n_rows, seed=0)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_speed(benchmark: Any, monkeypatch: Any, workload: Workload, operation: str, library: str) -> None:
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "1")  # put back afterwards, whatever the library sets
    try:
        net, samples = rows_of(workload)
        opened = open_library(library, operation, net, samples)
    except (MissingNetworkError, UnsuitableError) as reason:
        pytest.skip(str(reason))
    benchmark.group = f"{workload.name} {operation}"
    benchmark.extra_info["cells"] = opened.n_rows * len(net)
    benchmark.pedantic(lambda: opened.call(operation), setup=opened.refresh, rounds=7, warmup_rounds=1, iterations=1)
