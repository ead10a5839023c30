"""Any causal torch module as a model: the check of causality, likelihood, sampling against brute force, and fit."""

from __future__ import annotations

import itertools
import pickle
import warnings

import numpy as np
import pytest

import fastdgm as fd
from fastdgm.autoregressive.module import Autoregressive

torch = pytest.importorskip("torch", reason="torch is not installed")
from torch import nn  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:sampling runs the whole module:UserWarning")


class Masked(nn.Module):
    """One-hot inputs, one masked hidden layer, K logits per position; ``leak`` = (output, input) opens one path."""

    def __init__(self, n_vars, n_states, leak=None, binary=False, seed=0, scale=1.0, dtype=torch.float64):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.n_vars, self.n_states, self.binary = n_vars, n_states, binary
        weight = scale * torch.randn(n_vars, n_vars, n_states, n_states, generator=generator, dtype=dtype)
        mask = torch.tril(torch.ones(n_vars, n_vars, dtype=dtype), -1)
        if leak is not None:
            mask[leak] = 1.0
        self.weight = nn.Parameter(weight * mask[..., None, None])
        self.register_buffer("mask", mask)
        self.bias = nn.Parameter(scale * torch.randn(n_vars, n_states, generator=generator, dtype=dtype))

    def forward(self, codes):
        one_hot = nn.functional.one_hot(codes, self.n_states).to(self.weight.dtype)
        weight = self.weight * self.mask[..., None, None]
        logits = torch.einsum("bjk,djlk->bdl", one_hot, weight) + self.bias
        return logits[..., 1] - logits[..., 0] if self.binary else logits


class Stepping(Masked):
    """The same, one position at a time; counts its calls."""

    calls = 0
    off = 0.0

    def forward(self, codes):
        self.calls += 1
        return super().forward(codes)

    def init_state(self, n):
        return self.bias.repeat(n, 1, 1), 0

    def step(self, state, previous):
        logits, position = state
        if previous is not None:
            own = (self.weight * self.mask[..., None, None])[:, position - 1]  # (d, l, k)
            logits = logits + own[:, :, previous].permute(2, 0, 1)
        own = logits[:, position] + self.off
        return (own[:, 1] - own[:, 0] if self.binary else own), (logits, position + 1)


def all_rows(n_vars, n_states):
    return np.array(list(itertools.product(range(n_states), repeat=n_vars)))


MODELS = [
    (6, 2, False, Masked),
    (6, 2, True, Masked),
    (4, 3, False, Masked),
    (4, 3, False, Stepping),
    (6, 2, True, Stepping),
]


@pytest.fixture(params=MODELS, ids=str)
def model(request):
    n_vars, n_states, binary, kind = request.param
    return Autoregressive(kind(n_vars, n_states, binary=binary), n_vars, n_states)


# --- construction ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("output", "position"), [(3, 5), (0, 0), (7, 7), (2, 3), (0, 7)])
def test_the_first_leak_is_named(output, position):
    with pytest.raises(ValueError, match=f"output {output} changes when input {position} does"):
        Autoregressive(Masked(8, 3, leak=(output, position)), 8, 3)


def test_small_leaks_and_float32():
    module = Masked(40, 2, leak=(20, 30), scale=0.01, dtype=torch.float32)
    with pytest.raises(ValueError, match="output 20 changes when input 30 does"):
        Autoregressive(module, 40, 2)
    Autoregressive(Masked(40, 2, scale=3.0, dtype=torch.float32), 40, 2)


class Shift(nn.Module):
    """Output d is a table of input d - 1: cheap for many variables."""

    def __init__(self, n_states=2, by=1):
        super().__init__()
        self.table = nn.Parameter(torch.linspace(-1, 1, n_states * n_states).reshape(n_states, n_states))
        self.by = by

    def forward(self, codes):
        return torch.roll(self.table[codes], self.by, dims=1) * (torch.arange(codes.shape[1]) > 0)[:, None]


def test_many_variables_are_checked_in_part():
    assert Autoregressive(Shift(), 5000, 2).n_vars == 5000
    with pytest.raises(ValueError, match="the module is not causal"):
        Autoregressive(Shift(by=0), 5000, 2)


