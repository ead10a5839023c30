"""The disk cache of compiled kernels: whose folder is trusted, and what is checked before it is loaded.

A cache entry is code. It is kept in a folder of the user's own, on a path that nobody else can change, and is loaded
only if its HMAC-SHA256 fits, under a secret that lies in that folder and is read once. What does not fit is compiled
anew.

In that folder every module of kernels has one of its own, named by a hash of all files that it is made of
(sources.py): a changed line costs a compilation of what it is part of, and of nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import inspect
import os
import pickle
import re
import secrets
import shutil
import stat
import sys
import time
import warnings
from pathlib import Path

import llvmlite
import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

from .sources import source_hash

__all__ = ["CACHE_FOLDER", "cached"]

PREFIX = "fastdgm-"
HASH = re.compile("[0-9a-f]{16}")
MAX_AGE_DAYS = 30
SECRET = "secret"  # name of the file
DIGEST_BYTES = 32  # of the secret too


def cached(compiled, function):
    """A jitted function with our cache between processes; as it is where there is none."""
    folder = _module_folder(Path(inspect.getfile(function)))
    if folder is None:
        return compiled
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        compiled._cache = _KernelCache(function)  # what njit(cache=True) does with its own class
    except (OSError, RuntimeError) as error:
        _warn_of_cache(error)
    finally:
        numba.config.CACHE_DIR = previous
    return compiled


class DamagedError(ValueError):
    """A cache file is not as this user's processes write it."""


class _KernelCache(FunctionCache):
    """A full disk or a damaged file costs a compilation and a warning, not the call."""

    def __init__(self, function):
        super().__init__(function)
        locator = self._impl.locator
        self._cache_file = SealedFiles(
            self._cache_path, self._impl.filename_base, locator.get_source_stamp(), CACHE_SECRET
        )

    def load_overload(self, signature, target_context):
        try:
            return super().load_overload(signature, target_context)
        except Exception as error:  # a file system can fail in many ways
            _warn_of_cache(error)
            self._forget()
            return None

    def save_overload(self, signature, data):
        try:
            super().save_overload(signature, data)
        except (OSError, EOFError, ValueError, pickle.PickleError) as error:
            _warn_of_cache(error)

    def _forget(self):
        try:
            self.flush()
        except OSError as error:
            _warn_of_cache(error)


class SealedFiles(IndexDataCacheFile):
    """numba's index and data files, each behind a digest of its path and content; the bytes checked are those loaded.

    The index says which data file belongs to which signature. Two processes that write at once may leave it pointing
    to the other's file, so a data file says that itself too.
    """

    def __init__(self, cache_path, filename_base, source_stamp, secret):
        super().__init__(cache_path, filename_base, source_stamp)
        self._secret = secret

    def save(self, key, data):
        """Store the compiled code of a signature."""
        super().save(key, (key, data))

    def load(self, key):
        """The compiled code of a signature, or None; raises DamagedError."""
        stored_key, data = super().load(key) or (None, None)
        return data if stored_key == key else None

    def _load_index(self):
        try:
            version, stamp, overloads = pickle.loads(self._unseal(self._index_path))
        except FileNotFoundError:
            return {}
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads):
        self._seal(self._index_path, self._dump((self._version, self._source_stamp, overloads)))

    def _load_data(self, name):
        return pickle.loads(self._unseal(self._data_path(name)))

    def _save_data(self, name, data):
        self._seal(self._data_path(name), self._dump(data))

    def _seal(self, path, content):
        with self._open_for_write(path) as file:
            file.write(self._digest(path, content))
            file.write(content)

    def _unseal(self, path):
        with open(path, "rb") as file:
            digest, content = file.read(DIGEST_BYTES), file.read()
        if not hmac.compare_digest(digest, self._digest(path, content)):
            raise DamagedError(f"{path} is damaged, or not written by this user's fastdgm")
        return content

    def _digest(self, path, content):
        name = "/".join(Path(path).parts[-3:]).encode()  # with the hash of its sources
        return hmac.digest(self._secret, hashlib.sha256(name).digest() + content, "sha256")


# --- the folder ---------------------------------------------------------------------------------------------------


