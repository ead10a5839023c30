"""Masked networks trained on a GPU: the steps of the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from device import run
from masked_models import random_fvsbn, random_made
from test_cuda_models import context_of, on_card, to_card

from fastdgm.engines.masked.loops_cuda import LOOPS
from fastdgm.errors import DivergedError
from fastdgm.kernels.made_training_cuda import Minibatch

pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value")]

N = 10
EXACT = {"dtype": np.float64}
MODELS = {
    "FVSBN": lambda: random_fvsbn(4, **EXACT),
    "MADE": lambda: random_made(4, (5, 4), activation="tanh", **EXACT),
    "categorical": lambda: random_made(3, 5, n_states=3, activation="silu", **EXACT),
    "normal": lambda: random_made(3, 5, head="normal", activation="elu", **EXACT),
    "context": lambda: random_made(3, 6, n_context=2, **EXACT),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_fit_takes_the_steps_of_the_cpu(make):
    here, there = make(), make()
    context = context_of(here, N)
    context = None if context is None else context.astype(np.float64)
    x = here.sample(N, context=context, seed=1)
    options = {"epochs": 2, "batch_size": 6, "learning_rate": 0.05, "weight_decay": 0.01, "progress": False}
    here.fit(x, x[:7], context=context, valid_context=None if context is None else context[:7], **options)
    own = on_card(context), None if context is None else to_card(context[:7])
    there.fit(to_card(x), to_card(x[:7]), context=own[0], valid_context=own[1], **options)
    for name, array in there._parameters_of_fit().items():
        np.testing.assert_allclose(array, here._parameters_of_fit()[name], rtol=1e-6, atol=1e-8)
    for record, expected in zip(there.history, here.history, strict=True):
        assert [record[key] for key in ("epoch", "learning_rate")] == [
            expected[key] for key in ("epoch", "learning_rate")
        ]
        np.testing.assert_allclose([record["train"], record["valid"]], [expected["train"], expected["valid"]])


HEADS = [{}, {"n_states": 4}, {"head": "normal"}, {"head": "mixture", "n_components": 3}]


@pytest.mark.parametrize("options", HEADS, ids=str)
def test_slopes_of_heads_are_the_derivatives_of_their_terms(options):
    net = random_made(2, 4, **EXACT, **options)._net
    first, rows, columns = int(net.layers[-1, 0]), 2 * net.head_size, 8
    x = np.array([[1.0, 0.0], [0.0, 1.0]]).astype(np.float64 if "head" in options else np.uint8)
    state = np.random.default_rng(0).normal(size=(net.biases.size, columns))

    def found(state):
        scratch = np.zeros_like(state), np.zeros_like(state), np.zeros(2 * columns)
        batch = Minibatch(x, np.empty((2, 0)), np.array([1, 0]), 0, 2, state, *scratch)
        run(LOOPS["head slopes", "cuda"], columns, net, batch)
        return batch.terms.reshape(2, columns)[:, :2], batch.slopes[first : first + rows, :2]

    terms, slopes = found(state)
    for row in range(rows):
        moved = state.copy()
        moved[first + row] += 1e-6
        by_row = (found(moved)[0] - terms).sum(axis=0) / 1e-6
        np.testing.assert_allclose(slopes[row], by_row, rtol=1e-4, atol=1e-5)


def test_what_cannot_be_done_there_is_refused(tmp_path):
    model = random_fvsbn(3)
    x = to_card(np.eye(3, dtype=np.uint8))
    before = model._net.weights.copy()
    with pytest.raises(TypeError, match="checkpoint= is not possible"):
        model.fit(x, checkpoint=tmp_path / "a", progress=False)
    with pytest.raises(ValueError, match="train must have at least one row"):
        model.fit(to_card(np.zeros((0, 3), np.uint8)), progress=False)
    with pytest.raises(ValueError, match="valid must hold codes from 0 to 1"):
        model.fit(x, to_card(np.full((2, 3), 2)), progress=False)
    with pytest.raises(TypeError, match="valid must be one array of a GPU"):
        model.fit(x, np.eye(3), progress=False)
    assert (model._net.weights == before).all()


def test_a_diverging_fit_leaves_the_model_as_it_was():
    model = random_made(3, 4, head="normal")
    before = model._net.weights.copy()
    x = np.full((4, 3), 1e30, np.float32)
    with pytest.raises(DivergedError, match="The model is unchanged"):
        model.fit(to_card(x), epochs=3, learning_rate=1e30, progress=False)
    assert (model._net.weights == before).all()
