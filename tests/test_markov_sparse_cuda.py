"""CUDA twins of the loops over sparse Markov chains against these, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from test_markov_cuda import models, stream_of

from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.engines.draw import Draw
from fastdgm.engines.markov import plan as markov_plan
from fastdgm.engines.markov.run import request_of

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def loops():
    from fastdgm.engines.markov.loops_cuda import LOOPS

    return LOOPS


@pytest.fixture(params=range(3))
def case(request, monkeypatch):
    """A chain with a state that was never seen, its data, and whether sequences are ragged."""
    monkeypatch.setattr(markov_plan, "is_dense", lambda *sizes: False)
    model, data = list(models())[request.param]
    structure, arrays = model._state()
    return MarkovChain._from_state(structure, arrays), data, request.param == 0


def test_log_prob(loops, case):
    model, data, _ = case
    stream, scoring = stream_of(model, data), model._model.tables.scoring
    out = np.empty(len(stream))
    run(loops["sparse log_prob", "cuda"], len(out), scoring, stream.symbols, stream.starts, 9, out)
    assert (out == model._model.tables.log_prob(stream)).all() and (out == model.log_prob(data)).all()


@pytest.mark.parametrize("start", [0, 2**32 - 5])
def test_samples(loops, case, start):
    model, data, ragged = case
    prefix = stream_of(model, [x[: i % 4 if ragged else 2] for i, x in enumerate(data)])
    request = request_of(Draw(20, 2**63 + 1, start), prefix, 40 if ragged else 6, model.n_states)
    out, lengths = np.zeros((20, request.limit), np.uint8), np.zeros(20, np.int64)
    run(loops["sparse sample padded", "cuda"], 20, model._model.tables.sampler, request, out, lengths)
    given = [prefix[i] for i in range(20)]
    expected = model.sample(prefix=given if ragged else np.array(given), seed=2**63 + 1, start=start)
    assert all(x[:n].tolist() == own.tolist() for x, n, own in zip(out, lengths, expected, strict=True))
