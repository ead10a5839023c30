"""Every model in scikit-learn's tools: settings, clones, scores, cross validation, searches, pipelines."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import fastdgm as fd

BITS = np.random.default_rng(0).integers(0, 2, (60, 3))
REALS = np.random.default_rng(1).normal(size=(60, 2))


def example_net() -> fd.BayesNet:
    return fd.BayesNet(
        {"a": fd.Bernoulli(0.2), "b": fd.CPT(["a"], [[0.9, 0.1], [0.2, 0.8]]), "c": fd.Categorical([0.25, 0.75])}
    )


MAKERS = {
    "tables": example_net,
    "edges": lambda: fd.BayesNet.from_edges([("a", "b")], ["a", "b", "c"], {"b": ["no", "yes"]}),
    "independent": lambda: fd.independent({"a": 2, "b": 2, "c": 2}),
    "markov": lambda: fd.MarkovChain(order=1, n_vars=3, smoothing="add-alpha", alpha=0.5),
    "fvsbn": lambda: fd.FVSBN(3, order="reversed"),
    "nade": lambda: fd.NADE(3, 4, order="random", seed=3),
    "made": lambda: fd.MADE(3, (4,), activation="elu", order="random", seed=2),
}
FIT = {kind: {"epochs": 2, "progress": False} if kind in ("fvsbn", "nade", "made") else {} for kind in MAKERS}


@pytest.fixture(params=MAKERS)
def kind(request):
    return request.param


def same(one: object, other: object) -> bool:
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    return type(one) is type(other) and (one is other or bool(np.all(one == other)) or repr(one) == repr(other))


def test_settings_make_the_same_model(kind):
    model = MAKERS[kind]()
    made = fd.BayesNet.from_edges if kind in ("edges", "independent") else type(model)
    twin = made(**model.get_params())
    assert same(model.get_params(deep=False), twin.get_params())
    assert twin.fit(BITS, **FIT[kind]).score(BITS) == model.fit(BITS, **FIT[kind]).score(BITS)


def test_settings_do_not_change_by_fit(kind):
    model = MAKERS[kind]()
    before = model.get_params()
    assert same(before, model.fit(BITS, **FIT[kind]).get_params())


def test_clones_have_the_settings_and_nothing_learnt(kind):
    clone = pytest.importorskip("sklearn.base").clone
    is_fitted = pytest.importorskip("sklearn.utils.validation")._is_fitted
    fresh, model = MAKERS[kind](), MAKERS[kind]().fit(BITS, **FIT[kind])
    found = clone(model)
    assert same(found.get_params(), model.get_params())
    assert found.is_fitted == fresh.is_fitted == is_fitted(found) == (kind == "tables")
    assert model.is_fitted
    assert is_fitted(model)
    learnt = model.score(BITS)
    assert found.fit(BITS, **FIT[kind]).score(BITS) == learnt
    found.fit(1 - BITS, **FIT[kind])
    assert model.score(BITS) == learnt


def test_a_clone_of_a_network_goes_back_to_its_tables():
    clone = pytest.importorskip("sklearn.base").clone
    net = example_net().fit(BITS)
    assert clone(net)["a"].table.tolist() == [0.8, 0.2]
    assert clone(clone(net.do({"a": 1})))["a"].table.tolist() == [0.0, 1.0]


def test_a_clone_of_a_mixture_keeps_its_shape():
    clone = pytest.importorskip("sklearn.base").clone
    mixture = fd.gaussian_mixture(2, 2).fit(REALS, seed=0)
    found = clone(mixture)
    assert not found.is_fitted
    assert found.fit(REALS, seed=0).score(REALS) == mixture.score(REALS)


def test_a_clone_keeps_the_guide():
    clone = pytest.importorskip("sklearn.base").clone
    torch = pytest.importorskip("torch")
    neural = fd.Neural(["x"], torch.nn.Linear(1, 1), family="normal", std=1.0, event_shape=(1,))
    decoder = fd.Neural(["z"], torch.nn.Linear(1, 1), family="bernoulli", event_shape=(1,))
    net = fd.BayesNet({"z": fd.MultivariateNormal([0.0], [[1.0]]), "x": decoder}).guided({"z": neural})
    found = clone(net)
    assert list(found.guide) == ["z"]
    assert found.guide["z"].module is not neural.module


def test_a_module_is_copied_with_its_weights():
    clone = pytest.importorskip("sklearn.base").clone
    torch = pytest.importorskip("torch")

    class Echo(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor(2.0))

        def forward(self, x):
            return torch.nn.functional.pad(self.scale * (2.0 * x[:, :-1] - 1.0), (1, 0))

    model = fd.Autoregressive(Echo(), n_vars=3, n_states=2)
    before = model.score(BITS)
    found = clone(model)
    with torch.no_grad():
        found.module.scale.fill_(0.5)
    assert found.score(BITS) != before
    assert (model.score(BITS), clone(model).score(BITS)) == (before, before)


@pytest.mark.parametrize("change", [("alpha", 2.0), ("seed", 5), ("hidden", 6)])
def test_settings_are_changed(change):
    name, value = change
    model = {"alpha": MAKERS["markov"], "seed": MAKERS["made"], "hidden": MAKERS["nade"]}[name]()
    kind = {"alpha": "markov", "seed": "made", "hidden": "nade"}[name]
    model.fit(BITS, **FIT[kind])
    assert model.set_params(**{name: value}) is model
    assert model.get_params()[name] == value
    assert not model.is_fitted


def test_nothing_is_changed_by_nothing(kind):
    model = MAKERS[kind]().fit(BITS, **FIT[kind])
    learnt = model.score(BITS)
    assert model.set_params().score(BITS) == learnt
    with pytest.raises(ValueError, match=r"Invalid parameter 'nonsense' for estimator \w+\. Valid parameters are: \["):
        model.set_params(nonsense=1)
    with pytest.raises((ValueError, TypeError)):
        model.set_params(**{next(iter(model.get_params())): -1})
    assert model.score(BITS) == learnt


def test_scores(kind):
    model = MAKERS[kind]().fit(BITS, **FIT[kind])
    np.testing.assert_array_equal(model.score_samples(BITS), model.log_prob(BITS))
    assert model.score(BITS, np.zeros(60)) == model.log_prob(BITS).mean()
    assert isinstance(model.score(BITS), float)
    with pytest.raises(ValueError, match="at least one row"):
        model.score(BITS[:0])


def test_scores_given_a_context():
    model = fd.MADE(3, (4,), n_context=1)
    context = np.ones((60, 1))
    assert model.score(BITS, context=context) == model.log_prob(BITS, context=context).mean()


def test_scores_of_sequences_and_tensors():
    names = ["emma", "ava", "anna"]
    chain = fd.MarkovChain(order=1).fit(names)
    assert chain.score(names) == chain.log_prob(names).mean()
    torch = pytest.importorskip("torch")
    model = MAKERS["made"]()
    assert model.score(torch.from_numpy(BITS)) == pytest.approx(model.score(BITS))


def test_models_from_files_have_settings(tmp_path):
    for name, model in (("made", MAKERS["made"]()), ("nade", MAKERS["nade"]()), ("fvsbn", MAKERS["fvsbn"]())):
        path = tmp_path / f"{name}.safetensors"
        fd.write(model, path)
        read = fd.read(path)
        assert read.is_fitted
        assert {k: read.get_params()[k] for k in ("n_vars", "seed")} == {"n_vars": 3, "seed": 0}
        assert read.get_params().keys() == model.get_params().keys()
        twin = copy.copy(read).set_params(order=read.order)
        assert (twin.order == model.order).all()
        assert not twin.is_fitted


def test_pickles_keep_the_settings(kind):
    model = MAKERS[kind]()
    assert same(pickle.loads(pickle.dumps(model)).get_params(), model.get_params())


def test_cross_validation(kind):
    selection = pytest.importorskip("sklearn.model_selection")
    model = MAKERS[kind]()
    scores = selection.cross_val_score(model, BITS, cv=3, params=FIT[kind] or None)
    folds = selection.KFold(3).split(BITS)
    expected = [MAKERS[kind]().fit(BITS[train], **FIT[kind]).score(BITS[test]) for train, test in folds]
    np.testing.assert_array_equal(scores, expected)


def test_searches_and_pipelines():
    selection = pytest.importorskip("sklearn.model_selection")
    pipeline = pytest.importorskip("sklearn.pipeline")
    binarizer = pytest.importorskip("sklearn.preprocessing").Binarizer()
    steps = pipeline.make_pipeline(binarizer, MAKERS["markov"]())
    rows = REALS[:, [0, 0, 1]]
    search = selection.GridSearchCV(steps, {"markovchain__alpha": [0.1, 100.0]}, cv=3).fit(rows)
    assert search.best_params_ == {"markovchain__alpha": 0.1}
    assert search.best_estimator_.score_samples(rows).shape == (60,)


def test_scikit_learn_is_not_imported():
    code = (
        "import sys, fastdgm as fd; m = fd.MarkovChain(n_vars=2).fit([[0, 1]]); m.score([[0, 1]]); m.get_params();"
        "m.__sklearn_clone__(); m.set_params(order=1); sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
