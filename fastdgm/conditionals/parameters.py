"""What parameters of conditionals have in common: names of parents, numbers, an axis per discrete parent."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..data.variables import in_order
from ..runtime.memory import check_memory
from .table import MAX_AXES

SHOWN_NUMBERS = 16  # in a repr


def parent_names(parents: Sequence[str]) -> tuple[str, ...]:
    """Names of parents as a tuple: distinct strings. TypeError, ValueError where they are none."""
    names = in_order(parents, "parents")
    for parent in names:
        if not isinstance(parent, str):
            raise TypeError(f"parents must be names (strings), got {parent!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"parents must be distinct, got {list(names)}")
    return names


def numbers(values: npt.ArrayLike, what: str, lowest: float = -math.inf) -> npt.NDArray[np.float64]:
    """A float64 array of finite numbers, at least ``lowest``, that is the caller's own and read-only.

    ValueError, naming what they are, where there are others: masked, complex, NaN or infinite ones, or text.
    """
    if np.ma.is_masked(values):
        raise ValueError(f"{what} has no missing entries, got a masked array with some entries masked")
    try:
        came = np.array(values, order="C")
        if came.dtype.kind not in "iuf":
            raise TypeError(f"an array of type {came.dtype} came")
        array = came.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{what} is a number or a rectangular array of real numbers: {error}") from None
    bad = ~(np.isfinite(array) & (array >= lowest))
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        rule = "finite" if lowest == -math.inf else f"finite and not below {lowest:g}"
        place = f" at {list(at)}" if at else ""
        raise ValueError(f"{what} must be {rule}, got {array[at]:g}{place}")
    array.flags.writeable = False
    return array


def for_configurations(
    array: npt.NDArray[np.float64], what: str, n_states: Sequence[int], tail: tuple[int, ...] = ()
) -> npt.NDArray[np.float64]:
    """The array for each joint state of the discrete parents, of shape ``(*n_states, *tail)``, read-only.

    What came has an axis for each discrete parent (of length 1 where it does not matter) or none at all; ValueError,
    with the shape that was expected, for anything else.
    """
    shape = (*n_states, *tail)
    if len(shape) > MAX_AXES:
        raise ValueError(f"{what} has an axis for each discrete parent, at most {MAX_AXES}, got {len(n_states)}")
    own, leading = array.shape, array.ndim - len(tail)
    fits = leading >= 0 and own[leading:] == tail and leading in (0, len(n_states))
    if not fits or any(k not in (1, states) for k, states in zip(own[:leading], n_states, strict=False)):
        axes = "an axis for each discrete parent in the order given" + (", then the real parents' columns" * bool(tail))
        raise ValueError(f"{what} has {axes}: expected shape {shape}{_or_less(n_states, tail)}, got {own}")
    if own == shape:
        return array
    check_memory(8 * math.prod(shape), f"{what} for {math.prod(n_states)} joint states of the parents")
    spread = np.ascontiguousarray(np.broadcast_to(array, shape))
    spread.flags.writeable = False
    return spread


def _or_less(n_states: Sequence[int], tail: tuple[int, ...]) -> str:
    return f" (or {tail or 'one number'} for all of their states)" if n_states else ""


def shown(array: npt.NDArray[np.float64]) -> str:
    """A short array as Python writes it, a longer one by its shape."""
    return str(array.tolist()) if array.size <= SHOWN_NUMBERS else f"<{' x '.join(map(str, array.shape))} numbers>"