def test_transformers():
    class Transformer(nn.Module):
        def __init__(self, causal=True, batch_first=True):
            super().__init__()
            self.start = nn.Parameter(torch.randn(1, 1, 16))
            self.embed = nn.Embedding(5, 16)
            self.place = nn.Parameter(torch.randn(12, 16))
            self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.5, batch_first=batch_first)
            self.head = nn.Linear(16, 5)
            self.causal = causal

        def forward(self, codes):
            own = self.embed(codes[:, :-1])
            h = torch.cat([self.start.expand(len(codes), 1, 16), own], dim=1) + self.place
            length = h.shape[1 if self.layer.self_attn.batch_first else 0]
            mask = torch.triu(torch.full((length, length), -torch.inf), 1) if self.causal else None
            return self.head(self.layer(h, src_mask=mask))

    torch.manual_seed(0)
    model = Autoregressive(Transformer(), 12, 5)
    x, log_prob = model.sample(20, seed=1, return_log_prob=True)
    assert log_prob == pytest.approx(model.log_prob(x), rel=1e-5)
    with pytest.raises(ValueError, match="output 0 changes when input 0 does"):
        Autoregressive(Transformer(causal=False), 12, 5)
    with pytest.raises(ValueError, match="depend on that row alone"):
        Autoregressive(Transformer(batch_first=False), 12, 5)


class Odd(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, codes):
        return self.function(codes)


@pytest.mark.parametrize(
    ("function", "error", "match"),
    [
        (lambda x: torch.zeros(len(x), 4, 5), ValueError, r"logits of shape \(2, 4, 3\), got \(2, 4, 5\)"),
        (lambda x: torch.zeros(len(x), 4), ValueError, r"logits of shape \(2, 4, 3\), got \(2, 4\)"),
        (lambda x: torch.zeros(len(x), 4, 3, dtype=torch.long), TypeError, "a tensor of floats, got torch.int64"),
        (lambda x: x.numpy(), TypeError, "a tensor of floats, got ndarray"),
        (
            lambda x: torch.full((len(x), 4, 3), torch.nan),
            ValueError,
            "finite or -inf, got .nan nan nan. at position 0",
        ),
        (lambda x: torch.full((len(x), 4, 3), torch.inf), ValueError, "finite or -inf, got .inf inf inf."),
        (lambda x: torch.randn(len(x), 4, 3), ValueError, "random in eval mode"),
        (lambda x: x @ torch.zeros(9, 9), ValueError, r"codes of shape \(2, 4\), it raised: "),
    ],
)
def test_modules_that_are_none(function, error, match):
    with pytest.raises(error, match=match):
        Autoregressive(Odd(function), 4, 3)


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module, got function"):
        Autoregressive(lambda x: x, 4, 3)
    with pytest.raises(ValueError, match="n_vars must be at least 1"):
        Autoregressive(Masked(4, 3), 0, 3)
    with pytest.raises(ValueError, match="n_states must be between 1 and 65535, got 0"):
        Autoregressive(Masked(4, 3), 4, 0)
    with pytest.raises(TypeError, match="n_states must be an integer"):
        Autoregressive(Masked(4, 3), 4, 3.0)


def test_steps_that_disagree_are_refused():
    module = Stepping(4, 3)
    module.off = torch.tensor([0.0, 0.1, 0.0])
    with pytest.raises(ValueError, match=r"step\(\) must give the logits .* at position 0"):
        Autoregressive(module, 4, 3)


def test_every_part_keeps_its_mode():
    module = nn.Sequential(Masked(4, 3), nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)))
    module.train()
    module[2].eval()
    modes = [part.training for part in module.modules()]
    model = Autoregressive(module, 4, 3)
    model.log_prob(model.sample(5, seed=0))
    assert [part.training for part in module.modules()] == modes
    with pytest.raises(ValueError, match="not causal"):
        Autoregressive(nn.Sequential(Masked(4, 3, leak=(1, 1)), nn.Dropout()), 4, 3)


# --- likelihood --------------------------------------------------------------------------------------------


