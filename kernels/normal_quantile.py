"""z with Phi(z) = u, by algorithm AS 241 (Wichura 1988): PPND7 in float32, PPND16 in float64.

Both sides are one function of the tail min(u, 1 - u), so z is as good above as below, and odd: see tails.py. The same
bits wherever portable.py has them.
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

NEAR = 2.0**-8  # tails that every type has near: e**-25 is where the far part begins
CENTRE = 0.425  # where |u - 1/2| is less, z is computed by it; beyond, by the square root of -log(tail)
SPLIT = 5.0


class Rationals(NamedTuple):
    """Numerator and denominator, highest power first, of the three parts of AS 241."""

    central: tuple
    middle: tuple
    far: tuple


def _single(*rationals: tuple) -> Rationals:
    return Rationals(*(tuple(tuple(map(np.float32, part)) for part in rational) for rational in rationals))


PPND7 = _single(
    ((59.109374720, 159.29113202, 50.434271938, 3.3871327179), (67.187563600, 78.757757664, 17.895169469, 1.0)),
    ((0.17023821103, 1.3067284816, 2.7568153900, 1.4234372777), (0.12021132975, 0.73700164250, 1.0)),
    ((0.017337203997, 0.42868294337, 3.0812263860, 6.6579051150), (0.012258202635, 0.24197894225, 1.0)),
)
PPND16 = Rationals(
    (
        (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
         13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
        (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
         5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
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
    kind = type(tail)
    square = multiply_add(-middle, middle, kind(CENTRE * CENTRE))
    root = kind(math.sqrt(-portable_log(tail))) - kind(1.6)
    central = middle <= kind(CENTRE)
    above = polynomial(rationals.central[0], square) * middle
    below = polynomial(rationals.central[1], square)
    above = above if central else polynomial(rationals.middle[0], root)
    return above / (below if central else polynomial(rationals.middle[1], root))


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
    """z, for tails of at least e**-25; no branches."""
    return _with_sign(_near(_rationals(tail), tail, middle), upper)


def far_normal(tail, middle, upper):
    """z, for tails below NEAR."""
    return _with_sign(_far(_rationals(tail), tail), upper)


@scalar
def _with_sign(magnitude, upper):
    return magnitude if upper else -magnitude


def _rationals(number):
    return PPND7 if isinstance(number, np.float32) else PPND16


@overload(near_normal, jit_options=INLINED)
def _choose_near(tail, middle, upper):
    rationals = PPND7 if tail == types.float32 else PPND16
    return lambda tail, middle, upper: _with_sign(_near(rationals, tail, middle), upper)


@overload(far_normal, jit_options=INLINED)
def _choose_far(tail, middle, upper):
    rationals = PPND7 if tail == types.float32 else PPND16
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
