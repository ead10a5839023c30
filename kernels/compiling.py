"""What a user notices of compiling: one line before the first of a process, and a Ctrl-C that is never lost.

LLVM compiles for seconds without a step of Python in between. A Ctrl-C meanwhile is delivered at the next step, which
is a callback that LLVM makes: an exception there goes no further than an "Exception ignored" on the screen, and numba
later misses what the callback was to keep. The same holds for destructors of what LLVM compiled. So in callbacks and
destructors a Ctrl-C waits for the end of the compilation.
"""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import suppress
from functools import wraps

from numba.core import event

__all__ = ["announce_once", "watched"]

CALLBACKS = {"_raw_object_cache_notify", "_raw_object_cache_getbuffer", "__del__"}  # of llvmlite, and of Python
OURS = __name__.rpartition(".")[0]
MESSAGE = "compiling fastdgm kernels{}(about 10 s) ..."


# --- Ctrl-C -------------------------------------------------------------------------------------------------------


def watched(dispatcher):
    """A jitted function whose ``compile`` may be interrupted at any time: KeyboardInterrupt is raised, if late."""
    compile_signature = dispatcher.compile

    @wraps(compile_signature)
    def compile_watched(signature):
        previous = signal.getsignal(signal.SIGINT)
        if not callable(previous) or threading.current_thread() is not threading.main_thread():
            return compile_signature(signature)
        waiting = []

        def handle(number, frame):
            if _in_callback(frame):
                waiting.append(number)
            else:
                previous(number, frame)

        signal.signal(signal.SIGINT, handle)
        try:
            return compile_signature(signature)
        finally:
            signal.signal(signal.SIGINT, previous)
            if waiting:
                signal.raise_signal(signal.SIGINT)

    dispatcher.compile = compile_watched
    return dispatcher


def _in_callback(frame):
    while frame is not None:
        if frame.f_code.co_name in CALLBACKS:
            return True
        frame = frame.f_back
    return False


# --- the line on the screen ---------------------------------------------------------------------------------------


def announce_once(is_cached):
    """Before the first kernel that no cache has is compiled, say so where somebody looks on: once per process."""
    event.register("numba:compile", _Announcer(MESSAGE.format(", once " if is_cached else " ")))


class _Announcer(event.Listener):
    """Hears of everything that numba compiles, the user's own functions too."""

    def __init__(self, message):
        self._message = message
        self._has_spoken = False

    def on_start(self, heard):
        """Speak before the first of our kernels."""
        module = heard.data["dispatcher"].py_func.__module__ or ""
        if self._has_spoken or not module.startswith(f"{OURS}."):
            return
        self._has_spoken = True
        with suppress(Exception):  # nobody has to hear it, and standard error may be of anybody's making
            if _somebody_looks_on():
                print(self._message, file=sys.stderr, flush=True)

    def on_end(self, heard):
        """Nothing to say: whatever is printed next shows it."""


def _somebody_looks_on():
    """Standard error is a terminal, or the output of a notebook's cell."""
    return sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel.")
