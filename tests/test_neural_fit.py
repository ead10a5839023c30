"""BayesNet.fit where torch modules are conditionals: what is learnt how, all that fit promises, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

torch = pytest.importorskip("torch")
nn = torch.nn


def classifier(n_states=3, **options):
    torch.manual_seed(0)
    mlp = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, n_states))
    return fd.BayesNet(
        {
            "age": fd.Categorical([0.2, 0.5, 0.3]),
            "income": fd.Normal.given(["age"], mean=[0, 0, 0], std=[1, 1, 1]),
            "buys": fd.Neural(["age", "income"], mlp, family="categorical", n_states=n_states, **options),
        }
    )


def people(n=300, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 3, n)
    income = rng.normal(age - 1.0, 0.5 + age)
    buys = (income > 0).astype(int) + (age == 2)
    return {"age": age, "income": income, "buys": buys}


def state(net):
    modules = [own.module for own in (*net.conditionals.values(), *net.guide.values()) if isinstance(own, fd.Neural)]
    return [own.clone() for module in modules for own in module.state_dict().values()]


def same(first, second):
    return len(first) == len(second) and all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


# --- what is learnt how ---


def test_closed_forms_are_those_of_a_net_without_modules_and_the_module_is_trained():
    net, data = classifier(), people()
    before, module, conditional = net.log_prob(data, per_variable=True)[:, 2].mean(), net["buys"].module, net["buys"]
    net.fit(data, seed=0, epochs=20, learning_rate=0.02)
    plain = fd.BayesNet.from_edges([("age", "income")], states={"age": ["0", "1", "2"]}, real=["income"])
    plain.fit({"age": np.array(["0", "1", "2"])[data["age"]], "income": data["income"]})
    assert np.array_equal(net["age"].table, plain["age"].table)
    assert np.array_equal(net["income"].intercept, plain["income"].intercept)
    after = net.log_prob(data, per_variable=True)[:, 2].mean()
    assert after > before + 0.5
    assert net["buys"].module is module and net["buys"] is conditional
    assert len(net.history) == 20 and set(net.history[0]) == {"epoch", "train", "seconds", "learning_rate"}
    assert net.history[-1]["train"] == pytest.approx(-after, abs=0.05)


def test_a_linear_module_reaches_the_maximum_of_the_likelihood():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 2))
    y = (rng.random(200) < 1 / (1 + np.exp(-x @ [1.0, -2.0]))).astype(int)
    torch.manual_seed(0)
    net = fd.BayesNet(
        {
            "x": fd.MultivariateNormal.standard(2),
            "y": fd.Neural(["x"], nn.Linear(2, 1).double(), family="bernoulli", event_shape=(1,)),
        }
    )
    net.fit({"x": x, "y": y[:, None]}, epochs=150, batch_size=200, learning_rate=0.1, seed=0)
    log_odds = x @ net["y"].module.weight.detach().numpy()[0] + net["y"].module.bias.detach().numpy()
    residual = y - 1 / (1 + np.exp(-log_odds))
    assert np.abs(np.column_stack([x, np.ones(200)]).T @ residual / 200).max() < 5e-3


def test_tied_modules_are_trained_together_and_stay_one():
    torch.manual_seed(0)
    shared = nn.Linear(1, 1)
    net = fd.BayesNet(
        {
            "a": fd.Normal(0.0, 1.0),
            "b": fd.Neural(["a"], shared, family="normal", event_shape=(1,), std=1.0),
            "c": fd.Neural(["a"], shared, family="normal", event_shape=(1,), std=1.0),
        }
    )
    rng = np.random.default_rng(0)
    a = rng.normal(size=200)
    data = {"a": a, "b": (2 * a)[:, None], "c": (4 * a)[:, None]}
    net.fit(data, epochs=200, batch_size=200, learning_rate=0.1, seed=0)
    assert net["b"].module is shared and net["c"].module is shared
    assert shared.weight.item() == pytest.approx(3.0, abs=0.05)


def test_frozen_parameters_stay_and_modules_keep_their_modes():
    net = classifier()
    first = net["buys"].module[0]
    first.weight.requires_grad_(False)
    net["buys"].module.eval()
    before, bias = first.weight.clone(), first.bias.clone()
    net.fit(people(), epochs=2, seed=0)
    assert torch.equal(first.weight, before) and not torch.equal(first.bias, bias)
    assert not any(part.training for part in net["buys"].module.modules())
    assert first.bias.grad is None


def test_modules_without_parameters_to_train_are_told_of():
    net = classifier()
    net["buys"].module.requires_grad_(False)
    before = state(net)
    with pytest.warns(UserWarning, match="no module has parameters that require gradients"):
        net.fit(people())
    assert same(before, state(net)) and net.history == []
    assert net["age"].table[0] != 0.2


def test_fit_goes_on_from_the_present_parameters():
    net = classifier().fit(people(), epochs=5, learning_rate=0.02, seed=0)
    last = net.history[-1]["train"]
    net.fit(people(), epochs=1, learning_rate=1e-6, seed=0)
    assert net.history[0]["train"] == pytest.approx(last, abs=0.03)


# --- rows ---


def test_weights_are_as_repeated_rows_and_rows_of_no_weight_are_left_out():
    data = {name: column[:60] for name, column in people().items()}
    weights = np.arange(60) % 3
    repeated = {name: np.repeat(column, weights) for name, column in data.items()}
    one = classifier().fit(data, sample_weight=weights, epochs=3, batch_size=100, seed=0)
    other = classifier().fit(repeated, epochs=3, batch_size=100, seed=0)
    assert one.history[-1]["train"] == pytest.approx(other.history[-1]["train"], rel=1e-5)
    assert np.allclose(one["age"].table, other["age"].table)
    for a, b in zip(state(one), state(other), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_arrays_frames_and_columns_are_the_same_rows():
    data = people(60)
    array = np.column_stack([data["age"], data["income"], data["buys"]])
    nets = [classifier().fit(rows, epochs=2, seed=3) for rows in (data, array)]
    assert same(state(nets[0]), state(nets[1]))
    pandas = pytest.importorskip("pandas")
    assert same(state(nets[0]), state(classifier().fit(pandas.DataFrame(data), epochs=2, seed=3)))


def test_rows_with_unknown_labels_are_left_out():
    data = people(50)
    labels = data | {"age": np.array([*data["age"][:-1].astype(str), "9"])}
    with pytest.raises(KeyError, match="'9'"):
        classifier().fit(labels, epochs=1)
    net = classifier()
    weights = np.ones(50)
    with pytest.warns(UserWarning, match="1 of 50 rows hold a label that is no state"):
        net.fit(labels, sample_weight=weights, epochs=2, seed=0, unknown="drop")
    assert same(state(net), state(classifier().fit({k: v[:-1] for k, v in data.items()}, epochs=2, seed=0)))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ({"age": [], "income": [], "buys": []}, "at least one row"),
        ({"age": [0, 1], "income": [0.0, np.nan], "buys": [0, 1]}, "'income' has a missing value in row 1"),
        ({"age": [0, 1], "buys": [0, 1]}, "'income' has no values in the data and no guide"),
        (np.zeros((3, 2)), r"shape \(n_rows, 3\), got shape \(3, 2\)"),
    ],
)
def test_rows_that_cannot_be_learnt_from(data, match):
    net = classifier()
    before = state(net)
    with pytest.raises(ValueError, match=match):
        net.fit(data, epochs=1)
    assert same(before, state(net))


# --- what the loop promises ---


def test_a_seed_decides_all_and_threads_nothing():
    first, second, third = (classifier().fit(people(), epochs=2, seed=seed) for seed in (1, 1, 2))
    assert same(state(first), state(second)) and not same(state(first), state(third))
    assert [own["train"] for own in first.history] == [own["train"] for own in second.history]


def test_validation_keeps_the_best_epoch_and_patience_ends():
    net, valid = classifier(), people(100, seed=5)
    net.fit(people(40), valid=valid, epochs=60, learning_rate=0.05, patience=3, seed=0)
    losses = [epoch["valid"] for epoch in net.history]
    assert len(losses) == int(np.argmin(losses)) + 4 < 60
    assert -net.log_prob(valid, per_variable=True)[:, 2].mean() == pytest.approx(min(losses), rel=1e-5)


def deep(z=2, d=6, latent=True):
    """A small autoencoder with dropout and batch-norm."""
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Linear(z, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, d))
    net = fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(z),
            "x": fd.Neural(["z"], decoder, family="bernoulli", event_shape=(d,)),
        }
    )
    return net.guided({"z": guide_of("x", d, z)})


class TwoHeads(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_inputs, 8), nn.Tanh())
        self.mean, self.log_std = nn.Linear(8, n_outputs), nn.Linear(8, n_outputs)

    def forward(self, x):
        hidden = self.trunk(x)
        return self.mean(hidden), self.log_std(hidden)


def guide_of(parent, d, z):
    return fd.Neural([parent], TwoHeads(d, z), family="normal", event_shape=(z,))


def images(n=61, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((n, 1)) < 0.5, rng.random((n, d)) < 0.9, rng.random((n, d)) < 0.1).astype(np.uint8)


@pytest.mark.filterwarnings("ignore:the modules of")
def test_a_resumed_run_is_the_same_bit_for_bit(tmp_path):
    options = {"schedule": "constant", "batch_size": 20, "seed": 4, "max_gradient_norm": 0.5, "warm_up": 3}
    options |= {"valid": {"x": images(30, seed=1)}, "n_particles": 2}
    whole = deep().fit({"x": images()}, epochs=4, **options)
    path = tmp_path / "run.safetensors"
    deep().fit({"x": images()}, epochs=2, checkpoint=path, **options)
    resumed = deep().fit({"x": images()}, epochs=4, checkpoint=path, **options)
    assert same(state(whole), state(resumed))
    histories = [[epoch | {"seconds": 0} for epoch in net.history] for net in (whole, resumed)]
    assert histories[0] == histories[1]
    for other, named in (({"n_particles": 3}, "n_particles"), ({"warm_up": 1}, "warm_up"), ({"seed": 5}, "seed")):
        with pytest.raises(ValueError, match=f"belongs to another run: its settings.{named}"):
            deep().fit({"x": images()}, epochs=4, checkpoint=path, **(options | other))
    with pytest.raises(ValueError, match="its train is"):
        deep().fit({"x": images(seed=7)}, epochs=4, checkpoint=path, **options)


def test_dropout_and_batch_norm_are_told_of_and_a_batch_of_one_row_is_no_problem():
    net = deep()
    with pytest.warns(UserWarning, match="of 'x' have batch-norm layers.* of 'x' have dropout"):
        net.fit({"x": images(21)}, epochs=2, batch_size=20, seed=0)
    assert all(torch.isfinite(own).all() for own in state(net))
    assert int(net["x"].module[1].num_batches_tracked) == 2  # of the batches of 20, not those of one row


class Trouble(nn.Module):
    """Does something bad in training, after some calls."""

    def __init__(self, what, after=1):
        super().__init__()
        self.linear, self.what, self.after, self.calls = nn.Linear(4, 3), what, after, 0

    def forward(self, x):
        self.calls += self.training
        if self.training and self.calls > self.after:
            return self.what(self.linear(x))
        return self.linear(x)


def troubled(what):
    torch.manual_seed(0)
    net = classifier()
    return fd.BayesNet(
        {**net.conditionals, "buys": fd.Neural(["age", "income"], Trouble(what), family="categorical", n_states=3)}
    )


def raising(error):
    def what(logits):
        raise error

    return what


ALLOCATION = "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 123456 bytes"


@pytest.mark.parametrize(
    ("what", "error", "match"),
    [
        (raising(KeyboardInterrupt()), KeyboardInterrupt, None),
        (raising(OSError("disk")), ValueError, "module of 'buys'.*OSError: disk"),
        (
            lambda logits: logits * torch.nan,
            FloatingPointError,
            "log_prob of 'buys' is nan, so the loss is nan in minibatch 2 of epoch 1; lower",
        ),
        (
            lambda logits: logits + torch.where(logits < 1e9, 0.0, torch.sqrt(logits * 0)),
            FloatingPointError,
            "gradient of buys: linear.weight is not finite in minibatch 2 of epoch 1; lower learning_rate",
        ),
        (raising(RuntimeError(ALLOCATION)), MemoryError, "batch_size=100.*123456 bytes"),
        (lambda logits: logits[:, :2], ValueError, r"'buys' have shape \(100, 3\), the module gave \(100, 2\)"),
    ],
)
def test_whatever_ends_training_leaves_the_net_as_it_was(what, error, match):
    net = troubled(what)
    before, tables, history = state(net), net["age"], net.history
    with pytest.raises(error, match=match):
        net.fit(people(), epochs=2, seed=0)
    assert same(before, state(net)) and net["age"] is tables and net.history == history
    assert net["buys"].module.training and net["buys"].module.calls == 0


class Exploding(nn.Module):
    """An encoder whose log std is far too large."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return self.linear(x), self.linear(x) + 1e4


