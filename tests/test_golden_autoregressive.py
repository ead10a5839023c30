"""Pinned rows and log-probabilities of every autoregressive family; see test_golden.py.

No model here is trained by gradients: parameters are frozen numbers (``numpy.random.RandomState`` never changes), and
a Markov chain's are counts. Discrete rows are equal on every machine; reals and log-probabilities agree within 1e-5.

Run this file (``PYTHONPATH=.:tests python tests/test_golden_autoregressive.py``) to print the tables anew.
"""

from __future__ import annotations

import hashlib
from pprint import pprint

import numpy as np
import pytest
from masked_models import with_normal_parameters

import fastdgm as fd

N_ROWS = 300
SHOWN = 3  # rows that are spelt out
SEED, START = 20_261_122, 2**32 - 3
ORDER = [3, 0, 5, 1, 4, 2]
TEXTS = ["abracadabra", "barbara", "a", "cab drab", "bad cad", "abba abba"]


def numbers(n_rows: int, n_states: int) -> np.ndarray:
    """Codes (n_rows, 6) in which some contexts are common and some never occur."""
    return (np.random.RandomState(0).random_sample((n_rows, 6)) ** 2 * n_states).astype(int)


def made(scale=1.5, **options) -> fd.MADE:
    return with_normal_parameters(fd.MADE(6, (7, 8), order=ORDER, **options), scale, np.random.RandomState(1))


def fvsbn() -> fd.FVSBN:
    return with_normal_parameters(fd.FVSBN(6, order=ORDER), 2.0, np.random.RandomState(2))


