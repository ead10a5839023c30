"""Windows and macOS as far as Linux can stand in for them: what they lack is taken away, they give other names."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from processes import ROOT, command, environment, run_python

from fastdgm.cli import program
from fastdgm.kernels import cache
from fastdgm.runtime import memory, threads

# What `os` and `signal` do not have on Windows; the standard library's own modules are imported before it goes.
WITHOUT_POSIX = """
import concurrent.futures.thread, logging, multiprocessing, os, platform, shutil, signal, subprocess, tempfile
for name in ("fork", "register_at_fork", "sched_getaffinity", "geteuid", "getuid", "chown", "sysconf", "O_NONBLOCK",
             "O_NOFOLLOW", "mkfifo", "set_blocking", "getloadavg", "statvfs", "killpg"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGHUP", "SIGPIPE", "SIGKILL", "SIGUSR1", "SIGALRM"):
    if hasattr(signal, name):
        delattr(signal, name)
"""


@pytest.mark.slow
def test_nothing_asks_for_what_windows_lacks(tmp_path):
    code = WITHOUT_POSIX + (
        "import fastdgm as fd\n"
        "from fastdgm.cli.program import main\n"
        "net = fd.example('asia')\n"
        "fd.write(net, 'asia.bif')\n"
        "assert main(['sample', 'asia.bif', '-n', '100', '--seed', '0', '-o', 'x.csv']) == 0\n"
        "assert main(['score', 'asia.bif', 'x.csv', '-o', 'scores.csv']) == 0\n"
        "print(fd.read('asia.bif').log_prob(net.sample(5, seed=0)).shape)\n"
    )
    done = subprocess.run(
        command(code), env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "(5,)"
    assert (tmp_path / "x.csv").read_bytes().count(b"\r") == 0


@pytest.mark.slow
@pytest.mark.parametrize("in_its_place", ["a file", "nothing"])
def test_a_checkout_without_links_is_imported_all_the_same(tmp_path, in_its_place):
    """Git on Windows without core.symlinks makes a file with the link's text; an sdist has nothing there."""
    shutil.copytree(ROOT / "fastdgm", tmp_path / "fastdgm", ignore=shutil.ignore_patterns("__pycache__", "kernels"))
    shutil.copytree(ROOT / "kernels", tmp_path / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    if in_its_place == "a file":
        (tmp_path / "fastdgm" / "kernels").write_text("../kernels")
    code = "import fastdgm.kernels.outputs as own; import fastdgm as fd; fd.kernels; print(own.__file__)"
    found = run_python(code, PYTHONPATH=str(tmp_path))
    assert Path(found.strip()) == tmp_path / "kernels" / "outputs.py"


def test_with_links_nothing_beside_the_package_is_searched():
    import fastdgm

    assert not (ROOT / "fastdgm" / "kernels").is_dir() or list(fastdgm.__path__) == [str(ROOT / "fastdgm")]


@pytest.mark.parametrize(
    ("system", "variables", "folder"),
    [
        ("win32", {"LOCALAPPDATA": "local"}, Path("local")),
        ("win32", {}, Path("home", "AppData", "Local")),
        ("darwin", {}, Path("home", "Library", "Caches")),
        ("linux", {}, Path("home", ".cache")),
        ("linux", {"XDG_CACHE_HOME": "caches"}, Path("caches")),
    ],
)
def test_where_compiled_kernels_are_kept(monkeypatch, system, variables, folder):
    for name in ("LOCALAPPDATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cache.numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(cache.sys, "platform", system)
    monkeypatch.setattr(cache.Path, "home", classmethod(lambda cls: cls("home")))
    assert cache._user_folder() == folder


def test_a_closed_pipe_of_windows_is_quiet_too(monkeypatch):
    invalid = OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    assert not program._is_closed_pipe(invalid)
    monkeypatch.setattr(program.sys, "platform", "win32")
    assert program._is_closed_pipe(invalid)
    assert program._is_closed_pipe(BrokenPipeError(errno.EPIPE, "closed"))
    assert not program._is_closed_pipe(OSError(errno.EINVAL, "no name of a file", "a?b"))
    assert not program._is_closed_pipe(ValueError("mistyped"))


def test_threads_and_memory_where_the_system_does_not_tell(monkeypatch):
    for name in ("FASTDGM_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(threads, "_cgroup_limit", lambda: None)
    with threads.num_threads(None):
        assert threads.get_num_threads() == (os.cpu_count() or 1)
    monkeypatch.setattr(memory, "MEMINFO", Path("no such file"))
    monkeypatch.setattr(memory, "CGROUP", Path("no such folder"))
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert memory.available_memory() is None
    memory.check_memory(1 << 60, "nothing is known, so that the allocation itself has to fail")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="asks for a signal of POSIX")
def test_signals_that_are_not_there_are_not_taken(monkeypatch):
    monkeypatch.delattr(signal, "SIGHUP")
    before = signal.getsignal(signal.SIGTERM)
    with program._exit_on_signals():
        pass
    assert signal.getsignal(signal.SIGTERM) is before
