"""Output heads: what the parameters z of a variable mean, for a row of lanes at a time.

    BERNOULLI    z = logit                                bernoulli.py
    CATEGORICAL  z = K logits                             categorical.py
    NORMAL       z = mean, log sigma                      normal.py
    MIXTURE      z = M logits, M means, M log sigmas      mixture.py
    AFFINE, SOFTPLUS_AFFINE    z = shift, scale           affine.py

A new head is a file with its loops, a type, and a line in each of the two tables below.

Loops take whole matrices and row numbers: a slice of an array costs more than what they do. Their arguments are

    z        (rows, lanes): parameters in rows ``at`` .. ``at + size``
    noise    (words, lanes): from row ``w`` on what the head draws by: a uniform, a standard normal for NORMAL, one of
             each for MIXTURE; of the model's type for BERNOULLI and NORMAL, float64 for all others
    values   (rows, lanes): the variable's value in row ``v``, a code or a real
    scratch  (JOINT + size, lanes), see head_scratch.py: scoring sets row TERM, and drawing only ever row UNDEFINED

Parameters that have left the range of their type are never silent: log p is then NaN, and a draw sets row UNDEFINED.
Infinities that stand for a limit are no error: a logit of -inf is a state of probability 0, an infinite density of 0
that of a far outlier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba.extending import overload

from .affine import draw_affine, draw_softplus_affine, score_affine, score_softplus_affine
from .bernoulli import draw_bernoulli, score_bernoulli, slope_bernoulli
from .categorical import draw_categorical, score_categorical, slope_categorical
from .jit import INLINED, inlined
from .mixture import draw_mixture, score_mixture, slope_mixture
from .normal import draw_normal, score_normal, slope_normal
from .truncation import temper_bernoulli, temper_categorical, temper_normal

__all__ = [
    "AFFINE",
    "BERNOULLI",
    "CATEGORICAL",
    "KINDS",
    "LOOPS",
    "MIXTURE",
    "NORMAL",
    "SOFTPLUS_AFFINE",
    "MixtureHead",
    "NormalHead",
    "draw_lanes",
    "new_noise",
    "noise_words",
    "score_lanes",
    "slope_lanes",
    "temper_lanes",
]

BERNOULLI, CATEGORICAL, NORMAL, MIXTURE, AFFINE, SOFTPLUS_AFFINE = range(6)


# A network carries its head as a type, so that its kernels are compiled for that head alone: for all of them at once
# it takes twice as long.


class BernoulliHead(NamedTuple):
    """Type of a BERNOULLI head."""

    size: int  # parameters per variable


class CategoricalHead(NamedTuple):
    """Type of a CATEGORICAL head."""

    size: int


class NormalHead(NamedTuple):
    """Type of a NORMAL head."""

    size: int


class MixtureHead(NamedTuple):
    """Type of a MIXTURE head."""

    size: int


class AffineHead(NamedTuple):
    """Type of an AFFINE head."""

    size: int


class SoftplusAffineHead(NamedTuple):
    """Type of a SOFTPLUS_AFFINE head."""

    size: int


class HeadLoops(NamedTuple):
    """What a head does; None: never asked for, because the models' classes refuse it."""

    draw: Callable
    score: Callable
    slope: Callable | None  # the gradient of log p
    temper: Callable | None  # by temperature, top_k and top_p


KINDS = {
    BERNOULLI: BernoulliHead,
    CATEGORICAL: CategoricalHead,
    NORMAL: NormalHead,
    MIXTURE: MixtureHead,
    AFFINE: AffineHead,
    SOFTPLUS_AFFINE: SoftplusAffineHead,
}
LOOPS = {
    BernoulliHead: HeadLoops(draw_bernoulli, score_bernoulli, slope_bernoulli, temper_bernoulli),
    CategoricalHead: HeadLoops(draw_categorical, score_categorical, slope_categorical, temper_categorical),
    NormalHead: HeadLoops(draw_normal, score_normal, slope_normal, temper_normal),
    MixtureHead: HeadLoops(draw_mixture, score_mixture, slope_mixture, None),
    AffineHead: HeadLoops(draw_affine, score_affine, None, None),
    SoftplusAffineHead: HeadLoops(draw_softplus_affine, score_softplus_affine, None, None),
}


# What a head draws by ---------------------------------------------------------------------------------------------


@inlined
def noise_words(head):
    """Random numbers per variable."""
    return 2 if head == MIXTURE else 1


def new_noise(kind, like, words, lanes):
    """Zeros (words, lanes) of the type in which a head takes its noise; ``like`` is of the model's."""


@overload(new_noise, jit_options=INLINED)
def _choose_new_noise(kind, like, words, lanes):
    if kind.instance_class in (BernoulliHead, NormalHead):
        return lambda kind, like, words, lanes: np.zeros((words, lanes), like.dtype)
    return lambda kind, like, words, lanes: np.zeros((words, lanes), np.float64)


# The loops of any head, chosen by its type ------------------------------------------------------------------------


def draw_lanes(kind, z, at, noise, w, values, v, scratch):
    """values[v] = what the parameters in rows ``at`` .. of z and noise[w :] give."""


def score_lanes(kind, z, at, values, v, scratch):
    """scratch[TERM] = log p(values[v])."""


def slope_lanes(kind, z, at, values, v, weight, scratch):
    """The parameters become the gradient of weight * log p; scratch[TERM] the one by the value, if that is real."""


def temper_lanes(kind, z, at, rule, own, scratch):
    """Rows ``own`` .. of z = the parameters that draw by a ``truncation.Rule``."""


@overload(draw_lanes, jit_options=INLINED)
def _choose_draw(kind, z, at, noise, w, values, v, scratch):
    draw = LOOPS[kind.instance_class].draw
    return lambda kind, z, at, noise, w, values, v, scratch: draw(z, at, kind.size, noise, w, values, v, scratch)


@overload(score_lanes, jit_options=INLINED)
def _choose_score(kind, z, at, values, v, scratch):
    score = LOOPS[kind.instance_class].score
    return lambda kind, z, at, values, v, scratch: score(z, at, kind.size, values, v, scratch)


@overload(slope_lanes, jit_options=INLINED)
def _choose_slope(kind, z, at, values, v, weight, scratch):
    slope = LOOPS[kind.instance_class].slope
    return lambda kind, z, at, values, v, weight, scratch: slope(z, at, kind.size, values, v, weight, scratch)


@overload(temper_lanes, jit_options=INLINED)
def _choose_temper(kind, z, at, rule, own, scratch):
    temper = LOOPS[kind.instance_class].temper
    if temper is None:
        return lambda kind, z, at, rule, own, scratch: None
    return lambda kind, z, at, rule, own, scratch: temper(z, at, kind.size, rule, own, scratch)
