"""One measurement in a process of its own, printed as JSON; ``startup.py`` starts these.

    python bench/fresh.py first_calls

Nothing is imported here beyond the standard library, so that imports can be timed.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

ONE_LINE_KERNEL = """
from numba import njit

@njit(cache=True, nogil=True, error_model="numpy")
def total(codes):
    return codes.sum()
"""


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = perf_counter()
    call()
    return perf_counter() - start


def import_module(name: str) -> dict[str, float]:
    """Seconds of ``import name``."""
    return {"import_s": seconds(lambda: importlib.import_module(name))}


def one_line_kernel(folder: str) -> dict[str, float]:
    """First call of the smallest cached numba kernel, numba's import included; the module lies in ``folder``."""
    import numpy as np

    sys.path.insert(0, folder)
    codes = np.zeros((37, 1000), np.uint8)
    return {"kernel_s": seconds(lambda: importlib.import_module("one_line").total(codes))}


def first_calls() -> dict[str, float]:
    """First log_prob, then sample, then the other verbs, on 1000 rows of alarm; numba's import is in the first."""
    import numpy as np

    import fastdgm as fd

    net = fd.example("alarm")
    columns = np.zeros((len(net), 1000), np.uint8).T
    rows = np.zeros((1000, len(net)), np.int64)
    return {
        "log_prob_s": seconds(lambda: net.log_prob(columns)),
        "sample_s": seconds(lambda: net.sample(1000, seed=0)),
        "log_prob_int64_rows_s": seconds(lambda: net.log_prob(rows)),
        "fit_s": seconds(lambda: net.fit(columns)),
    }


def autoregressive_first_calls(family: str) -> dict[str, float]:
    """First log_prob, then sample, then fit of an autoregressive model, on 200 rows of 100 bits."""
    import numpy as np

    import fastdgm as fd

    rows = np.random.default_rng(0).integers(0, 2, (200, 100))
    if family == "MarkovChain":
        chain = fd.MarkovChain(order=3)
        return {
            "fit_s": seconds(lambda: chain.fit(rows)),
            "log_prob_s": seconds(lambda: chain.log_prob(rows)),
            "sample_s": seconds(lambda: chain.sample(200, seed=0)),
        }
    families: dict[str, Callable[[], Any]] = {"MADE": lambda: fd.MADE(100, 100), "NADE": lambda: fd.NADE(100, 100)}
    model = families[family]()
    return {
        "log_prob_s": seconds(lambda: model.log_prob(rows)),
        "sample_s": seconds(lambda: model.sample(200, seed=0)),
        "fit_s": seconds(lambda: model.fit(rows, epochs=1, progress=False)),
    }


def read(path: str) -> dict[str, float]:
    """Reading a network from a file."""
    import fastdgm as fd

    return {"read_s": seconds(lambda: fd.read(path))}


def lowering(network: str) -> dict[str, float]:
    """Making the sampling and scoring plans, with everything compiled, and their size."""
    from workloads import load_network

    from fastdgm.engines.tables.plan import Plans

    net = load_network(network)

    def lower() -> Plans:
        plans = Plans(net.conditionals, net.order)
        plans.sampling, plans.scoring  # noqa: B018  made at first use
        return plans

    n_bytes = lower().n_bytes
    return {"lowering_s": median(seconds(lower) for _ in range(5)), "plan_bytes": n_bytes}


COMMANDS: dict[str, Callable[..., dict[str, float]]] = {
    "import_module": import_module,
    "one_line_kernel": one_line_kernel,
    "first_calls": first_calls,
    "autoregressive_first_calls": autoregressive_first_calls,
    "read": read,
    "lowering": lowering,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
