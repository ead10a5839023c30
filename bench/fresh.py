"""One measurement in a process of its own, printed as JSON; ``startup.py`` and ``versions.py`` start these.

    python bench/fresh.py first_calls MADE

Nothing is imported here beyond the standard library, so that imports can be timed; of fastdgm, public names only.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

ONE_LINE_KERNEL = """
from numba import njit

@njit(cache=True, nogil=True, error_model="numpy")
def total(codes):
    return codes.sum()
"""
FAMILIES = ("BayesNet", "MADE", "NADE", "MarkovChain")


def seconds(call: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = perf_counter()
    call()
    return perf_counter() - start


def import_module(name: str) -> dict[str, float]:
    """Seconds of ``import name``."""
    return {"import": seconds(lambda: importlib.import_module(name))}


def one_line_kernel(folder: str) -> dict[str, float]:
    """First call of the smallest cached numba kernel, numba's import included; the module lies in ``folder``."""
    import numpy as np

    sys.path.insert(0, folder)
    codes = np.zeros((37, 1000), np.uint8)
    return {"kernel": seconds(lambda: importlib.import_module("one_line").total(codes))}


def first_calls(family: str) -> dict[str, float]:
    """First calls of a family's verbs in this order; numba's import is in the first."""
    import numpy as np

    import fastdgm as fd

    if family == "BayesNet":  # 1000 rows of alarm
        net = fd.example("alarm")
        columns, rows = np.zeros((len(net), 1000), np.uint8).T, np.zeros((1000, len(net)), np.int64)
        calls: dict[str, Callable[[], Any]] = {
            "log_prob": lambda: net.log_prob(columns),
            "sample": lambda: net.sample(1000, seed=0),
            "log_prob of int64 rows": lambda: net.log_prob(rows),
            "fit": lambda: net.fit(columns),
        }
        return {verb: seconds(call) for verb, call in calls.items()}
    x = np.random.default_rng(0).integers(0, 2, (200, 100))
    if family == "MarkovChain":
        chain = fd.MarkovChain(order=3)
        calls = {
            "fit": lambda: chain.fit(x),
            "log_prob": lambda: chain.log_prob(x),
            "sample": lambda: chain.sample(200, seed=0),
        }
    else:
        model: Any = {"MADE": fd.MADE, "NADE": fd.NADE}[family](100, 100)
        calls = {
            "log_prob": lambda: model.log_prob(x),
            "sample": lambda: model.sample(200, seed=0),
            "fit": lambda: model.fit(x, epochs=1, progress=False),
        }
    return {verb: seconds(call) for verb, call in calls.items()}


def example_or_file(network: str) -> Any:
    """A network that comes along, or one of a file."""
    import fastdgm as fd

    return fd.example(network) if network in fd.example_names() else fd.read(network)


def incomplete(net: Any, n: int) -> Any:
    """Rows of codes, of which a fifth are missing."""
    import numpy as np

    rows = np.asarray(net.sample(n, seed=0))
    return np.where(np.random.default_rng(0).random(rows.shape) < 0.2, np.uint8(255), rows)


def evidence(network: str) -> dict[str, float]:
    """First answers about rows with missing values."""
    net = example_or_file(network)
    partial = incomplete(net, 1000)
    return {
        "log_prob": seconds(lambda: net.log_prob(partial)),
        "marginals": seconds(lambda: net.marginals(partial)),
    }


def evidence_memory(network: str) -> dict[str, float]:
    """MiB that log_prob and marginals take at most beyond the rows and their answers; on Linux."""
    status = Path("/proc/self/status")

    def mib(figure: str) -> float:
        line = next(line for line in status.read_text().splitlines() if line.startswith(figure))
        return int(line.split()[1]) / 2**10

    net = example_or_file(network)
    partial = incomplete(net, 20_000)
    net.marginals(partial[:1])  # kernels are there
    Path("/proc/self/clear_refs").write_text("5")  # the most memory so far is what is held now
    before = mib("VmRSS")
    answer = net.log_prob(partial), net.marginals(partial)
    n_bytes = answer[0].nbytes + sum(own.nbytes for own in answer[1].values())
    return {"peak memory": mib("VmHWM") - before - n_bytes / 2**20}


def read(path: str) -> dict[str, float]:
    """Reading a network from a file."""
    import fastdgm as fd

    return {"read": seconds(lambda: fd.read(path))}


def plans(network: str) -> dict[str, float]:
    """First log_prob and sample of one row of a new network, with everything compiled: both make their plans."""
    import fastdgm as fd

    def use(net: fd.BayesNet) -> None:
        net.log_prob(net.sample(1, seed=0))

    use(example_or_file(network))
    net = example_or_file(network)
    return {"plans": seconds(lambda: use(net))}


def parquet(n_rows: str) -> dict[str, float]:
    """``fastdgm sample alarm`` into a Parquet file: seconds, MiB of peak memory and of the file.

    A child's peak memory counts what its parent held when it was started, so this process has to be small.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "alarm.parquet")
        arguments = ["-m", "fastdgm", "sample", "alarm", "-n", n_rows, "--seed", "0", "-o", str(file)]
        start = perf_counter()
        child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        whole = perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise RuntimeError(f"fastdgm {' '.join(arguments)} failed with {child.returncode}")
        size = file.stat().st_size / 2**20
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, Linux KiB
    return {"peak memory": peak, "whole command": whole, "file": size}


COMMANDS: dict[str, Callable[[str], dict[str, float]]] = {
    "import_module": import_module,
    "one_line_kernel": one_line_kernel,
    "first_calls": first_calls,
    "evidence": evidence,
    "evidence_memory": evidence_memory,
    "read": read,
    "plans": plans,
    "parquet": parquet,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](sys.argv[2])))
