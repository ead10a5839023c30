"""top_k and top_p: which states of a distribution are drawn among."""

from __future__ import annotations

import numpy as np
import pytest
from test_many_states import constant

import fastdgm as fd
from fastdgm.engines.truncation import most_probable


@pytest.mark.parametrize("top_p", [None, 1e-9, 0.3, 0.75, 0.9, 1.0])
@pytest.mark.parametrize("top_k", [None, 1, 3, 9])
def test_what_is_kept_is_the_shortest_beginning_with_enough_mass(top_k, top_p):
    weights = -np.sort(-np.random.default_rng(0).integers(1, 9, (50, 6)).astype(float), axis=1)
    reached = weights.cumsum(axis=1)
    for row, kept in zip(weights, most_probable(reached, reached - weights, top_k, top_p), strict=True):
        row = row[:top_k]
        n = len(row)
        if top_p is not None and top_p < 1:
            n = next(n for n in range(1, 7) if row[:n].sum() >= top_p * row.sum())
        assert kept.tolist() == [True] * n + [False] * (6 - n)


P = np.array([0.40, 0.20, 0.20, 0.10, 0.06, 0.04])  # a tie of two states


def of_logits():
    return constant([np.log(P)], np.float64, n_states=len(P))


def of_counts():
    data = np.repeat(np.arange(len(P)), (100 * P).round().astype(int))
    return fd.MarkovChain(1, n_vars=1, n_states=len(P), smoothing="add-alpha", alpha=0.0).fit(data[:, np.newaxis])


def of_a_module():
    torch = pytest.importorskip("torch", reason="torch is not installed")

    class Constant(torch.nn.Module):
        def forward(self, codes):
            return torch.log(torch.tensor(P)).expand(*codes.shape, len(P))

    return fd.Autoregressive(Constant(), 1, len(P))


@pytest.mark.filterwarnings("ignore:sampling runs the whole module:UserWarning")
@pytest.mark.parametrize("make", [of_logits, of_counts, of_a_module])
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 2, "top_p": 0.6}, [0]),  # 0.40 of 0.60
        ({"top_k": 2, "top_p": 0.7}, [0, 1]),
        ({"top_k": 3, "top_p": 0.7}, [0, 1]),  # 0.60 of 0.80
        ({"top_k": 4, "top_p": 0.9}, [0, 1, 2, 3]),  # 0.80 of 0.90 is less
        ({"top_k": 4, "top_p": 0.85}, [0, 1, 2]),
        ({"top_k": 99, "top_p": 0.61}, [0, 1, 2]),
        ({"top_p": 1e-9}, [0]),
        ({"top_k": 3, "top_p": 1.0}, [0, 1, 2]),
        ({"temperature": 0.5, "top_k": 3, "top_p": 0.8}, [0, 1]),  # 16 + 4 of 24
    ],
)
def test_top_p_is_the_share_of_what_top_k_leaves(make, options, kept):
    uniforms = (np.arange(4000)[:, np.newaxis] + 0.5) / 4000
    x = make().sample(4000, uniforms=uniforms, **options).ravel()
    p = P[kept] ** (1 / options.get("temperature", 1.0))
    assert np.bincount(x, minlength=len(P))[kept] == pytest.approx(4000 * p / p.sum(), abs=1.5)
    assert set(x.tolist()) == set(kept)
