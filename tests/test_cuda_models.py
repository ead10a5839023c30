"""Autoregressive models on a GPU through their public verbs: what the CPU gives, and its errors."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from masked_models import random_fvsbn, random_made

from fastdgm.errors import MissingValuesError

pytestmark = pytest.mark.gpu

N = 7
MODELS = {
    "FVSBN": lambda: random_fvsbn(5),
    "MADE": lambda: random_made(5, (6, 4), activation="tanh"),
    "categorical": lambda: random_made(3, 5, n_states=3),
    "normal": lambda: random_made(3, 5, head="normal"),
    "context": lambda: random_made(4, 6, n_context=2),
}
every_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())


def to_card(array):
    from numba import cuda

    return cuda.to_device(np.ascontiguousarray(array))


def context_of(model, n=N):
    return np.random.default_rng(1).normal(size=(n, 2)).astype(np.float32) if model.n_context else None


def on_card(array):
    return None if array is None else to_card(array)


@every_model
def test_scores_are_those_of_the_cpu(make):
    model = make()
    context = context_of(model)
    x = model.sample(N, context=context, seed=2)
    for data in (x, x.astype(np.int64) if model.n_states else x.astype(np.float64)):
        found = model.log_prob(to_card(data), context=on_card(context))
        np.testing.assert_allclose(found.copy_to_host(), model.log_prob(x, context=context), rtol=1e-4)
    terms = model.log_prob(to_card(x), context=on_card(context), per_variable=True).copy_to_host()
    np.testing.assert_allclose(terms, model.log_prob(x, context=context, per_variable=True), rtol=1e-3, atol=1e-4)
    bits = model.bits_per_variable(to_card(x), context=on_card(context))
    np.testing.assert_allclose(bits, model.bits_per_variable(x, context=context), rtol=1e-4)


@every_model
def test_rows_are_those_of_the_cpu(make):
    model = make()
    context = context_of(model)
    there, log_prob = model.sample(N, context=context, seed=4, start=2**32 - 3, return_log_prob=True, device="cuda")
    here, expected = model.sample(N, context=context, seed=4, start=2**32 - 3, return_log_prob=True)
    close = {"rtol": 1e-3, "atol": 1e-3}  # the seed draws no uniform within 1e-5 of a threshold
    np.testing.assert_allclose(there.copy_to_host(), here, **close)
    np.testing.assert_allclose(log_prob.copy_to_host(), expected, **close)
    assert there.dtype == here.dtype


def test_completions_of_a_prefix_there():
    model = random_made(5, (6,))
    prefix = np.array([[0, 1], [1, 1]])
    uniforms = np.random.default_rng(3).random((6, 5))
    options = {"n_per_row": 3, "temperature": 1.0}
    expected = model.sample(prefix=prefix, uniforms=uniforms, **options)
    for given in (to_card(uniforms), uniforms):
        found = model.sample(prefix=to_card(prefix), uniforms=given, **options).copy_to_host()
        assert (found == expected).all()


def test_one_row_of_context_and_several_prefixes():
    model = random_made(4, 6, n_context=2)
    prefix, context = np.array([[0, 1], [1, 1]]), np.array([[0.3, -1.0]])
    expected = model.sample(prefix=prefix, context=context, n_per_row=2, seed=1)
    found = model.sample(prefix=to_card(prefix), context=to_card(context), n_per_row=2, seed=1)
    assert (found.copy_to_host() == expected).all()
    several = np.repeat(context, 3, axis=0)
    found = model.sample(prefix=to_card(prefix[:1]), context=to_card(several), n_per_row=2, seed=1)
    expected = model.sample(prefix=prefix[:1], context=several, n_per_row=2, seed=1)
    assert (found.copy_to_host() == expected).all()


def test_pieces_concatenate_to_one_call():
    model = random_fvsbn(4)
    pieces = [part.copy_to_host() for part in model.iter_samples(7, chunk=3, seed=5, device="cuda")]
    assert [len(part) for part in pieces] == [3, 3, 1]
    assert (np.concatenate(pieces) == model.sample(7, seed=5)).all()


def test_errors_are_those_of_the_cpu():
    model = random_made(3, 5)
    for x in (
        np.array([[0, 1, 0], [0, 2, 0]]),
        np.array([[0, 1, 0], [0, 1, -1]]),
        np.array([[0.0, 1.0, np.nan]]),
        np.array([[0.0, 0.5, 0.0]]),
        np.zeros((2, 4), np.uint8),
    ):
        with pytest.raises(ValueError) as here:
            model.log_prob(x)
        with pytest.raises(type(here.value)) as there:
            model.log_prob(to_card(x))
        assert str(there.value) == str(here.value)
    assert isinstance(here.value, ValueError) and not isinstance(here.value, MissingValuesError)
    with pytest.raises(ValueError, match="context= is not possible"):
        model.log_prob(to_card(np.zeros((2, 3))), context=to_card(np.zeros((2, 1))))
    with pytest.raises(ValueError, match="at least 0 and below 1"):
        model.sample(2, uniforms=to_card(np.ones((2, 3))))
    with pytest.raises(TypeError, match="x must be one array of a GPU"):
        random_made(3, 5, n_context=1).log_prob(np.zeros((2, 3)), context=to_card(np.zeros((2, 1))))


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value")
def test_what_is_not_defined_raises():
    model = random_made(3, 5, head="normal", scale=1e30, activation="relu")
    x = np.full((2, 3), 1e30, np.float32)
    with pytest.raises(ValueError, match="log_prob of row 0 is not defined"):
        model.log_prob(to_card(x))
    with pytest.raises(ValueError, match="cannot be drawn"):
        model.sample(2, seed=0, device="cuda")


def test_parameters_are_uploaded_once_and_anew_after_a_change(monkeypatch):
    from fastdgm.runtime.cuda_queue import CudaQueue

    uploads = []
    whole = CudaQueue.plan_to_device
    monkeypatch.setattr(CudaQueue, "plan_to_device", lambda queue, plan: uploads.append(1) or whole(queue, plan))
    model = random_fvsbn(3)
    x = to_card(model.sample(N, seed=0))
    model.log_prob(x)
    first = len(uploads)
    model.log_prob(x)
    assert len(uploads) == first > 0
    model.fit(x.copy_to_host(), epochs=1, progress=False)
    found = model.log_prob(x).copy_to_host()
    np.testing.assert_allclose(found, model.log_prob(x.copy_to_host()), rtol=1e-4)
    assert len(uploads) == 2 * first
    twin = pickle.loads(pickle.dumps(copy.deepcopy(model)))
    np.testing.assert_allclose(twin.log_prob(x).copy_to_host(), found)


def test_memory_that_torch_shares_is_read_anew():
    torch = pytest.importorskip("torch")
    model = random_fvsbn(3)
    module = model.to_torch()
    x = to_card(np.eye(3))
    model.log_prob(x)
    with torch.no_grad():
        for own in module.parameters():
            own.mul_(0.5)
    np.testing.assert_allclose(model.log_prob(x).copy_to_host(), model.log_prob(np.eye(3)), rtol=1e-4)


TEMPERED = {
    "FVSBN": [{"temperature": 0.5}, {"top_k": 1}, {"temperature": 2.0, "top_p": 0.8}],
    "MADE": [{"temperature": 1e-300}, {"top_p": 0.6}],
    "categorical": [{"temperature": 0.5, "top_k": 2}, {"temperature": 3.0, "top_p": 0.7}, {"top_k": 2, "top_p": 0.5}],
    "normal": [{"temperature": 0.25}],
    "context": [{"temperature": 1.5}],
}


@every_model
def test_tempered_and_truncated_rows_are_those_of_the_cpu(make):
    model = make()
    context = context_of(model)
    name = next(name for name, own in MODELS.items() if own is make)
    for options in TEMPERED[name]:
        own = {"context": context, "seed": 6, "return_log_prob": True, **options}
        there = model.sample(N, device="cuda", **own)
        for found, expected in zip(there, model.sample(N, **own), strict=True):
            np.testing.assert_allclose(found.copy_to_host(), expected, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="top_k and top_p need discrete"):
        random_made(2, 3, head="normal").sample(2, top_k=1, device="cuda")
    with pytest.raises(ValueError, match="temperature must be positive"):
        model.sample(N, context=context, temperature=0, device="cuda")


@pytest.mark.parametrize("name", ["FVSBN", "MADE", "categorical", "context"])
def test_panels_by_torch_give_the_same_rows(name, monkeypatch):
    torch = pytest.importorskip("torch")
    from fastdgm.engines.masked import cuda_run

    model = MODELS[name]()
    options = {"context": context_of(model), "seed": 3, "return_log_prob": True, "temperature": 0.9}
    expected = model.sample(N, **options)
    monkeypatch.setattr(cuda_run, "loaded_torch", lambda: torch)
    monkeypatch.setattr(cuda_run, "PANELS_FROM", 0)
    monkeypatch.setattr(cuda_run, "ROWS_AT_ONCE", 4)
    for found, own in zip(model.sample(N, device="cuda", **options), expected, strict=True):
        np.testing.assert_allclose(found.copy_to_host(), own, rtol=1e-3, atol=1e-3)