def test_the_guide_whose_divergence_is_not_finite_is_named_and_small_numbers_are_not_blamed():
    decoder = fd.Neural(["z"], nn.Linear(2, 4), family="normal", event_shape=(4,), std=1.0)
    net = fd.BayesNet({"z": fd.MultivariateNormal.standard(2), "x": decoder})
    guide = {"z": fd.Neural(["x"], Exploding(), family="normal", event_shape=(2,))}
    message = "divergence of the guide of 'z' is inf, so the loss is .* in minibatch 1 of epoch 1; the parameters that"
    with pytest.raises(FloatingPointError, match=message):
        net.fit({"x": np.random.default_rng(0).normal(size=(50, 4))}, guide=guide, epochs=1, seed=0)


def test_gradients_are_clipped():
    data = people()
    free, clipped = classifier(), classifier()
    free.fit(data, epochs=1, seed=0, batch_size=300)
    clipped.fit(data, epochs=1, seed=0, batch_size=300, max_gradient_norm=1e-12)
    start = state(classifier())
    moved = [max(float((a - b).abs().max()) for a, b in zip(start, state(net), strict=True)) for net in (free, clipped)]
    assert moved[1] < 0.1 * moved[0]  # Adam's epsilon, 1e-8, is far above such gradients


# --- autoregressive models beside modules ---


