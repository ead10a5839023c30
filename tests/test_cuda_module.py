"""Autoregressive modules on a GPU: rows and scores are the CPU's. In numba's simulator torch's CPU is the card."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")
from numba import config  # noqa: E402
from test_module import MODELS, Masked, Stepping  # noqa: E402

from fastdgm.engines.draw import Draw  # noqa: E402
from fastdgm.engines.torch import picking, tensor_picking  # noqa: E402

gpu = pytest.mark.gpu
pytestmark = pytest.mark.filterwarnings("ignore:sampling runs the whole module:UserWarning")
N = 7


def to_card(array):
    from numba import cuda

    return cuda.to_device(np.ascontiguousarray(array))


@pytest.fixture(params=MODELS, ids=str)
def pair(request):
    """A model on the CPU, and the same on the card."""
    n_vars, n_states, binary, kind = request.param
    place = "cpu" if config.ENABLE_CUDASIM else "cuda"
    modules = kind(n_vars, n_states, binary=binary), kind(n_vars, n_states, binary=binary).to(place)
    return [fd.Autoregressive(module, n_vars, n_states) for module in modules]


@gpu
@pytest.mark.parametrize("options", [{}, {"temperature": 0.5, "top_k": 2, "top_p": 0.9}], ids=str)
def test_rows_and_scores_are_those_of_the_cpu(pair, options, monkeypatch):
    monkeypatch.setattr("fastdgm.engines.torch.cuda_run.rows_at_once", lambda *_: 4)  # two batches
    here, there = pair
    asked = {"seed": 3, "start": 2**32 - 2, "return_log_prob": True, **options}
    expected, found = here.sample(N, **asked), there.sample(N, device="cuda", **asked)
    assert len(expected) == len(found)
    assert (found[0].copy_to_host() == expected[0]).all() and found[0].dtype == expected[0].dtype
    for ours, theirs in zip(found[1:], expected[1:], strict=True):
        np.testing.assert_allclose(ours.copy_to_host(), theirs, rtol=1e-10)
    for per_variable in (False, True):
        scores = there.log_prob(found[0], per_variable=per_variable).copy_to_host()
        np.testing.assert_allclose(scores, here.log_prob(expected[0], per_variable=per_variable), rtol=1e-10)


@gpu
def test_prefixes_and_uniforms(pair):
    here, there = pair
    prefix, uniforms = np.array([[0, 1], [1, 1]]), np.random.default_rng(0).random((4, here.n_vars))
    asked = {"n_per_row": 2, "return_log_prob": True}
    expected = here.sample(prefix=prefix, uniforms=uniforms, **asked)
    found = there.sample(prefix=to_card(prefix), uniforms=to_card(uniforms), **asked)
    assert (found[0].copy_to_host() == expected[0]).all()
    np.testing.assert_allclose(found[1].copy_to_host(), expected[1], rtol=1e-10)


@gpu
def test_no_rows(pair):
    assert pair[1].sample(0, device="cuda").shape == (0, pair[0].n_vars)
    assert pair[1].log_prob(to_card(np.zeros((0, pair[0].n_vars), np.uint8))).shape == (0,)


@gpu
def test_a_module_elsewhere_is_named():
    model = fd.Autoregressive(Masked(4, 2), 4, 2)
    model.module.to("meta")
    with pytest.raises(ValueError, match=r"the module Masked is on meta, the rows are on .*\.to\("):
        model.sample(3, device="cuda")


@gpu
def test_logits_that_are_none_are_refused_with_their_row():
    model = fd.Autoregressive(Stepping(4, 2).to("cpu" if config.ENABLE_CUDASIM else "cuda"), 4, 2)
    x = model.sample(3, seed=0, device="cuda")
    model.module.off = float("nan")
    with pytest.raises(ValueError, match="row 0"):
        model.sample(3, seed=0, device="cuda")
    with torch.no_grad():
        model.module.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="row 0"):
        model.log_prob(x)


@gpu
@pytest.mark.filterwarnings("error")
def test_the_cost_is_said_once():
    model = fd.Autoregressive(Masked(4, 2).to("cpu" if config.ENABLE_CUDASIM else "cuda"), 4, 2)
    with pytest.warns(UserWarning, match="once for each of 4 variables"):
        model.sample(2, device="cuda")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*Grid size")
        model.sample(2, device="cuda")


# Tensors: these need no card --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_states", [2, 5])
@pytest.mark.parametrize("options", [{}, {"top_k": 2}, {"top_p": 0.7}, {"temperature": 0.3, "top_k": 3, "top_p": 0.6}])
def test_tensors_are_picked_as_arrays(n_states, options):
    rng = np.random.default_rng(0)
    logits, uniforms = rng.normal(scale=3.0, size=(200, n_states)), rng.random(200)
    logits[::7, 0] = -np.inf
    uniforms[:2] = 0.0
    draw = Draw(200, 0, **options)
    expected = picking.truncated(logits, draw)
    found = tensor_picking.truncated(torch.tensor(logits), draw)
    np.testing.assert_allclose(found, expected)
    assert (tensor_picking.pick(found, torch.tensor(uniforms)).numpy() == picking.pick(expected, uniforms)).all()
    odds = tensor_picking.pick_log_odds(torch.tensor(logits), torch.tensor(uniforms)).numpy()
    assert (odds == picking.pick_log_odds(logits[:, :2], uniforms)).all()


@pytest.mark.parametrize("bad", [[np.nan, 0.0], [np.inf, 0.0], [-np.inf, -np.inf]], ids=str)
def test_rows_without_probabilities_are_found(bad):
    logits = torch.tensor([[0.0, -np.inf], bad])
    assert tensor_picking.is_defined(logits).tolist() == [True, False]
