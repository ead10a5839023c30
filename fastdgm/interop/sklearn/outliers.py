"""OutlierDetector: rows that are least probable under a model of all rows."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import OutlierMixin

from .joint import JointEstimator, Numbers


class OutlierDetector(OutlierMixin, JointEstimator):
    """Rows that a model of all rows finds improbable: log p(x) below ``offset_``.

    Of a row that is found, the columns that do not fit the others are told by ``model_.outlier_scores``, where columns
    are variables of their own (all structures but "mixture", and given networks).

    Parameters
    ----------
    model, n_components, prior, categorical_features, fit_options, random_state : as for :class:`DensityEstimator`.
    contamination : share of outliers among the rows of ``fit``, above 0 and at most 0.5.

    Attributes
    ----------
    offset_ : ``decision_function`` is ``score_samples - offset_``, and this share of the rows of ``fit`` is below it.
    model_, columns_, n_features_in_, feature_names_in_ : as of :class:`DensityEstimator`.

    Raises
    ------
    As :class:`DensityEstimator`; ValueError : contamination out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastdgm.interop.sklearn import OutlierDetector
    >>> X = np.random.default_rng(0).normal(size=(200, 2))
    >>> OutlierDetector(contamination=0.05).fit(X).predict([[0.0, 0.0], [9.0, 9.0]])
    array([ 1, -1])
    """

    offset_: float

    def __init__(
        self,
        model: Any = "mixture",
        *,
        contamination: float = 0.1,
        n_components: int = 1,
        prior: float = 1.0,
        categorical_features: Any = "auto",
        fit_options: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            model,
            n_components=n_components,
            prior=prior,
            categorical_features=categorical_features,
            fit_options=fit_options,
            random_state=random_state,
        )
        self.contamination = contamination

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the distribution of rows, and the score that ``contamination`` of them are below; ``y`` is ignored."""
        share = self.contamination
        if not isinstance(share, Real) or not 0 < share <= 0.5:
            raise ValueError(f"contamination must be in (0, 0.5], got {share!r}")
        super().fit(X, y, sample_weight)
        self.offset_ = quantile(self.score_samples(X), float(share), sample_weight)
        return self

    def decision_function(self, X: Any) -> Numbers:
        """``score_samples(X) - offset_``, ``(n_rows,)``: negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """1 for inliers, -1 for outliers, ``(n_rows,)``."""
        return np.where(self.decision_function(X) >= 0, 1, -1)


def quantile(scores: Numbers, share: float, weights: Any = None) -> float:
    """The score that a share of the rows is below: NumPy's quantile, with a row of weight w in w places."""
    order = np.argsort(scores, kind="stable")
    own = np.ones(len(scores)) if weights is None else np.asarray(weights, np.float64) * np.ones(len(scores))
    order = order[own[order] > 0]
    ends = np.cumsum(own[order])
    place = max(share * (ends[-1] - 1.0), 0.0)
    at = np.minimum(np.searchsorted(ends, [np.floor(place), np.floor(place) + 1.0], side="right"), len(order) - 1)
    below, above = scores[order[at]]
    return float(below if place % 1.0 == 0.0 or below == above else below + (above - below) * (place % 1.0))
