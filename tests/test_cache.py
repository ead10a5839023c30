"""The disk cache of compiled kernels, and what importing costs: who is touched by them, and who is not."""

from __future__ import annotations

import os
import pickle
import shutil
import stat
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numba
import pytest
from hypothesis import given
from hypothesis import strategies as st
from processes import ROOT, command, environment, run_python

from fastdgm.kernels import cache

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="asks for POSIX folders and permissions"),
]

FOLDER = "from fastdgm.kernels import cache; print(cache.CACHE_FOLDER)"
MODULE_FOLDERS = """
from pathlib import Path
from fastdgm.kernels import cache, cpt, tiles
for module in cpt, tiles:
    print(module.__name__.rpartition(".")[2], cache._module_folder(Path(module.__file__)))
"""
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


def test_the_folder_is_the_user_s_alone_and_named_by_a_hash(tmp_path):
    folder = Path(run(FOLDER, tmp_path))
    assert folder.parent == tmp_path
    assert folder.name.startswith("fastdgm-")
    assert int(folder.name.removeprefix("fastdgm-"), 16) > 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_module_s_folder_is_named_by_a_hash_of_the_kernels_it_is_made_of(tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "fastdgm", copy / "fastdgm")
    folders = run(MODULE_FOLDERS, tmp_path)
    assert run(MODULE_FOLDERS, tmp_path, copy) == folders  # the same sources share it
    with (copy / "fastdgm" / "kernels" / "philox.py").open("a") as file:
        file.write("# one more comment\n")
    before, after = (
        dict(line.split() for line in text.splitlines()) for text in (folders, run(MODULE_FOLDERS, tmp_path, copy))
    )
    assert before["tiles"] == after["tiles"]
    assert before["cpt"] != after["cpt"]
    assert all(stat.S_IMODE(os.stat(folder).st_mode) == 0o700 for folder in before.values())


TINY = {
    "tiny": """from .jit import kernel
from .tiny_formula import twice

@kernel
def answer(x):
    return twice(x)
""",
    "tiny_formula": "from .jit import formula\n@formula\ndef twice(x):\n    return 2 * x\n",
}
ANSWER = "from fastdgm.kernels.tiny import answer; print(answer(21), sum(answer.stats.cache_hits.values()))"


def test_what_a_kernel_does_not_import_does_not_compile_it_anew(tmp_path):
    kernels = tmp_path / "copy" / "fastdgm" / "kernels"
    shutil.copytree(ROOT / "fastdgm", kernels.parent)
    for name, source in TINY.items():
        (kernels / f"{name}.py").write_text(source)
    assert run(ANSWER, tmp_path, tmp_path / "copy") == "42 0"
    (kernels / "philox.py").write_text("# another file\n" + (kernels / "philox.py").read_text())
    assert run(ANSWER, tmp_path, tmp_path / "copy") == "42 1"
    (kernels / "tiny_formula.py").write_text(TINY["tiny_formula"].replace("2 * x", "3 * x"))
    assert run(ANSWER, tmp_path, tmp_path / "copy") == "63 0"


def test_kernels_whose_sources_cannot_be_read_are_compiled_with_one_warning(tmp_path):
    code = "import fastdgm.kernels.sources as s; s.files_of = lambda path: [path / 'archive']" + FILL
    changes = {"XDG_CACHE_HOME": str(tmp_path), "NUMBA_CACHE_DIR": None}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment(**changes), capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{FILLED} 0\n"
    assert done.stderr.count("Warning") == 1 and "its cache cannot be used" in done.stderr


def test_folders_of_old_versions_go_and_everything_else_stays(tmp_path):
    old, recent = tmp_path / f"fastdgm-{1:016x}", tmp_path / f"fastdgm-{2:016x}"
    foreign, similar = tmp_path / f"other-{3:016x}", tmp_path / "fastdgm-results"
    for folder in (old, recent, foreign, similar):
        folder.mkdir()
    for folder in (old, foreign, similar):
        os.utime(folder, (time.time() - 40 * 86_400,) * 2)
    run(FOLDER, tmp_path)
    assert [f.exists() for f in (old, recent, foreign, similar)] == [False, True, True, True]


