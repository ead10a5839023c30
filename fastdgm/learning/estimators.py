"""Which kind of conditional has which estimator: the one visible table."""

from __future__ import annotations

from collections.abc import Sequence

from ..conditionals.autoregressive import AutoregressiveConditional
from ..conditionals.base import Conditional
from ..conditionals.deterministic import Deterministic, FunctionTable
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.logistic import Logistic, Softmax
from ..conditionals.multivariate import MultivariateNormal
from ..conditionals.noisy_or import NoisyOr
from ..conditionals.roots import Exponential, Laplace, Uniform
from ..conditionals.table import CPT
from ..data.variables import Discrete, Real
from .base import Estimator, Target
from .gaussian import GaussianEstimator
from .logistic import LogLinearEstimator
from .multivariate import MultivariateNormalEstimator
from .noisy_or import NoisyOrEstimator
from .roots import ExponentialEstimator, LaplaceEstimator, UniformEstimator
from .tables import TableEstimator

# Subclasses go with their class.
ESTIMATORS: dict[type[Conditional], type[Estimator]] = {
    CPT: TableEstimator,
    LinearGaussian: GaussianEstimator,
    MultivariateNormal: MultivariateNormalEstimator,
    Uniform: UniformEstimator,
    Exponential: ExponentialEstimator,
    Laplace: LaplaceEstimator,
    Logistic: LogLinearEstimator,
    Softmax: LogLinearEstimator,
    NoisyOr: NoisyOrEstimator,
}
KEPT: tuple[type[Conditional], ...] = (Deterministic, FunctionTable)  # nothing to learn: they stay as they are
TRAINED: tuple[type[Conditional], ...] = (AutoregressiveConditional,)  # by gradients: see learning/autoregressive.py


def kind_of(target: Target) -> type[Conditional]:
    """The kind of conditional that a variable is learnt as: that of its own, or what suits it and its parents.

    TypeError, naming the variable, where no estimator learns that kind.
    """
    if target.conditional is None:
        kind = default_kind(target)
        if kind in ESTIMATORS:
            return kind
        raise TypeError(f"no estimator learns the {kind.__name__} of {target.name!r}")
    for kind in type(target.conditional).__mro__:
        if kind in ESTIMATORS:
            return kind
    if isinstance(target.conditional, TRAINED):
        raise TypeError(
            f"{target.name!r} is learnt by gradients, from rows that have it and its parents: it can be neither hidden "
            "nor have hidden parents"
        )
    raise TypeError(f"no estimator learns the {type(target.conditional).__name__} of {target.name!r}")


def default_kind(target: Target) -> type[Conditional]:
    """A table where all is discrete, a linear Gaussian for a real number, a normal vector for a vector, and logistic or
    softmax regression for a discrete variable with real parents."""
    if isinstance(target.variable, Real):
        return MultivariateNormal if target.variable.event_shape else LinearGaussian
    if all(isinstance(own, Discrete) for own in target.parents.values()):
        return CPT
    return Logistic if target.variable.n_states == 2 else Softmax


def is_table(target: Target) -> bool:
    """Whether a variable is learnt by counting."""
    if target.conditional is None:
        return default_kind(target) is CPT
    return isinstance(target.conditional, CPT) and not isinstance(target.conditional, KEPT)


def all_tables(targets: Sequence[Target]) -> bool:
    """Whether all variables are."""
    return all(map(is_table, targets))
