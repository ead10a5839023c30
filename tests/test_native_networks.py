"""Native files of networks that are not all tables: every kind comes back, learnt or not, and nothing odd is read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

import fastdgm as fd
from fastdgm.data.variables import Real
from fastdgm.io import read_native, write_native

Z, W = fd.Bernoulli(0.3), fd.Categorical([0.25, 0.25, 0.5], ["a", "b", "c"])
VECTOR = fd.MultivariateNormal.given(["z"], [[0, 1], [2, 3]], [[2, 0.5], [0.5, 1]])
HYBRID = fd.BayesNet(
    {
        "x": fd.Normal.given(["w", "z"], [[-2, 3], [1, 0], [0, 1 / 3]], [[1, 0], [0.5, 2], [1e-300, 1e300]]),
        "z": Z,
        "w": W,
        "v": VECTOR,
        "y": fd.LinearGaussian(["v", "z", "x"], [0, 1], [1, -1, 0.1], 2),
        "u": fd.Uniform(-1, 1e9),
        "e": fd.Exponential(1 / 3),
        "l": fd.Laplace(0, 5e-324),
        "yes": fd.Logistic(["w", "x", "v"], [1, 2, 3, 4, 5], -1, l2=0.25, states=["no", "yes"]),
        "many": fd.Softmax(["x"], [[0.0], [1.0], [-1 / 3]], [0, 1, 2], states=["p", "q", "r"]),
        "or": fd.NoisyOr(["z", "yes"], [0.9, 1 / 3], leak=0.01),
        "not z": fd.Deterministic(["z"], lambda z: 1 - z, states=["0", "1"]),
        "double": fd.Deterministic(["w"], lambda w: 2.5 * w),
    }
)
UNFITTED = fd.BayesNet(
    {
        "z": Z,
        "x": fd.LinearGaussian(["z"]),
        "n": fd.Normal(None, None),
        "u": fd.Uniform(None, None),
        "v": fd.MultivariateNormal.given(["z"], size=3),
        "l": fd.Logistic(["x", "z"], l2=2, states=["no", "yes"]),
        "s": fd.Softmax(["x"], states=["p", "q", "r"]),
        "o": fd.NoisyOr(["z"], leak=0.25),
    }
)


def assert_same(net: fd.BayesNet, other: fd.BayesNet) -> None:
    assert net.names == other.names and dict(net.parents) == dict(other.parents) and net.states == other.states
    assert net.is_fitted == other.is_fitted
    for name, own in net.conditionals.items():
        found = other[name]
        assert found.variable == own.variable and found.n_parameters == own.n_parameters if own.is_fitted else True
        mine, others = own.parameters(), found.parameters()
        assert mine.keys() == others.keys()
        assert all(np.asarray(mine[key]).tobytes() == np.asarray(others[key]).tobytes() for key in mine), name


def test_every_kind_comes_back_to_the_last_bit(tmp_path):
    fd.write(HYBRID, tmp_path / "net.safetensors")
    again = fd.read(tmp_path / "net.safetensors")
    assert_same(HYBRID, again)
    kinds = {name: type(own).__name__ for name, own in again.conditionals.items()}
    assert kinds["x"] == "LinearGaussian" and kinds["v"] == "MultivariateNormal" and kinds["not z"] == "FunctionTable"
    assert again["not z"].n_parameters == 0
    assert again["v"].variable == Real((2,))
    assert write_native(again) == write_native(HYBRID)


def test_what_is_to_be_learnt_comes_back():
    data = write_native(UNFITTED)
    again = read_native(data, "file")
    assert not again.is_fitted
    assert_same(UNFITTED, again)
    assert [name for name, own in again.conditionals.items() if own.is_fitted] == ["z"]
    assert again["l"].l2 == 2 and again["o"].leak == 0.25
    assert write_native(again) == data


def test_structures_with_real_variables_come_back():
    net = fd.BayesNet.from_edges([("z", "x"), ("x", "y")], states={"z": ["a", "b"]}, real=["x"])
    again = read_native(write_native(net), "file")
    assert (again.names, again.edges, dict(again.variables)) == (net.names, net.edges, dict(net.variables))
    with pytest.raises(fd.FormatError, match="a vector has a kind of conditional, 'x' has none"):
        read_native(changed(net, "x", {"event_shape": [2]}), "file")


def test_tables_are_written_as_ever():
    """Files of tables have no kinds and no shapes: earlier versions read them."""
    net = fd.BayesNet({"z": Z, "w": fd.CPT(["z"], [[0.5, 0.5], [1, 0]])})
    variables = structure(write_native(net))["variables"]
    assert [set(own) for own in variables] == [{"name", "parents", "states"}] * 2
    assert variables[0]["states"] == ["False", "True"]


def test_a_function_of_real_parents_is_refused_by_name(tmp_path):
    net = fd.BayesNet({"x": fd.Normal(0, 1), "double": fd.Deterministic(["x"], lambda x: 2 * x)})
    with pytest.raises(TypeError, match=r"no file holds the conditional of 'double': .* a Python function"):
        fd.write(net, tmp_path / "net.safetensors")
    assert list(tmp_path.iterdir()) == []


# --- hostile files -----------------------------------------------------------------------------------------


def structure(data: bytes) -> dict:
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["fastdgm"])["structure"]


def changed(net: fd.BayesNet, name: str, change: dict, arrays: dict | None = None, fitted: bool | None = None) -> bytes:
    """The file of a network with other entries of one variable (None leaves one out), and other arrays of its own."""
    data = write_native(net)
    own, i = structure(data), net.names.index(name)
    entry = {key: value for key, value in {**own["variables"][i], **change}.items() if value != "left out"}
    own["variables"][i] = entry
    own["fitted"] = own["fitted"] if fitted is None else fitted
    tensors = load(data)
    for key, array in (arrays or {}).items():
        tensors[f"{key}.{i}"] = array
        if array is None:
            del tensors[f"{key}.{i}"]
    return save(tensors, metadata={"fastdgm": json.dumps({"format": 1, "family": "BayesNet", "structure": own})})


SCALAR, NEGATIVE = np.array(1.0), np.array(-1.0)


@pytest.mark.parametrize(
    ("name", "change", "arrays", "match"),
    [
        ("x", {"event_shape": None}, {}, "the event_shape of 'x' is a list of numbers from 1 on, got None"),
        ("x", {"event_shape": [0]}, {}, r"the event_shape of 'x' is a list of numbers from 1 on, got \[0\]"),
        ("x", {"event_shape": [True]}, {}, r"the event_shape of 'x' .* got \[True\]"),
        ("x", {"event_shape": [2**41]}, {}, r"the event_shape of 'x' .* got \[2199023255552\]"),
        ("x", {"event_shape": [1] * 65}, {}, "the event_shape of 'x' has at most 64 axes, got 65"),
        ("x", {"event_shape": [2]}, {}, "a LinearGaussian is one real number, 'x' is"),
        ("x", {"event_shape": "left out"}, {}, "the states of 'x' are a list of strings, got None"),
        ("x", {"event_shape": "left out", "states": ["a"]}, {}, "a LinearGaussian is one real number, 'x' is"),
        ("x", {"states": ["a"]}, {}, r"'x' is real, so that its states are null, got \['a'\]"),
        ("x", {"kind": "Normal"}, {}, "kinds of conditionals are CPT, .*, 'x' has 'Normal'"),
        ("x", {"kind": "left out"}, {}, "'x' has a table and no other arrays"),
        ("x", {"kind": "Uniform"}, {}, "'x'"),
        ("x", {"parents": ["w"]}, {}, "the intercept of 'x' has .* expected shape"),
        ("x", {"parents": ["w", "z", "z"]}, {}, "parents must be distinct"),
        ("x", {"parents": ["w", "x"]}, {}, "a Bayes net has no cycle"),
        ("x", {}, {"std": None}, "'x' has intercept, coefficients, std and no other arrays"),
        ("x", {}, {"more": SCALAR}, "'x' has intercept, coefficients, std and no other arrays"),
        ("x", {}, {"std": NEGATIVE}, "parameters of 'x': std must be finite and not below 0"),
        ("x", {}, {"intercept": np.array(np.inf)}, "parameters of 'x': intercept must be finite"),
        ("x", {}, {"intercept": np.array(True)}, "parameters of 'x': intercept is a number"),
        ("u", {}, {"low": np.array(2e9)}, "'u'|low|high"),
        ("u", {}, {"low": np.zeros(3)}, "'u'"),
        ("u", {"parents": ["z"]}, {}, "'u'"),
        ("e", {}, {"rate": NEGATIVE}, "'e'|rate"),
        ("l", {}, {"scale": NEGATIVE}, "'l'|scale"),
        ("v", {"event_shape": [3]}, {}, "'v'"),
        ("v", {"event_shape": []}, {}, "a MultivariateNormal is a vector of real numbers, 'v' is"),
        ("v", {}, {"covariance": np.array([[1.0, 2.0], [2.0, 1.0]])}, "positive definite"),
        ("v", {}, {"mean": np.zeros((2, 7))}, "'v'"),
        ("yes", {"states": ["a"]}, {}, "parameters of 'yes': .*two states"),
        ("yes", {}, {"weights": np.zeros(4)}, r"the weights of 'yes' have shape \(4,\), expected \(5,\)"),
        ("yes", {}, {"l2": NEGATIVE}, "parameters of 'yes': l2"),
        ("yes", {}, {"bias": None}, "'yes' has weights, bias and l2"),
        ("many", {}, {"bias": np.zeros(2)}, "parameters of 'many': bias"),
        ("or", {}, {"probabilities": np.array([0.5, 2.0])}, "parameters of 'or'"),
        ("or", {"states": ["a", "b"]}, {}, "the states of a NoisyOr"),
        ("double", {}, {"values": np.zeros(2)}, "the values of 'double' have shape"),
        ("not z", {}, {"table": np.full((2, 2), 0.75)}, "every row of a table sums to 1"),
    ],
)
def test_wrong_variables(name, change, arrays, match):
    with pytest.raises(fd.FormatError, match=match) as caught:
        read_native(changed(HYBRID, name, change, arrays), "file")
    assert str(caught.value).startswith("file: BayesNet: ")


def test_fitted_is_what_the_parameters_say():
    with pytest.raises(fd.FormatError, match="'fitted' is True, the parameters of some are left out"):
        read_native(changed(UNFITTED, "x", {}, fitted=True), "file")
    with pytest.raises(fd.FormatError, match="'fitted' is False, the parameters of none are left out"):
        read_native(changed(HYBRID, "x", {}, fitted=False), "file")
    with pytest.raises(fd.FormatError, match="missing or too many"):
        read_native(changed(UNFITTED, "z", {"kind": "left out"}, {"table": None}), "file")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["x", "z", "CPT", "Logistic", "Deterministic"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "states"]), inner, max_size=2),
    max_leaves=5,
)
ARRAYS = st.sampled_from(
    [
        np.zeros(0),
        np.array(0.5),
        np.array(-1e308),
        np.full((2, 2), 0.5),
        np.zeros((3, 2, 0)),
        np.ones((1, 1, 1, 1)),
        np.arange(3),
    ]
)


@pytest.mark.parametrize("net", [HYBRID, UNFITTED], ids=["fitted", "not fitted"])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_change_is_a_format_error_or_a_network(net, data):
    name = data.draw(st.sampled_from(net.names))
    keys = st.sampled_from(["name", "parents", "states", "kind", "event_shape", "more"])
    change = data.draw(st.dictionaries(keys, VALUES | st.just("left out"), max_size=2))
    own = list(net[name].parameters())
    arrays = data.draw(st.dictionaries(st.sampled_from([*own, "table"]), ARRAYS, max_size=2))
    try:
        again = read_native(changed(net, name, change, arrays), "file")
    except fd.FormatError as error:
        assert str(error).startswith("file: ")
    else:
        assert isinstance(again, fd.BayesNet) and repr(again)
        assert all(repr(own) for own in again.conditionals.values())
