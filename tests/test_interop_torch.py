"""Masked networks from torch, and models as torch modules whose memory and gradients are their own."""

from __future__ import annotations

import copy
import itertools
import pickle
import tracemalloc
from functools import partial

import numpy as np
import pytest

from fastdgm.autoregressive.fvsbn import FVSBN
from fastdgm.autoregressive.made import MADE
from fastdgm.autoregressive.markov import MarkovChain
from fastdgm.autoregressive.nade import NADE
from fastdgm.interop.torch import from_torch

torch = pytest.importorskip("torch", reason="torch is not installed")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from fastdgm.interop.torch_autograd import _LogProbFunction  # noqa: E402


class MaskedLinear(nn.Linear):
    """A linear layer with a mask of its own, as every MADE in torch has one."""

    def __init__(self, mask):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


def masked_mlp(order, hidden=(12, 9), inputs=1, outputs=1, activation=nn.ReLU, layout="variable-major"):
    """Masked layers by degrees; ``order`` is the variable at each position."""
    n_vars = len(order)
    position = np.argsort(order)
    degrees = [np.repeat(position + 1, inputs)]
    degrees += [1 + np.arange(width) % max(1, n_vars - 1) for width in hidden]
    degrees.append(np.repeat(position, outputs) if layout == "variable-major" else np.tile(position, outputs))
    modules = []
    for before, after in itertools.pairwise(degrees):
        modules += [MaskedLinear(torch.tensor(after[:, None] >= before).float()), activation()]
    return nn.Sequential(*modules[:-1])


def bernoulli_log_prob(module, x):
    """The sum of log p(x_d | x_<d) by torch itself."""
    with torch.no_grad():
        return -F.binary_cross_entropy_with_logits(module(x), x, reduction="none").sum(dim=1).numpy()


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def bits(n_vars, n=50):
    return torch.randint(0, 2, (n, n_vars))


ACTIVATIONS = [
    nn.ReLU, nn.ELU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.SiLU, nn.GELU, partial(nn.GELU, approximate="tanh"), nn.SELU,
    nn.LeakyReLU, nn.Mish, partial(nn.LeakyReLU, 0.2), nn.PReLU, partial(nn.ELU, alpha=0.5),
    partial(nn.CELU, alpha=2.0), partial(nn.Softplus, beta=2), nn.LogSigmoid, partial(nn.ReLU, inplace=True),
]  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_the_same_log_prob_as_torch_with_every_activation(activation):
    module = masked_mlp([2, 0, 4, 1, 3], activation=activation).double()
    x = bits(5)
    made = from_torch(module)
    assert isinstance(made, MADE) and made.dtype == np.float64
    np.testing.assert_array_equal(made.order, [2, 0, 4, 1, 3])
    np.testing.assert_allclose(made.log_prob(x), bernoulli_log_prob(module, x.double()), atol=1e-12)


def test_samples_are_those_of_the_naive_method():
    module = masked_mlp([2, 0, 1, 3]).double()
    made = from_torch(module)
    uniforms = np.random.default_rng(0).random((40, 4))
    naive = torch.zeros(40, 4, dtype=torch.float64)
    for position, variable in enumerate(made.order):
        with torch.no_grad():
            naive[:, variable] = torch.from_numpy(uniforms[:, position]) < torch.sigmoid(module(naive))[:, variable]
    np.testing.assert_array_equal(made.sample(40, uniforms=uniforms), naive.numpy())


def test_float32_stays_float32_and_bfloat16_becomes_it():
    module = masked_mlp([0, 1, 2])
    made = from_torch(module)
    assert made.dtype == np.float32
    x = bits(3)
    np.testing.assert_allclose(made.log_prob(x), bernoulli_log_prob(module, x.float()), rtol=1e-5)
    assert made.hidden == (12, 9)
    assert from_torch(module.bfloat16()).dtype == np.float32


def test_the_module_is_left_as_it_was():
    module = nn.Sequential(*masked_mlp([0, 1, 2]), nn.Identity(), nn.Dropout(0.5)).train()
    before = copy.deepcopy(module.state_dict())
    made = from_torch(module)
    assert module.training and all(m.training for m in module)
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    module[0].weight.data.zero_()
    module[-3].bias.data.add_(1)
    assert not np.array_equal(made.log_prob(bits(3)), from_torch(module, order="natural").log_prob(bits(3)))


