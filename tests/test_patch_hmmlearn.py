"""fd.patch("hmmlearn"): what its models answer is what they answered before."""

from __future__ import annotations

import copy
import importlib

import numpy as np
import pytest

import fastdgm as fd

hmm = pytest.importorskip("hmmlearn.hmm")
vhmm = pytest.importorskip("hmmlearn.vhmm")
base = importlib.import_module("hmmlearn.base")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
RNG = np.random.default_rng(0)
K, LENGTHS = 3, [*RNG.integers(1, 12, 40)]
N = int(sum(LENGTHS))
REALS, COUNTS, SYMBOLS = RNG.normal(size=(N, 2)) * 3, RNG.poisson(4, (N, 2)), RNG.integers(0, 5, (N, 1))
BALLS = RNG.multinomial(6, [0.2, 0.3, 0.5], N)

SETTINGS = {"n_iter": 2, "tol": -np.inf, "random_state": 0}
MODELS = {
    "categorical": (hmm.CategoricalHMM, SYMBOLS, {}),
    "Gaussian, diag": (hmm.GaussianHMM, REALS, {"covariance_type": "diag"}),
    "Gaussian, full": (hmm.GaussianHMM, REALS, {"covariance_type": "full"}),
    "Gaussian mixture": (hmm.GMMHMM, REALS, {"n_mix": 2}),
    "multinomial": (hmm.MultinomialHMM, BALLS, {}),
    "Poisson": (hmm.PoissonHMM, COUNTS, {}),
    "Poisson, one column": (hmm.PoissonHMM, COUNTS[:, :1], {}),
    "variational categorical": (vhmm.VariationalCategoricalHMM, SYMBOLS, {}),
    "variational Gaussian": (vhmm.VariationalGaussianHMM, REALS, {}),
}
PARAMETERS = ("startprob_", "transmat_", "means_", "covars_", "emissionprob_", "lambdas_", "weights_", "_covars_")


def answers(model, data, lengths):
    """Everything that a model says after and of a fit."""
    model.fit(data, lengths)
    score, posteriors = model.score_samples(data, lengths)
    found = [model.score(data, lengths), score, posteriors, model.predict(data, lengths), [*model.monitor_.history]]
    for algorithm in ("viterbi", "map"):
        found += model.decode(data, lengths, algorithm=algorithm)
    return found + [getattr(model, name) for name in PARAMETERS if hasattr(model, name)]


@pytest.mark.parametrize("implementation", ["log", "scaling"])
@pytest.mark.parametrize("name", MODELS)
def test_all_answers_are_the_same(name, implementation):
    check(name, implementation, LENGTHS)


@pytest.mark.parametrize("implementation", ["log", "scaling"])
def test_one_sequence(implementation):
    check("Poisson", implementation, None)


def check(name, implementation, lengths):
    kind, data, options = MODELS[name]
    theirs = answers(kind(K, implementation=implementation, **SETTINGS, **options), data, lengths)
    with fd.patch("hmmlearn"):
        ours = answers(kind(K, implementation=implementation, **SETTINGS, **options), data, lengths)
    for own, other in zip(ours, theirs, strict=True):
        assert np.shape(own) == np.shape(other) and np.asarray(own).dtype == np.asarray(other).dtype
        if np.asarray(own).dtype == np.int64 and "variational" in name:
            continue  # it begins with states that are alike: the best of them is chance
        np.testing.assert_allclose(own, other, rtol=1e-8, atol=1e-10)


def fitted(implementation="log"):
    model = hmm.CategoricalHMM(K, implementation=implementation, **SETTINGS)
    return model.fit(SYMBOLS, LENGTHS)


@pytest.mark.parametrize("implementation", ["log", "scaling"])
def test_threads_do_not_matter(implementation):
    model = fitted(implementation)
    long = np.tile(SYMBOLS, (200, 1))
    lengths = LENGTHS * 200
    found = []
    for n in (1, 3):
        with fd.patch("hmmlearn"), fd.num_threads(n):
            found.append((model.score(long, lengths), copy.deepcopy(model).fit(long, lengths).transmat_))
    assert found[0][0] == found[1][0] and (found[0][1] == found[1][1]).all()


def test_undone():
    before = [base._hmmc.forward_log, base._AbstractHMM._score_log, hmm.CategoricalHMM.decode]
    patch = fd.patch("hmmlearn")
    assert base._hmmc.forward_log is not before[0] and hmm.CategoricalHMM.decode is not before[2]
    patch.undo()
    assert [base._hmmc.forward_log, base._AbstractHMM._score_log, hmm.CategoricalHMM.decode] == before


