"""Engines of real scalars on a GPU: one plan for each type of numbers, read by the twins of one table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..data.cuda_blocks import CudaPart
from ..data.schema import Values
from ..runtime.cuda_launch import Twin, launch_on
from ..runtime.cuda_queue import CudaQueue
from .cuda_engine import CudaEngine
from .real import RealEngine

ROWS = 4  # of a thread


class CudaReals(CudaEngine[RealEngine[Any]]):
    """Real variables of one number each. A value or a term that leaves its type's range is infinite or NaN there."""

    loops: ClassVar[Mapping[tuple[str, str], Twin]]

    def __init__(self, engine: RealEngine[Any]) -> None:
        super().__init__(engine)
        self._plans: dict[np.dtype[Any], Any] = {}
        self._numbers: Any = None

    @abstractmethod
    def packed(self, plan: Any) -> Any:
        """A plan as the twins read it."""

    def blocks(self, codes: Any, reals: Any) -> tuple[Any, ...]:
        """What the twins take of the rows."""
        return codes, reals

    def sample(self, queue: CudaQueue, key: int, start: int, values: Values) -> None:
        """Draw the members in order."""
        words, plan = (np.uint64(key), np.uint64(start % 2**64)), self._plan(queue, values.reals.dtype)
        launch_on(
            queue,
            self.loops["sample", "cuda"],
            self._threads(values.reals.shape[1]),
            *words,
            plan,
            *self.blocks(*values),
        )

    def log_prob(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """The sum over the members."""
        plan = self._plan(queue, part.reals.dtype)
        launch_on(queue, self.loops["log_prob", "cuda"], self._threads(out.shape[0]), plan, *self.blocks(*part), out)

    def log_prob_per_variable(self, queue: CudaQueue, part: CudaPart, out: Any) -> None:
        """Member after member."""
        if self._numbers is None:
            self._numbers = queue.to_device(self.engine.numbers)
        plan, twin = self._plan(queue, part.reals.dtype), self.loops["log_prob per variable", "cuda"]
        launch_on(queue, twin, self._threads(out.shape[1]), plan, self._numbers, *self.blocks(*part), out)

    def _threads(self, n: int) -> int:
        """For n rows."""
        return -(-n // ROWS)

    def _plan(self, queue: CudaQueue, dtype: Any) -> Any:
        kind = np.dtype(dtype)
        if kind not in self._plans:
            self._plans[kind] = queue.plan_to_device(self.packed(self.engine.make_plan(kind)))
        return self._plans[kind]
