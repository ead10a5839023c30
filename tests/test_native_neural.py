"""Native files of networks with torch modules: states come back into the caller's modules, all or none."""

from __future__ import annotations

import copy
import importlib.util
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastdgm as fd
from fastdgm.data.variables import Discrete, Real
from fastdgm.io import read_native, write_native

torch = pytest.importorskip("torch", reason="torch is not installed")
nn = torch.nn
from safetensors.torch import load, save  # noqa: E402

SIZE = 4


class Two(nn.Module):
    """Mean and log-std by one body."""

    def __init__(self, n_in: int, n_out: int, hidden: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_in, hidden), nn.Tanh())
        self.mean, self.log_std = nn.Linear(hidden, n_out), nn.Linear(hidden, n_out)

    def forward(self, x):
        own = self.body(x)
        return self.mean(own), self.log_std(own)


def decoder(seed: int = 0, hidden: int = 5) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, hidden), nn.BatchNorm1d(hidden), nn.Linear(hidden, SIZE), nn.Unflatten(1, (2, 2)))


def encoder(seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    return Two(SIZE, 2)


def classifier(seed: int = 2) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Linear(SIZE + 3, 3)


def network(decoder: nn.Module, classifier: nn.Module, encoder: nn.Module) -> fd.BayesNet:
    net = fd.BayesNet(
        {
            "x": fd.Neural(["z"], decoder, family="bernoulli", event_shape=(2, 2)),
            "z": fd.MultivariateNormal.standard(2),
            "label": fd.Neural(["x", "kind"], classifier, family="categorical", states=["a", "b", "c"]),
            "kind": fd.Categorical([0.25, 0.25, 0.5]),
        }
    )
    return net.guided({"z": fd.Neural(["x"], encoder, family="normal", event_shape=(2,))})


def new_modules(seed: int = 10) -> tuple[nn.Module, nn.Module, nn.Module]:
    return decoder(seed), classifier(seed + 1), encoder(seed + 2)


def written_network() -> fd.BayesNet:
    own = decoder()
    own.train()
    own(torch.randn(50, 2))  # so that the statistics of batch norm are no longer those of a new one
    return network(own, classifier(), encoder())


def states(*modules: nn.Module) -> list[dict[str, torch.Tensor]]:
    return [{entry: tensor.clone() for entry, tensor in module.state_dict().items()} for module in modules]


def assert_states(mine: list[dict], others: list[dict]) -> None:
    for own, other in zip(mine, others, strict=True):
        assert own.keys() == other.keys()
        for entry, tensor in own.items():
            assert tensor.dtype == other[entry].dtype and tensor.numpy().tobytes() == other[entry].numpy().tobytes()


def read_with(data: bytes, modules: tuple[nn.Module, nn.Module, nn.Module]) -> fd.BayesNet:
    return read_native(data, "file", {"x": modules[0], "label": modules[1]}, {"z": modules[2]})


# --- what is written comes back ----------------------------------------------------------------------------


def test_networks_come_back_with_their_modules(tmp_path):
    net = written_network()
    fd.write(net, tmp_path / "vae.safetensors")
    modules = new_modules()
    again = fd.read(
        tmp_path / "vae.safetensors", modules={"x": modules[0], "label": modules[1]}, guide={"z": modules[2]}
    )
    assert (again.names, dict(again.parents)) == (net.names, dict(net.parents))
    assert dict(again.variables) == dict(net.variables)
    assert again.variables["x"] == Discrete(("False", "True"), (2, 2)) and again.variables["z"] == Real((2,))
    assert again["x"].module is modules[0] and again.guide["z"].module is modules[2]
    originals = [net["x"].module, net["label"].module, net.guide["z"].module]
    assert_states(states(*originals), states(*modules))
    rows = net.sample(50, seed=0)
    found = again.sample(50, seed=0)
    for name in net.names:
        assert np.array_equal(rows[name], found[name])
    assert np.array_equal(net.log_prob(rows), again.log_prob(rows))
    assert write_native(again) == write_native(net)


def test_settings_come_back():
    torch.manual_seed(0)
    mixture = nn.Linear(1, 6)

    class Mixture(nn.Module):
        def __init__(self):
            super().__init__()
            self.own = mixture

        def forward(self, y, k):
            return self.own(y[:, None] + k[:, None]).chunk(3, dim=1)

    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0))

        def forward(self, k):
            return self.scale * k[:, 1]

    module, mean = Mixture(), Mean()
    net = fd.BayesNet(
        {
            "k": fd.Bernoulli(0.5),
            "y": fd.Neural(["k"], mean, family="normal", std=1 / 3),
            "m": fd.Neural(["y", "k"], module, family="mixture", separate=True),
        }
    )
    again = read_native(write_native(net), "file", {"y": mean, "m": module})
    assert again["y"].std == 1 / 3 and again["m"].separate and again["m"].family == "mixture"
    assert again["y"] == net["y"] and again["m"] == net["m"]


