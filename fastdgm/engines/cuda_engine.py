"""Engines on a GPU: what the twins of a family of conditionals do with rows there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from ..data.cuda_blocks import CudaPart
from ..data.schema import Values
from ..runtime.cuda_queue import CudaQueue
from .base import Engine

OwnEngine = TypeVar("OwnEngine", bound=Engine)


class CudaEngine(ABC, Generic[OwnEngine]):
    """The members of an engine on one card: its plans are uploaded at first use and kept as long as this is.

    Methods launch twins on all rows of the blocks that they are given, device arrays of numba's, on a queue of that
    card, and do not wait for them. Nothing is copied from the card.
    """

    def __init__(self, engine: OwnEngine) -> None:
        self.engine = engine

    @abstractmethod
    def sample(self, queue: CudaQueue, key: int, start: int, values: Values) -> None:
        """Draw the members' rows of the blocks, whose parents' are there; column i of a block is row start + i."""

    @abstractmethod
    def log_prob(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """out[i] (n,) = the sum of the members' log-probabilities in row i, nats; NaN where a code is out of range."""

    @abstractmethod
    def log_prob_per_variable(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """out[v, i] (n_vars, n) = log P(x_v | parents of v) for the members v."""
