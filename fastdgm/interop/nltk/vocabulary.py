"""The words that a language model knows; any other is the unknown word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar


class Vocabulary:
    """Words by how often they were seen; those seen fewer than ``unk_cutoff`` times are the unknown word.

    The same class as ``nltk.lm.Vocabulary``: ``word in vocabulary``, ``len`` and iteration follow the cutoff and have
    the unknown word, ``vocabulary[word]`` and ``counts`` do not follow it.

    Parameters
    ----------
    counts : words, or a mapping of words to counts.
    unk_cutoff : at least 1.
    unk_label : the unknown word.

    Raises
    ------
    ValueError : a cutoff below 1.

    Examples
    --------
    >>> from fastdgm.interop.nltk import Vocabulary
    >>> vocabulary = Vocabulary(["a", "b", "a", "c"], unk_cutoff=2)
    >>> vocabulary.lookup(["a", "b", "z"])
    ('a', '<UNK>', '<UNK>')
    >>> print(vocabulary)
    <Vocabulary with cutoff=2 unk_label='<UNK>' and 2 items>
    """

    def __init__(self, counts: Any = None, unk_cutoff: int = 1, unk_label: str = "<UNK>") -> None:
        if not unk_cutoff >= 1:
            raise ValueError(f"Cutoff value cannot be less than 1. Got: {unk_cutoff}")
        self.unk_label: str = unk_label
        self._cutoff = unk_cutoff
        self.counts: Counter[Any] = Counter()
        self.update(() if counts is None else counts)

    @property
    def cutoff(self) -> int:
        """Words seen fewer times are not known."""
        return self._cutoff

    def update(self, *words: Any, **counts: int) -> None:
        """Count more words, all or on an error none: the arguments of ``collections.Counter.update``."""
        added = Counter(*words, **counts)
        self._len: int | None = None
        self.counts.update(added)

    def lookup(self, words: Any) -> Any:
        """The word itself or the unknown word; of anything to iterate over, the tuple of what its items look up.

        Raises
        ------
        TypeError : neither a string nor an iterable of them.
        """
        if isinstance(words, str):
            return words if words in self else self.unk_label
        if isinstance(words, Iterable):
            return tuple(map(self.lookup, words))
        raise TypeError(f"lookup takes a word or words, each a string, got {words!r} of type {type(words).__name__}")

    def __getitem__(self, word: Any) -> int:
        return self._cutoff if word == self.unk_label else self.counts[word]

    def __contains__(self, word: Any) -> bool:
        return self[word] >= self._cutoff

    def __iter__(self) -> Iterator[Any]:
        yield from (word for word in self.counts if word in self)
        if self.counts:
            yield self.unk_label

    def __len__(self) -> int:
        if self._len is None:
            self._len = sum(1 for _ in self)
        return self._len

    def __eq__(self, other: object) -> bool:
        try:
            return (self.unk_label, self.cutoff, self.counts) == (other.unk_label, other.cutoff, other.counts)  # type: ignore[attr-defined]
        except AttributeError:
            return NotImplemented

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # it changes

    def __str__(self) -> str:
        return f"<Vocabulary with cutoff={self.cutoff} unk_label={self.unk_label!r} and {len(self)} items>"

    __repr__ = __str__