class Odd(nn.Module):
    """Entries of all types and names, tied ones, views of others, and what is in no state."""

    def __init__(self, tied: bool = True):
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.again = nn.Linear(2, 2, bias=False)
        if tied:
            self.again.weight = self.linear.weight
        self.scale = nn.Parameter(torch.tensor(0.5))
        for name, tensor in {
            "brain": torch.tensor([1.5, float("nan"), -0.0], dtype=torch.bfloat16),
            "sixteen": torch.tensor([[65504.0]], dtype=torch.float16),
            "sixty-four": torch.tensor(1 / 3, dtype=torch.float64),
            "count": torch.tensor(2**62),
            "flags": torch.tensor([True, False]),
            "empty": torch.zeros((0, 3)),
            "empty too": torch.zeros((0, 3)),
            "small": torch.tensor([255], dtype=torch.uint8),
            "module": torch.eye(3).T[:, 1:],
            "guide é\ud800": torch.ones(1),
        }.items():
            self.register_buffer(name, tensor)
        self.register_buffer("scratch", torch.ones(2), persistent=False)

    def forward(self, x):
        return self.again(self.linear(x)) * self.scale


def odd_network(module: nn.Module) -> fd.BayesNet:
    return fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(2),
            "x": fd.Neural(["z"], module, family="normal", event_shape=(2,), std=1.0),
        }
    )


def test_entries_of_all_types_and_names():
    net = odd_network(Odd())
    data = write_native(net)
    tensors = load(data)
    assert len([key for key in tensors if key.startswith("module.")]) == 14 - 1  # tied weights once
    assert torch.bfloat16 in {tensor.dtype for tensor in tensors.values()}
    module = Odd()
    with torch.no_grad():
        for tensor in module.state_dict().values():
            tensor.zero_()
        module.scratch.fill_(3.0)
    read_native(data, "file", {"x": module})
    for entry, tensor in net["x"].module.state_dict().items():
        mine = module.state_dict()[entry]
        assert mine.dtype == tensor.dtype and mine.shape == tensor.shape
        assert torch.equal(mine.isnan(), tensor.isnan()) and torch.equal(mine.nan_to_num(), tensor.nan_to_num())
    assert module.scratch.tolist() == [3.0, 3.0]
    assert write_native(odd_network(module)) == data


def test_a_module_of_several_variables_is_stored_once():
    torch.manual_seed(0)
    shared, own = nn.Linear(2, 2), nn.Linear(2, 2)

    def net(a, b, c):
        def neural(parents, module):
            return fd.Neural(parents, module, family="normal", event_shape=(2,), std=1.0)

        made = fd.BayesNet({"z": fd.MultivariateNormal.standard(2), "a": neural(["z"], a), "b": neural(["a"], b)})
        return made.guided({"z": neural(["a"], c)})

    data = write_native(net(shared, own, shared))
    assert len(load(data)) == 4 + 2  # two linear modules, and the parameters of z
    one, two = nn.Linear(2, 2), nn.Linear(2, 2)
    again = read_native(data, "file", {"a": one, "b": two}, {"z": one})
    assert torch.equal(one.weight, shared.weight) and torch.equal(two.weight, own.weight)
    assert again["a"].module is again.guide["z"].module
    before = states(one, two)
    with pytest.raises(ValueError, match="'a' and the guide of 'z' share a module in the file: give both the same"):
        read_native(data, "file", {"a": one, "b": two}, {"z": nn.Linear(2, 2)})
    with pytest.raises(ValueError, match="'a' and 'b' have two modules in the file: give each its own, got one"):
        read_native(data, "file", {"a": one, "b": one}, {"z": one})
    assert_states(before, states(one, two))


