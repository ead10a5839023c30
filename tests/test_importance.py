"""Importance sampling of hidden real variables: against exact integrals, its errors, what stays exact, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")

from linear_modules import Linear, neural, posterior_guide  # noqa: E402

MEANS, STDS = [-1.0, 0.0, 2.0], [1.0, 0.5, 0.7]
CLASSES = fd.Categorical([0.2, 0.5, 0.3])
SIDES = fd.CPT(["c"], [[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])

LATENT = fd.BayesNet({"z": fd.Normal(0, 1), "x": neural(["z"], [2.0], 0.5, 0.5)})
LATENT_TRUTH = fd.BayesNet({"z": fd.Normal(0, 1), "x": fd.LinearGaussian(["z"], 0.5, [2.0], 0.5)})
MIXED = fd.BayesNet(
    {"c": CLASSES, "z": fd.Normal.given(["c"], MEANS, STDS), "x": neural(["z"], [2.0], 0.5, 0.5), "y": SIDES}
)
MIXED_TRUTH = fd.BayesNet(
    {
        "c": CLASSES,
        "z": fd.Normal.given(["c"], MEANS, STDS),
        "x": fd.LinearGaussian(["z"], 0.5, [2.0], 0.5),
        "y": SIDES,
    }
)


def exact_guide(factor=1.0):
    intercept, slope, std = posterior_guide(0.0, 1.0, 2.0, 0.5, 0.5)
    return {"z": neural(["x"], [slope], intercept, float(std) * factor)}


def exact_mixed_guide():
    intercept, slope, std = posterior_guide(MEANS, STDS, 2.0, 0.5, 0.5)
    return {"z": fd.LinearGaussian(["c", "x"], intercept, slope[:, None], std)}


def rows_of(net, n, *names):
    rows = net.sample(n, seed=3, dtype=np.float64)
    return {name: rows[name] for name in names}


def quiet(call, *arguments, **options):
    """A call whose doubts are not what is tested."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return call(*arguments, **options)


@pytest.mark.parametrize("guide", [{}, exact_guide(1.3)])
def test_standard_errors_cover_the_exact_answer(guide):
    x = rows_of(LATENT_TRUTH, 400, "x")
    net = LATENT.guided(guide)
    value, error = quiet(net.log_prob, x, n_importance=400, return_std_error=True, seed=0)
    z = (value - LATENT_TRUTH.log_prob(x)) / error
    assert 0.9 < (abs(z) < 1.96).mean() < 0.99


def test_the_mean_weight_is_unbiased():
    x = {"x": np.full(20_000, 0.3)}
    ratio = np.exp(quiet(LATENT.log_prob, x, n_importance=2, seed=1) - LATENT_TRUTH.log_prob(x))
    assert abs(ratio.mean() - 1.0) < 4 * ratio.std() / np.sqrt(len(ratio))


def test_proposals_from_the_posterior_leave_no_error():
    x = rows_of(LATENT_TRUTH, 50, "x")
    value, error = LATENT.guided(exact_guide()).log_prob(x, n_importance=20, return_std_error=True, seed=0)
    np.testing.assert_allclose(value, LATENT_TRUTH.log_prob(x), atol=1e-9)
    assert error.max() < 1e-9


@pytest.mark.parametrize("names", [("x", "y"), ("x",), ("x", "c")])
def test_hidden_discrete_variables_are_summed_for_every_sample(names):
    x = rows_of(MIXED_TRUTH, 60, *names)
    net = MIXED.guided(exact_mixed_guide())
    np.testing.assert_allclose(net.log_prob(x, n_importance=4, seed=0), MIXED_TRUTH.log_prob(x), atol=1e-9)


@pytest.mark.parametrize(("names", "target"), [(("x", "y"), "c"), (("x",), "c"), (("x",), "y"), (("x", "c"), "y")])
def test_posteriors_are_shares_of_the_weights(names, target):
    x = rows_of(MIXED_TRUTH, 60, *names)
    expected = MIXED_TRUTH.predict_proba(x, target)
    net = MIXED.guided(exact_mixed_guide())
    np.testing.assert_allclose(net.predict_proba(x, target, n_importance=4, seed=0), expected, atol=1e-9)
    found = quiet(MIXED.predict_proba, x, target, n_importance=4000, seed=0)
    assert np.median(abs(found - expected)) < 0.01
    assert abs(found - expected).max() < 0.15
    np.testing.assert_array_equal(net.predict(x, target, n_importance=4, seed=0), expected.argmax(axis=1))


