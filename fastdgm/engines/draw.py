"""What one call of ``sample`` asks for, checked; and what it gives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.rows import as_matrix
from ..runtime.seeds import check_rows, key_from_seed, whole_number

Array = npt.NDArray[Any]


class Drawn(NamedTuple):
    """Sampled rows and, where asked for, their log-probabilities in nats, float64."""

    values: Array  # (n, n_vars)
    log_prob: Array | None = None  # (n,) under the model itself
    sampling_log_prob: Array | None = None  # (n,) of the drawn positions under the truncated or tempered model


@dataclass(frozen=True)
class Draw:
    """Rows ``start`` to ``start + n`` of the stream that ``key`` names; everything is checked."""

    n: int
    key: int
    start: int = 0
    prefix: Array | None = None  # (rows, k): values of the first k positions; row i of the result uses i // n_per_row
    n_per_row: int = 1
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    uniforms: Array | None = None  # (n, n_vars) or (n, n_vars, words): used instead of Philox
    return_log_prob: bool = False

    @property
    def truncated(self) -> bool:
        """Whether rows come from another distribution than the model's."""
        return self.temperature != 1.0 or self.top_k is not None or self.top_p is not None

    def temperature_in(self, dtype: npt.DTypeLike) -> float:
        """The temperature of logits of a float type: beyond its range that is the limit.

        At 0 the most probable state is certain, at infinity all states are alike.
        """
        kind = np.finfo(dtype)
        return math.inf if self.temperature > float(kind.max) else max(self.temperature, float(kind.tiny))

    def uniforms_in(self, dtype: npt.DTypeLike) -> Array:
        """The given uniforms as float64 (n, n_vars * words), inside (0, 1) also once they are rounded to ``dtype``."""
        largest = 1.0 - float(np.finfo(dtype).epsneg)
        given = np.asarray(self.uniforms, np.float64)
        return np.clip(given.reshape(self.n, math.prod(given.shape[1:])), 2.0**-65, largest)

    @property
    def prefix_length(self) -> int:
        """Number of positions that are given."""
        return 0 if self.prefix is None else int(self.prefix.shape[1])


def check_draw(
    n: int | None,
    *,
    seed: int | np.random.Generator | None,
    start: int,
    prefix: Any,
    n_per_row: int,
    check_prefix: Callable[[Any], Array],
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    uniforms: Any,
    uniforms_shape: tuple[int, ...],
    return_log_prob: bool,
) -> Draw:
    """Check everything ``sample`` takes; ``check_prefix`` returns the prefix as contiguous values of the model."""
    per_row = whole_number(n_per_row, "n_per_row")
    if per_row < 1:
        raise ValueError(f"n_per_row must be at least 1, got {per_row}")
    values = None if prefix is None else check_prefix(prefix)
    if values is None:
        if per_row != 1:
            raise ValueError(f"n_per_row needs a prefix, got n_per_row={per_row} without one")
        if n is None:
            raise TypeError("sample needs n, the number of rows, or a prefix")
    elif n is None:
        n = len(values) * per_row
    elif len(values) != 1 or per_row != 1:
        raise ValueError(
            f"the prefix fixes the number of rows: give n only with a prefix of one row, "
            f"got n={n!r} with {len(values)} rows and n_per_row={per_row}"
        )
    else:
        per_row = max(1, whole_number(n, "n"))
    rows, start = check_rows(n, start)
    given = None if uniforms is None else _check_uniforms(uniforms, (rows, *uniforms_shape))
    return Draw(
        rows,
        key_from_seed(seed),
        start,
        values,
        per_row,
        _check_temperature(temperature),
        _check_top_k(top_k),
        _check_top_p(top_p),
        given,
        bool(return_log_prob),
    )


def _number(value: Any, name: str) -> float:
    if isinstance(value, (bool, np.bool_, str)):
        raise TypeError(f"{name} must be a number, got {value!r:.60}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r:.60}") from None


def _check_temperature(temperature: Any) -> float:
    value = _number(temperature, "temperature")
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"temperature must be positive and finite, got {value}")
    return value


def _check_top_k(top_k: Any) -> int | None:
    if top_k is None:
        return None
    value = whole_number(top_k, "top_k")
    if value < 1:
        raise ValueError(f"top_k must be at least 1, got {value}")
    return value


def _check_top_p(top_p: Any) -> float | None:
    if top_p is None:
        return None
    value = _number(top_p, "top_p")
    if not 0 < value <= 1:
        raise ValueError(f"top_p must be in (0, 1], got {value}")
    return value


def _check_uniforms(uniforms: Any, shape: tuple[int, ...]) -> Array:
    array = np.asarray(uniforms)
    if array.shape != shape:
        raise ValueError(f"uniforms must have shape {shape}, got {array.shape}")
    array = as_matrix(array.reshape(shape[0], math.prod(shape[1:])), None, "uniforms").reshape(shape)
    if not ((array >= 0) & (array < 1)).all():
        raise ValueError("uniforms must be at least 0 and below 1")
    return array
