"""One lazily made thread pool that survives forks; kernels release the GIL, so threads are enough."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

_here = threading.local()  # .busy is set in our own workers, whose calls run inline
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
        setting = os.environ.get(name)
        if setting:
            if not setting.isdecimal() or int(setting) < 1:
                raise ValueError(f"{name} must be a positive integer, got {setting!r}")
            return int(setting)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, _cgroup_limit() or available)


def _mark_worker() -> None:
    _here.busy = True


def _submit(work: Callable[[int, int], Any], pieces: Sequence[tuple[int, int]], size: int) -> Iterator[Future[Any]]:
    """Submit all pieces to a pool of ``size`` threads; a pool of another size finishes what it has and ends."""
    global _pool, _pool_size
    with _lock:
        if _pool is None or _pool_size != size:
            if _pool is not None:
                _pool.shutdown(wait=False)
            _pool = ThreadPoolExecutor(size, "fastdgm", initializer=_mark_worker)
            _pool_size = size
        for begin, end in pieces:
            yield _pool.submit(work, begin, end)


def run_pieces(work: Callable[[int, int], Result], pieces: Sequence[tuple[int, int]]) -> list[Result]:
    """work(begin, end) for every piece, results in order; inline for one piece, one thread or inside a worker.

    Pieces are short, so a Ctrl-C is noticed between two of them; whatever has not begun is then cancelled.
    """
    size = thread_count() if len(pieces) > 1 and not getattr(_here, "busy", False) else 1
    if size == 1:
        return [work(begin, end) for begin, end in pieces]
    futures: list[Future[Any]] = []
    try:
        futures.extend(_submit(work, pieces, size))
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
        wait(futures)
        raise