def test_probabilities_sum_to_one(model):
    rows = all_rows(model.n_vars, model.n_states)
    log_prob = model.log_prob(rows)
    assert log_prob.dtype == np.float64
    assert np.exp(log_prob).sum() == pytest.approx(1.0, abs=1e-12)
    assert model.log_prob(rows, per_variable=True).sum(axis=1) == pytest.approx(log_prob, rel=1e-12)


def test_tensors_in_tensors_out(model):
    rows = all_rows(model.n_vars, model.n_states)
    result = model.log_prob(torch.from_numpy(rows))
    assert isinstance(result, torch.Tensor)
    assert np.array_equal(result.numpy(), model.log_prob(rows))


def test_bad_rows_and_late_nan(model):
    with pytest.raises(ValueError, match="must have shape"):
        model.log_prob(np.zeros((2, model.n_vars + 1), int))
    with pytest.raises(ValueError, match="must hold codes"):
        model.log_prob(np.full((2, model.n_vars), model.n_states))
    with torch.no_grad():
        model.module.bias[2, 1] = torch.nan
    with pytest.raises(ValueError, match="gives NaN for row 0, variable 2"):
        model.log_prob(np.zeros((2, model.n_vars), int))
    with pytest.raises(ValueError, match="at position 2: they must be finite or -inf"):
        model.sample(3, seed=0)


# --- sampling ----------------------------------------------------------------------------------------------


def test_frequencies(model):
    n = 20_000
    x, log_prob = model.sample(n, seed=3, return_log_prob=True)
    assert log_prob == pytest.approx(model.log_prob(x), rel=1e-12)
    rows = all_rows(model.n_vars, model.n_states)
    expected = n * np.exp(model.log_prob(rows))
    counts = np.bincount(x @ model.n_states ** np.arange(model.n_vars)[::-1], minlength=len(rows))
    often = expected >= 5
    chi_square = ((counts - expected)[often] ** 2 / expected[often]).sum()
    assert abs(chi_square - often.sum()) < 5 * np.sqrt(2 * often.sum())


def test_uniforms_invert_the_distribution_functions(model):
    rng = np.random.default_rng(0)
    uniforms = rng.random((30, model.n_vars))
    x = model.sample(30, uniforms=uniforms)
    rows = np.zeros_like(x)
    for d in range(model.n_vars):
        p = np.stack([np.exp(term(model, rows, d, k)) for k in range(model.n_states)], axis=1)
        if model._binary:
            rows[:, d] = uniforms[:, d] < p[:, 1]
        else:
            rows[:, d] = (np.cumsum(p, axis=1) <= uniforms[:, [d]]).sum(axis=1)
    assert np.array_equal(x, rows)


def term(model, rows, d, state):
    changed = rows.copy()
    changed[:, d] = state
    return model.log_prob(changed, per_variable=True)[:, d]


def test_rows_depend_on_seed_and_number_alone(model, monkeypatch):
    x = model.sample(50, seed=7)
    assert np.array_equal(x[20:], model.sample(30, seed=7, start=20))
    assert np.array_equal(x, np.concatenate(list(model.iter_samples(50, 7, seed=7))))
    monkeypatch.setattr("fastdgm.engines.torch.outputs.MOST_ROWS", 7)
    assert np.array_equal(x, model.sample(50, seed=7))
    assert not np.array_equal(x, model.sample(50, seed=8))
    assert len(model.sample(0, seed=1)) == 0


def test_steps_and_whole_passes_give_the_same_rows():
    whole, stepping = (Autoregressive(kind(8, 4, seed=5), 8, 4) for kind in (Masked, Stepping))
    calls = stepping.module.calls
    for options in ({"n": 40}, {"prefix": whole.sample(9, seed=0)[:, :5], "n_per_row": 3}, {"n": 40, "top_p": 0.8}):
        a, b = (m.sample(**options, seed=2, return_log_prob=True) for m in (whole, stepping))
        assert np.array_equal(a[0], b[0])
        for own, other in zip(a[1:], b[1:], strict=True):
            assert own == pytest.approx(other, rel=1e-12, abs=1e-12)
    assert stepping.module.calls == calls


