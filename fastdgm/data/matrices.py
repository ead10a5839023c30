"""The boundary for data: arrays, tensors and frames -> contiguous codes or real numbers, checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from ..runtime.arrays import code_type
from .booleans import with_plain_bytes
from .columns import without_pandas_index
from .placement import as_array
from .variables import MAX_STATES

Array = npt.NDArray[Any]


def as_matrix(x: Any, width: int | None, name: str) -> Array:
    """Any two-dimensional numeric array; one row may come without its first axis. ``width`` None: any."""
    x = without_pandas_index(x)
    try:
        array = np.asarray(as_array(x))
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(f"{name} must have rows of one length") from None
    if array.dtype == bool:
        array = with_plain_bytes(array)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold numbers, got dtype {array.dtype}")
    if array.ndim == 1 and width is not None and array.shape == (width,):
        array = array[np.newaxis]
    if array.ndim != 2 or (width is not None and array.shape[1] != width):
        expected = "(n_rows, n_vars)" if width is None else f"(n_rows, {width})"
        raise ValueError(f"{name} must have shape {expected}, got {array.shape}")
    return array


def column_names(x: Any) -> tuple[str, ...] | None:
    """Names of the columns of a frame (pandas, polars, Arrow); None where they are no distinct strings."""
    x = without_pandas_index(x)
    names = getattr(x, "column_names", None)
    if names is None:
        names = getattr(x, "columns", None)
    if names is None or getattr(x, "shape", None) is None:
        return None
    return distinct_names(names)


def distinct_names(names: Iterable[Any]) -> tuple[str, ...] | None:
    """The names; None where they are no distinct strings."""
    names = tuple(names)
    return names if all(isinstance(name, str) for name in names) and len(set(names)) == len(names) else None


def by_name(x: Any, names: tuple[str, ...] | None, name: str = "x") -> Any:
    """Data in the order of ``names``, those of the frame that a model was fitted on; as it is where either has none."""
    own = column_names(x)
    if names is None or own is None or own == names:
        return x
    if sorted(own) != sorted(names):
        odd = sorted(set(own) ^ set(names))
        raise ValueError(f"{name} must have the columns of the data of fit, missing or too many: {odd!s:.200}")
    return as_matrix(x, None, name)[:, [own.index(column) for column in names]]


def code_matrix(x: Any, width: int | None, n_states: int, name: str = "x") -> Array:
    """Codes in C order, uint8 up to 256 states, else uint16; floats must be whole numbers.

    Raises ValueError naming the first row, variable and value that is no state; MissingValuesError for NaN or -1.
    """
    array = as_matrix(x, width, name)
    dtype = code_type(n_states)
    if array.dtype == bool:
        array = array.view(np.uint8)
    if array.dtype.kind == "u":
        if array.size and int(array.max()) >= n_states:
            _refuse(array, np.greater_equal(array, n_states), n_states, name)
        return np.ascontiguousarray(array, dtype)
    with np.errstate(invalid="ignore"):
        codes = np.ascontiguousarray(array).astype(dtype)
    wrong = (codes != array) | np.greater_equal(codes, n_states) | (array < 0)
    if wrong.any():
        _refuse(array, wrong, n_states, name)
    return codes


def _refuse(array: Array, wrong: Array, n_states: int, name: str) -> None:
    row, variable = (int(index) for index in np.argwhere(wrong)[0]) if wrong.any() else (0, 0)
    value = array[row, variable]
    if value in range(n_states):
        raise ValueError(f"{name} was changed by another thread while it was read")
    if np.isnan(value) or value == -1:
        raise MissingValuesError(
            f"{name} must be complete, but row {row}, variable {variable} is missing ({value}); "
            "an autoregressive model sums out nothing: fill it in, or use a prefix"
        )
    raise ValueError(f"{name} must hold codes from 0 to {n_states - 1}, got {value} in row {row}, variable {variable}")


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
    return code_matrix(matrix, None, n_states, name), n_states


def real_matrix(x: Any, width: int | None, dtype: npt.DTypeLike, name: str = "x") -> Array:
    """Finite real numbers in C order. Raises ValueError naming the first row and variable that is none."""
    array = as_matrix(x, width, name)
    with np.errstate(over="ignore"):
        reals = np.ascontiguousarray(array, dtype)
    finite = np.isfinite(reals)
    if not finite.all():
        row, variable = (int(index) for index in np.argwhere(~finite)[0])
        error = MissingValuesError if np.isnan(array[row, variable]) else ValueError
        raise error(f"{name} must hold finite numbers, got {array[row, variable]} in row {row}, variable {variable}")
    return reals
