"""What a user notices of compiling: one line where somebody looks on, and a Ctrl-C that is never lost."""

from __future__ import annotations

import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from fastdgm.kernels.compiling import _Announcer, watched

MESSAGE = "compiling fastdgm kernels, once (about 10 s) ..."
# The smallest kernel, in two signatures: both are compiled.
COMPILE_TWO = (
    "import numpy as np; from fastdgm.kernels.tiles import relabel_cpu\n"
    "for t in (np.uint8, np.uint16): relabel_cpu(np.zeros(2, t), np.zeros(2, np.uint8), np.empty(2, np.uint8))"
)


class Dispatcher:
    def __init__(self, compile_signature):
        self.compile = compile_signature


def _raw_object_cache_notify(steps):
    """Named as what LLVM calls back: what is raised there would be lost."""
    signal.raise_signal(signal.SIGINT)
    steps.append("called back")


def test_an_interrupt_waits_for_the_end_of_a_callback():
    steps = []

    def compile_signature(signature):
        _raw_object_cache_notify(steps)
        steps.append(signature)

    with pytest.raises(KeyboardInterrupt):
        watched(Dispatcher(compile_signature)).compile("signature")
    assert steps == ["called back", "signature"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_elsewhere_it_is_raised_at_once():
    def compile_signature(signature):
        signal.raise_signal(signal.SIGINT)
        pytest.fail("went on")

    with pytest.raises(KeyboardInterrupt):
        watched(Dispatcher(compile_signature)).compile("signature")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_is_asked_and_stays(monkeypatch):
    calls = []

    def handler(number, frame):
        calls.append(number)

    previous = signal.signal(signal.SIGINT, handler)
    try:
        watched(Dispatcher(lambda signature: _raw_object_cache_notify([]))).compile("signature")
        watched(Dispatcher(lambda signature: signal.raise_signal(signal.SIGINT))).compile("signature")
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, previous)
    assert calls == [signal.SIGINT, signal.SIGINT]


def test_other_threads_have_no_signals_to_watch():
    results = []
    compile_signature = watched(Dispatcher(lambda signature: signature)).compile
    thread = threading.Thread(target=lambda: results.append(compile_signature("signature")))
    thread.start()
    thread.join()
    assert results == ["signature"]


class OnlyWrites:
    """A standard error as loggers put one in its place."""

    def __init__(self):
        self.written = []

    def write(self, text):
        self.written.append(text)


def test_a_standard_error_of_any_kind_is_no_reason_to_fail(monkeypatch):
    kernel = SimpleNamespace(py_func=SimpleNamespace(__module__="fastdgm.kernels.tiles"))
    logger = OnlyWrites()
    for stderr in (None, logger):
        monkeypatch.setattr(sys, "stderr", stderr)
        _Announcer(MESSAGE).on_start(SimpleNamespace(data={"dispatcher": kernel}))
    assert logger.written == []


# --- in processes ----------------------------------------------------------------------------------------------


def environment(cache):
    return {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}


def on_a_terminal(code, cache):
    """What a process writes to its standard error, which is a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env=environment(cache)) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the last writer is gone
                break
            if not part:
                break
            written += part
        assert process.wait() == 0
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


@pytest.mark.slow
def test_one_line_on_a_terminal_and_only_where_something_is_compiled(tmp_path):
    assert on_a_terminal(COMPILE_TWO, tmp_path) == f"{MESSAGE}\n"
    assert on_a_terminal(COMPILE_TWO, tmp_path) == ""


@pytest.mark.slow
def test_no_line_in_a_pipe_nor_for_functions_of_the_user(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", COMPILE_TWO], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert (run.stdout, run.stderr) == ("", "")
    own = "import fastdgm.kernels.tiles, numba\nnumba.njit(lambda x: x + 1)(1)"
    assert on_a_terminal(own, tmp_path) == ""


@pytest.mark.slow
def test_ctrl_c_during_a_compilation_ends_with_130(tmp_path):
    moments = random.Random(0)
    for attempt in range(4):
        command = [sys.executable, "-m", "fastdgm", "sample", "asia", "-n", "3", "-o", str(tmp_path / "x.npy")]
        with subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment(tmp_path / str(attempt))
        ) as p:
            while not any(tmp_path.glob(f"{attempt}/fastdgm-*/*")):  # a kernel's module is being imported
                assert p.poll() is None
                time.sleep(0.05)
            time.sleep(moments.uniform(0.3, 2.5))
            p.send_signal(signal.SIGINT)
            assert p.wait() == 130
            assert p.stderr.read() == ""
        assert not (tmp_path / "x.npy").exists()