@pytest.mark.parametrize("length", [0, 2, "all"])
def test_prefixes(model, monkeypatch, length):
    monkeypatch.setattr("fastdgm.engines.torch.outputs.MOST_ROWS", 5)
    k = model.n_vars if length == "all" else length
    prefix = model.sample(4, seed=0)[:, :k]
    x, log_prob = model.sample(prefix=prefix, n_per_row=3, seed=1, return_log_prob=True)
    assert x.shape == (12, model.n_vars)
    assert np.array_equal(x[:, :k], np.repeat(prefix, 3, axis=0))
    assert log_prob == pytest.approx(model.log_prob(x), rel=1e-12)
    one = model.sample(11, prefix=prefix[:1], seed=1)
    assert np.array_equal(one[:, :k], np.repeat(prefix[:1], 11, axis=0))


def test_prefix_draws_follow_the_conditional():
    model = Autoregressive(Stepping(3, 3, seed=4), 3, 3)
    x = model.sample(6000, prefix=[[2]], seed=0)
    rows = all_rows(3, 3)
    p = np.exp(model.log_prob(rows)) * (rows[:, 0] == 2)
    counts = np.bincount(x @ [9, 3, 1], minlength=27)
    assert counts / 6000 == pytest.approx(p / p.sum(), abs=0.03)


# --- temperature, top_k, top_p -----------------------------------------------------------------------------


def brute_truncation(p, temperature=1.0, top_k=None, top_p=1.0):
    p = p ** (1 / temperature) / (p ** (1 / temperature)).sum()
    q = np.zeros_like(p)
    largest = sorted(range(len(p)), key=lambda k: (-p[k], k))[:top_k]
    for k in largest:
        q[k] = p[k]
        if q.sum() >= top_p * p[largest].sum():
            break
    return q / q.sum()


@pytest.mark.parametrize("kind", [Masked, Stepping])
@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0.5},
        {"temperature": 3.0, "top_k": 2},
        {"top_p": 0.6},
        {"top_k": 3, "top_p": 0.9},
        {"top_k": 1},
        {"top_k": 99, "top_p": 1.0},
    ],
)
def test_truncation(kind, options):
    model = Autoregressive(kind(3, 5, seed=2), 3, 5)
    x, log_prob, sampling = model.sample(4000, seed=0, return_log_prob=True, **options)
    assert log_prob == pytest.approx(model.log_prob(x), rel=1e-12)
    first = np.exp([term(model, np.zeros((1, 3), int), 0, k)[0] for k in range(5)])
    q = brute_truncation(first, **options)
    counts = np.bincount(x[:, 0], minlength=5)
    assert (counts[q == 0] == 0).all()
    assert counts / 4000 == pytest.approx(q, abs=0.04)
    expected = np.zeros(10)
    for i, row in enumerate(x[:10]):
        for d in range(3):
            p = np.exp([term(model, row[np.newaxis], d, k)[0] for k in range(5)])
            expected[i] += np.log(brute_truncation(p, **options)[row[d]])
    assert sampling[:10] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_truncation_of_log_odds():
    binary = Autoregressive(Masked(5, 2, binary=True), 5, 2)
    x = binary.sample(50, seed=0, top_k=1)
    assert np.array_equal(x, np.repeat(x[:1], 50, axis=0))
    assert np.array_equal(x, binary.sample(50, seed=9, top_p=0.5))
    given = binary.sample(prefix=x[:3, :2], temperature=0.5, seed=0, return_log_prob=True)
    assert (given[2] >= np.log(0.5) * 15).all()


def test_impossible_states_never_come():
    logits = torch.tensor([-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]).repeat(3, 1)
    model = Autoregressive(Odd(lambda x: logits.expand(len(x), 3, 5)), 3, 5)
    assert set(np.unique(model.sample(500, seed=0))) == {1, 3}
    edges = np.array([[0.0, 0.0, 0.0], [1 - 2**-53] * 3])
    assert model.sample(2, uniforms=edges).tolist() == [[1, 1, 1], [3, 3, 3]]
    assert model.log_prob([0, 1, 3])[0] == -np.inf
    for z, bit in ((np.inf, 1), (-np.inf, 0)):
        certain = Autoregressive(Masked(3, 2, binary=True, scale=0.0), 3, 2)
        certain.module.bias.data[:, 1] = 2000.0 if z > 0 else -2000.0
        assert (certain.sample(2, uniforms=edges) == bit).all()