def test_guides_without_modules_come_back():
    net = fd.BayesNet({"z": fd.Normal(0, 1), "x": fd.LinearGaussian(["z"], 0, [2], std=1)})
    guided = net.guided({"z": fd.LinearGaussian(["x"], 0, [0.4], std=0.5)})
    again = read_native(write_native(guided), "file")
    assert dict(again.guide) == dict(guided.guide)
    assert write_native(again) == write_native(guided) != write_native(net)


def test_autoregressive_models_come_back_and_shared_ones_once():
    made, guide = fd.MADE(3, hidden=(4,), n_context=2, seed=0), fd.MADE(2, hidden=(4,), head="normal", n_context=3)
    net = fd.BayesNet(
        {
            "label": fd.Bernoulli(0.5),
            "x": made.given(["label"]),
            "z": fd.MultivariateNormal.standard(2),
            "y": made.given(["z"]),
        }
    ).guided({"z": guide.given(["x"])})
    data = write_native(net)
    again = read_native(data, "file")
    assert write_native(again) == data
    assert again["x"].model is again["y"].model is not made
    assert type(again["x"].model) is fd.MADE and again.guide["z"].parents == ("x",)
    assert np.array_equal(again.sample(20, seed=0)["y"], net.sample(20, seed=0)["y"])
    assert len([key for key in load(data) if key.startswith("model.1.")]) == len(guide._state()[1])


@pytest.mark.parametrize(
    ("path", "value", "match"),
    [
        (["models"], [], "'models' is a list of one model or more"),
        (["models"], "left out", "the model of .x. is a number below 0"),
        (["models", 0], {"family": "MADE"}, "model 0 has a family and a structure"),
        (["models", 0, "family"], "BayesNet", "the family of model 0 is one of MADE"),
        (
            ["models", 0, "family"],
            "MarkovChain",
            "model 0 is no conditional of a network, a MarkovChain has no context",
        ),
        (["models", 0, "family"], "NADE", "BayesNet: "),
        (["models", 0, "structure"], {}, "BayesNet: "),
        (["models", 1], {"family": "MADE", "structure": {}}, "BayesNet: "),
        (["variables", 1, "settings", "model"], 1, "the model of 'x' is a number below 1"),
        (["variables", 1, "settings"], {"module": 0}, "the model of 'x' is a number below 1"),
        (["variables", 1, "event_shape"], [4], "'x' is Discrete"),
        (["variables", 1, "states"], ["a", "b"], "'x' is Discrete"),
        (["variables", 1, "parents"], [], "name the parents that give it"),
        (["variables", 1, "kind"], "Neural", "settings of 'x'|every"),
    ],
)
def test_wrong_models(path, value, match):
    made = fd.MADE(3, hidden=(4,), n_context=2)
    data = write_native(fd.BayesNet({"label": fd.Bernoulli(0.5), "x": made.given(["label"])}))
    with pytest.raises(fd.FormatError, match=match):
        read_native(changed(path, value, data=data), "file")


def test_what_is_to_be_learnt_comes_back_beside_modules():
    module = nn.Linear(1, 1)

    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.own = module

        def forward(self, z):
            return self.own(z)[:, 0]

    flat = Flat()
    net = fd.BayesNet({"z": fd.Normal(None, None), "x": fd.Neural(["z"], flat, family="normal", std=1.0)})
    again = read_native(write_native(net), "file", {"x": flat})
    assert not again.is_fitted and not again["z"].is_fitted and again["x"] == net["x"]


def test_files_without_modules_do_not_import_torch(tmp_path):
    net = fd.BayesNet({"z": fd.Normal(0, 1)}).guided({"z": fd.Normal(0, 2)})
    fd.write(net, tmp_path / "net.safetensors")
    code = "import sys, fastdgm as fd; fd.write(fd.read(sys.argv[1]), sys.argv[1]); print('torch' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "net.safetensors")], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "False"


def test_copies_and_pickles_keep_guides_and_shared_modules():
    net = written_network()
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert write_native(again) == write_native(net)
        assert again["x"].module is not net["x"].module
        assert again.sample(5, seed=1)["label"].tolist() == net.sample(5, seed=1)["label"].tolist()
    assert copy.copy(net).guide == net.guide and copy.copy(net)["x"].module is net["x"].module
    shared = nn.Linear(2, 2)
    tied = fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(2),
            "a": fd.Neural(["z"], shared, family="normal", event_shape=(2,), std=1.0),
            "b": fd.Neural(["z"], shared, family="normal", event_shape=(2,), std=1.0),
        }
    )
    for again in (copy.deepcopy(tied), pickle.loads(pickle.dumps(tied))):
        assert again["a"].module is again["b"].module is not shared