def test_rows_do_not_depend_on_what_is_asked_with_them():
    x = rows_of(MIXED_TRUTH, 90, "c", "z", "x", "y")
    own = np.arange(90)
    x["z"] = np.where(own % 2, np.nan, x["z"])
    x["c"] = np.where(own % 3, -1, x["c"].astype(int))
    x["y"] = np.where(own % 5 == 1, -1, x["y"].astype(int))
    value, error = quiet(MIXED.log_prob, x, n_importance=700, return_std_error=True, seed=5)
    assert (error == 0).sum() == 45
    np.testing.assert_allclose(value[error == 0], MIXED_TRUTH.log_prob(x)[error == 0])
    assert (abs(value - MIXED_TRUTH.log_prob(x)) < 5 * error + 1e-9).all()
    first = {name: column[:31] for name, column in x.items()}
    np.testing.assert_allclose(quiet(MIXED.log_prob, first, n_importance=700, seed=5), value[:31], rtol=1e-12)
    with fd.num_threads(1):
        np.testing.assert_array_equal(quiet(MIXED.log_prob, x, n_importance=700, seed=5), value)


def test_many_samples_of_a_row_are_worked_on_in_pieces():
    x = rows_of(LATENT_TRUTH, 2, "x")
    value, error = LATENT.guided(exact_guide(1.2)).log_prob(x, n_importance=50_000, return_std_error=True, seed=0)
    assert (abs(value - LATENT_TRUTH.log_prob(x)) < 4 * error).all()
    assert error.max() < 0.01


def test_a_guide_is_called_once_for_each_row():
    guide = exact_guide(1.2)
    net = LATENT.guided(guide)
    module = net.guide["z"].module
    before = module.n_rows
    net.log_prob(rows_of(LATENT_TRUTH, 40, "x"), n_importance=100, seed=0)
    assert module.n_rows - before == 40


def test_guides_may_read_other_latent_variables():
    parts = {"a": fd.Normal(0.3, 1.2), "b": fd.LinearGaussian(["a"], 0.1, [0.8], 0.6)}
    truth = fd.BayesNet({**parts, "x": fd.LinearGaussian(["b"], 0.5, [2.0], 0.5)})
    net = fd.BayesNet({**parts, "x": neural(["b"], [2.0], 0.5, 0.5)})
    mean, std = 0.1 + 0.8 * 0.3, np.hypot(0.8 * 1.2, 0.6)
    i, slope, own_std = posterior_guide(mean, std, 2.0, 0.5, 0.5)
    up = posterior_guide(0.3, 1.2, 0.8, 0.1, 0.6)
    guide = {
        "a": neural(["b"], [up[1]], float(up[0]), float(up[2])),
        "b": neural(["x"], [slope], float(i), float(own_std)),
    }
    x = rows_of(truth, 30, "x")
    np.testing.assert_allclose(net.guided(guide).log_prob(x, n_importance=3, seed=0), truth.log_prob(x), atol=1e-9)


def test_a_guide_may_read_a_hidden_variable_that_nothing_observed_depends_on():
    intercept, slope, std = posterior_guide(0.0, 1.0, 2.0, 0.5, 0.5)
    guide = {"z": fd.LinearGaussian(["y", "x"], [intercept] * 2, [[slope]] * 2, [std, std * 1.5])}
    net = fd.BayesNet({**LATENT.conditionals, "y": fd.Logistic(["z"], [1.0], 0.0)}).guided(guide)
    x = rows_of(LATENT_TRUTH, 40, "x")
    value, error = net.log_prob(x, n_importance=2000, return_std_error=True, seed=0)
    assert (abs(value - LATENT_TRUTH.log_prob(x)) < 5 * error).all()


def test_what_has_a_closed_form_stays_exact():
    """Two linear Gaussians beside the latent variable: no sample of theirs is drawn."""
    more = {"u": fd.Normal(0, 2), "v": fd.LinearGaussian(["u"], 1, [1.5], 0.5)}
    net = fd.BayesNet({**LATENT.conditionals, **more}).guided(exact_guide())
    truth = fd.BayesNet({**LATENT_TRUTH.conditionals, **more})
    x = rows_of(truth, 30, "x", "v")
    np.testing.assert_allclose(net.log_prob(x, n_importance=2, seed=0), truth.log_prob(x), atol=1e-9)
    np.testing.assert_array_equal(net.log_prob({"v": x["v"]}, n_importance=2), net.log_prob({"v": x["v"]}))