def test_the_cost_is_said_once():
    model = Autoregressive(Masked(4, 3), 4, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Autoregressive(Stepping(4, 3), 4, 3).sample(2, seed=0)
        model.sample(0, seed=0)
    with pytest.warns(
        UserWarning, match="runs the whole module once for each of 4 variables: give it init_state"
    ) as caught:
        model.sample(2, seed=0)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.sample(2, seed=0)


def test_pickles_and_repr():
    model = Autoregressive(Stepping(4, 3), 4, 3)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.sample(9, seed=0), model.sample(9, seed=0))
    assert repr(model) == "Autoregressive(Stepping, n_vars=4, n_states=3): 156 parameters"
    assert model.n_parameters == 156


def test_no_file_of_ours_holds_a_module(tmp_path):
    with pytest.raises(TypeError, match=r"models with a file format are .* got Autoregressive"):
        fd.write(Autoregressive(Masked(4, 3), 4, 3), tmp_path / "a.safetensors")


# --- fit ---------------------------------------------------------------------------------------------------


@pytest.fixture
def data():
    return Autoregressive(Stepping(5, 3, seed=1, scale=2.0), 5, 3).sample(600, seed=0)


def fresh(dropout=0.0):
    module = Masked(5, 3, seed=2, scale=0.1, dtype=torch.float32)
    return Autoregressive(nn.Sequential(module, nn.Dropout(dropout)), 5, 3)


def test_fit_learns(data):
    model = fresh()
    before = model.log_prob(data[500:]).mean()
    state = torch.random.get_rng_state()
    assert model.fit(data[:500], data[500:], epochs=15, learning_rate=0.05, progress=False) is model
    assert torch.equal(state, torch.random.get_rng_state())
    assert model.log_prob(data[500:]).mean() > before + 1.0
    valid = [epoch["valid"] for epoch in model.history]
    assert -model.log_prob(data[500:]).mean() == pytest.approx(min(valid), rel=1e-6)


def test_the_same_numbers_as_torch(data):
    model, other = fresh(), fresh()
    model.fit(data, epochs=3, batch_size=600, schedule="constant", learning_rate=0.01, weight_decay=0.1, progress=False)
    optimizer = torch.optim.AdamW(other.module.parameters(), lr=0.01, weight_decay=0.1)
    codes = torch.from_numpy(data.astype(np.int64))
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(other.module(codes).transpose(1, 2), codes, reduction="sum") / len(codes)
        loss.backward()
        optimizer.step()
    for own, expected in zip(model.module.parameters(), other.module.parameters(), strict=True):
        assert torch.allclose(own, expected, atol=1e-5)


def test_resumed_runs_give_the_same_numbers(data, tmp_path):
    options = {"batch_size": 64, "learning_rate": 0.02, "schedule": "constant", "progress": False}
    whole, parts = fresh(dropout=0.2), fresh(dropout=0.2)
    whole.fit(data[:500], data[500:], epochs=4, **options)
    path = tmp_path / "run.safetensors"
    fresh(dropout=0.2).fit(data[:500], data[500:], epochs=2, checkpoint=path, **options)
    parts.fit(data[:500], data[500:], epochs=4, checkpoint=path, **options)
    for own, expected in zip(parts.module.parameters(), whole.module.parameters(), strict=True):
        assert torch.equal(own, expected)
    with pytest.raises(ValueError, match="belongs to another run"):
        Autoregressive(Masked(5, 3), 5, 3).fit(data[:500], data[500:], epochs=4, checkpoint=path, **options)


def test_a_failed_fit_changes_nothing(data):
    model = fresh()
    before = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}

    calls = iter(range(10))

    def interrupted(done):
        if next(calls) == 9:
            raise KeyboardInterrupt
        return 1.0

    with pytest.raises(KeyboardInterrupt):
        model.fit(data, epochs=5, schedule=interrupted, progress=False)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.module.state_dict().items())
    for parameter in model.module.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(ValueError, match="fit needs a module with parameters that require gradients"):
        model.fit(data, epochs=1, progress=False)
