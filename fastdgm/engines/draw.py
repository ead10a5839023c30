"""What one call of ``sample`` asks for, as it came and checked; and what it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.matrices import as_matrix
from ..runtime.seeds import at_least_one, check_rows, key_from_seed, whole_number

Array = npt.NDArray[Any]
Seed = int | np.random.Generator | None


class Drawn(NamedTuple):
    """Sampled rows and, where asked for, their log-probabilities in nats, float64."""

    values: Array  # (n, n_vars)
    log_prob: Array | None = None  # (n,) under the model itself
    sampling_log_prob: Array | None = None  # (n,) of the drawn positions under the truncated or tempered model


@dataclass(frozen=True)
class SampleOptions:
    """What a caller of ``sample`` asks for, as it came; see ``AutoregressiveModel.sample``."""

    n: int | None = None
    prefix: Any = None
    n_per_row: int = 1
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    max_length: int | None = None  # of ragged sequences
    seed: Seed = None
    start: int = 0
    return_log_prob: bool = False
    uniforms: Any = None
    given: Any = None
    context: Any = None
    like: Any = None
    device: Any = None  # where rows are drawn, "cuda" or "cpu"


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
    context: Array | None = None  # (n, n_context) of the model's float type; None where it takes none
    first_word: int = 0  # of the random words of a row, a multiple of 4

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


def refuse_given(given: Any) -> None:
    """Known values that are not a prefix would need a sum over the others."""
    if given is not None:
        raise ValueError(
            "given= is refused: known values that are not a prefix of the model's order cannot be conditioned on "
            "exactly by drawing variable by variable. Use prefix= for the first variables of `order`, train a "
            "model whose order puts the known variables first, or use a BayesNet"
        )


def check_draw(
    asked: SampleOptions,
    uniforms_shape: tuple[int, ...],
    prefix: Array | None = None,
    n_prefixes: int | None = None,
    context: Array | None = None,
) -> Draw:
    """Check everything ``sample`` takes but the prefix and the context, which the model has checked.

    ``prefix`` holds its values where all are equally long, ``n_prefixes`` is their number in any case.
    """
    counts = count_rows(
        asked, len(prefix) if prefix is not None else n_prefixes, None if context is None else len(context)
    )
    rows, per_row = counts.n, counts.per_row
    if context is not None:
        context = context[np.arange(rows) // per_row if len(context) > 1 else np.zeros(rows, np.int64)]
        if prefix is not None and len(prefix) == 1:
            prefix = np.broadcast_to(prefix, (max(1, rows // per_row), prefix.shape[1]))
    given = None if asked.uniforms is None else check_uniforms(asked.uniforms, (rows, *uniforms_shape))
    return Draw(
        rows,
        key_from_seed(asked.seed),
        counts.start,
        prefix,
        per_row,
        check_temperature(asked.temperature),
        None if asked.top_k is None else at_least_one(asked.top_k, "top_k"),
        check_top_p(asked.top_p),
        given,
        bool(asked.return_log_prob),
        context,
    )


class RowCounts(NamedTuple):
    """How many rows are drawn, how many of them continue each row of the prefix (or context), and the first's
    number."""

    n: int
    per_row: int
    start: int


def count_rows(asked: SampleOptions, n_prefixes: int | None, n_contexts: int | None) -> RowCounts:
    """Of so many rows of prefix and context; None: there is none."""
    if n_contexts is None:
        n, per_row = _count_rows(asked, n_prefixes)
    else:
        n, per_row = _count_rows_of_context(asked, n_prefixes, n_contexts)
    n, start = check_rows(n, asked.start)
    return RowCounts(n, per_row, start)


def _count_rows(asked: SampleOptions, n_prefixes: int | None) -> tuple[int, int]:
    """The number of rows, and how many of them continue each row of the prefix."""
    n, per_row = asked.n, at_least_one(asked.n_per_row, "n_per_row")
    if n_prefixes is None:
        if per_row != 1:
            raise ValueError(f"n_per_row needs a prefix, got n_per_row={per_row} without one")
        if n is None:
            raise TypeError("sample needs n, the number of rows, or a prefix")
        return n, per_row
    if n is None:
        return n_prefixes * per_row, per_row
    if n_prefixes != 1 or per_row != 1:
        raise ValueError(
            f"the prefix fixes the number of rows: give n only with a prefix of one row, "
            f"got n={n!r} with {n_prefixes} rows and n_per_row={per_row}"
        )
    return n, max(1, whole_number(n, "n"))


def _count_rows_of_context(asked: SampleOptions, of_prefix: int | None, n_contexts: int) -> tuple[int, int]:
    """The same with a context: as many rows as that and the prefix have, where one of them may be a single row."""
    n_prefixes = 1 if of_prefix is None else of_prefix
    if n_contexts != n_prefixes and 1 not in (n_contexts, n_prefixes):
        raise ValueError(
            f"context must have one row, or one for each of the {n_prefixes} rows of the prefix, got {n_contexts}"
        )
    n_given, per_row = max(n_contexts, n_prefixes), at_least_one(asked.n_per_row, "n_per_row")
    if asked.n is None:
        return n_given * per_row, per_row
    if n_given == 1 and per_row == 1:
        return asked.n, max(1, whole_number(asked.n, "n"))
    if of_prefix is None and asked.n == n_given * per_row:
        return asked.n, per_row
    raise ValueError(
        f"context and prefix fix the number of rows where they have several: leave n out, got n={asked.n!r} with "
        f"{n_contexts} rows of context, {'no' if of_prefix is None else n_prefixes} prefix and n_per_row={per_row}"
    )


def _number(value: Any, name: str) -> float:
    if isinstance(value, (bool, np.bool_, str)):
        raise TypeError(f"{name} must be a number, got {value!r:.60}")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {value!r:.60}") from None


def check_temperature(temperature: Any) -> float:
    """A positive, finite number."""
    value = _number(temperature, "temperature")
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"temperature must be positive and finite, got {value}")
    return value


def check_top_p(top_p: Any) -> float | None:
    """A share in (0, 1], or None."""
    if top_p is None:
        return None
    value = _number(top_p, "top_p")
    if not 0 < value <= 1:
        raise ValueError(f"top_p must be in (0, 1], got {value}")
    return value


def check_uniforms(uniforms: Any, shape: tuple[int, ...]) -> Array:
    """Numbers in [0, 1) of that shape."""
    array = np.asarray(uniforms)
    if array.shape != shape:
        raise ValueError(f"uniforms must have shape {shape}, got {array.shape}")
    array = as_matrix(array.reshape(shape[0], math.prod(shape[1:])), None, "uniforms").reshape(shape)
    if not ((array >= 0) & (array < 1)).all():
        raise ValueError("uniforms must be at least 0 and below 1")
    return array
