"""EM for hidden discrete variables: a step by hand, a likelihood that never falls, components that are found again."""

from __future__ import annotations

import numpy as np
import pytest
from reference_latent import log_sum, marginal

import fastdgm as fd
from fastdgm.data.partial import as_partial_rows
from fastdgm.data.schema import Schema
from fastdgm.data.variables import Discrete
from fastdgm.learning.counts import Prior
from fastdgm.learning.em import targets_of
from fastdgm.learning.expectation import Expectation
from fastdgm.learning.starts import start_codes


def normal_log_density(x, mean, covariance):
    factor = np.linalg.cholesky(covariance)
    z = np.linalg.solve(factor, (x - mean).T)
    return -0.5 * (z**2).sum(axis=0) - np.log(np.diag(factor)).sum() - 0.5 * len(mean) * np.log(2 * np.pi)


def clusters(n=600, d=2, seed=0):
    """Three well-separated clusters: rows and their owners."""
    rng = np.random.default_rng(seed)
    owner = rng.choice(3, n, p=[0.2, 0.3, 0.5])
    return np.arange(3)[owner][:, None] * 12.0 + rng.normal(0.0, 1.0 + owner[:, None] * 0.5, (n, d)), owner


def tree(n=400, seed=0):
    """A hidden variable above two others, each with a number below, and a state below both; what is observed."""
    rng = np.random.default_rng(seed)
    top = rng.integers(2, size=n)
    left, right = (np.where(rng.random(n) < 0.85, top, 1 - top) for _ in range(2))
    net = fd.BayesNet(
        {
            "top": fd.Bernoulli(0.5),
            "left": fd.CPT(["top"], [[0.7, 0.3], [0.2, 0.8]]),
            "right": fd.CPT(["top"], [[0.6, 0.4], [0.1, 0.9]]),
            "a": fd.Normal.given(["left"], [0.0, 5.0], [1.0, 1.0]),
            "b": fd.LinearGaussian(["right", "a"], [0.0, 1.0], [[0.5], [0.0]], [1.0, 2.0]),
            "c": fd.CPT(["left", "right"], np.random.default_rng(1).dirichlet([1.0, 1.0], (2, 2))),
        }
    )
    a = 4.0 * left + rng.normal(size=n)
    columns = {
        "a": a,
        "b": 3.0 * right + 0.5 * a + rng.normal(size=n),
        "c": (rng.random(n) < 0.3 + 0.4 * left).astype(int),
    }
    return net, columns


def expectation_of(net, columns, prior=0.0, weights=None):
    rows = as_partial_rows(columns, net._program.schema)
    targets = targets_of(net.parents, rows.schema, net.conditionals)
    return Expectation(targets, rows, np.ones(rows.n) if weights is None else weights, Prior(prior))


# --- one step ---


def test_a_step_of_a_mixture_is_that_by_hand():
    x, _ = clusters(200)
    weights = np.array([0.2, 0.3, 0.5])
    means, covariances = np.array([[0.0, 1.0], [10.0, 9.0], [20.0, 22.0]]), np.stack([np.eye(2) * 3.0] * 3)
    net = fd.BayesNet({"z": fd.Categorical(weights), "x": fd.MultivariateNormal.given(["z"], means, covariances)})
    joint = np.log(weights)[:, None] + [normal_log_density(x, *own) for own in zip(means, covariances, strict=True)]
    factors = [(("z",), joint)]
    shares = marginal(factors, {"z": 3}, ["z"])
    step = expectation_of(net, {"x": x})
    expected = step.expected(dict(net.conditionals))
    np.testing.assert_allclose(expected.objective, log_sum(factors, {"z": 3}).sum(), rtol=1e-12)
    found = step.maximised(expected.statistics, net.conditionals).conditionals
    np.testing.assert_allclose(found["z"].table, shares.sum(axis=1) / shares.sum(), rtol=1e-10)
    for k, own in enumerate(shares):
        mean = own @ x / own.sum()
        np.testing.assert_allclose(found["x"].mean[k], mean, rtol=1e-9)
        covariance = (own[:, None] * (x - mean)).T @ (x - mean) / own.sum()
        np.testing.assert_allclose(found["x"].covariance[k], covariance, rtol=1e-8, atol=1e-10)


