"""How far estimated answers can be trusted, and the argument that asks for them."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Method = Literal["exact", "weighted"]
N_SAMPLES = 10_000


class SamplingInfo(NamedTuple):
    """How far an answer can be trusted: ``return_info=True`` gives one beside it.

    ``std_error`` has the shape of the answer: the standard error of each of its numbers, of log-probabilities in nats.
    ``effective_sample_size`` ``(n,)`` is (sum w)^2 / sum w^2 of the weights of each row (Kong 1992). Answers that are
    exact have error 0 and infinitely many samples.
    """

    std_error: Any
    effective_sample_size: npt.NDArray[np.float64]


def is_weighted(method: str) -> bool:
    """Whether an answer is estimated. ValueError for what is no method."""
    if method not in ("exact", "weighted"):
        raise ValueError(f'method is "exact" or "weighted", got {method!r:.60}')
    return method == "weighted"


def exact_info(answer: npt.NDArray[np.float64] | dict[str, npt.NDArray[np.float64]]) -> SamplingInfo:
    """That of exact answers, with a row for each row."""
    if isinstance(answer, dict):
        n = len(next(iter(answer.values()), ()))
        return SamplingInfo({name: np.zeros(own.shape) for name, own in answer.items()}, np.full(n, np.inf))
    return SamplingInfo(np.zeros(answer.shape), np.full(len(answer), np.inf))
