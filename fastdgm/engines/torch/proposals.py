"""Proposals by modules that give a mean and a standard deviation: the module sees each row once, not each sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ...conditionals.base import Conditional
from ...conditionals.gaussian import Normal
from ...conditionals.neural import Neural
from ...data.schema import Schema, Values
from ..base import Members
from ..gaussian.run import GaussianEngine
from ..proposals import Columns, Proposal
from .families import HALF_LOG_2_PI
from .module_parts import module_parts

Array = npt.NDArray[Any]


class NeuralProposal(Proposal):
    """mean + std * noise, both from the module; noise from a word for each number."""

    def __init__(
        self, name: str, conditionals: Mapping[str, Conditional], first_word: int, *, varies: bool, is_scored: bool
    ) -> None:
        """``varies`` says whether parents differ from sample to sample of a row, being samples themselves;
        ``is_scored`` whether anybody asks how likely its draws were."""
        own = conditionals[name]
        assert isinstance(own, Neural)
        self._name, self._own = name, own
        self._varies, self._is_scored = varies, is_scored
        self._schema = Schema({other: each.variable for other, each in conditionals.items()})
        self._size = own.variable.size
        noise = {f"{i}": Normal(0.0, 1.0) for i in range(self._size)}
        self._noise = GaussianEngine(Members(noise, range(self._size)), first_word)

    def draw(self, columns: Columns, key: int, values: Values) -> npt.NDArray[np.float64]:
        """log q = -sum_i (noise_i^2 / 2 + log std_i + log(2 pi) / 2)."""
        each = 1 if self._varies else columns.n_each
        mean, log_std = self._parameters(values, each, columns)
        first = self._schema.rows[self._name]
        drawn = values.reals[first : first + self._size]
        noise = Values(np.empty((0, columns.n), np.uint8), drawn)  # drawn in place
        for begin, end, start in columns.runs():
            self._noise.sample(begin, end, key, start, noise)
        own = drawn.reshape(self._size, -1, each)
        log_q = np.zeros(own.shape[1:])
        if self._is_scored:
            log_q -= 0.5 * np.einsum("dnk,dnk->nk", own, own, dtype=np.float64)
            log_q -= (log_std.sum(axis=0, dtype=np.float64) + self._size * HALF_LOG_2_PI)[:, None]
        own *= np.exp(log_std)[:, :, None]
        own += mean[:, :, None]
        return log_q.reshape(-1)

    def _parameters(self, values: Values, each: int, columns: Columns) -> tuple[Array, Array]:
        """Mean and log std (d, n) of every ``each``-th column."""
        n = columns.n // each
        outputs = module_parts(self._name, self._own, self._schema, values, each)
        mean, log_std = (part.reshape(n, -1).T.astype(values.reals.dtype) for part in outputs)
        with np.errstate(over="ignore"):
            std = np.exp(log_std)
        defined = np.isfinite(mean) & np.isfinite(std) & (std > 0)
        if not defined.all():
            i, at = (int(index) for index in np.argwhere(~defined)[0])
            row = int(columns.rows[at * each // columns.n_each])
            raise ValueError(
                f"what proposes values of {self._name!r} has a finite mean, and a std above 0 and finite: its module "
                f"gave mean {mean[i, at]:g} and std {std[i, at]:g} in row {row}"
            )
        return mean, log_std