def nade(activation: str) -> fd.NADE:
    random = np.random.RandomState(3)
    shapes = {"W": (6, 5), "V": (6, 5), "b": 6, "c": 5}
    weights = {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return fd.NADE.from_parameters(**weights, activation=activation, order=ORDER)


MODELS = {
    "chain of full tables": lambda: fd.MarkovChain(2, n_states=4).fit(numbers(40, 4)),
    "chain by position": lambda: fd.MarkovChain(1, n_states=4, position_dependent=True).fit(numbers(40, 4)),
    "chain of what was seen": lambda: fd.MarkovChain(3, n_states=6000).fit(numbers(300, 6000)),
    "chain of what was seen by position": (
        lambda: fd.MarkovChain(2, n_states=6000, position_dependent=True).fit(numbers(300, 6000))
    ),
    "FVSBN": fvsbn,
    "NADE sigmoid": lambda: nade("sigmoid"),
    "NADE relu": lambda: nade("relu"),
    "MADE bernoulli": made,
    "MADE categorical": lambda: made(n_states=5),
    "MADE categorical float64": lambda: made(n_states=5, dtype=np.float64),
    "MADE normal": lambda: made(head="normal", activation="tanh"),
    "MADE mixture": lambda: made(0.5, head="mixture", n_components=3, activation="elu"),
}

GOLDEN = {
    "chain of full tables": (
        [[2, 3, 3, 0, 3, 1], [3, 3, 0, 1, 0, 0], [0, 3, 2, 0, 1, 1]],
        "a8c0e3b5c5ad83b7ba9a24d2fbe3bcd9",
        [-8.7346668, -8.7849792, -7.7679869],
    ),
    "chain by position": (
        [[2, 3, 3, 0, 3, 1], [3, 3, 0, 0, 3, 0], [0, 3, 2, 0, 1, 1]],
        "dbd23e8867987db8fede3fba7b740a97",
        [-7.7032338, -9.1193073, -7.4892491],
    ),
    "chain of what was seen": (
        [[48, 988, 3, 704, 571, 5326], [4843, 5457, 526, 84, 2039, 26], [4847, 2065, 2075, 7, 5982, 103]],
        "591c209c49c987a8c83670f7d84f47a7",
        [-17.687429, -45.536814, -7.2745802],
    ),
    "chain of what was seen by position": (
        [[113, 5882, 5194, 0, 2347, 777], [5077, 1174, 499, 4587, 5493, 463], [4847, 373, 5671, 52, 1990, 5181]],
        "631f3b0358d373be98e583bd7f50affa",
        [-49.956526, -34.267072, -33.15921],
    ),
    "FVSBN": (
        [[0, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 1], [0, 1, 1, 1, 0, 0]],
        "b2471d7c7bf4ad8af5c7b42cbbc671f8",
        [-3.3014667, -5.1453778, -4.1062688],
    ),
    "NADE sigmoid": (
        [[0, 1, 0, 0, 1, 0], [0, 1, 1, 0, 0, 0], [0, 1, 0, 0, 1, 0]],
        "5868320b0ed9e0631b4e9d6008704904",
        [-2.2958888, -6.561702, -2.2958888],
    ),
    "NADE relu": (
        [[0, 1, 0, 0, 1, 0], [0, 1, 1, 0, 0, 0], [0, 1, 0, 0, 1, 0]],
        "993170cf18f64f11f9df4e5dd418c068",
        [-0.92155855, -5.8864239, -0.92155855],
    ),
    "MADE bernoulli": (
        [[1, 1, 1, 0, 0, 0], [1, 1, 1, 0, 0, 1], [1, 1, 1, 0, 1, 0]],
        "11fe8f54aaa55fdc2a5f0b72f0bb9641",
        [-2.7815896, -2.8380333, -2.7477211],
    ),
    "MADE categorical": (
        [[4, 0, 0, 3, 2, 4], [4, 0, 0, 3, 3, 0], [4, 0, 1, 2, 2, 2]],
        "34b9408de25bfdf8bd3a83b6d581da14",
        [-6.56551, -8.9959092, -7.215068],
    ),
    "MADE categorical float64": (
        [[4, 0, 0, 3, 2, 4], [4, 0, 0, 3, 3, 0], [4, 0, 1, 2, 2, 2]],
        "34b9408de25bfdf8bd3a83b6d581da14",
        [-6.5655102, -8.9959093, -7.215068],
    ),
    "MADE normal": (
        [
            [0.93175292, -0.40652561, -4.9360132, 1.4310384, 1.5800753, 3.7217484],
            [0.92821676, -0.2596772, -0.85160625, 1.6549474, 4.4748831, -3.6539648],
            [0.92606151, -0.31659496, 0.44690335, 0.93275487, 0.49577776, 0.22625157],
        ],
        None,
        [-12.928991, -9.7799568, -6.7671325],
    ),
    "MADE mixture": (
        [
            [-5.2579989, 0.57745636, -1.7027369, 0.24229804, 0.11656293, -2.2783284],
            [-0.99674326, -1.8009393, -1.855208, 0.24126279, 0.43188661, -4.2299023],
            [-1.7237222, 1.3318832, -0.074922204, 0.23967046, 0.41374704, -1.3148098],
        ],
        None,
        [-15.611849, -11.808705, -8.4633052],
    ),
}
GOLDEN_TEXTS = ["a", "a", "a", "abbara", "ab dbbaa", "ba abaa ad", "abra", "barara", "bacab drabrbadabab"]
GOLDEN_TEXT_LOG_PROB = [-9.307551, -6.7822779, -2.232493, -11.121124, -7.8245637, -8.9431085]


def text_chain() -> fd.MarkovChain:
    return fd.MarkovChain(2, smoothing="kneser-ney").fit(TEXTS)


def fingerprint(name: str) -> tuple[list, str | None, list[float]]:
    """The first rows, the hash of all codes (None of reals), and the first log-probabilities."""
    model = MODELS[name]()
    x = model.sample(N_ROWS, seed=SEED, start=START)
    digest = None if x.dtype.kind == "f" else hashlib.sha256(x.tobytes()).hexdigest()[:32]
    return x[:SHOWN].tolist(), digest, model.log_prob(x[:SHOWN]).tolist()


@pytest.mark.parametrize("name", MODELS)
def test_rows_are_what_they_were(name):
    rows, digest, log_prob = fingerprint(name)
    expected_rows, expected_digest, expected_log_prob = GOLDEN[name]
    assert digest == expected_digest
    if digest is None:
        np.testing.assert_allclose(rows, expected_rows, rtol=1e-5)
    else:
        assert rows == expected_rows
    np.testing.assert_allclose(log_prob, expected_log_prob, rtol=1e-5)


def test_texts_are_what_they_were():
    model = text_chain()
    assert model.sample(9, seed=SEED, start=START) == GOLDEN_TEXTS
    np.testing.assert_allclose(model.log_prob(TEXTS), GOLDEN_TEXT_LOG_PROB, rtol=1e-7)


if __name__ == "__main__":
    print("GOLDEN = ", end="")
    pprint({name: fingerprint(name) for name in MODELS}, width=119, sort_dicts=False)
    print("GOLDEN_TEXTS =", text_chain().sample(9, seed=SEED, start=START))
    print("GOLDEN_TEXT_LOG_PROB =", text_chain().log_prob(TEXTS).tolist())
