"""Means of importance weights in logarithms, their standard errors, and how many samples they are worth."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from ..errors import ImpossibleEvidenceError
from .impossible import Impossible

Array = npt.NDArray[np.float64]

FEW = 10  # effective samples below which an estimate is doubtful; of fewer than 20 samples, half of them

MORE = {  # what helps
    "n_importance": "a guide closer to the posterior helps, or more samples",
    "n_samples": "more samples help",
}


class Estimates(NamedTuple):
    """One answer for each row; without error where it is exact."""

    value: Array  # (n,), or (n, n_states)
    std_error: Array  # (n,) of log p; 0 where it is exact, and of shares, whose error is not estimated
    n_effective: Array  # (n,) samples; inf where it is exact

    @classmethod
    def exact(cls, value: Array) -> Self:
        """Answers that are not estimated."""
        return cls(value, np.zeros(len(value)), np.full(len(value), np.inf))

    def put(self, rows: npt.NDArray[Any], own: Estimates) -> None:
        """Set the answers of some rows."""
        for mine, theirs in zip(self, own, strict=True):
            mine[rows] = theirs

    def doubt(self, n_samples: int, option: str = "n_importance") -> str | None:
        """What to warn of: rows whose weights are concentrated on a few samples, of which ``option`` says how many."""
        few = min(float(FEW), n_samples / 2)
        estimated = self.n_effective[np.isfinite(self.n_effective)]
        n_few = int((estimated < few).sum())
        if not n_few:
            return None
        return (
            f"in {n_few} of {len(estimated)} rows the weights of {option}={n_samples} samples are worth fewer "
            f"than {few:g} (effective sample size, median of all rows {np.median(estimated):.3g}): their estimates are "
            f"doubtful, log p probably too low; {MORE[option]}"
        )


def log_means(log_weights: Array) -> Estimates:
    """log (1/K) sum_k w_k of rows (n, K).

    Its standard error is that of the mean divided by the mean (the delta method), inf where K is 1 or all weights are
    0; the effective sample size is (sum w)^2 / sum w^2 (Kong 1992).
    """
    n_samples = log_weights.shape[1]
    log_total, normalised = _normalised(log_weights)
    sum_of_squares = np.einsum("nk,nk->n", normalised, normalised)
    possible = sum_of_squares > 0
    std_error = np.full(len(log_weights), np.inf)
    n_effective = np.zeros(len(log_weights))
    n_effective[possible] = 1.0 / sum_of_squares[possible]
    if n_samples > 1:
        deviations = normalised[possible] - 1.0 / n_samples
        variances = np.einsum("nk,nk->n", deviations, deviations) * n_samples / (n_samples - 1)
        std_error[possible] = np.sqrt(variances)
    return Estimates(log_total - np.log(n_samples), std_error, n_effective)


def shares(log_weights: Array, rows: npt.NDArray[Any], target: str, impossible: Impossible = "error") -> Estimates:
    """P(target = k) as the share of state k in all weights (n_states, n, K).

    Raises ImpossibleEvidenceError that names a row all of whose weights are 0, or gives NaN there.
    """
    by_sample = np.logaddexp.reduce(log_weights, axis=0)
    means = log_means(by_sample)
    if impossible == "error" and not (means.value > -np.inf).all():
        row = int(rows[int(np.argmin(means.value > -np.inf))])
        raise ImpossibleEvidenceError(
            f"row {row} has no posterior of {target!r}: the network calls what it holds impossible, or no sample of "
            "the hidden real variables explains it"
        )
    log_total = means.value + np.log(by_sample.shape[1])
    with np.errstate(invalid="ignore"):
        found = np.exp(np.logaddexp.reduce(log_weights, axis=2) - log_total).T
    return Estimates(found / found.sum(axis=1, keepdims=True), np.zeros(len(found)), means.n_effective)


def normalised_weights(log_weights: Array) -> Array:
    """The weights of rows (n, K), divided by their sums; 0 where all are."""
    return _normalised(log_weights)[1]


def _normalised(log_weights: Array) -> tuple[Array, Array]:
    """log of the sum of each row (n,), and its weights divided by that, 0 where all are."""
    largest = log_weights.max(axis=1, keepdims=True)
    scaled = np.exp(log_weights - np.where(np.isfinite(largest), largest, 0.0))
    total = scaled.sum(axis=1)
    with np.errstate(divide="ignore"):
        log_total = np.log(total) + largest[:, 0]
    scaled /= np.where(total > 0, total, 1.0)[:, None]
    return log_total, scaled
