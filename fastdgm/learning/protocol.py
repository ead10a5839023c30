"""scikit-learn's protocol for all models: settings, clones, scores. scikit-learn itself is not imported."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np


class ModelProtocol:
    """What scikit-learn's ``clone``, pipelines, ``cross_val_score`` and ``GridSearchCV`` ask of a model.

    A family supplies ``_settings``, ``_with_settings``, where its constructor is not the one that takes these, and
    ``is_fitted``.
    """

    @property
    def is_fitted(self) -> bool:
        """Whether there are parameters to score and draw with that were learnt or given."""
        raise NotImplementedError

    def log_prob(self, data: Any) -> Any:
        """log p of each row, in nats."""
        raise NotImplementedError

    def _settings(self) -> dict[str, Any]:
        """The arguments that make this model as it was before ``fit``."""
        raise NotImplementedError

    def _with_settings(self, settings: Mapping[str, Any]) -> Self:
        """A new model of other settings."""
        return type(self)(**settings)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor that made this model, by name, under scikit-learn's verb.

        Parameters
        ----------
        deep : there for scikit-learn; no setting of a model has settings of its own.

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.MarkovChain(order=2).get_params()["order"]
        2
        """
        return self._settings()

    def set_params(self, **params: Any) -> Self:
        """Change arguments of the constructor; returns the model, which is then as new: what it had learnt is gone.

        Without arguments, or where one is refused, nothing changes.

        Raises
        ------
        ValueError : a name that is no argument; a value that the constructor refuses (its error).

        Examples
        --------
        >>> import fastdgm as fd
        >>> fd.MADE(n_vars=3, hidden=(8,)).set_params(hidden=(4, 4)).hidden
        (4, 4)
        """
        if not params:
            return self
        settings = self._settings()
        for name in params:
            if name not in settings:
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}. "
                    f"Valid parameters are: {sorted(settings)!r}."
                )
        self.__dict__ = vars(self._with_settings({**settings, **params}))
        return self

    def score(self, data: Any, y: Any = None) -> float:
        """The mean of :meth:`log_prob` over rows, in nats: higher is better, as scikit-learn's model selection expects.

        Parameters
        ----------
        data : rows as for :meth:`log_prob`.
        y : ignored, there for scikit-learn.

        Raises
        ------
        ValueError : no rows; and as :meth:`log_prob`.

        Examples
        --------
        >>> import fastdgm as fd
        >>> round(fd.BayesNet({"rain": fd.Bernoulli(0.2)}).score({"rain": [0, 0, 1]}), 3)
        -0.685
        """
        return mean_of(self.log_prob(data))

    def __sklearn_clone__(self) -> Self:
        """What ``sklearn.base.clone`` gives: a new model of copies of the same settings, without what was learnt.

        Of torch modules, whose first weights nobody keeps, the copies have the weights of the moment.
        """
        return self._with_settings(copy.deepcopy(self._settings()))

    def __sklearn_is_fitted__(self) -> bool:
        return self.is_fitted

    def __sklearn_tags__(self) -> Any:
        """Called by scikit-learn 1.6 and later, alone, which is there then."""
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type="density_estimator",
            target_tags=TargetTags(required=False),
            input_tags=InputTags(allow_nan=True, string=True, categorical=True),
        )


def mean_of(log_prob: Any) -> float:
    """The mean of scores, of any array library."""
    if not len(log_prob):
        raise ValueError("score needs at least one row, got none")
    return float(log_prob.mean() if hasattr(log_prob, "mean") else np.mean(log_prob.copy_to_host()))
