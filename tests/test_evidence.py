"""Known values and interventions in sample: what is no value of a variable is named."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

CANCER = fd.example("cancer")  # the states of Smoker are True, False


@pytest.mark.parametrize("smoker", ["True", True, 0, np.int64(0)])
@pytest.mark.parametrize("option", ["given", "do"])
def test_codes_labels_and_booleans(option, smoker):
    assert set(CANCER.sample(20, **{option: {"Smoker": smoker}}).labels("Smoker")) == {"True"}


@pytest.mark.parametrize("option", ["given", "do"])
@pytest.mark.parametrize(
    ("value", "error", "told"),
    [
        ({"smoker": "True"}, KeyError, "no variable 'smoker'.*did you mean 'Smoker'"),
        ({"Smoker": "Treu"}, KeyError, "'Treu' is no state of 'Smoker'.*did you mean 'True'"),
        ({"Smoker": 2}, ValueError, "codes of 'Smoker' run from 0 to 1, got 2"),
        ({"Smoker": None}, KeyError, "None is no state of 'Smoker'"),
        ("Smoker", TypeError, "is a mapping from variables to values"),
    ],
)
def test_unknown_values_are_named(option, value, error, told):
    with pytest.raises(error, match=told):
        CANCER.sample(10, **{option: value})


@pytest.mark.parametrize("option", ["given", "do"])
def test_numbers_that_could_be_codes_or_names_are_refused(option):
    net = fd.BayesNet({"year": fd.Categorical([0.5, 0.5], ["1990", "1991"])})
    with pytest.raises(ValueError, match="could be a code or one of"):
        net.sample(1, **{option: {"year": 1}})
