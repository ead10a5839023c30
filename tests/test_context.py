"""Autoregressive models of p(x | context): the same verbs, against the oracle, finite differences and torch."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import reference_ar as reference
from masked_models import plain_net, random_fvsbn, random_made

import fastdgm as fd
from fastdgm.errors import MissingValuesError

pytestmark = pytest.mark.kernel

N_CONTEXT = 3
MODELS = {
    "bernoulli": lambda: random_made(5, (16,), n_context=N_CONTEXT, dtype=np.float64),
    "categorical": lambda: random_made(5, (16, 12), n_states=3, n_context=N_CONTEXT, dtype=np.float64),
    "normal": lambda: random_made(5, (16,), head="normal", n_context=N_CONTEXT, scale=0.7, dtype=np.float64),
    "mixture": lambda: random_made(
        5, (16,), head="mixture", n_components=2, n_context=N_CONTEXT, scale=0.7, dtype=np.float64
    ),
    "fvsbn": lambda: random_fvsbn(5, n_context=N_CONTEXT, dtype=np.float64),
}
every_model = pytest.mark.parametrize("name", MODELS)
every_discrete_model = pytest.mark.parametrize("name", ["bernoulli", "categorical", "fvsbn"])


def contexts(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, N_CONTEXT))


def small_made(**options):
    return fd.MADE(4, (12,), n_context=N_CONTEXT, **options)


@every_model
def test_log_prob_is_the_oracles(name):
    model, context = MODELS[name](), contexts(150)
    x = model.sample(context=context, seed=1)
    expected = reference.log_prob(plain_net(model._net), x, context)
    np.testing.assert_allclose(model.log_prob(x, context=context), expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(
        model.log_prob(x, context=context, per_variable=True).sum(axis=1), expected, rtol=1e-11, atol=1e-11
    )
    bits = -expected.mean() / (5 * np.log(2))
    assert model.bits_per_variable(x, context=context) == pytest.approx(bits)
    assert (model.score_samples(x, context=context) == model.log_prob(x, context=context)).all()


@every_model
def test_samples_are_the_oracles_in_any_batch(name):
    model, context = MODELS[name](), contexts(150)
    words = 5 * model.uniforms_per_variable
    uniforms = reference.uniforms(7, 0, 150, words, np.float64).reshape(150, 5, -1)
    own = uniforms if model.uniforms_per_variable == 2 else uniforms[:, :, 0]
    x, log_prob = model.sample(context=context, seed=7, return_log_prob=True)
    np.testing.assert_allclose(model.sample(150, context=context, uniforms=own), x, rtol=1e-12)
    np.testing.assert_allclose(log_prob, model.log_prob(x, context=context), rtol=1e-12)
    for i in (0, 3, 149):  # few rows take other loops
        assert (model.sample(1, context=context[i], seed=7, start=i) == x[i]).all()
        assert model.log_prob(x[i], context=context[i])[0] == log_prob[i]
    parts = list(model.iter_samples(150, 64, context=context, seed=7))
    assert (np.concatenate(parts) == x).all()
    assert (model.sample(40, context=context[5], seed=7) == model.sample(context=context[[5] * 40], seed=7)).all()


@every_discrete_model
def test_probabilities_sum_to_one_in_every_context(name):
    model = MODELS[name]()
    rows = np.stack(np.meshgrid(*[range(model.n_states)] * 5), axis=-1).reshape(-1, 5)
    found = [np.exp(model.log_prob(rows, context=row)) for row in contexts(4)]
    np.testing.assert_allclose(np.sum(found, axis=1), 1.0, rtol=1e-12)
    assert np.abs(found[0] - found[1]).max() > 1e-3


@pytest.mark.parametrize("masks", ["even", "random"])
@pytest.mark.parametrize("hidden", [(3,), (9, 4)])
def test_every_variable_depends_on_the_context(masks, hidden):
    model = random_made(6, hidden, masks=masks, activation="tanh", n_context=N_CONTEXT, dtype=np.float64)
    terms = [model.log_prob(np.zeros((1, 6), int), context=row, per_variable=True) for row in contexts(2)]
    assert (terms[0] != terms[1]).all()


@every_model
def test_gradients_by_context_and_parameters_are_finite_differences(name):
    model, context, step = MODELS[name](), contexts(70), 1e-6
    x, weights = model.sample(context=context, seed=0), np.random.default_rng(1).normal(size=70)
    found = model.gradients_given(x, context, weights)
    np.testing.assert_allclose(found.log_prob, model.log_prob(x, context=context), rtol=1e-12)
    for c in range(N_CONTEXT):
        moved = step * np.eye(N_CONTEXT)[c]
        above, below = (model.log_prob(x, context=context + side * moved) for side in (1, -1))
        np.testing.assert_allclose(found.context[:, c], weights * (above - below) / (2 * step), atol=1e-6)
    parameters = {own: array.copy() for own, array in model.share_parameters().items()}
    for own, by in found.parameters.items():
        for i in np.argsort(-np.abs(by))[:5]:
            sides = []
            for side in (1, -1):
                changed = {key: array.copy() for key, array in parameters.items()}
                changed[own][i] += side * step
                sides.append(weights @ model.with_parameters(changed).log_prob(x, context=context))
            assert by[i] == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-4, abs=1e-5)


def bits_of_classes(n, seed=0):
    """Two classes of bits: nearly all 0, nearly all 1."""
    random = np.random.default_rng(seed)
    label = random.integers(0, 2, n)
    return (random.random((n, 4)) < np.where(label, 0.9, 0.1)[:, np.newaxis]).astype(int), np.eye(2)[label]


@pytest.mark.parametrize("kind", [lambda: fd.MADE(4, (16,), n_context=2), lambda: fd.FVSBN(4, n_context=2)])
def test_fit_learns_what_depends_on_the_context(kind, tmp_path):
    (x, context), (valid, valid_context) = bits_of_classes(2000), bits_of_classes(300, 1)
    options = {"context": context, "valid_context": valid_context, "learning_rate": 0.02, "progress": False}
    model = kind().fit(x, valid, epochs=8, **options)
    truth = np.where(valid == valid_context[:, 1:], np.log(0.9), np.log(0.1)).sum(axis=1)
    assert -0.1 < model.log_prob(valid, context=valid_context).mean() - truth.mean() < 0.02
    of_ones, of_zeros = (model.sample(500, context=own, seed=0).mean() for own in ([0, 1], [1, 0]))
    assert of_ones > 0.75 > 0.25 > of_zeros
    assert len(model.history) == 8
    resumed, path = kind(), tmp_path / "run.safetensors"
    constant = {**options, "schedule": "constant"}
    resumed.fit(x, valid, epochs=2, checkpoint=path, **constant)
    resumed = kind().fit(x, valid, epochs=4, checkpoint=path, **constant)
    at_once = kind().fit(x, valid, epochs=4, **constant)
    assert (resumed.log_prob(x, context=context) == at_once.log_prob(x, context=context)).all()
    with pytest.raises(ValueError, match="belongs to another run: its train"):
        kind().fit(x, valid, epochs=4, checkpoint=path, **{**constant, "context": context[::-1]})


def test_training_that_diverges_says_so():
    x = np.random.default_rng(0).normal(size=(50, 3))
    x[7] = 1e30
    with pytest.raises(FloatingPointError, match="standardise the data, whose values go up to 1e"):
        fd.MADE(3, (4,), head="normal", n_context=1).fit(x, context=np.zeros((50, 1)), epochs=1, progress=False)


def test_rows_of_context_and_prefix_go_together():
    model, context = small_made(seed=1), contexts(3)
    x = model.sample(context=context, n_per_row=4, seed=0)
    assert x.shape == (12, 4)
    assert (x == model.sample(12, context=context.repeat(4, axis=0), seed=0)).all()
    prefix = np.array([[0, 1], [1, 1], [1, 0]])
    both = model.sample(context=context, prefix=prefix, n_per_row=2, seed=3)
    assert (both[:, :2] == prefix.repeat(2, axis=0)).all()
    assert (both == model.sample(context=context.repeat(2, axis=0), prefix=prefix.repeat(2, axis=0), seed=3)).all()
    one = model.sample(context=context, prefix=prefix[:1], seed=3)
    assert (one == model.sample(context=context, prefix=prefix[[0, 0, 0]], seed=3)).all()
    other = model.sample(context=context[:1], prefix=prefix, seed=3)
    assert (other == model.sample(context=context[[0, 0, 0]], prefix=prefix, seed=3)).all()
    assert model.sample(5, context=context[0], prefix=prefix[:1], seed=0).shape == (5, 4)
    assert model.sample(0, context=context[0]).shape == (0, 4)


@every_model
def test_files_and_copies_keep_the_context(name, tmp_path):
    model, context = MODELS[name](), contexts(20)
    x = model.sample(context=context, seed=0)
    fd.write(model, tmp_path / "model.safetensors")
    for other in (fd.read(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other.n_context == N_CONTEXT
        assert (other.log_prob(x, context=context) == model.log_prob(x, context=context)).all()
    assert f"n_context={N_CONTEXT}" in repr(model)


X = np.zeros((5, 4), int)
BAD = {
    "missing": (lambda m: m.log_prob(X), ValueError, "context= is needed, 3 numbers"),
    "missing in a sample": (lambda m: m.sample(5), ValueError, "context= is needed"),
    "missing in fit": (lambda m: m.fit(X), ValueError, "context= is needed"),
    "not wanted": (lambda m: fd.MADE(4).log_prob(X, context=contexts(5)), ValueError, "n_context=0"),
    "not wanted by NADE": (lambda m: fd.NADE(4).sample(5, context=contexts(5)), ValueError, "NADE has n_context=0"),
    "width": (lambda m: m.log_prob(X, context=np.zeros((5, 4))), ValueError, r"shape \(n_rows, 3\), got \(5, 4\)"),
    "rows": (lambda m: m.log_prob(X, context=contexts(4)), ValueError, "each of the 5 rows, got 4"),
    "none": (lambda m: m.log_prob(X, context=contexts(0)), ValueError, "at least one row"),
    "NaN": (lambda m: m.log_prob(X, context=[0, np.nan, 0]), MissingValuesError, "context must hold finite"),
    "infinite": (lambda m: m.log_prob(X, context=[0, np.inf, 0]), ValueError, "context must hold finite"),
    "text": (lambda m: m.log_prob(X, context=["a", "b", "c"]), TypeError, "context must hold numbers"),
    "rows of a sample": (lambda m: m.sample(4, context=contexts(5)), ValueError, "leave n out, got n=4"),
    "rows of a prefix": (lambda m: m.sample(context=contexts(3), prefix=X[:, :2]), ValueError, "5 rows of the prefix"),
    "rows of chunks": (lambda m: m.iter_samples(4, context=contexts(5)), ValueError, "each of the 4 rows, got 5"),
    "valid": (lambda m: m.fit(X, X, context=contexts(5)), ValueError, "valid_context= is needed"),
    "no valid": (lambda m: m.fit(X, context=[0, 0, 0], valid_context=[0, 0, 0]), ValueError, "goes with valid="),
    "negative": (lambda m: fd.MADE(4, n_context=-1), ValueError, "n_context must be at least 0"),
    "fractional": (lambda m: fd.FVSBN(4, n_context=1.5), TypeError, "n_context"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name):
    call, error, text = BAD[name]
    with pytest.raises(error, match=text):
        call(small_made())


def test_torch_gets_gradients_by_the_context():
    torch = pytest.importorskip("torch")
    model = small_made(dtype=np.float64, activation="tanh")
    module, x = model.to_torch(), torch.randint(0, 2, (6, 4))
    context = torch.randn(6, N_CONTEXT, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c: module(x, c), context)
    one = torch.randn(N_CONTEXT, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c: module(x, c), one)
    drawn = model.sample(context=context, seed=0)
    assert isinstance(drawn, torch.Tensor)
    assert isinstance(module.sample(3, context=context[0], seed=0), torch.Tensor)


# Torch modules ----------------------------------------------------------------------------------------------------


def causal_module(torch, leaks=False):
    class Causal(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.before = torch.nn.Linear(4, 4)
            self.given = torch.nn.Linear(N_CONTEXT, 4)

        def forward(self, codes, context):
            weight = self.before.weight if leaks else torch.tril(self.before.weight, -1)
            return torch.nn.functional.linear(codes.float(), weight, self.before.bias) + self.given(context)

    torch.manual_seed(0)
    return Causal()


def test_a_module_with_context():
    torch = pytest.importorskip("torch")
    module, context = causal_module(torch), contexts(50)
    model = fd.Autoregressive(module, 4, 2, n_context=N_CONTEXT)
    assert "n_context=3" in repr(model)
    with pytest.warns(UserWarning, match="sampling runs the whole module"):
        x, log_prob = model.sample(context=context, seed=0, return_log_prob=True)
    z = module(torch.from_numpy(x.astype(int)), torch.from_numpy(context).float()).detach().double().numpy()
    expected = (x * z - np.logaddexp(0, z)).sum(axis=1)
    np.testing.assert_allclose(model.log_prob(x, context=context), expected, rtol=1e-5)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)
    assert (model.sample(1, context=context[9], seed=0, start=9) == x[9]).all()
    before = model.log_prob(x, context=context).mean()
    model.fit(x, context=context, epochs=3, batch_size=10, progress=False)
    assert model.log_prob(x, context=context).mean() > before
    with pytest.raises(ValueError, match="context= is needed"):
        model.log_prob(x)
    with pytest.raises(ValueError, match="not causal"):
        fd.Autoregressive(causal_module(torch, leaks=True), 4, 2, n_context=N_CONTEXT)
    with pytest.raises(ValueError, match=r"and a context of shape \(2, 2\), it raised"):
        fd.Autoregressive(module, 4, 2, n_context=2)


def conditional_masked_module(torch):
    class Conditional(torch.nn.Module):
        """A masked layer and a free one of the context, then a masked layer to the logits."""

        def __init__(self):
            super().__init__()
            self.first, self.given, self.last = torch.nn.Linear(4, 9), torch.nn.Linear(3, 9), torch.nn.Linear(9, 4)
            degrees = torch.arange(9) % 4
            with torch.no_grad():
                self.first.weight *= torch.arange(4) < degrees[:, None]
                self.last.weight *= degrees <= torch.arange(4)[:, None]

        def forward(self, inputs, context):
            return self.last(torch.relu(self.first(inputs) + self.given(context)))

    torch.manual_seed(0)
    return Conditional()


def test_a_torch_network_with_context_is_read():
    torch = pytest.importorskip("torch")
    module, context = conditional_masked_module(torch), contexts(60)
    made = fd.from_torch(module, n_context=N_CONTEXT)
    assert (made.n_vars, made.n_context) == (4, N_CONTEXT)
    x = made.sample(context=context, seed=0)
    z = module(torch.from_numpy(x).float(), torch.from_numpy(context).float()).detach().double().numpy()
    np.testing.assert_allclose(
        made.log_prob(x, context=context), (x * z - np.logaddexp(0, z)).sum(axis=1), rtol=1e-5, atol=1e-6
    )
    with pytest.raises((TypeError, ValueError)):
        fd.from_torch(module, n_context=2)
