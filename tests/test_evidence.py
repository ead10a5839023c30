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
