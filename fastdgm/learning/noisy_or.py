"""Noisy-or variables by expectation maximisation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.noisy_or import NoisyOr
from ..data.blocks import Block, Part
from ..data.schema import Schema
from .base import Learnt, RowsEstimator, Target, Weights

Floats = npt.NDArray[np.float64]

MOST_STEPS = 5000
GAIN = 1e-10  # of the log-likelihood per row: below, it is at its maximum


class NoisyOrEstimator(RowsEstimator):
    """Maximum likelihood of probabilities and leak, by steps that never lower it (Dempster, Laird and Rubin 1977)."""

    def fit(self, block: Block, weights: Weights) -> Learnt:
        """Conditionals by variable. Raises ValueError where no row has a positive weight."""
        part = block.read(0, block.n)
        own_weights = np.ones(block.n) if weights is None else np.asarray(weights, np.float64)
        conditionals, notes = {}, list[str]()
        for target in self.targets:
            conditionals[target.name], own_notes = fit_noisy_or(target, part, self.schema, own_weights)
            notes += own_notes
        return Learnt(dict(conditionals), tuple(notes))


class Groups(NamedTuple):
    """Rows that are alike, as one: which causes are there, and the weights of those with the effect and without."""

    causes: Floats  # (groups, 1 + parents), of 0 and 1; the first, always there, is the leak
    with_effect: Floats  # (groups,)
    without: Floats


def grouped(causes: npt.NDArray[np.uint8], effect: npt.NDArray[np.bool_], weights: Floats) -> Groups:
    """Of bits (n_parents, n) and rows' weights (n,)."""
    packed = np.packbits(causes, axis=0).T if len(causes) else np.zeros((len(effect), 1), np.uint8)
    rows = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1])))[:, 0]
    _, first, group = np.unique(rows, return_index=True, return_inverse=True)
    bits = np.concatenate([np.ones((len(first), 1)), causes.T[first]], axis=1)
    sums = np.stack([np.bincount(group, weights * picked, len(first)) for picked in (effect, ~effect)])
    return Groups(bits, *sums.astype(np.float64))


def maximise(groups: Groups) -> tuple[Floats, bool, list[float]]:
    """Probabilities (1 + parents) of the leak and of all causes, whether these are at the maximum, and the likelihoods
    of all steps.

    A cause that is there brings the effect about, where there is one, with probability p_i / (1 - prod_j (1 - p_j)).
    """
    there = groups.causes.T @ (groups.with_effect + groups.without)
    p = np.where(there > 0.0, 0.5, 0.0)
    total, values = float((groups.with_effect + groups.without).sum()), []
    for _ in range(MOST_STEPS):
        log_off = groups.causes @ np.log1p(-np.minimum(p, 1.0 - 2.0**-53))
        on = -np.expm1(log_off)
        values.append(_log_likelihood(groups, log_off, on))
        if len(values) > 1 and values[-1] - values[-2] <= GAIN * total:
            return p, True, values
        share = np.divide(groups.with_effect, on, out=np.zeros_like(on), where=groups.with_effect > 0.0)
        brought = p * (groups.causes.T @ share)
        p = np.minimum(np.divide(brought, there, out=np.zeros_like(p), where=there > 0.0), 1.0)
    return p, False, values


def _log_likelihood(groups: Groups, log_off: Floats, on: Floats) -> float:
    seen = groups.with_effect > 0.0
    return float(groups.with_effect[seen] @ np.log(on[seen]) + groups.without @ log_off)


def fit_noisy_or(target: Target, part: Part, schema: Schema, weights: Floats) -> tuple[NoisyOr, list[str]]:
    """The conditional of one variable, and what to tell of it."""
    if not weights.sum() > 0.0:
        raise ValueError(f"{target.name!r} has no row of positive weight")
    parents = tuple(target.parents)
    causes = part.codes[[schema.rows[name] for name in parents]].astype(np.uint8).reshape(len(parents), -1)
    groups = grouped(causes, part.codes[schema.rows[target.name]] == 1, weights)
    p, converged, _ = maximise(groups)
    never = groups.causes.T @ (groups.with_effect + groups.without) == 0.0
    notes = []
    if never.any():
        names = [name for name, is_never in zip(parents, never[1:], strict=True) if is_never]
        notes.append(f"causes {names} of {target.name!r} are never there: their probabilities are 0")
    if not converged:
        notes.append(f"expectation maximisation did not converge in {MOST_STEPS} steps for {target.name!r}")
    return NoisyOr.trusted(parents, p[1:], float(p[0])), notes