def test_masks_multiplied_in_transposed_or_as_an_attribute():
    class Transposed(nn.Linear):
        def forward(self, x):
            return F.linear(x, self.weight * self.mask.T, self.bias)

    reference = masked_mlp([1, 0, 2]).double()
    multiplied, transposed = copy.deepcopy(reference), copy.deepcopy(reference)
    for index in (0, 2, 4):
        own = reference[index]
        multiplied[index] = nn.Linear(own.in_features, own.out_features).double()
        multiplied[index].weight.data = own.weight.data * own.mask
        transposed[index] = Transposed(own.in_features, own.out_features).double()
        transposed[index].weight.data, transposed[index].mask = own.weight.data, own.mask.T
        multiplied[index].bias.data = transposed[index].bias.data = own.bias.data
    x = bits(3)
    for module in (multiplied, transposed):
        np.testing.assert_array_equal(from_torch(module).log_prob(x), from_torch(reference).log_prob(x))


def test_a_module_around_a_sequential_and_nested_ones():
    class Made(nn.Module):  # as in pytorch-made
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x)

    inner = masked_mlp([0, 1, 2]).double()
    x, around = bits(3), Made(nn.Sequential(inner, nn.Identity()))
    np.testing.assert_array_equal(from_torch(around).log_prob(x), from_torch(inner).log_prob(x))


@pytest.mark.parametrize("layout", ["variable-major", "parameter-major"])
def test_normal_heads_in_both_layouts(layout):
    module = masked_mlp([1, 2, 0, 3], outputs=2, layout=layout).double()
    made = from_torch(module, head="normal")
    x = torch.randn(20, 4).double()
    with torch.no_grad():
        z = module(x)
    mean, log_sigma = (z[:, 0::2], z[:, 1::2]) if layout == "variable-major" else z.chunk(2, dim=1)
    expected = torch.distributions.Normal(mean, log_sigma.exp()).log_prob(x)
    np.testing.assert_allclose(made.log_prob(x, per_variable=True), expected, atol=1e-12)
    explicit = from_torch(module, head="normal", layout=layout, order=[1, 2, 0, 3])
    np.testing.assert_array_equal(made.log_prob(x), explicit.log_prob(x))


def test_categorical_heads_take_one_hot_inputs():
    module = masked_mlp([2, 0, 1], inputs=4, outputs=4).double()
    made = from_torch(module, n_states=4)
    assert (made.head, made.n_states, made.n_vars) == ("categorical", 4, 3)
    x = torch.randint(0, 4, (30, 3))
    with torch.no_grad():
        logits = module(F.one_hot(x, 4).double().flatten(1)).unflatten(1, (3, 4))
    expected = logits.log_softmax(2).gather(2, x[..., None])[..., 0].sum(1)
    np.testing.assert_allclose(made.log_prob(x), expected, atol=1e-12)


def test_mixture_heads():
    module = masked_mlp([0, 1, 2], outputs=6).double()
    made = from_torch(module, head="mixture")
    x = torch.randn(30, 3).double()
    with torch.no_grad():
        logits, mean, log_sigma = module(x).unflatten(1, (3, 3, 2)).unbind(2)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=logits), torch.distributions.Normal(mean, log_sigma.exp())
    )
    np.testing.assert_allclose(made.log_prob(x), mixture.log_prob(x).sum(1), atol=1e-12)


# Residual blocks ----------------------------------------------------------------------------------------------------


class Block(nn.Module):
    """A pre-activation residual block, as nflows writes it."""

    def __init__(self, mask, activation):
        super().__init__()
        self.linear_layers = nn.ModuleList([MaskedLinear(mask), MaskedLinear(mask)])
        self.activation, self.dropout = activation, nn.Dropout(0.1)

    def forward(self, x):
        y = self.linear_layers[0](self.activation(x))
        return x + self.linear_layers[1](self.dropout(self.activation(y)))


class ResidualMADE(nn.Module):
    def __init__(self, n_vars, width, activation):
        super().__init__()
        hidden, variables = 1 + torch.arange(width) % (n_vars - 1), torch.arange(n_vars) + 1
        self.use_residual_blocks, self.activation = True, activation
        self.initial_layer = MaskedLinear((hidden[:, None] >= variables).float())
        mask = (hidden[:, None] >= hidden).float()
        self.blocks = nn.ModuleList([Block(mask, activation), Block(mask, activation)])
        self.final_layer = MaskedLinear((variables[:, None] > hidden).float())

    def forward(self, x):
        y = self.initial_layer(x)
        for block in self.blocks:
            y = block(y)
        return self.final_layer(y)


@pytest.mark.parametrize("activation", [F.relu, torch.tanh, nn.ELU()])
def test_residual_blocks_as_in_nflows(activation):
    module = ResidualMADE(6, 11, activation).double().eval()
    made = from_torch(module)
    x = bits(6)
    np.testing.assert_allclose(made.log_prob(x), bernoulli_log_prob(module, x.double()), atol=1e-12)
    drawn, log_prob = made.sample(50, seed=0, return_log_prob=True)
    np.testing.assert_allclose(log_prob, made.log_prob(drawn), rtol=1e-12)


