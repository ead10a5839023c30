"""Rows of a model to Parquet files, one per partition, at constant memory."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..same_versions import worker_name
from .cluster import Shipped
from .draws import Draws
from .sampling import Ranges, as_key, planned

_PART = re.compile(r"part-\d{5,}\.parquet")
_IS_THERE = (errno.ENOTEMPTY, errno.EEXIST)


class Written(NamedTuple):
    """What is in a folder of Parquet files."""

    path: str
    n_rows: int
    n_files: int
    n_bytes: int
    seed: int  # ``net.sample(n_rows, seed=seed, start=start)`` are the same rows
    start: int


class Part(NamedTuple):
    """One file of them."""

    name: str
    n_rows: int
    n_bytes: int


def to_parquet(
    net: Any,
    n: int,
    path: str | os.PathLike[str],
    *,
    seed: int | np.random.Generator | None = None,
    start: int = 0,
    partition_rows: int | None = None,
    given: Mapping[str, object] | None = None,
    do: Mapping[str, object] | None = None,
    dtype: npt.DTypeLike | None = None,
    overwrite: bool = False,
    compute: bool = True,
) -> Any:
    """Draw ``n`` rows into a folder of Parquet files, ``part-00000.parquet``, ..., one per partition.

    The rows, read in the order of the names, are those of ``net.sample(n, seed=seed, start=start)``; schema and
    compression are those of ``fastdgm sample ... -o rows.parquet``, alike in all files: pandas, polars, pyarrow and
    dask read the folder as one data set, whose labels are ordered dictionaries of all states. A task holds about 8
    million cells at a time, whatever ``n`` and ``partition_rows``, and nothing but numbers of rows and bytes comes
    back.

    Files are written under another name, in a folder beside ``path`` that becomes ``path`` when all are there: a worker
    that is killed, or a run that fails, leaves no half file and no half data set, and what was there before stays until
    then. Of clients that write to one path at once with ``overwrite=True``, the last one to finish has its rows there.
    Workers have to see the same folder.

    Parameters
    ----------
    net, n, seed, start, given, do, dtype : as for :func:`sample`.
    path : a folder that is not there or empty, on a disk that client and workers share.
    partition_rows : rows of a file; None: as many as take about 96 MiB in memory, in steps of 4096; ALARM's files of
        so many rows have about 25 MB.
    overwrite : replace a folder of such files (never one with others in it).
    compute : False returns a dask ``Delayed`` that writes when it is computed; if it fails, its folder stays beside
        ``path``, hidden.

    Returns
    -------
    Written : path, n_rows, n_files, n_bytes, seed, start.

    Raises
    ------
    FileExistsError : a folder with files in it, without ``overwrite=True``, or with other files. OSError : a disk that
        is full, not shared or not to be written. RuntimeError : a part whose workers were lost each time it was tried,
        as they are where memory is short. VersionMismatchError, and the others of :func:`sample`.

    Examples
    --------
    >>> import fastdgm as fd, tempfile
    >>> from fastdgm.interop.dask import to_parquet
    >>> net = fd.example("asia")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = to_parquet(net, 10_000, f"{folder}/rows", seed=0, partition_rows=4_000)
    ...     with fd.num_threads(1):
    ...         import pandas as pd
    ...         rows = pd.read_parquet(f"{folder}/rows")
    >>> written.n_files, written.n_rows, bool((rows == net.sample(10_000, seed=0).to_pandas()).all(axis=None))
    (3, 10000, True)
    """
    draws, ranges = planned(net, n, seed, start, partition_rows, given, do, dtype)
    target = _checked_path(path)
    check_folder(target, overwrite)
    token = secrets.token_hex(8)
    written = _graph(draws, ranges, target, overwrite, token)
    return _computed(written, ranges, _staging(target, token), token) if compute else written


def write_part(model: Shipped, ready: None, folder: str, name: str, begin: int, n: int) -> Part:
    """The task of one file: it appears whole or not at all, and with the same bytes whenever it is written again."""
    file = Path(folder, name)
    with model.opened() as draws:
        draws.write(file, begin, n)
    return Part(name, n, file.stat().st_size)


def make_folder(folder: str) -> None:
    """Before the first file."""
    os.makedirs(folder, exist_ok=True)


def finish(parts: Sequence[Part], folder: str, path: str, overwrite: bool) -> tuple[int, int]:
    """Put the folder where it was asked for, when all files are there. Returns their numbers of rows and bytes.

    Done again, as after the loss of a worker, it finds that it has been done.
    """
    source, target = Path(folder), Path(path)
    if not source.is_dir() and _missing(parts, target) is None:
        return _sums(parts)
    if (missing := _missing(parts, source)) is not None:
        raise OSError(
            errno.EIO,
            f"client and workers write into one folder, which they all see: {worker_name()} misses {missing.name} "
            f"({missing.n_bytes} bytes) in",
            str(source),
        )
    for name in set(os.listdir(source)).difference(part.name for part in parts):
        os.unlink(source / name)  # of a worker that was killed
    check_folder(target, overwrite)
    while not _replace(source, target):
        check_folder(target, overwrite)
    return _sums(parts)


def check_folder(target: Path, overwrite: bool) -> None:
    """Refuse a path where files would be lost.

    Raises
    ------
    FileExistsError : see :func:`to_parquet`. NotADirectoryError : a file.
    """
    try:
        names = sorted(os.listdir(target))
    except FileNotFoundError:
        return
    other = [name for name in names if not _PART.fullmatch(name)]
    if other:
        reason = f"a folder of rows holds part-00000.parquet and the like, and nothing else; {other[0]!r} is in"
    elif names and not overwrite:
        reason = f"{len(names)} files of rows are there already, overwrite=True replaces them:"
    else:
        return
    raise FileExistsError(errno.EEXIST, reason, str(target))


def _graph(draws: Draws, ranges: Ranges, target: Path, overwrite: bool, token: str) -> Any:
    """The tasks that write, and one after all of them."""
    from dask import delayed

    model, folder = as_key(Shipped(draws)), str(_staging(target, token))
    ready = delayed(make_folder, pure=False)(folder, dask_key_name=f"fastdgm-folder-{token}")
    write = delayed(write_part, pure=False)
    width = max(5, len(str(len(ranges.begins) - 1)))
    parts = [
        write(model, ready, folder, f"part-{p:0{width}}.parquet", begin, n, dask_key_name=_key(token, p))
        for p, (begin, n) in enumerate(zip(*ranges, strict=True))
    ]
    return delayed(_written, pure=False)(
        delayed(finish, pure=False)(parts, folder, str(target), overwrite, dask_key_name=f"fastdgm-finish-{token}"),
        str(target),
        len(parts),
        draws.key,
        ranges.begins[0],
    )


def _written(sums: tuple[int, int], path: str, n_files: int, seed: int, start: int) -> Written:
    n_rows, n_bytes = sums
    return Written(path, n_rows, n_files, n_bytes, seed, start)


def _computed(written: Any, ranges: Ranges, folder: Path, token: str) -> Written:
    """What a graph writes; if it fails, nothing is left of it."""
    try:
        found: Written = written.compute()
    except BaseException as error:
        _discard(folder)
        lost = _lost_part(error, token, len(ranges.begins))
        if lost is None:
            raise
        begin, n = ranges.begins[lost], ranges.sizes[lost]
        raise RuntimeError(
            f"every worker that had rows {begin} to {begin + n} (part {lost}) to write was lost, as when it has too "
            "little memory or its machine is taken away: nothing is written. Workers with more memory, or fewer "
            f"threads each, may do it; distributed.scheduler.allowed-failures says how often dask tries. {error}"
        ) from error
    return found


def _lost_part(error: BaseException, token: str, n_parts: int) -> int | None:
    """The part whose workers were killed, if that is what an error says."""
    try:
        from distributed import KilledWorker
    except ImportError:
        return None
    if not isinstance(error, KilledWorker):
        return None
    return next((p for p in range(n_parts) if error.task == _key(token, p)), None)


def _key(token: str, p: int) -> str:
    return f"fastdgm-part-{token}-{p}"


def _discard(folder: Path) -> None:
    """Delete a folder of files. It is renamed first: a task that is about to rename it to the path misses all of it."""
    gone = folder.with_suffix(".gone")
    with suppress(OSError):
        os.rename(folder, gone)
        shutil.rmtree(gone, ignore_errors=True)


def _missing(parts: Sequence[Part], folder: Path) -> Part | None:
    """The first file that is not there as it was written."""
    for part in parts:
        try:
            if os.stat(folder / part.name).st_size != part.n_bytes:
                return part
        except OSError:
            return part
    return None


def _sums(parts: Sequence[Part]) -> tuple[int, int]:
    return sum(part.n_rows for part in parts), sum(part.n_bytes for part in parts)


def _staging(target: Path, token: str) -> Path:
    """Where files are before all of them are there: on the same disk, so that a folder is renamed."""
    return target.with_name(f".{target.name}.{token}.new")


def _replace(source: Path, target: Path) -> bool:
    """Rename a folder of files to a path; what is there is deleted when the new one has its place.

    False where another client has put his there in between.
    """
    old = source.with_suffix(".old")
    with suppress(FileNotFoundError):  # nothing is there
        os.rename(target, old)
    try:
        os.rename(source, target)
    except BaseException as error:
        is_new = isinstance(error, OSError) and error.errno in _IS_THERE
        if old.exists():
            shutil.rmtree(old) if is_new else os.rename(old, target)
        if is_new:
            return False
        raise
    if old.exists():
        shutil.rmtree(old)
    return True


def _checked_path(path: str | os.PathLike[str]) -> Path:
    """An absolute path, since workers may run in another folder; of a link what it leads to.

    Raises ValueError for none, and for an address such as s3://...
    """
    if not (name := os.fsdecode(path)) or "://" in name:
        raise ValueError(f"rows are written to a folder of a disk that all workers see, got {name!r}")
    return Path(os.path.realpath(name))
