"""Files that appear whole or not at all, and what a write leaves as it was: links, devices, modes, other files."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fastdgm.runtime import files as atomic
from fastdgm.runtime.files import atomic_file

posix = pytest.mark.skipif(os.name != "posix", reason="asks for POSIX files")


def write(path: Path, content: bytes = b"new") -> None:
    with atomic_file(path) as file:
        file.write(content)


def test_a_failed_rename_names_the_file_and_other_errors_are_as_they_were(tmp_path, monkeypatch):
    def fail(source, target):
        raise PermissionError(errno.EACCES, "no", str(source), None, str(target))

    with pytest.raises(FileNotFoundError) as caught, atomic_file(tmp_path / "rows.npy"):
        (tmp_path / "other").read_bytes()
    assert caught.value.filename == str(tmp_path / "other")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(PermissionError) as denied, atomic_file(tmp_path / "rows.npy"):
        pass
    assert denied.value.filename == str(tmp_path / "rows.npy")
    assert denied.value.filename2 is None
    assert list(tmp_path.iterdir()) == []


# --- what is kept of an old file -------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755, 0o666])
def test_the_mode_of_an_old_file_is_kept(tmp_path, mode):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    with atomic_file(path) as file:
        (temporary,) = set(tmp_path.iterdir()) - {path}
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o600  # nobody reads it before it has its mode
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"


@posix
def test_a_new_file_has_the_mode_of_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_of_an_old_file_is_kept(tmp_path):
    write(tmp_path / "file")
    os.chown(tmp_path / "file", 12345, 23456)
    write(tmp_path / "file")
    status = (tmp_path / "file").stat()
    assert (status.st_uid, status.st_gid) == (12345, 23456)


@posix
def test_the_rights_of_a_group_that_cannot_be_kept_go_to_no_other(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o664)
    monkeypatch.setattr(os, "chown", refuse)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o664  # of the same group anyway
    other = os.stat_result((0o100664, 0, 0, 1, os.geteuid(), path.stat().st_gid + 1, 3, 0, 0, 0))
    monkeypatch.setattr(atomic, "check_target", lambda _: other)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@posix
def test_several_hard_links_are_refused(tmp_path):
    (tmp_path / "one").write_bytes(b"old")
    os.link(tmp_path / "one", tmp_path / "two")
    with pytest.raises(OSError, match=r"has 2 hard links, .* write elsewhere or remove it first") as caught:
        write(tmp_path / "two")
    assert caught.value.filename == str(tmp_path / "two")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old", b"old"]


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everything")
def test_a_write_protected_file_is_not_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o444)
    with pytest.raises(PermissionError):
        write(tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"old"


@posix
def test_links_keep_pointing_where_they_point(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/file")
    (tmp_path / "second").symlink_to("link")
    for content in (b"first", b"again"):
        write(tmp_path / "second", content)
        assert (tmp_path / "link").is_symlink() and (tmp_path / "second").is_symlink()
        assert (tmp_path / "folder" / "file").read_bytes() == content


# --- devices and FIFOs -----------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("link", [False, True])
def test_a_device_is_written_to(tmp_path, link):
    path = Path(os.devnull)
    if link:
        path = tmp_path / "link"
        path.symlink_to(os.devnull)
    write(path)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    assert path.is_symlink() == link


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_errors_of_a_device_name_it(tmp_path):
    (tmp_path / "link").symlink_to("/dev/full")
    with pytest.raises(OSError) as caught:
        write(tmp_path / "link")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path / "link"))


@posix
def test_a_fifo_is_written_to_once_somebody_reads(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.append(path.read_bytes()))
    timer = threading.Timer(0.2, reader.start)
    timer.start()
    write(path, b"x" * 200_000)  # more than a FIFO holds
    timer.join()
    reader.join(30.0)
    assert seen == [b"x" * 200_000]
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_fifo_that_nobody_reads_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "READER_SECONDS", 0.05)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="a FIFO that no process reads") as caught:
        write(tmp_path / "fifo")
    assert caught.value.filename == str(tmp_path / "fifo")
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


# --- what killed processes left behind -------------------------------------------------------------------------


@posix
def test_temporary_files_of_dead_processes_are_removed_and_no_others(tmp_path):
    target = tmp_path / "file"
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    prefix = atomic._prefix(target)
    stale = f"{prefix}{int(dead.stdout)}.{'0' * 8}.tmp"
    others = [
        f"{prefix}{os.getpid()}.{'0' * 8}.tmp",  # of another thread
        f"{prefix}{os.getppid()}.{'0' * 8}.tmp",
        f"{atomic._prefix(tmp_path / 'another')}{int(dead.stdout)}.{'0' * 8}.tmp",
        f"{prefix.replace(atomic._machine(), '0' * 8)}{int(dead.stdout)}.{'0' * 8}.tmp",  # of another machine
        f"{prefix}{int(dead.stdout)}.tmp",
        ".file.tmp",
    ]
    for name in (stale, *others):
        (tmp_path / name).touch()
    write(target)
    assert sorted(os.listdir(tmp_path)) == sorted(["file", *others])


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "[a-z]*", "a.b.c"])
def test_any_name_that_the_disk_takes(tmp_path, name):
    write(tmp_path / name)
    write(tmp_path / name)
    assert os.listdir(tmp_path) == [name]
