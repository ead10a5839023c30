"""Which models and data of hmmlearn are taken at once, in which pieces, and the likelihoods of a piece."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Likelihood = Callable[[Array], Array]
Pieces = list[tuple[int, int]]  # of sequences

FEW = 8  # sequences by which the lanes are not worth it
LANES = 16  # pieces are whole multiples of it
CELLS, LEAST_FRAMES, MOST_FRAMES = 1 << 18, 1 << 10, 1 << 14  # of a piece: what fits the caches
MOST_SYMBOLS = 1 << 12
IMPLEMENTATIONS = ("log", "scaling")

# What a loop over sequences calls: of a model class that has another one, hmmlearn's own loop runs.
CALLED = (
    "_accumulate_sufficient_statistics",
    "_accumulate_sufficient_statistics_log",
    "_accumulate_sufficient_statistics_scaling",
    "_compute_likelihood",
    "_compute_log_likelihood",
    "_compute_posteriors_log",
    "_compute_posteriors_scaling",
    "_compute_subnorm_likelihood",
    "_compute_subnorm_log_likelihood",
    "_decode_map",
    "_decode_viterbi",
    "_fit_log",
    "_fit_scaling",
    "_score",
    "score_samples",
)


def is_many(model: Any, X: Any, lengths: Any) -> bool:
    """Whether hmmlearn's own class has so many sequences that they are taken at once; what is wrong is left to it."""
    if lengths is None or len(lengths) < FEW or not _is_of_hmmlearn(model):
        return False
    if model.implementation not in IMPLEMENTATIONS:
        return False
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or not np.issubdtype(lengths.dtype, np.integer) or lengths.min() < 1:
        return False
    one_column = getattr(model, "emissionprob_", None) is None or hasattr(model, "n_trials") or X.shape[1] == 1
    return bool(one_column and lengths.sum() == len(X))


def _is_of_hmmlearn(model: Any) -> bool:
    own = vars(model)
    return all(
        name not in own and getattr(getattr(type(model), name, None), "__module__", "hmmlearn").startswith("hmmlearn")
        for name in CALLED
    )


def pieces_of(lengths: Array, n_states: int, n_features: int) -> Pieces:
    """Runs of sequences of about as many frames, LANES or a multiple of them; the same for any number of threads."""
    frames = min(MOST_FRAMES, max(LEAST_FRAMES, CELLS // (n_states * n_features)))
    ends, pieces, begin = np.cumsum(lengths), [], 0
    while begin < len(lengths):
        before = ends[begin - 1] if begin else 0
        count = int(np.searchsorted(ends, before + frames)) + 1 - begin
        end = min(len(lengths), begin + -(-count // LANES) * LANES)
        pieces.append((begin, end))
        begin = end
    return pieces


def by_symbol(likelihood: Likelihood, X: Array) -> Likelihood:
    """The same, looked up where rows are few different symbols."""
    if X.shape[1] != 1 or not np.issubdtype(X.dtype, np.integer) or X.min() < 0:
        return likelihood
    n_symbols = int(X.max()) + 1
    if n_symbols > min(MOST_SYMBOLS, len(X)):
        return likelihood
    table = np.ascontiguousarray(likelihood(np.arange(n_symbols, dtype=X.dtype)[:, None]))
    return lambda rows: table.take(rows[:, 0], axis=0)


def ends_of(pieces: Sequence[tuple[int, int]], lengths: Array) -> Pieces:
    """The frames of each piece."""
    ends = np.append(0, np.cumsum(lengths))
    return [(int(ends[begin]), int(ends[end])) for begin, end in pieces]
