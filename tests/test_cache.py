"""The disk cache of compiled kernels, and what importing costs: who is touched by them, and who is not."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import ROOT, command, environment, run_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="asks for POSIX folders and permissions")

FOLDER = "from fastdgm.kernels import jit; print(jit.CACHE_FOLDER)"
# The smallest kernel there is, so that tests that must compile do not take long.
FILL = """
import numpy as np
from fastdgm.kernels.alias import fill_slots
slots, fine = np.zeros((1, 2), np.uint64), np.zeros((1, 2), np.uint32)
fill_slots(np.array([[0.25, 0.75]]), np.arange(2, dtype=np.uint32), np.uint64(1), slots, fine)
print(slots.tolist(), sum(fill_slots.stats.cache_hits.values()))
"""
FILLED = "[[9223372036854841344, 65537]]"


def run(code: str, cache: Path | str, package: Path = ROOT) -> str:
    return run_python(code, NUMBA_CACHE_DIR=None, XDG_CACHE_HOME=str(cache), PYTHONPATH=str(package)).strip()


# --- importing ------------------------------------------------------------------------------------------


def test_import_brings_in_nothing_heavy():
    code = """
    import sys
    import fastdgm as fd
    fd.BayesNet({"a": fd.Bernoulli(0.5)})
    heavy = {"numba", "torch", "pandas", "polars", "pyarrow", "scipy", "matplotlib", "defusedxml", "safetensors"}
    print(sorted(heavy & set(sys.modules)))
    """
    assert run_python(code) == "[]\n"


def test_arrays_of_codes_need_no_optional_package():
    code = """
    import sys
    sys.modules.update(dict.fromkeys(["torch", "pandas", "polars", "pyarrow", "tqdm", "graphviz"]))  # not importable
    import numpy as np
    import fastdgm as fd
    net = fd.BayesNet({"a": fd.Bernoulli(0.5)})
    x = np.asarray(net.sample(3, seed=0))
    print(net.fit(x).log_prob(x).shape, net.log_prob({"a": [True, False]}).shape)
    """
    assert run_python(code) == "(3,) (2,)\n"


# --- the folder -----------------------------------------------------------------------------------------


def test_the_folder_is_the_user_s_alone_and_named_by_a_hash_of_the_kernels(tmp_path):
    folder = Path(run(FOLDER, tmp_path))
    assert folder.parent == tmp_path
    assert folder.name.startswith("fastdgm-")
    assert int(folder.name.removeprefix("fastdgm-"), 16) > 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "fastdgm", copy / "fastdgm")
    assert run(FOLDER, tmp_path, copy) == str(folder)  # the same sources share it
    with (copy / "fastdgm" / "kernels" / "philox.py").open("a") as file:
        file.write("# one more comment\n")
    assert run(FOLDER, tmp_path, copy) != str(folder)


def test_folders_of_old_versions_go_and_everything_else_stays(tmp_path):
    old, recent = tmp_path / f"fastdgm-{1:016x}", tmp_path / f"fastdgm-{2:016x}"
    foreign, similar = tmp_path / f"other-{3:016x}", tmp_path / "fastdgm-results"
    for folder in (old, recent, foreign, similar):
        folder.mkdir()
    for folder in (old, foreign, similar):
        os.utime(folder, (time.time() - 40 * 86_400,) * 2)
    run(FOLDER, tmp_path)
    assert [f.exists() for f in (old, recent, foreign, similar)] == [False, True, True, True]


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(tmp_path):
    folder = Path(run(FOLDER, tmp_path))
    os.chown(folder, 12345, 12345)
    done = subprocess.run(
        [sys.executable, "-P", "-c", FOLDER],
        env=environment(NUMBA_CACHE_DIR=None, XDG_CACHE_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "None\n"
    assert "belongs to another user" in done.stderr


@pytest.mark.parametrize("home", [None, "/dev/null"])
def test_without_a_place_for_the_cache_there_is_one_warning_and_everything_works(home):
    changes = {"HOME": home, "XDG_CACHE_HOME": "/dev/null/cache", "NUMBA_CACHE_DIR": None}
    done = subprocess.run(
        [sys.executable, "-P", "-c", FILL], env=environment(**changes), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{FILLED} 0\n"
    assert done.stderr.count("Warning") == 1
    assert "fastdgm compiles anew, its cache cannot be used" in done.stderr


# --- what is in it --------------------------------------------------------------------------------------


def test_two_processes_may_fill_the_cache_at_once_and_a_third_reads_it(tmp_path):
    env = environment(NUMBA_CACHE_DIR=None, XDG_CACHE_HOME=str(tmp_path))
    both = [subprocess.Popen(command(FILL), env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        output, _ = process.communicate(timeout=100.0)
        assert output.startswith(FILLED)
        assert process.returncode == 0
    assert run(FILL, tmp_path) == f"{FILLED} 1"


def test_other_libraries_caches_are_left_alone(tmp_path):
    (tmp_path / "theirs.py").write_text("import numba\n@numba.njit(cache=True)\ndef double(x):\n    return 2 * x\n")
    code = """
    import sys, numba
    import fastdgm.kernels.alias
    sys.path.insert(0, ".")
    from theirs import double
    print(numba.config.CACHE_DIR == "", double(3))
    """
    cache = tmp_path / "cache"
    changes = {"NUMBA_CACHE_DIR": None, "XDG_CACHE_HOME": str(cache)}
    assert run_python(code, cwd=tmp_path, **changes) == "True 6\n"
    assert list((tmp_path / "__pycache__").glob("*.nbi"))
    assert not list(cache.rglob("theirs*"))


def test_nothing_is_written_next_to_the_sources():
    assert not list((ROOT / "fastdgm").resolve().rglob("*.nb[ic]"))
    assert not list((ROOT / "fastdgm" / "kernels").resolve().rglob("*.nb[ic]"))


def test_a_damaged_cache_file_costs_a_warning_and_is_mended(tmp_path):
    """As a full disk, or a machine that stopped while it wrote, leaves one behind."""
    env = environment(NUMBA_CACHE_DIR=None, XDG_CACHE_HOME=str(tmp_path))

    def fill() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-P", "-c", FILL], env=env, capture_output=True, text=True, check=True)

    fill()
    damaged = list(tmp_path.rglob("*fill_slots*.nbi"))
    assert damaged
    for file in damaged:
        file.write_bytes(b"rubbish")
    done = fill()
    assert done.stdout.startswith(FILLED) and "its cache cannot be used" in done.stderr
    again = fill()
    assert again.stdout == f"{FILLED} 1\n" and again.stderr == ""


def test_a_folder_that_others_may_write_is_not_used(tmp_path):
    folder = Path(run(FOLDER, tmp_path))
    folder.chmod(0o777)
    env = environment(NUMBA_CACHE_DIR=None, XDG_CACHE_HOME=str(tmp_path))
    done = subprocess.run([sys.executable, "-P", "-c", FOLDER], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n" and "can be written by other users" in done.stderr
