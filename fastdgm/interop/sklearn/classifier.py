"""A Bayes net as a classifier of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from ...bayesnet import BayesNet
from ...data.labels import Labels
from .categories import Column, HandleUnknown, check_handle_unknown, encode_columns, learn_columns, network_columns
from .checks import check_at_least_zero, check_fitted, checked_weights, seed_of
from .columns import read_columns
from .learning import check_prior, checked_edges, fit_naive, network_of, scores_of, widened
from .targets import learn_classes, log_normalized, read_targets

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]


class BayesNetClassifier(ClassifierMixin, BaseEstimator):
    """The most probable class of a row by Bayes' rule in a network: P(y | x) = p(y, x) / sum_y' p(y', x).

    Labels, booleans and, by default, few whole numbers are discrete and have tables; other numbers are normal given
    their parents. Missing values (None, NA, NaN) are summed out exactly in rows to be classified, and learnt from by EM
    in those of ``fit`` (naive Bayes has a closed form: a feature learns from the rows that have it).

    Parameters
    ----------
    edges : None for naive Bayes, the class as the only parent of each feature; or (parent, child) pairs of names of
        features and of the class. Features are named as in a frame, or ``"x0"``, ``"x1"``, ...
    target : name of the class in the network.
    prior : pseudo-count of each cell of a table, Laplace's 1 by default, or "bdeu".
    categorical_features : which numbers are discrete: "auto" for those that all are whole, with at most 20 different
        ones, or names or places of columns, or a mask; None for none. Labels and booleans always are.
    handle_unknown : a category that ``fit`` has not seen is an "error", or "missing".
    var_smoothing : share of the largest variance of all real features that is added to each variance.
    n_restarts, max_iterations, tolerance, random_state : of EM, where ``fit`` gets missing values.

    Attributes
    ----------
    net_ : the fitted :class:`fastdgm.BayesNet`, the class first. classes_, n_features_in_, feature_names_in_ : as in
    scikit-learn. columns_ : of each feature its name and its categories.

    Raises
    ------
    ValueError : rows, classes or weights that do not fit together, edges of unknown names or that make a cycle,
        categories not seen, a row so far out that no class can have it. NotFittedError (scikit-learn's and ours) :
        asked before ``fit``.

    Examples
    --------
    >>> from fastdgm.interop.sklearn import BayesNetClassifier
    >>> X = [["rain", 3.5], ["sun", 21.0], ["rain", 8.0], ["sun", 17.5]]
    >>> model = BayesNetClassifier().fit(X, ["train", "bike", "train", "bike"])
    >>> model.predict([["sun", None], [None, 4.0]])
    array(['bike', 'train'], dtype='<U5')
    """

    def __init__(
        self,
        edges: Iterable[tuple[str, str]] | None = None,
        *,
        target: str = "y",
        prior: float | str = 1.0,
        categorical_features: Any = "auto",
        handle_unknown: HandleUnknown = "error",
        var_smoothing: float = 1e-9,
        n_restarts: int = 1,
        max_iterations: int = 100,
        tolerance: float = 1e-3,
        random_state: Any = None,
    ) -> None:
        self.edges = edges
        self.target = target
        self.prior = prior
        self.categorical_features = categorical_features
        self.handle_unknown = handle_unknown
        self.var_smoothing = var_smoothing
        self.n_restarts = n_restarts
        self.max_iterations = max_iterations
        self.tolerance = tolerance
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> BayesNetClassifier:
        """Learn from rows ``(n_rows, n_features)`` and their classes ``(n_rows,)``, afresh; returns self."""
        check_handle_unknown(self.handle_unknown)
        check_at_least_zero(var_smoothing=self.var_smoothing)
        values = read_columns(self, X, reset=True)
        if self.target in values:
            raise ValueError(f"the class is not one of its features: name another target=, got {self.target!r}")
        classes, codes = learn_classes(read_targets(self, y, len(next(iter(values.values())))))
        columns = learn_columns(values, self.categorical_features)
        encoded = encode_columns(values, columns)
        target = Column(self.target, classes)
        weights = checked_weights(sample_weight, len(codes))
        if self.edges is None:
            check_prior(self.prior)
            self.net_: BayesNet = fit_naive(target, codes, columns, encoded, weights, self.prior, self.var_smoothing)
        else:
            self.net_ = self._fit_network(target, codes, columns, encoded, weights)
        self._scores = None if self.edges is not None else scores_of(self.net_, self.target)
        self.classes_: Array = classes
        self.columns_: list[Column] = columns
        return self

    def predict(self, X: Any) -> Array:
        """The most probable class of each row (n_rows,)."""
        codes = np.argmax(self.predict_proba(X), axis=1)
        found: Array = self.classes_[codes]
        return found

    def predict_proba(self, X: Any) -> Numbers:
        """P(class | row), ``(n_rows, n_classes)``, in the order of ``classes_``."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Numbers:
        """log P(class | row), ``(n_rows, n_classes)``, nats. With ``edges``, -inf where the probability is below the
        smallest float."""
        check_fitted(self, "columns_")
        encoded = encode_columns(read_columns(self, X, reset=False), self.columns_, self.handle_unknown)
        if self._scores is not None:
            return log_normalized(self._scores(encoded), type(self).__name__)
        with np.errstate(divide="ignore"):
            return np.log(self.net_.predict_proba(network_columns(encoded, self.columns_), self.target))

    def _fit_network(
        self, target: Column, codes: Array, columns: list[Column], encoded: dict[str, Array], weights: Numbers | None
    ) -> BayesNet:
        net = network_of(checked_edges(self.edges), [target, *columns])
        net.fit(
            {target.name: Labels(codes, target.states, ordered=True), **network_columns(encoded, columns)},
            prior=self.prior,
            sample_weight=weights,
            n_restarts=self.n_restarts,
            max_iterations=self.max_iterations,
            tolerance=self.tolerance,
            seed=seed_of(self.random_state),
        )
        return widened(net, encoded, self.var_smoothing)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags
