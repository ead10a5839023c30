"""Sampler: synthetic rows like those of a table, of the same type, columns and dtypes."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from ...runtime.text import did_you_mean, preview
from .checks import check_fitted
from .joint import JointEstimator


class Sampler(JointEstimator):
    """Synthetic rows from a model of real ones: ``fit(frame).sample(n)`` is a frame with the same columns and types.

    Numbers in columns of integers are rounded. Rows are drawn from a model, so none is a copy of one that was learnt
    from; that alone is no promise of privacy.

    Parameters
    ----------
    model, n_components, prior, categorical_features, fit_options, random_state : as for :class:`DensityEstimator`.

    Attributes
    ----------
    model_, columns_, n_features_in_, feature_names_in_ : as of :class:`DensityEstimator`.

    Raises
    ------
    As :class:`DensityEstimator`.

    Examples
    --------
    >>> import pandas as pd
    >>> from fastdgm.interop.sklearn import Sampler
    >>> frame = pd.DataFrame({"city": ["bonn", "rome", "bonn"], "age": [31, 45, 27]})
    >>> Sampler("full_joint").fit(frame).sample(2, random_state=0)
       city  age
    0  rome   27
    1  bonn   31
    """

    def sample(self, n_samples: int = 1, random_state: Any = None, *, given: Mapping[str, Any] | None = None) -> Any:
        """Rows drawn from the model, of the type of the rows of ``fit``: array, or frame with its columns and types.

        Parameters
        ----------
        n_samples : at least 1.
        random_state : int, RandomState or None, which draws a fresh one from numpy's global state.
        given : values of some columns, the same in all rows; the others are drawn given these, exactly. Of structures
            by name; numbers of "mixture" cannot be given.

        Raises
        ------
        KeyError : no such column. ValueError : a category that ``fit`` has not seen.
        """
        check_fitted(self, "model_")
        if not isinstance(given, Mapping | None):
            raise TypeError(f"given= is a mapping from columns to values, got {type(given).__name__}")
        known = {name: self._known(name, value) for name, value in (given or {}).items()}
        return self._drawn(n_samples, known, random_state)

    def _known(self, name: str, value: Any) -> Any:
        """A value of a column as the network knows it."""
        if self._recipe is None:
            raise TypeError("given= is of structures by name: draw from model_ with its own given=")
        own = next((own for own in self.columns_ if own.name == name), None)
        if own is None:
            names = [own.name for own in self.columns_]
            raise KeyError(f"no column {name!r}; there are {preview(names)}{did_you_mean(str(name), names)}")
        if own.categories is None:
            if self._recipe.vector is not None:
                raise ValueError(f"numbers cannot be given to a mixture, got given={{{name!r}: {value!r}}}")
            if not isinstance(value, Real) or not isfinite(value):
                raise ValueError(f"column {name!r} holds finite numbers, got given={{{name!r}: {value!r}}}")
            return float(value)
        codes = np.flatnonzero([category == value for category in own.categories.tolist()])
        if not codes.size:
            raise ValueError(
                f"column {name!r}: {value!r} is a category that fit has not seen, those are "
                f"{preview(own.categories.tolist())}"
            )
        return int(codes[0])
