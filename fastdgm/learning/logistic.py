"""Logistic and softmax variables by Newton's method."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..conditionals.logistic import Logistic, LogLinear, Softmax
from ..data.blocks import Block, Part
from ..data.schema import Schema
from ..data.variables import Discrete
from .base import Learnt, RowsEstimator, Target, Weights
from .design import Design, independent, names_of
from .newton import MOST_STEPS, gram_of, maximise

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


class LogLinearEstimator(RowsEstimator):
    """Maximum of the likelihood less l2 / 2 |weights|^2, without the biases; ``learning/newton.py`` says how.

    State 0 of a softmax keeps weights and bias of 0, and so does the only state of a variable that has but one. Columns
    that are constant, or linear functions of those before them, are left out where l2 is 0, with a note: their weights
    are 0.
    """

    def fit(self, block: Block, weights: Weights) -> Learnt:
        """Conditionals by variable. ValueError for a state that never comes, too few rows, and separable rows."""
        part, own_weights = _rows_that_count(block.read(0, block.n), weights)
        conditionals, notes = {}, list[str]()
        for target in self.targets:
            conditionals[target.name], own_notes = fit_log_linear(target, part, self.schema, own_weights)
            notes += own_notes
        return Learnt(dict(conditionals), tuple(notes))


def _rows_that_count(part: Part, weights: Weights) -> tuple[Part, Floats]:
    """Checked columns of the rows of positive weight, and their weights, which are 1 where there are none."""
    if weights is None:
        return part, np.ones(part.codes.shape[1])
    weights = np.asarray(weights, np.float64)
    counts = weights > 0.0
    if counts.all():
        return part, weights
    reals = part.reals[:, counts] if part.reals.size else part.reals
    return part._replace(codes=part.codes[:, counts], reals=reals), weights[counts]


def fit_log_linear(target: Target, part: Part, schema: Schema, weights: Floats) -> tuple[LogLinear, list[str]]:
    """The conditional of one variable, and what to tell of it."""
    variable = target.variable
    assert isinstance(variable, Discrete)
    l2 = target.conditional.l2 if isinstance(target.conditional, LogLinear) else 0.0
    codes = part.codes[schema.rows[target.name]].astype(np.int64)
    design = Design.of(part, dict(target.parents), schema, weights)
    if variable.n_states == 1:  # it is certain, whatever the weights
        return _conditional(target, variable, l2, *design.unscaled(np.zeros((1, design.size)))), []
    _check_rows(target, variable, codes, weights, design.size, l2)
    kept, notes = np.ones(design.size, bool), list[str]()
    if l2 == 0.0:
        kept = independent(gram_of(design, weights))
        notes += _left_out(target, design, kept)
    used = design._replace(columns=tuple(own for own, is_kept in zip(design.columns, kept[1:], strict=True) if is_kept))
    penalty = np.concatenate([[0.0], l2 / used.scales**2])
    found = maximise(used, codes, variable.n_states, weights, penalty)
    if found.separable:
        raise ValueError(
            f"the rows are separable: weights of {target.name!r} would be infinite, because columns of its parents "
            f"tell states apart without a mistake; give it l2, as {_kind(variable)}(parents, l2=1.0)"
        )
    if not found.converged:
        notes.append(f"Newton's method did not converge in {MOST_STEPS} steps for {target.name!r}")
    coefficients = np.zeros((variable.n_states, design.size))
    coefficients[1:, kept] = found.coefficients
    return _conditional(target, variable, l2, *design.unscaled(coefficients)), notes


def _kind(variable: Discrete) -> str:
    return "Logistic" if variable.n_states == 2 else "Softmax"


def _conditional(target: Target, variable: Discrete, l2: float, weights: Floats, bias: Floats) -> LogLinear:
    parents = tuple(target.parents)
    is_softmax = isinstance(target.conditional, Softmax) or variable.n_states != 2
    if is_softmax:
        return Softmax.trusted(parents, weights, bias, l2, variable.states)
    return Logistic.trusted(parents, weights[1].copy(), np.array(bias[1]), l2, variable.states)


def _check_rows(target: Target, variable: Discrete, codes: Array, weights: Floats, size: int, l2: float) -> None:
    """Every state has a row; there are more rows than coefficients of a state, or a penalty."""
    of_states = np.bincount(codes, weights, minlength=variable.n_states)
    if not (of_states > 0.0).all():
        state = variable.states[int(np.argmin(of_states > 0.0))]
        raise ValueError(
            f"state {state!r} of {target.name!r} has no row of positive weight: its weights would be infinite"
        )
    n_rows = len(weights)
    if l2 == 0.0 and n_rows <= size:
        raise ValueError(
            f"a regression with {size} coefficients, bias included, needs more rows of positive weight than that, or "
            f"l2: {target.name!r} has {n_rows} rows; give it l2, as {_kind(variable)}(parents, l2=1.0)"
        )


def _left_out(target: Target, design: Design, kept: npt.NDArray[np.bool_]) -> list[str]:
    if kept.all():
        return []
    names = names_of(design, np.flatnonzero(~kept).tolist())
    return [
        f"columns of parents {names} of {target.name!r} are constant or linear functions of those before them: their "
        "weights are 0"
    ]
