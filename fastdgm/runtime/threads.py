"""One lazily made thread pool that survives forks; kernels release the GIL, so threads are enough."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from .seeds import whole_number

Result = TypeVar("Result")

_here = threading.local()  # .busy is set while a thread works off pieces: calls from there run inline
_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None
_pool_size = 0
_chosen: int | None = None  # by set_num_threads


def _forget_pool() -> None:
    """After a fork the parent's threads do not exist in the child."""
    global _lock, _pool, _pool_size
    _lock, _pool, _pool_size = threading.Lock(), None, 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _cgroup_limit() -> int | None:
    """CPUs that the container may use, from cgroup v2; None where there is no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return None


def set_num_threads(n: int | None) -> None:
    """Use ``n`` threads from now on, in the whole process; None: as many as the environment says, see below.

    FASTDGM_NUM_THREADS counts, else NUMBA_NUM_THREADS or OMP_NUM_THREADS, else the CPUs that this process may use.
    No result depends on it.

    Raises
    ------
    ValueError : less than one. TypeError : no integer.

    Examples
    --------
    >>> import fastdgm as fd
    >>> fd.set_num_threads(2)
    >>> fd.get_num_threads()
    2
    >>> fd.set_num_threads(None)
    """
    global _chosen
    _chosen = None if n is None else _checked_number(n)


@contextmanager
def num_threads(n: int | None) -> Iterator[None]:
    """``set_num_threads(n)`` for a block of code, and then what held before.

    Examples
    --------
    >>> import fastdgm as fd
    >>> with fd.num_threads(1):
    ...     fd.get_num_threads()
    1
    """
    before = _chosen
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


@contextmanager
def inline() -> Iterator[None]:
    """Calls of this thread, in the block, do all of their work themselves: where others have split it already."""
    before = getattr(_here, "busy", False)
    _here.busy = True
    try:
        yield
    finally:
        _here.busy = before


def _checked_number(n: int) -> int:
    number = whole_number(n, "the number of threads")
    if number < 1:
        raise ValueError(f"the number of threads must be at least 1, got {number}")
    return number


def get_num_threads() -> int:
    """How many threads a large enough call works on: as set by :func:`set_num_threads`, else by the environment.

    Raises ValueError if the setting that counts is not a positive integer.
    """
    if _chosen is not None:
        return _chosen
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
    size = get_num_threads() if len(pieces) > 1 and not getattr(_here, "busy", False) else 1
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
