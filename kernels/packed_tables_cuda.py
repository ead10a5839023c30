"""Tables and where they are, in two buffers: an argument of a launch costs as much as the work on a thousand rows.

``words`` (uint32) holds the number of clusters, the first word of a row, the place of the slots' fine parts, and one
entry after the other: where the next begins, where its table begins and how far it reaches, where its copy in shared
memory begins and how many cells it has, and what its kind of cluster has. The other buffer holds slots or logarithms, 8
bytes each.

Tables are looked up at random, 32 places to a warp. Shared memory answers these about as fast as its 32 banks go;
tables without a copy there are read through the caches, which take one line of 128 bytes after the other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import cuda, uint32, uint64

__all__ = [
    "ENTRY",
    "FINE",
    "FIRST_ENTRY",
    "FIRST_WORD",
    "NOWHERE",
    "N_CLUSTERS",
    "Four",
    "copied",
    "entry_of",
    "look_up",
]

N_CLUSTERS, FIRST_WORD, FINE, FIRST_ENTRY = 0, 1, 2, 3  # places in words
NOWHERE = 0xFFFFFFFF  # of a table without a copy in shared memory
ENTRY = 5  # words of an entry that all kinds of clusters have

device: Any = cuda.jit(device=True)


class Entry(NamedTuple):
    """A cluster's table: cells ``begin`` to ``begin + last`` of the buffer, from ``copy`` on in shared memory."""

    after: int  # the next entry
    begin: int
    last: int
    copy: int
    n_cells: int  # of the copy: of a table for each state of a variable, one after the other, or of a single one


class Four(NamedTuple):
    """Something of each of four rows."""

    first: object
    second: object
    third: object
    fourth: object


@device
def entry_of(words, at):
    """The entry that begins at a place of words."""
    return Entry(words[at], words[at + uint32(1)], words[at + uint32(2)], words[at + uint32(3)], words[at + uint32(4)])


@device
def copied(words, cells, shared):
    """Copy the tables that have a place in shared memory, by all threads of a block."""
    at = uint32(FIRST_ENTRY)
    for _ in range(words[N_CLUSTERS]):
        entry = entry_of(words, at)
        if entry.copy != uint32(NOWHERE):
            for k in range(uint32(cuda.threadIdx.x), entry.n_cells, uint32(cuda.blockDim.x)):
                shared[entry.copy + uint32(k)] = cells[uint64(entry.begin) + uint64(k)]
        at = entry.after
    cuda.syncthreads()


@device
def look_up(cells, shared, entry, places, beyond):
    """Four cells of a cluster's table, its last one for a place out of it; or of that ``beyond`` so many cells on."""
    a, b = min(places.first, entry.last) + beyond, min(places.second, entry.last) + beyond
    c, d = min(places.third, entry.last) + beyond, min(places.fourth, entry.last) + beyond
    if entry.copy != uint32(NOWHERE):
        begin = entry.copy
        return Four(
            shared[uint32(begin + a)], shared[uint32(begin + b)], shared[uint32(begin + c)], shared[uint32(begin + d)]
        )
    begin = uint64(entry.begin)
    return Four(cells[begin + uint64(a)], cells[begin + uint64(b)], cells[begin + uint64(c)], cells[begin + uint64(d)])
