"""Learning real variables: closed forms against NumPy's least squares; weights, chunks, threads, fallbacks, errors."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from shared_data import shared

import fastdgm as fd


def mixed_data(n: int = 600, seed: int = 0) -> dict[str, np.ndarray]:
    """z -> a, y -> b <- a, b <- c, with y in two and z in three states."""
    rng = np.random.default_rng(seed)
    z, y, c = rng.integers(0, 3, n), rng.integers(0, 2, n), rng.normal(5.0, 2.0, n)
    a = np.array([-1.0, 0.0, 4.0])[z] + rng.normal(size=n)
    b = np.where(y == 1, 3.0 * a - c + 1.0, 0.5 * c) + np.array([0.1, 0.2, 0.3])[z] * rng.normal(size=n)
    return {"z": z, "y": y, "c": c, "a": a, "b": b}


EDGES = [("z", "a"), ("a", "b"), ("y", "b"), ("c", "b"), ("z", "b")]


def mixed_net() -> fd.BayesNet:
    return fd.BayesNet.from_edges(EDGES, nodes=["z", "y", "c", "a", "b"])


def least_squares(child, parents, weights=None):
    """(intercept, coefficients, std) by numpy.linalg.lstsq."""
    root = np.sqrt(np.ones(len(child)) if weights is None else weights)
    design = np.column_stack([np.ones(len(child)), *parents])
    solution, *_ = np.linalg.lstsq(design * root[:, None], child * root, rcond=None)
    residual = (child - design @ solution) * root
    return solution[0], solution[1:], np.sqrt((residual**2).sum() / (root**2).sum())


def check_regression(own: fd.LinearGaussian, at: tuple[int, ...], expected, tolerance: float = 1e-9):
    intercept, coefficients, std = expected
    assert own.intercept[at] == pytest.approx(intercept, rel=tolerance, abs=tolerance)
    np.testing.assert_allclose(own.coefficients[at], coefficients, rtol=tolerance, atol=tolerance)
    assert own.std[at] == pytest.approx(std, rel=tolerance)


@pytest.mark.parametrize("weighted", [False, True])
def test_regressions_are_those_of_least_squares(weighted):
    data = mixed_data()
    weights = np.random.default_rng(1).uniform(0, 2, 600) * (np.arange(600) % 7 > 0) if weighted else None
    net = mixed_net().fit(data, sample_weight=weights)
    assert net["b"].parents == ("a", "y", "c", "z") and net["b"].discrete_parents == ("y", "z")
    assert net["a"].intercept.shape == (3,) and net["b"].coefficients.shape == (2, 3, 2)
    w = np.ones(600) if weights is None else weights
    check_regression(net["c"], (), least_squares(data["c"], [], w))
    for z in range(3):
        rows = data["z"] == z
        check_regression(net["a"], (z,), least_squares(data["a"][rows], [], w[rows]))
        for y in range(2):
            rows = (data["z"] == z) & (data["y"] == y)
            parents = [data["a"][rows], data["c"][rows]]
            check_regression(net["b"], (y, z), least_squares(data["b"][rows], parents, w[rows]))


def test_the_tables_of_a_mixed_network_are_those_of_counting():
    data = mixed_data() | {"w": np.random.default_rng(2).integers(0, 4, 600)}
    edges = [*EDGES, ("z", "w"), ("y", "w")]
    net = fd.BayesNet.from_edges(edges).fit(data, prior=0.5, sample_weight=np.arange(600))
    codes = {name: data[name] for name in ("z", "y", "w")}
    tables = fd.BayesNet.from_edges([("z", "w"), ("y", "w")]).fit(codes, prior=0.5, sample_weight=np.arange(600))
    assert all((net[name].table == tables[name].table).all() for name in codes)


def test_chunks_give_what_all_rows_give():
    data = mixed_data()
    weights = np.random.default_rng(1).uniform(0, 2, 600)
    whole, chunked = mixed_net().fit(data, sample_weight=weights), mixed_net()
    for begin, end in ((0, 150), (150, 151), (151, 600)):
        rows = slice(begin, end)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whatever the small chunk lacks
            chunked.partial_fit({name: own[rows] for name, own in data.items()}, sample_weight=weights[rows])
    for name in ("a", "b", "c"):
        for own, other in zip(chunked[name].parameters().values(), whole[name].parameters().values(), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(chunked["z"].table, whole["z"].table)


def kinds_net() -> fd.BayesNet:
    """One variable of every kind that follows from sums over rows."""
    return fd.BayesNet(
        {
            "z": fd.Bernoulli(0.5),
            "a": fd.Normal.given(["z"], [0, 1], [1, 1]),
            "b": fd.LinearGaussian(["a"], 0, [1]),
            "v": fd.MultivariateNormal([0, 0], np.eye(2)),
            "u": fd.Uniform(0, 1),
            "e": fd.Exponential(1),
        }
    )


def test_a_stream_may_start_with_no_rows_and_with_single_ones():
    net, n = kinds_net(), 40
    x = net.sample(n, seed=0, dtype=np.float64)
    chunked = kinds_net()
    for begin, end in ((0, 0), *((row, row + 1) for row in range(2))):
        with pytest.warns(UserWarning, match="the rows are kept for later calls, until then the conditionals stay"):
            chunked.partial_fit(x[begin:end])
        assert chunked.conditionals == net.conditionals
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a state of z may lack rows still
        for row in range(2, n):
            chunked.partial_fit(x[row : row + 1])
    whole = net.fit(x)
    for name in net.names:
        for own, other in zip(chunked[name].parameters().values(), whole[name].parameters().values(), strict=True):
            np.testing.assert_allclose(own, other, rtol=1e-9, atol=1e-9)


def test_a_structure_whose_first_chunk_is_small_knows_its_variables_alone():
    net = fd.BayesNet.from_edges([("z", "a")])
    with pytest.warns(UserWarning, match="too few rows .* 'a' has 1, .* at least 2; the rows are kept"):
        net.partial_fit({"z": ["yes"], "a": [0.5]})
    assert not net.is_fitted and net.states == {"z": ("yes",)}
    net.partial_fit({"z": ["yes"], "a": [1.5]})
    assert net["a"].intercept.tolist() == [1.0] and net["a"].std.tolist() == [0.5]


def test_a_chunk_that_no_later_one_mends_is_refused():
    net = fd.BayesNet({"e": fd.Exponential(1)}).partial_fit({"e": [1.0, 3.0]})
    with pytest.raises(ValueError, match="never below 0, 'e' is -1"):
        net.partial_fit({"e": [-1.0]})
    assert net.partial_fit({"e": [5.0]})["e"].rate == 1 / 3


def test_fit_after_chunks_starts_afresh_also_with_kinds():
    data = mixed_data()
    net = fd.BayesNet.from_edges([("z", "a")]).partial_fit({"z": data["z"], "a": data["a"]})
    net.fit({"z": data["c"], "a": data["b"]})
    check_regression(net["a"], (), least_squares(data["b"], [data["c"]]))
    net.fit({"z": [0, 1, 1], "a": [1, 0, 1]})
    assert net.states == {"z": ("0", "1"), "a": ("0", "1")} and isinstance(net["a"], fd.CPT)


def test_threads_do_not_change_a_bit():
    rng = np.random.default_rng(3)
    n = 300_000
    data = {"z": rng.integers(0, 3, n), "a": rng.normal(size=n), "b": rng.normal(size=n)}
    nets = []
    for threads in (1, 3):
        with fd.num_threads(threads):
            nets.append(fd.BayesNet.from_edges([("z", "b"), ("a", "b")]).fit(data))
    assert nets[0]["b"] == nets[1]["b"] and nets[0]["a"] == nets[1]["a"]


def test_float32_is_added_up_in_float64():
    data = {name: np.float32(own) if name in "abc" else own for name, own in mixed_data().items()}
    net = mixed_net().fit(data)
    rows = (data["z"] == 1) & (data["y"] == 0)
    parents = [data[name][rows].astype(float) for name in ("a", "c")]
    check_regression(net["b"], (0, 1), least_squares(data["b"][rows].astype(float), parents))


def test_large_offsets():
    rng = np.random.default_rng(4)
    x = rng.normal(size=2000)
    data = {"x": 1e6 + 1e-3 * x, "y": -1e7 + 2e-3 * x + 1e-4 * rng.normal(size=2000)}
    net = fd.BayesNet.from_edges([("x", "y")]).fit(data)
    near = {"x": data["x"] - 1e6, "y": data["y"] + 1e7}
    _, coefficients, std = least_squares(near["y"], [near["x"]])
    assert net["x"].std == pytest.approx(near["x"].std(), rel=1e-10)
    assert net["y"].coefficients[0] == pytest.approx(coefficients[0], rel=1e-9)
    assert net["y"].std == pytest.approx(std, rel=1e-9)


@pytest.mark.parametrize(("far", "weight"), [(1e9, 1e-20), (1e8, 1e-17)])
def test_a_first_row_far_out_that_hardly_counts(far, weight):
    rng = np.random.default_rng(12)
    x = rng.normal(size=2000)
    y = 2 * x + rng.normal(size=2000)
    net = fd.BayesNet.from_edges([("x", "y")])
    net.fit({"x": np.r_[far, x], "y": np.r_[0.5, y]}, sample_weight=np.r_[weight, np.ones(2000)])
    assert net["x"].std == pytest.approx(x.std(), rel=1e-4)
    check_regression(net["y"], (), least_squares(y, [x]), tolerance=1e-3)


def test_vectors_as_parents_and_of_their_own():
    rng = np.random.default_rng(5)
    v, z = rng.normal(size=(500, 3)), rng.integers(0, 2, 500)
    v[:, 1] += v[:, 0] + z
    data = {"v": v, "z": z, "y": v @ [1.0, -2.0, 0.5] + rng.normal(size=500)}
    net = fd.BayesNet.from_edges([("z", "v"), ("v", "y")]).fit(data)
    assert isinstance(net["v"], fd.MultivariateNormal)
    for k in range(2):
        np.testing.assert_allclose(net["v"].mean[k], v[z == k].mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(net["v"].covariance[k], np.cov(v[z == k].T, bias=True), atol=1e-12)
    check_regression(net["y"], (), least_squares(data["y"], [v]))


def test_weights_are_numbers_of_rows():
    data = mixed_data(60)
    counts = np.random.default_rng(6).integers(0, 4, 60)
    net = mixed_net()
    weighted = {"c": net.fit(data, sample_weight=counts)["c"], "a": net["a"]}
    repeated = mixed_net().fit({name: np.repeat(own, counts) for name, own in data.items()})
    for name, own in weighted.items():
        np.testing.assert_allclose(own.intercept, repeated[name].intercept, rtol=1e-12)
        np.testing.assert_allclose(own.std, repeated[name].std, rtol=1e-12)


# --- kinds that stay ---


def test_each_conditional_keeps_its_kind():
    rng = np.random.default_rng(7)
    net = fd.BayesNet(
        {
            "n": fd.Normal(),
            "u": fd.Uniform(0, 1),
            "e": fd.Exponential(3),
            "l": fd.Laplace(),
            "d": fd.Deterministic(["n", "e"], np.add),
            "g": fd.LinearGaussian(["d"]),
        }
    )
    assert not net.is_fitted
    n, e = rng.normal(2, 3, 400), rng.exponential(0.25, 400)
    data = {
        "n": n,
        "u": rng.uniform(-1, 5, 400),
        "e": e,
        "l": rng.laplace(1, 2, 400),
        "d": n + e,
        "g": rng.normal(size=400),
    }
    kept = net["d"]
    assert net.fit(data) is net and net.is_fitted
    assert type(net["n"]) is fd.Normal and net["n"].std == pytest.approx(n.std())
    assert (net["u"].low, net["u"].high) == (data["u"].min(), data["u"].max())
    assert net["e"].rate == pytest.approx(1 / e.mean())
    assert net["l"].loc == pytest.approx(np.median(data["l"]))
    assert net["l"].scale == pytest.approx(np.abs(data["l"] - np.median(data["l"])).mean())
    assert net["d"] == kept
    check_regression(net["g"], (), least_squares(data["g"], [n + e]))


@pytest.mark.parametrize("seed", range(5))
def test_the_weighted_median_is_the_likeliest(seed):
    rng = np.random.default_rng(seed)
    x, w = rng.integers(0, 9, 25) + 0.5, rng.uniform(0, 1, 25) * (rng.uniform(size=25) < 0.7)
    own = fd.BayesNet({"x": fd.Laplace()}).fit({"x": x}, sample_weight=w)["x"]
    distances = [np.dot(w, np.abs(x - loc)) for loc in (*x[w > 0], own.loc)]
    assert distances[-1] == pytest.approx(min(distances)) and own.scale == pytest.approx(min(distances) / w.sum())
    assert fd.BayesNet({"x": fd.Laplace()}).fit({"x": [1.0, 4.0, 2.0, 9.5]})["x"].loc == 3.0


def test_roots_with_weights_in_chunks():
    x, w = np.array([5.0, 0.5, 2.0, 1.0, 7.0]), np.array([0.0, 1.0, 2.0, 1.0, 0.0])
    net, chunked = (fd.BayesNet({"u": fd.Uniform(), "e": fd.Exponential()}) for _ in range(2))
    for rows in (slice(0, 3), slice(3, 5)):
        chunked.partial_fit({"u": x[rows], "e": x[rows]}, sample_weight=w[rows])
    net.fit({"u": x, "e": x}, sample_weight=w)
    assert net["u"] == chunked["u"] and net["e"].rate == pytest.approx(chunked["e"].rate)
    assert (net["u"].low, net["u"].high, net["e"].rate) == (0.5, 2.0, 4.0 / 5.5)


def test_normal_vectors_of_a_mixture():
    rng = np.random.default_rng(8)
    z = rng.integers(0, 2, 300)
    x = rng.normal(size=(300, 2)) * (1 + z[:, None])
    net = fd.BayesNet({"z": fd.Bernoulli(0.5), "x": fd.MultivariateNormal.given(["z"], size=2)})
    w = rng.uniform(size=300)
    net.fit({"z": z, "x": x}, sample_weight=w)
    np.testing.assert_allclose(net["x"].covariance[1], np.cov(x[z == 1].T, aweights=w[z == 1], bias=True), rtol=1e-10)


def test_real_says_that_whole_numbers_are_real():
    data = {"x": [1, 2, 3, 5, 9], "y": [2.0, 3.0, 5.0, 4.0, 8.0]}
    net = fd.BayesNet.from_edges([("x", "y")], real=["x", "y"]).fit(data)
    check_regression(net["y"], (), least_squares(np.array(data["y"]), [np.array(data["x"])]))
    with pytest.raises(KeyError, match="no variable 'v'"):
        fd.BayesNet.from_edges([("x", "y")], real=["v"])
    with pytest.raises(ValueError, match="'x' is real and has no states"):
        fd.BayesNet.from_edges([("x", "y")], real=["x"], states={"x": ["a"]})
    with pytest.raises(TypeError, match="must be a list of names"):
        fd.BayesNet.from_edges([("x", "y")], real="x")


def test_rows_with_unknown_labels_are_left_out_with_their_reals():
    net = fd.BayesNet.from_edges([("z", "x")], states={"z": ["a", "b"]})
    data = {"z": ["a", "b", "c", "a", "b"], "x": [1.0, 2.5, 9.0, 3.0, 3.5]}
    with pytest.warns(UserWarning, match="1 of 5 rows hold a label that is no state"):
        net.fit(data, unknown="drop")
    assert net["x"].intercept.tolist() == [2.0, 3.0] and net["x"].std.tolist() == [1.0, 0.5]


# --- fallbacks, said ---


def test_a_constant_column_has_std_0():
    net = fd.BayesNet.from_edges([("x", "y")], real=["x"])
    with pytest.warns(UserWarning, match="'x' is constant: its std is 0; real parents \\['x'\\] of 'y' are constant"):
        net.fit({"x": [0.1] * 5, "y": [1.0, 2.0, 4.0, 4.0, 4.5]})
    assert (net["x"].intercept, net["x"].std) == (0.1, 0.0)
    assert net["y"].coefficients.tolist() == [0.0] and net["y"].intercept == 3.1


def test_a_column_that_is_constant_in_one_state():
    net = fd.BayesNet.from_edges([("z", "x")], states={"z": ["a", "b"]})
    with pytest.warns(UserWarning, match="in 1 of 2 joint states of its discrete parents, the first being z='b'"):
        net.fit({"z": ["a", "b", "a", "b"], "x": [1.0, 1e6 + 0.1, 2.5, 1e6 + 0.1]})
    assert net["x"].std.tolist() == [0.75, 0.0] and net["x"].intercept[1] == 1e6 + 0.1


def test_collinear_parents_keep_the_first():
    rng = np.random.default_rng(9)
    a, b = rng.normal(size=(2, 200))
    data = {"a": a, "b": b, "c": 2 * a - b + 7, "y": a + b + rng.normal(size=200)}
    net = fd.BayesNet.from_edges([("a", "y"), ("b", "y"), ("c", "y")])
    with pytest.warns(
        UserWarning, match="real parents \\['c'\\] of 'y' are constant or linear functions of those before"
    ):
        net.fit(data)
    intercept, coefficients, std = least_squares(data["y"], [a, b])
    check_regression(net["y"], (), (intercept, [*coefficients, 0.0], std))


def test_a_child_that_its_parents_determine():
    x = np.random.default_rng(10).normal(size=500)
    net = fd.BayesNet.from_edges([("x", "y")])
    with pytest.warns(UserWarning, match="'y' is a linear function of its parents but for rounding"):
        net.fit({"x": x, "y": 2 * x + 1})
    assert net["y"].coefficients[0] == pytest.approx(2) and 0 < net["y"].std < 1e-6


def test_joint_states_with_too_few_rows_have_the_regression_of_all():
    data = mixed_data(200)
    data["z"] = np.where(data["z"] == 2, 1, data["z"])
    data["z"][:2] = 3
    net = fd.BayesNet.from_edges([("z", "b"), ("a", "b"), ("c", "b")], states={"z": list("klmn")})
    with pytest.warns(UserWarning, match="'b' has too few rows for a regression in 2 of 4 .* first being z='m'"):
        net.fit({name: own for name, own in data.items() if name != "y"})
    for z in (2, 3):
        check_regression(net["b"], (z,), least_squares(data["b"], [data["a"], data["c"]]))


def test_warnings_point_at_the_caller():
    with pytest.warns(UserWarning, match="constant") as caught:
        fd.BayesNet.from_edges([], nodes=["x"], real=["x"]).fit({"x": [1.5, 1.5]})
    assert caught[0].filename == __file__


def test_many_notes_are_one_warning():
    names = [f"x{i}" for i in range(9)]
    with pytest.warns(UserWarning, match="and 4 more such notes") as caught:
        fd.BayesNet.from_edges([], nodes=names, real=names).fit({name: [1.5, 1.5] for name in names})
    assert len(caught) == 1


# --- errors ---


def fails(net: fd.BayesNet, data, match: str, kind=ValueError, **options):
    """A failing fit changes nothing."""
    before = dict(net.__dict__)
    with pytest.raises(kind, match=match):
        net.fit(data, **options)
    assert net.__dict__ == before


@pytest.mark.parametrize(
    ("value", "match"),
    [(np.nan, "'x' has no value in some rows"), (np.inf, "column 'x', row 1"), (-np.inf, "column 'x', row 1")],
)
def test_values_that_are_not_finite(value, match):
    net = fd.BayesNet.from_edges([("x", "y")])
    fails(net, {"x": [0.5, value, 1.0], "y": [0.5, 2.5, 1.0]}, match)


def test_too_few_rows():
    fails(fd.BayesNet.from_edges([("x", "y")]), {"x": [0.5, 1.5], "y": [0.5, 1.5]}, "'y' has 2, .* at least 3")
    fails(fd.BayesNet({"x": fd.Normal()}), {"x": []}, "'x' has 0")
    fails(fd.BayesNet({"x": fd.Normal()}), {"x": [1.0, 2.0, 3.0]}, "'x' has 1", sample_weight=[0, 1, 0])
    vector = fd.BayesNet({"x": fd.MultivariateNormal.standard(3)})
    fails(vector, {"x": np.eye(3)}, "'x' has 3, a covariance of 3 numbers needs at least 4")
    fails(fd.BayesNet({"x": fd.Exponential()}), {"x": [1.0]}, "'x' cannot be learnt from no rows", sample_weight=[0.0])
    fails(fd.BayesNet({"x": fd.Laplace()}), {"x": [1.0]}, "'x' cannot be learnt from no rows", sample_weight=[0.0])


def test_a_singular_covariance():
    x = np.random.default_rng(11).normal(size=(50, 2))
    net = fd.BayesNet({"x": fd.MultivariateNormal.standard(3)})
    fails(net, {"x": np.c_[x, x.sum(axis=1)]}, "the rows of 'x' have no covariance.*eigenvalue")
    fails(net, {"x": np.c_[x, np.ones(50)]}, "a column is constant or a linear function")


def test_roots_that_do_not_fit():
    fails(fd.BayesNet({"x": fd.Uniform(0, 1)}), {"x": [2.0, 2.0]}, "more than one value, all of 'x' are 2")
    fails(fd.BayesNet({"x": fd.Exponential(1)}), {"x": [2.0, -0.5]}, "never below 0, 'x' is -0.5")
    fails(fd.BayesNet({"x": fd.Exponential(1)}), {"x": [0.0, 0.0]}, "the mean of 'x' is 0")
    with pytest.warns(UserWarning, match="'x' is constant: its scale is 0"):
        fd.BayesNet({"x": fd.Laplace(0, 1)}).fit({"x": [2.0, 2.0]})


@pytest.mark.parametrize("kind", [fd.Normal, fd.Exponential, fd.Laplace])
def test_sums_out_of_range(kind):
    data = {"x": [1e308, 1.7e308, -1.7e308]}
    fails(fd.BayesNet({"x": kind()}), data, "'x'.* the range of float64", sample_weight=[1e10] * 3)


def test_laplace_needs_all_rows_at_once():
    net = fd.BayesNet({"x": fd.Laplace(0, 1)})
    with pytest.raises(TypeError, match="partial_fit cannot learn the Laplace of 'x'"):
        net.partial_fit({"x": [1.0, 2.0]})


def test_a_table_has_no_real_parents():
    with pytest.raises(ValueError, match="the parents of a table are discrete, 'x' of 'z' is real"):
        fd.BayesNet({"x": fd.Normal(0, 1), "z": fd.CPT(["x"], [[0.5, 0.5], [0.5, 0.5]])})


def test_bad_weights():
    net = fd.BayesNet({"x": fd.Normal(0, 1)})
    fails(net, {"x": [1.0, 2.0]}, "sample_weight must be between 0", sample_weight=[1.0, np.nan])
    fails(net, {"x": [1.0, 2.0]}, "one weight per row", sample_weight=[1.0])


# --- rows drawn from a known network ---


def check_recovered(net: fd.BayesNet, n: int):
    """What is learnt from rows of a network is that network up to sampling, and likelier than it on these rows."""
    x = net.sample(n, seed=0, dtype=np.float64)
    fitted = fd.BayesNet(dict(net.conditionals)).fit(x, prior=0.0)
    assert fitted.log_prob(x).sum() >= net.log_prob(x).sum()
    for name, own in net.conditionals.items():
        if isinstance(own, fd.LinearGaussian):
            rows = n / own.std.size / 4  # or more, in a configuration
            assert (np.abs(fitted[name].std / own.std - 1.0) < 6.0 / np.sqrt(2.0 * rows)).all()


def test_a_network_is_recovered_from_its_rows():
    net = fd.BayesNet(
        {
            "z": fd.Categorical([0.2, 0.5, 0.3]),
            "a": fd.Normal.given(["z"], mean=[0, 5, -5], std=[1, 2, 0.5]),
            "b": fd.LinearGaussian(["a", "z"], [1, 2, 3], [[1], [0], [-1]], [0.1, 0.2, 0.3]),
            "c": fd.LinearGaussian(["a", "b"], 0.5, [2, -1], 3.0),
        }
    )
    check_recovered(net, 20_000)


@pytest.mark.filterwarnings("ignore:.*off by more than")
def test_a_network_of_the_literature_is_recovered_from_its_rows():
    check_recovered(fd.read(shared("clg/sangiovese.json")), 50_000)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:'x' is constant")
def test_the_rows_of_a_constant_column_are_certain(dtype):
    x = np.full(1000, 0.1, dtype)
    net = fd.BayesNet({"x": fd.Normal()}).fit({"x": x})
    assert (net.log_prob({"x": x}) == 0.0).all()
