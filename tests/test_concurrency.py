"""Many threads, forks, workers and Ctrl-C: the same rows, no deadlock, nothing left half-done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from processes import BASIC, command, environment, run_python
from random_nets import random_net

import fastdgm as fd

pytestmark = pytest.mark.slow

N_ROWS = 50_000  # enough to be split among threads


@pytest.fixture
def two_threads(monkeypatch):
    monkeypatch.setenv("FASTDGM_NUM_THREADS", "2")


def test_eight_user_threads_at_once(two_threads):
    net = random_net(31, 8)
    barrier = threading.Barrier(8)
    fresh = fd.BayesNet(net.conditionals)  # its plans are made by all threads at once

    def user(seed: int) -> tuple[bytes, bytes]:
        barrier.wait(60.0)
        x = fresh.sample(N_ROWS, seed=seed)
        return x.block.tobytes(), fresh.log_prob(x).tobytes()

    with ThreadPoolExecutor(8) as users:
        together = list(users.map(user, range(8)))
    for seed, (rows, scores) in enumerate(together):
        x = net.sample(N_ROWS, seed=seed)
        assert rows == x.block.tobytes()
        assert scores == net.log_prob(x).tobytes()


def test_learning_and_drawing_at_once(two_threads):
    """fit swaps all tables together: a row is drawn from the old tables or from the new, never from a mixture."""
    net = fd.BayesNet({"a": fd.Bernoulli(0.0), "b": fd.CPT(["a"], np.eye(2))})
    zeros, ones = np.zeros((1, 2), np.uint8), np.ones((1, 2), np.uint8)
    stop = threading.Event()

    def learn() -> None:
        while not stop.is_set():
            net.fit(ones, prior=0.0)
            net.fit(zeros, prior=0.0)

    learner = threading.Thread(target=learn)
    learner.start()
    try:
        for seed in range(200):
            x = net.sample(3, seed=seed)
            assert x.block.min() == x.block.max()
    finally:
        stop.set()
        learner.join(60.0)


FORK = (
    BASIC
    + """
import multiprocessing, os, signal

def part(start):
    return net.sample(50_000, seed=1, start=start).block

signal.alarm(60)  # a deadlock ends here
expected = net.sample(200_000, seed=1).block
child = os.fork()
if child == 0:
    same = (net.sample(200_000, seed=1).block == expected).all() and np.isfinite(net.log_prob(expected.T)).all()
    os._exit(0 if same else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
with multiprocessing.get_context("fork").Pool(2) as pool:
    parts = pool.map(part, range(0, 200_000, 50_000))
assert (np.concatenate(parts, axis=1) == expected).all()
assert (net.sample(200_000, seed=1).block == expected).all()
"""
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forks_after_use():
    run_python(FORK, FASTDGM_NUM_THREADS="2")


def test_a_spawned_process(two_threads):
    net = random_net(31, 8)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        x = pool.apply_async(net.sample, (N_ROWS,), {"seed": 3}).get(timeout=60.0)
    assert (x.block == net.sample(N_ROWS, seed=3).block).all()
    assert x.seed == 3


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_joblib_workers(two_threads, backend):
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    net = random_net(31, 8)
    starts = range(0, 4 * N_ROWS, N_ROWS)
    with joblib.parallel_config(backend, n_jobs=2):
        parts = joblib.Parallel()(joblib.delayed(net.sample)(N_ROWS, seed=3, start=start) for start in starts)
    together = np.concatenate([part.block for part in parts], axis=1)
    assert (together == net.sample(4 * N_ROWS, seed=3).block).all()


# A call whose pieces are the real ones, but each of them comes a thousand times: long without much memory.
LONG_CALL = (
    BASIC
    + """
from fastdgm.engines import hybrid
net = fd.BayesNet({f"x{v}": fd.Bernoulli(0.5) for v in range(40)})
expected = net.sample(500_000, seed=1).block
real = hybrid.cell_ranges
hybrid.cell_ranges = lambda n, n_vars, cells: real(n, n_vars, cells) * 1000
print("begun", flush=True)
try:
    net.sample(500_000, seed=1)
    print("finished")
except KeyboardInterrupt:
    print("interrupted", flush=True)
hybrid.cell_ranges = real
print("same" if (net.sample(500_000, seed=1).block == expected).all() else "different")
"""
)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to a process on Windows")
@pytest.mark.parametrize("threads", ["1", "2"])
def test_ctrl_c_ends_a_long_call_and_the_next_call_works(threads):
    env = environment(FASTDGM_NUM_THREADS=threads)
    with subprocess.Popen(command(LONG_CALL), env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - sent < 2.0
        assert process.communicate(timeout=60.0)[0] == "same\n"
    assert process.returncode == 0
