"""A fork waits for what other threads have locked: they do not exist in the child, where nobody would unlock it.

Of functions that are called before a fork, the last registered comes first. Ours must come before that of
``logging``, which takes a lock that other threads need to finish an import; hence ``logging`` is imported here.
"""

from __future__ import annotations

import logging  # noqa: F401  (see above)
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from importlib import import_module
from typing import Any

_here = threading.local()  # .locks are held by this thread while it forks


def _finish_imports() -> None:
    """Wait for every module of ours that another thread is importing."""
    for name in list(sys.modules):
        if name.partition(".")[0] == __package__:
            with suppress(ImportError):  # the other thread's import failed
                import_module(name)


def _compiler_locks() -> Iterator[Any]:
    """The lock that numba compiles and loads cached code under, then that of LLVM, as numba takes them."""
    compiler = sys.modules.get("numba.core.compiler_lock")
    if compiler is not None:
        yield compiler.global_compiler_lock
    llvm = sys.modules.get("llvmlite.binding.ffi")
    lock = None if llvm is None else getattr(llvm.lib, "_lock", None)
    if lock is not None:  # finalizers of compiled code hold it alone
        yield lock


def _before() -> None:
    _finish_imports()  # first: an import may need to compile
    with ExitStack() as locks:
        for lock in _compiler_locks():
            locks.enter_context(lock)
        _here.locks = locks.pop_all()


def _after() -> None:
    """In the parent, and in the child, where the forking thread is the one that holds the locks."""
    locks: ExitStack = _here.__dict__.pop("locks", ExitStack())
    locks.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
