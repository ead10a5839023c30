"""n, seed and start: what they mean for whole samples and for pieces, and what is refused before anything is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_nets import nets, random_net

import fastdgm as fd

NET = fd.BayesNet({f"x{v}": fd.Bernoulli(0.5) for v in range(10)})


def draw_whole(n: object = 5, seed: object = 0, start: object = 0) -> object:
    return NET.sample(n, seed=seed, start=start)


def draw_pieces(n: object = 5, seed: object = 0, start: object = 0) -> object:
    return NET.iter_samples(n, 2, seed=seed, start=start)  # refused here, not at the first piece


BAD_ARGUMENTS = [
    ({"n": -1}, ValueError, r"n must be between 0 and 2\*\*40 rows, got -1"),
    ({"n": 2**40 + 1}, ValueError, r"n must be between 0 and 2\*\*40 rows, got 1099511627777"),
    ({"n": 10**30}, ValueError, r"n must be between 0 and 2\*\*40"),
    ({"n": 5.0}, TypeError, "n must be an integer, got 5.0"),
    ({"n": True}, TypeError, "n must be an integer, got True"),
    ({"n": np.True_}, TypeError, "n must be an integer"),
    ({"n": "5"}, TypeError, "n must be an integer, got '5'"),
    ({"n": None}, TypeError, "n must be an integer, got None"),
    ({"n": np.float64(5)}, TypeError, "n must be an integer"),
    ({"seed": -1}, ValueError, r"seed must be between 0 and 2\*\*64 - 1, got -1"),
    ({"seed": 2**64}, ValueError, r"seed must be between 0 and 2\*\*64 - 1, got 18446744073709551616"),
    ({"seed": 0.0}, TypeError, "seed must be an integer, got 0.0"),
    ({"seed": False}, TypeError, "seed must be an integer, got False"),
    ({"seed": "0"}, TypeError, "seed must be an integer, got '0'"),
    ({"seed": [1, 2]}, TypeError, r"seed must be an integer, got \[1, 2\]"),
    ({"seed": np.random.RandomState(0)}, TypeError, "seed must be an integer"),
    ({"start": -1}, ValueError, "start must be at least 0"),
    ({"start": 2**64 - 4}, ValueError, r"start \+ n at most 2\*\*64, got start 18446744073709551612 with n 5"),
    ({"start": 1.0}, TypeError, "start must be an integer, got 1.0"),
    ({"start": True}, TypeError, "start must be an integer, got True"),
]


@pytest.mark.parametrize(("arguments", "error", "rule"), BAD_ARGUMENTS, ids=lambda x: str(x)[:40])
@pytest.mark.parametrize("draw", [draw_whole, draw_pieces])
def test_bad_arguments(draw, arguments, error, rule):
    with pytest.raises(error, match=rule):
        draw(**arguments)


@pytest.mark.parametrize(("chunk", "error"), [(0, ValueError), (-3, ValueError), (2.0, TypeError), (True, TypeError)])
def test_bad_chunks(chunk, error):
    with pytest.raises(error, match=r"chunk must be .* got"):
        NET.iter_samples(5, chunk, seed=0)


def test_more_rows_than_memory_are_refused_before_anything_is_allocated():
    with pytest.raises(ValueError, match=r"1099511627776 rows x 10 variables .*iter_samples.* 10240.0 GiB"):
        NET.sample(2**40, seed=0)
    assert len(next(NET.iter_samples(2**40, 3, seed=0))) == 3


def test_the_largest_seed_and_the_last_rows():
    last = NET.sample(5, seed=2**64 - 1, start=2**64 - 5)
    assert (last.seed, last.start) == (2**64 - 1, 2**64 - 5)
    assert (NET.sample(1, seed=2**64 - 1, start=2**64 - 1).block == last.block[:, 4:]).all()
    assert len(NET.sample(0, seed=0, start=2**64)) == 0


@pytest.mark.parametrize("integer", [np.int8, np.uint16, np.int64, np.uint64])
def test_any_integer_type_will_do(integer):
    x = NET.sample(integer(5), seed=integer(7), start=integer(3))
    assert (x.block == NET.sample(5, seed=7, start=3).block).all()


@given(nets(), st.integers(1, 400))
def test_pieces_concatenate_to_one_call(net, chunk):
    whole = net.sample(300, seed=8, start=77).block
    pieces = list(net.iter_samples(300, chunk, seed=8, start=77))
    assert (np.concatenate([piece.block for piece in pieces], axis=1) == whole).all()
    assert [piece.start for piece in pieces] == [77 + i for i in range(0, 300, chunk)]


@pytest.mark.parametrize("seed", [None, np.random.default_rng(4)], ids=["none", "generator"])
def test_the_key_of_pieces_is_drawn_once_and_kept(seed):
    net = random_net(2, 5)
    pieces = list(net.iter_samples(90, 40, seed=seed))
    assert len({piece.seed for piece in pieces}) == 1
    whole = net.sample(90, seed=pieces[0].seed).block
    assert (np.concatenate([piece.block for piece in pieces], axis=1) == whole).all()


def test_seeds_and_generators():
    net = random_net(2, 5)
    assert (net.sample(50, seed=1).block != net.sample(50, seed=2).block).any()
    assert net.sample(1).seed != net.sample(1).seed
    first, second = (net.sample(50, seed=np.random.default_rng(9)) for _ in range(2))
    assert (first.block == second.block).all()
    assert (net.sample(50, seed=np.uint64(7)).block == net.sample(50, seed=7).block).all()
