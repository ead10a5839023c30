"""The native format: every bit comes back, and a file that is not right in every part is a FormatError."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import types
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from test_io_round_trip import any_names, assert_same, networks

import fastdgm as fd
from fastdgm.io import native, read_native, write_native
from fastdgm.runtime import memory

NET = fd.BayesNet(
    {
        "b": fd.CPT(["a"], [[0.1, 0.2, 0.7], [1, 0, 0]], states=["x", "State 1", "%"]),
        "a": fd.Categorical([0.25, 0.75], states=["<5", "12+"]),
    }
)


class Coin:
    """The smallest thing with the two methods that a family has."""

    def __init__(self, logits, note):
        self.logits, self.note = logits, note

    def _state(self):
        return {"note": self.note}, {"logits": self.logits}

    @classmethod
    def _from_state(cls, structure, arrays):
        if arrays["logits"].dtype != np.float32:
            raise TypeError(f"logits are float32, got {arrays['logits'].dtype}")
        if arrays["logits"].ndim != 1:
            raise ValueError(f"logits have one axis, got shape {arrays['logits'].shape}")
        return cls(arrays["logits"], structure["note"])


@pytest.fixture(autouse=True)
def coin(monkeypatch):
    module = types.ModuleType("coin_family")
    module.Coin = Coin
    monkeypatch.setitem(sys.modules, "coin_family", module)
    monkeypatch.setitem(native.FAMILIES, "Coin", "coin_family")


def encoded(head, arrays=None) -> bytes:
    text = head if isinstance(head, str) else json.dumps(head)
    return save(arrays or {}, metadata={"fastdgm": text})


def raw(header, data=b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def network_head(variables, fitted=True):
    return {"format": 1, "family": "BayesNet", "structure": {"fitted": fitted, "variables": variables}}


# --- what is written comes back ----------------------------------------------------------------------------


@given(net=networks(any_names))
def test_networks_come_back_to_the_last_bit(net):
    data = write_native(net)
    again = read_native(data, "file")
    assert_same(net, again)
    assert write_native(again) == data


@pytest.mark.parametrize("name", ["asia", "alarm"])
def test_example_networks_through_files(tmp_path, name):
    net = fd.example(name)
    path = tmp_path / "net.safetensors"
    fd.write(net, path)
    assert_same(net, fd.read(path))


def test_tables_of_many_states_come_back():
    counts = np.random.default_rng(0).integers(0, 9, (3, 50_000)) + 0.1
    table = counts / counts.sum(axis=1, keepdims=True)  # as fit makes them
    net = fd.BayesNet({"u": fd.Categorical([0.5, 0.25, 0.25]), "v": fd.CPT(["u"], table)})
    assert_same(net, read_native(write_native(net), "file"))


@pytest.mark.parametrize("states", [None, {"a": ["no", "yes"]}, {"a": ["1"], "b": ["x", "y"], "c": ["u"]}])
def test_networks_without_tables_come_back(states):
    net = fd.BayesNet.from_edges([("c", "b"), ("a", "b")], ["b"], states)
    again = read_native(write_native(net), "file")
    assert not again.is_fitted
    assert again.names == net.names
    assert again.order == net.order
    assert dict(again.parents) == dict(net.parents)
    assert dict(again.states) == dict(net.states)


@pytest.mark.parametrize("dtype", [np.float32, ">f4"])
def test_models_of_registered_families(tmp_path, dtype):
    logits = np.array([0.1, -np.inf, 3e-45], dtype)
    path = tmp_path / "COIN.SafeTensors"
    fd.write(Coin(logits, "é \ud800"), path)
    again = fd.read(path)
    assert type(again) is Coin
    assert again.note == "é \ud800"
    assert again.logits.dtype == np.float32
    assert again.logits.tobytes() == logits.astype("<f4").tobytes()
    assert again.logits.flags.owndata or again.logits.base.flags.owndata


@pytest.mark.parametrize("array", [np.array(1.5), np.zeros((0, 3), np.uint8), np.zeros((4, 6))[::2, ::3], [True]])
def test_arrays_of_any_shape(monkeypatch, array):
    monkeypatch.setattr(Coin, "_from_state", classmethod(lambda cls, structure, arrays: arrays["logits"]))
    again = read_native(write_native(Coin(np.asarray(array), None)), "file")
    assert again.dtype == np.asarray(array).dtype
    assert again.shape == np.shape(array)
    assert np.array_equal(again, array)


def test_reading_and_writing_load_neither_torch_nor_numba():
    code = (
        "import sys, tempfile, os, fastdgm as fd\n"
        "path = os.path.join(tempfile.mkdtemp(), 'a.safetensors')\n"
        "fd.write(fd.example('asia'), path); fd.read(path)\n"
        "assert not {'torch', 'numba', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- writing refuses ---------------------------------------------------------------------------------------


class Biased(Coin):
    pass


def test_write_refuses_what_is_no_model(tmp_path):
    path = tmp_path / "x.safetensors"
    for thing in ({"a": 1}, Biased(np.zeros(1), ""), None):
        with pytest.raises(
            TypeError, match=f"models with a file format are BayesNet, MADE, .* got {type(thing).__name__}"
        ):
            fd.write(thing, path)
    with pytest.raises(TypeError, match=r"'x.bif' is a format for a BayesNet, got Coin: .* go to .safetensors"):
        fd.write(Coin(np.zeros(1), ""), tmp_path / "x.bif")
    with pytest.raises(ValueError, match=r"takes no \.gz after it"):
        fd.write(NET, tmp_path / "x.safetensors.gz")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.safetensors"
    fd.write(NET, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON compliant"):
        fd.write(Coin(np.zeros(1, np.float32), float("nan")), path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


# --- hostile files -----------------------------------------------------------------------------------------

GOOD = write_native(NET)
HEADER = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


@pytest.mark.parametrize("data", [b"", b"\0", GOOD[:8], GOOD[:40], GOOD[:-1], GOOD + b"\0", b"PK\x03\x04" * 50])
def test_damaged_files(tmp_path, data):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(fd.FormatError, match=r"bad\.safetensors: no whole safetensors file"):
        fd.read(path)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (save({"a": np.zeros(3)}), "has an entry 'fastdgm', got none"),
        (save({"a": np.zeros(3)}, metadata={"format": "pt"}), "has an entry 'fastdgm', got none"),
        (raw({"__metadata__": {"fastdgm": 3}}), "no whole safetensors"),
        (raw(b"[" * 100_000), "no whole safetensors"),
        (encoded("{"), "is JSON: Expecting"),
        (encoded("[" * 100_000), "is JSON: maximum recursion depth|is JSON: .*"),
        (encoded('{"format": NaN}'), "numbers are finite, got NaN"),
        (encoded("9" * 5000), "is JSON: "),
        (encoded([1]), r"is a JSON object, got \[1\]"),
        (encoded({}), "reads format 1, got None"),
        (encoded({"format": 2}), "reads format 1, got 2"),
        (encoded({"format": 1}), "families of models are BayesNet, MADE, .* got None"),
        (encoded({"format": 1, "family": ["MADE"]}), r"got \['MADE'\]"),
        (encoded({"format": 1, "family": "os:system", "structure": {}}), "got 'os:system'"),
        (encoded({"format": 1, "family": "x" * 5000}), r"got 'x{100}.* \.\.\.$"),
        (encoded({"format": 1, "family": "Coin", "structure": []}), r"structure of a model is a JSON object, got \[\]"),
        (encoded({"format": 1, "family": "Coin", "structure": {}}), "Coin: logits"),
        (
            encoded({"format": 1, "family": "Coin", "structure": {}}, {"logits": np.zeros(1)}),
            "are float32, got float64",
        ),
        (encoded({"format": 1, "family": "Coin", "structure": {}}, {"logits": np.zeros(1, "f4")}), "Coin: note"),
        (encoded({"format": 1}, {"a": np.array([[0, np.nan]])}), r"arrays have no NaN, 'a' has one at \[0, 1\]"),
        (raw({"a": {**HEADER["a"], "dtype": "BF16", "shape": [2]}}, b"1234"), "has an entry 'fastdgm'"),
        (
            raw({"__metadata__": {"fastdgm": "{}"}, "a": {**HEADER["a"], "dtype": "BF16", "shape": [2]}}, b"1234"),
            "arrays are of type F32, .* 'a' is BF16",
        ),
        (
            raw({"__metadata__": {"fastdgm": "{}"}, "a": {**HEADER["a"], "shape": [0, 2**63], "data_offsets": [0, 0]}}),
            r"'a' has a shape that no array can have: \[0, 9223372036854775808\]",
        ),
        (raw({"__metadata__": {"fastdgm": "{}"}, "a": {**HEADER["a"], "shape": [1] * 65}}, b"1234"), "no array can"),
    ],
)
def test_wrong_metadata_and_arrays(data, match):
    with pytest.raises(fd.FormatError, match=match) as caught:
        read_native(data, "file")
    assert str(caught.value).startswith("file: ")
    assert len(str(caught.value)) < 1100


A = {"name": "a", "parents": [], "states": ["u", "v"]}
B = {"name": "b", "parents": ["a"], "states": ["x", "y"]}
TABLES = {"table.0": np.array([0.5, 0.5]), "table.1": np.array([[0.25, 0.75], [1.0, 0.0]])}


@pytest.mark.parametrize(
    ("variables", "tables", "match"),
    [
        (None, {}, "has a list 'variables'"),
        ([], {}, "at least one variable"),
        ([A, B], {"table.0": TABLES["table.0"]}, r"one table per variable.*missing or too many: \['table.1'\]"),
        ([A, B], {**TABLES, "table.01": TABLES["table.1"]}, r"missing or too many: \['table.01'\]"),
        ([A], TABLES, r"too many: \['table.1'\]"),
        ([A, A], TABLES, "names must be distinct, got 'a' twice"),
        ([A, 3], TABLES, "exactly a name, parents and states, got 3"),
        ([A, {**B, "more": 1}], TABLES, "exactly a name, parents and states"),
        ([A, {**B, "name": 1}], TABLES, "names are strings, got 1"),
        ([A, {**B, "parents": "a"}], TABLES, "the parents of 'b' are a list of strings, got 'a'"),
        ([A, {**B, "parents": [None]}], TABLES, r"the parents of 'b' are a list of strings, got \[None\]"),
        ([A, {**B, "states": None}], TABLES, "the states of 'b' are a list of strings, got None"),
        ([A, {**B, "states": ["x"]}], TABLES, "table of 'b': the table has 2 columns but 1 states are named"),
        ([A, {**B, "states": ["x", "x"]}], TABLES, "table of 'b': state names must be distinct"),
        ([A, {**B, "parents": []}], TABLES, "table of 'b': a table has one axis per parent"),
        ([A, {**B, "parents": ["z"]}], TABLES, "which is not in the network"),
        ([A, {**B, "parents": ["b"]}], TABLES, "a Bayes net has no cycle, got b -> b"),
        ([A, B], {**TABLES, "table.1": np.full((3, 2), 0.5)}, r"the table of 'b' has shape \(3, 2\)"),
        ([A, B], {**TABLES, "table.1": TABLES["table.1"].astype("f4")}, "'b' is of type float64, got float32"),
        ([A, B], {**TABLES, "table.1": TABLES["table.1"] + 1e-9}, "every row of a table sums to 1, one of 'b' is off"),
        (
            [A, B],
            {**TABLES, "table.1": np.array([[1.5, -0.5], [1, 0]])},
            "table of 'b': probabilities are finite and not",
        ),
        ([A, B], {**TABLES, "table.1": np.array([[np.inf, 0.5], [1, 0]])}, "sums to 1, one of 'b' is off by inf"),
        ([A, B], {**TABLES, "table.1": np.zeros((2, 0))}, "one of 'b' is off|at least one state"),
        ([A, B], {**TABLES, "table.1": np.array(1.0)}, "table of 'b': a table has one axis per parent"),
    ],
)
def test_wrong_networks(variables, tables, match):
    with pytest.raises(fd.FormatError, match=match) as caught:
        read_native(encoded(network_head(variables), tables), "file")
    assert str(caught.value).startswith("file: BayesNet: ")


@pytest.mark.parametrize(
    ("variables", "match"),
    [
        ([{**B, "parents": ["z"]}], "parents are variables of the network, got 'z'"),
        ([A, {**B, "states": [1]}], "the states of 'b' are a list of strings"),
        ([A, {**B, "states": []}], "1 to 65535 states, got 0"),
        ([{**A, "parents": ["b"]}, B], "a Bayes net has no cycle"),
        ([A, {**B, "parents": ["a", "a"]}], "is given twice"),
    ],
)
def test_wrong_networks_without_tables(variables, match):
    with pytest.raises(fd.FormatError, match=match):
        read_native(encoded(network_head(variables, fitted=False)), "file")


@settings(max_examples=300)
@given(st.data())
def test_any_damage_is_a_format_error_or_a_model(data):
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.sampled_from([0, 1, 1, 8]))] = data.draw(st.binary(max_size=2))
    try:
        net = read_native(bytes(damaged), "file")
    except fd.FormatError as error:
        assert str(error).startswith("file: ")
    else:
        assert isinstance(net, fd.BayesNet)


def test_a_file_larger_than_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 2**30)
    path = tmp_path / "big.safetensors"
    with path.open("wb") as file:
        file.truncate(2**29)  # sparse: it takes no room on the disk
    with pytest.raises(ValueError, match=r"big\.safetensors: .* needs 1.5 GiB, 1.0 GiB are available"):
        fd.read(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError):
        fd.read(tmp_path / "none.safetensors")
    with pytest.raises(IsADirectoryError):
        (tmp_path / "folder.safetensors").mkdir()
        fd.read(tmp_path / "folder.safetensors")


# --- every family ------------------------------------------------------------------------------------------

FAMILIES = {
    "FVSBN": lambda: native.class_of("FVSBN")(4, order=[2, 0, 3, 1]),
    "MADE": lambda: native.class_of("MADE")(4, hidden=(5, 3), order="random", masks="random", seed=1),
    "MADE of 3 states": lambda: native.class_of("MADE")(4, hidden=(6,), n_states=3, dtype=np.float64),
    "MADE of mixtures": lambda: native.class_of("MADE")(
        3, hidden=(6,), head="mixture", n_components=2, activation="tanh"
    ),
    "NADE": lambda: native.class_of("NADE")(4, hidden=5, order=[3, 1, 0, 2]),
    "MarkovChain": lambda: native.class_of("MarkovChain")(order=2).fit(["emma", "olivia", "ava"]),
    "MarkovChain of rows": lambda: native.class_of("MarkovChain")(1, n_vars=3, n_states=2, position_dependent=True).fit(
        [[0, 1, 1]]
    ),
}


def parts(data: bytes):
    """What the file holds, to be put together again after a change."""
    head = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["fastdgm"])
    return head, load(data)


@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES)
def test_every_family_comes_back(tmp_path, make):
    model, path = make(), tmp_path / "model.safetensors"
    fd.write(model, path)
    again = fd.read(path)
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert again.n_parameters == model.n_parameters
    assert write_native(again) == path.read_bytes()


@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES)
def test_every_family_refuses_wrong_arrays(make):
    head, arrays = parts(write_native(make()))
    wrong = [{**arrays, "more": np.zeros(1)}]
    for name, array in arrays.items():
        wrong.append({other: arrays[other] for other in arrays if other != name})
        changed = [array[np.newaxis], np.concatenate([array, array]), array[:0]]
        changed.append(array.astype(np.int8 if array.dtype.kind == "f" else np.float32))
        changed += [np.full_like(array, np.nan)] if array.dtype.kind == "f" else []
        wrong += [{**arrays, name: one} for one in changed]
    for mutated in wrong:
        with pytest.raises(fd.FormatError, match=r"^file: "):
            read_native(encoded(head, mutated), "file")


@pytest.mark.parametrize("make", FAMILIES.values(), ids=FAMILIES)
def test_no_family_trips_over_a_wrong_structure(make):
    head, arrays = parts(write_native(make()))
    for name in head["structure"]:
        without = {other: head["structure"][other] for other in head["structure"] if other != name}
        wrong = [without] + [{**without, name: odd} for odd in ([], {}, [[]], -1, 10**30, 0.5, "odd", True, None)]
        for structure in wrong:
            try:
                model = read_native(encoded({**head, "structure": structure}, arrays), "file")
            except fd.FormatError as error:
                assert str(error).startswith("file: ")
            else:
                assert type(model).__name__ == head["family"]  # the change may be another valid value


@cache
def written(name):
    return write_native(FAMILIES[name]())


def changed(data: bytes, edit) -> bytes:
    head, arrays = parts(data)
    arrays = {name: array.copy() for name, array in arrays.items()}
    edit(head["structure"], arrays)
    return encoded(head, arrays)


def set_structure(*keys, value):
    def edit(structure, arrays):
        for key in keys[:-1]:
            structure = structure[key]
        structure[keys[-1]] = value

    return edit


def set_array(name, at, value):
    def edit(structure, arrays):
        arrays[name][at] = value

    return edit


def cast(name, dtype):
    return lambda structure, arrays: arrays.update({name: arrays[name].astype(dtype)})


ODD = ([], {}, [[]], -1, 10**30, 0.5, "odd", True, None)
WRONG_LAYERS = [
    set_structure("layers", number, key, value=odd)
    for number in (0, 1)
    for key in ("activation", "source", "residual", "weighted")
    for odd in ODD
    if (key, odd) not in (("weighted", True), ("residual", -1))
]
WRONG_IN_MASKED = [
    *WRONG_LAYERS,
    set_structure("layers", value=[]),
    set_structure("layers", value={}),
    set_structure("layers", 0, "more", value=1),
    set_structure("more", value=1),
    lambda structure, arrays: structure["layers"][0].pop("residual"),
    lambda structure, arrays: structure["layers"].append(structure["layers"][0]),
    lambda structure, arrays: structure["layers"].reverse(),
    *(set_structure("n_states", value=odd) for odd in (0, 2, -3, 70_000, 65_536, 2**63, 3.0, *ODD)),
    *(set_structure("head_size", value=odd) for odd in (0, 2, 70_000, 2**63, *ODD)),
    *(set_structure("head", value=odd) for odd in ("affine", "normal", "Bernoulli", *ODD)),
    *(set_array("order", 0, value) for value in (-1, 4, 3, 2**62)),
    *(set_array("layer1.degrees", 0, value) for value in (-1, 9, 2**62, -(2**63))),
    *(set_array("layer1.degrees", -1, value) for value in (0, 5, 2**62)),
    *(set_array("layer2.degrees", 0, value) for value in (-1, 1, 9)),
    *(set_array(f"layer1.{name}", 0, value) for name in ("weights", "biases") for value in (np.nan, np.inf, -np.inf)),
    set_array("layer1.weights", (0, -1), 1.0),  # masked: reads a later variable
    set_array("layer2.weights", (0, 0), 1.0),  # the first variable depends on nothing
    *(cast("order", dtype) for dtype in (np.float64, np.bool_)),
    *(cast("layer1.degrees", dtype) for dtype in (np.float32, np.bool_)),
    *(cast("layer2.biases", dtype) for dtype in (np.float64, np.int64)),
]


def test_masked_families_refuse_what_is_wrong_inside():
    good = write_native(fd.MADE(4, (6,), n_states=3))
    for edit in WRONG_IN_MASKED:
        with pytest.raises(fd.FormatError, match=r"^file: (MADE: |arrays have no NaN)") as caught:
            read_native(changed(good, edit), "file")
        assert len(str(caught.value)) < 1100


@pytest.mark.parametrize(
    "edit",
    [
        set_structure("head", value="normal"),
        set_structure("layers", 0, "activation", value="relu"),
        set_array("layer1.weights", (0, 0), 1.0),
        set_array("layer1.degrees", 1, 0),
        set_array("order", 1, 2),
    ],
)
def test_an_fvsbn_is_one_bernoulli_layer(edit):
    with pytest.raises(fd.FormatError, match=r"^file: FVSBN: "):
        read_native(changed(written("FVSBN"), edit), "file")
    head, arrays = parts(write_native(fd.MADE(4, (6,))))
    with pytest.raises(fd.FormatError, match="one bernoulli layer"):
        read_native(encoded({**head, "family": "FVSBN"}, arrays), "file")


@pytest.mark.parametrize(
    "edit",
    [
        *(set_structure("activation", value=odd) for odd in ("tanh", *ODD)),
        set_structure("more", value=1),
        *(set_array("order", 0, value) for value in (-1, 4, 1, 2**62)),
        *(set_array(name, 0, value) for name in "WVbc" for value in (np.nan, np.inf)),
        *(cast(name, dtype) for name in "WVbc" for dtype in (np.float64, np.int64)),
        *(cast("order", dtype) for dtype in (np.float64, np.bool_)),
        lambda structure, arrays: arrays.update(order=arrays["order"][:, np.newaxis]),
        lambda structure, arrays: arrays.update(W=arrays["W"].T.copy(), V=arrays["V"].T.copy()),
        lambda structure, arrays: arrays.update(W=arrays["W"][:, :0], V=arrays["V"][:, :0], c=arrays["c"][:0]),
    ],
)
def test_a_nade_refuses_what_is_wrong_inside(edit):
    with pytest.raises(fd.FormatError, match=r"^file: (NADE: |arrays have no NaN)"):
        read_native(changed(written("NADE"), edit), "file")


def test_a_large_structure_is_refused_before_anything_is_made_of_it(monkeypatch):
    """What a file says is compared with what it holds, or with memory, before arrays of that length are made."""
    monkeypatch.setattr(memory, "available_memory", lambda: 2**28)
    layers = [{"activation": "linear", "source": 0, "residual": -1, "weighted": False}] * 20_000
    structure = {"head": "bernoulli", "n_states": 1, "head_size": 1, "layers": layers}
    arrays = {"order": np.arange(20_000), "layer20000.biases": np.zeros(20_000, np.float32)}
    wide = {"head": "mixture", "n_states": 1, "head_size": 3 * 10**9, "layers": layers[:1]}
    one = {"order": np.arange(1), "layer1.biases": np.zeros(3, np.float32)}
    for odd, own in ((structure, arrays), (wide, one), ({**wide, "head_size": 3 * 10**30}, one)):
        with pytest.raises(fd.FormatError, match=r"are available|must have shape"):
            read_native(encoded({"format": 1, "family": "MADE", "structure": odd}, own), "file")


NADE_HEAD = '{"format": 1, "family": "NADE", "structure": '


def nested(n):
    return "[" * n + "]" * n


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('{"format": true, "family": "NADE", "structure": {}}', "reads format 1, got True"),
        ('{"format": 1.0, "family": "NADE", "structure": {}}', r"reads format 1, got 1\.0"),
        ('{"format": 1, "format": 1, "family": "NADE", "structure": {}}', "keys of an object are distinct"),
        ('{"format": 1, "family": "NADE", "structure": {"activation": "relu", "activation": "relu"}}', "distinct"),
        *((NADE_HEAD + nested(n) + "}", "^file: ") for n in (500, 940, 960, 980)),
        *((NADE_HEAD + '{"activation": ' + nested(n) + "}}", "^file: ") for n in (900, 970)),
    ],
)
def test_json_that_leaves_a_choice_or_is_too_deep(text, match):
    with pytest.raises(fd.FormatError, match=match) as caught:
        read_native(encoded(text), "file")
    assert len(str(caught.value)) < 1100


@pytest.mark.parametrize(
    ("variables", "fitted", "match"),
    [
        ([{**A, "states": ["u", "u"]}], False, "state names must be distinct|given twice|distinct"),
        ([{**A, "states": [str(i) for i in range(65_536)]}], False, "65535 states"),
        ([A, A], False, "names must be distinct"),
        ([{**A, "name": None}], False, "names are strings"),
        ([{**A, "parents": ["a"]}], False, "no cycle"),
        ([A, {**B, "parents": ["a", "a"]}], True, "must be distinct"),
        ([A, {**B, "states": ["x", "y", "z"]}], True, "2 columns but 3 states"),
    ],
)
def test_wrong_networks_of_either_kind(variables, fitted, match):
    with pytest.raises(fd.FormatError, match=match) as caught:
        read_native(encoded(network_head(variables, fitted), TABLES if fitted else {}), "file")
    assert len(str(caught.value)) < 1100


def json_values():
    scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    )


def places(value, path=()):
    """Paths of everything inside a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@settings(max_examples=150)
@given(st.data())
def test_any_edit_of_a_structure_or_an_array_is_a_format_error_or_a_model(data):
    name = data.draw(st.sampled_from([name for name in FAMILIES if not name.startswith("Markov")]))
    head, arrays = parts(written(name))
    structure = head["structure"]
    if data.draw(st.booleans()):
        path = data.draw(st.sampled_from([path for path in places(structure) if path]))
        set_structure(*path, value=data.draw(json_values()))(structure, arrays)
    else:
        own = data.draw(st.sampled_from(sorted(arrays)))
        array = arrays[own].copy()
        at = data.draw(st.integers(0, array.size - 1))
        numbers = st.floats(width=32) if array.dtype.kind == "f" else st.integers(-(2**63), 2**63 - 1)
        array.reshape(-1)[at] = data.draw(numbers)
        arrays[own] = array
    try:
        model = read_native(encoded(head, arrays), "file")
    except fd.FormatError as error:
        assert str(error).startswith("file: ")
        assert len(str(error)) < 1100
    else:
        assert write_native(model) == write_native(read_native(write_native(model), "file"))
        assert sorted(model.order.tolist()) == list(range(model.n_vars))
