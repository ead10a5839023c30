"""Newton's method for logistic and softmax regression: the maximum of the penalised likelihood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..runtime.memory import check_memory
from ..runtime.pieces import cell_ranges
from ..runtime.threads import run_pieces
from .design import Design

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

MOST_STEPS = 100
GAIN = 1e-10  # of the objective, in units of a row's largest weight: below, its own digits say no more
MOVED = 1e-4  # the most that a last step moves the log-odds of any row, relative to 1 or to these
CELLS = 1 << 19  # of a piece of columns, which stays in the cache
PIECES_AT_ONCE = 16  # bounds the memory of their matrices
RISE = 1e-4  # the least share of the gain that a step promises (Armijo 1966)
SHORTEST = 1e-8  # of steps
FALLEN = 0.9  # the most of the slope that a step leaves, where the objective has no digits to show its rise
CONTRADICTED = 1e-8  # the share of its terms by which a row contradicts a direction; less is rounding


class Objective(NamedTuple):
    """Log-likelihood, its gradient (k - 1, size) and its negative second derivative, by state and column."""

    value: float
    gradient: Floats
    information: Floats  # ((k - 1) * size, (k - 1) * size)


class Maximum(NamedTuple):
    """Coefficients (k - 1, size) of the states but the first, whose are 0."""

    coefficients: Floats
    converged: bool
    separable: bool


def maximise(design: Design, codes: Array, n_states: int, weights: Floats, penalty: Floats) -> Maximum:
    """argmax of sum_i weights_i log p(codes_i) - sum_kj penalty_j b_kj^2 / 2 over coefficients b (k - 1, size).

    Newton steps, halved until the objective rises or, near the maximum, until its slope falls. They end where no row's
    log-odds move any more, whatever its weight; or at a direction in which the likelihood rises for ever. Gradient and
    second derivative of a piece of rows are matrix products, which BLAS makes at the CPU's speed; pieces are added in
    order, whatever the number of threads.
    """
    shape = (n_states - 1, design.size)
    check_memory(8 * (2 + PIECES_AT_ONCE) * (shape[0] * shape[1]) ** 2, f"Newton's method for {shape} coefficients")
    smallest_gain = GAIN * float(weights.max(initial=0.0))
    b = np.zeros(shape)
    now = _penalised(objective(design, codes, weights, b), b, penalty)
    for _ in range(MOST_STEPS):
        step, is_whole = _newton_step(now)
        promised = float((step * now.gradient).sum())
        is_near = promised <= smallest_gain
        if is_near and is_whole and _rests(design, b, step):
            return Maximum(b + step, True, False)
        if is_near and not penalty.any() and _separates(design, codes, (step, b + step)):
            return Maximum(b, True, True)
        size = 1.0
        while size > SHORTEST:
            tried = b + size * step
            then = _penalised(objective(design, codes, weights, tried), tried, penalty)
            slope = float((step * then.gradient).sum())
            if then.value >= now.value + RISE * size * promised if not is_near else abs(slope) <= FALLEN * promised:
                break
            size /= 2
        else:  # no digits are left
            break
        b, now = tried, then
    return Maximum(b, False, not penalty.any() and _separates(design, codes, (step, b)))


def objective(design: Design, codes: Array, weights: Floats, b: Floats) -> Objective:
    """The log-likelihood and its derivatives, without penalty, of all rows."""

    def work(begin: int, end: int) -> Objective:
        return _of_rows(design.rows(begin, end), codes[begin:end], weights[begin:end], b)

    size = b.size
    total = Objective(0.0, np.zeros(b.shape), np.zeros((size, size)))
    pieces = cell_ranges(len(codes), design.size, CELLS)
    for first in range(0, len(pieces), PIECES_AT_ONCE):
        for own in run_pieces(work, pieces[first : first + PIECES_AT_ONCE]):
            total = Objective(
                total.value + own.value, total.gradient + own.gradient, total.information + own.information
            )
    return total


def _of_rows(x: Floats, codes: Array, weights: Floats, b: Floats) -> Objective:
    z = np.vstack([np.zeros(x.shape[1]), b @ x])
    rows = np.arange(len(codes))
    likeliest = z.argmax(axis=0)
    z -= z[likeliest, rows]
    p = np.exp(z)
    p[likeliest, rows] = 0.0
    others = p.sum(axis=0)
    p[likeliest, rows] = 1.0
    p /= 1.0 + others
    complement = 1.0 - p
    complement[likeliest, rows] = others / (1.0 + others)  # keeps its digits as it goes to 0
    value = float(weights @ (z[codes, rows] - np.log1p(others)))
    residual = -p
    residual[codes, rows] = complement[codes, rows]
    return Objective(value, (residual[1:] * weights) @ x.T, _information(x, p[1:], complement[1:], weights))


def _information(x: Floats, p: Floats, complement: Floats, weights: Floats) -> Floats:
    """Block (j, k) is x diag(weights p_j ([j = k] - p_k)) x^T."""
    n, size = len(p), len(x)
    blocks = np.empty((n, size, n, size))
    for j in range(n):
        root = x * np.sqrt(weights * p[j] * complement[j])
        blocks[j, :, j, :] = root @ root.T
        for k in range(j):
            blocks[j, :, k, :] = -(x * (weights * p[j] * p[k])) @ x.T
            blocks[k, :, j, :] = blocks[j, :, k, :].T
    return blocks.reshape(n * size, n * size)


def _penalised(found: Objective, b: Floats, penalty: Floats) -> Objective:
    information = found.information.copy()
    information[np.diag_indices_from(information)] += np.tile(penalty, len(b))
    value = found.value - float((penalty * b**2).sum()) / 2
    return Objective(value, found.gradient - penalty * b, information)


def _newton_step(found: Objective) -> tuple[Floats, bool]:
    """information^-1 gradient, and whether it is that: where rounding leaves the matrix indefinite, which is scaled to
    a diagonal of ones first, a ridge makes the step shorter."""
    matrix, right = found.information, found.gradient.ravel()
    diagonal = np.diagonal(matrix)
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    scaled = matrix * scale[:, None] * scale[None, :]
    for ridge in (0.0, 1e-12, 1e-9, 1e-6):
        try:
            factor = np.linalg.cholesky(scaled + ridge * np.eye(len(scaled)))
        except np.linalg.LinAlgError:
            continue
        step = scale * np.linalg.solve(factor.T, np.linalg.solve(factor, scale * right))
        return step.reshape(found.gradient.shape), ridge == 0.0
    step = scale * np.linalg.lstsq(scaled, scale * right, rcond=None)[0]
    return step.reshape(found.gradient.shape), False


def gram_of(design: Design, weights: Floats) -> Floats:
    """x diag(weights) x^T of all rows."""
    n = len(weights)
    none = np.zeros((1, design.size))
    return 4.0 * objective(design, np.zeros(n, np.int64), weights, none).information  # p (1 - p) is 1/4 at b = 0


def _rests(design: Design, b: Floats, step: Floats) -> bool:
    """Whether a step moves no row's log-odds, but for a small share of them."""

    def work(begin: int, end: int) -> bool:
        x = design.rows(begin, end)
        return bool((np.abs(step @ x) <= MOVED * (1.0 + np.abs(b @ x))).all())

    return _all_rows(work, design)


