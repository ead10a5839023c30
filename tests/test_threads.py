"""Threads change nothing but the time: same bits for any number of them, and a pool that behaves."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_nets import codes_of, random_net

import fastdgm as fd
from fastdgm.data.blocks import Block
from fastdgm.data.boundary import as_block
from fastdgm.kernels.tiles import TILE
from fastdgm.learning.counts import count_families
from fastdgm.runtime import threads
from fastdgm.runtime.pieces import SMALL_CELLS, cell_ranges

N_ROWS = 60_000
NET = random_net(21, 9)
ROWS = codes_of(NET, N_ROWS)
WEIGHTS = np.random.default_rng(1).random(N_ROWS)


def counts(weights: np.ndarray | None) -> np.ndarray:
    return np.concatenate([own.ravel() for own in count_families(NET.parents, as_block(ROWS, NET.states), weights)])


OPERATIONS = {
    "sample": lambda: NET.sample(N_ROWS, seed=1, start=2**32 - 777).block,
    "log_prob of rows": lambda: NET.log_prob(ROWS),
    "log_prob of columns": lambda: NET.log_prob(np.asfortranarray(ROWS.astype(np.uint8))),
    "log_prob per variable": lambda: NET.log_prob(ROWS, per_variable=True),
    "counts": lambda: counts(None),
    "weighted counts": lambda: counts(WEIGHTS),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
def test_the_bits_do_not_depend_on_the_number_of_threads(operation, monkeypatch):
    assert len(cell_ranges(N_ROWS, len(NET), Block.cells_per_piece)) > 1
    results = []
    for setting in ("1", "2", "7"):
        monkeypatch.setenv("FASTDGM_NUM_THREADS", setting)
        results.append(operation().tobytes())
    assert results[0] == results[1] == results[2]


@given(st.integers(0, 10**9), st.integers(1, 2000))
def test_pieces_are_the_rows_in_order_cut_at_whole_tiles(n, n_vars):
    pieces = cell_ranges(n, n_vars, Block.cells_per_piece)
    if n == 0:
        assert pieces == []
    else:
        assert (pieces[0][0], pieces[-1][1]) == (0, n)
        assert all(begin < end for begin, end in pieces)
        assert all(end == following and end % TILE == 0 for (_, end), (following, _) in pairwise(pieces))
    if n * n_vars <= SMALL_CELLS:
        assert len(pieces) <= 1


# --- how many -------------------------------------------------------------------------------------------


@pytest.fixture
def no_settings(monkeypatch):
    for name in ("FASTDGM_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_the_default_is_what_the_process_may_use(no_settings):
    assert threads.get_num_threads() >= 1
    no_settings.setattr(threads, "_cgroup_limit", lambda: 1)
    assert threads.get_num_threads() == 1


def test_our_own_setting_counts_first(no_settings):
    no_settings.setenv("OMP_NUM_THREADS", "3")
    assert threads.get_num_threads() == 3
    no_settings.setenv("NUMBA_NUM_THREADS", "4")
    assert threads.get_num_threads() == 4
    no_settings.setenv("FASTDGM_NUM_THREADS", "5")
    assert threads.get_num_threads() == 5
    no_settings.setenv("FASTDGM_NUM_THREADS", "")
    assert threads.get_num_threads() == 4


@pytest.mark.parametrize("setting", ["0", "-1", "two", "1.5", " "])
def test_a_bad_setting_is_named(setting, no_settings):
    no_settings.setenv("FASTDGM_NUM_THREADS", setting)
    with pytest.raises(ValueError, match=f"FASTDGM_NUM_THREADS must be a positive integer, got '{setting}'"):
        NET.sample(N_ROWS, seed=0)


# --- the pool -------------------------------------------------------------------------------------------

PIECES = [(i, i + 1) for i in range(40)]


@pytest.mark.parametrize("setting", ["1", "2", "7", "100"])
def test_results_come_in_the_order_of_the_pieces(setting, monkeypatch):
    monkeypatch.setenv("FASTDGM_NUM_THREADS", setting)
    assert threads.run_pieces(lambda begin, end: (begin, end), PIECES) == PIECES
    assert threads.run_pieces(lambda begin, end: begin, []) == []


def test_an_error_in_a_piece_comes_out_and_the_rest_is_dropped(monkeypatch):
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "2")
    begun = []

    def work(begin: int, end: int) -> None:
        begun.append(begin)
        if begin == 3:
            raise ZeroDivisionError
        time.sleep(0.005)

    with pytest.raises(ZeroDivisionError):
        threads.run_pieces(work, PIECES)
    after = len(begun)
    assert after < len(PIECES)
    time.sleep(0.03)
    assert len(begun) == after  # nothing still runs
    assert threads.run_pieces(lambda begin, end: begin, PIECES) == list(range(40))


def test_calls_from_our_own_workers_run_inline(monkeypatch):
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "2")

    def work(begin: int, end: int) -> bool:
        here = threading.get_ident()
        inner = threads.run_pieces(lambda begin, end: threading.get_ident(), PIECES)
        return set(inner) == {here} and NET.sample(N_ROWS, seed=1).shape == (N_ROWS, len(NET))

    assert all(threads.run_pieces(work, PIECES[:8]))


def test_where_no_thread_can_be_started_the_caller_works_alone(monkeypatch):
    """As in an atexit handler."""
    expected = NET.sample(N_ROWS, seed=1).block
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "3")

    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads.ThreadPoolExecutor, "submit", refuse)
    assert (NET.sample(N_ROWS, seed=1).block == expected).all()


def test_user_threads_may_disagree_about_the_pool_s_size(monkeypatch):
    """Every call finds a pool of another size; none may be lost or refused."""
    sizes = iter(range(1, 10**6))
    monkeypatch.setattr(threads, "get_num_threads", lambda: next(sizes) % 3 + 2)
    failures = []

    def user() -> None:
        for _ in range(30):
            if threads.run_pieces(lambda begin, end: begin, PIECES) != list(range(40)):
                failures.append("wrong")

    users = [threading.Thread(target=user) for _ in range(6)]
    for thread in users:
        thread.start()
    for thread in users:
        thread.join(30.0)
    assert not any(thread.is_alive() for thread in users)
    assert failures == []


def test_a_number_of_threads_is_chosen_for_good_or_for_a_while(no_settings):
    default = fd.get_num_threads()
    no_settings.setenv("FASTDGM_NUM_THREADS", "5")
    assert fd.get_num_threads() == 5
    fd.set_num_threads(3)
    with fd.num_threads(2), suppress(KeyError):
        assert fd.get_num_threads() == 2
        with fd.num_threads(None):
            assert fd.get_num_threads() == 5
        raise KeyError
    assert fd.get_num_threads() == 3
    fd.set_num_threads(None)
    no_settings.delenv("FASTDGM_NUM_THREADS")
    assert fd.get_num_threads() == default


@pytest.mark.parametrize(("n", "error"), [(0, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError)])
def test_a_wrong_number_of_threads_changes_nothing(n, error):
    before = fd.get_num_threads()
    with pytest.raises(error, match="the number of threads must be"):
        fd.set_num_threads(n)
    with pytest.raises(error, match="the number of threads must be"), fd.num_threads(n):
        pass
    assert fd.get_num_threads() == before
