"""Keys of draws that are not the network's own rows, so that these share no words with rows of the same seed."""

from __future__ import annotations

from ..kernels.philox import STREAM_GIVEN, philox4x32

LOW = 2**32 - 1


def given_key(key: int) -> int:
    """That of draws under known values."""
    high_word, low_word, *_ = _words(key)
    return high_word << 32 | low_word


def proposal_key(key: int) -> int:
    """That of proposals of importance sampling."""
    *_, high_word, low_word = _words(key)
    return high_word << 32 | low_word


def _words(key: int) -> tuple[int, ...]:
    return tuple(int(word) for word in philox4x32(0, 0, 0, STREAM_GIVEN, key & LOW, key >> 32))
