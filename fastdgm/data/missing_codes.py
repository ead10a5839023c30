"""The code of a missing value in blocks of unsigned codes: the largest of their type, where it is no state's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def missing_code(dtype: npt.DTypeLike) -> int:
    """The code that stands where nothing is known: all ones."""
    return int(np.iinfo(dtype).max)


def missing_in(codes: Array, n_states: int) -> npt.NDArray[np.bool_] | None:
    """Where codes of a variable of ``n_states`` states are missing; None: nowhere.

    Examples
    --------
    >>> missing_in(np.array([0, 255, 1], np.uint8), 2).tolist(), missing_in(np.array([0, 255], np.uint8), 256)
    ([False, True, False], None)
    """
    marker = missing_code(codes.dtype)
    if marker < n_states or codes.max(initial=0) < marker:
        return None
    return np.asarray(codes == marker)


def signed_where_possible(codes: Array, n_states: int) -> Array:
    """The same bytes as signed integers, which pandas and Arrow prefer, where the largest code allows it."""
    signed = np.dtype(f"i{codes.itemsize}")
    return codes.view(signed) if n_states - 1 <= np.iinfo(signed).max else codes


def with_minus_one(codes: Array, n_states: int) -> Array:
    """Codes as integers, -1 where a value is missing; the same bytes where these can say so."""
    found, missing = signed_where_possible(codes, n_states), missing_in(codes, n_states)
    if missing is None or found.dtype.kind == "i":
        return found
    return np.where(missing, -1, codes.astype(f"i{2 * codes.itemsize}"))
