"""A model on its way to workers: it travels once, and only to workers that run the client's versions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from ...runtime.threads import inline
from ..same_versions import Versions, check_versions, own_versions

_KEPT = 4  # models of a worker process
_lock = threading.Lock()
_models: dict[str, Any] = {}  # by token, the one last asked for at the end


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
