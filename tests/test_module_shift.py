"""Modules whose output t predicts variable t + 1, as every causal language model gives it, and outputs in wrappings."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch", reason="torch is not installed")
from torch import nn  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:sampling runs the whole module:UserWarning")
N_VARS, N_STATES = 4, 3


class Language(nn.Module):
    """Logits of what follows input t, from a running sum of embeddings of the inputs to t; one code more is known."""

    def __init__(self, wrap=lambda logits: logits):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.embedding = nn.Parameter(torch.randn(N_STATES + 1, 5, generator=generator, dtype=torch.float64))
        self.head = nn.Parameter(torch.randn(5, N_STATES, generator=generator, dtype=torch.float64))
        self.wrap = wrap

    def forward(self, codes):
        return self.wrap(torch.tanh(self.embedding[codes].cumsum(dim=1)) @ self.head)


class Stepping(Language):
    def init_state(self, n):
        return torch.zeros(n, 5, dtype=torch.float64)

    def step(self, state, previous):
        state = state + self.embedding[previous]
        return self.wrap(torch.tanh(state) @ self.head), state


def every_row():
    return np.array(list(itertools.product(range(N_STATES), repeat=N_VARS)))


def expected_log_prob(module, rows, start):
    """log p(x_0 | start) + log p(x_1 | start, x_0) + ..., one sequence at a time."""
    result = []
    for row in rows.tolist():
        log_p = torch.log_softmax(Language.forward(module, torch.tensor([[start, *row]])), dim=2)[0].detach()
        result.append(sum(float(log_p[t, code]) for t, code in enumerate(row)))
    return np.array(result)


@pytest.mark.parametrize("start", [N_STATES, 1])
@pytest.mark.parametrize("kind", [Language, Stepping])
def test_a_shifted_module_is_a_distribution_given_its_start(kind, start):
    model = fd.Autoregressive(kind(), N_VARS, N_STATES, shift=True, start=start)
    rows = every_row()
    np.testing.assert_allclose(model.log_prob(rows), expected_log_prob(model.module, rows, start), atol=1e-12)
    assert np.exp(model.log_prob(rows)).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("kind", [Language, Stepping])
def test_samples_of_shifted_modules(kind):
    model = fd.Autoregressive(kind(), N_VARS, N_STATES, shift=True, start=N_STATES)
    uniforms = np.random.default_rng(0).random((60, N_VARS))
    rows, log_prob = model.sample(60, uniforms=uniforms, return_log_prob=True)
    np.testing.assert_allclose(log_prob, model.log_prob(rows), atol=1e-12)
    for row, u in zip(rows, uniforms, strict=True):
        for d in range(N_VARS):
            sequence = torch.tensor([[N_STATES, *row[:d].tolist()]])
            p = torch.softmax(model.module(sequence)[0, -1], dim=0).cumsum(0).detach().numpy()
            assert row[d] == np.searchsorted(p, u[d], side="right")
    continued = model.sample(prefix=rows[:, :2], uniforms=uniforms)
    np.testing.assert_array_equal(continued, rows)


def test_steps_and_whole_passes_draw_the_same_rows():
    models = [fd.Autoregressive(kind(), N_VARS, N_STATES, shift=True, start=0) for kind in (Language, Stepping)]
    np.testing.assert_array_equal(*(model.sample(50, seed=3) for model in models))


def test_fit_of_a_shifted_module():
    model = fd.Autoregressive(Language(), N_VARS, N_STATES, shift=True, start=N_STATES)
    rows = np.random.default_rng(0).integers(0, N_STATES, (200, 1)).repeat(N_VARS, axis=1)
    before = model.log_prob(rows).mean()
    assert model.fit(rows, epochs=5, learning_rate=0.05, progress=False).log_prob(rows).mean() > before + 0.5


def test_the_error_for_modules_that_are_shifted_says_so():
    with pytest.raises(ValueError, match=r"output 0 changes when input 0 does.*as in GPT.*pass shift=True and start="):
        fd.Autoregressive(Language(), N_VARS, N_STATES)
    both = Language(lambda logits: logits + logits.mean(dim=1, keepdim=True))
    with pytest.raises(ValueError, match=r"not causal: output 0 changes when input [0-3] does") as caught:
        fd.Autoregressive(both, N_VARS, N_STATES, shift=True, start=0)
    assert "GPT" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"shift": True}, ValueError, "variable 0 needs something before it: pass start="),
        ({"start": 2}, ValueError, "start= goes with shift=True, got start=2"),
        ({"shift": True, "start": -1}, ValueError, "start must be a code from 0 on, got -1"),
        ({"shift": True, "start": 0.5}, TypeError, "start must be an integer"),
        ({"shift": True, "start": 99}, ValueError, r"int64 codes .* that begin with start=99, it raised: IndexError"),
    ],
)
def test_starts_that_are_none(options, error, message):
    with pytest.raises(error, match=message):
        fd.Autoregressive(Language(), N_VARS, N_STATES, **options)


def test_repr_shows_the_start():
    model = fd.Autoregressive(Language(), N_VARS, N_STATES, shift=True, start=2)
    assert repr(model) == "Autoregressive(Language, n_vars=4, n_states=3, shift=True, start=2): 35 parameters"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda logits: logits[:, [-1]], r"\(2, 4, 3\), got \(2, 1, 3\): all positions are needed, not the last alone"),
        (lambda logits: logits[:, -1], r"\(2, 4, 3\), got \(2, 3\): all positions are needed, not the last alone"),
        (lambda logits: torch.cat([logits, logits], dim=2), r"got \(2, 4, 6\): give n_states=6"),
        (lambda logits: logits[0], r"got \(4, 3\)$"),
    ],
)
def test_shapes_of_usual_kinds_have_a_hint(change, message):
    with pytest.raises(ValueError, match=message):
        fd.Autoregressive(Language(change), N_VARS, N_STATES, shift=True, start=0)


WRAPPINGS = {
    "an object": lambda logits: SimpleNamespace(logits=logits, past_key_values=None),
    "a dict": lambda logits: {"loss": None, "logits": logits},
    "a tuple": lambda logits: (logits, None),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("kind", [Language, Stepping])
def test_logits_in_a_wrapping(kind, wrapping):
    plain = fd.Autoregressive(kind(), N_VARS, N_STATES, shift=True, start=0)
    model = fd.Autoregressive(kind(WRAPPINGS[wrapping]), N_VARS, N_STATES, shift=True, start=0)
    np.testing.assert_array_equal(model.log_prob(every_row()), plain.log_prob(every_row()))
    np.testing.assert_array_equal(model.sample(9, seed=0), plain.sample(9, seed=0))


@pytest.mark.parametrize("wrong", [{"z": 1}, (), (None,), SimpleNamespace(logits=3), None])
def test_wrappings_without_logits(wrong):
    with pytest.raises(TypeError, match="the module must give logits, a tensor of floats, got"):
        fd.Autoregressive(Language(lambda logits: wrong), N_VARS, N_STATES, shift=True, start=0)
