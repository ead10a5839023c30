"""Missing values filled in by a Bayes net, as a transformer of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from ...bayesnet import BayesNet
from ...data.labels import Labels
from ...runtime.seeds import at_least_one
from .categories import Column, HandleUnknown, check_handle_unknown, encode_columns, learn_columns, network_columns
from .checks import check_at_least_zero, check_fitted, seed_of, unused
from .columns import as_array, is_frame, missing_rows, read_columns
from .completion import How, complete, complete_by_class
from .filling import array_with, frame_with
from .learning import checked_edges, network_of, widened
from .mixture import Options, fit_mixture

Array = npt.NDArray[Any]
ROWS_PER_COMPONENT = 10


class BayesNetImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Missing values filled in by what the row says of them, in a network that is learnt from incomplete rows.

    Without ``edges`` that is a naive Bayes network whose class is hidden, a mixture in which columns are independent in
    each of ``n_components`` components, learnt by EM. Labels, booleans and, by default, few whole numbers are discrete;
    other numbers are normal given their parents. None, NA and NaN are missing. Values that are there stay as they came;
    arrays come back as arrays of their type, frames as frames with the type of each column.

    Parameters
    ----------
    edges : None for the mixture; or (parent, child) pairs of names of columns, ``[]`` for independent ones. Columns are
        named as in a frame, or ``"x0"``, ``"x1"``, ... Real columns whose values are missing then have no children.
    how : "mpe" fills in all missing values of a row by what is most probable together; "mode" each by itself, a number
        by its mean; "sample" draws them together, for multiple imputation.
    n_components : of the mixture, at most a tenth of the rows.
    prior : pseudo-count of each cell of a table, Laplace's 1 by default.
    categorical_features : which numbers are discrete: "auto" for those that all are whole, with at most 20 different
        ones, or names or places of columns, or a mask; None for none. Labels and booleans always are.
    handle_unknown : a category that ``fit`` has not seen is an "error", or says nothing of the others ("missing"), and
        stays.
    var_smoothing : share of the variance that is added to those of normal variables.
    n_restarts, max_iterations, tolerance : of EM, in nats per row.
    random_state : of EM and of "sample".

    Attributes
    ----------
    net_ : the fitted :class:`fastdgm.BayesNet`; columns_ : of each column its name and its categories;
    n_features_in_, feature_names_in_ : as in scikit-learn.

    Raises
    ------
    ValueError : a column without any value, edges of unknown names, categories not seen, real values that cannot be
        filled in. NotFittedError (scikit-learn's and ours) : asked before ``fit``.

    Examples
    --------
    >>> from fastdgm.interop.sklearn import BayesNetImputer
    >>> X = [["rain", 3.5], ["rain", 4.5], ["rain", None], ["sun", 21.0], ["sun", 19.0]]
    >>> BayesNetImputer([("x0", "x1")]).fit_transform(X)[2].tolist()
    ['rain', 4.0]
    """

    def __init__(
        self,
        edges: Iterable[tuple[str, str]] | None = None,
        *,
        how: How = "mpe",
        n_components: int = 8,
        prior: float = 1.0,
        categorical_features: Any = "auto",
        handle_unknown: HandleUnknown = "error",
        var_smoothing: float = 1e-6,
        n_restarts: int = 1,
        max_iterations: int = 100,
        tolerance: float = 1e-3,
        random_state: Any = None,
    ) -> None:
        self.edges = edges
        self.how = how
        self.n_components = n_components
        self.prior = prior
        self.categorical_features = categorical_features
        self.handle_unknown = handle_unknown
        self.var_smoothing = var_smoothing
        self.n_restarts = n_restarts
        self.max_iterations = max_iterations
        self.tolerance = tolerance
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> BayesNetImputer:
        """Learn from rows ``(n_rows, n_features)``, of which values may be missing, afresh; returns self."""
        self._check_options()
        values = read_columns(self, X, reset=True)
        columns = learn_columns(values, self.categorical_features)
        encoded = encode_columns(values, columns)
        random = np.random.default_rng(seed_of(self.random_state))
        self._hidden = unused("component", encoded) if self.edges is None else None  # the variable without a column
        if self._hidden is not None:
            n_components = max(1, min(self.n_components, len(next(iter(values.values()))) // ROWS_PER_COMPONENT))
            options = Options(
                n_components, self.prior, self.var_smoothing, self.n_restarts, self.max_iterations, self.tolerance
            )
            self.net_: BayesNet = fit_mixture(self._hidden, columns, encoded, options, random)
        else:
            self.net_ = self._fit_network(columns, encoded, random)
        self.columns_ = columns
        return self

    def transform(self, X: Any) -> Any:
        """The rows with all values; an array of the same type, or a frame with the same types of columns."""
        check_fitted(self, "columns_")
        self._check_options()
        values = read_columns(self, X, reset=False)
        missing = {name: missing_rows(column) for name, column in values.items()}
        rows = np.flatnonzero(np.any(list(missing.values()), axis=0))
        encoded = {
            name: column[rows] for name, column in encode_columns(values, self.columns_, self.handle_unknown).items()
        }
        filled = self._completed(encoded) if len(rows) else encoded
        cells = {}
        for own in self.columns_:
            empty = missing[own.name][rows]
            if empty.any():
                found = filled[own.name][empty]
                cells[own.name] = rows[empty], found if own.categories is None else own.categories[found]
        names = [own.name for own in self.columns_]
        return frame_with(X, names, cells) if is_frame(X) else array_with(as_array(X), names, cells)

    def _completed(self, encoded: dict[str, Array]) -> dict[str, Array]:
        random = np.random.default_rng(seed_of(self.random_state))
        if self._hidden is not None:
            return complete_by_class(self.net_, self._hidden, encoded, self.how, random)
        return complete(self.net_, self.columns_, encoded, self.how, random)

    def _fit_network(self, columns: list[Column], encoded: dict[str, Array], random: np.random.Generator) -> BayesNet:
        data: dict[str, Array | Labels] = network_columns(encoded, columns)
        net = network_of(checked_edges(self.edges), columns).fit(
            data,
            prior=self.prior,
            n_restarts=self.n_restarts,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
            seed=int(random.integers(2**63)),
        )
        return widened(net, encoded, self.var_smoothing)

    def _check_options(self) -> None:
        if self.how not in ("mpe", "mode", "sample"):
            raise ValueError(f'how is "mpe", "mode" or "sample", got {self.how!r}')
        if self.prior == "bdeu":
            raise ValueError("prior is a pseudo-count here: the mixture has no equivalent sample size")
        check_at_least_zero(prior=self.prior, var_smoothing=self.var_smoothing, tolerance=self.tolerance)
        check_handle_unknown(self.handle_unknown)
        for name in ("n_components", "n_restarts", "max_iterations"):
            at_least_one(getattr(self, name), name)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
