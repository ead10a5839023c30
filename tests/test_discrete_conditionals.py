"""Logistic, Softmax, NoisyOr and Deterministic: parameters, what is refused, and functions in networks."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from logistic_nets import beside_reals, discrete_net

import fastdgm as fd
from fastdgm.conditionals.deterministic import FunctionTable
from fastdgm.data.variables import Discrete, Real

BIT = Discrete(("False", "True"))
THREE = Discrete(("x", "y", "z"))


def test_parameters_are_read_only_and_counted():
    net = discrete_net()
    assert [net[name].n_parameters for name in ("y", "s", "o")] == [7, 12, 5]
    for array in (net["y"].weights, net["y"].bias, net["s"].weights, net["o"].probabilities):
        assert array.dtype == np.float64 and not array.flags.writeable
    with pytest.raises(AttributeError, match="a Logistic never changes"):
        net["y"].l2 = 1.0
    conditionals, _, _ = beside_reals(np.float32, 1)
    assert conditionals["y"].n_parameters == 8 and conditionals["s"].n_parameters == 6


def test_copies_are_equal():
    net = discrete_net()
    unknown = [fd.Logistic(["a"], l2=2.0), fd.Softmax(["a"], states=["u", "v"]), fd.NoisyOr(["a"])]
    for own in [net["y"], net["s"], net["o"], *unknown]:
        for other in (pickle.loads(pickle.dumps(own)), copy.deepcopy(own)):
            assert other == own and hash(other) == hash(own) and type(other) is type(own)
    assert fd.Logistic(["a"], [1.0], 0.5) != fd.Logistic(["a"], [1.0], 0.25)
    assert fd.Logistic(["a"], [1.0], 0.5) != fd.Logistic(["a"])
    assert fd.Logistic(["a"]) != fd.NoisyOr(["a"]) and fd.NoisyOr(["a"], [0.5]) != fd.NoisyOr(["a"])
    assert net["y"] != net["y"].trusted(*net["y"].__reduce__()[1][:-1], (THREE,) * 5)


def test_files_hold_them(tmp_path):
    net = discrete_net()
    fd.write(net, tmp_path / "net.safetensors")
    again = fd.read(tmp_path / "net.safetensors")
    assert all(again[name] == net[name] for name in net.names)
    assert [type(again[name]) for name in "yso"] == [fd.Logistic, fd.Softmax, fd.NoisyOr]
    assert (again.sample(100, seed=0).block == net.sample(100, seed=0).block).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fd.Logistic("ab"), "parents must be a list of names, got the string 'ab'"),
        (lambda: fd.Logistic({"a"}), "parents must be a list of names, because their order counts"),
        (lambda: fd.Logistic(["a", "a"], [1, 2], 0), "parents must be distinct"),
        (lambda: fd.Logistic([1], [1], 0), r"parents must be names \(strings\), got 1"),
        (lambda: fd.Logistic(["a"], [np.nan], 0), r"weights must be finite, got nan at \[0\]"),
        (lambda: fd.Logistic(["a"], [1.0], np.inf), "bias must be finite, got inf"),
        (lambda: fd.Logistic(["a"], ["x"], 0), "weights is a number or a rectangular array of real numbers"),
        (lambda: fd.Logistic(["a"], [[1.0]], 0), r"weights have shape \(n_columns,\).*got shape \(1, 1\)"),
        (lambda: fd.Logistic(["a"], [1.0], [0.0]), r"bias is one number, got shape \(1,\)"),
        (lambda: fd.Logistic(["a"], [1.0]), "got weights without bias"),
        (lambda: fd.Logistic(["a"], bias=1.0), "got bias without weights"),
        (lambda: fd.Logistic(["a"], l2=-1), "l2 must be at least 0 and finite, got -1"),
        (lambda: fd.Logistic(["a"], states=["x", "y", "z"]), "a yes/no variable has two states, got 3"),
        (lambda: fd.Softmax(["a"]), "a Softmax without weights needs states"),
        (lambda: fd.Softmax(["a"], [1.0], [0.0]), r"weights have shape \(n_states, n_columns\), got shape \(1,\)"),
        (lambda: fd.Softmax(["a"], [[1.0], [2.0]], [0.0]), r"for each of 2 states, got shape \(1,\)"),
        (lambda: fd.Softmax(["a"], [[1.0]], [0.0], states=["x", "y"]), "1 columns but 2 states"),
        (lambda: fd.NoisyOr(["a"], [1.5]), "probabilities must lie between 0 and 1, got 1.5"),
        (lambda: fd.NoisyOr(["a"], [0.5], leak=-0.1), "leak must lie between 0 and 1, got -0.1"),
        (lambda: fd.NoisyOr(["a", "b"], [0.5]), r"expected shape \(2,\), one for each parent, got shape \(1,\)"),
        (lambda: fd.Deterministic(["a"], 3), "needs a function of its parents' columns, got 3"),
        (lambda: fd.Deterministic(["a"], abs, states="ab"), "states must be a list of names"),
    ],
)
def test_what_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_weights_that_do_not_fit_their_parents():
    with pytest.raises(
        ValueError, match=r"weights of 'y' have shape \(2,\), expected \(3,\).*by parent: {'a': 1, 'c': 2"
    ):
        fd.BayesNet(
            {"a": fd.Bernoulli(0.5), "c": fd.Categorical([0.2, 0.3, 0.5]), "y": fd.Logistic(["a", "c"], [1, 2], 0)}
        )
    with pytest.raises(ValueError, match="parents of a NoisyOr have two states, 'c' of 'y' has states"):
        fd.BayesNet({"c": fd.Categorical([0.2, 0.3, 0.5]), "y": fd.NoisyOr(["c"], [0.5])})
    with pytest.raises(ValueError, match="parents of a NoisyOr have two states, 'x' of 'y' has real values"):
        fd.NoisyOr(["x"], [0.5]).bound("y", [Real()])
    bound = fd.Logistic(["v"], [1.0, 2.0], 0.0).bound("y", [Real((2,))])
    with pytest.raises(ValueError, match=r"made for parent 'v' with real values of shape \(2,\), got real values"):
        bound.bound("y", [Real()])


def test_parents_with_other_states_are_refused():
    net = fd.BayesNet({"a": fd.Categorical([0.5, 0.5], ["no", "yes"]), "y": fd.Logistic(["a"], [1.0], 0.0)})
    with pytest.raises(ValueError, match=r"position: this one was made for parent 'a' with states \['no', 'yes'\]"):
        fd.BayesNet({**net.conditionals, "a": fd.Categorical([0.5, 0.5], ["yes", "no"])})
    assert net["y"].bound("y", [Discrete(("no", "yes"))]) is net["y"]


# Functions --------------------------------------------------------------------------------------------------------


def table_of(function, states=("no", "yes")):
    net = fd.BayesNet(
        {
            "a": fd.Bernoulli(0.5),
            "c": fd.Categorical([0.2, 0.3, 0.5]),
            "d": fd.Deterministic(["a", "c"], function, states),
        }
    )
    assert isinstance(net["d"], FunctionTable)
    return net["d"].table.argmax(axis=-1).tolist()


def test_functions_of_codes_are_tables():
    expected = [[0, 1, 1], [0, 0, 1]]
    assert table_of(lambda a, c: (c > a).astype(int)) == expected
    assert table_of(lambda a, c: np.where(c > a, "yes", "no")) == expected
    assert table_of(lambda a, c: c > a, states=("False", "True")) == expected
    assert (
        table_of(lambda a, c: np.array(["yes" if y > x else "no" for x, y in zip(a, c, strict=True)], object))
        == expected
    )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a: a[:1], r"value for each row: expected shape \(2,\), got \(1,\)"),
        (lambda a: a.sum(), r"expected shape \(2,\), got \(\)"),
        (lambda a: a + 1, "codes from 0 to 1: row 1 is 2"),
        (lambda a: a - 1, "codes from 0 to 1: row 0 is -1"),
        (lambda a: a * 1.0, r"codes \(integers\), labels or booleans, got float64; leave out states="),
        (lambda a: np.where(a == 1, "yes", "maybe"), r"one of its states \['no', 'yes'\]: row 0 is 'maybe'"),
        (lambda a: a == 1, "one of its states .*: row 0 is 'False'"),
        (lambda a: np.array([None, "yes"], object), "row 0 is None"),
    ],
)
def test_functions_that_break_their_promise(function, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fd.BayesNet({"a": fd.Bernoulli(0.5), "d": fd.Deterministic(["a"], function, ["no", "yes"])})


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda a: a / 0.0, "finite numbers of type float64: row 0 is nan"),
        (lambda a: np.array(["x", "y"]), "a real variable, gives numbers, got <U1"),
    ],
)
def test_functions_with_values_that_are_no_numbers(function, message):
    with np.errstate(all="ignore"), pytest.raises((ValueError, TypeError), match=message):
        fd.BayesNet({"a": fd.Bernoulli(0.5), "d": fd.Deterministic(["a"], function)})


def many_configurations(function, states):
    """17 bits have more configurations than are tabulated."""
    bits = {f"b{i}": fd.Bernoulli(0.5) for i in range(17)}
    return fd.BayesNet(
        {**bits, "d": fd.Deterministic(list(bits), function, states), "e": fd.Logistic(["d"], [1.0], 0.0)}
    )


def parity(*bits):
    return np.bitwise_xor.reduce(bits)


def test_functions_of_many_codes_are_called():
    net = many_configurations(parity, ["even", "odd"])
    assert type(net["d"]) is fd.Deterministic and net.n_parameters == 17 + 2
    x = net.sample(100_000, seed=0)
    assert (x["d"] == x.block[:17].sum(axis=0) % 2).all() and np.isfinite(net.log_prob(x)).all()
    assert (net.sample(1000, seed=0, start=500).block == x.block[:, 500:1500]).all()
    rows = np.asarray(x[:3], np.int64)
    rows[1, 17] ^= 1
    assert net.log_prob(rows, per_variable=True)[:, 17].tolist() == [0.0, -np.inf, 0.0]
    assert pickle.loads(pickle.dumps(net["d"])) == net["d"] and net["d"] != fd.Deterministic(["a"], parity)


def test_a_function_that_is_no_table_cannot_be_written(tmp_path):
    with pytest.raises(TypeError, match="a Python function, which no file can hold"):
        fd.write(many_configurations(parity, ["even", "odd"]), tmp_path / "net.safetensors")
    assert not list(tmp_path.iterdir())


def test_the_row_of_a_bad_value_is_named():
    def breaks(*bits):
        return np.where(parity(*bits[:16]) == 1, 7, 0)

    net = many_configurations(breaks, ["even", "odd"])
    with pytest.raises(ValueError, match=r"function of 'd' gives codes from 0 to 1: row 100\d* is 7"):
        net.sample(1000, seed=0, start=1000)


def test_real_values_of_codes(tmp_path):
    conditionals = {
        "a": fd.Bernoulli(0.5),
        "x": fd.Deterministic(["a"], lambda a: 0.1 * a - 1.0),
        "y": fd.Logistic(["x"], [2.0], 0.5),
    }
    net = fd.BayesNet(conditionals)
    np.testing.assert_array_equal(net["x"].values, [-1.0, -0.9])
    for dtype in (np.float32, np.float64):
        x = net.sample(1000, seed=0, dtype=dtype)
        assert x["x"].dtype == dtype and (x["x"] == net["x"].values.astype(dtype)[x["a"]]).all()
        lp = net.log_prob(x)
        z = 2.0 * np.asarray(x["x"], float) + 0.5
        np.testing.assert_allclose(lp, np.log(0.5) - np.logaddexp(0, np.where(x["y"] == 1, -z, z)), rtol=1e-6)
    fd.write(net, tmp_path / "net.safetensors")
    again = fd.read(tmp_path / "net.safetensors")
    assert again["x"] == net["x"] and (again.sample(100, seed=0)["y"] == net.sample(100, seed=0)["y"]).all()
    assert pickle.loads(pickle.dumps(net["x"])) == net["x"]
    with pytest.raises(ValueError, match=r"values of 'x' have shape \(2,\), expected \(3,\)"):
        pickle.loads(pickle.dumps(fd.Deterministic(["a"], abs).bound("x", [BIT]))).trusted(
            ("a",), None, None, None, net["x"].values
        ).bound("x", [THREE])


def test_real_values_of_reals():
    net = fd.BayesNet(
        {
            "one": fd.Deterministic([], lambda: 1.5),
            "a": fd.Bernoulli(0.5),
            "x": fd.Deterministic(["one", "a"], lambda one, a: one + a),
            "d": fd.Deterministic(["x"], lambda x: x > 2, states=["False", "True"]),
        }
    )
    x = net.sample(1000, seed=1)
    assert (x["x"] == 1.5 + x["a"]).all() and (x["d"] == x["a"]).all()
    assert np.allclose(net.log_prob(x), np.log(0.5))
    assert np.isneginf(net.log_prob({**{name: x[name] for name in net.names}, "x": x["x"] + 1})).all()