def test_vectors_of_latent_numbers():
    weights, bias = np.random.default_rng(0).normal(size=(3, 2)), [0.1, -0.2, 0.3]
    net = fd.BayesNet({"z": fd.MultivariateNormal.standard(2), "x": neural(["z"], weights, bias, 0.8)})
    covariance = weights @ weights.T + 0.64 * np.eye(3)
    truth = fd.BayesNet({"x": fd.MultivariateNormal(bias, covariance)})
    gain = weights.T @ np.linalg.inv(covariance)
    spread = np.linalg.cholesky(np.eye(2) - gain @ weights)
    x = truth.sample(30, seed=0, dtype=np.float64)["x"]
    value, error = net.log_prob({"x": x}, n_importance=2000, return_std_error=True, seed=0)
    assert (abs(value - truth.log_prob({"x": x})) < 5 * error).all()
    guide = {"z": neural(["x"], gain, -gain @ bias, float(spread.diagonal().max()) * 1.2)}
    _, smaller = net.guided(guide).log_prob({"x": x}, n_importance=2000, return_std_error=True, seed=0)
    assert smaller.max() < 0.5 * error.max()


def test_without_torch_modules_by_quadrature():
    net = fd.BayesNet({"s": fd.Exponential(1.0), "y": fd.Logistic(["s"], [1.5], -1.0)})
    s = (np.arange(200_000) + 0.5) * 1e-4
    share = np.sum(np.exp(-s) / (1 + np.exp(1.0 - 1.5 * s))) * 1e-4
    value, error = net.log_prob({"y": [0, 1]}, n_importance=20_000, return_std_error=True, seed=0)
    assert (abs(value - np.log([1 - share, share])) < 4 * error).all()
    np.testing.assert_allclose(
        net.predict_proba({"s": [0.5]}, "y", n_importance=2), net.predict_proba({"s": [0.5]}, "y")
    )


def test_a_classifier_without_some_of_its_inputs():
    class Classifier(torch.nn.Module):
        def forward(self, features):
            return torch.stack([features[:, 0] - features[:, 2], features[:, 1], 0.5 * features[:, 2]], dim=-1)

    buys = fd.Neural(["age", "income"], Classifier(), family="categorical", n_states=3)
    net = fd.BayesNet({"age": fd.Categorical([0.3, 0.7]), "income": fd.Normal(1.0, 0.8), "buys": buys})
    rows = net.sample(20, seed=0, dtype=np.float64)
    age, income, bought = (rows[name] for name in ("age", "income", "buys"))
    each = [net.log_prob({"age": np.full(20, a), "income": income, "buys": bought}) for a in (0, 1)]
    np.testing.assert_allclose(net.log_prob({"income": income, "buys": bought}), np.logaddexp(*each))
    np.testing.assert_allclose(
        net.log_prob({"age": age, "income": income}), np.log([0.3, 0.7])[age] + _normal(income, 1.0, 0.8)
    )
    grid = 1.0 + 0.8 * np.linspace(-8, 8, 4001)
    step = grid[1] - grid[0]
    found = net.predict_proba({"age": age}, "buys", n_importance=20_000, seed=0)
    for a in (0, 1):
        own = np.exp(_normal(grid, 1.0, 0.8)) * step
        expected = own @ net.predict_proba({"age": np.full(4001, a), "income": grid}, "buys")
        assert abs(found[age == a] - expected).max() < 0.02
    value, error = net.log_prob({"age": age, "buys": bought}, n_importance=5000, return_std_error=True, seed=1)
    assert (
        abs(value - np.log(0.3 if False else np.array([0.3, 0.7])[age]) - np.log(found[np.arange(20), bought])) < 0.1
    ).all()
    assert error.max() < 0.1
    with pytest.raises(ValueError, match=r"out: of \['income'\].*'buys' \(Neural\).*n_importance="):
        net.log_prob({"age": age, "buys": bought})


def _normal(x, mean, std):
    return -0.5 * ((x - mean) / std) ** 2 - np.log(std * np.sqrt(2 * np.pi))


