"""Where two random words lie in (0, 1): u = (word 2**32 + second word + 1/2) / 2**64, seen from the nearer end.

    tail     min(u, 1 - u), in (0, 1/2]
    middle   1/2 - tail, with all its own digits
    upper    whether u > 1/2

What an inverse CDF takes instead of u, because it needs the digits of 1 - u above and those of u below. In float32 a
first word stands for the middle of its 2**-32 unless its tail is below 2**-8: there the second word counts, too.
"""

from __future__ import annotations

from numba import float32, float64, int32, int64, uint32

from .jit import scalar
from .philox import LOW
from .portable import multiply_add

__all__ = [
    "OUTER",
    "is_upper",
    "middle32",
    "middle64",
    "outer_tail32",
    "tail32",
    "tail64",
    "tail_word",
]

OUTER = 1 << 24  # first words nearer to an end: a float32 tail is then made of both words
UPPER = 1 << 31
LAST = (1 << 31) - 1
WORD = 2.0**-32
HALF_WORD = 2.0**-33
LOW_CENTRE = 2.0**-33 + 2.0**-65  # (2**31 + 1/2) / 2**64


@scalar
def is_upper(high):
    """Whether u > 1/2."""
    return uint32(high) >= uint32(UPPER)


@scalar
def tail_word(high):
    """The first word counted from the nearer end, an int32 of 31 bits."""
    word = uint32(high)
    return int32(min(word, uint32(uint32(LOW) - word)))


@scalar
def _signed_low(high, low):
    """The second word counted from the nearer end, minus 2**31."""
    word = uint32(low)
    return int32(int64(uint32(uint32(LOW) - word) if is_upper(high) else word) - int64(UPPER))


@scalar
def tail32(high):
    """The tail of a first word alone."""
    return multiply_add(float32(tail_word(high)), float32(WORD), float32(HALF_WORD))


@scalar
def middle32(high):
    """1/2 - tail of a first word alone."""
    return multiply_add(float32(int32(LAST - tail_word(high))), float32(WORD), float32(HALF_WORD))


@scalar
def _low_part(high, low):
    """(second word + 1/2) / 2**64, counted from the nearer end; exact."""
    return multiply_add(float64(_signed_low(high, low)), float64(WORD * WORD), float64(LOW_CENTRE))


@scalar
def tail64(high, low):
    """The tail of two words."""
    return multiply_add(float64(tail_word(high)), float64(WORD), _low_part(high, low))


@scalar
def middle64(high, low):
    """1/2 - tail of two words."""
    return multiply_add(float64(tail_word(high)), float64(-WORD), float64(0.5)) - _low_part(high, low)


@scalar
def outer_tail32(high, low):
    """The tail of two words, rounded to float32."""
    return float32(tail64(high, low))
