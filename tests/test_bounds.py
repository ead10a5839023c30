"""The ELBO and the importance-weighted bound, against models whose log p(x) is known exactly."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")
nn = torch.nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence  # noqa: E402

from fastdgm.engines.torch.bounds.bound import Batch, Bound, Noise, _divergence  # noqa: E402
from fastdgm.engines.torch.bounds.configurations import configurations  # noqa: E402

W, B, S = np.array([[1.0, -0.5], [0.3, 0.8], [0.0, 1.2]]), np.array([0.5, 0.0, -1.0]), 0.7


def linear(weight, bias):
    layer = nn.Linear(weight.shape[1], weight.shape[0]).double()
    layer.weight.data, layer.bias.data = torch.tensor(weight), torch.tensor(bias)
    return layer


class LinearGuide(nn.Module):
    """The posterior of a linear-Gaussian model has independent numbers only where W'W is diagonal."""

    def __init__(self, weight, bias, log_std):
        super().__init__()
        self.mean, self.log_std = linear(weight, bias), nn.Parameter(torch.tensor(log_std))

    def forward(self, x):
        mean = self.mean(x)
        return mean, self.log_std.expand(mean.shape)


def model(w=W):
    return fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(w.shape[1]),
            "x": fd.Neural(["z"], linear(w, B), family="normal", event_shape=(3,), std=S),
        }
    )


def posterior(w):
    """Weight, bias and log std of z | x."""
    precision = np.eye(w.shape[1]) + w.T @ w / S**2
    weight = np.linalg.solve(precision, w.T) / S**2
    return weight, -weight @ B, -0.5 * np.log(np.diag(precision))


def guide(w, shift=0.0):
    weight, bias, log_std = posterior(w)
    own = LinearGuide(weight, bias + shift, log_std + shift)
    return fd.Neural(["x"], own, family="normal", event_shape=(w.shape[1],))


def rows(n, w=W, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, w.shape[1])) @ w.T + B + S * rng.normal(size=(n, 3))


def exact(x, w=W):
    covariance = torch.tensor(w @ w.T + S**2 * np.eye(3))
    return MultivariateNormal(torch.tensor(B), covariance).log_prob(torch.tensor(x)).numpy()


def bound_of(net, x, n_particles, seed=0):
    own = Bound(net.conditionals, ["z", "x"], net.guide, {}, n_particles)
    with torch.no_grad():
        return own(Batch(len(x), {"x": torch.tensor(x)}, None), Noise(seed))[1].numpy()


ONE = W[:, :1]


def test_with_the_exact_posterior_the_weights_are_all_log_p():
    x = rows(50, ONE)
    net = model(ONE).guided({"z": guide(ONE)})
    assert bound_of(net, x, 4) == pytest.approx(exact(x, ONE), abs=1e-9)


def test_bounds_lie_below_log_p_and_more_particles_are_tighter():
    x = rows(4000)
    net = model().guided({"z": guide(W, shift=0.3)})
    means = [bound_of(net, x, k).mean() for k in (1, 5, 50)]
    assert means[0] < means[1] - 0.02 < means[1] < means[2] - 0.005 < means[2] < exact(x).mean()


def test_the_closed_divergence_is_that_of_torch_and_the_mean_of_samples():
    q, p = (torch.randn(7, 3, generator=torch.Generator().manual_seed(i)).double() for i in (1, 2))
    found = _divergence(q, 0.3 * p, p, 0.2 * q)
    assert torch.allclose(found, kl_divergence(Normal(q, (0.3 * p).exp()), Normal(p, (0.2 * q).exp())))
    x = np.repeat(rows(1), 20_000, axis=0)
    net = model().guided({"z": guide(W, shift=0.2)})
    closed = bound_of(net, x, 1)
    own = Bound(net.conditionals, ["z", "x"], net.guide, {}, 1)
    own._latents = {name: latent._replace(may_be_closed=False) for name, latent in own._latents.items()}
    with torch.no_grad():
        sampled = own(Batch(len(x), {"x": torch.tensor(x)}, None), Noise(1))[1].numpy()
    assert closed.mean() == pytest.approx(sampled.mean(), abs=4 * (closed.std() + sampled.std()) / np.sqrt(len(x)))