def test_tables_of_a_tree_are_expected_counts():
    net, columns = tree(100)
    step = expectation_of(net, columns, prior=1.0)
    found = step.maximised(step.expected(dict(net.conditionals)).statistics, net.conditionals).conditionals
    sizes = {"top": 2, "left": 2, "right": 2}
    factors = [(("top", "left", "right"), every_configuration(net, columns))]
    counts = marginal(factors, sizes, ["top", "left"]).sum(axis=-1) + 1.0
    np.testing.assert_allclose(found["left"].table, counts / counts.sum(axis=1, keepdims=True), rtol=1e-9)


def every_configuration(net, columns):
    """log p of rows with every configuration of the three hidden variables of ``tree``, (2, 2, 2, n)."""
    n = len(columns["a"])
    found = np.empty((2, 2, 2, n))
    for top, left, right in np.ndindex(2, 2, 2):
        codes = {"top": np.full(n, top), "left": np.full(n, left), "right": np.full(n, right)}
        found[top, left, right] = net.log_prob({**codes, **columns})
    return found


def test_log_prob_of_a_tree_is_the_sum_over_every_configuration():
    net, columns = tree(80)
    joint = every_configuration(net, columns)
    np.testing.assert_allclose(net.log_prob(columns), np.logaddexp.reduce(joint.reshape(8, -1), axis=0), rtol=1e-10)
    shares = np.exp(joint - np.logaddexp.reduce(joint.reshape(8, -1), axis=0))
    np.testing.assert_allclose(net.predict_proba(columns, "right"), shares.sum(axis=(0, 1)).T, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("prior", [0.0, 1.0])
@pytest.mark.parametrize("hidden", [0.0, 0.5])
def test_the_objective_never_falls(prior, hidden):
    net, columns = tree(300, seed=3)
    if hidden:
        rng = np.random.default_rng(0)
        known = {name: np.where(rng.random(300) < hidden, -1, rng.integers(2, size=300)) for name in ("left", "right")}
        columns = {**columns, **known, "b": np.where(rng.random(300) < 0.2, np.nan, columns["b"])}
    step = expectation_of(net, columns, prior, np.random.default_rng(5).random(300))
    conditionals = dict(net.conditionals)
    codes = start_codes(step.rows, net.parents, np.random.default_rng(0))
    conditionals = dict(step.maximised(step.of_assignment(codes), conditionals).conditionals)
    objectives = []
    for _ in range(40):
        now = step.expected(conditionals)
        objectives.append(now.objective)
        conditionals = dict(step.maximised(now.statistics, conditionals).conditionals)
    assert (np.diff(objectives) >= -1e-11 * now.size).all()
    assert objectives[-1] - objectives[0] > 1.0


# --- whole fits ---


def test_a_mixture_finds_its_components():
    x, owner = clusters()
    net = fd.gaussian_mixture(3, 2).fit(x, seed=0, tolerance=1e-8, prior=0.0)
    order = np.argsort(net["x"].mean[:, 0])
    for k, component in enumerate(order):
        own = x[owner == k]
        np.testing.assert_allclose(net["z"].table[component], len(own) / len(x), rtol=1e-3)
        np.testing.assert_allclose(net["x"].mean[component], own.mean(axis=0), rtol=1e-2, atol=1e-2)
        np.testing.assert_allclose(net["x"].covariance[component], np.cov(own.T, bias=True), rtol=2e-2, atol=2e-2)
    assert (order[owner] == net.predict(x, "z")).mean() > 0.99


def test_sklearn_agrees():
    mixture = pytest.importorskip("sklearn.mixture")
    x, _ = clusters(seed=2)
    own = fd.gaussian_mixture(3, 2).fit(x, seed=0, tolerance=1e-10, prior=0.0)
    theirs = mixture.GaussianMixture(3, tol=1e-12, reg_covar=0.0, max_iter=1000, random_state=0).fit(x)
    np.testing.assert_allclose(own.log_prob(x).mean(), theirs.score(x), rtol=1e-6)


def test_float32_rows():
    x, _ = clusters()
    single, double = (
        fd.gaussian_mixture(3, 2).fit(x.astype(dtype), seed=0).log_prob(x).mean() for dtype in (np.float32, np.float64)
    )
    np.testing.assert_allclose(single, double, rtol=1e-4)


def test_rows_that_know_their_component_keep_its_name():
    x, owner = clusters()
    z = np.where(np.arange(len(x)) % 10 == 0, owner, -1)
    net = fd.gaussian_mixture(3, 2).fit({"z": z, "x": x}, seed=0)
    assert (net.predict(x, "z") == owner).mean() > 0.99


def test_descendants_count_once_however_many_ways_lead_to_them():
    parents = {"h": (), "m0": ("h",)}
    for i in range(60):  # 2**60 ways
        parents |= {f"a{i}": (f"m{i}",), f"b{i}": (f"m{i}",), f"m{i + 1}": (f"a{i}", f"b{i}")}
    schema = Schema({name: Discrete(("0", "1")) for name in parents})
    rows = as_partial_rows({"m60": [0, 1, 1]}, schema)
    codes = start_codes(rows, parents, np.random.default_rng(0))
    assert codes[schema.rows["m60"]].tolist() == [0, 1, 1]
    assert (codes < 2).all() and codes[0, 1] == codes[0, 2] != codes[0, 0]


def test_naive_bayes_with_a_hidden_class():
    rng = np.random.default_rng(0)
    owner = rng.integers(3, size=1500)
    data = {"yes": (rng.random(1500) < np.array([0.1, 0.5, 0.9])[owner]).astype(int), "x": rng.normal(5.0 * owner, 1.0)}
    net = fd.naive_bayes("class", ["yes", "x"], target_states=3, real=["x"]).fit(data, seed=0, tolerance=1e-6)
    order = np.argsort(net["x"].intercept)
    np.testing.assert_allclose(net["x"].intercept[order], [0.0, 5.0, 10.0], atol=0.2)
    np.testing.assert_allclose(net["yes"].table[order, 1], [0.1, 0.5, 0.9], atol=0.05)


def test_naive_bayes_with_a_class_is_learnt_in_one_step():
    rng = np.random.default_rng(0)
    owner = rng.integers(2, size=500)
    data = {"class": owner, "x": rng.normal(5.0 * owner, 1.0)}
    net = fd.naive_bayes("class", ["x"]).fit(data)
    np.testing.assert_allclose(net["x"].intercept, [data["x"][owner == k].mean() for k in range(2)])
    assert (net.predict({"x": data["x"]}, "class") == owner).mean() > 0.98


def test_whole_weights_are_repeated_rows():
    x, _ = clusters(150)
    counts = np.random.default_rng(1).integers(0, 3, len(x))
    step = expectation_of(fd.gaussian_mixture(3, 2).fit(x, seed=0), {"x": x}, weights=counts.astype(float))
    again = expectation_of(fd.gaussian_mixture(3, 2).fit(x, seed=0), {"x": np.repeat(x, counts, axis=0)})
    conditionals = dict(fd.gaussian_mixture(3, 2).fit(x, seed=0).conditionals)
    np.testing.assert_allclose(
        step.expected(conditionals).objective, again.expected(conditionals).objective, rtol=1e-12
    )
    assert fd.gaussian_mixture(3, 2).fit(x, seed=0, sample_weight=counts).is_fitted


def test_any_number_of_threads_gives_the_same_parameters():
    x, _ = clusters(50_000)
    found = []
    for n_threads in (1, 2):
        with fd.num_threads(n_threads):
            found.append(fd.gaussian_mixture(3, 2).fit(x, seed=0, tolerance=0.1))
    assert found[0]["x"] == found[1]["x"] and found[0]["z"] == found[1]["z"]


def test_the_same_seed_gives_the_same_parameters_and_restarts_are_no_worse():
    x, _ = clusters(300, seed=4)
    first, second = (fd.gaussian_mixture(4, 2).fit(x, seed=1) for _ in range(2))
    assert first["x"] == second["x"]
    assert fd.gaussian_mixture(4, 2).fit(x, seed=1, n_restarts=4).log_prob(x).sum() >= first.log_prob(x).sum() - 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("apart", "spread", "share"), [(1e4, 0.1, 0.5), (1e6, 1.0, 0.5), (1e3, 1.0, 0.01)])
