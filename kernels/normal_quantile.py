"""z with Phi(z) = u: near the middle by a quotient of polynomials, in the tails by algorithm AS 241 (Wichura 1988).

Both sides are one function of the tail t = min(u, 1 - u), so z is as good above as below, and odd: see tails.py.

t >= 2**-8    z = (1/2 - t) P(y) / Q(y), y = t (1 - t): no logarithm, no root. Fitted in 70 digits by least squares with
              weights that lower the largest error (Lawson 1961): 1.8e-8 relative in float32, 5e-17 in float64. All
              coefficients are positive, so nothing cancels.
t < 2**-8     a quotient of polynomials in sqrt(-log t): PPND7 in float32, PPND16 in float64

The same bits wherever portable.py has them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from .jit import INLINED, scalar
from .portable import multiply_add, polynomial, portable_log

__all__ = ["far_normal", "near_normal", "normal_quantile"]

NEAR = 2.0**-8  # where the far part begins
SPLIT = 5.0  # of sqrt(-log t), between the two quotients of the far part


class Rationals(NamedTuple):
    """Numerator and denominator, highest power first."""

    near: tuple
    middle: tuple  # these two are of AS 241
    far: tuple


def _single(*rationals: tuple) -> Rationals:
    return Rationals(*(tuple(tuple(map(np.float32, part)) for part in rational) for rational in rationals))


SINGLE = _single(
    (
        (933234263.6126127, 3171211169.6191015, 1146023002.2011464, 91534421.23198383, 1886776.2825627758,
         9332.890927884164, 7.252125699958705),
        (1170815666.24073, 1604374245.5054438, 381777319.3244516, 23188143.69723258, 387345.36976509955,
         1590.3942859097315, 1.0),
    ),
    ((0.17023821103, 1.3067284816, 2.7568153900, 1.4234372777), (0.12021132975, 0.73700164250, 1.0)),
    ((0.017337203997, 0.42868294337, 3.0812263860, 6.6579051150), (0.012258202635, 0.24197894225, 1.0)),
)  # fmt: skip
DOUBLE = Rationals(
    (
        (2.2937592895486345e19, 3.622175380630144e20, 8.085848572460959e20, 5.723672752107492e20,
         1.6753249328984696e20, 2.298063214278126e19, 1.5754554783281423e18, 5.559231627979374e16,
         1013526405531577.4, 9351137906419.07, 41474333259.87133, 79958230.26561794, 54709.106261760055,
         7.977386161639905),
        (5.159175484320731e19, 3.235356887868433e20, 4.721214624917848e20, 2.5359175673636874e20,
         6.053478934727736e19, 7.063333344527244e18, 4.232314744859678e17, 1.3294271746489888e16,
         218445594555526.0, 1830664048353.379, 7400120045.540662, 12975896.865472047, 7977.944423878122, 1.0),
    ),
    (
        (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
         3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
        (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
         0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0),
    ),
    (
        (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
         0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772),
        (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
         0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0),
    ),
)  # fmt: skip


@scalar
def _near(rationals, tail, middle):
    y = multiply_add(-tail, tail, tail)
    return polynomial(rationals.near[0], y) * middle / polynomial(rationals.near[1], y)


@scalar
def _far(rationals, tail):
    kind = type(tail)
    root = kind(math.sqrt(-portable_log(tail)))
    if root <= kind(SPLIT):
        x = root - kind(1.6)
        return polynomial(rationals.middle[0], x) / polynomial(rationals.middle[1], x)
    x = root - kind(SPLIT)
    return polynomial(rationals.far[0], x) / polynomial(rationals.far[1], x)


def near_normal(tail, middle, upper):
    """z, for tails of at least NEAR; no branches."""
    return _with_sign(_near(_rationals(tail), tail, middle), upper)


def far_normal(tail, middle, upper):
    """z, for tails below NEAR."""
    return _with_sign(_far(_rationals(tail), tail), upper)


@scalar
def _with_sign(magnitude, upper):
    return magnitude if upper else -magnitude


def _rationals(number):
    return SINGLE if isinstance(number, np.float32) else DOUBLE


@overload(near_normal, jit_options=INLINED)
def _choose_near(tail, middle, upper):
    rationals = SINGLE if tail == types.float32 else DOUBLE
    return lambda tail, middle, upper: _with_sign(_near(rationals, tail, middle), upper)


@overload(far_normal, jit_options=INLINED)
def _choose_far(tail, middle, upper):
    rationals = SINGLE if tail == types.float32 else DOUBLE
    return lambda tail, middle, upper: _with_sign(_far(rationals, tail), upper)


@scalar
def normal_quantile(u):
    """z of a number u in (0, 1), in its own type."""
    one, half = type(u)(1.0), type(u)(0.5)
    upper = u > half
    tail = one - u if upper else u
    if tail < type(u)(NEAR):
        return far_normal(tail, half - tail, upper)
    return near_normal(tail, half - tail, upper)