def test_few_effective_samples_are_warned_of_where_the_verb_is_called():
    x = {"x": np.array([0.5, 0.7, 40.0])}
    with pytest.warns(UserWarning, match=r"in 1 of 3 rows the weights of n_importance=100 .*fewer than 10") as caught:
        LATENT.log_prob(x, n_importance=100, seed=0)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="1 of 3 rows") as caught:
        MIXED.predict(x, "c", n_importance=100, seed=0)
    assert caught[0].filename == __file__


def test_complete_rows_and_tables_need_no_samples():
    x = rows_of(MIXED_TRUTH, 10, "c", "z", "x", "y")
    value, error = MIXED.log_prob(x, n_importance=5, return_std_error=True)
    np.testing.assert_array_equal(value, MIXED.log_prob(x))
    assert not error.any()
    table = fd.BayesNet({"a": fd.Bernoulli(0.25)})
    value, error = table.log_prob([[0], [1]], n_importance=5, return_std_error=True)
    assert value.tolist() == table.log_prob([[0], [1]]).tolist()
    assert error.tolist() == [0.0, 0.0]
    assert table.log_prob([[0]], return_std_error=True)[1].tolist() == [0.0]


def test_an_array_of_all_variables_without_a_guide():
    net, own = MIXED.guided(exact_mixed_guide()), LATENT.guided(exact_guide())
    columns = rows_of(MIXED_TRUTH, 10, "c", "x", "y")
    array = np.column_stack([columns["c"], columns["x"], columns["y"]])
    given = {"n_importance": 5, "seed": 0}
    np.testing.assert_array_equal(quiet(net.log_prob, array, **given), quiet(net.log_prob, columns, **given))
    found = quiet(net.predict_proba, array, "c", **given)
    np.testing.assert_array_equal(found, quiet(net.predict_proba, columns, "c", **given))
    x = columns["x"][:, None]
    np.testing.assert_array_equal(own.log_prob(x, **given), own.log_prob({"x": x[:, 0]}, **given))
    with pytest.raises(ValueError, match="array"):
        net.log_prob(array[:, :1], **given)
    ambiguous = fd.BayesNet({"c": CLASSES, "z": fd.Normal.given(["c"], MEANS, STDS)})
    with pytest.raises(ValueError, match=r"may hold the real variables .*'z'.* or all but the latent .*'z'"):
        ambiguous.guided({"z": fd.Normal(0, 1)}).log_prob(np.zeros((2, 1)), **given)


def test_impossible_rows():
    net = fd.BayesNet(
        {**LATENT.conditionals, "d": fd.Deterministic.table([], 1, states=["a", "b"])}
        if False
        else {**LATENT.conditionals, "d": fd.Categorical([0.0, 1.0])}
    )
    with pytest.warns(UserWarning, match="1 of 1 rows"):
        value, error = net.log_prob({"x": [0.3], "d": [0]}, n_importance=50, return_std_error=True)
    assert value.tolist() == [-np.inf]
    assert error.tolist() == [np.inf]


def test_tensors_come_back_as_tensors():
    x = torch.tensor([[np.nan, 0.5], [np.nan, -0.5]], dtype=torch.float64)
    value, error = LATENT.guided(exact_guide(1.1)).log_prob(x, n_importance=50, return_std_error=True)
    assert isinstance(value, torch.Tensor)
    assert isinstance(error, torch.Tensor)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"n_importance": 0}, ValueError, "n_importance must be at least 1"),
        ({"n_importance": 2.5}, TypeError, "n_importance must be an integer"),
        ({"n_importance": 5, "seed": -1}, ValueError, "seed must be"),
        ({"n_importance": 5, "per_variable": True}, ValueError, "leave n_importance= out"),
        ({}, ValueError, r"cannot be integrated out: of \['z'\] .*n_importance="),
    ],
)
def test_bad_options(options, error, match):
    with pytest.raises(error, match=match):
        LATENT.log_prob({"x": [0.5]}, **options)


def test_guides_that_read_what_is_missing():
    net = fd.BayesNet({**LATENT.conditionals, "w": fd.Normal(0, 1)})
    net = net.guided({"z": fd.LinearGaussian(["x", "w"], 0, [0.4, 0.1], 0.5)})
    with pytest.raises(ValueError, match="the guide of 'z' reads 'w', which lacks values"):
        net.log_prob({"x": [0.5]}, n_importance=5)


def test_vectors_known_in_part():
    net = fd.BayesNet({"z": fd.MultivariateNormal.standard(2), "x": neural(["z"], np.eye(2), [0.0, 0.0], 0.8)})
    with pytest.raises(ValueError, match="'z' are known in part"):
        net.log_prob({"x": [[0.1, 0.2]], "z": [[0.1, np.nan]]}, n_importance=5)