@pytest.mark.parametrize("residual", [True, False])
def test_nflows_itself(residual):
    nflows = pytest.importorskip("nflows.transforms.made", reason="nflows is not installed")
    module = nflows.MADE(5, 16, output_multiplier=2, use_residual_blocks=residual).double()
    made = from_torch(module, head="normal")
    x = torch.randn(20, 5).double()
    with torch.no_grad():
        mean, log_sigma = module(x).unflatten(1, (5, 2)).unbind(2)
    expected = torch.distributions.Normal(mean, log_sigma.exp()).log_prob(x).sum(1)
    np.testing.assert_allclose(made.log_prob(x), expected, atol=1e-12)


def test_residual_masked_mlp_of_zuko():
    zuko = pytest.importorskip("zuko", reason="zuko is not installed")
    adjacency = torch.ones(5, 5).tril(-1).bool()
    module = zuko.nn.MaskedMLP(adjacency, (16, 16, 12), activation=nn.Tanh, residual=True).double()
    made = from_torch(module)
    x = bits(5)
    np.testing.assert_allclose(made.log_prob(x), bernoulli_log_prob(module, x.double()), atol=1e-12)
    drawn, log_prob = made.sample(50, seed=0, return_log_prob=True)
    np.testing.assert_allclose(log_prob, made.log_prob(drawn), rtol=1e-12)


# What is refused ----------------------------------------------------------------------------------------------------


def dense(n_inputs, n_outputs):
    return nn.Sequential(nn.Linear(n_inputs, 8), nn.ReLU(), nn.Linear(8, n_outputs))


class ThroughAView(nn.Module):
    """Changes its units through a view of them, which is not seen."""

    def __init__(self):
        super().__init__()
        self.net = masked_mlp([0, 1, 2])

    def forward(self, x):
        z = self.net(x)
        z.view(-1, 3).mul_(2)
        return z


def broken(weight):
    layer = nn.Linear(3, 3)
    layer.weight.data.tril_(-1)
    layer.weight.data[2, 0] = weight
    return nn.Sequential(layer)


@pytest.mark.parametrize(
    ("module", "options", "error", "message"),
    [
        (dense(3, 3), {}, ValueError, r"masks leak.*the output of variable 0 reads variable 0"),
        (dense(3, 3), {"order": [2, 1, 0]}, ValueError, r"masks leak: the output of variable 2 \(position 0"),
        (masked_mlp([0, 1, 2]), {"order": "reversed"}, ValueError, "masks leak: the output of variable 2"),
        (masked_mlp([0, 1, 2]), {"order": "random"}, ValueError, "'random' is none"),
        (masked_mlp([0, 1, 2]), {"order": [0, 1, 1]}, ValueError, "every variable"),
        (nn.Sequential(nn.Conv1d(1, 1, 3)), {}, TypeError, "a matrix of weights is needed, it has none; got .*Conv1d"),
        (nn.Sequential(masked_mlp([0, 1]), nn.Sigmoid()), {}, TypeError, "must end with a masked linear layer"),
        (nn.Sequential(), {}, TypeError, "Sequential is not supported: a matrix of weights is needed"),
        (nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 2)), {}, TypeError, "rows of 2 floats.*2x3 and 4x2"),
        (broken(weight=float("nan")), {}, ValueError, "finite"),
        (ThroughAView(), {}, ValueError, "something else than its layers"),
        (masked_mlp([0, 1, 2], outputs=2), {}, ValueError, "3 and 6: give head="),
        (masked_mlp([0, 1, 2], outputs=2), {"head": "mixture"}, ValueError, "n_vars \\* 3 outputs"),
        (masked_mlp([0, 1, 2]), {"head": "poisson"}, ValueError, "head must be one of"),
        (masked_mlp([0, 1, 2]), {"n_states": 2.5}, TypeError, "n_states must be an integer"),
        (masked_mlp([0, 1, 2]), {"n_states": 0}, ValueError, "n_states"),
        (masked_mlp([0, 1, 2]), {"head": "categorical", "n_states": 0}, ValueError, "n_states"),
        (masked_mlp([0, 1, 2]), {"n_states": 4}, ValueError, "n_vars \\* 4 inputs"),
        (masked_mlp([0, 1, 2]), {"layout": "row-major"}, ValueError, "layout must be one of"),
        (nn.Sequential(nn.Linear(2, 4)), {"head": "normal", "layout": "row-major"}, ValueError, "layout must be"),
    ],
)
def test_what_is_refused(module, options, error, message):
    with pytest.raises(error, match=message):
        from_torch(module, **options)