def test_training_reaches_log_p_where_the_guide_can():
    x = rows(400, ONE)
    torch.manual_seed(0)
    net = model(ONE)
    start = LinearGuide(np.zeros((1, 3)), np.zeros(1), np.zeros(1))
    net["x"].module.requires_grad_(False)
    net.fit(
        {"x": x},
        guide={"z": fd.Neural(["x"], start, family="normal", event_shape=(1,))},
        epochs=150,
        batch_size=400,
        learning_rate=0.05,
        seed=0,
    )
    weight, bias, log_std = posterior(ONE)
    assert start.mean.weight.detach().numpy() == pytest.approx(weight, abs=0.03)
    assert start.mean.bias.detach().numpy() == pytest.approx(bias, abs=0.03)
    assert start.log_std.detach().numpy() == pytest.approx(log_std, abs=0.05)
    assert net.history[-1]["train"] == pytest.approx(-exact(x, ONE).mean(), abs=0.05)


def test_warm_up_weighs_the_divergence_and_reports_the_bound_itself():
    x = rows(20)
    net = model().guided({"z": guide(W, shift=0.3)})
    own = Bound(net.conditionals, ["z", "x"], net.guide, {}, 1)
    batch = Batch(20, {"x": torch.tensor(x)}, None)
    (none, bound), (half, _), (whole, _) = (own(batch, Noise(3), weight) for weight in (0.0, 0.5, 1.0))
    assert torch.equal(bound, whole.detach())
    assert torch.allclose(2 * half, none + whole)
    assert bool((none > whole).all())


def test_a_ladder_of_latents_is_sampled_where_a_prior_reads_a_latent():
    """z2 -> z1 -> x, whose guide goes up: z1 | x, z2 | z1."""
    net = fd.BayesNet(
        {
            "z2": fd.MultivariateNormal.standard(1),
            "z1": fd.Neural(["z2"], linear(np.array([[0.8]]), np.zeros(1)), family="normal", event_shape=(1,), std=0.6),
            "x": fd.Neural(["z1"], linear(ONE, B), family="normal", event_shape=(3,), std=S),
        }
    )  # z1 has variance 1, so x is as in model(ONE)
    up = LinearGuide(np.array([[0.8]]), np.zeros(1), np.log([0.6]))
    net = net.guided({"z2": fd.Neural(["z1"], up, family="normal", event_shape=(1,)), "z1": guide(ONE)})
    x = rows(30, ONE)
    order = {"z1": net.guide["z1"], "z2": net.guide["z2"]}
    own = Bound(net.conditionals, ["z2", "z1", "x"], order, {}, 3)
    found = own(Batch(30, {"x": torch.tensor(x)}, None), Noise(0))[1].detach().numpy()
    assert found == pytest.approx(exact(x, ONE), abs=1e-9)
    net.fit({"x": x}, epochs=1, seed=0)


# --- hidden states ---


def test_configurations_of_rows_that_hide_different_variables():
    codes = np.array([[-1, 2], [1, 0], [-1, -1], [0, -1], [-1, 1]])
    found = configurations({"a": 2, "b": 3}, codes, torch.device("cpu"))
    ones = torch.zeros(len(found.rows), dtype=torch.float64)
    assert torch.exp(found.log_sums(ones)).round().tolist() == [2, 1, 6, 3, 2]
    for row, a, b in zip(found.rows.tolist(), found.codes["a"].tolist(), found.codes["b"].tolist(), strict=True):
        assert codes[row, 0] in (-1, a) and codes[row, 1] in (-1, b)
    together = torch.stack([found.rows, found.codes["a"], found.codes["b"]]).T
    assert len(torch.unique(together, dim=0)) == len(together)


def labelled(n=200):
    """y -> x by a module, and w beside it in closed form."""
    torch.manual_seed(1)
    net = fd.BayesNet(
        {
            "y": fd.Categorical([0.5, 0.2, 0.3]),
            "w": fd.Normal.given(["y"], mean=[-1, 0, 2], std=[1, 0.5, 1]),
            "x": fd.Neural(["y"], nn.Linear(3, 4), family="bernoulli", event_shape=(4,)),
        }
    )
    data = net.sample(n, seed=0)
    return net, {"y": np.array(data["y"], int), "w": np.array(data["w"]), "x": np.array(data["x"])}


