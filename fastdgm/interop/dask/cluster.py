"""A model on its way to workers: it travels once, and only to workers that run the client's versions."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Any, NamedTuple

from ...runtime.threads import inline

_KEPT = 4  # models of a worker process
_lock = threading.Lock()
_models: dict[str, Any] = {}  # by token, the one last asked for at the end


class Versions(NamedTuple):
    """Of what rows depend on."""

    fastdgm: str
    numpy: str
    numba: str


class VersionMismatchError(RuntimeError):
    """A worker that runs other versions than the client."""


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


class Shipped:
    """A model as bytes, with the versions of the process that it comes from.

    A worker makes it a model again once per process, whatever the number of tasks, and only after its versions were
    found to be those of the client.

    Parameters
    ----------
    model : anything that pickles; functions and classes of a script or notebook travel with it.
    """

    def __init__(self, model: Any) -> None:
        import cloudpickle

        self.payload: bytes = cloudpickle.dumps(model, protocol=5)
        self.token: str = sha256(self.payload).hexdigest()
        self.versions: Versions = own_versions()

    def __dask_tokenize__(self) -> object:
        return type(self).__qualname__, self.token, self.versions

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """The model, for the body of a task: what it does there is done by the thread of the task alone.

        A worker runs as many tasks at a time as it has threads, so each has one.

        Raises
        ------
        VersionMismatchError : see :func:`check_versions`.
        """
        check_versions(self.versions)
        with inline():
            yield self._model()

    def _model(self) -> Any:
        import pickle

        with _lock:
            model = _models.pop(self.token, None)
            if model is None:
                model = pickle.loads(self.payload)
            _models[self.token] = model
            while len(_models) > _KEPT:
                del _models[next(iter(_models))]
        return model
