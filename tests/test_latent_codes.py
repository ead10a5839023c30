"""Guides attached to networks; rows to latent codes and back."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")

from linear_modules import Linear, neural  # noqa: E402

BITS = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 1], [0, 0, 1], [1, 0, 1]], np.uint8)


def autoencoder():
    weights = np.random.default_rng(0).normal(size=(3, 2))
    net = fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(2),
            "x": fd.Neural(["z"], Linear(weights, np.array([0.1, 0.2, 0.3])), family="bernoulli", event_shape=(3,)),
        }
    )
    guide = fd.Neural(["x"], Linear(weights.T, np.array([0.5, -0.5]), 0.3), family="normal", event_shape=(2,))
    return net.guided({"z": guide}), weights


def test_the_mean_of_the_guide():
    net, weights = autoencoder()
    expected = BITS @ weights + [0.5, -0.5]
    for data in ({"x": BITS}, BITS, {"x": BITS, "z": np.zeros((5, 2))}):
        found = net.encode(data)
        assert found.dtype == np.float32 or "z" in data
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_array_equal(net.encode(BITS, "z"), net.encode(BITS))
    tensor = net.encode(torch.from_numpy(BITS))
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-5)


def test_samples_of_the_guide():
    net, weights = autoencoder()
    found = net.encode(BITS, n_samples=4000, seed=1)
    assert found.shape == (4000, 5, 2)
    np.testing.assert_allclose(found.mean(axis=0), BITS @ weights + [0.5, -0.5], atol=0.03)
    np.testing.assert_allclose(found.std(axis=0), 0.3, atol=0.02)
    np.testing.assert_allclose(net.encode(BITS[:2], n_samples=4000, seed=1), found[:, :2], rtol=1e-6)
    assert np.unique(found[:, :, 0]).size > 19_000


def test_guides_above_guides():
    """The mean of a hierarchical guide is put in, or each sample of it."""
    net = fd.BayesNet(
        {"a": fd.Normal(0, 1), "b": fd.LinearGaussian(["a"], 0, [1], 1), "x": fd.LinearGaussian(["b"], 0, [1], 1)}
    )
    net = net.guided({"a": neural(["b"], [2.0], 1.0, 0.5), "b": fd.LinearGaussian(["x"], 0.5, [3.0], 0.1)})
    x = {"x": np.array([1.0, -1.0])}
    codes = net.encode(x)
    np.testing.assert_allclose(codes["b"], [3.5, -2.5])
    np.testing.assert_allclose(codes["a"], [8.0, -4.0])
    np.testing.assert_array_equal(net.encode(x, "a"), codes["a"])
    samples = net.encode(x, n_samples=5000, seed=0)
    np.testing.assert_allclose(samples["a"].mean(axis=0), codes["a"], atol=0.05)
    np.testing.assert_allclose(samples["a"].std(axis=0), np.hypot(0.5, 0.2), atol=0.03)
    np.testing.assert_allclose((samples["a"] - 2 * samples["b"] - 1).std(), 0.5, atol=0.02)


@pytest.mark.parametrize(
    ("family", "parts", "shape"),
    [("categorical", 6, (2, 3)), ("normal", 2, (2,)), ("mixture", 4, (2,))],
)
def test_expected_values_of_what_is_observed(family, parts, shape):
    class Decoder(torch.nn.Module):
        def forward(self, z):
            own = z[:, :1] * torch.arange(1, parts + 1) / parts
            if family == "categorical":
                return own.reshape(-1, 2, 3)
            if family == "normal":
                return own, torch.zeros_like(own)
            own = own.reshape(-1, 2, 2)
            return torch.flip(own, (2,)), own, own - 1

    options = {"n_states": 3} if family == "categorical" else {}
    net = fd.BayesNet(
        {"z": fd.Normal(0, 1), "x": fd.Neural(["z"], Decoder(), family=family, event_shape=(2,), **options)}
    )
    z = np.array([0.3, -1.2, 2.0])
    found = net.decode(z)
    assert found.shape == (3, *shape)
    raw = (z[:, None] * np.arange(1, parts + 1) / parts).reshape(3, 2, -1)
    if family == "categorical":
        raw = np.exp(raw) / np.exp(raw).sum(axis=-1, keepdims=True)
    elif family == "normal":
        raw = raw[..., 0]
    else:
        weights = np.exp(raw[..., ::-1]) / np.exp(raw).sum(axis=-1, keepdims=True)
        raw = (weights * raw).sum(axis=-1)
    np.testing.assert_allclose(found, raw, rtol=1e-5)
    tensor = net.decode({"z": torch.from_numpy(z)}, "x")
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), found)


def test_decoding_several_variables_by_several():
    net, weights = autoencoder()
    more = {
        "y": fd.Bernoulli(0.5),
        "t": fd.CPT(["y"], [[0.9, 0.1], [0.2, 0.8]]),
        "u": fd.LinearGaussian(["y", "z"], [0.0, 1.0], [[1.0, 0.0], [0.0, 2.0]], 1.0),
        "w": fd.MultivariateNormal.given(["y"], [[0.0, 1.0], [2.0, 3.0]], np.eye(2)),
    }
    net = fd.BayesNet({**net.conditionals, **more})
    z = np.array([[0.5, 1.0], [-1.0, 2.0]])
    found = net.decode({"z": z, "y": ["True", "False"]})
    assert list(found) == ["x", "t", "u", "w"]
    np.testing.assert_allclose(found["x"], 1 / (1 + np.exp(-(z @ weights.T + [0.1, 0.2, 0.3]))), rtol=1e-6)
    np.testing.assert_allclose(found["t"], [[0.2, 0.8], [0.9, 0.1]])
    np.testing.assert_allclose(found["u"], [1.0 + 2.0 * 1.0, -1.0])
    np.testing.assert_allclose(found["w"], [[2.0, 3.0], [0.0, 1.0]])
    assert net.decode({"y": [0]}, "t").shape == (1, 2)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda net: net.encode(BITS, "w"), KeyError, "no variable 'w'"),
        (lambda net: net.encode(BITS, "x"), ValueError, "'x' is discrete: its code is predict_proba"),
        (lambda net: net.guided({}).encode(BITS), ValueError, r"no latent variable has a guide.*net\.guided"),
        (lambda net: net.guided({}).encode(BITS, "z"), ValueError, r"'z' has no guide.*net\.guided"),
        (
            lambda net: net.encode({"z": np.zeros((1, 2))}),
            ValueError,
            "encode needs the values of 'x', which is",
        ),
        (
            lambda net: net.encode(np.zeros((2, 4), np.uint8)),
            ValueError,
            r"'x' have shape \('n', 3\), got",
        ),
        (lambda net: net.encode(BITS, n_samples=0), ValueError, "n_samples must be at least 1"),
        (lambda net: net.decode(np.zeros((2, 3))), ValueError, r"values of 'z' have shape \('n', 2\), got \(2, 3\)"),
        (lambda net: net.decode({"x": BITS}), ValueError, r"no variable has all of its parents in \['x'\]"),
        (
            lambda net: net.decode({"z": [[0.0, 1.0], [0.0, np.nan]]}, "x"),
            ValueError,
            "values of 'z', which has none in row 1",
        ),
        (lambda net: net.decode({"z": [[0.0, 1.0]]}, "z"), ValueError, "'z' is given"),
        (lambda net: net.decode({"z": [[0.0, 1.0]]}, "q"), KeyError, "no variable 'q'"),
    ],
)
def test_bad_input(call, error, match):
    with pytest.raises(error, match=match):
        call(autoencoder()[0])


def test_kinds_without_expected_values():
    net = fd.BayesNet({"z": fd.Normal(0, 1), "x": fd.Logistic(["z"], [1.0], 0.0)})
    with pytest.raises(ValueError, match="'x' is a Logistic"):
        net.decode([0.5])


@pytest.mark.parametrize(
    ("guide", "error", "match"),
    [
        ({"w": fd.Normal(0, 1)}, KeyError, "no variable 'w'"),
        ({"x": fd.Normal(0, 1)}, ValueError, "'x' is discrete"),
        ({"z": fd.Normal(0, 1)}, ValueError, "the variable is"),
        ({"z": fd.MultivariateNormal.given(["z"], [[0, 0]], np.eye(2))}, ValueError, "reads 'z' itself"),
        ([("z", fd.Normal(0, 1))], TypeError, "a guide is a mapping"),
        ({"z": 3}, TypeError, "the guide of 'z' is a conditional"),
    ],
)
def test_guides_that_do_not_fit(guide, error, match):
    with pytest.raises(error, match=match):
        autoencoder()[0].guided(guide)


def test_guides_in_a_circle():
    net = fd.BayesNet({"a": fd.Normal(0, 1), "b": fd.Normal(0, 1)})
    with pytest.raises(ValueError, match="cycle"):
        net.guided({"a": fd.LinearGaussian(["b"], 0, [1], 1), "b": fd.LinearGaussian(["a"], 0, [1], 1)})


def test_members_of_a_class_are_drawn():
    class Digits(torch.nn.Module):
        def forward(self, features):
            return 6.0 * (features @ torch.tensor([[1.0, 1.0, -1.0], [-1.0, 1.0, 1.0]]))

    digits = fd.Neural(["label"], Digits(), family="bernoulli", event_shape=(3,))
    net = fd.BayesNet({"label": fd.Categorical([0.9, 0.1], states=["a", "b"]), "x": digits})
    rows = net.sample(500, given={"label": "b"}, seed=0)
    assert set(rows["label"].tolist()) == {1}
    np.testing.assert_allclose(rows["x"].mean(axis=0), 1 / (1 + np.exp([6.0, -6.0, -6.0])), atol=0.02)
    np.testing.assert_array_equal(net.sample(100, given={"label": "b"}, seed=0, start=400)["x"], rows["x"][400:])
    labels = net.sample(4000, given={"x": [0, 1, 1]}, seed=0)["label"]
    assert abs((labels == 1).mean() - net.predict_proba({"x": [[0, 1, 1]]}, "label")[0, 1]) < 0.03


def test_known_roots_of_a_network_of_many_kinds():
    net, _ = autoencoder()
    net = fd.BayesNet({"s": fd.Normal(0, 1), **net.conditionals, "t": fd.Logistic(["s"], [5.0], 0.0)})
    rows = net.sample(2000, given={"z": [3.0, -1.0]}, seed=1)
    assert (rows["z"] == np.float32([3.0, -1.0])).all()
    expected = net.decode({"z": [[3.0, -1.0]]}, "x")[0]
    np.testing.assert_allclose(rows["x"].mean(axis=0), expected, atol=0.05)
    np.testing.assert_allclose(rows["t"].mean(), 0.5, atol=0.05)
    with pytest.raises(ValueError, match=r"cannot be integrated out.*weighted"):
        net.sample(5, given={"x": [0, 1, 1]})
