"""The twins that narrow and check matrices on a GPU, and add up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from case import Case

from fastdgm.data.matrices import code_matrix, real_matrix
from fastdgm.engines.cuda_matrices import LOOPS
from fastdgm.kernels.matrices_cuda import NOTHING


def matrix_cases(n: int, width: int) -> Iterator[Case]:
    """Rows of binary codes as int64, and of uniforms as float64, without anything wrong."""
    rng = np.random.default_rng(0)
    wide, reals = rng.integers(0, 2, (n, width)), rng.random((n, width))
    codes, right = wide.astype(np.uint8), np.full(8, NOTHING)
    cells = Case(
        "check codes",
        LOOPS["check codes", "cuda"],
        (codes, 2, right, 0),
        (),
        (),
        0.0,
        n,
        codes.size,
        codes.nbytes,
        lambda: code_matrix(codes, width, 2),
    )
    yield cells
    yield cells._replace(
        name="load codes",
        twin=LOOPS["load codes", "cuda"],
        inputs=(wide, 1, 2, right, 0),
        outputs=(np.full_like(codes, 7),),
        expected=(codes,),
        n_bytes=9 * codes.size,
        cpu=lambda: code_matrix(wide, width, 2),
    )
    yield cells._replace(
        name="load reals",
        twin=LOOPS["load reals", "cuda"],
        inputs=(reals, 1, right, 0),
        outputs=(np.empty((n, width), np.float32),),
        expected=(reals.astype(np.float32),),
        n_bytes=12 * codes.size,
        cpu=lambda: real_matrix(reals, width, np.float32),
    )
    yield cells._replace(
        name="load uniforms",
        twin=LOOPS["load uniforms", "cuda"],
        inputs=(reals, 0.5, right, 0),
        outputs=(np.empty((n, width)),),
        expected=(np.clip(reals, 2.0**-65, 0.5),),
        n_bytes=16 * codes.size,
        cpu=lambda: np.clip(reals, 2.0**-65, 0.5),
    )
    yield cells._replace(
        name="check scores",
        twin=LOOPS["check scores", "cuda"],
        inputs=(reals, right, 0),
        n_bytes=reals.nbytes,
        cpu=lambda: (reals < np.inf).all(),
    )
    yield from _vector_cases(cells, reals.ravel(), right)


def _vector_cases(cells: Case, values: np.ndarray, right: np.ndarray) -> Iterator[Case]:
    marks, sums = np.zeros(values.size, np.bool_), np.zeros(4096)
    padded = np.concatenate([values, np.zeros(-values.size % 4096)]).reshape(-1, 4096)
    yield cells._replace(
        name="check undefined",
        twin=LOOPS["check undefined", "cuda"],
        inputs=(marks, right, 0),
        n_bytes=marks.nbytes,
        cpu=marks.any,
    )
    yield cells._replace(
        name="partial sums",
        twin=LOOPS["partial sums", "cuda"],
        inputs=(values,),
        outputs=(sums,),
        expected=(padded.sum(axis=0),),
        tolerance=1e-12,
        n_bytes=values.nbytes,
        cpu=values.sum,
    )
    yield cells._replace(
        name="clear flags",
        twin=LOOPS["clear flags", "cuda"],
        inputs=(),
        outputs=(np.zeros(8, np.int64),),
        expected=(right,),
        n_bytes=64,
        cpu=right.copy,
    )