def test_hidden_states_are_summed_out_exactly():
    net, data = labelled()
    data["y"][20:] = -1
    net.fit(data, epochs=1, learning_rate=1e-9, batch_size=200, seed=0)  # the closed forms are of the first 20 rows
    complete = {name: column[:20] for name, column in data.items()}
    other = fd.BayesNet({"y": net["y"], "w": net["w"]}).fit({"y": complete["y"], "w": complete["w"]})
    assert np.array_equal(other["y"].table, net["y"].table) and np.array_equal(other["w"].std, net["w"].std)
    parts = [net.log_prob(complete), net.log_prob({name: data[name][20:] for name in ("w", "x")})]
    assert net.history[0]["train"] == pytest.approx(-np.concatenate(parts).mean(), rel=1e-5)


class WithLabel(nn.Module):
    """A guide that reads image and label."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_inputs, 16), nn.Tanh(), nn.Linear(16, 2 * n_outputs))

    def forward(self, features):
        mean, log_std = self.layers(features).chunk(2, dim=1)
        return mean, log_std


@pytest.mark.parametrize("reads_label", [True, False])
@pytest.mark.parametrize("n_particles", [1, 3])
def test_with_hidden_states_and_latent_numbers_the_bound_is_the_sum_over_states(reads_label, n_particles):
    torch.manual_seed(0)
    net = fd.BayesNet(
        {
            "y": fd.Categorical([0.5, 0.2, 0.3]),
            "z": fd.MultivariateNormal.standard(2),
            "x": fd.Neural(["y", "z"], nn.Linear(5, 4), family="bernoulli", event_shape=(4,)),
        }
    )
    parents = ["x", "y"] if reads_label else ["x"]
    net = net.guided({"z": fd.Neural(parents, WithLabel(4 + 3 * reads_label, 2), family="normal", event_shape=(2,))})
    x = torch.tensor(np.random.default_rng(0).integers(0, 2, (4000, 4)), dtype=torch.float32)

    def of(hidden, codes, seed):
        values = {"x": x, **({} if hidden else {"y": torch.tensor(codes[:, 0])})}
        states = configurations({"y": 3}, codes, torch.device("cpu")) if hidden else None
        own = Bound(net.conditionals, ["y", "z", "x"], net.guide, {"y": 3} if hidden else {}, n_particles)
        with torch.no_grad():
            return own(Batch(4000, values, states), Noise(seed))[1].double()

    summed = of(True, np.full((4000, 1), -1), 0)
    by_state = torch.stack([of(False, np.full((4000, 1), y), 1 + y) for y in range(3)])
    assert float(summed.mean()) == pytest.approx(float(torch.logsumexp(by_state, 0).mean()), abs=0.06)
    known = of(True, np.full((4000, 1), 1), 0)
    assert float(known.mean()) == pytest.approx(float(by_state[1].mean()), abs=0.06)


def test_few_labels_and_many_rows_classify_better_than_few_labels():
    """Two classes of prototypes with a nuisance: Kingma, Mohamed, Rezende and Welling (2014), small."""
    rng = np.random.default_rng(3)
    prototypes = rng.random((3, 20)) < 0.5
    y = rng.integers(0, 3, 900)
    x = (prototypes[y] ^ (rng.random((900, 20)) < 0.25)).astype(np.uint8)
    few = np.where(np.arange(900) < 9, y, -1)

    def net():
        torch.manual_seed(0)
        own = fd.BayesNet(
            {
                "y": fd.Categorical([1 / 3, 1 / 3, 1 / 3]),
                "z": fd.MultivariateNormal.standard(1),
                "x": fd.Neural(["y", "z"], nn.Linear(4, 20), family="bernoulli", event_shape=(20,)),
            }
        )
        return own.guided({"z": fd.Neural(["x", "y"], WithLabel(23, 1), family="normal", event_shape=(1,))})

    def accuracy(own):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*effective sample size")
            found = own.predict({"x": x[600:]}, "y", n_importance=20, seed=0)
        return np.mean(found == y[600:])

    options = {"learning_rate": 0.02, "seed": 0, "schedule": "constant"}
    alone = net().fit({"x": x[:9], "y": few[:9]}, epochs=60, **options)
    both = net().fit({"x": x[:9], "y": few[:9]}, epochs=60, **options)  # else clusters may take the name of another
    both.fit({"x": x[:600], "y": few[:600]}, epochs=15, batch_size=50, **options)
    assert accuracy(both) > accuracy(alone) + 0.03
    assert accuracy(both) > 0.75
