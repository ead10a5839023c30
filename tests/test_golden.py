"""Pinned samples: what (seed, row) means for a network. A change here is a CHANGELOG entry, never an accident.

Run this file (``PYTHONPATH=. python tests/test_golden.py``) to print the table anew after an intended change of the
clusters, the alias layout or the random words. The autoregressive models are in test_golden_autoregressive.py.
"""

from __future__ import annotations

import hashlib

import pytest

import fastdgm as fd

pytestmark = pytest.mark.generic_cpu

N_ROWS = 2000  # hashed; the first two are spelt out, a digit per variable
CASES = [(0, 0), (20_261_122, 2**32 - 3)]


def weather() -> fd.BayesNet:
    """Made for this file: zeros, a one, one state, 3 and 5 states, a rare parent, a child declared first."""
    return fd.BayesNet(
        {
            "wet": fd.CPT(
                ["rain", "season"], [[[0.9, 0.1], [1.0, 0.0], [0.5, 0.5]], [[0.2, 0.8], [0.0, 1.0], [0.3, 0.7]]]
            ),
            "rain": fd.CPT(["season"], [[0.7, 0.3], [0.999999, 0.000001], [0.25, 0.75]]),
            "season": fd.Categorical([0.2, 0.5, 0.3]),
            "planet": fd.Categorical([1.0]),
            "wind": fd.CPT(["season"], [[0.1, 0.2, 0.3, 0.4, 0.0], [0.2] * 5, [0.0, 0.0, 1.0, 0.0, 0.0]]),
            "coin": fd.Bernoulli(0.5),
        }
    )


NETWORKS = {"weather": weather, "asia": lambda: fd.example("asia"), "alarm": lambda: fd.example("alarm")}
GOLDEN = {
    ("weather", 0, 0): (
        "001011 112021",
        "8c7648f06b1fc413a6f2add230076f23",
    ),
    ("weather", 20_261_122, 4_294_967_293): (
        "001041 112020",
        "0d7b60a61194a437f34a8c6941c74b77",
    ),
    ("asia", 0, 0): (
        "11011111 11111111",
        "964117c9350c97f47e642b359685bfd3",
    ),
    ("asia", 20_261_122, 4_294_967_293): (
        "11111111 11010100",
        "0513f3246f98ca3c115cd25744a61dbc",
    ),
    ("alarm", 0, 0): (
        "1111111122121001121221100211211301220 1211111122121111101001100111210021222",
        "daecf657d995b64d13d18565746793a6",
    ),
    ("alarm", 20_261_122, 4_294_967_293): (
        "1111111100101121131221100012331300101 1111111100101123111001100311223120112",
        "f6c4c6b84a6b92976317d5dcec74bf26",
    ),
}


def fingerprint(name: str, seed: int, start: int) -> tuple[str, str]:
    block = NETWORKS[name]().sample(N_ROWS, seed=seed, start=start).block
    first_rows = " ".join("".join(map(str, row)) for row in block[:, :2].T.tolist())
    return first_rows, hashlib.sha256(block.tobytes()).hexdigest()[:32]


@pytest.mark.parametrize(("seed", "start"), CASES)
@pytest.mark.parametrize("name", NETWORKS)
def test_samples_are_what_they_were(name, seed, start):
    assert fingerprint(name, seed, start) == GOLDEN[name, seed, start]


if __name__ == "__main__":
    print("GOLDEN = {")
    for name in NETWORKS:
        for seed, start in CASES:
            rows, digest = fingerprint(name, seed, start)
            print(f'    ("{name}", {seed:_}, {start:_}): (\n        "{rows}",\n        "{digest}",\n    ),')
    print("}")
