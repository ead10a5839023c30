"""Newton's method for logistic and softmax regression: the maximum of the penalised likelihood."""

from __future__ import annotations

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
GAIN = 1e-10  # of the objective, in units of a row's largest weight: below, it is at its maximum
CELLS = 1 << 19  # of a piece of columns, which stays in the cache
PIECES_AT_ONCE = 16  # bounds the memory of their matrices
RISE = 1e-4  # the least share of the gain that a step promises (Armijo 1966)
SHORTEST = 1e-8  # of steps
INFORMATION = 1e-4  # the least of any direction, in rows of chance 1/2 and largest weight; less means separable


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

    Newton steps, halved until the objective rises. Gradient and second derivative of a piece of rows are matrix
    products, which BLAS makes at the CPU's speed; pieces are added in order, whatever the number of threads.
    """
    shape = (n_states - 1, design.size)
    check_memory(8 * (2 + PIECES_AT_ONCE) * (shape[0] * shape[1]) ** 2, f"Newton's method for {shape} coefficients")
    unit = float(weights.max(initial=0.0))
    b = np.zeros(shape)
    now = _penalised(objective(design, codes, weights, b), b, penalty)
    for _ in range(MOST_STEPS):
        step = _solve(now.information, now.gradient.ravel()).reshape(shape)
        promised = float((step * now.gradient).sum())
        if promised <= GAIN * unit:
            return Maximum(b + step, True, _separable(design, weights, now, unit) and not penalty.any())
        size = 1.0
        while size > SHORTEST:
            tried = b + size * step
            then = _penalised(objective(design, codes, weights, tried), tried, penalty)
            if then.value >= now.value + RISE * size * promised:
                break
            size /= 2
        else:  # no digits are left
            break
        b, now = tried, then
    return Maximum(b, False, _separable(design, weights, now, unit) and not penalty.any())


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
    z -= z.max(axis=0)
    log_total = np.log(np.exp(z).sum(axis=0))
    value = float(weights @ (z[codes, np.arange(len(codes))] - log_total))
    p = np.exp(z - log_total)[1:]
    observed = codes == np.arange(1, len(b) + 1)[:, None]
    return Objective(value, ((observed - p) * weights) @ x.T, _information(x, p, weights))


def _information(x: Floats, p: Floats, weights: Floats) -> Floats:
    """Block (j, k) is x diag(weights p_j ([j = k] - p_k)) x^T."""
    n, size = len(p), len(x)
    blocks = np.empty((n, size, n, size))
    for j in range(n):
        root = x * np.sqrt(weights * p[j] * (1.0 - p[j]))
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


def _solve(matrix: Floats, right: Floats) -> Floats:
    """Of a symmetric matrix that is positive, but for rounding: scaled to a diagonal of ones first."""
    diagonal = np.diagonal(matrix)
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    scaled = matrix * scale[:, None] * scale[None, :]
    for ridge in (0.0, 1e-12, 1e-9, 1e-6):
        try:
            factor = np.linalg.cholesky(scaled + ridge * np.eye(len(scaled)))
        except np.linalg.LinAlgError:
            continue
        return scale * np.linalg.solve(factor.T, np.linalg.solve(factor, scale * right))
    return scale * np.linalg.lstsq(scaled, scale * right, rcond=None)[0]


def gram_of(design: Design, weights: Floats) -> Floats:
    """x diag(weights) x^T of all rows."""
    n = len(weights)
    none = np.zeros((1, design.size))
    return 4.0 * objective(design, np.zeros(n, np.int64), weights, none).information  # p (1 - p) is 1/4 at b = 0


def _separable(design: Design, weights: Floats, found: Objective, unit: float) -> bool:
    """Whether some direction of the coefficients has no information left: its likelihood rises for ever.

    A single row of either state that contradicts the others leaves as much as a row of chance 1/2 and weight one has,
    in order of magnitude; separable data leave less with every step.
    """
    gram = gram_of(design, weights)
    rows = float(weights.sum()) / unit
    factor = np.linalg.cholesky(gram + 1e-14 * np.trace(gram) * np.eye(len(gram)))
    inverse = np.linalg.inv(factor)
    n = len(found.gradient)
    blocks = found.information.reshape(n, design.size, n, design.size)
    relative = np.einsum("ab,jbkc,dc->jakd", inverse, blocks, inverse, optimize=True).reshape(n * design.size, -1)
    return float(np.linalg.eigvalsh(relative)[0]) * rows < INFORMATION
