"""A fork waits for what other threads have locked: they do not exist in the child, where nobody would unlock it.

Of functions that are called before a fork, the last registered comes first. Ours must come before those of
``logging`` and ``concurrent.futures``, whose locks other threads need to finish an import, and these must not be
registered while ours waits; hence both are imported here.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401  (see above)
import logging  # noqa: F401
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

_OURS = {"defusedxml", "fastdgm", "llvmlite", "numba", "numpy", "pandas", "polars", "pyarrow", "safetensors", "torch"}
_NEEDED = frozenset(_OURS | sys.stdlib_module_names)  # packages that this one imports, at once or at first use
_PAUSE = 0.001  # seconds
_PATIENCE = 60.0  # seconds, in which any import ends that ever will

_here = threading.local()  # .locks are held by this thread while it forks


def _others_import() -> bool:
    """Whether another thread is importing a module that a child may need; Python keeps the locks by name.

    Not any module: that of a user's script may well import for as long as the thread that forks here runs.
    """
    others = {thread.ident for thread in threading.enumerate()} - {threading.get_ident()}  # dead threads never finish
    locks: dict[str, Any] = getattr(sys.modules["_frozen_importlib"], "_module_locks", {})
    held = [reference() for name, reference in list(locks.items()) if name.partition(".")[0] in _NEEDED]
    return any(getattr(lock, "owner", None) in others for lock in held)


def _compiler_locks() -> Iterator[Any]:
    """The lock that numba compiles and loads cached code under, then that of LLVM, as numba takes them."""
    lock = getattr(sys.modules.get("numba.core.compiler_lock"), "global_compiler_lock", None)
    if lock is not None:
        yield lock
    lock = getattr(getattr(sys.modules.get("llvmlite.binding.ffi"), "lib", None), "_lock", None)
    if lock is not None:  # finalizers of compiled code hold it alone
        yield lock


def _before() -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        while _others_import() and time.monotonic() < end:
            time.sleep(_PAUSE)
        with ExitStack() as locks:  # only now, because an import may need them
            for lock in _compiler_locks():
                locks.enter_context(lock)
            if not _others_import() or time.monotonic() > end:
                _here.locks = locks.pop_all()
                return


def _after() -> None:
    """In the parent, and in the child, where the forking thread is the one that holds the locks."""
    locks: ExitStack = _here.__dict__.pop("locks", ExitStack())
    locks.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