# --- what no file holds ------------------------------------------------------------------------------------


class Constant(nn.Module):
    def forward(self, features):
        return torch.zeros(len(features), 3)


class Extra(nn.Linear):
    def get_extra_state(self):
        return {"step": 3}

    def set_extra_state(self, state):
        pass


class ExtraTensor(nn.Linear):
    own = torch.tensor([3.0])

    def get_extra_state(self):
        return self.own

    def set_extra_state(self, state):
        self.own = state


def linear_network(module: nn.Module) -> fd.BayesNet:
    return fd.BayesNet(
        {
            "z": fd.MultivariateNormal.standard(2),
            "x": fd.Neural(["z"], module, family="normal", event_shape=(2,), std=1.0),
        }
    )


def test_entries_that_are_no_tensors_are_refused_by_name(tmp_path):
    with pytest.raises(TypeError, match="the entry '_extra_state' of the module of 'x' is no tensor but a dict"):
        fd.write(linear_network(Extra(2, 2)), tmp_path / "net.safetensors")
    complex_module = nn.Linear(2, 2)
    complex_module.register_buffer("wave", torch.zeros(2, dtype=torch.complex64))
    with pytest.raises(TypeError, match=r"'wave' of the module of 'x' is of type torch.complex64.* hold dense tensors"):
        fd.write(linear_network(complex_module), tmp_path / "net.safetensors")
    sparse = nn.Linear(2, 2)
    sparse.register_buffer("edges", torch.eye(2).to_sparse())
    with pytest.raises(TypeError, match=r"'edges' of the module of 'x' is .* layout torch.sparse_coo"):
        fd.write(linear_network(sparse), tmp_path / "net.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_extra_state_that_is_a_tensor_comes_back():
    module, other = ExtraTensor(2, 2), ExtraTensor(2, 2)
    other.own = torch.zeros(1)
    read_native(write_native(linear_network(module)), "file", {"x": other})
    assert other.own.tolist() == [3.0]


@pytest.mark.parametrize("suffix", [".bif", ".xmlbif", ".uai", ".net", ".xdsl", ".json"])
def test_other_formats_name_the_variable_and_what_can_hold_it(suffix, tmp_path):
    net = fd.BayesNet({"x": fd.Neural([], Constant(), family="bernoulli", event_shape=(3,))})
    with pytest.raises(TypeError, match=r"variable 'x' has a Neural; .safetensors files hold other kinds too"):
        fd.write(net, tmp_path / f"net{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_neighbours_refuse_modules_by_name():
    net = fd.BayesNet(
        {"k": fd.Bernoulli(0.5), "x": fd.Neural(["k"], nn.Linear(2, 2), family="categorical", n_states=2)}
    )
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    with pytest.raises(TypeError, match="variable 'x' has a Neural"):
        net.to_sklearn()
    for library, export in (("pgmpy", net.to_pgmpy), ("pyagrum", net.to_pyagrum)):
        if importlib.util.find_spec(library):
            with pytest.raises(TypeError, match="variable 'x' has a Neural"):
                export()


# --- modules that are not those of the file ----------------------------------------------------------------


def test_modules_that_are_missing_or_too_many():
    data = write_native(written_network())
    x, label, z = new_modules()
    before = states(x, label, z)
    with pytest.raises(ValueError) as caught:
        read_native(data, "file")
    text = str(caught.value)
    assert not isinstance(caught.value, fd.FormatError) and text.startswith("file: modules= lacks ['x', 'label']; ")
    assert "fastdgm.read(path, modules={'x': ..., 'label': ...}, guide={'z': ...})" in text
    assert "'x': bernoulli given ['z'], event_shape (2, 2): Sequential with 0.weight (5, 2) float32," in text
    assert "'label': categorical given ['x', 'kind'], states ['a', 'b', 'c']: Linear with weight (3, 7) float32" in text
    assert "the guide of 'z': normal given ['x'], event_shape (2,): Two with body.0.weight (3, 4) float32" in text
    both = {"x": x, "label": label}
    for modules, guide, match in [
        (both, None, r"guide= lacks \['z'\]"),
        ({"x": x}, {"z": z}, r"modules= lacks \['label'\]"),
        (both | {"y": x}, {"z": z}, r"modules= has \['y'\] too many"),
        (both | {"z": z}, {"z": z}, r"modules= has \['z'\] too many"),
        (both, {"z": z, "x": x}, r"guide= has \['x'\] too many"),
        (both | {"x": fd.Neural(["z"], x, family="bernoulli")}, {"z": z}, "'x' needs a torch.nn.Module.* got Neural"),
        (both | {"x": x.state_dict()}, {"z": z}, "'x' needs a torch.nn.Module.* got OrderedDict"),
        (both | {"x": nn.Linear}, {"z": z}, "'x' needs a torch.nn.Module.* got type"),
        (both | {"label": x}, {"z": z}, "'x' and 'label' have two modules in the file"),
    ]:
        with pytest.raises(ValueError, match=match):
            read_native(data, "file", modules, guide)
    with pytest.raises(TypeError, match="modules= maps names of variables to torch modules, got list"):
        read_native(data, "file", [x], {"z": z})
    assert_states(before, states(x, label, z))


def test_files_that_need_no_modules(tmp_path):
    net = fd.BayesNet({"z": fd.Normal(0, 1)})
    fd.write(net, tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"modules= has \['z'\] too many; the file needs none: it holds no"):
        fd.read(tmp_path / "net.safetensors", modules={"z": nn.Linear(1, 1)})
    fd.write(fd.MADE(3, hidden=(4,)), tmp_path / "made.safetensors")
    with pytest.raises(ValueError, match=r"modules= and guide= are for Bayes nets .* got a MADE"):
        fd.read(tmp_path / "made.safetensors", guide={"z": nn.Linear(1, 1)})
    fd.write(fd.example("asia"), tmp_path / "asia.bif")
    with pytest.raises(ValueError, match=r"modules= and guide= are for .safetensors files, got 'asia.bif'"):
        fd.read(tmp_path / "asia.bif", modules={})


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda: decoder(hidden=6), r"'0.weight' of the module of 'x' has shape \(6, 2\), the file's has \(5, 2\)"),
        (lambda: decoder().double(), "is of type torch.float64, the file's of torch.float32: give the module that"),
        (lambda: decoder()[:2], r"the module of 'x' is not that of the file's Sequential: it lacks \['2.bias', '2.w"),
        (lambda: nn.Sequential(*decoder(), nn.Linear(2, 2)), r"it has beside them \['4.bias', '4.weight'\]"),
        (lambda: nn.Sequential(nn.LazyLinear(5), *decoder()[1:]), "'0.weight' .* has no shape yet, .*: call the mod"),
        (lambda: decoder().to("meta"), "'0.weight' of the module of 'x' is no dense tensor with values"),
    ],
    ids=["shape", "type", "entries", "more", "lazy", "meta"],
)
def test_other_modules_are_refused_and_none_is_changed(change, match):
    data = write_native(written_network())
    x, label, z = change(), *new_modules()[1:]
    before = states(label, z)
    with pytest.raises(ValueError, match=match) as caught:
        read_with(data, (x, label, z))
    assert not isinstance(caught.value, fd.FormatError)
    assert_states(before, states(label, z))


