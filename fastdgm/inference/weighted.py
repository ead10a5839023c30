"""Estimated answers about rows of a network of tables, whatever is missing in each, by likelihood weighting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..conditionals.roots import Uniform
from ..data.evidence_rows import EvidenceBlock
from ..data.schema import Schema
from ..engines.hybrid import Program
from ..engines.keys import given_key
from ..runtime.lazy import cached_property
from ..runtime.memory import check_memory
from ..runtime.pieces import run_ranges, split
from .estimates import Estimates, log_means, normalised_weights
from .likelihood_weighting import Draws, LikelihoodWeighting, clamped

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]

COLUMNS_AT_ONCE = 1 << 15  # draws that are worked on together
BYTES_PER_DRAW = 64  # beside its codes


class WeightedSampling(NamedTuple):
    """How rows are drawn."""

    n_samples: int  # of each row
    key: int


class Shares(NamedTuple):
    """Probabilities estimated by shares of weights; NaN in rows all of whose weights are 0."""

    value: Numbers  # (n_cells, n)
    std_error: Numbers  # (n_cells, n)
    log_evidence: Estimates  # (n,)


class WeightedInference:
    """Answers of one network as ``Exact`` gives them, estimated from samples of every row."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.schema: Schema = program.schema
        self.n_states: tuple[int, ...] = tuple(len(states) for states in self.schema.states.values())
        self.first_cell: tuple[int, ...] = tuple(accumulate(self.n_states, initial=0))  # of each variable in marginals

    @cached_property
    def _weighting(self) -> LikelihoodWeighting:
        return LikelihoodWeighting(self.program)

    def log_evidence(self, block: EvidenceBlock, sampling: WeightedSampling) -> Estimates:
        """log p(e) of every row, nats: -inf where no sample is possible."""
        found = Estimates.exact(np.empty(block.n))

        def work(begin: int, end: int) -> None:
            found.put(np.arange(begin, end), log_means(self._draw(block, begin, end, sampling).log_weights))

        self._run(work, block.n, sampling)
        return found

    def marginals(self, block: EvidenceBlock, sampling: WeightedSampling) -> Shares:
        """P(x_v = k | e), with state k of v in row ``first_cell[v] + k``."""
        return self._shares(block, sampling, [(v,) for v in range(len(self.n_states))])

    def joint(self, block: EvidenceBlock, names: Sequence[str], sampling: WeightedSampling) -> Shares:
        """P(names | e), a row for each of their joint states in C order."""
        return self._shares(block, sampling, [tuple(self.schema.rows[name] for name in names)])

    def draws(
        self, block: EvidenceBlock, sampling: WeightedSampling, start: int, n_per_row: int, first_row: int = 0
    ) -> tuple[Array, Estimates]:
        """x (n_vars, n * n_per_row): draw j of row i is one of the row's samples, chosen by its weight with the uniform
        number of global row start + i * n_per_row + j, and so about p(x | e): the better the more samples (Rubin 1988).

        The samples are those of row ``first_row + i``. Anything where all weights are 0, as estimates of log p(e) say.
        """
        n = block.n * n_per_row
        check_memory(n * len(self.n_states) * self.schema.code_dtype.itemsize, f"a sample of {n} rows")
        codes = np.empty((len(self.n_states), n), self.schema.code_dtype)
        found = Estimates.exact(np.empty(block.n))

        def work(begin: int, end: int) -> None:
            draws = self._draw(block, begin, end, sampling, first_row)
            found.put(np.arange(begin, end), log_means(draws.log_weights))
            first, last = begin * n_per_row, end * n_per_row
            uniforms = uniform_numbers(last - first, given_key(sampling.key), start + first)
            columns = chosen(draws, uniforms.reshape(end - begin, n_per_row))
            codes[:, first:last] = draws.values.codes[:, columns]

        self._run(work, block.n, sampling)
        return codes, found

    def _shares(self, block: EvidenceBlock, sampling: WeightedSampling, scopes: Sequence[tuple[int, ...]]) -> Shares:
        sizes = [prod(self.n_states[v] for v in scope) for scope in scopes]
        first = [0, *accumulate(sizes)]
        check_memory(16 * block.n * first[-1], f"probabilities of {block.n} rows x {first[-1]} states")
        value, error = np.empty((first[-1], block.n)), np.empty((first[-1], block.n))
        log_evidence = Estimates.exact(np.empty(block.n))

        def work(begin: int, end: int) -> None:
            draws = self._draw(block, begin, end, sampling)
            log_evidence.put(np.arange(begin, end), log_means(draws.log_weights))
            weights = normalised_weights(draws.log_weights)
            for i, scope in enumerate(scopes):
                own = slice(first[i], first[i + 1])
                codes = np.ravel_multi_index([draws.values.codes[v] for v in scope], [self.n_states[v] for v in scope])
                value[own, begin:end], error[own, begin:end] = _shares_of(codes, sizes[i], weights)

        self._run(work, block.n, sampling)
        return Shares(value, error, log_evidence)

    def _draw(
        self, block: EvidenceBlock, begin: int, end: int, sampling: WeightedSampling, first_row: int = 0
    ) -> Draws:
        rows = clamped(block.read(begin, end), self.schema)
        return self._weighting.draw(rows, first_row + begin, sampling.n_samples, sampling.key)

    def _run(self, work: Callable[[int, int], None], n: int, sampling: WeightedSampling) -> None:
        """work(begin, end) for pieces of rows, of which each has all of its samples."""
        each = sampling.n_samples * (len(self.n_states) * self.schema.code_dtype.itemsize + BYTES_PER_DRAW)
        check_memory(each, f"n_samples={sampling.n_samples} of a row")
        run_ranges(work, split(n, max(1, COLUMNS_AT_ONCE // sampling.n_samples)))


def chosen(draws: Draws, uniforms: Numbers) -> npt.NDArray[np.int64]:
    """Columns of draws, one for each uniform number (n, m) of each row, by the weights; those of a row side by side."""
    weights = normalised_weights(draws.log_weights)
    n, n_samples = weights.shape
    columns = np.empty(uniforms.shape, np.int64)
    for i in range(n):
        totals = np.cumsum(weights[i])
        last = int(np.flatnonzero(weights[i]).max(initial=0))
        place = np.searchsorted(totals, uniforms[i] * totals[-1], side="right")
        columns[i] = i * n_samples + np.minimum(place, last)
    return columns.ravel()


def uniform_numbers(n: int, key: int, start: int) -> Numbers:
    """Those of global rows ``start`` to ``start + n``."""
    found: Numbers = Program({"u": Uniform(0.0, 1.0)}, ["u"]).sample(n, key, start, np.float64).reals[0]
    return found


def _shares_of(codes: Array, size: int, weights: Numbers) -> tuple[Numbers, Numbers]:
    """The share of every state (size, n) in normalised weights (n, n_samples), and its standard error.

    That of p = sum w [x = k] is sqrt(sum w^2 ([x = k] - p)^2), by the delta method (Geweke 1989); NaN without weights.
    """
    n, n_samples = weights.shape
    cells = codes + np.repeat(np.arange(n) * size, n_samples)
    share: Numbers = _sums(cells, weights, n * size).reshape(n, size)
    squares = _sums(cells, weights**2, n * size).reshape(n, size)
    total = squares.sum(axis=1, keepdims=True)
    variance = (1.0 - 2.0 * share) * squares + share**2 * total
    error: Numbers = np.sqrt(np.maximum(variance, 0.0))
    impossible = total[:, 0] == 0
    share[impossible] = error[impossible] = np.nan
    return share.T, error.T


def _sums(cells: Array, weights: Numbers, n_cells: int) -> Numbers:
    """The weights of every cell; floats also where there are no rows."""
    found: Numbers = np.bincount(cells, weights.ravel(), n_cells).astype(np.float64, copy=False)
    return found
