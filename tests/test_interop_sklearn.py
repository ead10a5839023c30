"""scikit-learn's mixtures and naive Bayes classifiers both ways: the same densities and the same posteriors."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import fastdgm as fd

COVARIANCES = ["full", "tied", "diag", "spherical"]
ROWS = np.random.default_rng(5).normal(size=(300, 3)) * [1, 5, 0.1] + [0, 100, -1]
CLASSES = np.array(["no", "perhaps", "yes"])[np.random.default_rng(6).integers(0, 3, 300)]


@pytest.fixture(scope="module")
def naive_bayes():
    return pytest.importorskip("sklearn.naive_bayes", reason="scikit-learn is not installed")


def joint(net: fd.BayesNet, columns: dict[str, np.ndarray], target: str) -> np.ndarray:
    """log p(target = k, columns), (n, k)."""
    n = len(next(iter(columns.values())))
    return np.stack([net.log_prob({**columns, target: [state] * n}) for state in net.states[target]], axis=1)


def posterior(terms: np.ndarray) -> np.ndarray:
    odds = np.exp(terms - terms.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def assert_same_mixture(net: fd.BayesNet, model, rows: np.ndarray) -> None:
    terms = joint(net, {"x": rows}, "z")
    assert np.logaddexp.reduce(terms, axis=1) == pytest.approx(model.score_samples(rows), rel=1e-9, abs=1e-9)
    assert posterior(terms) == pytest.approx(model.predict_proba(rows), abs=1e-9)
    assert net.log_prob({"x": rows}) == pytest.approx(model.score_samples(rows), rel=1e-9, abs=1e-9)
    assert net.predict_proba({"x": rows}, "z") == pytest.approx(model.predict_proba(rows), abs=1e-9)


def assert_same_classifier(net: fd.BayesNet, model, rows: np.ndarray) -> None:
    target, *features = net.names
    columns = dict(zip(features, rows.T, strict=True))
    assert net.predict_proba(columns, target) == pytest.approx(model.predict_proba(rows), abs=1e-9)
    terms = joint(net, columns, target)
    assert terms == pytest.approx(model.predict_joint_log_proba(rows), rel=1e-9, abs=1e-9)
    assert posterior(terms) == pytest.approx(model.predict_proba(rows), abs=1e-9)


# --- mixtures ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance_type", COVARIANCES)
def test_mixtures_both_ways(covariance_type):
    mixture = pytest.importorskip("sklearn.mixture", reason="scikit-learn is not installed")
    model = mixture.GaussianMixture(3, covariance_type=covariance_type, random_state=0).fit(ROWS)
    net = fd.from_sklearn(model)
    assert (net.names, net.parents["x"], net.states["z"]) == (("z", "x"), ("z",), ("0", "1", "2"))
    assert_same_mixture(net, model, ROWS)
    back = net.to_sklearn()
    assert back.covariance_type == ("diag" if covariance_type in ("diag", "spherical") else "full")
    assert back.score_samples(ROWS) == pytest.approx(model.score_samples(ROWS), rel=1e-9)
    assert back.predict(ROWS).tolist() == model.predict(ROWS).tolist()
    assert back.bic(ROWS) < np.inf and back.sample(5)[0].shape == (5, 3)
    again = fd.from_sklearn(back)
    assert again["x"] == net["x"] and again["z"] == net["z"]


def test_a_mixture_of_one_number():
    mixture = pytest.importorskip("sklearn.mixture", reason="scikit-learn is not installed")
    model = mixture.GaussianMixture(2, covariance_type="spherical", random_state=0).fit(ROWS[:, :1])
    net = fd.from_sklearn(model, target="component")
    assert net.names == ("component", "x")
    assert net.to_sklearn().score_samples(ROWS[:, :1]) == pytest.approx(model.score_samples(ROWS[:, :1]), rel=1e-9)


# --- naive Bayes -------------------------------------------------------------------------------------------


def test_gaussian_naive_bayes_both_ways(naive_bayes):
    model = naive_bayes.GaussianNB().fit(ROWS, CLASSES)
    net = fd.from_sklearn(model, target="class", names=["a", "b", "c"])
    assert net.names == ("class", "a", "b", "c") and net.states["class"] == ("no", "perhaps", "yes")
    assert_same_classifier(net, model, ROWS)
    back = net.to_sklearn()
    assert type(back) is naive_bayes.GaussianNB
    assert back.predict(ROWS).tolist() == model.predict(ROWS).tolist()
    assert back.predict_proba(ROWS) == pytest.approx(model.predict_proba(ROWS), abs=1e-12)
    again = fd.from_sklearn(back, target="class", names=["a", "b", "c"])
    assert all(again[name] == net[name] for name in net.names)


@pytest.mark.parametrize(
    ("classes", "states"), [([4, 7], ("4", "7")), ([False, True], ("False", "True")), ([0, 1], ("0", "1"))]
)
def test_bernoulli_naive_bayes_both_ways(naive_bayes, classes, states):
    rng = np.random.default_rng(0)
    rows, y = rng.integers(0, 2, (200, 4)), np.array(classes)[rng.integers(0, 2, 200)]
    model = naive_bayes.BernoulliNB().fit(rows, y)
    net = fd.from_sklearn(model)
    assert net.names == ("y", "x0", "x1", "x2", "x3") and net.states["y"] == states
    assert_same_classifier(net, model, rows)
    back = net.to_sklearn()
    assert type(back) is naive_bayes.BernoulliNB
    assert back.predict_proba(rows) == pytest.approx(model.predict_proba(rows), abs=1e-12)
    if classes != [4, 7]:
        assert back.classes_.tolist() == classes
    assert back.predict(rows).astype(str).tolist() == model.predict(rows).astype(str).tolist()


def test_categorical_naive_bayes_both_ways(naive_bayes):
    rng = np.random.default_rng(0)
    rows, y = rng.integers(0, [3, 2, 5], (300, 3)), rng.integers(0, 3, 300)
    model = naive_bayes.CategoricalNB().fit(rows, y)
    net = fd.from_sklearn(model)
    assert [net[name].n_states for name in net.names] == [3, 3, 2, 5]
    assert_same_classifier(net, model, rows)
    back = net.to_sklearn()
    assert type(back) is naive_bayes.CategoricalNB
    assert back.predict_log_proba(rows) == pytest.approx(model.predict_log_proba(rows), abs=1e-12)
    assert back.predict(rows).tolist() == model.predict(rows).tolist()


def test_networks_that_were_learnt_here(naive_bayes):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (500, 3))
    net = fd.naive_bayes("spam", {"bank": 2, "account": 2}, target_states=["no", "yes"]).fit(rows)
    model = net.to_sklearn()
    assert model.classes_.tolist() == ["no", "yes"]
    assert_same_classifier(net, model, rows[:, 1:])


@pytest.mark.parametrize(("n_components", "n_vars"), [(2, 3), (3, 1)])
def test_mixtures_that_were_learnt_here(n_components, n_vars):
    pytest.importorskip("sklearn.mixture", reason="scikit-learn is not installed")
    rows = ROWS[:, :n_vars]
    net = fd.gaussian_mixture(n_components, n_vars).fit(rows, seed=0)
    assert_same_mixture(net, net.to_sklearn(), rows)


def test_features_keep_the_names_of_the_frame(naive_bayes):
    pandas = pytest.importorskip("pandas")
    model = naive_bayes.GaussianNB().fit(pandas.DataFrame(ROWS, columns=["a", "b", "c"]), CLASSES)
    assert fd.from_sklearn(model).names == ("y", "a", "b", "c")


# --- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reason"), [("MultinomialNB", "its features are counts"), ("ComplementNB", "no probabilistic model")]
)
def test_models_of_counts_are_refused_by_name(naive_bayes, kind, reason):
    with pytest.raises(TypeError, match=rf"takes one of GaussianMixture, .*, got {kind}: .*{reason}"):
        fd.from_sklearn(getattr(naive_bayes, kind)().fit([[1, 2], [3, 0]], [0, 1]))


def test_models_that_are_refused(naive_bayes):
    with pytest.raises(fd.NotFittedError, match="this GaussianNB is not fitted yet"):
        fd.from_sklearn(naive_bayes.GaussianNB())
    model = naive_bayes.GaussianNB().fit(ROWS, CLASSES)
    with pytest.raises(ValueError, match=r"3 features have as many distinct names, got 2: \['a', 'b'\]"):
        fd.from_sklearn(model, names=["a", "b"])
    with pytest.raises(ValueError, match="the class is not one of its features, got 'a'"):
        fd.from_sklearn(model, target="a", names=["a", "b", "c"])


def test_what_is_no_model():
    with pytest.raises(
        TypeError, match="takes one of GaussianMixture, GaussianNB, BernoulliNB, CategoricalNB, got dict"
    ):
        fd.from_sklearn({})


BINARY = fd.CPT(["z"], [[0.5, 0.5], [0.25, 0.75]])
Z = fd.Bernoulli(0.25)


@pytest.mark.parametrize(
    ("conditionals", "match"),
    [
        ({"z": Z}, "one variable that is the only parent of all others"),
        ({"z": Z, "y": Z}, "one variable that is the only parent of all others"),
        ({"z": Z, "x": BINARY, "y": fd.CPT(["x"], BINARY.table)}, "the only parent of all others"),
        (
            {"z": fd.Normal(0, 1), "x": fd.LinearGaussian(["z"], 0, [1], 1)},
            "a table of classes, variable 'z' has a Normal",
        ),
        ({"z": Z, "x": BINARY, "y": fd.Normal.given(["z"], 0, 1)}, "all are tables: variable 'y' has a LinearGaussian"),
        ({"z": Z, "x": fd.Logistic(["z"], [1], 0)}, "all are tables: variable 'x' has a Logistic"),
    ],
)
def test_networks_of_another_structure(conditionals, match):
    with pytest.raises(TypeError, match=match):
        fd.BayesNet(conditionals).to_sklearn()


def test_numbers_that_scikit_learn_cannot_take(naive_bayes):
    with pytest.raises(ValueError, match="divides by variances, 'x' has a standard deviation of 0"):
        fd.BayesNet({"z": Z, "x": fd.Normal.given(["z"], [0, 1], [1, 0])}).to_sklearn()
    with pytest.raises(ValueError, match="a BernoulliNB takes logarithms of probabilities, 'x' has one of 0"):
        fd.BayesNet({"z": Z, "x": fd.CPT(["z"], [[1, 0], [0.5, 0.5]])}).to_sklearn()
    with pytest.raises(ValueError, match="logarithms of probabilities of classes, state 'True' of 'z' has 0"):
        fd.BayesNet({"z": fd.Bernoulli(0), "x": BINARY}).to_sklearn()


def test_parameters_that_are_still_to_be_learnt(naive_bayes):
    with pytest.raises(fd.NotFittedError):
        fd.naive_bayes("z", {"x": 2}).to_sklearn()
    with pytest.raises(fd.NotFittedError, match="the parameters of 'x' are not known yet"):
        fd.BayesNet({"z": Z, "x": fd.LinearGaussian(["z"])}).to_sklearn()


@pytest.mark.parametrize("own", [BINARY, fd.Normal.given(["z"], 0, 1), fd.CPT(["z"], [[0.5, 0.25, 0.25]] * 2)])
def test_a_missing_scikit_learn_is_named(monkeypatch, own):
    for module in ("sklearn", "sklearn.naive_bayes", "sklearn.mixture"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="pip install"):
        fd.BayesNet({"z": Z, "x": own}).to_sklearn()
