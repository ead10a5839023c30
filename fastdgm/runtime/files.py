"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

READER_SECONDS = 5.0  # how long a FIFO may have no reader
_SHOWN = 40  # characters of the target's name in that of the temporary file: names are short enough for any disk
_BINARY = getattr(os, "O_BINARY", 0)  # Windows


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file to write into, under a temporary name in the same folder, renamed when the block ends well.

    Whatever ends the block early, Ctrl-C included, leaves the old file as it was and no temporary one behind; what a
    killed process left of its own is removed by the next one that writes the same file. Links are followed. The new
    file has the mode of the old one, and its owner where that is allowed. A device or FIFO is written to directly.

    Raises
    ------
    OSError : of writing; names ``path``, never the temporary file. Also for a file that may not be written, one with
    several hard links, of which a renamed file would replace only one, and a FIFO that nobody reads.
    """
    old = check_target(path)
    if old is not None and not stat.S_ISREG(old.st_mode):
        with _naming(path), _opened(path, old) as file:
            yield file
        return
    target = Path(os.path.realpath(path))  # a link keeps pointing where it points
    temporary = target.with_name(f"{_prefix(target)}{os.getpid()}.{secrets.token_hex(4)}.tmp")
    with _naming(path, temporary):
        _remove_stale(target)
        try:
            mode = 0o666 if old is None else 0o600  # nobody else reads it before it has the old file's mode
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode), "wb") as file:
                yield file
            if old is not None:
                _take_over(temporary, old)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def check_target(path: str | Path) -> os.stat_result | None:
    """Find out before any work what is at a path; an OSError where :func:`atomic_file` would not write."""
    try:
        old = os.stat(path)  # of what links lead to
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    if stat.S_ISREG(old.st_mode) and old.st_nlink > 1:
        reason = f"has {old.st_nlink} hard links, which would no longer be one file: write elsewhere or remove it first"
        raise OSError(errno.EMLINK, reason, str(path))
    return old


def _take_over(temporary: Path, old: os.stat_result) -> None:
    """Owner and mode of the old file; without its group, that group's rights are given to no other."""
    mode = old.st_mode & 0o777
    if hasattr(os, "chown"):
        new = temporary.stat()
        with suppress(PermissionError):
            os.chown(temporary, -1, old.st_gid)
        with suppress(PermissionError):
            os.chown(temporary, old.st_uid, -1)
        if new.st_gid != old.st_gid and temporary.stat().st_gid != old.st_gid:
            mode &= ~0o070
    temporary.chmod(mode)


@contextmanager
def _naming(path: str | Path, temporary: Path | None = None) -> Iterator[None]:
    """Errors of writing name the file that was asked for."""
    try:
        yield
    except OSError as error:
        # An error that names another file, such as the one whose rows are copied, is no error of this one.
        elsewhere = error.filename is not None and str(error.filename) not in (str(path), str(temporary))
        if elsewhere or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


# --- devices and FIFOs ---


def _opened(path: str | Path, status: os.stat_result) -> BinaryIO:
    if not stat.S_ISFIFO(status.st_mode):
        return open(os.open(path, os.O_WRONLY | _BINARY), "wb")
    end = time.monotonic() + READER_SECONDS
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            os.set_blocking(descriptor, True)
            return open(descriptor, "wb")
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > end:
                raise OSError(errno.ENXIO, "a FIFO that no process reads", str(path)) from None
        time.sleep(0.01)


# --- what killed processes left behind ---


def _machine() -> str:
    """Where a process number means what it means here: this machine, this container."""
    try:
        container = os.readlink("/proc/self/ns/pid")
    except OSError:
        container = ""
    return sha256(f"{platform.node()} {container}".encode()).hexdigest()[:8]


def _prefix(target: Path) -> str:
    return f".{target.name[:_SHOWN]}.{sha256(os.fsencode(target.name)).hexdigest()[:8]}-{_machine()}."


def _remove_stale(target: Path) -> None:
    """Temporary files for the same target whose process, on this machine, does not exist any more."""
    if os.name != "posix":  # elsewhere there is no harmless way to ask for a process
        return
    ours = re.compile(re.escape(_prefix(target)) + r"(\d+)\.[0-9a-f]{8}\.tmp")
    try:
        names = os.listdir(target.parent)
    except OSError:  # writing says what is wrong, if anything is
        return
    for name in names:
        match = ours.fullmatch(name)
        if match and not _is_running(int(match[1])):
            with suppress(OSError):  # another process was quicker, or it is another user's
                target.with_name(name).unlink()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True