def with_a_model():
    torch.manual_seed(0)
    made = fd.MADE(4, (8,), n_context=2, seed=0)
    return fd.BayesNet(
        {
            "label": fd.Bernoulli(0.5),
            "x": made.given(["label"]),
            "y": fd.Neural(["x"], nn.Linear(4, 1), family="bernoulli", event_shape=(1,)),
        }
    )


def labelled(n=200):
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, n)
    x = (rng.random((n, 4)) < np.where(label, 0.8, 0.2)[:, None]).astype(int)
    return {"label": label, "x": x, "y": x[:, :1]}


def test_a_model_beside_modules_learns_as_on_its_own_and_so_do_the_modules():
    net, data, options = with_a_model(), labelled(), {"epochs": 3, "learning_rate": 0.02, "seed": 0}
    model, module = net["x"].model, net["y"].module
    net.fit(data, valid=labelled(50), **options)
    alone = with_a_model()
    fd.BayesNet({name: alone[name] for name in ("label", "x")}).fit(
        {name: data[name] for name in ("label", "x")},
        valid={name: labelled(50)[name] for name in ("label", "x")},
        **options,
    )
    assert net["x"].model is model and net["y"].module is module
    context = np.eye(2)[data["label"]]
    expected = alone["x"].model.log_prob(data["x"], context=context)
    np.testing.assert_array_equal(model.log_prob(data["x"], context=context), expected)
    before = with_a_model().log_prob(data, per_variable=True).mean(axis=0)
    assert (net.log_prob(data, per_variable=True).mean(axis=0)[1:] > before[1:] + 0.02).all()
    assert len(net.history) == 3