def test_not_a_module():
    with pytest.raises(TypeError, match="is not supported"):
        from_torch([1, 2])


def test_longer_cycles_are_named():
    layer = nn.Linear(3, 3)
    layer.weight.data = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    with pytest.raises(ValueError, match=r"variable 0 reads variable 2, .*variable 2 reads variable 1, .*1 reads"):
        from_torch(nn.Sequential(layer))


def test_both_layouts_possible_asks_for_one():
    module = masked_mlp([0, 1, 2], outputs=2).double()
    module[-1].weight.data.zero_()
    with pytest.raises(ValueError, match="give layout='variable-major'"):
        from_torch(module, head="normal")
    made = from_torch(module, head="normal", layout="parameter-major")
    normal = torch.distributions.Normal(module[-1].bias[:3], module[-1].bias[3:].exp())
    x = torch.randn(5, 3).double()
    np.testing.assert_allclose(made.log_prob(x), normal.log_prob(x).detach().sum(1), atol=1e-12)


# to_torch -----------------------------------------------------------------------------------------------------------

HEADS = [
    {"head": "bernoulli"},
    {"head": "categorical", "n_states": 3},
    {"head": "normal"},
    {"head": "mixture", "n_components": 2},
]


def small(options, **keywords):
    return MADE(4, (6, 5), order=[2, 0, 3, 1], activation="tanh", dtype=np.float64, **options, **keywords)


def rows_of(model, n=3):
    random = np.random.default_rng(0)
    size = n, model.n_vars
    return random.standard_normal(size) if model.n_states is None else random.integers(0, model.n_states, size)


def unmasked(module):
    """Indices of weights that masks leave: where gradients of random rows are not 0."""
    x = torch.from_numpy(rows_of(module.model, 200))
    module(x).sum().backward()
    return module.weights.grad.nonzero()[:, 0]


@pytest.mark.parametrize("options", HEADS)
def test_gradcheck_of_every_parameter(options):
    model = small(options)
    module = model.to_torch()
    x = torch.from_numpy(rows_of(model))
    free = unmasked(module)
    assert len(free) + 6 + 5 + 4 * model._net.head_size == model.n_parameters

    def by_free_weights(values):
        with torch.no_grad():
            module.weights[free] = values
        weights = module.weights.detach().clone().index_put((free,), values)
        return _LogProbFunction.apply(model, x, None, weights, module.biases.detach())

    assert torch.autograd.gradcheck(by_free_weights, (module.weights.detach()[free].requires_grad_(),))
    assert torch.autograd.gradcheck(
        lambda biases: _LogProbFunction.apply(model, x, None, module.weights.detach(), biases), (module.biases,)
    )


@pytest.mark.parametrize("options", HEADS[2:])
def test_gradcheck_by_real_inputs(options):
    module = small(options).to_torch()
    x = torch.from_numpy(rows_of(module.model)).requires_grad_()
    assert torch.autograd.gradcheck(module, (x,))
    (by_row,) = torch.autograd.grad(module(x[0]).sum(), x)
    assert by_row[0].abs().min() > 0 and (by_row[1:] == 0).all()


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_gradcheck_of_nade(activation):
    model = NADE(4, 5, activation=activation, order=[2, 0, 3, 1], dtype=np.float64)
    module = model.to_torch()
    with torch.no_grad():
        module.c += 0.1  # away from the corner of relu
    assert [name for name, _ in module.named_parameters()] == ["W", "V", "b", "c"]
    x = torch.from_numpy(rows_of(model))
    check = lambda *parameters: _LogProbFunction.apply(model, x, None, *parameters)  # noqa: E731
    assert torch.autograd.gradcheck(check, tuple(module.parameters()))


def test_families_without_gradients_say_so():
    with pytest.raises(TypeError, match="MarkovChain has no gradients"):
        MarkovChain(order=1).to_torch()


def test_a_model_inside_a_larger_one():
    module = small({"head": "normal"}).to_torch()
    front = nn.Linear(4, 4).double()
    x = torch.from_numpy(rows_of(module.model, 20))
    expected = torch.autograd.functional.vjp(lambda y: module(y), front(x), torch.ones(20).double())[1]
    outputs = front(x)
    outputs.retain_grad()
    module(outputs).sum().backward()
    torch.testing.assert_close(outputs.grad, expected)
    assert front.weight.grad.abs().sum() > 0 and module.biases.grad.abs().sum() > 0


