"""What ``versions.py`` times in two versions of fastdgm: public names only, which both have.

As a program it is one version's worker: it reads requests from standard input and answers each with a line of JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from time import perf_counter
from typing import Any

import numpy as np

import fastdgm as fd

Call = Callable[[], Any]


@lru_cache
def alarm() -> tuple[fd.BayesNet, fd.Samples]:
    """A Bayes net and rows of it."""
    net = fd.example("alarm")
    return net, net.sample(200_000, seed=0)


def table_rows() -> dict[str, Call]:
    """Bayes nets: codes, what NumPy users and pandas users bring, single rows."""
    net, codes = alarm()
    int64, frame = np.asarray(codes).astype(np.int64, order="C"), codes.to_pandas()
    structure = fd.BayesNet.from_edges(net.edges, net.names, net.states)
    asia = fd.example("asia")
    one = np.asarray(asia.sample(1, seed=0)).astype(np.int64)
    return {
        "alarm sample, 200 000 rows": lambda: net.sample(200_000, seed=1),
        "alarm sample to pandas": lambda: net.sample(200_000, seed=1).to_pandas(),
        "alarm log_prob of codes": lambda: net.log_prob(codes),
        "alarm log_prob of int64 rows": lambda: net.log_prob(int64),
        "alarm log_prob of a pandas frame": lambda: net.log_prob(frame),
        "alarm fit to codes": lambda: structure.fit(codes, prior=0.0),
        "alarm fit to a pandas frame": lambda: structure.fit(frame, prior=0.0),
        "asia sample, 1 row": lambda: asia.sample(1, seed=1),
        "asia log_prob, 1 row": lambda: asia.log_prob(one),
    }


def network_rows(name: str, model: Any, n: int) -> dict[str, Call]:
    """A neural model over 784 bits: a batch, a few steps of training, single rows."""
    x = model.sample(n, seed=0)
    learner = type(model)(784) if name == "FVSBN" else type(model)(784, model.hidden)
    settings = {"epochs": 1, "batch_size": 100, "schedule": "constant", "patience": None, "progress": False}
    return {
        f"{name} sample, {n} rows": lambda: model.sample(n, seed=1),
        f"{name} log_prob, {n} rows": lambda: model.log_prob(x),
        f"{name} fit, {n // 100} steps": lambda: learner.fit(x, **settings),
        f"{name} sample, 1 row": lambda: model.sample(1, seed=1),
        f"{name} log_prob, 1 row": lambda: model.log_prob(x[:1]),
    }


def chain_rows() -> dict[str, Call]:
    """Markov chains of order 3 over rows of 100 codes, and over strings."""
    random = np.random.default_rng(0)
    x = (random.integers(0, 20, (5000, 100)) // (1 + random.integers(0, 3, (5000, 1)))).astype(np.uint8)
    strings = ["".join(chr(97 + code) for code in row[:20]) for row in x]
    by_rows, by_strings = fd.MarkovChain(order=3).fit(x), fd.MarkovChain(order=3).fit(strings)
    return {
        "MarkovChain sample, 5 000 rows": lambda: by_rows.sample(5000, seed=1),
        "MarkovChain log_prob, 5 000 rows": lambda: by_rows.log_prob(x),
        "MarkovChain fit, 5 000 rows": lambda: fd.MarkovChain(order=3).fit(x),
        "MarkovChain sample, 1 row": lambda: by_rows.sample(1, seed=1),
        "MarkovChain log_prob of strings": lambda: by_strings.log_prob(strings),
        "MarkovChain fit to strings": lambda: fd.MarkovChain(order=3).fit(strings),
    }


GROUPS: dict[str, Callable[[], dict[str, Call]]] = {
    "tables": table_rows,
    "MADE": lambda: network_rows("MADE", fd.MADE(784, (500,), seed=0), 1000),
    "NADE": lambda: network_rows("NADE", fd.NADE(784, 500, seed=0), 200),
    "FVSBN": lambda: network_rows("FVSBN", fd.FVSBN(784), 1000),
    "MarkovChain": chain_rows,
}


def timed(call: Call, calls: int) -> float:
    """Seconds of so many calls."""
    start = perf_counter()
    for _ in range(calls):
        call()
    return perf_counter() - start


def serve() -> None:
    """Requests ["open", group] -> names of rows, warmed up; ["time", row, calls] -> seconds."""
    answer = partial(print, flush=True)
    answer(json.dumps(str(fd.__file__)))
    rows: dict[str, Call] = {}
    for line in sys.stdin:
        request, *arguments = json.loads(line)
        if request == "open":
            rows = GROUPS[arguments[0]]()
            for call in rows.values():
                call()
            answer(json.dumps(list(rows)))
        else:
            answer(json.dumps(timed(rows[arguments[0]], arguments[1])))


if __name__ == "__main__":
    serve()
