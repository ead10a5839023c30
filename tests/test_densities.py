"""Log-densities in torch: the numbers of the engines, and gradients of finite differences."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from densities import every_kind, followed, reals_only, tensors  # noqa: E402
from real_nets import random_hybrid  # noqa: E402

import fastdgm as fd  # noqa: E402
from fastdgm.engines.torch.densities.joint import JointDensity, density_of  # noqa: E402
from fastdgm.engines.torch.densities.words import Words  # noqa: E402

NETS = {"every kind": every_kind, "reals": reals_only, "hybrid": lambda: random_hybrid(4, 10)}


def density(net: fd.BayesNet) -> JointDensity:
    return JointDensity({name: net[name] for name in net.names}, net.order)


def gradients(total: torch.Tensor, inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    found = torch.autograd.grad(total, inputs, allow_unused=True)
    return [torch.zeros_like(own) if own_g is None else own_g for own, own_g in zip(inputs, found, strict=True)]


@pytest.mark.parametrize("name", NETS)
def test_terms_are_those_of_the_engines(name):
    net = NETS[name]()
    rows = net.sample(300, seed=1, dtype=np.float64)
    own = density(net)
    terms = own.terms(tensors(rows))
    expected = net.log_prob(rows, per_variable=True)
    table = own.table(tensors(rows), net.names).detach().numpy()
    point = [net.names.index(one) for one in ("point",) if one in net.names]
    expected, table = np.delete(expected, point, 1), np.delete(table, point, 1)  # exact equality is the kernels'
    np.testing.assert_allclose(table, expected, rtol=1e-10, atol=1e-12)
    assert list(terms) == list(net.order)
    np.testing.assert_allclose(own(tensors(rows)).detach().numpy(), net.log_prob(rows), rtol=1e-10)


@pytest.mark.parametrize("name", NETS)
def test_gradients_are_those_of_finite_differences(name):
    net = NETS[name]()
    net = fd.BayesNet({own: net[own] for own in net.names if own != "point"})
    values = followed(tensors(net.sample(6, seed=2, dtype=np.float64)))
    own = density(net)
    reals = [key for key, value in values.items() if value.requires_grad and key not in ("twice", "point", "u")]
    # what a point mass or an interval depends on would leave it by the difference
    reals = [key for key in reals if not ({"twice", "point"} & {c for c in net.names if key in net[c].parents})]
    parameters = dict(own.named_parameters())

    def total(*inputs):
        moved = dict(zip(reals, inputs, strict=False))
        changed = dict(zip(parameters, inputs[len(reals) :], strict=True))
        return torch.func.functional_call(own, changed, ({**values, **moved},))

    inputs = tuple(values[key].detach().clone().requires_grad_() for key in reals)
    assert torch.autograd.gradcheck(total, (*inputs, *parameters.values()), atol=1e-6)


def test_the_kernel_and_the_formulas_have_the_same_gradients():
    net = random_hybrid(7, 14)
    values = followed(tensors(net.sample(400, seed=3, dtype=np.float64)))
    own = density(net)
    inputs = [*own.parameters(), *(value for value in values.values() if value.requires_grad)]
    weights = torch.from_numpy(np.random.default_rng(0).normal(size=400))
    kernel = gradients((own(values) * weights).sum(), inputs)
    formula = gradients((sum(own.terms(values).values()) * weights).sum(), inputs)
    for one, other in zip(kernel, formula, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_float32_data_are_scored_as_their_numbers_in_float64():
    net = every_kind()
    rows = net.sample(200, seed=4)
    narrow, wide = tensors(rows, torch.float32), tensors(rows)
    narrow["twice"], wide["twice"] = 2 * narrow["x"], 2 * wide["x"]
    found = density(net)(narrow)
    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.detach(), density(net)(wide).detach(), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "value"), [("e", -1.0), ("u", 7.0), ("b", 0), ("certain", 0), ("x", 1e200), ("l", -1e30), ("v", 1e160)]
)
def test_gradients_are_numbers_at_impossible_values_and_far_out(name, value):
    net = every_kind()
    values = tensors(net.sample(20, seed=5, dtype=np.float64))
    values[name] = torch.full_like(values[name], value)
    own, values = density(net), followed(values)
    found = own.terms(values)[name]
    found.sum().backward()
    for one in [*own.parameters(), *values.values()]:
        assert one.grad is None or not one.grad.isnan().any()
    if name in ("e", "u"):
        assert (found == -torch.inf).all()


def test_states_of_probability_0_stay_impossible():
    net = every_kind()
    own = density(net)
    values = tensors(net.sample(50, seed=6, dtype=np.float64))
    optimizer = torch.optim.AdamW(own.parameters(), lr=0.1, weight_decay=0.1)
    for _ in range(5):
        optimizer.zero_grad()
        (-own(values).mean()).backward()
        optimizer.step()
    found = own.conditionals()
    assert found["a"].table[3] == 0.0 and found["b"].table[1, 0] == 0.0
    assert found["certain"].probabilities.tolist() == [1.0, 0.0] and found["certain"].leak == 0.0
    assert found["same"] == net["same"] and not np.array_equal(found["a"].table, net["a"].table)


def test_a_std_of_0_has_no_gradient_and_stays():
    net = fd.BayesNet({"d": fd.Bernoulli(0.5), "x": fd.Normal.given(["d"], [1.0, 2.0], [0.0, 0.5])})
    own = density(net)
    values = {"d": torch.tensor([0, 0, 1]), "x": torch.tensor([1.0, 1.5, 2.5], dtype=torch.float64).requires_grad_()}
    found = own(values)
    np.testing.assert_array_equal(found.detach(), net.log_prob({"d": [0, 0, 1], "x": [1.0, 1.5, 2.5]}))
    found[[0, 2]].sum().backward()
    assert values["x"].grad.tolist() == pytest.approx([0.0, 0.0, -2.0])
    normals = own.of("x")
    assert normals.intercepts.grad.tolist() == pytest.approx([0.0, 2.0])
    assert normals.log_stds.grad.tolist() == pytest.approx([0.0, 0.0], abs=1e-12)  # one std from the mean
    assert own.conditionals()["x"].std.tolist() == [0.0, 0.5]


def test_conditionals_are_those_it_was_made_of():
    for make in NETS.values():
        net = make()
        again = fd.BayesNet(density(net).conditionals())
        rows = net.sample(100, seed=7, dtype=np.float64)
        assert set(again.names) == set(net.names) and again.states == net.states
        for name in net.names:
            for part, array in net[name].parameters().items() if name != "twice" and name != "x" else ():
                np.testing.assert_allclose(again[name].parameters()[part], array, rtol=1e-12, atol=1e-15)
        assert np.isfinite(net.log_prob(rows)).all()


def test_kinds_without_a_density_are_named():
    with pytest.raises(TypeError, match="a int has no density"):
        density_of(3)
    with pytest.raises(TypeError, match="'x': a int has no density"):
        JointDensity({"x": 3}, ["x"])


def test_words_do_not_depend_on_batches():
    whole = Words(5, 2**32 - 50, 2000, 7)
    part = Words(5, 2**32 + 150, 100, 9)
    like = torch.empty(0, dtype=torch.float64)
    assert torch.equal(whole.uniforms(6, like)[200:300, 2:], part.uniforms(4, like))
    assert torch.equal(whole.normals(6, like)[200:300, 2:], part.normals(4, like))
    np.testing.assert_allclose(torch.special.ndtri(part.uniforms(3, like)), part.normals(3, like), atol=1e-12)
    np.testing.assert_allclose(part.normals(3, torch.empty(0)), part.normals(3, like), atol=1e-5)