def test_narrow_components_far_apart_have_the_spread_of_their_own_rows(dtype, apart, spread, share):
    rng = np.random.default_rng(0)
    owner = (rng.random(5000) < share).astype(int)
    x = (apart * owner + spread * rng.normal(size=5000)).astype(dtype)
    net = fd.BayesNet({"z": fd.Bernoulli(0.5), "x": fd.Normal.given(["z"])}).fit({"x": x}, seed=0, n_restarts=2)
    own = np.array([x[owner == k].astype(float).std() for k in (0, 1)])
    np.testing.assert_allclose(net["x"].std[np.argsort(net["x"].intercept)], own, rtol=1e-8)
    mixture = fd.gaussian_mixture(2, 1).fit(x[:, None], seed=0)
    np.testing.assert_allclose(mixture["x"].std[np.argsort(mixture["x"].mean[:, 0]), 0], own, rtol=1e-8)


def test_logistic_children_of_clusters_far_apart_are_what_they_are_with_known_clusters():
    rng = np.random.default_rng(0)
    z = rng.integers(2, size=1000)
    x = 1e4 * z + rng.normal(size=1000)
    y = (rng.random(1000) < 1.0 / (1.0 + np.exp(-(x - 1e4 * z)))).astype(int)
    conditionals = {
        "z": fd.Bernoulli(0.5),
        "x": fd.Normal.given(["z"]),
        "y": fd.Logistic(["z", "x"]),
    }
    known = fd.BayesNet(conditionals).fit({"z": z, "x": x, "y": y})
    hidden = fd.BayesNet(conditionals).fit({"x": x, "y": y}, seed=0)
    np.testing.assert_allclose(hidden["y"].weights[1], known["y"].weights[1], rtol=1e-6)


