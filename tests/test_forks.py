"""A process forked while other threads import, compile or make plans can do all of that itself."""

from __future__ import annotations

import os
import threading
from textwrap import dedent

import pytest
from processes import run_python

from fastdgm.runtime.lazy import cached_property

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")]

CHILDREN = """
import copy, os, random, signal, threading, time

def status_of_child(work):
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a deadlock ends here
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""

HELD_LOCK = (
    CHILDREN
    + """
import fastdgm.kernels.jit
from llvmlite.binding import ffi
from numba.core.compiler_lock import global_compiler_lock

def hold(lock, held):
    with lock:
        held.set()
        time.sleep(0.2)

def take(lock):
    with lock:
        pass

for lock in (global_compiler_lock, ffi.lib._lock):
    held = threading.Event()
    thread = threading.Thread(target=hold, args=(lock, held))
    thread.start()
    held.wait()
    assert status_of_child(lambda: take(lock)) == 0
    thread.join()
    assert status_of_child(lambda: take(lock)) == 0
    with lock:  # held by the thread that forks: it is its child's too
        assert status_of_child(lambda: take(lock)) == 0
    other = threading.Thread(target=take, args=(lock,), daemon=True)  # released here as often as taken
    other.start()
    other.join(30.0)
    assert not other.is_alive()
"""
)

FIRST_USE = (
    CHILDREN
    + """
import fastdgm as fd

def use():
    net = fd.example("asia")
    net.log_prob(net.sample(10, seed=0))

random.seed({seed})
thread = threading.Thread(target=use)
thread.start()
while thread.is_alive():
    time.sleep(random.random() * 0.3)
    assert status_of_child(use) == 0
"""
)

PLANS = (
    CHILDREN
    + """
import numpy as np
import fastdgm as fd
net = fd.example("alarm")
chain = fd.MarkovChain(order=2).fit(np.random.default_rng(0).integers(0, 4, (200, 30)))
stop = threading.Event()

def use():
    own = copy.deepcopy(net)  # a copy makes its plans anew
    own.log_prob(own.sample(10, seed=0))
    own = copy.deepcopy(chain)
    own.log_prob(own.sample(10, seed=0))

def keep_using():
    while not stop.is_set():
        use()

use()
threads = [threading.Thread(target=keep_using) for _ in range(4)]
for thread in threads:
    thread.start()
try:
    for _ in range(20):
        time.sleep(random.random() * 0.02)
        assert status_of_child(use) == 0
finally:
    stop.set()
"""
)


def test_locks_of_the_compiler_are_free_in_the_child_and_in_the_parent():
    run_python(HELD_LOCK)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_fork_while_another_thread_imports_and_uses_us_for_the_first_time(seed):
    run_python(FIRST_USE.format(seed=seed), timeout=200.0)


def test_an_import_of_a_thread_that_is_dead_or_of_a_module_that_nobody_needs_is_not_waited_for():
    code = """
    import _frozen_importlib, weakref
    import fastdgm

    def import_of(name, owner):
        lock = _frozen_importlib._ModuleLock(name)
        lock.owner, lock.count = owner, 1
        _frozen_importlib._module_locks[name] = weakref.ref(lock)
        return lock

    stop = threading.Event()
    alive = threading.Thread(target=stop.wait)
    alive.start()
    dead = threading.Thread(target=print, args=("dead",))
    dead.start()
    dead.join()
    signal.alarm(30)
    locks = [import_of("numpy.one", dead.ident), import_of("job", alive.ident), import_of("numpy.two", None)]
    assert status_of_child(lambda: None) == 0
    stop.set()
    """
    assert run_python(CHILDREN + dedent(code)) == "dead\n"


def test_a_fork_while_other_threads_make_plans():
    run_python(PLANS, timeout=200.0)


def test_a_lazy_value_is_computed_once_kept_and_the_same_for_all_threads():
    class Lazy:
        calls = 0

        @cached_property
        def value(self) -> object:
            """What it is."""
            Lazy.calls += 1
            barrier.wait(30.0)
            return object()

    barrier = threading.Barrier(2)  # both compute before either stores
    lazy, seen = Lazy(), []
    threads = [threading.Thread(target=lambda: seen.append(lazy.value)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    assert Lazy.calls == 2
    assert seen[0] is seen[1] is lazy.value
    assert Lazy.value.__doc__ == "What it is."
