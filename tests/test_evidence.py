"""Known values in sample: refused with the line that does it today, which does it."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

CANCER = fd.example("cancer")  # the states of Smoker are True, False


def suggestion(**options) -> str:
    with pytest.raises(ValueError, match=r"is not supported yet by BayesNet.sample") as caught:
        CANCER.sample(10, **options)
    return str(caught.value)


@pytest.mark.parametrize("smoker", ["True", True, 0, np.int64(0)])
def test_given_is_told_to_keep_what_agrees(smoker):
    told = suggestion(given={"Smoker": smoker, "Xray": "positive"})
    assert told.endswith("x = net.sample(100_000); x = x[(x['Smoker'] == 0) & (x['Xray'] == 0)]")
    names = {"net": CANCER}
    exec(told.partition(": ")[2], names)
    x = names["x"]
    assert set(x.labels("Smoker")) == {"True"}
    assert set(x.labels("Xray")) == {"positive"}


def test_do_is_told_to_set_the_variable():
    told = suggestion(do={"Smoker": "True"})
    expression = told.partition(": ")[2].replace(".sample(n)", ".sample(400_000, seed=1)")
    x = eval(expression, {"net": CANCER, "fd": fd})
    assert set(x.labels("Smoker")) == {"True"}
    assert (x["Cancer"] == 0).mean() == pytest.approx(0.032, abs=0.002)


def test_do_on_many_states_is_short():
    net = fd.BayesNet({"x": fd.Categorical(np.full(300, 1 / 300))})
    with pytest.raises(ValueError, match=r"fd.Categorical\(np.eye\(300\)\[7\], net.states\['x'\]\)"):
        net.sample(1, do={"x": "7"})


@pytest.mark.parametrize("option", ["given", "do"])
@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        ({"smoker": "True"}, KeyError, "no variable 'smoker'.*did you mean 'Smoker'"),
        ({"Smoker": "Treu"}, KeyError, "'Treu' is no state of 'Smoker'.*did you mean 'True'"),
        ({"Smoker": 2}, ValueError, "codes of 'Smoker' run from 0 to 1, got 2"),
        ({"Smoker": None}, KeyError, "None is no state of 'Smoker'"),
        (["Smoker"], TypeError, "is a mapping from variables to values"),
    ],
)
def test_unknown_values_are_named_first(option, value, error, told):
    with pytest.raises(error, match=told):
        CANCER.sample(10, **{option: value})


def test_numbers_that_could_be_codes_or_names_are_refused():
    net = fd.BayesNet({"year": fd.Categorical([0.5, 0.5], ["1990", "1991"])})
    with pytest.raises(ValueError, match="could be a code or one of"):
        net.sample(1, given={"year": 1})


REALS = fd.BayesNet(
    {
        "a": fd.Exponential(1.0),
        "s": fd.Logistic(["a"], [1.0], 0.0),
        "b": fd.LinearGaussian(["s", "a"], intercept=[1, 5], coefficients=[[2], [3]], std=0.5),
        "v": fd.MultivariateNormal.standard(2),
    }
)


def test_do_is_told_to_set_a_real_variable():
    with pytest.raises(ValueError, match=r"do= is not supported yet by BayesNet.sample") as caught:
        REALS.sample(3, do={"a": 2, "s": "True"})
    expression = str(caught.value).partition(": ")[2].replace(".sample(n)", ".sample(4000, seed=1)")
    x = eval(expression, {"net": REALS, "fd": fd})
    assert set(x["a"]) == {2.0}
    assert set(x["s"]) == {1}
    assert x["b"].mean() == pytest.approx(11.0, abs=0.05)


@pytest.mark.parametrize(
    ("do", "error", "told"),
    [
        ({"c": 1.0}, KeyError, r"no variable 'c'; the network has \['a', 's', 'b', 'v'\]"),
        ({"a": "high"}, ValueError, "do: 'a' is real, got 'high'"),
        ({"a": [1.0, 2.0]}, ValueError, "do: a value of 'a' is one number"),
        ({"a": np.inf}, ValueError, "do: values are finite"),
        ({"v": [1.0, 2.0]}, ValueError, "no conditional sets a vector to a value, as 'v' is one"),
    ],
)
def test_do_on_what_cannot_be_set(do, error, told):
    with pytest.raises(error, match=told):
        REALS.sample(3, do=do)