def test_only_a_degenerate_component_sees_the_background():
    rng = np.random.default_rng(0)
    x = np.r_[rng.normal(size=500), np.full(300, 1e3), rng.normal(2e3, 1.0, 400)]
    net = fd.BayesNet({"z": fd.Categorical([0.4, 0.3, 0.3]), "x": fd.Normal.given(["z"])})
    net.fit({"x": x}, seed=0, n_restarts=3)
    found = net["x"].std[np.argsort(net["x"].intercept)]
    np.testing.assert_allclose(found[[0, 2]], [x[:500].std(), x[800:].std()], rtol=1e-8)
    assert 0.01 < found[1] < 1.0  # 1e-4 of the width of the data, by the share


# --- stopping, going on, and what goes wrong ---


def test_max_iterations_warns_and_resume_goes_on():
    x, _ = clusters(400, seed=5)
    net = fd.gaussian_mixture(5, 2)
    with pytest.warns(UserWarning, match=r"EM stopped after max_iterations=1 .* fit\(\.\.\., resume=True\) goes on"):
        net.fit(x, seed=0, max_iterations=1, tolerance=1e-9)
    before = net.log_prob(x).sum()
    net.fit(x, resume=True, max_iterations=500)
    assert net.log_prob(x).sum() > before


def test_resume_needs_parameters():
    with pytest.raises(fd.NotFittedError):
        fd.gaussian_mixture(2, 2).fit(clusters()[0], resume=True)


