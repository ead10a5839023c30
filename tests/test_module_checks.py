"""What fd.Autoregressive refuses and accepts: leaks, mixed rows, wrong steps, at a bounded cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdgm.autoregressive.module import Autoregressive
from fastdgm.engines.torch import causality

torch = pytest.importorskip("torch", reason="torch is not installed")
from torch import nn  # noqa: E402


class Leaky(nn.Module):
    """Logits of a running mean of the inputs before, and a little of input j in output d where ``leak`` = (d, j)."""

    def __init__(self, n_states=3, leak=None, size=0.01):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.table = nn.Parameter(torch.randn(n_states, n_states, generator=generator, dtype=torch.float64))
        self.leak, self.size, self.calls, self.rows = leak, size, 0, 0

    def forward(self, codes):
        self.calls, self.rows = self.calls + 1, max(self.rows, len(codes))
        own = self.table[codes]
        before = torch.cumsum(own, dim=1) - own
        logits = before / (1 + torch.arange(codes.shape[1]))[:, None]
        if self.leak is not None:
            output, position = self.leak
            logits[:, output] += self.size * own[:, position]
        return logits


# --- leaks ---


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1), st.integers(0, n - 1))))
def test_every_single_leak_is_found_and_named(case):
    n_vars, first, second = case
    output, position = min(first, second), max(first, second)
    with pytest.raises(ValueError, match=f"output {output} changes when input {position} does"):
        Autoregressive(Leaky(leak=(output, position)), n_vars, 3)


@pytest.mark.parametrize("n_states", [2, 5])
def test_leaks_at_every_position(n_states):
    for position in range(64):
        with pytest.raises(ValueError, match=f"output {position} changes when input {position} does"):
            Autoregressive(Leaky(n_states, leak=(position, position)), 64, n_states)
    assert Autoregressive(Leaky(n_states), 64, n_states).n_vars == 64


@pytest.mark.parametrize("n_vars", [363, 784, 1024])
def test_leaks_at_any_position_of_long_rows(n_vars):
    for position in np.random.default_rng(n_vars).integers(0, n_vars, 5).tolist():
        with pytest.raises(ValueError, match=f"output {position} changes when input {position} does"):
            Autoregressive(Leaky(2, leak=(position, position)), n_vars, 2)


@pytest.mark.parametrize("excluded", [-1e4, -1e9, float(np.finfo(np.float32).min), -np.inf])
def test_logits_that_exclude_a_state_hide_no_leak(excluded):
    class Excluding(Leaky):
        def forward(self, codes):
            logits = super().forward(codes).float()
            return torch.cat([logits[..., :-1], torch.full_like(logits[..., :1], excluded)], dim=-1)

    assert Autoregressive(Excluding(), 9, 3).n_states == 3
    with pytest.raises(ValueError, match="output 4 changes when input 6 does"):
        Autoregressive(Excluding(leak=(4, 6)), 9, 3)


def test_leaks_that_cancel_are_found():
    class Parity(nn.Module):
        """Output 1 reads whether inputs 4 and 6 differ."""

        def forward(self, codes):
            logits = torch.zeros(*codes.shape, dtype=torch.float64)
            logits[:, 1] = (codes[:, 4] != codes[:, 6]).double()
            return logits

    with pytest.raises(ValueError, match=r"output 1 changes when input [46] does"):
        Autoregressive(Parity(), 9, 2)


@pytest.mark.parametrize(("n_vars", "n_states"), [(1, 2), (128, 2), (1000, 2), (5000, 2), (128, 20_000), (3, 60_000)])
def test_the_cost_is_bounded(n_vars, n_states):
    class Flat(nn.Module):
        calls = cells = most = 0

        def forward(self, codes):
            self.calls, self.cells = self.calls + 1, self.cells + codes.numel() * n_states
            self.most = max(self.most, codes.numel() * n_states)
            return torch.zeros(1, 1, 1).expand(*codes.shape, n_states)

    module = Flat()
    Autoregressive(module, n_vars, n_states)
    assert module.calls <= 64
    assert module.cells <= 3 * max(causality.MOST_OUTPUTS, causality.FEWEST_CUTS * n_vars * n_states)
    assert module.most <= max(causality.CELLS_AT_ONCE * 9 // 8, 3 * n_vars * n_states)
    before = module.calls
    Autoregressive(module, n_vars, n_states, check=False)
    assert module.calls == before + 1


@pytest.mark.parametrize("leak", [(0, 0), (0, 4999), (4999, 4999), (2048, 2048), (1000, 1500)])
def test_leaks_of_many_variables(leak):
    with pytest.raises(ValueError, match="output {} changes when input {} does".format(*leak)):
        Autoregressive(Leaky(2, leak=leak, size=1.0), 5000, 2)


def test_cuts_are_distinct_positions():
    for n_vars, most in ((1, 8), (7, 8), (300, 8), (300, 299), (4097, 40)):
        cuts = causality.choose_cuts(n_vars, most, np.random.default_rng(0))
        assert len(cuts) == min(n_vars, most) and (np.diff(cuts) > 0).all()
        assert cuts[0] == 0 and cuts[-1] == n_vars - 1


def test_no_check_takes_the_module_at_its_word():
    model = Autoregressive(Leaky(leak=(2, 2)), 4, 3, check=False)
    assert model.log_prob(np.zeros((5, 4), int)).shape == (5,)
    with pytest.raises(ValueError, match="logits of shape"):
        Autoregressive(Leaky(3), 4, 4, check=False)


# --- rows of a batch ---


class Recurrent(nn.Module):
    """An embedding, a GRU and a head, with something in between."""

    def __init__(self, between, n_states=3, width=16):
        super().__init__()
        torch.manual_seed(0)
        self.n_states = n_states
        self.embed, self.between = nn.Embedding(n_states + 1, width), between
        self.gru, self.head = nn.GRU(width, width, batch_first=True), nn.Linear(width, n_states)

    def forward(self, codes):
        before = torch.cat([torch.full_like(codes[:, :1], self.n_states), codes[:, :-1]], dim=1)
        return 3 * self.head(self.between(self.gru(self.embed(before))[0]))


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, y):
        return self.function(y)


class Normalised(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.norm = nn.BatchNorm1d(16, **options)

    def forward(self, y):
        return self.norm(y.transpose(1, 2)).transpose(1, 2)


def quantised(y):
    step = y.abs().max() / 7
    return (y / step).round() * step


MIXING = {
    "batch normalisation": Normalised(track_running_stats=False),
    "mean": Function(lambda y: y - y.mean(0, keepdim=True)),
    "standard deviation": Function(lambda y: y / (y.std(0, keepdim=True, unbiased=False) + 0.1)),
    "median": Function(lambda y: y - y.median(0, keepdim=True).values),
    "largest": Function(lambda y: y / y.abs().max()),
    "quantised": Function(quantised),
    "ranks": Function(lambda y: y.argsort(0).argsort(0).float()),
    "attention over rows": Function(lambda y: torch.softmax(y[:, 0] @ y[:, 0].T, 1).mm(y.flatten(1)).view(y.shape)),
    "routing": Function(lambda y: y * (y.sum(2, keepdim=True) >= y.sum(2, keepdim=True).amax(0))),
    "size": Function(lambda y: y * len(y)),
    "place": Function(lambda y: y + torch.linspace(0, 1, len(y))[:, None, None]),
    "one row more": Function(lambda y: torch.cat([y[:1], y[:-1]])),
}
ROWWISE = {
    "nothing": nn.Identity(),
    "running statistics": Normalised(),
    "layer normalisation": nn.LayerNorm(16),
    "quantised by place": Function(lambda y: torch.stack([quantised(part) for part in y.flatten(0, 1)]).view(y.shape)),
    "dropout": nn.Dropout(0.5),
}


@pytest.mark.parametrize("between", MIXING)
def test_modules_that_mix_rows_are_refused(between):
    with pytest.raises(ValueError, match=r"mixes the rows of a batch: .* depend on that row alone"):
        Autoregressive(Recurrent(MIXING[between]), 8, 3)


@pytest.mark.parametrize("between", ["mean", "largest", "batch normalisation"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_mixed_rows_in_other_float_types(between, dtype):
    with pytest.raises(ValueError, match="mixes the rows of a batch"):
        Autoregressive(Recurrent(MIXING[between]).to(dtype), 8, 3)


@pytest.mark.parametrize("between", ROWWISE)
def test_modules_that_do_not_mix_rows(between):
    model = Autoregressive(Recurrent(ROWWISE[between]), 8, 3)
    rows = np.random.default_rng(0).integers(0, 3, (16, 8))
    alone = np.concatenate([model.log_prob(row) for row in rows])
    np.testing.assert_allclose(model.log_prob(rows), alone, atol=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_dynamic_quantisation_is_refused():
    layers = {nn.Linear, nn.GRU}
    try:
        module = torch.ao.quantization.quantize_dynamic(Recurrent(nn.Identity()), layers, dtype=torch.qint8)
    except (AttributeError, RuntimeError) as error:
        pytest.skip(f"torch has no dynamic quantisation here: {error}")
    with pytest.raises(ValueError, match="mixes the rows of a batch"):
        Autoregressive(module, 8, 3)


def test_noise_is_told_from_mixing():
    with pytest.raises(ValueError, match="random in eval mode"):
        Autoregressive(Recurrent(Function(lambda y: y + torch.randn_like(y))), 8, 3)


# --- floats of every type ---


class Attending(nn.Module):
    """A small causal transformer, with or without a cache of keys and values."""

    def __init__(self, n_vars, n_states, width=32, autocast=False, as_float=False):
        super().__init__()
        torch.manual_seed(0)
        self.n_states, self.autocast, self.as_float = n_states, autocast, as_float
        self.embed, self.place = nn.Embedding(n_states + 1, width), nn.Embedding(n_vars, width)
        self.read, self.out, self.head = (
            nn.Linear(width, 3 * width),
            nn.Linear(width, width),
            nn.Linear(width, n_states),
        )
        self.norm = nn.LayerNorm(width)

    def run(self, tokens, places, cache=None):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            x = self.embed(tokens) + self.place(places)
            query, key, value = (part.unflatten(2, (4, -1)).transpose(1, 2) for part in self.read(x).chunk(3, dim=2))
            if cache is not None:
                key, value = (torch.cat([*old, new], 2) for old, new in zip(cache, (key, value), strict=True))
                cache[:] = [[key], [value]]
            mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=cache is None)
            logits = self.head(self.norm(x + self.out(mixed.transpose(1, 2).flatten(2))))
        return logits.float() if self.as_float else logits

    def forward(self, codes):
        start = torch.full_like(codes[:, :1], self.n_states)
        return self.run(torch.cat([start, codes[:, :-1]], dim=1), torch.arange(codes.shape[1]))


class Cached(Attending):
    window = 10_000  # of the cache
    last_place = 10_000

    def init_state(self, n):
        return n, 0, [[], []]

    def step(self, state, previous):
        n, place, cache = state
        tokens = torch.full((n, 1), self.n_states) if previous is None else previous[:, None]
        logits = self.run(tokens, torch.tensor([min(place, self.last_place)]), cache)[:, 0]
        cache = [[part[:, :, -self.window :] for part in parts] for parts in cache]
        return logits, (n, place + 1, cache)


@pytest.mark.parametrize("kind", [Attending, Cached])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_every_float_type_passes(kind, dtype):
    assert Autoregressive(kind(24, 5).to(dtype), 24, 5).n_states == 5


@pytest.mark.parametrize("as_float", [False, True])
def test_autocast_passes(as_float):
    for kind in (Attending, Cached):
        assert Autoregressive(kind(128, 5, width=64, autocast=True, as_float=as_float), 128, 5).n_states == 5


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wrapped_modules_pass():
    module = Attending(12, 4)
    Autoregressive(nn.DataParallel(module), 12, 4)
    Autoregressive(torch.jit.trace(module.eval(), torch.zeros(2, 12, dtype=torch.long), check_trace=False), 12, 4)


# --- steps ---


@pytest.mark.parametrize(("wrong", "position"), [({"last_place": 1}, 2), ({"window": 3}, 4), ({"last_place": 22}, 23)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_caches_that_differ_late_are_refused(wrong, position, dtype):
    module = Cached(24, 5).to(dtype)
    for name, value in wrong.items():
        setattr(module, name, value)
    with pytest.raises(ValueError, match=rf"step\(\) must give the logits .* at position ({position}|{position + 1}) "):
        Autoregressive(module, 24, 5)


def test_what_steps_raise_is_told():
    module = Cached(6, 5)
    module.step = lambda state: state
    with pytest.raises(
        ValueError, match=r"init_state\(\) and step\(\) must come to position 0, they raised: TypeError"
    ):
        Autoregressive(module, 6, 5)