@pytest.mark.parametrize("model", [FVSBN(3), NADE(3, 8)])
def test_memory_is_shared_both_ways(model):
    x = np.array([[1, 0, 1], [1, 1, 1]])
    before = model.log_prob(x)
    module, again = model.to_torch(), model.to_torch()
    np.testing.assert_array_equal(module(x).detach(), before)
    with torch.no_grad():
        list(module.parameters())[-1].add_(0.5)
    assert (model.log_prob(x) != before).all()
    np.testing.assert_array_equal(module(x).detach(), model.log_prob(x))
    np.testing.assert_array_equal(again(x).detach(), model.log_prob(x))
    parameters = [parameter.detach().clone() for parameter in module.parameters()]
    model.fit(x.repeat(50, axis=0), epochs=2, progress=False)
    assert not any(torch.equal(*pair) for pair in zip(module.parameters(), parameters, strict=True))
    np.testing.assert_array_equal(module(x).detach(), model.log_prob(x))


@pytest.mark.parametrize("optimizer, rate", [(torch.optim.SGD, 1.0), (torch.optim.AdamW, 0.1)])
def test_any_optimizer_trains_the_model(optimizer, rate):
    model = MADE(3, (8,), seed=0)
    module = model.to_torch()
    x = torch.randint(0, 2, (200, 1)).repeat(1, 3)
    steps = optimizer(module.parameters(), lr=rate)
    for _ in range(60):
        steps.zero_grad()
        (-module(x).mean()).backward()
        steps.step()
    assert model.log_prob(x).mean() > -1.0
    every = np.array(list(itertools.product((0, 1), repeat=3)))
    assert np.exp(model.log_prob(every)).sum() == pytest.approx(1, abs=1e-5)


def test_samples_are_the_model_s_as_tensors():
    module = small({"head": "bernoulli"}).to_torch()
    drawn = module.sample(5, seed=1)
    assert isinstance(drawn, torch.Tensor)
    np.testing.assert_array_equal(drawn, module.model.sample(5, seed=1))


def test_copies_share_memory_with_copies():
    module = small({"head": "bernoulli"}).to_torch()
    x = rows_of(module.model)
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        before = module(x)
        with torch.no_grad():
            twin.biases += 1.0
        np.testing.assert_array_equal(module(x).detach(), before.detach())
        np.testing.assert_array_equal(twin(x).detach(), twin.model.log_prob(x))


def test_moving_the_module_is_refused():
    module = MADE(3, (8,)).to_torch()
    assert module.float().cpu() is module
    with pytest.raises(TypeError, match="shares memory with its MADE: it stays on the CPU"):
        module.double()
    assert module.weights.dtype == torch.float32


def test_moving_into_memory_of_other_processes_is_refused():
    model, x = MADE(3, (8,)), bits(3)
    module = model.to_torch()
    for whole in (module, torch.nn.Sequential(module)):
        with pytest.raises(TypeError, match="shares memory with its MADE"):
            whole.share_memory()
    with torch.no_grad():
        module.biases += 1.0
    np.testing.assert_array_equal(module(x).detach(), model.log_prob(x))


def test_changes_between_forward_and_backward_are_noticed():
    module = MADE(3, (8,)).to_torch()
    loss = module(bits(3)).sum()
    with torch.no_grad():
        module.weights += 0.0
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_data_is_checked_as_log_prob_checks_it():
    module = MADE(3, (8,)).to_torch()
    with pytest.raises(ValueError, match="codes from 0 to 1"):
        module(torch.tensor([[0, 1, 2]]))
    with pytest.raises(ValueError, match="shape"):
        module(torch.zeros(2, 4))
    assert module(torch.zeros(0, 3)).shape == (0,)


def test_memory_is_of_the_order_of_the_weights():
    def module_of(n_states):
        module = nn.Sequential(nn.Linear(n_states, 1), nn.ReLU(), nn.Linear(1, n_states))
        module[0].weight.data.zero_()
        return module

    from_torch(module_of(3), n_states=3)  # loads the kernels, which need memory too
    n_states = 4000
    module = module_of(n_states)
    tracemalloc.start()
    made = from_torch(module, n_states=n_states)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.n_states == n_states and peak < n_states**2  # bytes


def test_sizes_are_checked_before_memory_is_taken(monkeypatch):
    monkeypatch.setattr("fastdgm.runtime.memory.SMALL", 0)
    monkeypatch.setattr("fastdgm.runtime.memory.available_memory", lambda: 100)
    with pytest.raises(ValueError, match="zeros of the module's weights needs"):
        from_torch(masked_mlp([0, 1, 2]))
