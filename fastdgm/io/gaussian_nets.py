"""What formats share that hold tables and linear Gaussians, these with variances in place of standard deviations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..conditionals.base import Conditional
from ..conditionals.gaussian import LinearGaussian
from ..conditionals.table import CPT
from ..errors import NotFittedError
from .text import Array


def tables_and_gaussians(conditionals: Mapping[str, Conditional], purpose: str) -> dict[str, CPT | LinearGaussian]:
    """Conditionals that all are tables or linear Gaussians. TypeError that names the first that is neither."""
    held: dict[str, CPT | LinearGaussian] = {}
    for name, own in conditionals.items():
        if not isinstance(own, CPT | LinearGaussian):
            raise TypeError(f"{purpose} needs tables or linear Gaussians, variable {name!r} has a {type(own).__name__}")
        held[name] = own
    return held


class Parameters(NamedTuple):
    """Of a linear Gaussian in a network, whose shapes are those of all configurations of its discrete parents."""

    intercept: Array
    coefficients: Array
    std: Array


def parameters_of(name: str, own: LinearGaussian) -> Parameters:
    """NotFittedError, naming the variable, where they are not known."""
    if own.intercept is None or own.coefficients is None or own.std is None:
        raise NotFittedError(f"the parameters of {name!r} are not known yet: call fit(data) first")
    return Parameters(own.intercept, own.coefficients, own.std)


def regressions_of(conditionals: Mapping[str, Conditional], purpose: str) -> dict[str, Parameters]:
    """Conditionals that all are linear Gaussians of real parents alone. TypeError that names the first that is not."""
    found: dict[str, Parameters] = {}
    for name, own in conditionals.items():
        if not isinstance(own, LinearGaussian) or own.discrete_parents:
            raise TypeError(f"{purpose} needs linear Gaussians, variable {name!r} has a {type(own).__name__}")
        found[name] = parameters_of(name, own)
    return found


def variances_of(std: Array, purpose: str, name: str) -> Array:
    """The squares, whose roots are the same standard deviations again, to the last bit.

    Raises ValueError where they are not: below 1e-154, or above 1e154.
    """
    with np.errstate(over="ignore", under="ignore"):
        variances: Array = std * std
        bad = np.sqrt(variances) != std
    if bad.any():
        deviation = float(std[bad][0])
        raise ValueError(
            f"{purpose} holds variances, and the square of {deviation!r}, the std of {name!r}, is no double"
        )
    return variances