def test_ties_are_those_of_the_file():
    tied, untied = write_native(odd_network(Odd())), write_native(odd_network(Odd(tied=False)))
    with pytest.raises(ValueError, match=r"'linear.weight' .* 'again.weight' .* are one tensor in the file, and two"):
        read_native(tied, "file", {"x": Odd(tied=False)})
    with pytest.raises(ValueError, match=r"'linear.weight' .* 'again.weight' .* are two tensors in the file, and one"):
        read_native(untied, "file", {"x": Odd()})


class Overlapping(nn.Module):
    """Two entries that share some of their memory, of which the file has two values."""

    def __init__(self, overlap: bool):
        super().__init__()
        self.register_buffer("long", torch.arange(4.0))
        self.register_buffer("short", self.long[:2] if overlap else torch.ones(2))

    def forward(self, z):
        return z + self.short


def test_modules_that_cannot_hold_the_state_stay_as_they_were():
    module = Overlapping(True)
    with pytest.raises(ValueError, match="the module of 'x' does not keep the entry 'long' that it was given"):
        read_native(write_native(linear_network(Overlapping(False))), "file", {"x": module})
    assert module.long.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_modules_that_raise_leave_all_as_they_were():
    class Broken(nn.Linear):
        def forward(self, z):
            raise RuntimeError("out of order")

    module = Broken(2, 2)
    before = states(module)
    with pytest.raises(ValueError, match=r"the module of 'x' takes .*, it raised: RuntimeError: out of order"):
        read_native(write_native(linear_network(nn.Linear(2, 2))), "file", {"x": module})
    assert_states(before, states(module))


