"""The twins of the loops over Markov chains: a dense one over 20 symbols, a sparse one over 20 000 words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

import fastdgm as fd
from fastdgm.data.sequences import Stream, codes_as_stream
from fastdgm.engines.draw import Draw
from fastdgm.engines.markov.loops_cuda import LOOPS
from fastdgm.engines.markov.run import request_of

UNUSED = 4096  # the size of the CPU's scratch, of which a twin has no need


def dense_cases(n: int, length: int) -> Iterator[Case]:
    """An order-3 chain over 20 symbols: a stream scored and counted, rows drawn."""
    rng = np.random.default_rng(0)
    model = fd.MarkovChain(3, n_states=20).fit(rng.integers(0, 20, (2000, length)))
    fitted, x = model._model.tables, model.sample(n, seed=1)
    stream = Stream(np.column_stack([x, np.full(n, 20)]).astype(np.uint8).ravel(), np.arange(n + 1) * (length + 1))
    scoring, symbols = fitted.scoring, len(stream.symbols)
    yield Case(
        "Markov log_prob",
        LOOPS["log_prob", "cuda"],
        (scoring, stream.symbols, stream.starts, UNUSED),
        (np.full(n, np.nan),),
        (fitted.log_prob(stream),),
        0.0,
        n,
        symbols,
        symbols + 8 * n,
        lambda: fitted.log_prob(stream),
    )
    counts = np.zeros(len(scoring.table), np.int64)
    state = np.full(n, scoring.start)
    for d in range(length + 1):
        cell = state * scoring.width + stream.symbols.reshape(n, -1)[:, d]
        counts += np.bincount(cell, minlength=len(counts))
        state = scoring.successor[cell].astype(np.int64)
    yield Case(
        "Markov count known contexts",
        LOOPS["count known contexts", "cuda"],
        (scoring, stream.symbols, stream.starts),
        (np.zeros_like(counts),),
        (counts,),
        0.0,
        n,
        symbols,
        symbols,
        lambda: fd.MarkovChain(3, n_states=20).fit(x),
    )
    yield Case(
        "Markov sample padded",
        LOOPS["sample padded", "cuda"],
        (fitted.sampler, request_of(Draw(n, 1), None, length, 20)),
        (np.zeros_like(x), np.zeros(n, np.int64)),
        (x, np.full(n, length)),
        0.0,
        n,
        x.size,
        x.size,
        lambda: model.sample(n, seed=1),
        n_words=x.size,
    )


def sparse_cases(n: int, n_seen: int) -> Iterator[Case]:
    """An order-2 chain of 20 000 words, of which most pairs were never seen: sequences scored and drawn."""
    rng = np.random.default_rng(0)
    values = np.minimum(rng.pareto(1.0, n_seen) * 3, 19_999).astype(np.int64)
    model = fd.MarkovChain(2, n_states=20_000).fit((values, np.arange(0, n_seen + 1, 20)))
    fitted, x = model._model.tables, model.sample(n, seed=1, max_length=40)
    stream = codes_as_stream(np.concatenate(x), np.concatenate([[0], np.cumsum([len(own) for own in x])]), 20_000)
    scoring, symbols = fitted.scoring, len(stream.symbols)
    yield Case(
        "Markov sparse log_prob",
        LOOPS["sparse log_prob", "cuda"],
        (scoring, stream.symbols, stream.starts, UNUSED),
        (np.full(n, np.nan),),
        (fitted.log_prob(stream),),
        0.0,
        n,
        symbols,
        2 * symbols + 8 * n,
        lambda: fitted.log_prob(stream),
    )
    rows = np.zeros((n, 40), np.uint16)
    for i, own in enumerate(x):
        rows[i, : len(own)] = own
    yield Case(
        "Markov sparse sample padded",
        LOOPS["sparse sample padded", "cuda"],
        (fitted.sampler, request_of(Draw(n, 1), None, 40, 20_000)),
        (np.zeros_like(rows), np.zeros(n, np.int64)),
        (rows, np.diff(stream.starts) - 1),
        0.0,
        n,
        symbols,
        2 * symbols,
        lambda: model.sample(n, seed=1, max_length=40),
        n_words=2 * symbols,
    )
