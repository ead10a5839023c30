"""Autoregressive models on a GPU: what a family's twins do with rows there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from ..runtime.cuda_queue import CudaQueue
from .draw import Draw

Empty = Callable[..., Any]  # (shape, dtype) -> memory of the card that holds anything, as numba's array


class CudaDrawn(NamedTuple):
    """As ``Drawn``, of device arrays of numba's."""

    values: Any  # (n, n_vars)
    log_prob: Any = None
    sampling_log_prob: Any = None
    undefined: Any = None  # bool (n,): rows in which a sum or a value left the range of the float type; None: never


class CudaRows(ABC):
    """The parameters of a model on one card, uploaded at first use and kept as long as this is.

    All arrays are device arrays of numba's. Methods launch twins on a queue of that card and do not wait for them.
    """

    @abstractmethod
    def log_prob(self, queue: CudaQueue, x: Any, context: Any, per_variable: bool, empty: Empty) -> Any:
        """log p of rows (n, n_vars) given their context (n, n_context), in nats: float64 (n,), or (n, n_vars) in the
        user's order of variables."""

    @abstractmethod
    def sample(self, queue: CudaQueue, draw: Draw, empty: Empty) -> CudaDrawn:
        """Draw rows; values in the user's order of variables.

        The arrays of ``draw`` are there, checked: prefix in the type of the values, context, and uniforms as float64
        (n, n_vars * words) inside (0, 1) also in the type that draws by them.
        """
