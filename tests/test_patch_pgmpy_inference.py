"""pgmpy's queries and predictions: patched, they answer as they do unpatched."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastdgm as fd

pd = pytest.importorskip("pandas")
pytest.importorskip("pgmpy")
warnings.filterwarnings("ignore", category=FutureWarning, module="pgmpy")

from fastdgm.interop.patches import replacement  # noqa: E402


@pytest.fixture(autouse=True)
def _quiet_pgmpy():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def both(call):
    """What pgmpy gives, and what is given while it is patched, by our code alone."""
    theirs = call()
    with fd.patch("pgmpy"), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        replacement._said.clear()
        return theirs, call()


def random_model(seed: int):
    from pgmpy.models import DiscreteBayesianNetwork

    names = list("ABCDEF")
    n_states = dict(zip(names, [2, 3, 4, 2, 3, 2], strict=True))
    return DiscreteBayesianNetwork.get_random(n_nodes=6, edge_prob=0.5, node_names=names, n_states=n_states, seed=seed)


def chain(states):
    """A -> B -> C with states of any kind."""
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.models import DiscreteBayesianNetwork

    model = DiscreteBayesianNetwork([("A", "B"), ("B", "C")])
    names = dict(zip("ABC", states, strict=True))
    model.add_cpds(
        TabularCPD("A", 2, [[0.4], [0.6]], state_names={"A": names["A"]}),
        TabularCPD("B", 2, [[0.3, 0.8], [0.7, 0.2]], ["A"], [2], state_names={v: names[v] for v in "AB"}),
        TabularCPD("C", 2, [[0.1, 0.85], [0.9, 0.15]], ["B"], [2], state_names={v: names[v] for v in "BC"}),
    )
    return model


@pytest.mark.parametrize("seed", range(8))
def test_queries_are_pgmpys(seed):
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination

    model, rng = random_model(seed), np.random.default_rng(seed)
    nodes = [str(name) for name in rng.permutation(model.nodes())]
    asked, others = nodes[: seed % 4 + 1], nodes[seed % 4 + 1 :]
    known = {name: model.states[name][-1] for name in others[: seed % 3]}
    likelihood = rng.random((model.get_cardinality(asked[0]), 1))
    states = {asked[0]: model.states[asked[0]]}
    soft = [TabularCPD(asked[0], len(likelihood), likelihood, state_names=states)] if seed % 2 else None

    def ask(verb, **options):
        return getattr(VariableElimination(model), verb)(asked, known, soft, show_progress=False, **options)

    theirs, ours = both(lambda: ask("query"))
    assert ours.variables == theirs.variables and ours.state_names == theirs.state_names
    np.testing.assert_allclose(ours.values, theirs.values, rtol=1e-12)
    theirs, ours = both(lambda: ask("query", joint=False, elimination_order="MinFill"))
    assert ours.keys() == theirs.keys()
    for name, own in theirs.items():
        np.testing.assert_allclose(ours[name].values, own.values, rtol=1e-12)
    theirs, ours = both(lambda: ask("map_query"))
    assert ours == theirs


def test_a_model_that_changed_is_the_one_asked():
    from pgmpy.inference import VariableElimination

    model = chain((["no", "yes"],) * 3)
    inference = VariableElimination(model)
    with fd.patch("pgmpy"):
        inference.query(["C"], show_progress=False)
        model.get_cpds("A").values[:] = [0.9, 0.1]
        found = inference.query(["C"], show_progress=False)
    np.testing.assert_allclose(found.values, inference.query(["C"], show_progress=False).values, rtol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"variables": ["A"], "evidence": {"A": "no"}}, ValueError),
        ({"variables": []}, ValueError),
        ({"variables": ["A"], "evidence": {"C": "never"}}, KeyError),
        ({"variables": ["A"], "elimination_order": ["A", "B"]}, ValueError),
        ({"variables": ["A"], "elimination_order": "none such"}, KeyError),
        ({"variables": ["B"], "evidence": {"A": "no"}, "elimination_order": ["A"]}, ValueError),
    ],
)
def test_refusals_are_pgmpys(arguments, error):
    from pgmpy.inference import VariableElimination

    inference = VariableElimination(chain((["no", "yes"],) * 3))
    with pytest.raises(error) as theirs:
        inference.query(**arguments, show_progress=False)
    with fd.patch("pgmpy"), pytest.raises(error) as ours:
        inference.query(**arguments, show_progress=False)
    assert str(ours.value) == str(theirs.value)


def test_other_models_run_pgmpys_own_code_and_say_so_once():
    from pgmpy.inference import VariableElimination

    markov = chain((["no", "yes"],) * 3).to_markov_model()
    expected = VariableElimination(markov).query(["A"], show_progress=False)
    replacement._said.clear()
    with fd.patch("pgmpy"):
        with pytest.warns(UserWarning, match=r"query runs the library's own code: a model of type"):
            found = VariableElimination(markov).query(["A"], show_progress=False)
        VariableElimination(markov).query(["B"], show_progress=False)
    np.testing.assert_array_equal(found.values, expected.values)


def test_tables_with_numbers_below_0_are_pgmpys_to_judge():
    from pgmpy.inference import VariableElimination

    model = chain([["no", "yes"]] * 3)
    model.get_cpds("B").values[:] = [[0.1, -0.2], [0.9, 1.2]]
    with pytest.raises(ValueError, match="non-negative"):
        model.simulate(3, show_progress=False)
    with fd.patch("pgmpy"):
        replacement._said.clear()
        with pytest.warns(UserWarning, match=r"runs the library's own code: .*not negative, got -0.2") as said:
            VariableElimination(model).query(["C"], show_progress=False)
        assert said[0].filename == __file__
        with pytest.warns(UserWarning, match="not negative"), pytest.raises(ValueError, match="must be non-negative"):
            model.simulate(3, show_progress=False)


FRAMES = [
    ((["x", "y"],) * 3, {"A": ["x", "y", "x"]}, "str"),
    ((["x", "y"],) * 3, {"A": ["x", None, "y"], "C": ["y", "x", None]}, "str"),
    ((["x", "y"],) * 3, {"A": ["x", None, "y"], "C": ["y", "x", "x"]}, "category"),
    (([0, 1],) * 3, {"A": [0, 1, 1], "C": [1, 0, 0]}, "int8"),
    (([0, 1],) * 3, {"A": [0, None, 1], "C": [1, 0, 0]}, "float64"),
    (([False, True], [0, 1], ["a", 2]), {"A": [False, None, True], "C": [2, "a", 2]}, object),
    (([False, True], [0.5, 1.5], ["a", 2]), {"A": [False, True, True]}, bool),
]


@pytest.mark.parametrize(("states", "columns", "dtype"), FRAMES)
def test_predictions_are_frames_of_pgmpys_types(states, columns, dtype):
    model = chain(states)
    data = pd.DataFrame(columns, index=pd.Index([3, 1, 2], name="row")).astype(dtype)
    pd.testing.assert_frame_equal(*both(lambda: model.predict(data, n_jobs=1)))
    if not data.isna().any().any():
        pd.testing.assert_frame_equal(*both(lambda: model.predict_probability(data)))


def test_stochastic_predictions_are_draws_of_what_is_missing_together():
    model = chain(([0, 1],) * 3)
    data = pd.DataFrame({"A": np.repeat([0, 1], 20_000)})
    with fd.patch("pgmpy"):
        drawn = model.predict(data, stochastic=True, seed=1)
        pd.testing.assert_frame_equal(drawn, model.predict(data, stochastic=True, seed=1))
    assert set(drawn.columns) == {"A", "B", "C"} and (drawn["A"] == data["A"]).all()
    share = drawn.groupby(["A", "B"])["C"].agg(["mean", "size"])
    np.testing.assert_allclose(share["size"], [6000, 14000, 16000, 4000], rtol=0.05)
    np.testing.assert_allclose(share["mean"], [0.9, 0.15, 0.9, 0.15], atol=0.03)


def test_what_predict_refuses_and_what_is_impossible_stays_pgmpys():
    model = chain((["x", "y"],) * 3)
    whole = pd.DataFrame({name: ["x"] for name in "ABC"})
    with fd.patch("pgmpy"):
        for data in (whole, whole.rename(columns={"B": "Z"})):
            with pytest.raises(ValueError, match=r"predict|not in the model"):
                model.predict(data, n_jobs=1)
        with pytest.raises((IndexError, KeyError)):
            model.predict(pd.DataFrame({"A": ["z"]}), n_jobs=1)
