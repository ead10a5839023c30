"""Normal vectors: x = m + L n, n standard normal, with a mean m and a lower triangular factor L for each component.

    drawn from n             x = m + L n
    log p(x)                 -|z|^2 / 2 + log det W - d log(2 pi) / 2,   z = W (x - m),   W = L^-1

Both are triangular panel products over a tile of rows: ROWS rows of the matrix at a time read the sources from their
first column that is not 0 (a diagonal matrix costs next to nothing) to the diagonal. A component is a configuration of
discrete parents. Where parents choose it, the rows of a tile are worked on component by component, padded to whole
vectors; every element is one chain of sums whatever its neighbours, so a row gives the same bits in any batch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import int64, uint64

from .jit import inlined, kernel, loop, scalar, wide_vectors
from .normal import fill_normals
from .products import LANES, ROWS, Matrix, Size, add_product

__all__ = [
    "PANEL",
    "Components",
    "Vector",
    "log_density",
    "log_prob_components_cpu",
    "log_prob_vector_cpu",
    "sample_vector_cpu",
]

PANEL = 12  # rows of matrices are padded to a multiple of this, which is one of ROWS
GROUPED = 512  # rows among which those of a component are looked for
TILE_BYTES = 256  # of a source in a tile: 64 float32 or 32 float64 lanes
GAP = 16  # lanes between the sources of a tile, so that they do not all fall into one set of the cache


class Components(NamedTuple):
    """k normal vectors of d numbers; the matrices are L for drawing, W = L^-1 for scoring."""

    mean: np.ndarray  # (k, d)
    matrix: np.ndarray  # flat, of (k, rows, d): rows = d rounded up to PANEL, those beyond d are 0
    begin: np.ndarray  # int64 (k, rows): no row of the panel from this one on has anything before this column
    log_scale: np.ndarray  # float64 (k,): log det W - d log(2 pi) / 2; unused for drawing


class Vector(NamedTuple):
    """One vector of a network: its components, and where it and its parents lie in the blocks."""

    components: Components
    parents: np.ndarray  # int64: rows of the block of codes
    strides: np.ndarray  # int64: of the parents, in components
    row: int  # of the block of reals: its first
    word: int  # its first random word


class Groups(NamedTuple):
    """The rows of a tile, sorted by component."""

    component: np.ndarray  # int64 (GROUPED,): of every row
    order: np.ndarray  # int64 (GROUPED,): rows, those of component c from start[c] to start[c + 1]
    start: np.ndarray  # int64 (k + 2,)


class Scratch(NamedTuple):
    """One chunk of rows of one component; idle lanes hold harmless numbers."""

    source: np.ndarray  # (d, lanes + GAP)
    result: np.ndarray  # (ROWS, lanes)
    total: np.ndarray  # float64 (lanes,)


@scalar
def log_density(squared_norm, log_scale):
    """log p(x) by |z|^2. Of finite numbers that is NaN only where z left the range of the type: so far out is none."""
    return log_scale - 0.5 * squared_norm if squared_norm >= 0.0 else -math.inf


@loop
def _new_scratch(mean):
    lanes = int64(TILE_BYTES // mean.itemsize)
    return Scratch(
        np.zeros((mean.shape[1], lanes + GAP), mean.dtype),
        np.zeros((ROWS, lanes), mean.dtype),
        np.zeros(lanes, np.float64),
    )


# Grouping ---------------------------------------------------------------------------------------------------------


@loop
def _new_groups(n_components):
    return Groups(np.zeros(GROUPED, np.int64), np.zeros(GROUPED, np.int64), np.zeros(n_components + 2, np.int64))


@loop
def group_rows(vector, codes, a, n, groups):
    """Sort rows a .. a + n by component, each component's in their order. A code out of range counts as the last
    component: it gives a wrong number, and no more than that."""
    component, order, start = groups.component, groups.order, groups.start
    last = int64(start.shape[0] - 3)
    start[:] = 0
    component[:n] = 0
    for j in range(vector.parents.shape[0]):
        parent, stride = vector.parents[j], vector.strides[j]
        for i in range(n):
            component[i] += stride * int64(codes[parent, a + i])
    for i in range(n):
        component[i] = min(component[i], last)
        start[component[i] + 2] += 1
    for c in range(2, start.shape[0]):
        start[c] += start[c - 1]
    for i in range(n):
        place = start[component[i] + 1]
        order[place] = i
        start[component[i] + 1] = place + 1


@inlined
def _whole_vectors(n):
    """n rounded up to whole vectors."""
    return (n + int64(LANES - 1)) // int64(LANES) * int64(LANES)


# Products ---------------------------------------------------------------------------------------------------------


@inlined
def _panel(components, c, i, scratch, lanes):
    """result += rows i .. i + ROWS of the matrix of component c times the sources."""
    d = int64(components.mean.shape[1])
    begin = components.begin[c, i]
    rows = int64(components.begin.shape[1])
    matrix = Matrix((c * rows + i) * d + begin, d, int64(1))
    depth = max(int64(0), min(i + int64(ROWS), d) - begin)
    size = Size(int64(ROWS), depth, lanes)
    add_product(components.matrix, matrix, scratch.source, begin, scratch.result, int64(0), size)


@inlined
def _add_squares(result, total, lanes):
    """total += the sums of squares of a panel, in float64."""
    wide_vectors()
    for i in range(lanes):
        s = result[0, i] * result[0, i]
        for r in range(1, ROWS):
            s += result[r, i] * result[r, i]
        total[i] += s


@loop
def _squared_norms(components, c, scratch, lanes):
    """total = |W source|^2"""
    result, total = scratch.result, scratch.total
    total[:lanes] = 0.0
    for i in range(0, components.mean.shape[1], ROWS):
        result[:, :lanes] = 0
        _panel(components, c, int64(i), scratch, lanes)
        _add_squares(result, total, lanes)


# Scoring ----------------------------------------------------------------------------------------------------------


@loop
def _load_centred(reals, row, a, n, components, c, source):
    """source[j, i] = x_j - m_j of rows a .. a + n."""
    mean = components.mean
    for j in range(source.shape[0]):
        own, target, m = reals[row + j, a : a + n], source[j], mean[c, j]
        for i in range(n):
            target[i] = own[i] - m


@loop
def _gather_centred(reals, row, a, rows, components, c, source):
    """source[j, i] = x_j - m_j of rows a + rows[i]."""
    mean = components.mean
    for j in range(source.shape[0]):
        own, target, m = reals[row + j], source[j], mean[c, j]
        for i in range(rows.shape[0]):
            target[i] = own[uint64(a + rows[i])] - m


@kernel
def log_prob_vector_cpu(begin, end, vector, codes, reals, out):
    """out[i] += log p(x | its parents) of rows begin .. end: codes (n_codes, n), reals (n_reals, n), out float64."""
    components = vector.components
    scratch, groups = _new_scratch(components.mean), _new_groups(components.mean.shape[0])
    log_scale, total = components.log_scale, scratch.total
    most = int64(total.shape[0])
    for a in range(begin, end, GROUPED):
        group_rows(vector, codes, a, min(GROUPED, end - a), groups)
        for c in range(components.mean.shape[0]):
            for first in range(groups.start[c], groups.start[c + 1], most):
                rows = groups.order[first : min(first + most, groups.start[c + 1])]
                _gather_centred(reals, vector.row, a, rows, components, c, scratch.source)
                _squared_norms(components, c, scratch, _whole_vectors(int64(rows.shape[0])))
                for i in range(rows.shape[0]):
                    out[a + rows[i]] += log_density(total[i], log_scale[c])


@kernel
def log_prob_components_cpu(begin, end, components, row, reals, out):
    """out[c, i] = log p(x | component c) for all components, of the vectors in rows ``row`` on of reals (n_reals, n);
    finite; out is float64 (k, n)."""
    scratch = _new_scratch(components.mean)
    log_scale, total = components.log_scale, scratch.total
    most = int64(total.shape[0])
    for a in range(begin, end, most):
        n = min(most, end - a)
        for c in range(components.mean.shape[0]):
            _load_centred(reals, row, a, n, components, c, scratch.source)
            _squared_norms(components, c, scratch, _whole_vectors(n))
            for i in range(n):
                out[c, a + i] = log_density(total[i], log_scale[c])


# Drawing ----------------------------------------------------------------------------------------------------------


@loop
def _draw_group(vector, c, noise, rows, a, scratch, reals):
    """x = m + L n for the rows a + rows[i], whose noise is at rows[i]."""
    components, source, result = vector.components, scratch.source, scratch.result
    d = components.mean.shape[1]
    for j in range(d):
        own, target = noise[j], source[j]
        for i in range(rows.shape[0]):
            target[i] = own[uint64(rows[i])]
    for first in range(0, d, ROWS):
        n = min(ROWS, d - first)
        for r in range(n):
            result[r, :] = components.mean[c, first + r]
        _panel(components, c, int64(first), scratch, _whole_vectors(int64(rows.shape[0])))
        for r in range(n):
            own, target = result[r], reals[vector.row + first + r]
            for i in range(rows.shape[0]):
                target[uint64(a + rows[i])] = own[i]


@kernel
def sample_vector_cpu(begin, end, key, start, vector, codes, reals):
    """Draw the vector's rows of reals (n_reals, n), columns begin .. end, given its parents in codes (n_codes, n);
    column i is global row ``start + i``."""
    components = vector.components
    scratch, groups = _new_scratch(components.mean), _new_groups(components.mean.shape[0])
    d = int64(components.mean.shape[1])
    all_noise = np.empty(d * GROUPED, reals.dtype)
    words = np.empty((8, GROUPED), np.uint32)
    most = int64(scratch.total.shape[0])
    for a in range(begin, end, GROUPED):
        n = min(GROUPED, end - a)
        group_rows(vector, codes, a, n, groups)
        noise = all_noise[: d * n].reshape(d, n)
        fill_normals(uint64(key), uint64(start) + uint64(a), vector.word, words, noise)
        for c in range(components.mean.shape[0]):
            for first in range(groups.start[c], groups.start[c + 1], most):
                rows = groups.order[first : min(first + most, groups.start[c + 1])]
                _draw_group(vector, c, noise, rows, a, scratch, reals)
