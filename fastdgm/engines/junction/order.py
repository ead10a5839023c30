"""In which order variables are summed out: the cheapest of several greedy orders.

Each rule takes, one after the other, the variable that is cheapest now, and connects its neighbours (Kjaerulff 1990):
the fewest cells of its bucket, the fewest new edges, or those with the fewest states. Sets of variables are the bits of
Python integers, so that a step costs a few operations for each neighbour of a neighbour.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import prod

Families = tuple[tuple[int, ...], ...]
Cost = tuple[int, int]

MANY_NEIGHBOURS = 48  # their bucket would fit in no memory


@lru_cache(maxsize=16)  # refitting a network does not search again
def elimination_order(families: Families, n_states: tuple[int, ...]) -> tuple[int, ...]:
    """All variables in the order in which they are summed out; families are the variables of each table."""
    graph = _moral_graph(families, len(n_states))
    found = [_greedy(list(graph), n_states, rule) for rule in (_least_cells, _least_fill, _least_weighted_fill)]
    return min(found, key=lambda own: own[1])[0]


def members(bits: int) -> Iterator[int]:
    """The numbers in a set."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _moral_graph(families: Families, n_vars: int) -> list[int]:
    """The neighbours of every variable: those that it is in a table with."""
    neighbours = [0] * n_vars
    for family in families:
        together = sum(1 << v for v in family)
        for v in family:
            neighbours[v] |= together
    return [own & ~(1 << v) for v, own in enumerate(neighbours)]


def _least_cells(v: int, graph: Sequence[int], n_states: Sequence[int]) -> Cost:
    return prod(n_states[u] for u in members(graph[v])) * n_states[v], 0


def _least_fill(v: int, graph: Sequence[int], n_states: Sequence[int]) -> Cost:
    own = graph[v]
    missing = sum((own & ~graph[u]).bit_count() - 1 for u in members(own))
    return missing, _least_cells(v, graph, n_states)[0]


def _least_weighted_fill(v: int, graph: Sequence[int], n_states: Sequence[int]) -> Cost:
    own = graph[v]
    missing = sum(n_states[u] * sum(n_states[w] for w in members(own & ~graph[u] & ~(1 << u))) for u in members(own))
    return missing, _least_cells(v, graph, n_states)[0]


def _cost(v: int, graph: Sequence[int], n_states: Sequence[int], rule: Callable[..., Cost]) -> Cost:
    """By a rule; of a variable with many neighbours only that it is too much: each of them changes it once more."""
    n_neighbours = graph[v].bit_count()
    return rule(v, graph, n_states) if n_neighbours <= MANY_NEIGHBOURS else (1 << n_neighbours, 0)


def _greedy(
    graph: list[int], n_states: Sequence[int], rule: Callable[[int, Sequence[int], Sequence[int]], Cost]
) -> tuple[tuple[int, ...], int]:
    """The order that a rule finds, and the cells of all its buckets."""
    cost = [_cost(v, graph, n_states, rule) for v in range(len(graph))]
    waiting = [(own, v) for v, own in enumerate(cost)]
    heapq.heapify(waiting)
    order: list[int] = []
    done, cells = 0, 0
    while waiting:
        own, v = heapq.heappop(waiting)
        if done >> v & 1 or own != cost[v]:
            continue  # eliminated, or its cost has changed since
        done |= 1 << v
        order.append(v)
        cells += _least_cells(v, graph, n_states)[0]
        around = graph[v]
        changed = around
        for u in members(around):
            new = around & ~graph[u]
            graph[u] = (graph[u] | around) & ~(1 << u) & ~(1 << v)
            if rule is not _least_cells and new != 1 << u:
                changed |= graph[u]
        for u in members(changed & ~done):
            fresh = _cost(u, graph, n_states, rule)
            if fresh != cost[u]:
                cost[u] = fresh
                heapq.heappush(waiting, (fresh, u))
    return tuple(order), cells
