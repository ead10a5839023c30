"""The boundary for data: arrays, tensors and frames -> contiguous codes or real numbers, checked."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from ..runtime.arrays import code_type
from ..runtime.text import preview
from .booleans import with_plain_bytes
from .columns import without_index_columns
from .frames import column_names, frame_matrix, is_frame, matched_positions
from .placement import as_array
from .variables import MAX_STATES

Array = npt.NDArray[Any]


def as_matrix(x: Any, width: int | None, name: str, columns: tuple[str, ...] | None = None) -> Array:
    """Any two-dimensional numeric array or frame; one row may come without its first axis. ``width`` None: any.

    A frame whose columns have names is matched to ``columns``, those of the frame that a model was fitted on.
    """
    if is_frame(x):
        x = without_index_columns(x, columns or ())
        array = frame_matrix(x, name)
        positions = matched_positions(x, columns, name)
        array = array if positions is None else array[:, positions]
    else:
        array = _plain_matrix(x, name)
    if array.dtype == bool:
        array = with_plain_bytes(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
    if array.ndim == 1 and width is not None and array.shape == (width,):
        array = array[np.newaxis]
    if array.ndim != 2 or (width is not None and array.shape[1] != width):
        raise ValueError(bad_shape(x, array.shape, width, name))
    return array


def _plain_matrix(x: Any, name: str) -> Array:
    if np.ma.is_masked(x):
        raise MissingValuesError(f"{name} must be complete, got masked entries: fill them in")
    try:
        return np.asarray(as_array(x))
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(f"{name} must have rows of one length: make one call for each length") from None


def bad_shape(x: Any, shape: tuple[int, ...], width: int | None, name: str) -> str:
    """What is wrong with the shape of a matrix."""
    expected = "(n_rows, n_vars)" if width is None else f"(n_rows, {width})"
    message = f"{name} must have shape {expected}, got {shape}"
    if len(shape) > 2 and width in (None, prod(shape[1:])):
        return f"{message}: make each image a row, as in {name}.reshape(len({name}), -1)"
    names = column_names(x)
    return message if names is None else f"{message}, the columns {preview(names)}"


def code_matrix(
    x: Any, width: int | None, n_states: int, name: str = "x", columns: tuple[str, ...] | None = None
) -> Array:
    """Codes in C order, uint8 up to 256 states, else uint16; floats must be whole numbers.

    Raises ValueError naming the first row, variable and value that is no state; MissingValuesError for NaN or -1.
    """
    array = as_matrix(x, width, name, columns)
    dtype = code_type(n_states)
    if array.dtype == bool:
        array = array.view(np.uint8)
    if array.dtype.kind == "u":
        if array.size and int(array.max()) >= n_states:
            _refuse(array, np.greater_equal(array, n_states), n_states, name, columns or column_names(x))
        return np.ascontiguousarray(array, dtype)
    with np.errstate(invalid="ignore"):
        codes = np.ascontiguousarray(array).astype(dtype)
    wrong = (codes != array) | np.greater_equal(codes, n_states) | (array < 0)
    if wrong.any():
        _refuse(array, wrong, n_states, name, columns or column_names(x))
    return codes


def _refuse(array: Array, wrong: Array, n_states: int, name: str, columns: tuple[str, ...] | None = None) -> None:
    row, variable = (int(index) for index in np.argwhere(wrong)[0]) if wrong.any() else (0, 0)
    value = array[row, variable]
    if value in range(n_states):
        raise ValueError(f"{name} was changed by another thread while it was read")
    raise wrong_code(value, n_states, name, place_of(row, variable, columns))


def wrong_code(value: Any, n_states: int, name: str, place: str) -> ValueError:
    """The error for a value that is no state."""
    if np.isnan(value) or value == -1:
        return MissingValuesError(
            f"{name} must be complete, but {place} is missing ({value}); "
            "an autoregressive model sums out nothing: fill it in, or use a prefix"
        )
    return ValueError(f"{name} must hold codes from 0 to {n_states - 1}, got {value} in {place}")


def wrong_real(value: Any, name: str, place: str) -> ValueError:
    """The error for a number that is not finite."""
    kind = MissingValuesError if np.isnan(value) else ValueError
    return kind(f"{name} must hold finite numbers, got {value} in {place}")


def place_of(row: int, variable: int, columns: tuple[str, ...] | None) -> str:
    """Where a value is, in words."""
    return f"row {row}, variable {variable}" + ("" if columns is None else f" ({columns[variable]!r})")


def learn_code_matrix(x: Any, width: int | None, n_states: int | None, name: str) -> tuple[Array, int]:
    """Codes as ``code_matrix`` gives them, and the number of states: where it is None one more than the largest code,
    and two at least for booleans."""
    matrix = as_matrix(x, width, name)
    if matrix.shape[1] < 1:
        raise ValueError(f"rows need at least one variable, got shape {matrix.shape}")
    if n_states is None:
        largest = matrix[np.isfinite(matrix)].max(initial=0)
        n_states = max(int(largest) + 1, 2 if matrix.dtype == bool else 1)
        if n_states > MAX_STATES:
            raise ValueError(f"codes must be below {MAX_STATES}, got {largest}")
    return code_matrix(matrix, None, n_states, name, column_names(x)), n_states


def real_matrix(
    x: Any, width: int | None, dtype: npt.DTypeLike, name: str = "x", columns: tuple[str, ...] | None = None
) -> Array:
    """Finite real numbers in C order. Raises ValueError naming the first row and variable that is none."""
    array = as_matrix(x, width, name, columns)
    with np.errstate(over="ignore"):
        reals = np.ascontiguousarray(array, dtype)
    finite = np.isfinite(reals)
    if not finite.all():
        row, variable = (int(index) for index in np.argwhere(~finite)[0])
        raise wrong_real(array[row, variable], name, place_of(row, variable, columns or column_names(x)))
    return reals