def test_the_loaded_state_is_tried_out():
    """A state that is not finite is found when the file is read, and the module is as it was."""
    data = write_native(linear_network(nn.Linear(2, 2)))
    tensors = {
        key: tensor.fill_(torch.inf) if key.startswith("module.") else tensor for key, tensor in load(data).items()
    }
    module = nn.Linear(2, 2)
    before = states(module)
    with pytest.raises(fd.FormatError, match="that the module of 'x' gives are no parameters"):
        read_native(save(tensors, metadata=metadata(structure(data))), "file", {"x": module})
    assert_states(before, states(module))


# --- hostile files -----------------------------------------------------------------------------------------


def structure(data: bytes) -> dict:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["fastdgm"])["structure"]


def metadata(own: dict) -> dict[str, str]:
    return {"fastdgm": json.dumps({"format": 1, "family": "BayesNet", "structure": own})}


DATA = write_native(written_network())
TENSORS = load(DATA)


def changed(path: list, value: object, tensors: dict | None = None, data: bytes | None = None) -> bytes:
    """The file with another value at a place in its structure."""
    own = structure(data or DATA)
    inner = own
    for key in path[:-1]:
        inner = inner[key]
    if value == "left out":
        inner.pop(path[-1], None)
    elif type(inner) is list and path[-1] == len(inner):
        inner.append(value)
    else:
        inner[path[-1]] = value
    changed_tensors = (load(data) if data else TENSORS) | (tensors or {})
    own_tensors = {key: tensor for key, tensor in changed_tensors.items() if tensor is not None}
    return save(own_tensors, metadata=metadata(own))


X, LABEL, Z = (["variables", 0], ["variables", 2], ["guide", 0])


