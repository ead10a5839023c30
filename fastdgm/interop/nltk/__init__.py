"""The n-gram language models of ``nltk.lm`` at the speed of arrays: change the import, keep the program.

``from nltk.lm import KneserNeyInterpolated`` becomes ``from fastdgm.interop.nltk import KneserNeyInterpolated``; nltk
need not be installed.
"""

from __future__ import annotations

from . import counter, vocabulary
from .counter import NgramCounter
from .interpolated import AbsoluteDiscountingInterpolated, KneserNeyInterpolated, WittenBellInterpolated
from .models import MLE, Laplace, Lidstone, StupidBackoff
from .preprocessing import flatten, pad_both_ends, padded_everygram_pipeline, padded_everygrams
from .vocabulary import Vocabulary

__all__ = [
    "MLE",
    "AbsoluteDiscountingInterpolated",
    "KneserNeyInterpolated",
    "Laplace",
    "Lidstone",
    "NgramCounter",
    "StupidBackoff",
    "Vocabulary",
    "WittenBellInterpolated",
    "counter",
    "flatten",
    "pad_both_ends",
    "padded_everygram_pipeline",
    "padded_everygrams",
    "vocabulary",
]
