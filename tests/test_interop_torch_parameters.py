"""Values, gradients and samples of ``to_torch`` follow its tensors, however torch code puts numbers into them."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.engines.masked import plan as masked

torch = pytest.importorskip("torch", reason="torch is not installed")
from torch import nn  # noqa: E402
from torch.nn.utils import parameters_to_vector, prune, vector_to_parameters  # noqa: E402

N_VARS = 5
ROWS = np.array(list(itertools.product((0, 1), repeat=N_VARS)))
X = torch.from_numpy(ROWS)
FAMILIES = {
    "MADE": lambda: fd.MADE(N_VARS, (9,), order=[3, 0, 4, 1, 2], seed=0),
    "deep MADE": lambda: fd.MADE(N_VARS, (9, 7), activation="silu", seed=0),
    "FVSBN": lambda: fd.FVSBN(N_VARS, order="reversed"),
    "NADE": lambda: fd.NADE(N_VARS, 6, seed=0),
}


@pytest.fixture(params=FAMILIES)
def make(request):
    return FAMILIES[request.param]


def other_numbers(module, seed=1):
    """Tensors by name that differ from the module's."""
    generator = torch.Generator().manual_seed(seed)
    return {name: p.detach() + 0.5 * torch.randn(p.shape, generator=generator) for name, p in module.named_parameters()}


def expected(make, numbers):
    """log_prob of a model that holds these numbers, and their gradients."""
    module = make().to_torch()
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(numbers[name])
    value = module(X)
    value.sum().backward()
    np.testing.assert_array_equal(value.detach(), module.model.log_prob(X))
    return value.detach(), {name: p.grad for name, p in module.named_parameters()}


# --- ways to put other numbers in ---


def copy_in(module, numbers):
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(numbers[name])


def assign_data(module, numbers):
    for name, p in module.named_parameters():
        p.data = numbers[name].clone()


def new_parameters(module, numbers):
    for name, tensor in numbers.items():
        setattr(module, name, nn.Parameter(tensor.clone()))


def from_vector(module, numbers):
    vector_to_parameters(parameters_to_vector(list(numbers.values())), module.parameters())


def strided_data(module, numbers):
    for name, p in module.named_parameters():
        p.data = torch.stack([numbers[name], -numbers[name]], dim=-1)[..., 0]


def another_order(module, numbers):
    for name in reversed(list(numbers)):
        delattr(module, name)
        module.register_parameter(name, nn.Parameter(numbers[name].clone()))


WAYS = {
    "copy_": copy_in,
    "load_state_dict": lambda module, numbers: module.load_state_dict(numbers),
    "assign=True": lambda module, numbers: module.load_state_dict(numbers, assign=True),
    "p.data": assign_data,
    "setattr": new_parameters,
    "vector_to_parameters": from_vector,
    "strided": strided_data,
    "registered in another order": another_order,
}
SHARING = ("copy_", "load_state_dict")


@pytest.mark.parametrize("way", WAYS)
def test_values_gradients_and_samples_follow_the_tensors(make, way):
    model = make()
    module = model.to_torch()
    before, numbers = model.log_prob(ROWS), other_numbers(module)
    value, gradients = expected(make, numbers)
    WAYS[way](module, numbers)
    result = module(X)
    result.sum().backward()
    assert torch.equal(result.detach(), value)
    for name, p in module.named_parameters():
        assert torch.equal(p.grad, gradients[name])
    twin = make().to_torch()
    copy_in(twin, numbers)
    for n in (2, 50):
        assert torch.equal(module.sample(n, seed=3), twin.sample(n, seed=3))
    np.testing.assert_array_equal(model.log_prob(ROWS), value if way in SHARING else before)
    if way not in SHARING:
        model.to_torch().load_state_dict(module.state_dict())
        np.testing.assert_array_equal(model.log_prob(ROWS), value)


@pytest.mark.parametrize("way", WAYS)
def test_copies_hold_the_tensors_too(make, way):
    module = make().to_torch().eval()
    numbers = other_numbers(module)
    WAYS[way](module, numbers)
    next(module.parameters()).requires_grad_(False)
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), copy.copy(module)):
        assert torch.equal(twin(X).detach(), module(X).detach())
        assert [p.requires_grad for p in twin.parameters()] == [p.requires_grad for p in module.parameters()]
        assert not twin.training
        np.testing.assert_array_equal(twin.model.log_prob(ROWS), module.model.log_prob(ROWS))