def test_so_do_folders_of_old_kernels(tmp_path):
    root = Path(run(FOLDER, tmp_path))
    old, recent = root / f"{1:016x}", root / f"{2:016x}"
    for folder in (old, recent):
        folder.mkdir()
    os.utime(old, (time.time() - 40 * 86_400,) * 2)
    run(MODULE_FOLDERS, tmp_path)
    assert [old.exists(), recent.exists(), (root / cache.SECRET).exists()] == [False, True, True]


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


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    files = cache.SealedFiles(str(tmp_path_factory.mktemp("sealed")), "kernel", "stamp", b"s" * 32)
    files.save(("signature", "cpu"), {"code": b"machine code"})
    return files


def cache_files(files: cache.SealedFiles) -> list[Path]:
    return sorted(Path(files._cache_path).iterdir())


def test_sealed_files_read_back(sealed):
    assert sealed.load(("signature", "cpu")) == {"code": b"machine code"}
    assert sealed.load(("another", "cpu")) is None
    assert [path.suffix for path in cache_files(sealed)] == [".nbc", ".nbi"]


@given(st.integers(0, 1), st.integers(0, 10**6), st.integers(1, 255))
def test_one_changed_byte_is_found_before_anything_is_unpickled(sealed, which, position, change):
    path = cache_files(sealed)[which]
    data = path.read_bytes()
    damaged = bytearray(data)
    damaged[position % len(data)] ^= change
    path.write_bytes(damaged)
    try:
        with pytest.raises(cache.DamagedError, match=r"kernel\..* is damaged, or not written by this user"):
            sealed.load(("signature", "cpu"))
    finally:
        path.write_bytes(data)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("content", [b"", b"short", bytes(200)])
def test_a_cut_file_is_found(sealed, which, content):
    path = cache_files(sealed)[which]
    data = path.read_bytes()
    path.write_bytes(content)
    try:
        with pytest.raises(cache.DamagedError):
            sealed.load(("signature", "cpu"))
    finally:
        path.write_bytes(data)


def test_planted_code_does_not_run(tmp_path):
    """A pickle that runs code when it is loaded, as somebody who does not know the secret can write it."""

    class Planted:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "it ran"),)

    theirs, ours = (cache.SealedFiles(str(tmp_path), "kernel", "stamp", secret * 32) for secret in (b"t", b"o"))
    theirs.save("signature", Planted())
    with pytest.raises(cache.DamagedError):
        ours.load("signature")
    for path in cache_files(theirs):
        path.write_bytes(pickle.dumps(Planted()))
    with pytest.raises(cache.DamagedError):
        ours.load("signature")
    assert not (tmp_path / "it ran").exists()