def test_a_model_and_modules_change_together_or_not_at_all():
    net, data = with_a_model(), labelled()
    net = fd.BayesNet(
        {
            **net.conditionals,
            "y": fd.Neural(["x"], Trouble(lambda out: out * torch.nan), family="categorical", n_states=3),
        }
    )
    data["y"] = data["y"][:, 0]
    context = np.eye(2)[data["label"]]
    before, start = net["x"].model.log_prob(data["x"], context=context), state(net)
    with pytest.raises(FloatingPointError, match="'y' is nan"):
        net.fit(data, epochs=2, seed=0)
    np.testing.assert_array_equal(net["x"].model.log_prob(data["x"], context=context), before)
    assert same(start, state(net))


def test_a_model_needs_its_family_in_all_rows_and_has_no_checkpoint_beside_modules(tmp_path):
    data = labelled()
    with pytest.raises(ValueError, match=r"'x' has an autoregressive model.*\['label'\] must have values in all rows"):
        with_a_model().fit({**data, "label": np.where(np.arange(200) < 9, -1, data["label"])}, epochs=1)
    with pytest.raises(ValueError, match="checkpoint holds torch modules or one autoregressive model, and 'x'"):
        with_a_model().fit(data, epochs=1, checkpoint=tmp_path / "x")
    with pytest.raises(ValueError, match="sample_weight counts for closed forms"):
        with_a_model().fit(data, epochs=1, sample_weight=np.arange(1, 201))


