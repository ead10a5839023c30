"""CUDA twins of sparse Markov chains against the CPU loops, bit for bit: on a GPU or in numba's simulator."""

from __future__ import annotations

import numpy as np
import pytest
from test_cuda import why_not
from test_markov_cuda import launch, models, stream_of

from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.engines.markov import plan as plans
from fastdgm.engines.markov import tables as markov_tables

pytestmark = [
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
    pytest.mark.filterwarnings("ignore:.*Grid size"),
]


@pytest.fixture(scope="module")
def twins():
    from fastdgm.kernels import markov_sparse_cuda

    return {name: getattr(markov_sparse_cuda, name) for name in markov_sparse_cuda.__all__}


@pytest.fixture(params=range(3))
def case(request, monkeypatch):
    """A chain with a state that was never seen, its data, and whether sequences are ragged."""
    monkeypatch.setattr(markov_tables, "is_dense", lambda *sizes: False)
    model, data = list(models())[request.param]
    structure, arrays = model._state()
    return MarkovChain._from_state(structure, arrays), data, request.param == 0


def test_log_prob(twins, case):
    model, data, _ = case
    stream, scoring = stream_of(model, data), model._model.scoring
    *_, out = launch(twins["sparse_log_prob_cuda"], scoring, stream.symbols, stream.starts, 9, np.empty(len(stream)))
    assert (out == plans.log_prob(scoring, stream)).all() and (out == model.log_prob(data)).all()


@pytest.mark.parametrize("start", [0, 2**32 - 5])
def test_samples(twins, case, start):
    model, data, ragged = case
    prefix = stream_of(model, [x[: i % 4 if ragged else 2] for i, x in enumerate(data)])
    request = plans.request_of(2**63 + 1, start, prefix, 1, 40 if ragged else 6, model._model)
    out, lengths = np.zeros((20, request.limit), np.uint8), np.zeros(20, np.int64)
    *_, out, lengths = launch(twins["sparse_sample_padded_cuda"], model._model.sampler, request, out, lengths)
    given = [prefix[i] for i in range(20)]
    expected = model.sample(prefix=given if ragged else np.array(given), seed=2**63 + 1, start=start)
    assert all(x[:n].tolist() == own.tolist() for x, n, own in zip(out, lengths, expected, strict=True))
