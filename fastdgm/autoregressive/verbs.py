"""The verbs that follow from ``sample`` and ``log_prob``, for rows and ragged sequences alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from ..engines.draw import Seed
from ..learning.protocol import ModelProtocol
from ..runtime.seeds import check_chunk, check_rows, key_from_seed


class Verbs(ModelProtocol, ABC):
    """A model that scores and draws."""

    n_context: int = 0  # numbers that come with every row, where the model is p(x | context)

    @abstractmethod
    def log_prob(self, x: Any) -> Any:
        """log p of each row or sequence, in nats."""

    @abstractmethod
    def sample(
        self, n: int | None = None, *, seed: Seed = None, start: int = 0, like: Any = None, device: str | None = None
    ) -> Any:
        """Draw rows or sequences."""

    def score_samples(self, x: Any) -> Any:
        """The same as :meth:`log_prob`, under scikit-learn's name."""
        return self.log_prob(x)

    def iter_samples(
        self,
        n: int,
        chunk: int = 100_000,
        *,
        seed: Seed = None,
        start: int = 0,
        like: Any = None,
        device: str | None = None,
    ) -> Iterator[Any]:
        """``sample(n, seed=seed, start=start)`` in pieces of ``chunk`` rows, at constant memory.

        The seed is drawn once; the pieces concatenate to the rows of one call. ``like`` and ``device`` as there.

        Examples
        --------
        >>> import fastdgm as fd
        >>> [part.shape for part in fd.FVSBN(3).iter_samples(250, chunk=100, seed=0)]
        [(100, 3), (100, 3), (50, 3)]
        """
        n, start = check_rows(n, start)
        size = check_chunk(chunk)
        key = key_from_seed(seed)
        return (
            self.sample(min(size, n - begin), seed=key, start=start + begin, like=like, device=device)
            for begin in range(0, n, size)
        )
