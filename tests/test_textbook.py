"""Queries of textbooks and of other libraries' tutorials, with the answers that they print."""

from __future__ import annotations

import numpy as np
import pytest

import fastdgm as fd

# Koller and Friedman 2009, "Probabilistic Graphical Models", figure 3.4, sections 3.2.1 and 3.3: the student network.
STUDENT = fd.BayesNet(
    {
        "difficulty": fd.Categorical([0.6, 0.4], ["d0", "d1"]),
        "intelligence": fd.Categorical([0.7, 0.3], ["i0", "i1"]),
        "grade": fd.CPT(
            ["intelligence", "difficulty"],
            [[[0.3, 0.4, 0.3], [0.05, 0.25, 0.7]], [[0.9, 0.08, 0.02], [0.5, 0.3, 0.2]]],
            states=["g1", "g2", "g3"],
        ),
        "sat": fd.CPT(["intelligence"], [[0.95, 0.05], [0.2, 0.8]], states=["s0", "s1"]),
        "letter": fd.CPT(["grade"], [[0.1, 0.9], [0.4, 0.6], [0.99, 0.01]], states=["l0", "l1"]),
    }
)


@pytest.mark.parametrize(
    ("name", "state", "known", "published", "digits"),
    [
        ("letter", "l1", {}, 0.502, 3),
        ("letter", "l1", {"intelligence": "i0"}, 0.389, 3),
        ("letter", "l1", {"intelligence": "i0", "difficulty": "d0"}, 0.513, 3),
        ("intelligence", "i1", {"grade": "g3"}, 0.079, 3),
        ("difficulty", "d1", {"grade": "g3"}, 0.629, 3),
        ("intelligence", "i1", {"letter": "l0"}, 0.14, 2),
        ("intelligence", "i1", {"grade": "g3", "letter": "l0"}, 0.079, 3),
        ("intelligence", "i1", {"grade": "g3", "sat": "s1"}, 0.578, 3),
        ("difficulty", "d1", {"grade": "g3", "sat": "s1"}, 0.76, 2),
        ("intelligence", "i1", {"grade": "g2"}, 0.175, 3),
        ("intelligence", "i1", {"grade": "g2", "difficulty": "d1"}, 0.34, 2),
        ("intelligence", "i1", {"grade": "g3", "difficulty": "d1"}, 0.11, 2),
    ],
)
def test_student(name, state, known, published, digits):
    found = STUDENT.posterior([name], given=known)[state]
    assert found == pytest.approx(published, abs=0.51 * 10**-digits)
    row = {own: [label] for own, label in known.items()} or {"sat": [None]}
    k = STUDENT.states[name].index(state)
    assert STUDENT.predict_proba(row, name)[0, k] == pytest.approx(found, abs=1e-14)


def test_student_joint_and_independence():
    """Section 3.3.3: a joint probability by the chain rule; the independences of figure 3.4."""
    row = {"intelligence": ["i1"], "difficulty": ["d0"], "grade": ["g2"], "sat": ["s1"], "letter": ["l0"]}
    assert np.exp(STUDENT.log_prob(row))[0] == pytest.approx(0.3 * 0.6 * 0.08 * 0.8 * 0.4)  # 0.004608
    assert STUDENT.is_d_separated("difficulty", "intelligence")
    assert not STUDENT.is_d_separated("difficulty", "intelligence", given="letter")
    assert STUDENT.is_d_separated("letter", ["intelligence", "difficulty", "sat"], given="grade")
    assert STUDENT.mutual_information("difficulty", "intelligence") == 0.0
    assert STUDENT.mutual_information("difficulty", "intelligence", given="grade") > 0.01


# Lauritzen and Spiegelhalter 1988, "Local computations with probabilities on graphical structures", the chest clinic.
CLINIC = fd.BayesNet(
    {
        "asia": fd.Categorical([0.99, 0.01], ["no", "yes"]),
        "smoking": fd.Categorical([0.5, 0.5], ["no", "yes"]),
        "tuberculosis": fd.CPT(["asia"], [[0.99, 0.01], [0.95, 0.05]], states=["no", "yes"]),
        "cancer": fd.CPT(["smoking"], [[0.99, 0.01], [0.9, 0.1]], states=["no", "yes"]),
        "bronchitis": fd.CPT(["smoking"], [[0.7, 0.3], [0.4, 0.6]], states=["no", "yes"]),
        "either": fd.CPT(["tuberculosis", "cancer"], [[[1, 0], [0, 1]], [[0, 1], [0, 1]]], states=["no", "yes"]),
        "xray": fd.CPT(["either"], [[0.95, 0.05], [0.02, 0.98]], states=["no", "yes"]),
        "dyspnoea": fd.CPT(
            ["bronchitis", "either"], [[[0.9, 0.1], [0.3, 0.7]], [[0.2, 0.8], [0.1, 0.9]]], states=["no", "yes"]
        ),
    }
)

