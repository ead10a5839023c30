"""A model of all columns together: what DensityEstimator, OutlierDetector and Sampler share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import validate_data

from ...bayesnet import BayesNet
from ...learning.protocol import ModelProtocol, mean_of
from ...runtime.seeds import at_least_one
from .categories import Column, encode_columns, learn_columns, network_columns
from .checks import check_fitted, checked_weights, forget, seed_of
from .columns import Values, missing_rows, read_columns
from .recipes import WITH_MISSING_NUMBERS, Recipe, check_recipe, recipe
from .ridge import fit_recipe
from .rows import Template, rows_like, template_of

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]


class JointEstimator(BaseEstimator):
    """Learns p(x) of rows: by a structure that has a name, whatever the columns are, or by a given model."""

    _recipe: Recipe | None  # None of a given model
    _template: Template

    def __init__(
        self,
        model: Any = "mixture",
        *,
        n_components: int = 1,
        prior: float = 1.0,
        categorical_features: Any = "auto",
        fit_options: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.n_components = n_components
        self.prior = prior
        self.categorical_features = categorical_features
        self.fit_options = fit_options
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.input_tags.allow_nan = not isinstance(self.model, str) or self.model in WITH_MISSING_NUMBERS
        return tags

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the distribution of rows ``(n_rows, n_features)``; ``y`` is ignored.

        ``sample_weight`` ``(n_rows,)`` counts rows by non-negative weights, in networks. Missing categories are summed
        out (EM); missing numbers are refused but by "naive_bayes" and "independent", and where a given model takes
        them.
        """
        if isinstance(self.model, str):
            self._fit_recipe(X, sample_weight)
        else:
            self._fit_model(X, sample_weight)
        return self

    def score_samples(self, X: Any) -> Numbers:
        """log p of each row ``(n_rows,)``, in nats: -inf where it is impossible, as by a category that ``fit`` never
        saw. Densities of real columns, so that it may be positive."""
        check_fitted(self, "model_")
        if self._recipe is None:
            _check_features(self, X, reset=False)
            return np.asarray(self.model_.log_prob(X))
        columns = read_columns(self, X, reset=False)
        found = self.model_.log_prob(self._data(columns, self._recipe.vector))
        for own in self.columns_:
            if own.categories is not None:
                values = columns[own.name]
                found[(encode_columns(columns, [own], "missing")[own.name] < 0) & ~missing_rows(values)] = -np.inf
        return found

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of :meth:`score_samples`; ``y`` is ignored."""
        return mean_of(self.score_samples(X))

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Any:
        """Rows drawn from the model, of the type of the rows of ``fit``: array, or frame with its columns and types.

        Parameters
        ----------
        n_samples : at least 1.
        random_state : int, RandomState or None, which draws a fresh one from numpy's global state.

        Examples
        --------
        >>> import numpy as np
        >>> from fastdgm.interop.sklearn import DensityEstimator
        >>> X = np.random.default_rng(0).normal(size=(100, 2))
        >>> DensityEstimator().fit(X).sample(5, random_state=0).shape
        (5, 2)
        """
        return self._drawn(n_samples, {}, random_state)

    def _drawn(self, n_samples: int, given: Mapping[str, Any], random_state: Any) -> Any:
        check_fitted(self, "model_")
        n, seed = at_least_one(n_samples, "n_samples"), seed_of(random_state)
        if self._recipe is None:
            return _rows_of_model(self.model_, n, seed, self._template)
        drawn = self.model_.sample(n, given=given or None, seed=seed, dtype=np.float64)
        return rows_like(self._template, self._decoded(drawn, self._recipe.vector))

    # --- by a structure that has a name ------------------------------------------------------------------------

    def _fit_recipe(self, X: Any, sample_weight: Any) -> None:
        k = check_recipe(self.model, self.n_components)
        columns = read_columns(self, X, reset=True)
        n_rows = len(next(iter(columns.values())))
        weights = checked_weights(sample_weight, n_rows)
        known = learn_columns(columns, self.categorical_features)
        if n_rows == 1 and any(own.categories is None for own in known):
            raise ValueError("real columns have a spread from two rows on, got n_samples = 1")
        asked = recipe(self.model, known, k)
        self.columns_: list[Column] = known
        self._recipe, self._template = asked, template_of(X)
        options = {"prior": self.prior, "seed": seed_of(self.random_state), **(self.fit_options or {})}
        self.model_: Any = fit_recipe(asked, self._data(columns, asked.vector), weights, options)

    def _data(self, columns: dict[str, Values], vector: str | None) -> dict[str, Any]:
        """Columns as the network takes them."""
        encoded = encode_columns(columns, self.columns_, "missing")
        real = [own.name for own in self.columns_ if own.categories is None]
        if self.model not in WITH_MISSING_NUMBERS:
            for name in real:
                _refuse_missing(name, encoded[name], self.model)
        data: dict[str, Any] = dict(network_columns(encoded, self.columns_))
        if vector is not None:
            data[vector] = np.column_stack([data.pop(name) for name in real])
        return data

    def _decoded(self, drawn: Any, vector: str | None) -> list[Array]:
        """Values of the columns, in their order."""
        real = [own.name for own in self.columns_ if own.categories is None]

        def of(own: Column) -> Array:
            if own.categories is not None:
                return own.categories[np.asarray(drawn[own.name])]
            return np.asarray(drawn[own.name] if vector is None else drawn[vector][:, real.index(own.name)])

        return [of(own) for own in self.columns_]

    # --- by a given model --------------------------------------------------------------------------------------

    def _fit_model(self, X: Any, sample_weight: Any) -> None:
        if not isinstance(self.model, ModelProtocol):
            check_recipe(self.model, 1)
        options: dict[str, Any] = dict(self.fit_options or {})
        if isinstance(self.model, BayesNet):
            options = {"prior": self.prior, "seed": seed_of(self.random_state), **options}
            if sample_weight is not None:
                options["sample_weight"] = checked_weights(sample_weight, len(X))
        elif sample_weight is not None:
            raise TypeError(f"sample_weight is of networks, a {type(self.model).__name__} has none")
        forget(self)
        _check_features(self, X, reset=True)
        self._recipe, self._template = None, template_of(X)
        self.model_ = clone(self.model).fit(X, **options)


def _refuse_missing(name: str, numbers: Numbers, model: str) -> None:
    missing = np.isnan(numbers)
    if missing.any():
        raise ValueError(
            f"real columns have a value in every row with model={model!r}, column {name!r} is NaN in row "
            f"{int(missing.argmax())}: impute them first, or take one of {', '.join(WITH_MISSING_NUMBERS)}"
        )


def _check_features(estimator: Any, X: Any, *, reset: bool) -> None:
    """Number and names of the features; ragged sequences have none."""
    if len(getattr(X, "shape", ())) == 2:
        validate_data(estimator, X, reset=reset, skip_check_array=True)


def _rows_of_model(model: Any, n: int, seed: int, template: Template) -> Any:
    """Rows of a given model: those of its own kind, or a frame with the columns of ``fit``."""
    if not isinstance(model, BayesNet):
        drawn = model.sample(n, seed=seed)
        return drawn if template.library == "numpy" else rows_like(template, list(np.asarray(drawn).T))
    drawn = model.sample(n, seed=seed, dtype=np.float64)
    if template.library == "numpy":
        return drawn
    frame = drawn.to_pandas()
    return rows_like(template, [frame[name].to_numpy() for name in template.names])
