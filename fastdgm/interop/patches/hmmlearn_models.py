"""hmmlearn's models over many sequences at once: scores, posteriors, best states and the E step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from hmmlearn.vhmm import VariationalBaseHMM

from ...engines.hmm import lanes
from ...runtime.pieces import run_ranges
from .hmmlearn_frames import Likelihood, by_symbol, ends_of, pieces_of
from .hmmlearn_recursions import UNDERFLOW

Array = npt.NDArray[Any]

AT_ONCE = 32  # pieces, whose posteriors are kept until they have been added up


class Work(NamedTuple):
    """Sequences in pieces, and what a piece needs."""

    chain: lanes.Chain
    likelihood: Likelihood
    X: Array
    lengths: Array
    sequences: list[tuple[int, int]]
    frames: list[tuple[int, int]]


def score(model: Any, X: Array, lengths: Any, *, compute_posteriors: bool) -> tuple[float, Array]:
    """log P of all sequences, and the posteriors (n, K) of their states, or none of them."""
    work = _work(model, X, lengths)
    if not compute_posteriors:
        return _total(work, _over_pieces(work, lanes.log_prob)), np.empty((0, model.n_components))
    found = _over_pieces(work, lanes.posterior)
    return _total(work, [each.log_prob for each in found]), np.concatenate([each.states for each in found])


def decode(model: Any, X: Array, lengths: Any, algorithm: str) -> tuple[float, Array]:
    """The best states of all sequences, by Viterbi or frame by frame."""
    if algorithm == "map":
        _, posteriors = model.score_samples(X, lengths)
        return float(posteriors.max(axis=1).sum()), posteriors.argmax(axis=1)
    found = _over_pieces(_work(model, X, lengths, logs=True), lanes.viterbi)
    return float(sum(each[0].sum() for each in found)), np.concatenate([each[1] for each in found])


def expectations(model: Any, X: Array, lengths: Any) -> tuple[dict[str, Any], float]:
    """The statistics of all sequences and log P."""
    stats = model._initialize_sufficient_statistics()
    model._estep_begin()
    work, total = _work(model, X, lengths, fitting=True), 0.0
    for number, found in _in_turn(work):
        begin, end = work.frames[number]
        sums = _chain_statistics(model, stats, work.lengths[slice(*work.sequences[number])], found)
        # The model's method adds emissions; to it, this is one sequence, and by its lattice one without transitions.
        model._accumulate_sufficient_statistics(stats, X[begin:end], found.states[:1], found.states, None, None)
        stats.update(sums)
        total += _total(work, [found.log_prob])
    return stats, total


def _chain_statistics(model: Any, stats: dict[str, Any], lengths: Array, found: lanes.Posterior) -> dict[str, Any]:
    """Those of start and transitions with what more sequences say."""
    sums = {"nobs": stats["nobs"] + len(lengths)}
    if "s" in model.params:
        sums["start"] = stats["start"] + found.states[np.cumsum(lengths) - lengths].sum(axis=0)
    if "t" in model.params:
        sums["trans"] = stats["trans"] + found.transitions
    return sums


def add_symbols(counts: Array, symbols: Array, posteriors: Array) -> None:
    """How often each state emitted each symbol, to counts (K, symbols)."""
    for own, weights in zip(counts, posteriors.T, strict=True):
        own += np.bincount(symbols, weights=weights, minlength=len(own))


def is_ready(model: Any) -> bool:
    """Whether a model has parameters, that are as they must be; if not, hmmlearn says so."""
    if not hasattr(model, "startprob_"):
        return False
    model._check()
    return True


def _work(model: Any, X: Array, lengths: Any, *, fitting: bool = False, logs: bool | None = None) -> Work:
    logs = model.implementation == "log" if logs is None else logs
    start, step, likelihood = _parameters(model, fitting, logs)
    lengths = np.asarray(lengths, np.int64)
    pieces = pieces_of(lengths, model.n_components, X.shape[1])
    chain = lanes.chain_of(start, step, logs=logs)
    return Work(chain, by_symbol(likelihood, X), X, lengths, pieces, ends_of(pieces, lengths))


def _parameters(model: Any, fitting: bool, logs: bool) -> tuple[Array, Array, Likelihood]:
    """In the E step of a variational model those are not normalised."""
    if fitting and isinstance(model, VariationalBaseHMM):
        own = model._compute_subnorm_log_likelihood if logs else model._compute_subnorm_likelihood
        return model.startprob_subnorm_, model.transmat_subnorm_, own
    return model.startprob_, model.transmat_, model._compute_log_likelihood if logs else model._compute_likelihood


def _over_pieces(work: Work, verb: Callable[..., Any], begin: int = 0, end: int | None = None) -> list[Any]:
    """The verb's answers for pieces begin to end, in order."""

    def run(first: int, last: int) -> Any:
        if first == last:  # compiles
            return verb(work.chain, lanes.batch_of(work.lengths[:0]), np.empty((0, work.chain.n_states)))
        (own_begin, own_end), (a, b) = work.sequences[first], work.frames[first]
        return verb(work.chain, lanes.batch_of(work.lengths[own_begin:own_end]), work.likelihood(work.X[a:b]))

    last = len(work.sequences) if end is None else end
    return run_ranges(run, [(number, number + 1) for number in range(begin, last)])


def _in_turn(work: Work) -> Iterator[tuple[int, lanes.Posterior]]:
    """Numbers of pieces and what is known of their states, a few of them at a time."""
    for begin in range(0, len(work.sequences), AT_ONCE):
        end = min(begin + AT_ONCE, len(work.sequences))
        yield from enumerate(_over_pieces(work, lanes.posterior, begin, end), begin)


def _total(work: Work, log_probs: list[Array]) -> float:
    """ValueError where a scaled frame has no likelihood."""
    total = float(sum(each.sum() for each in log_probs))
    if not work.chain.lanes.logs and total == -np.inf:
        raise ValueError(UNDERFLOW)
    return total