@pytest.mark.parametrize("lengths", [[1] * 20, [0] * 10 + [N], [], [N / 10.0] * 10])
def test_wrong_lengths_are_told_as_before(lengths):
    model = fitted()

    def error():
        try:
            return model.score(SYMBOLS, lengths)
        except Exception as found:
            return type(found), str(found)

    theirs = error() if 0 not in lengths else None  # empty sequences: hmmlearn reads what is not there
    with fd.patch("hmmlearn"):
        ours = error()
    if theirs is None:
        assert ours[0] is ValueError and "at least one frame" in ours[1]
    else:
        assert ours == theirs


def test_underflow_is_told_as_before():
    model = hmm.GaussianHMM(K, implementation="scaling", **SETTINGS).fit(REALS, LENGTHS)
    far = REALS.copy()
    far[7] = 1e3
    for verb in (model.score, model.score_samples, model.fit):
        with fd.patch("hmmlearn"), pytest.raises(ValueError, match="forward pass failed with underflow"):
            verb(far, LENGTHS)
        model.init_params, model.params = "", ""


def test_a_model_without_parameters():
    with fd.patch("hmmlearn"), pytest.raises(ValueError, match="not fitted"):
        hmm.GaussianHMM(K).decode(REALS, LENGTHS)


def test_unknown_decoders_are_told_as_before():
    with fd.patch("hmmlearn"), pytest.raises(ValueError, match="Unknown decoder 'best'"):
        fitted().decode(SYMBOLS, LENGTHS, algorithm="best")


def test_symbols_that_a_model_does_not_have():
    model, data = fitted(), SYMBOLS.copy()
    data[3] = 9
    for patched in (False, True):
        patch = fd.patch("hmmlearn") if patched else None
        with pytest.raises(IndexError):
            model.score(data, LENGTHS)
        if patch:
            patch.undo()


class Own(hmm.GaussianHMM):
    """Likelihoods of its own making, by sequence."""

    def _compute_log_likelihood(self, X):
        return super()._compute_log_likelihood(X) - len(X)


def test_classes_of_other_people_keep_their_methods():
    model = Own(K, **SETTINGS).fit(REALS, LENGTHS)
    theirs = model.score(REALS, LENGTHS)
    with fd.patch("hmmlearn"):
        assert model.score(REALS, LENGTHS) == pytest.approx(theirs, rel=1e-12)
        again = Own(K, **SETTINGS).fit(REALS, LENGTHS)
    np.testing.assert_allclose(again.means_, model.means_, rtol=1e-8)


def test_undone_during_a_fit(monkeypatch):
    theirs = fitted()
    patch = fd.patch("hmmlearn")
    model = hmm.CategoricalHMM(K, **SETTINGS)
    monkeypatch.setattr(model, "_estep_begin", patch.undo)  # as another thread may do it
    np.testing.assert_allclose(model.fit(SYMBOLS, LENGTHS).transmat_, theirs.transmat_, rtol=1e-8)


def test_an_unknown_implementation_is_told_as_before():
    with fd.patch("hmmlearn"), pytest.raises(KeyError, match="'best'"):
        hmm.GaussianHMM(K, implementation="best").fit(REALS, LENGTHS)


def test_recursions_check_what_they_are_given():
    with fd.patch("hmmlearn"):
        start, step, frames = np.full(2, 0.5), np.full((2, 2), 0.5), np.zeros((4, 2))
        recursions = base._hmmc
        with pytest.raises(ValueError, match="shape mismatch"):
            recursions.forward_log(start, np.full((3, 3), 1 / 3), frames)
        with pytest.raises(ValueError, match="shape mismatch"):
            recursions.backward_scaling(start, step, frames, np.ones(3))
        with pytest.raises(ValueError, match="number of dimensions: 1; expected 2"):
            recursions.viterbi(start, step, frames[0])
        with pytest.raises(ValueError, match="at least one frame"):
            recursions.compute_log_xi_sum(frames[:0], step, frames[:0], frames[:0])
        assert recursions.forward_log([0.5, 0.5], step.tolist(), frames.tolist())[0] == pytest.approx(0.0, abs=1e-12)
        log_xi = recursions.compute_log_xi_sum(frames, np.eye(2), frames, frames)
        assert np.isneginf(log_xi[0, 1]) and np.isfinite(log_xi[0, 0])