def _separates(design: Design, codes: Array, directions: Sequence[Floats]) -> bool:
    """Whether the likelihood rises for ever in one of some directions (k - 1, size) of the coefficients: none of the
    rows, whatever its weight, has another state that gains on its own (Albert and Anderson 1984)."""
    return any(_is_uncontradicted(design, codes, direction) for direction in directions)


def _is_uncontradicted(design: Design, codes: Array, direction: Floats) -> bool:
    none = np.zeros((1, design.size))
    of_states, largest = np.concatenate([none, direction]), float(np.abs(direction).max())

    def work(begin: int, end: int) -> bool:
        x = design.rows(begin, end)
        z, terms = of_states @ x, np.abs(of_states) @ np.abs(x)
        own = z[codes[begin:end], np.arange(end - begin)]
        return bool((z - own <= CONTRADICTED * (largest + terms.max(axis=0))).all())

    return _all_rows(work, design)


def _all_rows(work: Callable[[int, int], bool], design: Design) -> bool:
    """Whether something holds for all pieces of rows."""
    pieces = cell_ranges(design.part.codes.shape[1], design.size, CELLS)
    return all(
        all(run_pieces(work, pieces[first : first + PIECES_AT_ONCE])) for first in range(0, len(pieces), PIECES_AT_ONCE)
    )
