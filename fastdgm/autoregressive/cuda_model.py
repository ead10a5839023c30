"""The verbs of an autoregressive model for arrays of a GPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.cuda_arrays import cuda_view, is_on_card
from ..data.placement import Placement
from ..engines.cuda_matrices import Copies, CudaChecks, matrix_of, mean_of
from ..engines.cuda_rows import CudaDrawn, CudaRows
from ..engines.cuda_training import TrainingRows
from ..engines.defined import undefined_draw, undefined_score
from ..engines.draw import (
    Draw,
    SampleOptions,
    check_temperature,
    check_top_p,
    check_uniforms,
    count_rows,
)
from ..runtime.seeds import at_least_one, key_from_seed

Array = npt.NDArray[Any]


class CudaShape(NamedTuple):
    """What rows of a model are, and its own checks of arguments that come from the CPU."""

    family: str
    n_vars: int
    n_states: int | None
    n_context: int
    dtype: np.dtype[Any]
    order: Array
    names: tuple[str, ...] | None
    uniforms_shape: tuple[int, ...]  # of one row
    uniforms_type: np.dtype[Any]  # in which a given uniform draws
    check_prefix: Callable[[Any], Array]
    check_context: Callable[[Any], Array | None]
    check_truncation: Callable[[Draw], None]


class CudaModel(NamedTuple):
    """A model's loops on a card, for arrays of one placement.

    Every verb launches its checks and its loops one after the other and waits once, at its end, to read some flags (64
    bytes): rows that are wrong, or not defined, raise the CPU's errors, and no NaN is passed on. What it gives stays
    on the card.
    """

    rows: CudaRows
    placement: Placement
    shape: CudaShape

    def log_prob(self, x: Any, context: Any, per_variable: bool) -> Any:
        """log p of each row, of the library and on the card of x."""
        return self.placement.give_back(self._score(x, context, per_variable))

    def bits_per_variable(self, x: Any, context: Any) -> float:
        """Mean code length in bits per variable; a few numbers are copied from the card."""
        log_prob = self._score(x, context, False)
        if not log_prob.shape[0]:
            raise ValueError("bits_per_variable needs at least one row, got none")
        mean = mean_of(self.placement.cuda, log_prob, self.placement.empty)
        return -mean / (self.shape.n_vars * float(np.log(2)))

    def draw(self, asked: SampleOptions) -> Any:
        """What ``sample`` gives for these options."""
        checks = CudaChecks(self.placement.cuda, self.placement.empty)
        draw = self._checked_draw(asked, checks)
        self.shape.check_truncation(draw)
        drawn = self.rows.sample(self.placement.cuda, draw, self.placement.empty)
        self._check_drawn(drawn, draw, checks)
        checks.wait()
        give_back = self.placement.give_back
        if not draw.return_log_prob:
            return give_back(drawn.values)
        return tuple(give_back(part) for part in drawn[:3] if part is not None)

    def training_rows(self, x: Any, context: Any, name: str) -> TrainingRows:
        """Checked rows and their context, at least one."""
        checks = CudaChecks(self.placement.cuda, self.placement.empty)
        rows = self._checked_rows(x, self.shape.n_vars, name, checks)
        if not rows.shape[0]:
            raise ValueError(f"{name} must have at least one row, got none")
        given = self._checked_context(context, rows.shape[0], checks)
        checks.wait()
        return TrainingRows(rows, given)

    # Scoring ------------------------------------------------------------------------------------------------------

    def _score(self, x: Any, context: Any, per_variable: bool) -> Any:
        queue, empty, shape = self.placement.cuda, self.placement.empty, self.shape
        checks = CudaChecks(queue, empty)
        rows = self._checked_rows(x, shape.n_vars, "x", checks)
        given = self._checked_context(context, rows.shape[0], checks)
        scores = self.rows.log_prob(queue, rows, given, per_variable, empty)

        def error(row: int) -> ValueError:
            return undefined_score(row, self._terms(rows, given, row), shape.order, shape.dtype)

        checks.scores(scores, error)
        checks.wait()
        return scores

    def _terms(self, rows: Any, context: Any, row: int) -> Array:
        """The terms (n_vars,) of one row, for the text of an error."""
        queue, one = self.placement.cuda, slice(row, row + 1)
        terms = queue.to_host(self.rows.log_prob(queue, rows[one], context[one], True, self.placement.empty))
        return np.asarray(terms).reshape(self.shape.n_vars)

    # Checks -------------------------------------------------------------------------------------------------------

    def _checked_rows(
        self, x: Any, width: int | None, name: str, checks: CudaChecks, copies: Copies | None = None
    ) -> Any:
        """Codes, or reals of the model's type."""
        if not is_on_card(x) or hasattr(x, "keys"):
            raise TypeError(
                f"{name} must be one array of a GPU, rows by variables, because another argument is on a GPU; "
                f"got {type(x).__name__}"
            )
        matrix, shape = matrix_of(x, width, name), self.shape
        if width is None and matrix.shape[1] > shape.n_vars:
            raise ValueError(f"{name} must have at most n_vars = {shape.n_vars} columns, got {matrix.shape[1]}")
        names = None
        if shape.names is not None:
            names = shape.names if width is not None else tuple(shape.names[v] for v in shape.order[: matrix.shape[1]])
        if shape.n_states is None:
            return checks.reals(matrix, shape.dtype, name, copies, names)
        return checks.codes(matrix, shape.n_states, name, copies, names)

    def _context_matrix(self, context: Any) -> Any:
        """As it came, on the card; None for a model without context."""
        if not self.shape.n_context or not is_on_card(context):
            rows = self.shape.check_context(context)
            return None if rows is None else self.placement.cuda.to_device(rows)
        rows = matrix_of(context, self.shape.n_context, "context")
        if not rows.shape[0]:
            raise ValueError("context must have at least one row, got none")
        return rows

    def _checked_context(self, context: Any, n: int, checks: CudaChecks) -> Any:
        """(n, n_context) finite numbers of the model's type, or (n, 0)."""
        rows = self._context_matrix(context)
        if rows is None:
            return self.placement.empty((n, 0), self.shape.dtype)
        if rows.shape[0] not in (1, n):
            raise ValueError(f"context must have one row, or one for each of the {n} rows, got {rows.shape[0]}")
        return checks.reals(rows, self.shape.dtype, "context", Copies(n, 1 if rows.shape[0] == n else max(1, n)))

    def _checked_draw(self, asked: SampleOptions, checks: CudaChecks) -> Draw:
        """As ``engines.draw.check_draw``, with arrays of the card."""
        context, prefix = self._context_matrix(asked.context), asked.prefix
        if prefix is not None:
            on_card = is_on_card(prefix)
            prefix = matrix_of(prefix, None, "prefix") if on_card else self.shape.check_prefix(prefix)
            prefix = prefix if on_card else self.placement.cuda.to_device(prefix)
        n, per_row, start = count_rows(
            asked, None if prefix is None else prefix.shape[0], None if context is None else context.shape[0]
        )
        if context is not None:
            copies = Copies(n, per_row if context.shape[0] > 1 else max(1, n))
            context = checks.reals(context, self.shape.dtype, "context", copies)
        if prefix is not None:
            several = context is not None and prefix.shape[0] == 1
            copies = Copies(max(1, n // per_row), max(1, n)) if several else Copies(prefix.shape[0], 1)
            prefix = self._checked_rows(prefix, None, "prefix", checks, copies)
        return Draw(
            n,
            key_from_seed(asked.seed),
            start,
            prefix,
            per_row,
            check_temperature(asked.temperature),
            None if asked.top_k is None else at_least_one(asked.top_k, "top_k"),
            check_top_p(asked.top_p),
            None if asked.uniforms is None else self._checked_uniforms(asked.uniforms, n, checks),
            bool(asked.return_log_prob),
            context,
        )

    def _checked_uniforms(self, uniforms: Any, n: int, checks: CudaChecks) -> Any:
        """(n, n_vars * words) float64."""
        expected = (n, *self.shape.uniforms_shape)
        if not is_on_card(uniforms):
            given = check_uniforms(uniforms, expected).reshape(n, math.prod(expected[1:]))
            return checks.uniforms(self.placement.cuda.to_device(given), self._largest_uniform())
        array = cuda_view(uniforms)
        if tuple(array.shape) != expected:
            raise ValueError(f"uniforms must have shape {expected}, got {tuple(array.shape)}")
        if array.ndim == 3 and not array.flags["C_CONTIGUOUS"]:
            raise ValueError("uniforms of a GPU must be contiguous, got strides")
        matrix = array if array.ndim == 2 else array.reshape(n, expected[1] * expected[2])
        return checks.uniforms(matrix, self._largest_uniform())

    def _largest_uniform(self) -> float:
        return 1.0 - float(np.finfo(self.shape.uniforms_type).epsneg)

    def _check_drawn(self, drawn: CudaDrawn, draw: Draw, checks: CudaChecks) -> None:
        """Rows that could not be drawn, or have no log-probability."""
        shape, queue = self.shape, self.placement.cuda
        context = self.placement.empty((draw.n, 0), shape.dtype) if draw.context is None else draw.context

        def no_draw(row: int) -> ValueError:
            if shape.n_states is None:
                defined = np.isfinite(queue.to_host(drawn.values[row]))
            else:
                defined = self._terms(drawn.values, context, row) < np.inf
            return undefined_draw(row, defined, shape.order, shape.dtype, draw.temperature)

        def no_score(row: int) -> ValueError:
            return undefined_score(row, self._terms(drawn.values, context, row), shape.order, shape.dtype)

        if drawn.undefined is not None:
            checks.unmarked(drawn.undefined, no_draw)
        if drawn.log_prob is not None:
            checks.scores(drawn.log_prob, no_score)
