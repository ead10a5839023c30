"""NumPy files of codes ``(n_rows, n_vars)``; need nothing but NumPy, and never unpickle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..labels import Variable, codes_in_range
from ..samples import Samples
from .common import Scores, States, no_rows


def write(file: BinaryIO, chunks: Iterable[Samples], states: States) -> None:
    """Write samples as codes: uint8, or uint16 where a variable has more than 256 states."""
    _write_growing(file, map(_checked_rows, chunks), no_rows(states).dtype, (len(states),))


def _checked_rows(samples: Samples) -> npt.NDArray[Any]:
    for name, codes in samples.items():
        codes_in_range(codes, Variable(name, samples.states[name]))
    return np.asarray(samples)


def write_scores(file: BinaryIO, chunks: Iterable[Scores]) -> None:
    """Write log-probabilities as a float64 array ``(n_rows,)``."""
    _write_growing(file, chunks, np.dtype(np.float64), ())


def _write_growing(
    file: BinaryIO, chunks: Iterable[npt.NDArray[Any]], dtype: np.dtype[Any], row_shape: tuple[int, ...]
) -> None:
    """Write the header twice: NumPy leaves room in it for the number of rows, which is known at the end."""
    n_rows = 0
    _write_header(file, dtype, (n_rows, *row_shape))
    for rows in chunks:
        file.write(np.ascontiguousarray(rows, dtype).data)
        n_rows += len(rows)
    file.seek(0)
    _write_header(file, dtype, (n_rows, *row_shape))


def _write_header(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    descr = np.lib.format.dtype_to_descr(dtype)
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})


def read(path: Path, states: States, chunk: int) -> Iterator[npt.NDArray[Any]]:
    """Blocks of rows of an array in either memory order; raises FormatError now, not at first use."""
    codes = _mapped(path)
    if codes.dtype.kind not in "iufb" or codes.ndim != 2 or codes.shape[1] != len(states):
        raise FormatError(
            f"{path}: an array of codes has shape (n_rows, {len(states)}) and whole numbers, "
            f"got shape {codes.shape} and type {codes.dtype}"
        )
    # Each block maps the file anew: the pages of one mapping would pile up in memory until its end.
    return (_mapped(path)[first : first + chunk] for first in range(0, max(len(codes), 1), chunk))


def _mapped(path: Path) -> npt.NDArray[Any]:
    try:
        return np.asarray(np.lib.format.open_memmap(path, mode="r"))
    except Exception as error:  # a damaged header gets as far as Python's tokenizer
        raise FormatError(f"{path}: damaged, or no .npy file of codes: {error}") from None
