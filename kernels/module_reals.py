"""Vectors of real variables by parameters that a torch module gave, in rows.

    NORMAL     mean, log_std (n, cells)               normal.py; one row of log_std stands for all
    MIXTURE    logits, mean, log_std (n, cells, k)    mixture.py

Drawn by inverse CDF: cell c of a normal vector from word ``cells.word + c`` (quantiles.py), of a mixture from two, the
first for the component. Sums over cells are float64, in the order of the cells. Parameters are of the type of the
numbers, or wider; noise is of theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import float64, uint64

from .head_scratch import JOINT, TERM, UNDEFINED
from .jit import kernel, loop, wide_vectors
from .mixture import draw_mixture, score_mixture
from .module_tiles import TILE, TOGETHER, flat_of, load_columns, new_columns, rows_of_tile, shaped, tile_rows
from .normal import fill_normals, normal_term, normal_value, to_normal
from .philox import STREAM_REFINE, STREAM_SAMPLE, fill_words
from .real_tiles import all_finite
from .uniforms import uniform64

__all__ = [
    "MixtureParts",
    "NormalParts",
    "log_prob_mixtures_cpu",
    "log_prob_normals_cpu",
    "sample_mixtures_cpu",
    "sample_normals_cpu",
]


class NormalParts(NamedTuple):
    """Parameters of normal cells, of one type."""

    mean: np.ndarray  # (n, cells)
    log_std: np.ndarray  # the same, or (1, cells)


class MixtureParts(NamedTuple):
    """Parameters of cells that are mixtures of k normals, of one type, (n, cells, k)."""

    logits: np.ndarray
    mean: np.ndarray
    log_std: np.ndarray


# Normals ----------------------------------------------------------------------------------------------------------


@loop
def _load_normals(parts, r, n, c, mean, log_std):
    """The parameters of up to TOGETHER cells from c on."""
    count = min(TOGETHER, parts.mean.shape[1] - c)
    load_columns(parts.mean, r, n, c, count, mean)
    if parts.log_std.shape[0] > 1:
        load_columns(parts.log_std, r, n, c, count, log_std)
        return
    for j in range(count):
        for i in range(n):
            log_std[j, i] = parts.log_std[0, c + j]


@loop
def _place(noise, mean, log_std, values):
    wide_vectors()
    for i in range(values.shape[0]):
        values[i] = normal_value(noise[i], mean[i], log_std[i])
    return all_finite(values, 0, values.shape[0])


@kernel
def sample_normals_cpu(row_begin, row_end, key, start, cells, parts, reals):
    """Draw columns [row_begin, row_end) of the vector's rows of ``reals`` (n_reals, n); column i is row start + i.

    Returns -1, or the first column of a tile in which a value is not finite.
    """
    n_cells = parts.mean.shape[1]
    mean, log_std = new_columns(parts.mean), new_columns(parts.mean)
    words, numbers = np.empty((8, TILE), np.uint32), flat_of(TOGETHER, TILE, parts.mean)
    for a in range(row_begin, row_end, TILE):
        row, n = uint64(start) + uint64(a), min(TILE, row_end - a)
        fine = True
        for c in range(0, n_cells, TOGETHER):
            _load_normals(parts, a - cells.first, n, c, mean, log_std)
            noise = shaped(numbers, min(TOGETHER, n_cells - c), n)
            fill_normals(key, row, uint64(cells.word) + uint64(c), words, noise)
            for j in range(noise.shape[0]):
                fine &= _place(noise[j], mean[j], log_std[j], reals[cells.row + c + j, a : a + n])
        if not fine:
            return a
    return np.int64(-1)


@loop
def _add_normals(values, mean, log_std, total):
    wide_vectors()
    for i in range(total.shape[0]):
        total[i] += float64(normal_term(mean.dtype.type(values[i]), mean[i], log_std[i]))


@kernel
def log_prob_normals_cpu(row_begin, row_end, cells, parts, reals, out):
    """out[i] += sum over cells of log Normal(reals[cells.row + c, i]), NaN or infinite where it is not defined."""
    mean, log_std = new_columns(parts.mean), new_columns(parts.mean)
    n_cells = parts.mean.shape[1]
    for a in range(row_begin, row_end, TILE):
        n = min(TILE, row_end - a)
        for c in range(0, n_cells, TOGETHER):
            _load_normals(parts, a - cells.first, n, c, mean, log_std)
            for j in range(min(TOGETHER, n_cells - c)):
                _add_normals(reals[cells.row + c + j, a : a + n], mean[j], log_std[j], out[a : a + n])


# Mixtures ---------------------------------------------------------------------------------------------------------


@loop
def _load_mixture(flat, r, n, c, k, z):
    """z = the logits, means and log stds of cell c, k of each."""
    load_columns(flat.logits, r, n, c * k, k, z[:k])
    load_columns(flat.mean, r, n, c * k, k, z[k : 2 * k])
    load_columns(flat.log_std, r, n, c * k, k, z[2 * k :])


@loop
def _flat(parts):
    """The parts as matrices (n, cells k)."""
    n, width = parts.logits.shape[0], parts.logits.shape[1] * parts.logits.shape[2]
    return MixtureParts(parts.logits.reshape(n, width), parts.mean.reshape(n, width), parts.log_std.reshape(n, width))


@loop
def _fill_noise(key, row, word, words, noise):
    """A uniform of the word and a standard normal of the next one."""
    for w in range(2):
        block, lane = (word + uint64(w)) >> uint64(2), (word + uint64(w)) & uint64(3)
        if w == 0 or lane == uint64(0):
            fill_words(key, row, block, uint64(STREAM_SAMPLE), noise.shape[1], words)
            fill_words(key, row, block, uint64(STREAM_REFINE), noise.shape[1], words[4:])
        for i in range(noise.shape[1]):
            noise[w, i] = uniform64(words[lane, i], words[lane + uint64(4), i])
    to_normal(noise, 1, noise)


@kernel
def sample_mixtures_cpu(row_begin, row_end, key, start, cells, parts, reals):
    """Draw columns [row_begin, row_end) of the vector's rows of ``reals`` (n_reals, n); column i is row start + i.

    Returns -1, or the first column of a tile in which a value or its parameters are not defined.
    """
    flat, k = _flat(parts), parts.logits.shape[2]
    size = tile_rows(3 * k)
    numbers, scratches, values = (
        flat_of(3 * k, size, flat.mean),
        flat_of(JOINT + 3 * k, size, flat.mean),
        flat_of(1, size, flat.mean),
    )
    words, uniforms = np.empty((8, size), np.uint32), np.empty(2 * size)
    a = row_begin
    while a < row_end:
        row, n = uint64(start) + uint64(a), rows_of_tile(start, a, row_end, size)
        z, scratch, drawn = shaped(numbers, 3 * k, n), shaped(scratches, JOINT + 3 * k, n), shaped(values, 1, n)
        noise = shaped(uniforms, 2, n)
        scratch[UNDEFINED] = 0
        fine = True
        for c in range(parts.logits.shape[1]):
            _load_mixture(flat, a - cells.first, n, c, k, z)
            _fill_noise(uint64(key), row, uint64(cells.word) + uint64(2 * c), words, noise)
            draw_mixture(z, 0, 3 * k, noise, 0, drawn, 0, scratch)
            for i in range(n):
                reals[cells.row + c, a + i] = drawn[0, i]
            fine &= all_finite(reals[cells.row + c, a : a + n], 0, n)
        if not fine or scratch[UNDEFINED].max() > 0:
            return a
        a += n
    return np.int64(-1)


@kernel
def log_prob_mixtures_cpu(row_begin, row_end, cells, parts, reals, out):
    """out[i] += sum over cells of the log-density of reals[cells.row + c, i], NaN where it is not defined."""
    flat, k = _flat(parts), parts.logits.shape[2]
    size = tile_rows(3 * k)
    numbers, scratches, values = (
        flat_of(3 * k, size, flat.mean),
        flat_of(JOINT + 3 * k, size, flat.mean),
        flat_of(1, size, flat.mean),
    )
    for a in range(row_begin, row_end, size):
        n = min(size, row_end - a)
        z, scratch, own = shaped(numbers, 3 * k, n), shaped(scratches, JOINT + 3 * k, n), shaped(values, 1, n)
        for c in range(parts.logits.shape[1]):
            _load_mixture(flat, a - cells.first, n, c, k, z)
            for i in range(n):
                own[0, i] = reals[cells.row + c, a + i]
            score_mixture(z, 0, 3 * k, own, 0, scratch)
            for i in range(n):
                out[a + i] += float64(scratch[TERM, i])
