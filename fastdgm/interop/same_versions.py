"""Workers run the versions of the client: rows are the same only then."""

from __future__ import annotations

import os
import platform
from functools import cache
from importlib.metadata import version
from typing import NamedTuple

from ..errors import VersionMismatchError


class Versions(NamedTuple):
    """Of what rows depend on."""

    fastdgm: str
    numpy: str
    numba: str


@cache
def own_versions() -> Versions:
    """Those of this process."""
    import fastdgm

    return Versions(fastdgm.__version__, version("numpy"), version("numba"))


def check_versions(client: Versions) -> None:
    """Refuse to go on in a process whose versions are not those of the client.

    That of fastdgm has to be the same; of numpy and numba the first two numbers, because sums of floats may differ in
    the last bit from one such release to the next.

    Raises
    ------
    VersionMismatchError : names the worker, its versions and those of the client.
    """
    own = own_versions()
    pairs = zip(Versions._fields, own, client, strict=True)
    wrong = [f"{name} {here}, the client {there}" for name, here, there in pairs if _differ(name, here, there)]
    if wrong:
        raise VersionMismatchError(
            f"workers run the versions of the client, so that rows are the same: {worker_name()} has {'; '.join(wrong)}"
        )


def _differ(name: str, here: str, there: str) -> bool:
    if name == "fastdgm":
        return here != there
    return here.split(".")[:2] != there.split(".")[:2]


def worker_name() -> str:
    """What to call this process in an error: a worker's address, where it is one."""
    try:
        from distributed import get_worker

        return f"worker {get_worker().address}"
    except (ImportError, ValueError):
        return f"process {os.getpid()} on {platform.node()}"