def test_ctrl_c_leaves_the_network_as_it_was(monkeypatch):
    x, _ = clusters()
    net = fd.gaussian_mixture(3, 2).fit(x, seed=0)
    before = net["x"], net["z"]
    steps = iter(range(1))

    def interrupted(self, *arguments):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return real(self, *arguments)

    real = Expectation.expected
    monkeypatch.setattr(Expectation, "expected", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.fit(x[:100], seed=1, tolerance=0.0)
    assert (net["x"], net["z"]) == before


def test_components_without_rows_become_as_wide_as_the_data():
    x = np.repeat(np.array([[0.0, 0.0], [9.0, 8.0], [1.0, 5.0]]), 20, axis=0) + np.random.default_rng(0).normal(
        0, 0.1, (60, 2)
    )
    net = fd.gaussian_mixture(8, 2).fit(x, seed=0, tolerance=1e-6)
    assert np.isfinite(net["x"].covariance).all() and np.isfinite(net.log_prob(x)).all()
    same = np.repeat(x[::20], 20, axis=0)  # no more distinct rows than three
    assert np.isfinite(fd.gaussian_mixture(5, 2).fit(same, seed=0).log_prob(same)).all()


def test_what_cannot_be_learnt():
    x, _ = clusters(50)
    constant = np.column_stack([x[:, 0], np.ones(50)])
    with pytest.raises(ValueError, match="a column is constant or a linear function of others"):
        fd.gaussian_mixture(2, 2).fit(constant, seed=0)
    net = fd.BayesNet.from_edges([("z", "a"), ("a", "b")], states={"z": ["0", "1"]}, real=["a", "b"])
    with pytest.raises(ValueError, match=r"the real variable 'a' has no value in some rows, and \['b'\] depend on it"):
        net.fit({"a": [1.0, np.nan, 3.0, 4.5], "b": [1.0, 2.0, 2.5, 4.0]}, seed=0)
    with pytest.raises(KeyError, match="the data has no column 'a'; only discrete variables whose states are declared"):
        net.fit({"b": [1.0, 2.0, 2.5, 4.0]}, seed=0)
    with pytest.raises(ValueError, match="'a' is real and has no values"):
        net.fit({"a": [np.nan] * 4, "b": [1.0, 2.0, 2.5, 4.0]}, seed=0)
    undeclared = fd.BayesNet.from_edges([("z", "a")], real=["a"])
    with pytest.raises(KeyError, match="no column 'z'; only discrete variables whose states are declared"):
        undeclared.fit({"a": [1.0, 2.5, 3.0]}, seed=0)
    with pytest.raises(ValueError, match="at least one row"):
        fd.gaussian_mixture(2, 2).fit(np.empty((0, 2)), seed=0)


def test_reals_need_no_declaration_beside_hidden_states():
    x, owner = clusters(60)
    some = np.where(np.arange(60) % 3, owner, None)
    missing = np.where(np.arange(60) % 5, x[:, 1], np.nan)
    columns = {"z": some, "a": x[:, 0], "b": missing}
    states = {"z": ["0", "1", "2"]}
    edges = [("z", "a"), ("z", "b")]
    net = fd.BayesNet.from_edges(edges, states=states).fit(columns, seed=0)
    told = fd.BayesNet.from_edges(edges, states=states, real=["a", "b"]).fit(columns, seed=0)
    assert all(net[name] == told[name] for name in net.names)
    leaf = np.column_stack([x[:, 0], missing])
    assert fd.BayesNet.from_edges([("a", "b")]).fit(leaf)["b"].std > 0.0


def test_features_are_real_and_arrays_have_their_width():
    with pytest.raises(KeyError, match=r"real features are some of .*, got the class variable 'y'"):
        fd.naive_bayes("y", ["a", "b"], real=["y"])
    net = fd.BayesNet(
        {"z": fd.Bernoulli(0.5), "x": fd.MultivariateNormal.given(["z"], np.zeros((2, 4)), [np.eye(4)] * 2)}
    )
    for rows in (np.zeros((6, 3)), np.zeros(6)):
        for verb in (net.fit, net.log_prob, net.partial_fit):
            with pytest.raises(ValueError, match=r"\(n_rows, 5\).* or \(n_rows, 4\) for the real ones alone, \['x'\]"):
                verb(rows)


def test_labels_beside_hidden_variables_are_refused():
    x, owner = clusters(90)
    net = fd.naive_bayes("y", ["a", "b"], target_states=3, real=["a", "b"])
    some = np.where(np.arange(90) % 2, owner, None)
    for data in (x, {"a": x[:, 0], "b": x[:, 1]}, {"a": x[:, 0], "b": x[:, 1], "y": some}):
        with pytest.raises(ValueError, match="y is ignored, but some variables are hidden"):
            net.fit(data, owner)
    assert net.fit({"y": owner, "a": x[:, 0], "b": x[:, 1]}, owner).is_fitted  # nothing is hidden


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("n_restarts", 0, ValueError),
        ("max_iterations", 0, ValueError),
        ("tolerance", -1.0, ValueError),
        ("seed", -1, ValueError),
        ("progress", "yes", TypeError),
        ("resume", 1, TypeError),
    ],
)
def test_options(option, value, error):
    with pytest.raises(error, match=option):
        fd.gaussian_mixture(2, 2).fit(clusters()[0], **{option: value})


@pytest.mark.parametrize(("k", "d", "covariance"), [(0, 2, "full"), (2, 0, "full"), (2, 2, "diag")])
def test_shapes_of_mixtures(k, d, covariance):
    with pytest.raises(ValueError, match=r"n_components|n_vars|covariance"):
        fd.gaussian_mixture(k, d, covariance)


def test_a_mixture_of_experts():
    """A hidden switch, chosen by a logistic function of x, between two lines."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    z = rng.random(2000) < 1.0 / (1.0 + np.exp(-4.0 * x))
    y = np.where(z, 10.0 + 2.0 * x, -x) + 0.3 * rng.normal(size=2000)
    net = fd.BayesNet(
        {
            "x": fd.Normal(None, None),
            "z": fd.Logistic(["x"], l2=1e-3),
            "y": fd.LinearGaussian(["z", "x"], None, None, None),
        }
    ).fit({"x": x, "y": y}, seed=0, tolerance=1e-7)
    order = np.argsort(net["y"].intercept)
    np.testing.assert_allclose(net["y"].intercept[order], [0.0, 10.0], atol=0.05)
    np.testing.assert_allclose(net["y"].coefficients[order, 0], [-1.0, 2.0], atol=0.05)
    np.testing.assert_allclose(abs(net["z"].weights), [4.0], rtol=0.15)
    assert net["x"].mean == pytest.approx(x.mean())
