"""pgmpy's estimators of tables: patched, they learn what they learn unpatched."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest

import fastdgm as fd

pd = pytest.importorskip("pandas")
pytest.importorskip("pgmpy")

EDGES = [("A", "B"), ("C", "B"), ("B", "D")]


@pytest.fixture(autouse=True)
def _quiet_pgmpy(monkeypatch):
    monkeypatch.setattr(logging.getLogger("pgmpy"), "disabled", True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def frame(kind: str, n: int = 300):
    """Columns of a kind; the last one holds ordered categories, one of which does not occur."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 3, (n, 4))
    codes[:, 1] = (codes[:, 0] + codes[:, 2] + (rng.random(n) < 0.1)) % 3
    data = pd.DataFrame(codes, columns=list("ABCD"))
    if kind == "strings":
        data = data.astype(str).replace({"0": "low", "1": "high", "2": "none"})
    elif kind == "missing":
        data = data.astype(float).mask(rng.random(data.shape) < 0.1)
    elif kind == "mixed":
        data["A"], data["C"] = data["A"] > 0, data["C"] / 4
    data["D"] = pd.Categorical(codes[:, 3] % 2, categories=[2, 1, 0], ordered=True)
    return data


def model():
    from pgmpy.models import DiscreteBayesianNetwork

    return DiscreteBayesianNetwork(EDGES)


def check_same(theirs, ours):
    assert [cpd.variables for cpd in ours] == [cpd.variables for cpd in theirs]
    for one, other in zip(theirs, ours, strict=True):
        assert other.state_names == one.state_names
        for name, states in one.state_names.items():
            assert list(map(type, other.state_names[name])) == list(map(type, states))
        np.testing.assert_allclose(other.values, one.values, rtol=1e-12)
        assert other.values.dtype == one.values.dtype


def both(learn):
    theirs = learn()
    with fd.patch("pgmpy"), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        return theirs, learn()


PRIORS = [
    {"prior_type": "BDeu", "equivalent_sample_size": 7.5},
    {"prior_type": "K2"},
    {"prior_type": "dirichlet", "pseudo_counts": 2},
]


@pytest.mark.parametrize("kind", ["codes", "strings", "missing", "mixed"])
@pytest.mark.parametrize("weighted", [False, True])
def test_estimators_learn_pgmpys_tables(kind, weighted):
    from pgmpy.parameter_estimator import DiscreteBayesianEstimator, DiscreteMLE

    data = frame(kind)
    weights = np.random.default_rng(2).random(len(data)) if weighted else None
    makers = [DiscreteMLE, *(lambda options=options: DiscreteBayesianEstimator(**options) for options in PRIORS)]
    for make in makers:
        check_same(*both(lambda: make().fit(model(), data, sample_weight=weights).parameters_))  # noqa: B023
    check_same(*both(lambda: model().fit(data, sample_weight=weights).get_cpds()))


@pytest.mark.parametrize("kind", ["codes", "strings", "missing", "mixed"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_older_pair_learns_pgmpys_tables(kind, weighted):
    from pgmpy.estimators import BayesianEstimator, MaximumLikelihoodEstimator

    data = frame(kind).assign(_weight=np.random.default_rng(2).random(300))
    states = {"D": [2, 1, 0]}

    def estimators():
        return (kind(model(), data, state_names=states) for kind in (MaximumLikelihoodEstimator, BayesianEstimator))

    def learn():
        most_likely, bayesian = estimators()
        found = most_likely.get_parameters(weighted=weighted)
        for options in PRIORS:
            found += bayesian.get_parameters(**options, weighted=weighted)
        return [*found, most_likely.estimate_cpd("B", weighted), bayesian.estimate_cpd("B", "K2", weighted=weighted)]

    check_same(*both(learn))
    theirs, ours = both(lambda: [next(estimators()).state_counts(name, weighted=weighted) for name in "AB"])
    for one, other in zip(theirs, ours, strict=True):
        pd.testing.assert_frame_equal(other, one, check_dtype=False)


def test_declared_states_and_configurations_that_do_not_occur():
    from pgmpy.parameter_estimator import DiscreteMLE

    data = frame("strings")
    states = {"A": ["more", "none", "low", "high"]}
    theirs, ours = both(lambda: DiscreteMLE(state_names=states).fit(model(), data))
    check_same(theirs.parameters_, ours.parameters_)
    assert ours.state_names_ == theirs.state_names_
    np.testing.assert_array_equal(ours.parameters_[1].values[:, 0], 1 / 3)  # of "more", which does not occur


@pytest.mark.parametrize(
    ("states", "weights"),
    [({"A": ["low"]}, None), (None, np.ones(3)), (None, np.full(300, -1.0))],
)
def test_refusals_are_pgmpys(states, weights):
    from pgmpy.parameter_estimator import DiscreteMLE

    def learn():
        DiscreteMLE(state_names=states).fit(model(), frame("strings"), sample_weight=weights)

    with pytest.raises(ValueError) as theirs:
        learn()
    with fd.patch("pgmpy"), pytest.raises(ValueError) as ours:
        learn()
    assert str(ours.value) == str(theirs.value)
