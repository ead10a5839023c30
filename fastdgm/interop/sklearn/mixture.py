"""Naive Bayes with a hidden class, learnt by EM from rows with any pattern of missing values at once.

``BayesNet.fit`` learns the same from any structure, pattern by pattern of what is missing; columns that miss their
values independently have about as many patterns as rows, which here is one pass of array operations for all.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ...bayesnet import BayesNet
from ...conditionals.gaussian import Normal
from ...conditionals.table import CPT, Categorical
from .categories import Column
from .naive_scores import Scores

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]

ROWS_OF_START = 10_000  # of which k-means makes clusters
STATES_OF_START = 50  # of columns that it looks at


class Options(NamedTuple):
    """Of EM."""

    n_components: int
    prior: float
    var_smoothing: float
    n_restarts: int
    max_iterations: int
    tolerance: float


class Parameters(NamedTuple):
    """Of k components; normal ones of columns that have mean 0 and variance 1."""

    weights: Numbers  # (k,)
    tables: dict[str, Numbers]  # (k, n_states)
    means: Numbers  # (k, n_real)
    variances: Numbers

    def scores(self, real: Sequence[str]) -> Scores:
        """log p(component, row)."""
        with np.errstate(divide="ignore"):
            tables = {name: np.log(own) for name, own in self.tables.items()}
            return Scores(np.log(self.weights), tables, real, self.means, self.variances)


class Rows:
    """Rows as EM reads them: indicators of states and of real values, scaled."""

    def __init__(self, columns: Sequence[Column], encoded: Mapping[str, Array]) -> None:
        self.discrete: dict[str, int] = {own.name: len(own.states) for own in columns if own.categories is not None}
        self.real: list[str] = [own.name for own in columns if own.categories is None]
        self.n: int = len(encoded[columns[0].name])
        self.columns: dict[str, Array] = dict(encoded)
        numbers = np.stack([encoded[name] for name in self.real], axis=1) if self.real else np.empty((self.n, 0))
        self.center: Array = np.nanmean(numbers, axis=0)
        self.scale: Array = np.nanstd(numbers, axis=0)
        self.scale[self.scale == 0] = 1.0
        numbers = (numbers - self.center) / self.scale
        self.columns |= dict(zip(self.real, np.ascontiguousarray(numbers.T), strict=True))
        self.present: Any = (~np.isnan(numbers)).astype(np.float64)
        self.numbers: Any = np.nan_to_num(numbers)
        self.states: Any = _indicators(encoded, self.discrete, self.n)

    def estimate(self, shares: Numbers, options: Options) -> Parameters:
        """The estimates of components that have these shares of the rows (n, k)."""
        k = shares.shape[1]
        weights = shares.sum(axis=0) + options.prior
        counts = (self.states.T @ shares).T + options.prior
        tables, begin = {}, 0
        for name, n_states in self.discrete.items():
            own = counts[:, begin : begin + n_states]
            total = own.sum(axis=1, keepdims=True)
            tables[name] = np.where(total > 0, own / np.where(total > 0, total, 1), 1 / n_states)
            begin += n_states
        of_values = shares.T @ self.present
        is_known = of_values > 1e-9 * self.n
        divisor = np.where(is_known, of_values, 1.0)
        means = np.where(is_known, shares.T @ self.numbers / divisor, 0.0)
        squares = np.where(is_known, shares.T @ self.numbers**2 / divisor - means**2, 1.0)
        variances = np.maximum(squares, 0.0) + max(options.var_smoothing, 1e-12)
        return Parameters(weights / weights.sum() if weights.any() else np.full(k, 1 / k), tables, means, variances)


def _indicators(encoded: Mapping[str, Array], discrete: Mapping[str, int], n: int) -> Any:
    """A sparse matrix (n, states of all columns): 1 at the state of each value that is there."""
    places, begin = [], 0
    for name, n_states in discrete.items():
        codes = encoded[name].astype(np.int64)
        places.append(np.where(codes < 0, -1, codes + begin))
        begin += n_states
    grid = np.stack(places, axis=1) if places else np.empty((n, 0), np.int64)
    present = grid >= 0
    pointers = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    return csr_matrix((np.ones(pointers[-1]), grid[present], pointers), shape=(n, begin))


def fit_mixture(
    name: str, columns: Sequence[Column], encoded: Mapping[str, Array], options: Options, random: np.random.Generator
) -> BayesNet:
    """p(x) = sum_z p(z) prod_i p(x_i | z) of the rows; the most likely end of ``n_restarts`` starts.

    ConvergenceWarning where ``max_iterations`` steps are not enough.
    """
    rows = Rows(columns, encoded)
    ends = [_climb(rows, options, random) for _ in range(options.n_restarts)]
    found, _, converged = max(ends, key=lambda end: end[1])
    if not converged:
        warnings.warn(
            f"EM took max_iterations={options.max_iterations} steps, of which the last changed the objective by more "
            f"than tolerance={options.tolerance} nats per row",
            ConvergenceWarning,
            stacklevel=3,
        )
    conditionals: dict[str, Any] = {name: Categorical(found.weights)}
    means, stds = found.means * rows.scale + rows.center, np.sqrt(found.variances) * rows.scale
    normal = dict(zip(rows.real, zip(means.T, stds.T, strict=True), strict=True))
    for own in columns:
        if own.categories is None:
            conditionals[own.name] = Normal.given([name], *normal[own.name])
        else:
            conditionals[own.name] = CPT([name], found.tables[own.name], own.states)
    return BayesNet(conditionals)


def _climb(rows: Rows, options: Options, random: np.random.Generator) -> tuple[Parameters, float, bool]:
    """Parameters at the end of one run, their objective per row, and whether it had stopped rising."""
    now = rows.estimate(_start(rows, options.n_components, random), options)
    before = -np.inf
    for _ in range(options.max_iterations):
        joint = now.scores(rows.real)(rows.columns)
        largest = joint.max(axis=1, keepdims=True)
        shares = np.exp(joint - largest)
        total = shares.sum(axis=1, keepdims=True)
        objective = float((largest + np.log(total)).sum() + _log_prior(now, options.prior)) / rows.n
        if objective - before <= options.tolerance:
            return now, objective, True
        before = objective
        now = rows.estimate(shares / total, options)
    return now, before, False


def _log_prior(own: Parameters, prior: float) -> float:
    if prior == 0.0:
        return 0.0
    return prior * float(sum(np.log(table).sum() for table in (own.weights, *own.tables.values())))


def _start(rows: Rows, n_components: int, random: np.random.Generator) -> Numbers:
    """Shares of clusters by k-means of some rows, none of the others."""
    chosen = np.sort(random.permutation(rows.n)[:ROWS_OF_START])
    parts = [rows.numbers[chosen]]
    for name, n_states in rows.discrete.items():
        if n_states <= STATES_OF_START:
            parts.append(np.vstack([np.eye(n_states), np.zeros(n_states)])[rows.columns[name][chosen]])
    points = np.hstack(parts)
    points += 1e-6 * random.standard_normal(points.shape)  # equal rows may be in several clusters
    clusters = KMeans(n_components, n_init=1, max_iter=20, random_state=int(random.integers(2**31))).fit_predict(points)
    shares = np.zeros((rows.n, n_components))
    shares[chosen, clusters] = 1.0
    return shares
