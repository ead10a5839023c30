"""Words as integers, in the order in which they were first counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


class Codes(dict[Any, int]):
    """Word -> code. A word is anything to hash."""

    def __init__(self) -> None:
        self._words: list[Any] = []

    def add(self, word: Any) -> int:
        """The code of a word, a new one where it has none."""
        code = self.get(word)
        if code is None:
            self._words.append(word)  # first: an interrupt between the two leaves a code that no word has
            code = self[word] = len(self._words) - 1
        return code

    def words(self, codes: Array) -> list[Any]:
        """Those of the codes."""
        return [self._words[code] for code in codes.tolist()]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._words,)


def _restored(words: list[Any]) -> Codes:
    codes = Codes()
    codes._words = words
    codes.update(zip(words, range(len(words)), strict=True))
    return codes


class Encoder(dict[Any, int]):
    """Word -> code, asked of a function once per word."""

    def __init__(self, code: Callable[[Any], int]) -> None:
        self._code = code

    def __missing__(self, word: Any) -> int:
        code = self[word] = self._code(word)
        return code
