"""Markov chains of order 3 over a million characters, against NumPy: ns per character."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
from masked_groups import Settings
from tasks import Record, Task, measure, ours
from workloads import SHARED_DATA

import fastdgm as fd

CHARACTERS = 1_000_000


def text() -> tuple[str, str]:
    """A million characters, and what they are: Shakespeare's where the optional data is at hand."""
    file = SHARED_DATA / "text" / "tinyshakespeare.txt.gz"
    if file.exists():
        return gzip.decompress(file.read_bytes()).decode()[:CHARACTERS], "tiny shakespeare"
    letters = np.random.default_rng(0).geometric(0.08, CHARACTERS).clip(max=60) + 39
    return letters.astype(np.uint8).tobytes().decode("ascii"), "random characters"


def markov(settings: Settings) -> tuple[list[Record], list[Record]]:
    """Order 3; ns per character."""
    from peers_ar.numpy_markov import NumpyMarkov

    characters, source = text()
    alphabet = sorted(set(characters))
    codes = np.searchsorted(alphabet, list(characters)).astype(np.uint8)
    peer = NumpyMarkov(codes, len(alphabet), 3)
    which = {"model": "MarkovChain order 3", "rows": 1, "characters": len(codes), "data": source}
    records = measure(markov_tasks(characters, codes, len(alphabet), peer), settings.rounds, which)
    records += markov_samples(characters, codes, peer, settings, which)
    for record in records:
        record["ns_per_character"] = float(f"{record['median_s'] / record['characters'] * 1e9:.4g}")
    return records, []


def markov_tasks(characters: str, codes: np.ndarray, n_states: int, peer: Any) -> list[Task]:
    """Scoring and counting of one long sequence."""
    from fastdgm.data.sequences import codes_as_stream
    from fastdgm.engines.markov.counts import Layout, count

    one = codes, np.array([0, len(codes)])
    layout = Layout(n_states, 3, None, False)
    stream = codes_as_stream(*one, n_states)
    by_codes = fd.MarkovChain(order=3, n_states=n_states).fit(one)
    by_text = fd.MarkovChain(order=3).fit(characters)
    return [
        ours("log_prob", 1, lambda: by_codes.log_prob(one), "codes"),
        ours("log_prob of a string", 1, lambda: by_text.log_prob(characters)),
        ours("count", 1, lambda: count(stream, layout), "codes; the step of fit that depends on the data's length"),
        ours(
            "fit", 1, lambda: fd.MarkovChain(order=3, n_states=n_states).fit(one), "codes; counts and smoothed tables"
        ),
        ours("fit of a string", 1, lambda: fd.MarkovChain(order=3).fit(characters)),
        Task("log_prob", "numpy", peer.log_prob, note="dense table; one sequence without start and end"),
        Task("count", "numpy", peer.count, note="bincount of a dense table"),
        Task("log_prob", "read", codes.max),
    ]


def markov_samples(characters: str, codes: np.ndarray, peer: Any, settings: Settings, which: Record) -> list[Record]:
    """Drawing about a million characters: rows of 100, and lines to their end."""
    rows = fd.MarkovChain(order=3, n_vars=100, n_states=int(codes.max()) + 1).fit(codes.reshape(-1, 100))
    records = measure(
        [
            ours("sample", 1, lambda: rows.sample(10_000, seed=1), "rows of 100 codes"),
            Task("sample", "numpy", lambda: peer.sample(10_000, 100), rounds=settings.slow_rounds, note="rows of 100"),
        ],
        settings.rounds,
        which | {"rows": 10_000, "characters": 1_000_000},
    )
    lines = [line for line in characters.split("\n") if line] if "\n" in characters else [characters[:100]] * 100
    model = fd.MarkovChain(order=3).fit(lines)
    n = 25_000
    drawn = sum(map(len, model.sample(n, seed=1)))
    task = ours("sample of strings", 1, lambda: model.sample(n, seed=1), "lines to their end, as a list")
    return records + measure([task], settings.rounds, which | {"rows": n, "characters": drawn})
