"""A bucket for every variable: what is multiplied before the variable is summed out, and where the sums go.

Buckets in the order of elimination are a junction tree (Dechter 1999): the message of a bucket, a function of its
scope, goes to the bucket of the variable of the scope that is summed out next.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from .order import Families


class Bucket(NamedTuple):
    """What is multiplied when one variable is summed out."""

    variable: int
    scope: tuple[int, ...]  # the other variables, the one that is summed out next first: those of the message
    tables: tuple[int, ...]  # the variables whose tables are in it
    messages: tuple[int, ...]  # the variables whose buckets send here


class BucketTree(NamedTuple):
    """The buckets in the order of elimination."""

    buckets: tuple[Bucket, ...]
    n_cells: int  # of all buckets


def bucket_tree(families: Families, n_states: Sequence[int], order: Sequence[int]) -> BucketTree:
    """That of an order; ``families[v]`` are the variables of the table of v."""
    rank = {v: i for i, v in enumerate(order)}
    tables: dict[int, list[int]] = {v: [] for v in order}
    messages: dict[int, list[int]] = {v: [] for v in order}
    scopes: dict[int, tuple[int, ...]] = {}
    for v, family in enumerate(families):
        tables[min(family, key=rank.__getitem__)].append(v)
    for v in order:
        inside = {u for own in tables[v] for u in families[own]}
        inside.update(u for own in messages[v] for u in scopes[own])
        scopes[v] = tuple(sorted(inside - {v}, key=rank.__getitem__))
        if scopes[v]:
            messages[scopes[v][0]].append(v)
    buckets = tuple(Bucket(v, scopes[v], tuple(tables[v]), tuple(messages[v])) for v in order)
    return BucketTree(buckets, sum(n_states[own.variable] * prod(n_states[u] for u in own.scope) for own in buckets))
