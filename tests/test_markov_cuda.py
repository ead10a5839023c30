"""CUDA twins of the loops over Markov chains against these, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from device import run

from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.data.sequences import Stream
from fastdgm.engines.draw import Draw
from fastdgm.engines.markov.run import request_of

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def loops():
    from fastdgm.engines.markov.loops_cuda import LOOPS

    return LOOPS


def models():
    rng = np.random.default_rng(0)
    ragged = [rng.integers(0, 5, rng.integers(1, 9)) for _ in range(20)]
    yield MarkovChain(2, n_states=5).fit(ragged), ragged
    rows = rng.integers(0, 5, (20, 6))
    yield MarkovChain(2, n_states=5).fit(rows), rows
    yield MarkovChain(2, n_states=5, position_dependent=True).fit(rows), rows
    with_empty = [[], *ragged, []]
    yield MarkovChain(2, n_states=5).fit(with_empty), with_empty


def stream_of(model, data) -> Stream:
    rows = np.concatenate([np.append(x, 5) for x in data]).astype(np.uint8)
    return Stream(rows, np.cumsum([0, *(len(x) + 1 for x in data)]))


@pytest.mark.parametrize("number", range(4))
def test_log_prob(loops, number):
    model, data = list(models())[number]
    stream, scoring = stream_of(model, data), model._model.tables.scoring
    out = np.empty(len(stream))
    run(loops["log_prob", "cuda"], len(out), scoring, stream.symbols, stream.starts, 9, out)
    assert (out == model._model.tables.log_prob(stream)).all() and (out == model.log_prob(data)).all()


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("start", [0, 2**32 - 5])
def test_samples(loops, number, start):
    model, data = list(models())[number]
    ragged = number in (0, 3)
    prefix = stream_of(model, [x[: 1 + i % 5 if ragged else 2] for i, x in enumerate(data)])
    request = request_of(Draw(20, 2**63 + 1, start), prefix, 40 if ragged else 6, model.n_states)
    out, lengths = np.zeros((20, request.limit), np.uint8), np.zeros(20, np.int64)
    run(loops["sample padded", "cuda"], 20, model._model.tables.sampler, request, out, lengths)
    given = [prefix[i] for i in range(20)]
    expected = model.sample(prefix=given if ragged else np.array(given), seed=2**63 + 1, start=start)
    assert all(x[:n].tolist() == own.tolist() for x, n, own in zip(out, lengths, expected, strict=True))


@pytest.mark.parametrize("number", range(4))
def test_counts(loops, number):
    model, data = list(models())[number]
    stream, scoring = stream_of(model, data), model._model.tables.scoring
    counts = np.zeros(len(scoring.table), np.int64)
    run(loops["count known contexts", "cuda"], len(stream), scoring, stream.symbols, stream.starts, counts)
    expected = np.zeros_like(counts)
    for i in range(len(stream)):
        state = scoring.start
        for symbol in stream.symbols[stream.starts[i] : stream.starts[i + 1]].tolist():
            expected[state * scoring.width + symbol] += 1
            state = int(scoring.successor[state * scoring.width + symbol])
    assert (counts == expected).all() and counts.sum() == len(stream.symbols)
