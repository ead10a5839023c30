"""Matrices on a GPU, of any numbers, narrowed and checked there; what is wrong is told by one wait at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.cuda_arrays import cuda_view
from ..data.matrices import bad_shape, place_of, wrong_code, wrong_real
from ..kernels import matrices_cuda as kernels
from ..runtime.arrays import code_type
from ..runtime.cuda_launch import Twin, launch_on
from ..runtime.cuda_queue import CudaQueue

Empty = Callable[..., Any]
Names = tuple[str, ...] | None

LOOPS: dict[tuple[str, str], Twin] = {
    ("clear flags", "cuda"): Twin(kernels.clear_flags_cuda, threads_per_block=32),
    ("check codes", "cuda"): Twin(kernels.check_codes_cuda, threads_per_block=256),
    ("load codes", "cuda"): Twin(kernels.load_codes_cuda, threads_per_block=256),
    ("load reals", "cuda"): Twin(kernels.load_reals_cuda, threads_per_block=256),
    ("load uniforms", "cuda"): Twin(kernels.load_uniforms_cuda, threads_per_block=256),
    ("check scores", "cuda"): Twin(kernels.check_scores_cuda, threads_per_block=256),
    ("check undefined", "cuda"): Twin(kernels.check_undefined_cuda, threads_per_block=256),
    ("partial sums", "cuda"): Twin(kernels.partial_sums_cuda, threads_per_block=128),
}
N_FLAGS = 8
N_SUMS = 4096  # partial sums, which the CPU adds up


class Copies(NamedTuple):
    """``n`` rows, of which ``per_row`` at a time are one that came."""

    n: int
    per_row: int


class CudaChecks:
    """The checks of one call: each has a flag on the card, ``wait`` reads them all and raises the first error."""

    def __init__(self, queue: CudaQueue, empty: Empty) -> None:
        self._queue, self._empty = queue, empty
        self._flags = empty((N_FLAGS,), np.int64)
        self._errors: list[Callable[[int], Exception]] = []  # by flag: the error for what it says
        launch_on(queue, LOOPS["clear flags", "cuda"], N_FLAGS, self._flags)

    def codes(self, x: Any, n_states: int, name: str, copies: Copies | None = None, columns: Names = None) -> Any:
        """Checked codes (n, width) in C order, uint8 up to 256 states, else uint16: x itself where it is that."""
        dtype, bytes_of = code_type(n_states), x.view(np.uint8) if x.dtype == np.bool_ else x
        if bytes_of.dtype.kind not in "iuf":
            raise TypeError(f"{name} must hold numbers, got dtype {x.dtype}")

        def error(cell: int) -> Exception:
            row, column = divmod(cell, x.shape[1])
            return wrong_code(self._value(bytes_of, row, column), n_states, name, place_of(row, column, columns))

        flag = self._flag(error)
        if copies is None and bytes_of.dtype == dtype and bytes_of.flags["C_CONTIGUOUS"]:
            launch_on(self._queue, LOOPS["check codes", "cuda"], bytes_of.size, bytes_of, n_states, self._flags, flag)
            return bytes_of
        n, per_row = copies or Copies(x.shape[0], 1)
        out = self._empty((n, x.shape[1]), dtype)
        arguments = bytes_of, per_row, n_states, self._flags, flag, out
        launch_on(self._queue, LOOPS["load codes", "cuda"], out.size, *arguments)
        return out

    def reals(
        self, x: Any, dtype: npt.DTypeLike, name: str, copies: Copies | None = None, columns: Names = None
    ) -> Any:
        """Checked finite numbers (n, width) of a float type in C order."""
        numbers = x.view(np.uint8) if x.dtype == np.bool_ else x
        if numbers.dtype.kind not in "iuf":
            raise TypeError(f"{name} must hold numbers, got dtype {x.dtype}")

        def error(cell: int) -> Exception:
            row, column = divmod(cell, x.shape[1])
            return wrong_real(self._value(numbers, row, column), name, place_of(row, column, columns))

        n, per_row = copies or Copies(x.shape[0], 1)
        out = self._empty((n, x.shape[1]), np.dtype(dtype))
        arguments = numbers, per_row, self._flags, self._flag(error), out
        launch_on(self._queue, LOOPS["load reals", "cuda"], out.size, *arguments)
        return out

    def uniforms(self, x: Any, largest: float) -> Any:
        """Checked numbers in [0, 1) as float64, not quite 0 and ``largest`` at most."""
        out = self._empty(x.shape, np.float64)
        flag = self._flag(lambda cell: ValueError("uniforms must be at least 0 and below 1"))
        launch_on(self._queue, LOOPS["load uniforms", "cuda"], out.size, x, largest, self._flags, flag, out)
        return out

    def scores(self, scores: Any, error: Callable[[int], Exception]) -> None:
        """Log-probabilities (n,) or (n, k) must be numbers below infinity; ``error(row)`` says which are not."""
        matrix = scores if scores.ndim == 2 else scores.reshape(scores.shape[0], 1)
        launch_on(self._queue, LOOPS["check scores", "cuda"], matrix.size, matrix, self._flags, self._flag(error))

    def unmarked(self, undefined: Any, error: Callable[[int], Exception]) -> None:
        """No row (n,) may be marked; ``error(row)`` says what is wrong with one that is."""
        n = undefined.shape[0]
        launch_on(self._queue, LOOPS["check undefined", "cuda"], n, undefined, self._flags, self._flag(error))

    def wait(self) -> None:
        """Wait for the card, and raise the error of the first check that failed."""
        flags = self._queue.read_flags(self._flags)
        for flag, error in zip(flags.tolist(), self._errors, strict=False):
            if flag != kernels.NOTHING:
                raise error(flag)

    def _flag(self, error: Callable[[int], Exception]) -> int:
        self._errors.append(error)
        return len(self._errors) - 1

    def _value(self, x: Any, row: int, column: int) -> Any:
        """One number, copied from the card for the text of an error."""
        return self._queue.read_flags(x[row, column : column + 1])[0]


def matrix_of(x: Any, width: int | None, name: str) -> Any:
    """An array of a GPU as numba's (n, width), no copy; one row may come without its first axis."""
    array = cuda_view(x)
    if array.ndim == 1 and width is not None and array.shape == (width,):
        array = array.reshape(1, width)
    if array.ndim != 2 or (width is not None and array.shape[1] != width):
        raise ValueError(bad_shape(None, tuple(array.shape), width, name))
    return array


def mean_of(queue: CudaQueue, values: Any, empty: Empty) -> float:
    """Of float64 (n,), in one order; waits for it."""
    sums = empty((min(N_SUMS, values.shape[0]),), np.float64)
    launch_on(queue, LOOPS["partial sums", "cuda"], sums.shape[0], values, sums)
    return float(queue.read_flags(sums).sum() / values.shape[0])