def test_files_of_another_kernel_or_signature_are_not_taken_for_one_s_own(tmp_path):
    one, two = (cache.SealedFiles(str(tmp_path), name, "stamp", b"s" * 32) for name in ("one", "two"))
    one.save("signature", "code of one")
    (tmp_path / "two.nbi").write_bytes((tmp_path / "one.nbi").read_bytes())
    with pytest.raises(cache.DamagedError):
        two.load("signature")
    one.save("other signature", "code of the other")
    one._save_data("one.1.nbc", ("other signature", "as of a process that saved at the same time"))
    assert one.load("signature") is None
    assert one.load("other signature") == "code of the other"


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_one_flipped_bit_on_disk_costs_a_warning_and_is_mended(tmp_path, suffix):
    env = environment(NUMBA_CACHE_DIR=None, XDG_CACHE_HOME=str(tmp_path))
    run(FILL, tmp_path)
    (path,) = tmp_path.rglob(f"*fill_slots*.{suffix}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = subprocess.run([sys.executable, "-P", "-c", FILL], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == f"{FILLED} 0\n" and "is damaged, or not written by this user" in done.stderr
    assert run(FILL, tmp_path) == f"{FILLED} 1"


# --- who can write there --------------------------------------------------------------------------------


def folder_and_warning(parent: Path) -> tuple[str, str]:
    """The cache folder that a process would have in ``parent``, and what it would say of it."""
    with warnings.catch_warnings(record=True) as caught, mock.patch.object(numba.config, "CACHE_DIR", str(parent)):
        warnings.simplefilter("always")
        folder, _ = cache._open_cache()
    return str(folder), "".join(str(warning.message) for warning in caught)


def test_a_folder_that_others_may_write_is_not_used(tmp_path):
    folder = Path(folder_and_warning(tmp_path)[0])
    folder.chmod(0o777)
    used, warning = folder_and_warning(tmp_path)
    assert used == "None" and "can be written by other users" in warning


@pytest.mark.parametrize(("mode", "trusted"), [(0o777, False), (0o1777, True), (0o755, True), (0o772, False)])
@pytest.mark.parametrize("depth", [1, 2])
def test_every_folder_above_counts(tmp_path, mode, trusted, depth):
    """In one that others may write, they can put another folder in the place of ours; a sticky one forbids that."""
    top = tmp_path / "top"
    parent = top / "below" if depth == 2 else top
    parent.mkdir(parents=True, mode=0o700)
    top.chmod(mode)
    used, warning = folder_and_warning(parent)
    assert (used != "None") == trusted
    assert ("can be written by other users" in warning) != trusted


def test_links_are_resolved_before_the_path_is_checked(tmp_path):
    (tmp_path / "open" / "real").mkdir(parents=True)
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "open" / "real")
    assert folder_and_warning(tmp_path / "link")[0] == "None"
    (tmp_path / "open").chmod(0o755)
    assert Path(folder_and_warning(tmp_path / "link")[0]).parent == tmp_path / "open" / "real"


def test_only_a_group_of_the_user_s_own_may_write(tmp_path, monkeypatch):
    import grp
    import pwd

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder").chmod(0o775)
    group = (tmp_path / "folder").stat().st_gid
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: _User("me", group))
    for name, members, trusted in [
        ("me", [], True),
        ("me", ["me"], True),
        ("me", ["you"], False),
        ("staff", [], False),
    ]:
        monkeypatch.setattr(grp, "getgrgid", lambda gid, name=name, members=members: _Group(name, members))
        if trusted:
            cache._check_modes(tmp_path / "folder")
        else:
            with pytest.raises(PermissionError, match="can be written by other users"):
                cache._check_modes(tmp_path / "folder")


class _User(NamedTuple):
    pw_name: str
    pw_gid: int


class _Group(NamedTuple):
    gr_name: str
    gr_mem: list[str]


# --- the secret -----------------------------------------------------------------------------------------


def test_the_secret_is_the_user_s_alone_and_stays(tmp_path):
    folder = Path(folder_and_warning(tmp_path)[0])
    secret = folder / cache.SECRET
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    before = secret.read_bytes()
    assert len(before) == 32
    folder_and_warning(tmp_path)
    assert secret.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [cache.SECRET]


@pytest.mark.parametrize("damage", ["short", "empty", "readable by others"])
def test_a_secret_that_is_none_is_made_anew(tmp_path, damage):
    path = tmp_path / cache.SECRET
    first = cache._shared_secret(path)
    if damage == "readable by others":
        path.chmod(0o644)
    else:
        path.write_bytes(b"x" * (5 if damage == "short" else 0))
    second = cache._shared_secret(path)
    assert len(second) == 32 and second != first
    assert cache._shared_secret(path) == second
    assert os.listdir(tmp_path) == [cache.SECRET]


def test_processes_that_start_together_agree_on_the_secret(tmp_path):
    path = tmp_path / cache.SECRET
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(cache._shared_secret, [path] * 8))) == 1
