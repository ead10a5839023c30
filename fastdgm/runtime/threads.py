"""One lazily made thread pool that survives forks; kernels release the GIL, so threads are enough."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

_here = threading.local()  # .busy is set while a thread works off pieces: calls from there run inline
_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_pool_size = 0


def _forget_pool() -> None:
    """After a fork the parent's threads do not exist in the child."""
    global _lock, _pool, _pool_size
    _lock, _pool, _pool_size = threading.Lock(), None, 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _cgroup_limit() -> int | None:
    """CPUs that the container may use, from cgroup v2; None where there is no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def thread_count() -> int:
    """FASTDGM_NUM_THREADS, else NUMBA_NUM_THREADS or OMP_NUM_THREADS, else the CPUs this process may use.

    Raises ValueError if the setting that counts is not a positive integer.
    """
    for name in ("FASTDGM_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        setting = os.environ.get(name, "")
        if name == "OMP_NUM_THREADS":
            setting = setting.split(",")[0].strip()  # OpenMP lists one number per level of nesting
        if setting:
            if not setting.isdecimal() or int(setting) < 1:
                raise ValueError(f"{name} must be a positive integer, got {setting!r}")
            return int(setting)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, _cgroup_limit() or available)


def _submit(task: Callable[[], None], size: int, copies: int) -> Iterator[Future[None]]:
    """Copies of a task to a pool of ``size`` threads; a pool of another size finishes what it has and ends."""
    global _pool, _pool_size
    with _lock:
        if _pool is None or _pool_size != size:
            if _pool is not None:
                _pool.shutdown(wait=False)
            _pool = ThreadPoolExecutor(size, "fastdgm")
            _pool_size = size
        for _ in range(copies):
            yield _pool.submit(task)


def run_pieces(work: Callable[[int, int], Result], pieces: Sequence[tuple[int, int]]) -> list[Result]:
    """work(begin, end) for every piece, results in order; inline for one piece, one thread or inside a worker.

    The calling thread works too, and each takes the next piece when it is done with its last. Pieces are short, so
    a Ctrl-C is noticed between two of them; whatever has not begun is then dropped.
    """
    size = thread_count() if len(pieces) > 1 and not getattr(_here, "busy", False) else 1
    if size == 1:
        return [work(begin, end) for begin, end in pieces]
    waiting = deque(enumerate(pieces))
    results: dict[int, Result] = {}
    futures: list[Future[None]] = []
    try:
        with suppress(RuntimeError):  # no more threads, as when the interpreter ends: this one does it all
            futures.extend(_submit(partial(_take_pieces, work, waiting, results), size - 1, min(size, len(pieces)) - 1))
        _take_pieces(work, waiting, results)
    finally:
        waiting.clear()
        running = [future for future in futures if not future.cancel()]
        wait(running)
    for future in running:
        future.result()
    return [results[number] for number in range(len(pieces))]


def _take_pieces(
    work: Callable[[int, int], Result], waiting: deque[tuple[int, tuple[int, int]]], results: dict[int, Result]
) -> None:
    """Work off pieces until there are none; after an error, nobody begins another."""
    _here.busy = True
    try:
        while True:
            try:
                number, piece = waiting.popleft()  # atomic
            except IndexError:
                return
            results[number] = work(*piece)
    except BaseException:
        waiting.clear()
        raise
    finally:
        _here.busy = False
