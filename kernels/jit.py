"""The one place that owns numba options and the disk cache.

numba stamps a cached function with its defining file alone, so code cached before a change in another file of
this folder would be served stale, silently. Hence the cache folder is named by a hash of the whole folder. It is
per user (0700), next to nobody else's cache, and when it cannot be written the functions compile uncached.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import time
import warnings
from pathlib import Path
from pickle import PickleError

import numba
from numba import njit
from numba.core.caching import FunctionCache
from numba.extending import register_jitable

__all__ = ["formula", "inlined", "kernel", "loop", "scalar"]

OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}
PREFIX = "fastdgm-"
OUR_NAME = re.compile(PREFIX + "[0-9a-f]{16}")
MAX_AGE_DAYS = 30


def formula(function):
    """A scalar shared by CPU and CUDA loops: inlined by numba itself, because LLVM does not vectorise a loop over a
    call that returns a tuple; a plain Python function under the CUDA simulator."""
    return register_jitable(inline="always")(function)


def scalar(function):
    """A function of one number, shared by CPU and CUDA loops: LLVM inlines it, which is enough to vectorise a loop
    over a call that returns one number, and compiles in a tenth of the time that numba's own inlining takes."""
    return register_jitable(error_model="numpy", forceinline=True)(function)


def loop(function):
    """A small loop that kernels call; compiled into them, so it needs no cache of its own."""
    return njit(**OPTIONS)(function)


def inlined(function):
    """A loop that LLVM must inline: called so often that handing over its arguments would cost more than its work."""
    return njit(**OPTIONS, forceinline=True)(function)


def kernel(function):
    """A loop called from Python: compiled at first use, cached on disk between processes."""
    compiled = njit(**OPTIONS)(function)
    if CACHE_FOLDER is None:
        return compiled
    previous = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(CACHE_FOLDER)
    try:
        compiled._cache = _TolerantCache(function)  # what njit(cache=True) does with its own class
    finally:
        numba.config.CACHE_DIR = previous
    return compiled


class _TolerantCache(FunctionCache):
    """A full disk or a damaged file costs a compilation and a warning, not the call."""

    def load_overload(self, signature, target_context):
        try:
            return super().load_overload(signature, target_context)
        except Exception as error:  # unpickling rubbish can raise anything
            _warn_of_cache(error)
            self._forget()
            return None

    def save_overload(self, signature, data):
        try:
            super().save_overload(signature, data)
        except (OSError, EOFError, ValueError, PickleError) as error:
            _warn_of_cache(error)

    def _forget(self):
        try:
            self.flush()
        except OSError as error:
            _warn_of_cache(error)


def _source_hash() -> str:
    digest = hashlib.sha256(f"{numba.__version__} {sys.version_info[:2]}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _user_folder() -> Path:
    """The user's cache folder; numba's own setting wins."""
    if numba.config.CACHE_DIR:
        return Path(numba.config.CACHE_DIR)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _prune(parent: Path, keep: Path) -> None:
    """Remove folders of older versions that nothing has touched for a month; only names that we make."""
    for old in parent.glob(PREFIX + "*"):
        try:
            stale = time.time() - old.lstat().st_mtime > MAX_AGE_DAYS * 86_400
            if OUR_NAME.fullmatch(old.name) and stale and old != keep and old.is_dir() and not old.is_symlink():
                shutil.rmtree(old, ignore_errors=True)
        except OSError:  # another process was quicker
            continue


def _cache_folder() -> Path | None:
    try:
        parent = _user_folder()
        folder = parent / (PREFIX + _source_hash())
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _prune(parent, folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is not writable")
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to another user")
        if hasattr(os, "getuid") and folder.stat().st_mode & 0o022:
            raise PermissionError(f"{folder} can be written by other users")
        os.utime(folder)
        return folder
    except (OSError, RuntimeError) as error:
        _warn_of_cache(error)
        return None


def _warn_of_cache(error: BaseException) -> None:
    warnings.warn(f"fastdgm compiles anew, its cache cannot be used: {error!r}", RuntimeWarning, stacklevel=3)


CACHE_FOLDER = _cache_folder()
