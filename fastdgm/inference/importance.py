"""Hidden real variables without a closed form: integrals estimated by importance sampling.

For row x and samples z_k of the hidden real variables, k = 1, ..., K, the weights are

    w_k = sum over hidden discrete configurations c of p(x, c, z_k^c) / q(z_k^c | x, c)

and their mean estimates p(x) without bias (Burda, Grosse and Salakhutdinov 2016, "Importance weighted autoencoders").
What has a closed form stays exact: it is integrated out given each sample.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data.partial import PartialRows, Pattern, without
from ..data.schema import Values
from ..engines.hybrid import engine_of
from ..engines.keys import proposal_key
from ..engines.proposals import Columns
from ..runtime.memory import check_memory
from ..runtime.pieces import run_ranges, split
from .estimates import Estimates, log_means, shares
from .hidden_sums import HiddenSums
from .impossible import Impossible
from .joint import Joint
from .latent import Inference, empty_posterior, taken
from .proposed import Guide, Proposed, proposals, proposed

Array = npt.NDArray[Any]

BLOCK_BYTES = 1 << 24  # of the columns that are worked on together
LARGEST_BLOCK = 1 << 14  # columns


class Sampling(NamedTuple):
    """How hidden real variables are sampled."""

    guide: Guide
    n_importance: int
    key: int


class Weights:
    """Logarithms of weights for one pattern of missing values; with a target, of each of its states."""

    def __init__(self, network: Joint, pattern: Pattern, own: Proposed, target: str | None = None) -> None:
        schema = network.schema
        sampled = {schema.rows[name] + i for name in own.sources for i in range(schema.sizes[name])}
        known = pattern._replace(discrete=pattern.discrete - set(own.selectors), reals=pattern.reals - sampled)
        summed = None if target in own.selectors else target
        self._sums = HiddenSums(network, known, summed, own.families)
        self._proposals = proposals(network, own)
        self._rows = [schema.rows[name] for name in own.selectors]
        self._shape = [len(schema.states[name]) for name in own.selectors]
        self._place = own.selectors.index(target) if target in own.selectors else None
        used = [network.conditionals[name] for name in own.families] + list(own.sources.values())
        self.whole: bool = any(engine_of(each).whole for each in used)  # some engine wants to be called by one thread
        self.n_states: int = 1 if target is None else len(schema.states[target])
        self._is_summed = summed is not None
        cells = schema.n_codes * schema.code_dtype.itemsize + 8 * schema.n_reals
        self.columns_at_once: int = max(1, min(LARGEST_BLOCK, BLOCK_BYTES // (cells + 8 * self._sums.sums.n_terms)))

    def log_weights(self, rows: Values, columns: Columns, key: int) -> Array:
        """(n_states, n_columns) for rows of data, each of which is ``columns.n_each`` columns."""
        values = Values(*(np.repeat(block, columns.n_each, axis=1) for block in rows))
        out = np.full((self.n_states, columns.n), -np.inf)
        for configuration in np.ndindex(*self._shape):
            for row, code in zip(self._rows, configuration, strict=True):
                values.codes[row] = code
            log_q = np.zeros(columns.n)
            for proposal in self._proposals:
                log_q += proposal.draw(columns, key, values)
            terms = self._sums.fill(values)
            joint = terms[self._sums.sums.target] if self._is_summed else terms[-1:]
            own = out if self._place is None else out[configuration[self._place], None]
            np.logaddexp(own, joint - log_q, out=own)
        return out


def log_prob(inference: Inference, rows: PartialRows, sampling: Sampling) -> Estimates:
    """log p of what is observed in every row, estimated where it has no closed form."""
    found = Estimates.exact(np.empty(rows.n))
    for pattern, own in rows.patterns():
        how = proposed(inference.network, sampling.guide, pattern)
        if how.is_exact:
            inference.fill_log_prob(rows, pattern, own, found.value)
            continue
        weights = Weights(inference.network, pattern, how)

        def work(numbers: Array, weights: Weights = weights) -> None:
            found.put(numbers, log_means(_all_weights(weights, rows, numbers, sampling)[0]))

        _run(work, weights, _numbers(rows, own), sampling.n_importance)
    return found


def posterior(
    inference: Inference, rows: PartialRows, target: str, sampling: Sampling, impossible: Impossible = "error"
) -> Estimates:
    """P(target = k | the other values of the row) (n, k), by the shares of the weights."""
    rows = without(rows, target)
    found = Estimates.exact(empty_posterior(rows.n, target, rows.schema))
    for pattern, own in rows.patterns():
        how = proposed(inference.network, sampling.guide, pattern, target)
        if how.is_exact:
            inference.fill_posterior(rows, pattern, own, target, found.value, impossible)
            continue
        weights = Weights(inference.network, pattern, how, target)

        def work(numbers: Array, weights: Weights = weights) -> None:
            found.put(numbers, shares(_all_weights(weights, rows, numbers, sampling), numbers, target, impossible))

        _run(work, weights, _numbers(rows, own), sampling.n_importance)
        families = how.families.union(how.sources)
        inference.fill_impossible(rows, pattern, own, families, target, found.value, impossible)
    return found


def _numbers(rows: PartialRows, own: Array | None) -> Array:
    return np.arange(rows.n) if own is None else own


def _all_weights(weights: Weights, rows: PartialRows, numbers: Array, sampling: Sampling) -> Array:
    """(n_states, n, n_importance) of some rows, a block of columns at a time."""
    k = sampling.n_importance
    own = taken(rows.values, numbers)
    out = np.empty((weights.n_states, len(numbers), k))
    for first, last in split(k, k if len(numbers) * k <= weights.columns_at_once else weights.columns_at_once):
        columns = Columns(numbers, first, last - first, k)
        found = weights.log_weights(own, columns, proposal_key(sampling.key))
        out[:, :, first:last] = found.reshape(weights.n_states, len(numbers), columns.n_each)
    return out


def _run(work: Callable[[Array], None], weights: Weights, numbers: Array, n_importance: int) -> None:
    """work(numbers of some rows) for all rows: modules one piece after the other, torch has threads of its own."""
    check_memory(8 * weights.n_states * n_importance, f"n_importance={n_importance} samples of a row")
    pieces = split(len(numbers), max(1, weights.columns_at_once // n_importance))
    if weights.whole:
        for begin, end in pieces:
            work(numbers[begin:end])
    else:
        run_ranges(lambda begin, end: work(numbers[begin:end]), pieces)
