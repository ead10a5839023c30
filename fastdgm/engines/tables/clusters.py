"""Which variables share one table look-up: clusters for sampling and for scoring, functions of the structure alone.

Both searches are greedy and near-linear in the number of variables: a step looks at neighbours in the graph and a
few further candidates, never at all pairs. The sampling clusters are part of what a (seed, row) means: a change of
``sampling_clusters`` changes every sample, is a CHANGELOG entry and changes the pinned samples of the tests.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from math import prod

SAMPLING_CELLS = 8192  # largest table of a cluster of several variables: 8 bytes a slot, 64 KiB
SCORING_CELLS = 4096  # likewise; 8 bytes a cell, 32 KiB
OUTCOME_BITS = 16  # a cluster's packed outcome
LOOK_AHEAD = 8  # ready variables without a common parent that a step considers
CHILDREN = 16  # children of a variable that a step considers, so that a hub with thousands costs no more
NEIGHBOURS = 16  # groups around a variable that a merged group is paired with


def field_bits(n_states: int) -> int:
    """Bits that hold the codes 0 .. n_states - 1; at least one."""
    return max(1, (n_states - 1).bit_length())


def slot_bits(n_outcomes: int) -> int:
    """b such that 2**b slots hold an alias table of so many outcomes; at least one."""
    return max(1, (n_outcomes - 1).bit_length())


@lru_cache(maxsize=16)  # refitting a network does not search again
def sampling_clusters(
    parents: tuple[tuple[int, ...], ...], n_states: tuple[int, ...], order: tuple[int, ...], cells: int = SAMPLING_CELLS
) -> list[list[int]]:
    """Clusters in drawing order, their members in topological order; a variable's parents are in it or before it.

    ``order`` lists the variables to draw; all others are drawn already. Each cluster starts at the earliest ready
    variable of it and takes, one at a time, the candidate that adds the fewest outside parents, then the smallest
    table, as long as the table stays within ``cells``.
    """
    rank = {v: i for i, v in enumerate(order)}
    drawn = [v not in rank for v in range(len(parents))]
    children: list[list[int]] = [[] for _ in parents]
    for v in order:
        for parent in parents[v]:
            children[parent].append(v)
    undrawn = [sum(not drawn[u] for u in own) for own in parents]  # parents neither drawn nor in the current cluster
    ready = [rank[v] for v in order if not undrawn[v]]
    clusters: list[list[int]] = []
    while ready:
        first = order[heapq.heappop(ready)]
        if drawn[first]:
            continue
        cluster: list[int] = []
        outside: set[int] = set()
        taken: int | None = first
        while taken is not None:
            cluster.append(taken)
            drawn[taken] = True
            outside |= set(parents[taken])
            outside -= set(cluster)
            for child in children[taken]:
                undrawn[child] -= 1
                if undrawn[child] == 0:
                    heapq.heappush(ready, rank[child])
            near = {child for v in (*cluster, *outside) for child in _first_undrawn(children[v], drawn)}
            near |= {order[i] for i in heapq.nsmallest(LOOK_AHEAD, ready)}
            candidates = [v for v in near if not drawn[v] and undrawn[v] == 0]
            taken = _best_candidate(candidates, cluster, outside, parents, n_states, rank, cells)
        clusters.append(cluster)
    return clusters


def _first_undrawn(children: list[int], drawn: list[bool]) -> list[int]:
    """The earliest few children that are not drawn; those drawn before them are dropped from the list for good."""
    done = next((i for i, child in enumerate(children) if not drawn[child]), len(children))
    del children[:done]
    return children[:CHILDREN]


def _best_candidate(
    candidates: list[int],
    cluster: list[int],
    outside: set[int],
    parents: Sequence[Sequence[int]],
    n_states: Sequence[int],
    rank: dict[int, int],
    cells: int,
) -> int | None:
    best: tuple[tuple[int, int, int], int] | None = None
    used = sum(field_bits(n_states[v]) for v in cluster)
    outcomes = prod(n_states[v] for v in cluster)
    for v in candidates:
        if used + field_bits(n_states[v]) > OUTCOME_BITS:
            continue
        wider = outside | (set(parents[v]) - set(cluster))
        size = prod(n_states[u] for u in wider) << slot_bits(outcomes * n_states[v])
        if size <= cells:
            key = (len(wider) - len(outside), size, rank[v])
            if best is None or key < best[0]:
                best = key, v
    return None if best is None else best[1]


@lru_cache(maxsize=16)
def scoring_clusters(
    scopes: tuple[tuple[int, ...], ...], n_states: tuple[int, ...], cells: int = SCORING_CELLS
) -> list[list[int]]:
    """Groups of families whose joint scope has at most ``cells`` states (single families may have more)."""
    groups = _merge_neighbours(scopes, n_states, cells)
    return _pack(groups, n_states, cells)


def _merge_neighbours(
    scopes: Sequence[Sequence[int]], n_states: Sequence[int], cells: int
) -> list[tuple[frozenset[int], list[int]]]:
    """Merge pairs of groups that share variables, best first: most saved look-ups per bit of table."""
    group: dict[int, tuple[frozenset[int], list[int]]] = {i: (frozenset(s), [i]) for i, s in enumerate(scopes)}
    holders: dict[int, dict[int, None]] = {}  # groups by variable, newest last
    for i, (scope, _) in group.items():
        for v in scope:
            holders.setdefault(v, {})[i] = None
    heap: list[tuple[float, int, int]] = []

    def offer(i: int) -> None:
        near = {j for v in group[i][0] for j in islice(reversed(holders[v]), NEIGHBOURS)}
        for j in sorted(near - {i}):
            union = group[i][0] | group[j][0]
            size = prod(n_states[v] for v in union)
            if size <= cells:
                saved = 4 + len(group[i][0]) + len(group[j][0]) - len(union)
                heapq.heappush(heap, (-saved / (size.bit_length() + 1), min(i, j), max(i, j)))

    for i in range(len(scopes)):
        offer(i)
    newest = len(scopes)
    while heap:
        _, i, j = heapq.heappop(heap)
        if i not in group or j not in group:
            continue
        merged = group[i][0] | group[j][0], group[i][1] + group[j][1]
        for old in (i, j):
            for v in group[old][0]:
                del holders[v][old]
            del group[old]
        group[newest] = merged
        for v in merged[0]:
            holders[v][newest] = None
        offer(newest)
        newest += 1
    return list(group.values())


def _pack(groups: list[tuple[frozenset[int], list[int]]], n_states: Sequence[int], cells: int) -> list[list[int]]:
    """Best-fit packing, largest first, of groups into tables of at most ``cells`` cells."""
    sized = sorted(((prod(n_states[v] for v in scope), min(own), scope, own) for scope, own in groups), reverse=True)
    bins: list[tuple[frozenset[int], list[int]]] = []
    by_size: list[tuple[int, int]] = []  # (-cells used, bin), so that the fullest bin that fits comes first
    for size, _, scope, own in sized:
        place = None
        for k, (used, b) in enumerate(by_size):
            if -used * size <= cells:
                place = k, b
                break
        if place is None:
            bins.append((scope, own))
            b = len(bins) - 1
        else:
            del by_size[place[0]]
            b = place[1]
            bins[b] = bins[b][0] | scope, bins[b][1] + own
        total = prod(n_states[v] for v in bins[b][0])
        if total * 2 <= cells:
            insort(by_size, (-total, b))
    return [sorted(own) for _, own in bins]
