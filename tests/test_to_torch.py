"""net.to_torch(), net.rsample, and net.log_prob of tensors that require grad."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from densities import every_kind, followed, reals_only, tensors  # noqa: E402

import fastdgm as fd  # noqa: E402
from fastdgm.errors import MissingValuesError, UnknownNameError  # noqa: E402


def chain() -> fd.BayesNet:
    return fd.BayesNet(
        {
            "x": fd.Normal(1.0, 2.0),
            "y": fd.LinearGaussian(["x"], 0.5, [2.0], 0.5),
            "z": fd.LinearGaussian(["x", "y"], 0.0, [1.0, -1.0], 1.5),
        }
    )


def linear(n_in: int, n_out: int, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Linear(n_in, n_out)


def rows_of(net: fd.BayesNet, n: int = 50) -> dict[str, torch.Tensor]:
    return tensors(net.sample(n, seed=1, dtype=np.float64))


# --- log_prob -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [chain, every_kind, reals_only, lambda: fd.example("asia")])
def test_it_is_the_networks_log_prob(make):
    net = make()
    rows = net.sample(80, seed=1, dtype=np.float64)
    np.testing.assert_allclose(net.to_torch()(tensors(rows)).detach(), net.log_prob(rows), rtol=1e-10)


def test_one_tensor_is_of_variables_of_one_kind():
    net = chain()
    rows = torch.from_numpy(np.array(net.sample(30, seed=1, dtype=np.float64))).requires_grad_()
    found = net.to_torch()(rows)
    np.testing.assert_allclose(found.detach(), net.log_prob(rows.detach()), rtol=1e-12)
    found.sum().backward()
    named = followed({name: rows.detach()[:, i] for i, name in enumerate(net.names)})
    net.to_torch()(named).sum().backward()
    np.testing.assert_allclose(rows.grad, torch.stack([named[name].grad for name in net.names], 1), rtol=1e-12)
    asia = fd.example("asia")
    codes = torch.from_numpy(np.asarray(asia.sample(30, seed=1)).astype(np.int64))
    np.testing.assert_allclose(asia.to_torch()(codes).detach(), asia.log_prob(codes), rtol=1e-12)
    with pytest.raises(ValueError, match="of one kind"):
        every_kind().to_torch()(torch.zeros(3, 16))
    with pytest.raises(ValueError, match=r"shape \(n, 3\), got \(3, 2\)"):
        net.to_torch()(torch.zeros(3, 2))


def test_training_approaches_fit():
    net = chain()
    rows = net.sample(500, seed=2, dtype=np.float64)
    start = fd.BayesNet(
        {
            "x": fd.Normal(0.0, 1.0),
            "y": fd.LinearGaussian(["x"], 0.0, [0.0], 1.0),
            "z": fd.LinearGaussian(["x", "y"], 0.0, [0.0, 0.0], 1.0),
        }
    )
    module = start.to_torch()
    optimizer = torch.optim.LBFGS(module.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        found = -module(tensors(rows)).mean()
        found.backward()
        return found

    optimizer.step(loss)
    learnt, fitted = module.to_bayesnet(), copy.deepcopy(start).fit(rows)
    assert fitted.log_prob(rows).mean() - learnt.log_prob(rows).mean() < 1e-6
    np.testing.assert_allclose(learnt["z"].coefficients, fitted["z"].coefficients, atol=1e-3)


def test_tables_are_trained_as_fit_counts_them():
    net = fd.example("sprinkler") if "sprinkler" in fd.example.__doc__ else fd.example("asia")
    rows = net.sample(400, seed=3)
    module = net.to_torch()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        (-module(tensors(rows)).mean()).backward()
        optimizer.step()
    best = copy.deepcopy(net).fit(rows, prior=0.0).log_prob(rows).mean()
    assert 0 <= best - module.to_bayesnet().log_prob(rows).mean() < 5e-3


def test_state_copies_and_types():
    net = every_kind()
    module, rows = net.to_torch(), rows_of(net)
    other = every_kind().to_torch()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(0.01)
    buffer = io.BytesIO()
    torch.save(other.state_dict(), buffer)
    module.load_state_dict(torch.load(io.BytesIO(buffer.getvalue())))
    rows["u"] = rows["u"].clamp(-0.9, 2.9)
    assert torch.equal(module(rows), other(rows))
    assert torch.equal(copy.deepcopy(module)(rows), module(rows))
    single = copy.deepcopy(module).float()
    narrow = {name: value.float() if value.is_floating_point() else value for name, value in rows.items()}
    narrow["twice"] = 2 * narrow["x"]
    np.testing.assert_allclose(single(narrow).detach(), module(rows).detach(), rtol=1e-4)
    assert torch.equal(module.double()(rows), module(rows))
    assert np.isfinite(module.to_bayesnet().log_prob({k: v.numpy() for k, v in rows.items()})).all()


def test_shared_modules_are_registered_once_and_stay_the_users():
    shared = linear(1, 1)
    net = fd.BayesNet(
        {
            "a": fd.Normal(0, 1),
            "x": fd.Neural(["a"], shared, family="normal", event_shape=(1,), std=1.0),
            "y": fd.Neural(["a"], shared, family="normal", event_shape=(1,), std=2.0),
        }
    )
    module = net.to_torch()
    own = [parameter for parameter in module.parameters() if parameter.shape in ((1, 1),) or parameter is shared.bias]
    assert sum(parameter is shared.weight for parameter in own) == 1
    module(rows_of(net)).sum().backward()
    assert shared.weight.grad is not None
    again = module.to_bayesnet()
    assert again["x"].module is shared and again["y"].module is shared
    copied = copy.deepcopy(module)
    twin = copied.to_bayesnet()
    assert twin["x"].module is twin["y"].module and twin["x"].module is not shared
    assert any(parameter is twin["x"].module.weight for parameter in copied.parameters())


def test_the_guide_is_kept():
    net = fd.BayesNet(
        {"z": fd.Normal(0, 1), "x": fd.Neural(["z"], linear(1, 3), family="bernoulli", event_shape=(3,))}
    ).guided({"z": fd.Neural(["x"], torch.nn.Sequential(linear(3, 2), _Pair()), family="normal")})
    assert net.to_torch().to_bayesnet().guide.keys() == {"z"}


class _Pair(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x[:, 0], x[:, 1]


# --- bad input ----------------------------------------------------------------------------------------------------


def changed(name: str, value: object) -> dict[str, object]:
    return {**rows_of(every_kind(), 4), name: value}


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (changed("a", torch.tensor([0, 1, 4, 0])), ValueError, r"codes of 'a' .* 0 to 3 .*row 2 is 4"),
        (changed("a", torch.tensor([0, -2, 1, 0])), ValueError, "row 1 is -2"),
        (changed("a", torch.tensor([0, -1, 1, 0])), MissingValuesError, "'a' is missing in row 1"),
        (changed("a", torch.tensor([0, 0.5, 1, 0])), ValueError, "row 1 is 0.5"),
        (changed("x", torch.tensor([0, torch.nan, 1, 0])), MissingValuesError, r"'x' is missing \(NaN\) in row 1"),
        (changed("x", torch.tensor([0, 1, 2, torch.inf])), ValueError, "'x' is infinite in row 3"),
        (changed("v", torch.zeros(4)), ValueError, r"'v' has shape \(4, 2\), got \(4,\)"),
        (changed("x", torch.zeros(3)), ValueError, r"'x' has shape \(4,\), got \(3,\)"),
        (changed("x", torch.zeros(4, dtype=torch.complex64)), TypeError, "'x' is of real numbers"),
        (changed("x", [0.0] * 4), TypeError, "'x' is list"),
        (changed("nobody", torch.zeros(4)), UnknownNameError, "no variable 'nobody'"),
        ({"a": torch.zeros(4)}, MissingValuesError, "no column .*log_prob"),
        (changed("a", torch.tensor(1)), ValueError, r"'a' has shape \(n,\), got \(\)"),
        ([1, 2], TypeError, "got list"),
    ],
)
def test_bad_rows_are_named(data, error, text):
    with pytest.raises(error, match=text):
        every_kind().to_torch()(data)


def test_whole_floats_and_booleans_are_codes():
    net = fd.BayesNet({"a": fd.Bernoulli(0.3)})
    for column in (torch.tensor([0.0, 1.0]), torch.tensor([False, True]), torch.tensor([0, 1], dtype=torch.uint8)):
        np.testing.assert_allclose(net.to_torch()({"a": column}).exp().detach(), [0.7, 0.3])


def test_an_unfitted_network_has_no_module():
    net = fd.BayesNet.from_edges([("a", "b")])
    with pytest.raises(fd.NotFittedError):
        net.to_torch()
    with pytest.raises(fd.NotFittedError):
        net.rsample(3)


def test_parameters_that_are_no_numbers_make_no_network():
    module = chain().to_torch()
    with torch.no_grad():
        next(module.parameters()).fill_(torch.nan)
    with pytest.raises(ValueError, match="'x'"):
        module.to_bayesnet()


# --- net.log_prob of tensors that require grad --------------------------------------------------------------------


def test_log_prob_follows_tensors_that_require_grad():
    net = every_kind()
    rows = net.sample(40, seed=3, dtype=np.float64)
    values = followed(tensors(rows))
    found = net.log_prob(values)
    np.testing.assert_allclose(found.detach(), net.log_prob(rows), rtol=1e-10)
    found.sum().backward()
    again = followed(tensors(rows))
    net.to_torch()(again).sum().backward()
    for name, value in values.items():
        if value.requires_grad and again[name].grad is not None:
            np.testing.assert_allclose(value.grad, again[name].grad, rtol=1e-9)
    assert isinstance(net.log_prob(tensors(rows)), np.ndarray)
    terms = net.log_prob(followed(tensors(rows)), per_variable=True)
    assert terms.requires_grad and terms.shape == (40, len(net.names))
    np.testing.assert_allclose(terms.detach(), net.log_prob(rows, per_variable=True), rtol=1e-9, atol=1e-12)
    with torch.no_grad():
        assert isinstance(net.log_prob(followed(tensors(rows))), np.ndarray)


def test_log_prob_of_rows_and_labels_and_modules():
    net = fd.BayesNet(
        {
            "a": fd.Bernoulli(0.3),
            "x": fd.Neural(["a"], torch.nn.Sequential(linear(2, 3), torch.nn.Dropout(0.5)), family="normal",
                           event_shape=(3,), std=1.0),
        }
    )  # fmt: skip
    x = torch.randn(4, 3, requires_grad=True)
    found = net.log_prob({"a": ["True", "False", "True", "True"], "x": x})
    found.sum().backward()
    assert x.grad.shape == (4, 3) and net["x"].module[0].bias.grad is not None and net["x"].module.training
    rows = torch.randn(5, 3, requires_grad=True)
    chain().log_prob(rows).sum().backward()
    assert rows.grad.shape == (5, 3)
    with pytest.raises(ValueError):
        chain().log_prob({"x": torch.full((2,), torch.nan, requires_grad=True), "y": [0.0, 1], "z": [0.0, 1]})
    with pytest.raises(ValueError, match="no gradient"):
        chain().log_prob(rows, n_importance=3)


# --- rsample ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rsample_draws_the_rows_of_sample(dtype):
    net = reals_only()
    expected = net.sample(700, seed=4, start=2**32 - 300, dtype=dtype)
    found = net.rsample(700, seed=4, start=2**32 - 300, dtype=dtype)
    assert list(found) == list(net.order)
    for name, column in found.items():
        assert column.numpy(force=True).dtype == dtype
        np.testing.assert_allclose(column.numpy(force=True), expected[name], rtol=2e-5, atol=2e-5, err_msg=name)


def test_rsample_does_not_depend_on_batches():
    net = reals_only()
    whole, part = net.rsample(300, seed=4, dtype=torch.float64), net.rsample(50, seed=4, start=100)
    for name in net.names:
        np.testing.assert_allclose(whole[name][100:150].detach(), part[name].detach(), rtol=1e-4, atol=1e-5)


def test_rsample_is_differentiable_by_parameters():
    net = reals_only()
    net.rsample(20, seed=0)["z"].mean().backward()
    weights = [parameter.grad for parameter in net["x"].module.parameters()]
    assert all(own is not None and own.abs().sum() > 0 for own in weights)
    module = net.to_torch()
    parameters = dict(module.named_parameters())

    def total(*inputs):
        with torch.nn.utils.stateless._reparametrize_module(module, dict(zip(parameters, inputs, strict=True))):
            return module.rsample(5, seed=1, dtype=torch.float64)["z"]

    assert torch.autograd.gradcheck(total, tuple(parameters.values()), atol=1e-6)


def test_rsample_refuses_by_name():
    with pytest.raises(ValueError, match=r"'a' \(it is discrete\).*'b'"):
        every_kind().rsample(3)
    mixture = fd.BayesNet({"m": fd.Neural([], _Mixture(), family="mixture")})
    with pytest.raises(ValueError, match=r"'m' \(its family is mixture\)"):
        mixture.rsample(3)
    numpy_function = fd.BayesNet({"x": fd.Normal(0, 1), "y": fd.Deterministic(["x"], lambda x: np.sin(x))})
    with pytest.raises(ValueError, match="'y': its function must take torch tensors"):
        numpy_function.rsample(3)
    with pytest.raises(ValueError, match="float32 or float64"):
        chain().rsample(3, dtype=np.int64)
    with pytest.raises(ValueError):
        chain().rsample(-1)


class _Mixture(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return (x.new_zeros(len(x), 2), x.new_zeros(len(x), 2), x.new_zeros(len(x), 2))


def test_the_modules_draws():
    net = every_kind()
    module = net.to_torch()
    found, expected = module.sample(30, seed=2, dtype=np.float64), net.sample(30, seed=2, dtype=np.float64)
    for name, column in found.items():
        np.testing.assert_allclose(column.numpy(), expected[name], rtol=1e-9)
    assert torch.isfinite(module(found)).all()


# --- torch's transformations --------------------------------------------------------------------------------------


def test_gradients_of_each_row():
    net = chain()
    module, rows = net.to_torch(), rows_of(chain(), 7)
    parameters = dict(module.named_parameters())
    detached = {name: parameter.detach() for name, parameter in parameters.items()}

    def one(changed, row):
        single = {name: value[None] for name, value in row.items()}
        return torch.func.functional_call(module, changed, (single,), {"check": False})[0]

    each = torch.vmap(torch.func.grad(one), (None, 0))(detached, rows)
    for i in range(7):
        module.zero_grad()
        module({name: value[i : i + 1] for name, value in rows.items()}).sum().backward()
        for name, parameter in parameters.items():
            np.testing.assert_allclose(each[name][i], parameter.grad, rtol=1e-9, atol=1e-12)


def test_second_derivatives():
    net = chain()
    module = net.to_torch()
    parameters = tuple(parameter.detach().clone().requires_grad_() for parameter in module.parameters())
    names = [name for name, _ in module.named_parameters()]
    rows = followed(rows_of(net, 4))

    def total(*inputs):
        values = dict(zip(net.names, inputs, strict=False))
        changed = dict(zip(names, inputs[3:], strict=True))
        return torch.func.functional_call(module, changed, (values,), {"check": False})

    assert torch.autograd.gradgradcheck(total, (*(rows[name] for name in net.names), *parameters))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_it_is_the_same(backend):
    net = chain()
    module, rows = net.to_torch(), rows_of(chain(), 30)
    expected = module(rows)
    expected.sum().backward()
    by_hand = [parameter.grad.clone() for parameter in module.parameters()]
    module.zero_grad()
    compiled = torch.compile(module, backend=backend, fullgraph=True)
    found = compiled(rows)
    found.sum().backward()
    np.testing.assert_allclose(found.detach(), expected.detach(), rtol=1e-12)
    for parameter, own in zip(module.parameters(), by_hand, strict=True):
        np.testing.assert_allclose(parameter.grad, own, rtol=1e-9)


def test_the_operators_keep_torchs_rules():
    from fastdgm.engines.torch import gaussian_operators as operators

    density = chain().to_torch().density.of("x")
    reals = torch.stack(list(rows_of(chain(), 5).values())).requires_grad_()
    numbers = [own.detach().requires_grad_() for own in (density.intercepts, density.coefficients, density.log_stds)]
    codes = torch.empty((0, 5), dtype=torch.uint8)
    layout = density._structure.layout
    utilities = ("test_schema", "test_faketensor", "test_autograd_registration", "test_aot_dispatch_static")
    torch.library.opcheck(operators.gaussian_log_prob, (reals, codes, *numbers, layout), test_utils=utilities)


def test_parameters_on_other_devices_are_refused():
    module = fd.FVSBN(2).to_torch()
    name = next(iter(dict(module.named_parameters())))
    setattr(module, name, torch.nn.Parameter(getattr(module, name).detach().to("meta")))
    with pytest.raises(TypeError, match=r"kernels of to_torch.*a parameter is on meta"):
        module(torch.tensor([[0, 1]]))
