"""Measurements around the three operations: other forms of data, other results, tiny batches."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from clock import Contestant, interleaved, summary

import fastdgm as fd

THREADS = (1, 2)
SMALL_CALLS = 2000

Record = dict[str, Any]


def with_threads(threads: int, call: Callable[[], Any]) -> Contestant:
    """A call of fastdgm on so many threads."""

    def set_threads() -> None:
        os.environ["FASTDGM_NUM_THREADS"] = str(threads)

    return Contestant(call, set_threads)


def records(measurement: str, n_rows: int, seconds: dict[str, list[float]]) -> list[Record]:
    """One record per contestant."""
    return [
        {"measurement": measurement, "contestant": name, "rows": n_rows, **summary(own)}
        for name, own in seconds.items()
    ]


def row_major_int64(net: fd.BayesNet, samples: fd.Samples, rounds: int) -> list[Record]:
    """log_prob from what NumPy users bring, from uint8 columns, and reading the int64 bytes once.

    NumPy's reductions differ in speed: three are timed, and the fastest is the read that counts. The bytes are read
    by as many threads as score.
    """
    rows = np.asarray(samples).astype(np.int64, order="C")
    reads = {"max": np.max, "sum": np.sum, "bitwise_or": lambda part: np.bitwise_or.reduce(part, axis=None)}
    halves = np.array_split(rows, 2)
    contestants = {}
    with ThreadPoolExecutor(2) as pool:
        for threads in THREADS:
            contestants[f"log_prob int64 rows, {threads}"] = with_threads(threads, lambda: net.log_prob(rows))
            contestants[f"log_prob columns, {threads}"] = with_threads(threads, lambda: net.log_prob(samples))
        for name, read in reads.items():
            contestants[f"read by {name}, 1"] = Contestant(lambda read=read: read(rows))
            contestants[f"read by {name}, 2"] = Contestant(lambda read=read: list(pool.map(read, halves)))
        return records("row-major int64", len(rows), interleaved(contestants, rounds))


def pandas_out(net: fd.BayesNet, samples: fd.Samples, rounds: int) -> list[Record]:
    """Samples as pandas categoricals, and as codes."""
    n = len(samples)
    contestants = {}
    for threads in THREADS:
        contestants[f"sample, {threads}"] = with_threads(threads, lambda: net.sample(n, seed=1))
        contestants[f"sample to pandas, {threads}"] = with_threads(threads, lambda: net.sample(n, seed=1).to_pandas())
    return records("sample to pandas", n, interleaved(contestants, rounds))


def pandas_in(net: fd.BayesNet, samples: fd.Samples, rounds: int) -> list[Record]:
    """fit from a frame of categoricals made by pandas itself, and from codes."""
    import pandas as pd

    columns = {
        name: pd.Categorical.from_codes(column.astype(np.int8), net.states[name]) for name, column in samples.items()
    }
    frame = pd.DataFrame(columns)
    own = fd.BayesNet.from_edges(net.edges, net.names, net.states)
    contestants = {}
    for threads in THREADS:
        contestants[f"fit, {threads}"] = with_threads(threads, lambda: own.fit(samples, prior=0.0))
        contestants[f"fit from pandas, {threads}"] = with_threads(threads, lambda: own.fit(frame, prior=0.0))
    return records("fit from pandas", len(samples), interleaved(contestants, rounds))


def one_row(rounds: int, calls: int = SMALL_CALLS) -> list[Record]:
    """Seconds per call for one row of asia, over many calls; as many threads as fastdgm takes by itself."""
    os.environ.pop("FASTDGM_NUM_THREADS", None)
    net = fd.example("asia")
    samples = net.sample(1, seed=0)
    rows = np.asarray(samples).astype(np.int64)

    def repeated(call: Callable[[], Any]) -> Contestant:
        def run() -> None:
            for _ in range(calls):
                call()

        return Contestant(run)

    contestants = {
        "log_prob, int64 array": repeated(lambda: net.log_prob(rows)),
        "log_prob, Samples": repeated(lambda: net.log_prob(samples)),
        "sample": repeated(lambda: net.sample(1, seed=0)),
    }
    seconds = interleaved(contestants, rounds)
    return records("one row of asia", 1, {name: [s / calls for s in own] for name, own in seconds.items()})


def all_extras(net: fd.BayesNet, samples: fd.Samples, rounds: int) -> list[Record]:
    """Every measurement of this file; those with pandas only where it is installed."""
    found = row_major_int64(net, samples, rounds) + one_row(rounds)
    try:
        import pandas  # noqa: F401
    except ImportError:
        print("pandas is not installed: frames are not measured")
        return found
    return found + pandas_out(net, samples, rounds) + pandas_in(net, samples, rounds)