@functools.cache
def _module_folder(path: Path) -> Path | None:
    """Where the kernels of a module are cached; None where there is no cache or where its sources cannot be read."""
    if CACHE_FOLDER is None:
        return None
    try:
        folder = CACHE_FOLDER / source_hash(path)
        new = not folder.is_dir()
        folder.mkdir(mode=0o700, exist_ok=True)
        if new:
            _prune(folder, "")
        os.utime(folder)  # used today
        return folder
    except (OSError, SyntaxError, ValueError):  # as in an archive; one text for all modules, so that it is said once
        _warn_of_cache(OSError("the sources of its kernels cannot be read"))
        return None


def _versions_hash() -> str:
    """What machine code depends on besides its sources and the CPU, which numba itself tells apart."""
    text = f"{numba.__version__} {llvmlite.__version__} {sys.version_info[:2]}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _user_folder() -> Path:
    """The user's cache folder; numba's own setting wins."""
    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _prune(keep: Path, prefix: str) -> None:
    """Remove neighbours of a folder that nothing has touched for a month; only names that we make."""
    for old in keep.parent.glob(prefix + "*"):
        try:
            stale = time.time() - old.lstat().st_mtime > MAX_AGE_DAYS * 86_400
            ours = HASH.fullmatch(old.name.removeprefix(prefix))
            if ours and stale and old != keep and old.is_dir() and not old.is_symlink():
                shutil.rmtree(old, ignore_errors=True)
        except OSError:  # another process was quicker
            continue


def _open_cache() -> tuple[Path | None, bytes]:
    """The folder, without links in its path, and its secret; None where there is none to be trusted."""
    try:
        parent = Path(os.path.realpath(_user_folder()))
        folder = parent / (PREFIX + _versions_hash())
        _check_owners(folder)  # before root makes a folder in the home of the user who called sudo
        new = not folder.is_dir()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owners(folder)
        _check_modes(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is not writable")
        if new:
            _prune(folder, PREFIX)
        os.utime(folder)
        return folder, _shared_secret(folder / SECRET)
    except (OSError, RuntimeError) as error:
        _warn_of_cache(error)
        return None, b""


def _check_owners(folder: Path) -> None:
    """Whoever owns a folder on the path can put another one in its place."""
    if not hasattr(os, "geteuid"):
        return
    for part in (folder, *folder.parents):
        if os.path.lexists(part) and part.lstat().st_uid not in (0, os.geteuid()):
            raise PermissionError(f"{part} belongs to another user")


def _check_modes(folder: Path) -> None:
    """So can whoever may write in one, unless it is sticky, as /tmp is; the cache folder itself may not be."""
    if not hasattr(os, "geteuid"):
        return
    for part in (folder, *folder.parents):
        status = part.lstat()
        sticky = status.st_mode & stat.S_ISVTX and part != folder
        group_writes = status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid)
        if not sticky and (status.st_mode & stat.S_IWOTH or group_writes):
            raise PermissionError(f"{part} can be written by other users")


def _is_private(group: int) -> bool:
    """Whether a group is the user's own, as systems with a umask of 002 give one to everybody: of the same name."""
    import grp
    import pwd

    try:
        user, own = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return user.pw_gid == group and own.gr_name == user.pw_name and set(own.gr_mem) <= {user.pw_name}


def _shared_secret(path: Path) -> bytes:
    """What only this user's processes know; made by the first of them, whole before it gets its name."""
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            _make_secret(path)
            continue
        with os.fdopen(descriptor, "rb") as file:
            private = sys.platform == "win32" or not os.fstat(descriptor).st_mode & 0o077
            secret = file.read(DIGEST_BYTES + 1)
        if private and len(secret) == DIGEST_BYTES:
            return secret
        path.unlink()  # copied with looser permissions, or damaged
        _make_secret(path)
    raise PermissionError(f"{path} changes while it is read")


def _make_secret(path: Path) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(DIGEST_BYTES))
        os.link(temporary, path)
    except FileExistsError:  # another process was quicker: that one counts
        pass
    finally:
        temporary.unlink()


def _warn_of_cache(error: BaseException) -> None:
    warnings.warn(f"fastdgm compiles anew, its cache cannot be used: {error!r}", RuntimeWarning, stacklevel=3)


CACHE_FOLDER, CACHE_SECRET = _open_cache()
