"""Mixtures and naive Bayes classifiers from and to scikit-learn: the same numbers, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...bayesnet import BayesNet
from ...conditionals.base import Conditional
from ...conditionals.gaussian import LinearGaussian, Normal
from ...conditionals.multivariate import MultivariateNormal
from ...conditionals.table import CPT, Categorical
from ...data.variables import in_order
from ...errors import NotFittedError
from ...io.gaussian_nets import parameters_of

Numbers = npt.NDArray[np.float64]
_BINARY = ("False", "True")
_INSTALL = 'to_sklearn needs scikit-learn 1.3 or later: pip install "scikit-learn>=1.3"'
_REASONS = {
    "MultinomialNB": ": its features are counts, which are no variables of a network",
    "ComplementNB": ": it is no probabilistic model of its features",
    "BayesianGaussianMixture": ": its scores are expectations over parameters, no density of one mixture",
}


# --- from scikit-learn -------------------------------------------------------------------------------------


def from_sklearn(model: Any, *, target: str | None = None, names: Sequence[str] | None = None) -> BayesNet:
    """The network of a scikit-learn mixture or naive Bayes classifier: a discrete parent of all that is observed.

    ``GaussianMixture``, of any covariance type, becomes ``z`` and the vector ``x`` of :func:`fastdgm.gaussian_mixture`.
    ``GaussianNB``, ``BernoulliNB`` and ``CategoricalNB`` become the class ``y`` and a variable for each feature. The
    network's ``predict_proba(rows, target)`` is the model's ``predict_proba(rows)``, and ``log_prob({"x": rows})`` of a
    mixture its ``score_samples(rows)``. Features of a ``BernoulliNB`` are those after its ``binarize``: False and True.

    Parameters
    ----------
    target : name of the discrete parent; ``"z"`` of a mixture and ``"y"`` of a classifier by default. Its states are
        numbers of components, or the names of classes.
    names : of the features of a classifier; by default those that it was fitted with, else ``"x0"``, ``"x1"``, ...

    Raises
    ------
    TypeError : another model, such as a ``MultinomialNB``, whose features are counts, or names for a mixture.
    NotFittedError : the model is not fitted. ValueError : names that are not as many as features, or not distinct.

    Examples
    --------
    >>> import fastdgm as fd
    >>> from sklearn.naive_bayes import GaussianNB  # doctest: +SKIP
    >>> model = GaussianNB().fit([[0.0], [1.0], [5.0], [6.0]], ["low", "low", "high", "high"])  # doctest: +SKIP
    >>> fd.from_sklearn(model).predict_proba({"x0": [2.0]}, "y")  # doctest: +SKIP
    """
    kind = next((own.__name__ for own in type(model).__mro__ if own.__name__ in _READERS), None)
    if kind is None:
        came = type(model).__name__
        raise TypeError(f"from_sklearn takes one of {', '.join(_READERS)}, got {came}{_REASONS.get(came, '')}")
    if not hasattr(model, "n_features_in_"):
        raise NotFittedError(f"this {kind} is not fitted yet: call its fit first")
    if kind == "GaussianMixture":
        if names is not None:
            raise TypeError(f"a mixture has one vector, x, whose numbers have no names, got names={names!r}")
        return _mixture(model, target or "z")
    parent = target or "y"
    features = _feature_names(model, names)
    if parent in features:
        raise ValueError(f"the class is not one of its features, got {parent!r} among them: name it by target=")
    prior, columns = _READERS[kind](model, parent)
    classes = Categorical(prior, [str(label) for label in model.classes_.tolist()])
    return BayesNet({parent: classes, **dict(zip(features, columns, strict=True))})


def _feature_names(model: Any, names: Sequence[str] | None) -> list[str]:
    if names is None:
        known = getattr(model, "feature_names_in_", None)
        return [f"x{i}" for i in range(model.n_features_in_)] if known is None else [str(name) for name in known]
    listed = list(in_order(names, "names"))
    if len(listed) != model.n_features_in_ or len(set(listed)) < len(listed):
        raise ValueError(
            f"{model.n_features_in_} features have as many distinct names, got {len(listed)}: {listed[:10]}"
        )
    return listed


def _mixture(model: Any, target: str) -> BayesNet:
    means, given = np.asarray(model.means_, np.float64), np.asarray(model.covariances_, np.float64)
    n_features = means.shape[1]
    covariances = {
        "full": lambda: given,
        "tied": lambda: given,
        "diag": lambda: given[:, :, None] * np.eye(n_features),
        "spherical": lambda: given[:, None, None] * np.eye(n_features),
    }[model.covariance_type]()
    prior = Categorical(np.asarray(model.weights_, np.float64))
    symmetric = (covariances + covariances.swapaxes(-1, -2)) / 2  # those learnt in float32 are so but for rounding
    return BayesNet({target: prior, "x": MultivariateNormal.given([target], means, symmetric)})


def _gaussian(model: Any, target: str) -> tuple[Numbers, list[Conditional]]:
    means, variances = np.asarray(model.theta_, np.float64), np.asarray(model.var_, np.float64)
    columns = zip(means.T, np.sqrt(variances).T, strict=True)
    return np.asarray(model.class_prior_, np.float64), [Normal.given([target], mean, std) for mean, std in columns]


def _bernoulli(model: Any, target: str) -> tuple[Numbers, list[Conditional]]:
    yes = np.exp(model.feature_log_prob_)  # (n_classes, n_features)
    return np.exp(model.class_log_prior_), [CPT([target], np.stack([1 - p, p], axis=1), _BINARY) for p in yes.T]


def _categorical(model: Any, target: str) -> tuple[Numbers, list[Conditional]]:
    return np.exp(model.class_log_prior_), [CPT([target], np.exp(own)) for own in model.feature_log_prob_]


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "GaussianMixture": _mixture,
    "GaussianNB": _gaussian,
    "BernoulliNB": _bernoulli,
    "CategoricalNB": _categorical,
}


# --- to scikit-learn ---------------------------------------------------------------------------------------


def to_sklearn(net: BayesNet) -> Any:
    """A mixture or naive Bayes network as a fitted scikit-learn model, whose columns are the others in order.

    A discrete variable without parents is the only parent of all others. One :class:`MultivariateNormal` makes a
    ``GaussianMixture`` (of type ``"diag"`` where all covariances are diagonal, else ``"full"``); normal variables a
    ``GaussianNB``, variables of two states a ``BernoulliNB``, other discrete ones a ``CategoricalNB``. Classes are
    booleans where the states are False and True, numbers where they are "0", "1", ..., else strings.

    Raises
    ------
    TypeError : another structure, or a mixture of kinds. ValueError : probabilities or standard deviations of 0 where
        scikit-learn divides by them or takes their logarithms. NotFittedError : no parameters yet.
        ImportError : scikit-learn is not installed.
    """
    target, features = _parent_of_all(net)
    prior = _prior(target, net[target])
    conditionals: list[Any] = [net[name] for name in features]
    if len(features) == 1 and isinstance(conditionals[0], MultivariateNormal):
        return _to_mixture(prior, conditionals[0])
    if all(isinstance(own, LinearGaussian) for own in conditionals):
        model = _to_gaussian(prior, features, conditionals)
    elif not all(isinstance(own, CPT) for own in conditionals):
        odd = next(name for name in features if not isinstance(net[name], CPT))
        raise TypeError(
            "to_sklearn takes features that all are normal, or all are tables: variable "
            f"{odd!r} has a {type(net[odd]).__name__}"
        )
    elif all(own.n_states == 2 for own in conditionals):
        model = _to_bernoulli(prior, features, conditionals)
    else:
        model = _to_categorical(prior, conditionals)
    model.classes_ = _classes(net.states[target])
    model.class_count_ = np.zeros(len(prior))  # of rows that it was fitted with
    model.n_features_in_ = len(features)
    return model


def _parent_of_all(net: BayesNet) -> tuple[str, list[str]]:
    """The variable that is the only parent of all others, and the others."""
    roots = [name for name, own in net.parents.items() if not own]
    others = [name for name in net.names if name not in roots]
    if len(roots) != 1 or not others or any(net.parents[name] != (roots[0],) for name in others):
        raise TypeError(
            "to_sklearn takes mixtures and naive Bayes networks: one variable that is the only parent of all others"
        )
    if not isinstance(net[roots[0]], CPT):
        raise TypeError(
            f"to_sklearn takes a table of classes, variable {roots[0]!r} has a {type(net[roots[0]]).__name__}"
        )
    return roots[0], others


def _prior(target: str, own: CPT) -> Numbers:
    if own.table.min() == 0.0:
        state = own.states[int(np.argmin(own.table))]
        raise ValueError(
            f"scikit-learn takes logarithms of probabilities of classes, state {state!r} of {target!r} has 0"
        )
    return own.table.copy()


def _classes(states: Sequence[str]) -> npt.NDArray[Any]:
    if tuple(states) == _BINARY:
        return np.array([False, True])
    numbered = list(states) == [str(k) for k in range(len(states))]
    return np.arange(len(states)) if numbered else np.array(states)


def _to_mixture(prior: Numbers, own: MultivariateNormal) -> Any:
    try:
        from sklearn.mixture import GaussianMixture
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    k, d = own.mean.shape
    variances = np.diagonal(own.covariance, axis1=1, axis2=2)
    diagonal = d > 1 and bool((own.covariance == variances[:, :, None] * np.eye(d)).all())
    model = GaussianMixture(k, covariance_type="diag" if diagonal else "full")
    model.weights_, model.means_ = prior, own.mean.copy()
    if diagonal:
        model.covariances_ = variances.copy()
        model.precisions_cholesky_ = 1 / np.sqrt(variances)
        model.precisions_ = 1 / variances
    else:
        factors = np.linalg.cholesky(own.covariance)
        model.covariances_ = own.covariance.copy()
        model.precisions_cholesky_ = np.linalg.inv(factors).swapaxes(1, 2)
        model.precisions_ = model.precisions_cholesky_ @ model.precisions_cholesky_.swapaxes(1, 2)
    model.converged_, model.n_iter_, model.lower_bound_, model.n_features_in_ = True, 0, -np.inf, d
    return model


def _to_gaussian(prior: Numbers, features: Sequence[str], conditionals: Sequence[LinearGaussian]) -> Any:
    try:
        from sklearn.naive_bayes import GaussianNB
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    numbers = [parameters_of(name, own) for name, own in zip(features, conditionals, strict=True)]
    for name, own in zip(features, numbers, strict=True):
        if own.std.min() == 0.0:
            raise ValueError(f"scikit-learn divides by variances, {name!r} has a standard deviation of 0")
    model = GaussianNB()
    model.class_prior_ = prior
    model.theta_ = np.stack([own.intercept for own in numbers], axis=1)
    model.var_ = np.stack([own.std for own in numbers], axis=1) ** 2
    model.epsilon_ = 0.0
    return model


def _to_bernoulli(prior: Numbers, features: Sequence[str], conditionals: Sequence[CPT]) -> Any:
    try:
        from sklearn.naive_bayes import BernoulliNB
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    for name, own in zip(features, conditionals, strict=True):
        if own.table.min() == 0.0:
            raise ValueError(f"a BernoulliNB takes logarithms of probabilities, {name!r} has one of 0")
    model = BernoulliNB()
    model.class_log_prior_ = np.log(prior)
    model.feature_log_prob_ = np.log(np.stack([own.table[:, 1] for own in conditionals], axis=1))
    model.feature_count_ = np.zeros((len(prior), len(features)))
    return model


def _to_categorical(prior: Numbers, conditionals: Sequence[CPT]) -> Any:
    try:
        from sklearn.naive_bayes import CategoricalNB
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    model = CategoricalNB()
    model.class_log_prior_ = np.log(prior)
    with np.errstate(divide="ignore"):
        model.feature_log_prob_ = [np.log(own.table) for own in conditionals]
    model.category_count_ = [np.zeros_like(own.table) for own in conditionals]
    model.n_categories_ = np.array([own.n_states for own in conditionals])
    return model