# --- what is refused ---


@pytest.mark.parametrize("option", [{"epochs": 3}, {"valid": [[0]]}, {"n_particles": 2}, {"checkpoint": "x"}])
def test_options_of_modules_are_refused_without_any(option):
    net = fd.BayesNet({"a": fd.Bernoulli(0.5)})
    with pytest.raises(TypeError, match=f"{next(iter(option))}= is about the training of modules"):
        net.fit([[0], [1]], **option)


@pytest.mark.parametrize("option", [{"n_restarts": 3}, {"resume": True}, {"tolerance": 1.0}])
def test_options_of_em_are_refused_with_modules(option):
    with pytest.raises(TypeError, match=f"{next(iter(option))}= is about EM"):
        classifier().fit(people(), **option)


@pytest.mark.parametrize(
    ("option", "match"),
    [
        ({"warm_up": -1}, "warm_up must be a number of epochs"),
        ({"n_particles": 0}, "n_particles must be at least 1"),
        ({"max_gradient_norm": 0.0}, "max_gradient_norm must be a finite number above 0"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"schedule": "plateau"}, "watches the validation rows"),
        ({"unknown": "guess"}, "unknown must be"),
        ({"sample_weight": np.zeros(300)}, "a row of positive weight"),
        ({"valid": {"age": [], "income": [], "buys": []}}, "valid must have at least one row"),
    ],
)
def test_options_that_are_wrong(option, match):
    with pytest.raises(ValueError, match=match):
        classifier().fit(people(), **option)


def test_modules_do_not_learn_in_chunks():
    with pytest.raises(TypeError, match="partial_fit cannot learn the Neural of 'buys'"):
        classifier().partial_fit(people())


def test_guides_that_do_not_fit():
    net, x = deep(), images()
    with pytest.raises(ValueError, match="'z' has values in the data, so it is not latent"):
        net.fit({"x": x, "z": np.zeros((61, 2))}, epochs=1)
    bare = fd.BayesNet(dict(net.conditionals))
    with pytest.raises(ValueError, match="'z' has no values in the data and no guide"):
        bare.fit({"x": x}, epochs=1)
    with pytest.raises(ValueError, match="reads 'z' itself"):
        bare.fit({"x": x}, guide={"z": fd.Neural(["z"], TwoHeads(2, 2), family="normal", event_shape=(2,))})
    with pytest.raises(ValueError, match=r"guides that are Neural and of the family normal.*'z'"):
        bare.fit({"x": x}, guide={"z": fd.MultivariateNormal.standard(2)})
    with pytest.raises(KeyError, match="no variable 'y'"):
        bare.fit({"x": x}, guide={"y": guide_of("x", 6, 2)})
    with pytest.raises(ValueError, match="training and validation rows have the same columns: 'z' is in valid alone"):
        net.fit({"x": x}, valid={"x": x, "z": np.zeros((61, 2))}, epochs=1)


def test_parameters_that_cannot_be_learnt_are_named():
    decoder = nn.Linear(1, 3)
    net = fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(1),
            "w": fd.MultivariateNormal.standard(1),
            "x": fd.Neural(["z"], decoder, family="bernoulli", event_shape=(3,)),
            "c": fd.Bernoulli(0.5),
            "v": fd.Normal.given(["c"], mean=[0, 1], std=[1, 1]),
        }
    ).guided({"z": fd.Neural(["x"], TwoHeads(3, 1), family="normal", event_shape=(1,))})
    rows = {"x": images(20, 3), "w": np.zeros((20, 1)) + np.arange(20)[:, None], "v": np.arange(20.0)}
    with pytest.raises(ValueError, match=r"'v' cannot be learnt: a LinearGaussian .* \['v', 'c'\]"):
        net.fit(rows, epochs=1)


def test_labels_beside_hidden_states_are_refused():
    data = people()
    del data["age"]
    with pytest.raises(ValueError, match="y is ignored, but some variables are hidden"):
        classifier().fit(data, np.zeros(300), epochs=1)
