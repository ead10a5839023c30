"""Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019): one update per parameter.

    m <- beta1 m + (1 - beta1) g                v <- beta2 v + (1 - beta2) g^2
    p <- (1 - rate decay) p - rate (m correction1) / (sqrt(v correction2) + epsilon)

g is the gradient of what is *minimised*. The result of a parameter does not depend on its place in the array, so ranges
may be split over threads at will.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .jit import formula, kernel, scalar

__all__ = ["AdamConstants", "AdamSettings", "adam_constants", "adam_cpu", "adam_update", "without_decay"]


class AdamSettings(NamedTuple):
    """Python floats; those of step t = 1, 2, ... are what ``fastdgm.engines.training.Step.scalars`` returns."""

    rate: float
    beta1: float
    beta2: float
    epsilon: float
    decay: float
    correction1: float  # 1 / (1 - beta1^t)
    correction2: float  # 1 / (1 - beta2^t)


class AdamConstants(NamedTuple):
    """What does not depend on the parameter, in its type."""

    keep_first: float  # beta1
    add_first: float  # 1 - beta1
    keep_second: float  # beta2
    add_second: float  # 1 - beta2
    shrink: float  # 1 - rate decay
    rate: float  # rate correction1
    correction: float  # correction2
    epsilon: float


@scalar
def without_decay(s):
    """The same settings for parameters that do not decay."""
    return AdamSettings(s.rate, s.beta1, s.beta2, s.epsilon, 0.0, s.correction1, s.correction2)


@scalar
def adam_constants(like, s):
    """The constants of settings s in the type of the array ``like``, rounded once: 1 - beta2 of a float32 beta2 would
    be off by 1e-5."""
    kind = like.dtype.type
    return AdamConstants(
        kind(s.beta1),
        kind(1.0 - s.beta1),
        kind(s.beta2),
        kind(1.0 - s.beta2),
        kind(1.0 - s.rate * s.decay),
        kind(s.rate * s.correction1),
        kind(s.correction2),
        kind(s.epsilon),
    )


@formula
def adam_update(parameter, gradient, first, second, c):
    """The new (parameter, first moment, second moment), by constants c."""
    first = c.keep_first * first + c.add_first * gradient
    second = c.keep_second * second + c.add_second * (gradient * gradient)
    return c.shrink * parameter - c.rate * first / (math.sqrt(second * c.correction) + c.epsilon), first, second


@kernel
def adam_cpu(begin, end, settings, gradient, parameter, first, second):
    """Update entries [begin, end) of the flat arrays ``parameter``, ``first``, ``second`` in place.

    All four arrays are float32 or all are float64; ``settings`` are AdamSettings.
    """
    constants = adam_constants(parameter, settings)
    p, g, m, v = parameter[begin:end], gradient[begin:end], first[begin:end], second[begin:end]
    for i in range(p.shape[0]):
        p[i], m[i], v[i] = adam_update(p[i], g[i], m[i], v[i], constants)