def test_functional_calls(make):
    module = make().to_torch()
    before, numbers = module(X).detach(), other_numbers(module)
    value, gradients = expected(make, numbers)
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in numbers.items()}
    result = torch.func.functional_call(module, leaves, (X,))
    result.sum().backward()
    assert torch.equal(result.detach(), value) and torch.equal(module(X).detach(), before)
    for name, leaf in leaves.items():
        assert torch.equal(leaf.grad, gradients[name])


def test_averaged_models(make):
    module = make().to_torch()
    averaged = torch.optim.swa_utils.AveragedModel(module)
    numbers = other_numbers(module)
    averaged.update_parameters(module)
    copy_in(module, numbers)
    averaged.update_parameters(module)
    mean = {name: (p.detach() + numbers[name]) / 2 for name, p in make().to_torch().named_parameters()}
    assert torch.allclose(averaged(X), expected(make, mean)[0], atol=1e-5)
    assert torch.equal(module(X).detach(), expected(make, numbers)[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_float_types_are_converted(make, dtype):
    module = make().to_torch()
    numbers = {name: tensor.to(dtype) for name, tensor in other_numbers(module).items()}
    value, gradients = expected(make, {name: tensor.float() for name, tensor in numbers.items()})
    leaves = {name: tensor.requires_grad_() for name, tensor in numbers.items()}
    result = torch.func.functional_call(module, leaves, (X,))
    result.sum().backward()
    assert torch.equal(result.detach(), value)
    for name, leaf in leaves.items():
        assert leaf.grad.dtype == dtype and torch.equal(leaf.grad, gradients[name].to(dtype))


def test_pruned_parameters(make):
    module = make().to_torch()
    name = next(iter(module._parameters))
    mask = torch.rand(getattr(module, name).shape, generator=torch.Generator().manual_seed(0)) > 0.4
    numbers = {key: p.detach().clone() for key, p in module.named_parameters()}
    prune.custom_from_mask(module, name, mask)
    value, gradients = expected(make, numbers | {name: numbers[name] * mask})
    result = module(X)
    result.sum().backward()
    assert torch.equal(result.detach(), value)
    assert torch.equal(getattr(module, name + "_orig").grad, gradients[name] * mask)


def test_complex_parameters_are_refused():
    module = fd.FVSBN(N_VARS).to_torch()
    module.biases = torch.nn.Parameter(module.biases * 1j)
    for call in (lambda: module(X), lambda: module.sample(2)):
        with pytest.raises(TypeError, match="parameters must be real"):
            call()


def test_other_shapes_are_refused(make):
    module = make().to_torch()
    for name, p in list(module.named_parameters()):
        wrong = {name: torch.zeros(p.numel() + 1)}
        with pytest.raises(ValueError, match=f"{name} must have shape"):
            torch.func.functional_call(module, wrong, (X,))


def test_optimisers_that_assign_data_train():
    """Sharpness-aware steps: climb, take the gradient there, put the old numbers back, step."""
    x = torch.randint(0, 2, (300, 1), generator=torch.Generator().manual_seed(0)).repeat(1, N_VARS)
    losses = {}
    for assign in (False, True):
        module = FAMILIES["MADE"]().to_torch()
        optimizer = torch.optim.Adam(module.parameters(), lr=0.03)
        for _ in range(40):
            optimizer.zero_grad()
            (-module(x).mean()).backward()
            old = [p.detach().clone() for p in module.parameters()]
            with torch.no_grad():
                for p in module.parameters():
                    p.add_(0.05 * p.grad)
            optimizer.zero_grad()
            (-module(x).mean()).backward()
            for p, own in zip(module.parameters(), old, strict=True):
                p.data = own if assign else p.data.copy_(own)
            optimizer.step()
        losses[assign] = -module(x).mean().item()
    assert losses[True] == losses[False] < 2.0


# --- masked cells ---


def free_cells(module):
    """Which entries of each parameter the model counts."""
    model = module.model
    if isinstance(model, fd.NADE):
        return {name: torch.ones(p.shape, dtype=torch.bool) for name, p in module.named_parameters()}
    net = model._net
    ones = masked.without_masked(masked.with_parameters(net, np.ones_like(net.weights), np.ones_like(net.biases)))
    free = {"weights": torch.from_numpy(ones.weights) == 1, "biases": torch.from_numpy(ones.biases) == 1}
    assert sum(int(cells.sum()) for cells in free.values()) == model.n_parameters
    return free


def is_distribution(model):
    assert np.exp(model.log_prob(ROWS)).sum() == pytest.approx(1, abs=1e-5)
    for n in (3, 400):  # few rows take another path
        drawn, log_prob = model.sample(n, seed=0, return_log_prob=True)
        np.testing.assert_allclose(log_prob, model.log_prob(drawn), atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(
    family=st.sampled_from(sorted(FAMILIES)),
    junk=st.sampled_from([0.0, 3.0, -1e30, float("inf"), float("nan")]),
    seed=st.integers(0, 99),
)
def test_masked_cells_are_ignored_whatever_they_hold(family, junk, seed):
    module = FAMILIES[family]().to_torch()
    free, numbers = free_cells(module), other_numbers(module, seed)
    value, gradients = expected(FAMILIES[family], numbers)
    with torch.no_grad():
        for name, p in module.named_parameters():
            p.copy_(torch.where(free[name], numbers[name], torch.full_like(p, junk)))
    model, result = module.model, module(X)
    result.sum().backward()
    assert torch.equal(result.detach(), value)
    for name, p in module.named_parameters():
        assert torch.equal(p.grad, gradients[name]) and not p.grad[~free[name]].any()
    np.testing.assert_array_equal(model.log_prob(ROWS), value)
    np.testing.assert_allclose(model.log_prob(ROWS, per_variable=True).sum(axis=1), value, atol=1e-5)
    is_distribution(model)


def test_files_hold_no_masked_cells(make, tmp_path):
    module = make().to_torch()
    copy_in(module, other_numbers(module))
    path = tmp_path / "model.safetensors"
    fd.write(module.model, path)
    again = fd.read(path)
    np.testing.assert_array_equal(again.log_prob(ROWS), module.model.log_prob(ROWS))
    assert again.n_parameters == module.model.n_parameters


def test_fit_of_a_model_whose_masked_cells_hold_something(make):
    module, plain = make().to_torch(), make()
    numbers = other_numbers(module)
    copy_in(module, numbers)
    free, twin = free_cells(module), plain.to_torch()
    copy_in(twin, {name: torch.where(free[name], numbers[name], torch.zeros(())) for name in numbers})
    for model in (module.model, plain):
        model.fit(ROWS, epochs=2, weight_decay=0.1, progress=False)
    np.testing.assert_array_equal(module.model.log_prob(ROWS), plain.log_prob(ROWS))
    is_distribution(module.model)


def noisy(optimizer, noise, steps=10):
    def run(module):
        steps_of = optimizer(module.parameters())
        generator = torch.Generator().manual_seed(0)
        for _ in range(steps):
            steps_of.zero_grad()
            (-module(X).mean()).backward()
            for p in module.parameters():
                p.grad.add_(noise * torch.randn(p.shape, generator=generator))
            steps_of.step()

    return run


def normal_everywhere(module):
    for p in module.parameters():
        nn.init.normal_(p, std=0.5)


@pytest.mark.parametrize(
    "change",
    [
        normal_everywhere,
        noisy(lambda p: torch.optim.SGD(p, lr=0.1), 0.3),
        noisy(lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.5), 0.0),
    ],
    ids=["nn.init", "noise on gradients", "weight decay"],
)
def test_it_stays_a_distribution(make, change):
    torch.manual_seed(0)
    module = make().to_torch()
    change(module)
    is_distribution(module.model)
    assert torch.equal(module(X).detach(), torch.from_numpy(module.model.log_prob(ROWS)))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_never_swallowed(make, bad, tmp_path):
    names = [name for name, _ in make().to_torch().named_parameters()]
    for name in names:
        module = make().to_torch()
        cell = tuple(free_cells(module)[name].nonzero()[0].tolist())
        with torch.no_grad():
            module._parameters[name][cell] = bad
        model = module.model
        for call in (
            lambda module=module: module(X),
            lambda module=module: module.sample(3, seed=0),
            lambda model=model: model.log_prob(ROWS),
            lambda model=model: model.sample(300, seed=0),
            lambda model=model: model.fit(ROWS, epochs=1, progress=False),
            lambda model=model: fd.write(model, tmp_path / "m.safetensors"),
        ):
            with pytest.raises(ValueError, match=f"{name} must be finite"):
                call()
