"""Distinct n-grams of one length as sorted columns of word codes, with counts; how they are counted and found.

A table of n-grams is a trie laid flat: node d of a prefix is its rank among the distinct prefixes of d + 1 words, and
the children of a node follow each other. So (parent node, word) is a sorted 64-bit key at every depth, whatever the
length of the n-grams and the size of the vocabulary, and a context of n - 1 words owns a range of rows.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
WORD_BITS = 32  # of a key, below the node's
SORTED_FROM = 512  # queries: from here on it pays to sort them, so that the table is read in order


class Order:
    """The distinct n-grams of one length, and how often each was seen (immutable).

    ``codes`` is (length, n_ngrams) int32, its columns in lexicographic order; ``counts`` is (n_ngrams,) int64, all
    positive.
    """

    def __init__(self, codes: Array, counts: Array) -> None:
        self.codes: Array = codes
        self.counts: Array = counts

    @classmethod
    def empty(cls, length: int) -> Order:
        """Nothing seen."""
        return cls(np.empty((length, 0), np.int32), np.empty(0, np.int64))

    @classmethod
    def count(cls, codes: Array, weights: Array | None = None) -> Order:
        """Of n-grams (length, n), in any order and repeated."""
        if not codes.shape[1]:
            return cls.empty(len(codes))
        keys = _lexicographic_keys(codes)
        order = np.argsort(keys)
        keys = keys[order]
        begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        if weights is None:
            counts = np.diff(begins, append=len(keys))
        else:
            counts = np.add.reduceat(weights[order], begins)
        return cls(codes[:, order[begins]], counts)

    def plus(self, other: Order) -> Order:
        """Both together."""
        if not len(self):
            return other
        codes = np.concatenate([self.codes, other.codes], axis=1)
        return Order.count(codes, np.concatenate([self.counts, other.counts]))

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def length(self) -> int:
        """Words of an n-gram."""
        return len(self.codes)

    # Contexts: the first length - 1 words ---------------------------------------------------------------------------

    @cached_property
    def starts(self) -> Array:
        """First row of each context, and the number of rows: (n_contexts + 1,)."""
        begins = self._begins[self.length - 2] if self.length > 1 else np.arange(min(1, len(self)))
        return np.append(begins, len(self))

    @cached_property
    def context_of(self) -> Array:
        """The context of each row: (n_ngrams,)."""
        return np.repeat(np.arange(len(self.starts) - 1), self.n_types)

    @cached_property
    def n_types(self) -> Array:
        """Distinct words seen after each context: (n_contexts,)."""
        return np.diff(self.starts)

    @cached_property
    def totals(self) -> Array:
        """How often each context was seen: (n_contexts,)."""
        return np.add.reduceat(self.counts, self.starts[:-1]) if len(self) else np.empty(0, np.int64)

    # Look-up --------------------------------------------------------------------------------------------------------

    def find(self, codes: Array) -> tuple[Array, Array]:
        """(context, row) of n-grams (length, n); -1 where it was never seen. A code of -1 is a word never seen."""
        context = self.find_contexts(codes[:-1], codes.shape[1])
        return context, self._child(self.length - 1, context, codes[-1])

    def find_contexts(self, codes: Array, n: int) -> Array:
        """The contexts (length - 1, n): (n,)."""
        node = np.zeros(n, np.int64) if len(self) else np.full(n, -1)
        for depth, column in enumerate(codes):
            node = self._child(depth, node, column)
        return node

    def _child(self, depth: int, node: Array, words: Array) -> Array:
        """The node of each word below a node of the depth above."""
        if depth == 0:
            found = self._roots[np.clip(words, -1, len(self._roots) - 1)]
            return np.where(node >= 0, found, -1)
        asked = np.flatnonzero((node >= 0) & (words >= 0))
        child = np.full(len(node), -1)
        child[asked] = _search(self._keys[depth], _keys(node[asked], words[asked]))
        return child

    @cached_property
    def _begins(self) -> list[Array]:
        """Per depth, the rows with which the distinct prefixes begin."""
        new, begins = np.zeros(len(self), np.bool_), []
        new[:1] = True
        for column in self.codes:
            new[1:] |= column[1:] != column[:-1]
            begins.append(np.flatnonzero(new))
        return begins

    @cached_property
    def _keys(self) -> list[Array]:
        """Per depth, the sorted keys (parent node, word); none at depth 0, which is looked up directly."""
        keys = [np.empty(0, np.int64)]
        for above, begins, column in zip(self._begins, self._begins[1:], self.codes[1:], strict=False):
            parents = above.searchsorted(begins, side="right") - 1
            keys.append(_keys(parents, column[begins]))
        return keys

    @cached_property
    def _roots(self) -> Array:
        """The node of each word at depth 0, -1 where there is none; the last entry, also reached by -1, is -1."""
        words = self.codes[0, self._begins[0]]
        roots = np.full(int(words[-1]) + 2 if len(words) else 1, -1)
        roots[words] = np.arange(len(words))
        return roots


def _keys(nodes: Array, words: Array) -> Array:
    return np.asarray((nodes.astype(np.int64) << WORD_BITS) | words)


def _search(keys: Array, wanted: Array) -> Array:
    """Where each wanted key is, or -1."""
    if not len(keys):
        return np.full(len(wanted), -1)
    if len(wanted) < SORTED_FROM:
        return _search_in_turn(keys, wanted)
    order = np.argsort(wanted)
    found = np.empty(len(wanted), np.int64)
    found[order] = _search_in_turn(keys, wanted[order])
    return found


def _search_in_turn(keys: Array, wanted: Array) -> Array:
    at = np.minimum(keys.searchsorted(wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)


def _lexicographic_keys(codes: Array) -> Array:
    """One uint64 per column of codes, equal and ordered as the columns are."""
    bits = max(1, int(codes.max()).bit_length())
    keys, used = codes[0].astype(np.uint64), bits
    for column in codes[1:]:
        if used + bits > 64:  # the ranks of the prefixes take fewer bits
            prefixes, keys = np.unique(keys, return_inverse=True)
            keys, used = keys.astype(np.uint64), len(prefixes).bit_length()
        keys = (keys << np.uint64(bits)) | column.astype(np.uint64)
        used += bits
    return keys