def test_samples_that_would_have_to_hit_a_point():
    net = fd.BayesNet({**LATENT.conditionals, "u": fd.LinearGaussian(["z"], 0, [1.0], 0.0)})
    with pytest.raises(ValueError, match="'u' is a function of its parents"):
        net.log_prob({"x": [0.5], "u": [0.5]}, n_importance=5)


def test_proposals_in_a_circle():
    net = fd.BayesNet(
        {"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 0, [1], 1), "x": neural(["b"], [1.0], 0.0, 1.0)}
    ).guided({"a": fd.LinearGaussian(["b"], 0, [1], 1)})
    with pytest.raises(ValueError, match=r"each from others: .*cycle"):
        net.log_prob({"x": [0.5]}, n_importance=5)


def test_a_guide_that_gives_no_distribution():
    net = LATENT.guided({"z": fd.Neural(["x"], Linear([1.0], 0.0, 1.0), family="normal")})
    net.guide["z"].module.weights.data[:] = np.nan
    with pytest.raises(ValueError, match=r"proposes values of 'z'.* row 0"):
        net.log_prob({"x": [0.5]}, n_importance=5)


def pictures(kind):
    """Three pixels or numbers, independent given z, and their density cell by cell."""
    weights = torch.tensor([[1.0, -2.0, 0.5]])

    class Decoder(torch.nn.Module):
        def forward(self, z):
            own = z @ weights
            if kind == "bernoulli":
                return own
            if kind == "categorical":
                return own[..., None] * torch.arange(3)
            if kind == "normal":
                return own, 0.1 * own
            return own[..., None] * torch.arange(2), own[..., None] + torch.arange(2), torch.zeros(len(z), 3, 2)

    options = {"n_states": 3} if kind == "categorical" else {}
    x = fd.Neural(["z"], Decoder(), family=kind, event_shape=(3,), **options)
    return fd.BayesNet({"z": fd.Normal(0, 1), "x": x})


@pytest.mark.parametrize("kind", ["bernoulli", "categorical", "normal", "mixture"])
def test_missing_cells_are_summed_out(kind):
    """Cells are independent given the parents, so the terms of known cells add up."""
    net = pictures(kind)
    rows = net.sample(20, seed=0)
    z, x = rows["z"], rows["x"].astype(np.float32)
    single = []
    for i in range(3):
        own = np.full_like(x, np.nan)
        own[:, i] = x[:, i]
        single.append(net.log_prob({"z": z, "x": own}))
    np.testing.assert_allclose(sum(single) - 2 * net.log_prob({"z": z}), net.log_prob(rows), rtol=1e-5, atol=1e-5)
    part = x.copy()
    part[:, 1] = np.nan
    expected = single[0] + single[2] - net.log_prob({"z": z})
    np.testing.assert_allclose(net.log_prob({"z": z, "x": part}), expected, rtol=1e-5, atol=1e-5)
    value = quiet(net.log_prob, {"x": part}, n_importance=4000, seed=0)
    assert np.isfinite(value).all()
    if kind == "bernoulli":
        filled = [{"x": np.where(np.isnan(part), k, part)} for k in (0, 1)]
        both = [quiet(net.log_prob, own, n_importance=4000, seed=0) for own in filled]
        np.testing.assert_allclose(value, np.logaddexp(*both), atol=1e-5)


def test_parts_of_vectors_that_cannot_be_left_out():
    net = pictures("bernoulli")
    guided = net.guided({"z": fd.Neural(["x"], Linear([[0.1] * 3], 0.0, 1.0), family="normal")})
    with pytest.raises(ValueError, match="the guide of 'z' reads 'x', which lacks values"):
        guided.log_prob({"x": [[0.0, 1.0, np.nan]]}, n_importance=5)
    child = fd.Neural(["x"], Linear([[0.1] * 3], 0.0), family="normal", std=1.0)
    net = fd.BayesNet({**net.conditionals, "y": child})
    with pytest.raises(ValueError, match=r"'x' is known in part, .*'y' depends on it"):
        net.log_prob({"z": [0.1], "x": [[0.0, 1.0, np.nan]], "y": [0.3]})
    with pytest.raises(ValueError, match=r"\['x'\] are missing, vectors of discrete variables"):
        net.log_prob({"z": [0.1], "y": [0.3]})