# Marginals in per cent, of anybody and of a visitor to Asia with dyspnoea, as programs print them ever since.
CLINIC_PER_CENT = [
    ({}, {"tuberculosis": 1.04, "cancer": 5.5, "bronchitis": 45.0, "xray": 11.03, "dyspnoea": 43.6}),
    (
        {"asia": "yes", "dyspnoea": "yes"},
        {"tuberculosis": 8.78, "cancer": 9.95, "bronchitis": 81.14, "smoking": 62.59},
    ),
]


@pytest.mark.parametrize(("known", "published"), CLINIC_PER_CENT)
def test_chest_clinic(known, published):
    for name, per_cent in published.items():
        assert 100 * CLINIC.posterior([name], given=known)["yes"] == pytest.approx(per_cent, abs=0.006)


def test_chest_clinic_of_the_examples_is_the_same():
    asia = fd.example("asia")
    names = {"tuberculosis": "tub", "cancer": "lung", "bronchitis": "bronc", "smoking": "smoke"}
    for name, theirs in names.items():
        found = CLINIC.posterior([name], given={"asia": "yes", "dyspnoea": "yes"})["yes"]
        assert asia.posterior([theirs], given={"asia": "yes", "dysp": "yes"})["yes"] == pytest.approx(found, abs=1e-14)


# Korb and Nicholson 2010, "Bayesian Artificial Intelligence", table 2.2: the cancer network under kinds of reasoning.
CANCER_PUBLISHED = [
    ({}, {"Pollution": 0.1, "Smoker": 0.3, "Cancer": 0.011, "Xray": 0.208, "Dyspnoea": 0.304}),
    ({"Dyspnoea": "True"}, {"Pollution": 0.102, "Smoker": 0.307, "Cancer": 0.025, "Xray": 0.217}),
    ({"Smoker": "True"}, {"Pollution": 0.1, "Cancer": 0.032, "Xray": 0.222, "Dyspnoea": 0.311}),
    ({"Cancer": "True"}, {"Pollution": 0.249, "Smoker": 0.825, "Xray": 0.9, "Dyspnoea": 0.65}),
    ({"Cancer": "True", "Smoker": "True"}, {"Pollution": 0.156, "Xray": 0.9, "Dyspnoea": 0.65}),
    ({"Dyspnoea": "True", "Smoker": "True"}, {"Pollution": 0.102, "Cancer": 0.067, "Xray": 0.247}),
]
CANCER_STATES = {"Pollution": "high", "Xray": "positive"}


@pytest.mark.parametrize(("known", "published"), CANCER_PUBLISHED)
def test_cancer(known, published):
    net = fd.example("cancer")
    for name, probability in published.items():
        found = net.posterior([name], given=known)[CANCER_STATES.get(name, "True")]
        cut_off = 2e-4 if probability == 0.011 else 0.0  # 0.0116, of which the book gives the first digits
        assert found == pytest.approx(probability, abs=5.1e-4 + cut_off)


def test_sprinkler():
    """Murphy 1998, "A brief introduction to graphical models and Bayesian networks": the wet grass."""
    net = fd.BayesNet(
        {
            "cloudy": fd.Bernoulli(0.5),
            "sprinkler": fd.CPT(["cloudy"], [[0.5, 0.5], [0.9, 0.1]]),
            "rain": fd.CPT(["cloudy"], [[0.8, 0.2], [0.2, 0.8]]),
            "wet": fd.CPT(["sprinkler", "rain"], [[[1.0, 0.0], [0.1, 0.9]], [[0.1, 0.9], [0.01, 0.99]]]),
        }
    )
    assert np.exp(net.log_prob({"wet": [1]}))[0] == pytest.approx(0.6471)
    assert net.posterior(["sprinkler"], given={"wet": 1})["1"] == pytest.approx(0.2781 / 0.6471, abs=1e-4)
    assert net.posterior(["rain"], given={"wet": 1})["1"] == pytest.approx(0.4581 / 0.6471, abs=1e-4)
    assert net.posterior(["sprinkler"], given={"wet": 1, "rain": 1})["1"] == pytest.approx(0.1945, abs=1e-4)


def test_alarm_of_pearl():
    """Russell and Norvig, "Artificial Intelligence", section 14.4: P(burglary | both call) = (0.284, 0.716)."""
    own = fd.BayesNet(
        {
            "burglary": fd.Bernoulli(0.001),
            "earthquake": fd.Bernoulli(0.002),
            "alarm": fd.CPT(["burglary", "earthquake"], [[[0.999, 0.001], [0.71, 0.29]], [[0.06, 0.94], [0.05, 0.95]]]),
            "john": fd.CPT(["alarm"], [[0.95, 0.05], [0.1, 0.9]]),
            "mary": fd.CPT(["alarm"], [[0.99, 0.01], [0.3, 0.7]]),
        }
    )
    found = own.posterior(["burglary"], given={"john": 1, "mary": 1})
    assert found.table == pytest.approx([0.716, 0.284], abs=5e-4)
    row = {"burglary": [0], "earthquake": [0], "alarm": [1], "john": [1], "mary": [1]}
    assert np.exp(own.log_prob(row))[0] == pytest.approx(0.000628, abs=5e-7)
