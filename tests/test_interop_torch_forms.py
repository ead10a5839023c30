"""The forms in which people write masked networks in torch: the same numbers, or refused with the reason."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fastdgm.interop.torch import from_torch

torch = pytest.importorskip("torch", reason="torch is not installed")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torch.nn.utils import parametrizations, prune  # noqa: E402

N_VARS = 5
ORDER = [2, 0, 4, 1, 3]


def masks(hidden):
    """Masks (units, sources) of a MADE in ORDER."""
    position = np.argsort(ORDER)
    random = np.random.default_rng(3)
    degrees = [position, *(random.integers(0, N_VARS - 1, width) for width in hidden)]
    found = [after[:, None] >= before for before, after in itertools.pairwise(degrees)]
    return [torch.tensor(mask).float() for mask in (*found, position[:, None] > degrees[-1])]


class Named(nn.Linear):
    """``mask`` is a buffer; others change what it is called, what type it has, how it lies and how it is applied."""

    name = "mask"

    def __init__(self, mask):
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer(self.name, self.kept(mask))

    def kept(self, mask):
        return mask

    def forward(self, x):
        return F.linear(x, self.weight * getattr(self, self.name), self.bias)


class OtherName(Named):
    name = "connections"


class Booleans(Named):
    def kept(self, mask):
        return mask.bool()


class Transposed(Named):
    def kept(self, mask):
        return mask.T.contiguous()

    def forward(self, x):
        return x @ (self.weight.T * self.mask) + self.bias


class Where(Named):
    def forward(self, x):
        return F.linear(x, torch.where(self.mask > 0, self.weight, torch.zeros((), dtype=x.dtype)), self.bias)


class InPlace(Named):
    def forward(self, x):
        self.weight.data *= self.mask
        return super().forward(x)


class Attribute(nn.Linear):
    def __init__(self, mask):
        super().__init__(mask.shape[1], mask.shape[0], bias=False)
        self.keep = mask.bool()

    def forward(self, x):
        return F.linear(x, self.weight.masked_fill(~self.keep, 0))


class Frozen(nn.Linear):
    def __init__(self, mask):
        super().__init__(mask.shape[1], mask.shape[0])
        self.m = nn.Parameter(mask, requires_grad=False)

    def forward(self, x):
        return F.linear(x, self.weight * self.m, self.bias)


class Around(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.linear = nn.Linear(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.linear(x, self.linear.weight * self.mask, self.linear.bias)


class Own(nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.W, self.b = nn.Parameter(0.3 * torch.randn(mask.shape)), nn.Parameter(torch.randn(len(mask)))
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.linear(x, self.W * self.mask, self.b)


class Columns(nn.Module):
    """Weights lie as (sources, units)."""

    def __init__(self, mask):
        super().__init__()
        self.W, self.b = nn.Parameter(0.3 * torch.randn(mask.T.shape)), nn.Parameter(torch.randn(len(mask)))
        self.register_buffer("mask", mask.T.contiguous())

    def forward(self, x):
        return x @ (self.W * self.mask) + self.b


LAYERS = [
    Named, OtherName, Booleans, Transposed, Where, InPlace, Attribute, Frozen, Around, Own, Columns
]  # fmt: skip


def network(layer, hidden=(12,)):
    parts = []
    for mask in masks(hidden):
        parts += [layer(mask), nn.ReLU()]
    return nn.Sequential(*parts[:-1])


def assert_same(module, **options):
    x = torch.randint(0, 2, (40, N_VARS)).double()
    made = from_torch(module.double(), **options)
    with torch.no_grad():
        expected = -F.binary_cross_entropy_with_logits(module(x), x, reduction="none").sum(1)
    np.testing.assert_allclose(made.log_prob(x), expected, atol=1e-12)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("hidden", [(12,), (12, 12), (N_VARS, N_VARS)], ids=str)
@pytest.mark.parametrize("layer", LAYERS)
def test_every_way_to_keep_a_mask(layer, hidden):
    assert_same(network(layer, hidden))


def test_pruned_and_parametrised_layers():
    pruned = nn.Linear(N_VARS, N_VARS).double()
    prune.custom_from_mask(pruned, "weight", torch.ones(N_VARS, N_VARS).tril(-1))
    assert_same(nn.Sequential(pruned))
    normed = network(Named)
    normed[0] = parametrizations.weight_norm(normed[0])
    assert_same(normed)


def test_a_mask_that_is_not_applied_is_not_applied_here():
    class Idle(nn.Linear):
        def forward(self, x):
            return F.linear(x, self.weight, self.bias)

    layer = Idle(3, 3)
    layer.weight.data.tril_(-1)
    layer.register_buffer("keep", torch.zeros(3, 3))
    made = from_torch(nn.Sequential(layer).double())
    x = torch.ones(1, 3).double()
    with torch.no_grad():
        expected = -F.binary_cross_entropy_with_logits(layer(x), x, reduction="none").sum(1)
    np.testing.assert_allclose(made.log_prob(x), expected)


# --- what a forward method does beside its layers ---


class Direct(nn.Module):
    """Every output also reads the inputs, as in the paper on MADE."""

    def __init__(self):
        super().__init__()
        self.net = network(Named)
        position = torch.tensor(np.argsort(ORDER))
        self.direct = Named((position[:, None] > position).float())

    def forward(self, x):
        return self.net(x) + self.direct(x)


class Attributes(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = (Named(mask) for mask in masks((12, 9)))

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.gelu(self.fc1(x)))))


class InAList(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([Named(mask) for mask in masks((12, 9))])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = F.silu(layer(x))
        return self.layers[-1](x)


class Normalised(nn.Module):
    """Batch normalisation before and after an activation, with statistics of its own."""

    def __init__(self, **options):
        super().__init__()
        first, last = (Named(mask) for mask in masks((12,)))
        self.net = nn.Sequential(
            first, nn.BatchNorm1d(12, **options), nn.ReLU(), nn.BatchNorm1d(12, affine=False), last
        )
        if self.net[1].running_mean is not None:
            self.net(torch.randn(50, N_VARS))
        self.eval()

    def forward(self, x):
        return self.net(x)


class Joined(nn.Module):
    """The last layer reads inputs and hidden units together, in two halves, and the input of a constant."""

    def __init__(self):
        super().__init__()
        position = torch.tensor(np.argsort(ORDER))
        first, last = masks((12,))
        self.first, self.last = Named(first), Named(torch.cat([(position[:, None] > position).float(), last], 1))
        self.shift = nn.Parameter(torch.randn(1, 12))

    def forward(self, x):
        hidden = torch.tanh(self.first(x) - self.shift)
        low, high = torch.cat([torch.ones_like(x), x, -hidden / 3], dim=1)[:, N_VARS:].split([9, 8], dim=1)
        return self.last(torch.cat((low, high), 1))


FORWARDS = {
    "direct connections": Direct,
    "attributes": Attributes,
    "list": InAList,
    "batch normalisation": Normalised,
    "joined": Joined,
    "rescaled": lambda: with_forward(lambda self, x: self.net(2 * x - 1)),
    "one minus": lambda: with_forward(lambda self, x: self.net(1 - x)),
    "shift and scale of outputs": lambda: with_forward(lambda self, x: self.net(x) / 2 + torch.arange(5)),
    "activation of inputs": lambda: with_forward(lambda self, x: self.net(torch.tanh(x))),
    "in place": lambda: with_forward(lambda self, x: self.net(x.clone().mul_(2).sub_(1))),
    "twice": lambda: with_forward(lambda self, x: self.net(x) + self.net(1 - x)),
    "three times": lambda: with_forward(lambda self, x: self.net(x) - self.net(x + x) + self.net(-x)),
    "images": lambda: with_forward(lambda self, x: self.net(x.unsqueeze(1).flatten(1)).view(len(x), 1, 1, N_VARS)),
    "a column more": lambda: with_forward(lambda self, x: self.net(torch.cat([x, torch.ones(len(x), 1)], 1)[:, :5])),
}


@pytest.mark.parametrize("name", FORWARDS)
def test_what_forward_does_beside_its_layers(name):
    module = FORWARDS[name]().double().eval()
    x = torch.randint(0, 2, (40, N_VARS)).double()
    made = from_torch(module)
    with torch.no_grad():
        expected = -F.binary_cross_entropy_with_logits(module(x).view(x.shape), x, reduction="none").sum(1)
    np.testing.assert_allclose(made.log_prob(x), expected, atol=1e-12)
    drawn, log_prob = made.sample(20, seed=0, return_log_prob=True)
    np.testing.assert_allclose(log_prob, made.log_prob(drawn), atol=1e-12)


def test_a_known_context_is_a_constant():
    """Of a network for p(x | context) the forward of a wrapper passes the context."""

    class Given(nn.Module):
        def __init__(self, context):
            super().__init__()
            first, last = masks((12,))
            self.net = nn.Sequential(Named(torch.cat([torch.ones(12, 3), first], 1)), nn.ReLU(), Named(last))
            self.context = context

        def forward(self, x):
            return self.net(torch.cat([self.context.to(x).expand(len(x), 3), x], dim=1))

    module = Given(torch.tensor([0.5, -1.0, 2.0]))
    assert_same(module)


@pytest.mark.parametrize(
    ("n_inputs", "n_outputs", "options", "is_context"),
    [
        (6, 4, {}, True),
        (6, 8, {"head": "normal"}, True),
        (14, 12, {"n_states": 3}, True),
        (4, 8, {}, False),
        (4, 12, {"n_states": 3}, False),
    ],
)
def test_more_inputs_than_outputs_may_be_context(n_inputs, n_outputs, options, is_context):
    with pytest.raises(ValueError, match=f"the module has {n_inputs} and {n_outputs}: give head=") as caught:
        from_torch(nn.Linear(n_inputs, n_outputs), **options)
    assert ("context go in by a wrapper, whose forward passes them as a constant" in str(caught.value)) == is_context


class PerVariable(nn.Module):
    """One layer for each variable, of the variables before it."""

    def __init__(self, n_vars=N_VARS, n_states=1):
        super().__init__()
        self.n_states = n_states
        self.layers = nn.ModuleList([nn.Linear(max(1, d * n_states), n_states) for d in range(n_vars)])

    def forward(self, x):
        first = torch.zeros_like(x[:, :1])
        before = [first, *(x[:, : d * self.n_states] for d in range(1, len(self.layers)))]
        return torch.cat([layer(own) for layer, own in zip(self.layers, before, strict=True)], dim=1)


def test_a_module_without_a_matrix_as_wide_as_its_inputs():
    module = PerVariable()
    with pytest.raises(ValueError, match="the module has 4 and 5: give head= and n_states=, or n_vars="):
        from_torch(module)
    assert_same(module, n_vars=N_VARS)
    with pytest.raises(TypeError, match=r"rows of 3 floats, as n_vars= says: a copy of it raised RuntimeError"):
        from_torch(module, n_vars=3)
    with pytest.raises(ValueError, match="n_vars must be at least 1, got 0"):
        from_torch(module, n_vars=0)
    wide = PerVariable(12)
    with pytest.raises(TypeError, match=r"rows of 1 floats \(or 2, 3, 4, 5, 6, 7, 8; n_vars= says how many variables"):
        from_torch(wide)
    assert from_torch(wide, n_vars=12).n_vars == 12


def test_n_vars_of_one_hot_rows():
    module = PerVariable(4, 3).double()
    made = from_torch(module, n_states=3, n_vars=4)
    codes = torch.randint(0, 3, (20, 4))
    with torch.no_grad():
        log_p = torch.log_softmax(module(F.one_hot(codes, 3).flatten(1).double()).view(20, 4, 3), dim=2)
    np.testing.assert_allclose(made.log_prob(codes), log_p.gather(2, codes[..., None]).sum((1, 2)), atol=1e-12)


def test_sums_of_wide_residual_blocks_become_layers_once():
    class Blocks(nn.Module):
        def __init__(self):
            super().__init__()
            mask = torch.ones(8, 8).tril()
            self.first, self.last = Named(torch.ones(8, N_VARS).tril()), Named(torch.ones(N_VARS, 8).tril(-1))
            self.inner = nn.ModuleList([Named(mask) for _ in range(4)])

        def forward(self, x):
            h = self.first(x)
            for one, two in zip(self.inner[::2], self.inner[1::2], strict=True):
                h = h + two(F.relu(one(F.relu(h))))
            return self.last(h)

    module = Blocks()
    assert_same(module)
    made = from_torch(module)
    assert made.hidden == (8,) * 7  # first, then relu, one and two of each block


def test_a_residual_that_knows_less_than_its_sum():
    """Unit 0 of y knows variable 1, unit 0 of h, which y adds and output 1 reads, does not."""

    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Named(torch.eye(3))
            self.second = Named(torch.tensor([[0.0, 1, 0], [0, 0, 0], [0, 0, 0]]))
            self.last = Named(torch.tensor([[0.0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0]]))

        def forward(self, x):
            h = self.first(x)
            return self.last(torch.cat([h, F.relu(h + self.second(F.relu(h)))], dim=1))

    module = Skip().double()
    x = torch.randint(0, 2, (20, 3)).double()
    with torch.no_grad():
        expected = -F.binary_cross_entropy_with_logits(module(x), x, reduction="none").sum(1)
    made = from_torch(module)
    np.testing.assert_allclose(made.log_prob(x), expected, atol=1e-12)
    drawn, log_prob = made.sample(20, seed=0, return_log_prob=True)
    np.testing.assert_allclose(log_prob, made.log_prob(drawn), atol=1e-12)


def test_a_module_that_insists_on_float32():
    def asserts(self, x):
        assert x.dtype == torch.float32
        return self.net(x)

    module, x = with_forward(asserts), torch.randint(0, 2, (40, N_VARS))
    with torch.no_grad():
        expected = -F.binary_cross_entropy_with_logits(module(x.float()), x.float(), reduction="none").sum(1)
    np.testing.assert_allclose(from_torch(module).log_prob(x), expected, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "compiled", [torch.jit.script, lambda part: torch.jit.trace(part, torch.zeros(2, N_VARS).double())]
)
@pytest.mark.parametrize("wrap", [lambda part: part, nn.Sequential])
def test_scripts(compiled, wrap):
    first, last = (nn.Linear(mask.shape[1], len(mask)) for mask in masks((12,)))
    for layer, mask in zip((first, last), masks((12,)), strict=True):
        layer.weight.data *= mask
    assert_same(wrap(compiled(nn.Sequential(first, nn.ReLU(), last).double())))
    with pytest.raises(TypeError, match=r"is not supported: its forward, .* raised RuntimeError") as caught:
        from_torch(wrap(compiled(nn.Sequential(first, nn.LayerNorm(12), last).double())))
    assert len(str(caught.value)) < 700


# --- what is refused, and why ---


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = network(Named)

    def forward(self, x):
        return self.net(x)


def with_forward(function):
    class Changed(Net):
        def forward(self, x):
            return function(self, x)

    return Changed()


def fails(self, x):
    raise RuntimeError("no such thing")


class ToNumPy(nn.Linear):
    def __init__(self):
        super().__init__(5, 5)

    def forward(self, x):
        return super().forward(torch.from_numpy(x.numpy()))


def by_the_batch():
    return Normalised(track_running_stats=False)


REFUSED = [
    (by_the_batch(), TypeError, "BatchNorm1d is not supported: batch normalisation without running statistics"),
    (with_forward(lambda self, x: (self.net(x), x)), TypeError, "forward of Changed must give one tensor.*got tuple"),
    (with_forward(lambda self, x: {"z": self.net(x)}), TypeError, "forward of Changed must give one tensor.*got dict"),
    (with_forward(lambda self, x: None), TypeError, "must give one tensor of outputs, got NoneType"),
    (with_forward(lambda self, x: self.net(x).numpy()), TypeError, "must give one tensor of outputs, got ndarray"),
    (with_forward(lambda self, x: self.net(x).T), TypeError, "Changed .* moves numbers from one row to another"),
    (with_forward(lambda self, x: self.net(x) + x.flip(0)), TypeError, "moves numbers from one row to another"),
    (with_forward(lambda self, x: self.net(x)[:, :3]), ValueError, "the module has 5 and 3"),
    (with_forward(fails), TypeError, "Changed must take rows of 5 floats.*raised RuntimeError: no such thing"),
    (with_forward(lambda self, x, y: self.net(x)), TypeError, "Changed must take rows of 5 floats.*raised TypeError"),
    (with_forward(lambda self, x: torch.sigmoid(self.net(x))), TypeError, "leave out the sigmoid that comes after"),
    (with_forward(lambda self, x: self.net(x).softmax(1)), TypeError, "Changed is not supported: its forward calls"),
    (with_forward(lambda self, x: self.net(x) * x), TypeError, "multiplies two of its values"),
    (with_forward(lambda self, x: self.net(x) / x), TypeError, "multiplies two of its values, or divides by one"),
    (with_forward(lambda self, x: self.net(x.long().double())), TypeError, r"turns its values into torch\.int64"),
    (with_forward(lambda self, x: torch.zeros(2, 5)), TypeError, "outputs of Changed must depend on its inputs"),
    (with_forward(lambda self, x: self.net(x) + torch.randn(len(x), 5)), TypeError, "constants that differ between"),
    (with_forward(lambda self, x: self.net(x) if x.sum() > 0 else x), TypeError, "Changed is not supported: .* sum"),
    (lambda x: x, TypeError, r"function is not supported, a torch\.nn\.Module is needed"),
    (Net().state_dict(), TypeError, "OrderedDict is not supported, .* load it into its module"),
    (Net, TypeError, "type is not supported"),
    (None, TypeError, "NoneType is not supported"),
    (nn.Sequential(nn.Embedding(5, 5)), TypeError, "raised RuntimeError: .*embedding"),
    (nn.Sequential(nn.Bilinear(5, 5, 5)), TypeError, "a matrix of weights is needed, it has none; got .*Bilinear"),
    (nn.Sequential(nn.Linear(5, 5), nn.LayerNorm(5)), TypeError, "LayerNorm is not supported: its forward calls"),
    (nn.GRU(5, 5), TypeError, "forward of GRU must give one tensor.*got tuple"),
    (
        nn.Sequential(ToNumPy()),
        TypeError,
        r"ToNumPy is not supported: its forward, .* raised RuntimeError: \.numpy\(\)",
    ),
    (
        with_forward(lambda self, x: self.net(torch.tensor(x.tolist()))),
        TypeError,
        "Changed is not .*: .tolist.. is not",
    ),
]


@pytest.mark.parametrize(("module", "error", "message"), REFUSED)
def test_what_is_refused_and_why(module, error, message):
    with pytest.raises(error, match=message) as caught:
        from_torch(module)
    assert len(str(caught.value)) < 700


def test_outputs_of_another_shape_but_in_the_same_order():
    assert_same(Net())
    images = with_forward(lambda self, x: self.net(x).view(len(x), 1, N_VARS)).double()
    assert from_torch(images).n_vars == N_VARS


@pytest.mark.parametrize("layer", LAYERS)
def test_weights_that_are_not_finite(layer):
    module = network(layer)
    next(p for p in module.parameters() if p.requires_grad).data[0, 0] = float("nan")
    with pytest.raises(ValueError, match="must be finite"):
        from_torch(module)


class Scored(Net):
    """A module with a density of its own."""

    def log_prob(self, x):
        return -F.binary_cross_entropy_with_logits(self.net(x), x, reduction="none").sum(1)


def test_a_log_prob_of_the_module_s_own_must_be_ours():
    assert_same(Scored())

    class Spins(Scored):
        def log_prob(self, x):
            return super().log_prob((x + 1) / 2)

    with pytest.raises(TypeError, match="Spins has a log_prob of its own that reads its outputs otherwise"):
        from_torch(Spins())
    Spins.log_prob = lambda self, x: self.net(x)
    with pytest.raises(TypeError, match="the log_prob of Spins must give one number for each row"):
        from_torch(Spins())


class Bounded(nn.ReLU):
    """As ReLU6: what it bounds, random rows do not reach."""

    def forward(self, x):
        return super().forward(x).clamp(max=1e9)


@pytest.mark.parametrize("activation", [Bounded(), nn.ReLU6(), nn.Softplus(threshold=19)])
def test_activations_that_are_ours_only_in_a_range_are_refused(activation):
    first, last = network(LAYERS[0])[0], network(LAYERS[0])[-1]
    assert_same(nn.Sequential(first, nn.Softplus(threshold=20), last))
    with pytest.raises(TypeError, match=f"{type(activation).__name__} is not supported"):
        from_torch(nn.Sequential(first, activation, last))


@pytest.mark.parametrize("bound", [3.0, 8.0])
def test_parameters_of_densities_that_are_clamped_are_refused(bound):
    class Clamped(nn.Module):
        def __init__(self, bound):
            super().__init__()
            self.bound = bound
            self.net = nn.Linear(4, 8)
            self.net.weight.data *= torch.ones(8, 4).tril(-1)[torch.arange(8) // 2]

        def forward(self, x):
            return self.net(x).clamp(-self.bound, self.bound) if self.bound < torch.inf else self.net(x)

    module = Clamped(torch.inf)
    assert from_torch(module, head="normal", layout="variable-major").head == "normal"
    module.bound = bound
    with pytest.raises(TypeError, match="Clamped is not supported: its forward calls clamp"):
        from_torch(module, head="normal", layout="variable-major")


# --- nflows ---


def test_nets_of_nflows():
    made = pytest.importorskip("nflows.nn.nde.made", reason="nflows is not installed")
    transforms = pytest.importorskip("nflows.transforms", reason="nflows is not installed")
    for residual in (True, False):
        assert_same(made.MADE(N_VARS, 16, use_residual_blocks=residual))
    with pytest.raises(TypeError, match="MaskedAffineAutoregressiveTransform must give one tensor"):
        from_torch(transforms.MaskedAffineAutoregressiveTransform(N_VARS, 16), head="normal")
    with pytest.raises(TypeError, match="MixtureOfGaussiansMADE has a log_prob of its own"):
        from_torch(made.MixtureOfGaussiansMADE(4, 16, num_mixture_components=3), head="mixture")
    with pytest.raises(TypeError, match="MADE is not supported: it has a context, which it must be given"):
        from_torch(made.MADE(N_VARS, 16, context_features=2))
