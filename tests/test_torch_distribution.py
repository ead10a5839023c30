"""fd.interop.torch.Distribution: our models as distributions of torch, against brute force and torch's own."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.distributions import (  # noqa: E402
    AffineTransform,
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    TransformedDistribution,
    constraints,
    kl_divergence,
)

import fastdgm as fd  # noqa: E402
from fastdgm.errors import ImpossibleEvidenceError, MissingValuesError, NotFittedError, UnknownNameError  # noqa: E402
from fastdgm.interop.torch import Distribution  # noqa: E402


def sprinkler(p_rain: float = 0.2) -> fd.BayesNet:
    table = np.array([[[1.0, 0.0], [0.2, 0.8]], [[0.1, 0.9], [0.01, 0.99]]])
    return fd.BayesNet(
        {
            "rain": fd.Bernoulli(p_rain),
            "sky": fd.CPT(["rain"], [[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]]),
            "sprinkler": fd.CPT(["rain"], [[0.6, 0.4], [0.99, 0.01]]),
            "wet": fd.CPT(["sprinkler", "rain"], table, states=["dry", "wet"]),
        }
    )


def chain(std: float = 0.5) -> fd.BayesNet:
    return fd.BayesNet(
        {
            "x": fd.Normal(1.0, 2.0),
            "y": fd.LinearGaussian(["x"], 0.5, [2.0], std),
            "z": fd.LinearGaussian(["x", "y"], 0.0, [1.0, -1.0], 1.5),
        }
    )


def mixed() -> fd.BayesNet:
    return fd.BayesNet(
        {
            "x": fd.LinearGaussian(["k"], [-2, 3], std=[1, 0.5]),
            "k": fd.Bernoulli(0.3),
            "y": fd.LinearGaussian(["x"], 1.0, [2.0], std=0.3),
        }
    )


def vectors() -> fd.BayesNet:
    own = fd.MultivariateNormal([0.0, 1.0], [[1.0, 0.5], [0.5, 2.0]])
    return fd.BayesNet({"v": own, "u": fd.LinearGaussian(["v"], 0.0, [1.0, 1.0], 1.0)})


def made(**options: object) -> fd.MADE:
    return fd.MADE(n_vars=3, hidden=(6,), seed=1, **options)


class Echo(torch.nn.Module):
    """Each bit repeats the one before it with probability 0.73."""

    def forward(self, x: object) -> object:
        return torch.nn.functional.pad(2.0 * x[:, :-1] - 1.0, (1, 0))

    def init_state(self, n: int) -> int:
        return n

    def step(self, state: int, previous: object) -> tuple[object, int]:
        return (torch.zeros(state) if previous is None else 2.0 * previous - 1.0), state


MODELS = {
    "tables": sprinkler,
    "reals": chain,
    "mixed": mixed,
    "vectors": vectors,
    "markov": lambda: fd.MarkovChain(order=1, n_vars=3).fit([[0, 1, 2], [1, 1, 0]]),
    "fvsbn": lambda: fd.FVSBN(3),
    "nade": lambda: fd.NADE(3, hidden=4),
    "made": made,
    "made-categorical": lambda: made(n_states=4),
    "made-normal": lambda: made(head="normal"),
    "autoregressive": lambda: fd.Autoregressive(Echo(), n_vars=3, n_states=2),
    "net-module": lambda: chain().to_torch(),
    "made-module": lambda: made().to_torch(),
}
DISCRETE = ["tables", "markov", "autoregressive", "fvsbn", "nade", "made", "made-categorical", "made-module"]


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


# --- shapes, types, support, seeds --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(
    ("sample_shape", "batch_shape"), [((), ()), ((4,), ()), ((2, 3), (5,)), ((0,), ()), ((), (2, 1))]
)
def test_shapes(kind: str, sample_shape: tuple[int, ...], batch_shape: tuple[int, ...]) -> None:
    d = Distribution(MODELS[kind](), validate_args=True).expand(batch_shape)
    assert d.batch_shape == batch_shape and d.event_shape == (len(d.columns),)
    x = d.sample(sample_shape)
    assert x.shape == torch.Size([*sample_shape, *batch_shape, *d.event_shape])
    assert x.dtype == (torch.int64 if kind in DISCRETE else torch.float32)
    assert not x.requires_grad
    assert not x.numel() or bool(d.support.check(x).all())  # torch's own check refuses none
    log_p = d.log_prob(x)
    assert log_p.shape == torch.Size([*sample_shape, *batch_shape]) and log_p.dtype == torch.float32
    assert d.log_prob(x.double()).dtype == torch.float64


@pytest.mark.parametrize("kind", MODELS)
def test_log_prob_is_the_models(kind: str) -> None:
    model = MODELS[kind]()
    d = Distribution(model)
    x = d.sample((20,))
    own = model if hasattr(model, "log_prob") else getattr(model, "model", None) or model.to_bayesnet()
    expected = own.log_prob(np.asarray(x))
    np.testing.assert_allclose(d.log_prob(x).detach(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["tables", "mixed", "made", "markov"])
def test_manual_seed_repeats_draws(kind: str) -> None:
    d = Distribution(MODELS[kind]())
    torch.manual_seed(3)
    first, second = d.sample((50,)), d.sample((50,))
    torch.manual_seed(3)
    with fd.num_threads(2):
        assert torch.equal(d.sample((50,)), first)
    assert not torch.equal(first, second)


def test_default_dtype() -> None:
    torch.set_default_dtype(torch.float64)
    try:
        d = Distribution(chain())
        x = d.sample((3,))
        assert x.dtype == torch.float64 == d.entropy().dtype == d.mean.dtype == d.log_prob(x).dtype
        np.testing.assert_array_equal(d.log_prob(x), chain().log_prob(x.numpy()))
    finally:
        torch.set_default_dtype(torch.float32)


def test_values_of_half_precision() -> None:
    d = Distribution(chain())
    x = d.sample((5,)).bfloat16()
    for value in (x, x.half()):
        assert d.log_prob(value).dtype == value.dtype
        torch.testing.assert_close(d.log_prob(value), d.log_prob(value.float()).to(value.dtype))


def test_columns_are_those_of_arrays() -> None:
    d = Distribution(vectors())
    assert d.columns == ("v[0]", "v[1]", "u")
    net = mixed()
    x = np.asarray(net.sample(100, seed=1, dtype=np.float64))
    np.testing.assert_allclose(Distribution(net).log_prob(torch.tensor(x)), net.log_prob(x), rtol=1e-12)


def test_supports() -> None:
    assert Distribution(chain()).support is constraints.real_vector
    net = fd.BayesNet(
        {"e": fd.Exponential(2.0), "u": fd.Uniform(-1.0, 1.0), "k": fd.Bernoulli(0.3), "x": fd.Normal(0, 1)}
    )
    d = Distribution(net)
    rows = torch.tensor([[1, 0, 1, 9], [-1, 0, 1, 9], [1, 2, 1, 9], [1, 0, 0.5, 9], [1, 0, 2, 9.0]])
    assert d.support.check(rows).tolist() == [True, False, False, False, False]
    assert d.support.event_dim == 1
    to_support = torch.distributions.transform_to(Distribution(net.do({"k": 0}), given={"k": 0}).support)
    assert to_support(torch.zeros(3)).tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("kind", DISCRETE)
def test_all_rows_sum_to_one(kind: str) -> None:
    d = Distribution(MODELS[kind]())
    rows = d.enumerate_support()
    assert d.has_enumerate_support and len(rows.unique(dim=0)) == len(rows) == np.prod(d._rows.n_states)
    torch.testing.assert_close(d.log_prob(rows).exp().sum(), torch.tensor(1.0))
    assert d.expand((2, 3)).enumerate_support().shape == (len(rows), 2, 3, rows.shape[-1])
    assert d.expand((2, 3)).enumerate_support(expand=False).shape == (len(rows), 1, 1, rows.shape[-1])


def test_draws_follow_log_prob() -> None:
    d = Distribution(sprinkler())
    rows = d.enumerate_support()
    x = d.sample((20_000,))
    shares = (x[:, None] == rows).all(-1).float().mean(0)
    torch.testing.assert_close(shares, d.log_prob(rows).exp(), atol=0.02, rtol=0)


# --- context and evidence -----------------------------------------------------------------------------------------


def test_a_batch_of_contexts() -> None:
    model = made(n_context=2)
    contexts = torch.tensor([[[0.0, 0.0], [5.0, -5.0]], [[1.0, 2.0], [-3.0, 1.0]], [[9.0, 0.0], [0.0, 9.0]]])
    d = Distribution(model, given=contexts)
    assert d.batch_shape == (3, 2) and d.sample((4,)).shape == (4, 3, 2, 3)
    rows = d.enumerate_support()
    torch.testing.assert_close(d.log_prob(rows).exp().sum(0), torch.ones(3, 2))
    own = Distribution(model, given=contexts[1, 0])
    assert own.batch_shape == ()
    torch.testing.assert_close(d.log_prob(rows)[:, 1, 0], own.log_prob(rows[:, 1, 0]))
    torch.testing.assert_close(d.entropy()[1, 0], own.entropy())
    x = d.sample((5_000,))
    torch.testing.assert_close(x.float().mean(0), (d.log_prob(rows).exp()[..., None] * rows).sum(0), atol=0.04, rtol=0)
    assert d.expand((7, 3, 2)).log_prob(rows[0, 0, 0]).shape == (7, 3, 2)
    assert own.expand((4,)).sample((2,)).shape == (2, 4, 3)
    none = Distribution(model, given=torch.zeros(0, 2))
    assert none.log_prob(none.sample((4,))).shape == (4, 0)


def test_evidence_in_a_network_of_tables() -> None:
    net = sprinkler()
    joint, d = Distribution(net), Distribution(net, given={"wet": "wet"})
    assert d.columns == ("rain", "sky", "sprinkler")
    rows = d.enumerate_support()
    every = joint.log_prob(torch.cat([rows, torch.ones(len(rows), 1, dtype=torch.int64)], dim=1))
    torch.testing.assert_close(d.log_prob(rows), every - every.logsumexp(0))
    p = d.log_prob(rows).exp()
    torch.testing.assert_close(d.entropy(), -torch.xlogy(p, p).sum())
    torch.testing.assert_close(d.mean, (p[:, None] * rows).sum(0))
    assert torch.equal(d.mode, rows[p.argmax()])
    torch.testing.assert_close(d.sample((20_000,)).float().mean(0), d.mean, atol=0.02, rtol=0)


def test_evidence_in_a_network_of_reals() -> None:
    d = Distribution(chain(), given={"z": 0.7})
    normal = chain().to_multivariate_normal()
    mean, covariance = torch.tensor(normal.mean), torch.tensor(normal.covariance)
    gain = covariance[:2, 2] / covariance[2, 2]
    given_mean = mean[:2] + gain * (0.7 - mean[2])
    expected = MultivariateNormal(given_mean, covariance[:2, :2] - torch.outer(gain, covariance[2, :2]))
    x = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(d.log_prob(x), expected.log_prob(x))
    (ours,) = torch.autograd.grad(d.log_prob(x).sum(), x)
    (theirs,) = torch.autograd.grad(expected.log_prob(x).sum(), x)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(d.mean.double(), expected.mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(d.sample((20_000,)).double().mean(0), expected.mean, atol=0.05, rtol=0)
    with pytest.raises(NotImplementedError, match="rsample"):
        d.rsample()


# --- closed forms -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DISCRETE[:-1])
def test_entropy_of_discrete_models(kind: str) -> None:
    d = Distribution(MODELS[kind]())
    log_p = d.log_prob(d.enumerate_support().double())
    torch.testing.assert_close(d.entropy(), -torch.xlogy(log_p.exp(), log_p.exp()).sum().float())
    assert d.expand((2,)).entropy().shape == (2,)


def test_entropy_of_large_networks_is_that_of_its_draws() -> None:
    d = Distribution(fd.example("alarm"))
    assert not d.has_enumerate_support
    surprise = -d.log_prob(d.sample((20_000,)))
    assert abs(float(d.entropy() - surprise.mean())) < 5 * float(surprise.std()) / 20_000**0.5


@pytest.mark.parametrize("model", [chain, vectors])
def test_normal_networks_are_torchs(model: object) -> None:
    d, own = Distribution(model()), model().to_multivariate_normal()
    normal = MultivariateNormal(torch.tensor(own.mean), torch.tensor(own.covariance))
    torch.testing.assert_close(d.entropy().double(), normal.entropy(), rtol=1e-5, atol=1e-5)
    for moment in ("mean", "variance", "mode"):
        torch.testing.assert_close(getattr(d, moment).double(), getattr(normal, moment), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(kl_divergence(d, normal).double(), torch.tensor(0.0).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(kl_divergence(normal, d).double(), torch.tensor(0.0).double(), atol=1e-5, rtol=0)


def test_codes_given_reals() -> None:
    d = Distribution(mixed(), given={"x": 0.5, "y": 2})
    p = d.log_prob(d.enumerate_support()).exp()
    expected = np.array([0.7, 0.3]) * np.exp([-(2.5**2) / 2, -(2.5**2) * 2]) * [1, 2]
    np.testing.assert_allclose(p, expected / expected.sum(), rtol=1e-5)
    torch.testing.assert_close(d.entropy(), -torch.xlogy(p, p).sum())
    torch.testing.assert_close(d.mean, p[1:])


def test_entropy_beside_reals() -> None:
    d = Distribution(mixed())
    surprise = -d.log_prob(d.sample((20_000,)))
    assert abs(float(d.entropy() - surprise.mean())) < 5 * float(surprise.std()) / 20_000**0.5


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (sprinkler(0.2), sprinkler(0.6)),
        (sprinkler(0.2), fd.BayesNet({name: fd.Categorical([1 / k] * k, states=sprinkler().states[name]) for name, k in
                                      [("rain", 2), ("sky", 3), ("sprinkler", 2), ("wet", 2)]})),
        (made(), fd.FVSBN(3)),
        (made(), fd.MarkovChain(order=1, n_vars=3).fit([[0, 1, 1], [1, 1, 0]])),
    ],
)  # fmt: skip
def test_divergence_by_brute_force(p: object, q: object) -> None:
    p, q = Distribution(p), Distribution(q)
    rows = p.enumerate_support().double()
    log_p, log_q = p.log_prob(rows), q.log_prob(rows)
    expected = (log_p.exp() * torch.where(log_p > -torch.inf, log_p - log_q, 0.0)).sum()
    torch.testing.assert_close(kl_divergence(p, q).double(), expected, rtol=1e-5, atol=1e-6)
    assert kl_divergence(p.expand((3, 1)), q.expand((2,))).shape == (3, 2)
    assert float(kl_divergence(p, p)) == pytest.approx(0.0, abs=1e-6)


def test_divergence_under_evidence() -> None:
    p, q = Distribution(sprinkler(), given={"wet": 1}), Distribution(sprinkler(0.7), given={"wet": "wet"})
    rows = p.enumerate_support().double()
    log_p, log_q = p.log_prob(rows), q.log_prob(rows)
    torch.testing.assert_close(
        kl_divergence(p, q).double(), (log_p.exp() * (log_p - log_q)).nansum(), rtol=1e-5, atol=0
    )


def test_divergence_is_infinite_where_q_is_impossible() -> None:
    p, q = fd.BayesNet({"a": fd.Bernoulli(0.5)}), fd.BayesNet({"a": fd.Bernoulli(0.0)})
    assert float(kl_divergence(Distribution(p), Distribution(q))) == torch.inf
    assert float(kl_divergence(Distribution(q), Distribution(p))) == pytest.approx(np.log(2))


def test_divergence_of_normals_and_large_networks() -> None:
    p, q = chain(), chain(1.5)
    normals = [MultivariateNormal(torch.tensor(n.mean), torch.tensor(n.covariance)) for n in
               (net.to_multivariate_normal() for net in (p, q))]  # fmt: skip
    found = kl_divergence(Distribution(p), Distribution(q))
    torch.testing.assert_close(found.double(), kl_divergence(*normals), rtol=1e-5, atol=0)
    for of, to in ((Distribution(p).expand((3,)), normals[1]), (normals[0], Distribution(q).expand((3,)))):
        own = kl_divergence(of, to)  # as exact as torch's normal is
        torch.testing.assert_close(own, kl_divergence(*normals).expand(3), rtol=1e-12, atol=0)
    alarm = fd.example("alarm")
    other = fd.BayesNet.from_edges(alarm.edges, nodes=alarm.names, states=alarm.states).fit(alarm.sample(1_000, seed=0))
    p, q = Distribution(alarm), Distribution(other)
    x = p.sample((20_000,))
    differences = p.log_prob(x) - q.log_prob(x)
    assert abs(float(kl_divergence(p, q) - differences.mean())) < 5 * float(differences.std()) / 20_000**0.5


def test_what_has_no_closed_form() -> None:
    d = Distribution(made(head="normal"))
    for other in (d, Distribution(mixed()), Distribution(mixed(), given={"y": 2})):
        for what in ("mean", "variance", "mode"):
            with pytest.raises(NotImplementedError, match=f"the {what} of"):
                getattr(other, what)
    with pytest.raises(NotImplementedError, match="entropy"):
        Distribution(mixed(), given={"y": 2}).entropy()
    with pytest.raises(NotImplementedError, match="entropy"):
        d.entropy()
    with pytest.raises(NotImplementedError, match="closed form"):
        kl_divergence(d, d)
    with pytest.raises(NotImplementedError, match="not enumerated"):
        d.enumerate_support()
    with pytest.raises(ValueError, match="same columns"):
        kl_divergence(d, Distribution(made()))
    renamed = fd.BayesNet({"a": fd.Bernoulli(0.5)}), fd.BayesNet({"b": fd.Bernoulli(0.5)})
    with pytest.raises(ValueError, match="same columns"):
        kl_divergence(*map(Distribution, renamed))
    turned = fd.BayesNet({"a": fd.Categorical([0.5, 0.5], states=["True", "False"])})
    with pytest.raises(ValueError, match="the states of 'a' differ"):
        kl_divergence(Distribution(renamed[0]), Distribution(turned))


# --- gradients ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [chain(), vectors(), made(head="normal", dtype=np.float64)])
def test_gradients_by_value(model: object) -> None:
    d = Distribution(model)
    x = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(d.log_prob, x)


def test_gradients_beside_codes() -> None:
    x = torch.tensor([[0.5, 1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    d = Distribution(mixed())
    (found,) = torch.autograd.grad(d.log_prob(x).sum(), x)
    residual = (2.0 - 2 * 0.5 - 1.0) / 0.09
    torch.testing.assert_close(found[0], torch.tensor([-(0.5 - 3) / 0.25 + 2 * residual, 0.0, -residual]).double())


@pytest.mark.parametrize("n_contexts", [1, 3])
def test_gradients_by_context(n_contexts: int) -> None:
    model = made(head="normal", n_context=2, dtype=np.float64)
    x = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    contexts = torch.randn(n_contexts, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, c: Distribution(model, given=c).log_prob(x), (x, contexts))


def test_gradients_by_parameters() -> None:
    module = chain().to_torch()
    d = Distribution(module)
    d.log_prob(torch.zeros(4, 3)).sum().backward()
    assert all(p.grad is not None for p in module.parameters())
    module.zero_grad()
    assert d.has_rsample
    d.rsample((5, 2)).sum().backward()
    assert any(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None)
    own = made().to_torch()
    (-Distribution(own).log_prob(torch.ones(2, 3)).sum()).backward()
    assert any(float(p.grad.abs().sum()) for p in own.parameters())


def test_rsample_is_distributed_as_sample() -> None:
    d = Distribution(chain())
    x = d.rsample((10_000,))
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.mean(0), d.mean, atol=0.2, rtol=0)
    torch.testing.assert_close(x.var(0), d.variance, rtol=0.1, atol=0)
    for model in (sprinkler(), mixed(), made(head="normal")):
        assert not Distribution(model).has_rsample


# --- torch's own wrappers -----------------------------------------------------------------------------------------


def test_wrappers() -> None:
    d = Distribution(chain())
    shifted = TransformedDistribution(d, [AffineTransform(1.0, 2.0)])
    x = shifted.rsample((4,))
    torch.testing.assert_close(shifted.log_prob(x), d.log_prob((x - 1) / 2) - 3 * np.log(2), rtol=1e-4, atol=1e-4)
    assert Independent(d.expand((5,)), 1).log_prob(torch.zeros(2, 5, 3)).shape == (2,)
    components = Distribution(made(head="normal", n_context=2), given=torch.randn(4, 2))
    mixture = MixtureSameFamily(Categorical(torch.ones(4)), components)
    x = mixture.sample((6,))
    expected = components.log_prob(x[:, None]).logsumexp(1) - np.log(4)
    torch.testing.assert_close(mixture.log_prob(x), expected)


def test_copies() -> None:
    d = Distribution(sprinkler(), given={"wet": 1}).expand((2,))
    for other in (copy.deepcopy(d), pickle.loads(pickle.dumps(d))):
        torch.manual_seed(1)
        first = d.sample((9,))
        torch.manual_seed(1)
        assert torch.equal(other.sample((9,)), first) and other.batch_shape == (2,)
    assert repr(d) == "Distribution(BayesNet, event_shape=(3,), batch_shape=(2,))"


def test_fit_changes_the_distribution() -> None:
    net = fd.BayesNet({"a": fd.Bernoulli(0.5)})
    d = Distribution(net)
    net.fit([[0], [1], [1], [1]], prior=0.0)
    assert float(d.log_prob(torch.tensor([1])).exp()) == pytest.approx(0.75) == float(d.mean)


# --- bad input ----------------------------------------------------------------------------------------------------


def test_models_that_are_none() -> None:
    with pytest.raises(NotFittedError, match="fit"):
        Distribution(fd.BayesNet.from_edges([("a", "b")]))
    with pytest.raises(NotFittedError, match="fit"):
        Distribution(fd.MarkovChain(order=1, n_vars=3))
    with pytest.raises(ValueError, match="any length"):
        Distribution(fd.MarkovChain(order=1).fit(["ab", "b"]))
    with pytest.raises(TypeError, match="got int"):
        Distribution(3)


def test_evidence_that_is_none() -> None:
    net = sprinkler()
    with pytest.raises(UnknownNameError):
        Distribution(net, given={"wett": 1})
    with pytest.raises(KeyError):
        Distribution(net, given={"wet": "moist"})
    with pytest.raises(ImpossibleEvidenceError):
        Distribution(net, given={"wet": 1, "rain": 0, "sprinkler": 0})
    with pytest.raises(ValueError, match="nothing is left"):
        Distribution(net, given={"wet": 1, "rain": 1, "sprinkler": 1, "sky": 1})
    with pytest.raises(TypeError, match="mapping"):
        Distribution(net, given=torch.zeros(2))
    with pytest.raises(TypeError, match="network itself"):
        Distribution(net.to_torch(), given={"wet": 1})
    with pytest.raises(ValueError, match="n_context=0"):
        Distribution(made(), given=torch.zeros(2))
    with pytest.raises(ValueError, match="given= is needed"):
        Distribution(made(n_context=2))
    with pytest.raises(ValueError, match=r"\(\*batch_shape, 2\), got \(4, 3\)"):
        Distribution(made(n_context=2), given=torch.zeros(4, 3))


@pytest.mark.parametrize("validate_args", [True, False])
@pytest.mark.parametrize("kind", ["tables", "made", "mixed"])
def test_values_that_are_none(kind: str, validate_args: bool) -> None:
    d = Distribution(MODELS[kind](), validate_args=validate_args)
    n, column = len(d.columns), 1
    for shape in [(n + 1,), (2, n - 1), ()]:
        with pytest.raises(ValueError, match=f"{n} columns .*got shape"):
            d.log_prob(torch.zeros(shape))
    with pytest.raises(ValueError, match="Tensor"):
        d.log_prob([0] * n)
    for value in (7.0, 0.5, -3.0):
        rows = torch.zeros(3, n)
        rows[2, column] = value
        with pytest.raises(ValueError, match=r"row 2|row 0"):
            d.log_prob(rows)
    for value in (-1.0, torch.nan):
        rows = torch.zeros(3, n)
        rows[1, column] = value
        with pytest.raises(MissingValuesError, match="is missing in row 1"):
            d.log_prob(rows)
    with pytest.raises(ValueError, match=r"batch_shape \(4,\), got \(3,\)"):
        d.expand((4,)).log_prob(torch.zeros(3, n))


def test_out_of_support_names_column_and_row() -> None:
    with pytest.raises(ValueError, match="values of 'sky' are codes from 0 to 2: row 1 has 3"):
        Distribution(sprinkler(), validate_args=True).log_prob(torch.tensor([[0, 2, 0, 0], [0, 3, 0, 0]]))
    with pytest.raises(MissingValuesError, match="'sky' is missing in row 0"):
        Distribution(sprinkler()).log_prob(torch.tensor([0, -1, 0, 0]))


# --- neighbours ---------------------------------------------------------------------------------------------------


def test_pyro() -> None:
    pyro = pytest.importorskip("pyro")
    from pyro.infer import MCMC, NUTS, SVI, Trace_ELBO

    d = Distribution(chain())
    assert d.mask(False).log_prob(torch.zeros(2, 3)).tolist() == [0.0, 0.0]
    assert d.expand_by([2]).to_event(1).event_shape == (2, 3)
    assert type(pickle.loads(pickle.dumps(d))) is type(d)

    def model(observed: object) -> None:
        z = pyro.sample("z", Distribution(chain()))
        pyro.sample("x", pyro.distributions.Normal(z.sum(-1), 0.1), obs=observed)

    def guide(observed: object) -> None:
        loc = pyro.param("loc", torch.zeros(3))
        pyro.sample("z", pyro.distributions.Normal(loc, 1.0).to_event(1))

    sampler = MCMC(NUTS(model), num_samples=20, warmup_steps=20, disable_progbar=True)
    sampler.run(torch.tensor(5.0))
    assert abs(float(sampler.get_samples()["z"].sum(-1).mean()) - 5.0) < 1.0
    assert np.isfinite(SVI(model, guide, pyro.optim.Adam({"lr": 0.1}), Trace_ELBO()).step(torch.tensor(5.0)))
    module = chain().to_torch()

    def learnt(rows: object) -> None:
        pyro.module("net", module)
        with pyro.plate("rows", len(rows)):
            pyro.sample("row", Distribution(module), obs=rows)

    svi = SVI(learnt, lambda rows: None, pyro.optim.Adam({"lr": 0.1}), Trace_ELBO())
    losses = [svi.step(torch.randn(20, 3)) for _ in range(10)]
    assert losses[-1] < losses[0]
    pyro.clear_param_store()


def test_sbi() -> None:
    utils = pytest.importorskip("sbi.utils")
    net = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.LinearGaussian(["x"], 1, [2], std=0.5)})
    prior, n_parameters, is_numpy = utils.process_prior(Distribution(net))
    assert (n_parameters, is_numpy) == (2, False)
    assert prior.log_prob(prior.sample((5,))).shape == (5,)


@pytest.mark.gpu
def test_on_a_card() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a card and torch for it")
    for model in (sprinkler(), chain()):
        d = Distribution(model, device="cuda")
        x = d.sample((6, 2))
        assert x.is_cuda and d.log_prob(x).is_cuda
        torch.testing.assert_close(d.log_prob(x).cpu(), Distribution(model).log_prob(x.cpu()), rtol=1e-4, atol=1e-4)