@pytest.mark.parametrize(
    ("path", "value", "tensors", "match"),
    [
        (["modules"], None, {}, "'modules' is a list of one module or more"),
        (["modules"], [], {}, "'modules' is a list of one module or more"),
        (["modules"], "left out", {}, "settings|module|missing or too many"),
        (["modules", 0], {}, {}, "module 0 has a class's name, entries, and nothing else"),
        (["modules", 0, "class"], 3, {}, "module 0 has a class's name"),
        (["modules", 0, "entries"], [0], {}, "the entries of module 0 are numbers of tensors"),
        (["modules", 0, "entries", "0.weight"], 99, {}, "the entries of module 0 are numbers of tensors"),
        (["modules", 0, "entries", "0.weight"], -1, {}, "the entries of module 0 are numbers of tensors"),
        (["modules", 0, "entries", "0.weight"], True, {}, "the entries of module 0 are numbers of tensors"),
        (["modules", 0, "entries", "0.weight"], "left out", {}, "the tensors of modules are those that their entries"),
        (["fitted"], True, {"module.99": torch.ones(1)}, "the tensors of modules are those that their entries name"),
        (["fitted"], True, {"module.0": None}, "the entries of module"),
        (["fitted"], True, {"module.0": torch.ones((5, 2), dtype=torch.complex64)}, "'module.0' is C64"),
        ([*X, "settings"], "left out", {}, "the settings of 'x' are family, module, separate, std"),
        ([*X, "settings"], {}, {}, "settings are those of a kind of conditional, 'x' has {}"),
        ([*X, "settings"], [], {}, "settings are those of a kind of conditional"),
        ([*X, "settings", "more"], 1, {}, "the settings of 'x' are family, module, separate, std"),
        ([*X, "settings", "family"], "poisson", {}, "the family of 'x' is one of bernoulli, categorical, .* 'poisson'"),
        ([*X, "settings", "family"], ["normal"], {}, "the family of 'x' is one of"),
        ([*X, "settings", "family"], "normal", {}, "the family of 'x', normal, does not go with Discrete"),
        ([*X, "settings", "family"], "categorical", {}, "'x' have shape"),
        ([*X, "settings", "std"], 1.0, {}, "std= goes with the normal family"),
        ([*X, "settings", "std"], "1", {}, "std null or a number"),
        ([*X, "settings", "std"], True, {}, "std null or a number"),
        ([*X, "settings", "separate"], 1, {}, "separate is true or false"),
        ([*X, "settings", "module"], 3, {}, "the module of 'x' is a number below 3, got 3"),
        ([*X, "settings", "module"], False, {}, "the module of 'x' is a number below 3"),
        ([*X, "settings", "module"], 1, {}, "every module is that of a variable, there are 3"),
        ([*X, "event_shape"], [2, 3], {}, "'x' have shape"),
        ([*X, "event_shape"], [2**41], {}, "the event_shape of 'x' is a list of numbers from 1 on"),
        ([*X, "event_shape"], [2**30, 2**30], {}, "a value of 'x' has at most"),
        ([*X, "event_shape"], [2**36], {}, "two rows of 'x', to try modules with"),
        ([*X, "event_shape"], [], {}, "'x' is real, so that its states are null"),
        ([*X, "states"], ["a"], {}, "a bernoulli variable has two states"),
        ([*X, "states"], None, {}, "the family of 'x', bernoulli, does not go with Real"),
        ([*X, "parents"], [], {}, "'x'"),
        ([*X, "parents"], ["z", "z"], {}, "parents must be distinct"),
        ([*X, "parents"], ["x"], {}, "a Bayes net has no cycle"),
        ([*X, "parents"], ["kind"], {}, "the module of 'x' takes tensors of shape .*, it raised"),
        ([*X, "kind"], "CPT", {}, "module|settings"),
        (["variables", 3, "settings"], {"a": 1}, {}, "settings are those of a kind of conditional, 'kind' has"),
        (["variables", 1, "settings"], {"a": 1}, {}, "a MultivariateNormal has no settings, 'z' has"),
        (["fitted"], True, {"weight.0": torch.ones(1)}, "'x' has a module or a model and no arrays"),
        (["guide"], {}, {}, "'guide' is a list, got dict"),
        (["guide"], [], {}, "every module is that of a variable"),
        ([*Z, "name"], "nobody", {}, "nobody"),
        ([*Z, "name"], "label", {}, "the guide of 'label' is for Real"),
        ([*Z, "parents"], ["z"], {}, "the guide of 'z' reads 'z' itself"),
        ([*Z, "event_shape"], [3], {}, "'z'"),
        ([*Z, "kind"], "CPT", {}, "the states|every module|module"),
        (["more"], 1, {}, "the structure has a list 'variables'"),
    ],
)
def test_wrong_files(path, value, tensors, match):
    modules = new_modules()
    before = states(*modules)
    with pytest.raises(fd.FormatError, match=match) as caught:
        read_with(changed(path, value, tensors), modules)
    assert str(caught.value).startswith("file: BayesNet: ")
    assert_states(before, states(*modules))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["x", "z", "label", "CPT", "Neural", "normal", "categorical", "0.weight"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "family"]), inner, max_size=2),
    max_leaves=5,
)
PLACES = [
    *([*own, key] for own in (X, LABEL, Z) for key in ("name", "parents", "states", "kind", "event_shape", "settings")),
    *([*own, "settings", key] for own in (X, LABEL, Z) for key in ("family", "std", "separate", "module")),
    *(["modules", k, key] for k in range(3) for key in ("class", "entries")),
    ["modules"],
    ["guide"],
    ["fitted"],
]
REPLACED = st.sampled_from([None, torch.zeros(0), torch.tensor(0.5), torch.ones((5, 2)), torch.ones(4).to(torch.int8)])
CHANGES = st.dictionaries(st.sampled_from(sorted(TENSORS)), REPLACED, max_size=1)


@given(path=st.sampled_from(PLACES), value=VALUES | st.just("left out"), tensors=CHANGES)
@settings(max_examples=80, deadline=None)
def test_any_change_is_a_value_error_or_a_network(path, value, tensors):
    modules = new_modules()
    before = states(*modules)
    try:
        again = read_with(changed(path, value, tensors), modules)
    except ValueError as error:
        assert str(error).startswith("file: ")
        assert_states(before, states(*modules))
    else:
        assert isinstance(again, fd.BayesNet) and repr(again)


@given(st.integers(0, len(DATA) - 1), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_any_byte_may_be_wrong(position, byte):
    modules = new_modules()
    before = states(*modules)
    try:
        read_with(DATA[:position] + bytes([byte]) + DATA[position + 1 :], modules)
    except ValueError as error:
        assert str(error).startswith("file: ")
        assert_states(before, states(*modules))
    with pytest.raises(fd.FormatError):
        read_with(DATA[:position], modules)
