"""A product of factors as conditional probability tables: what is drawn from, given one row of evidence.

Summing variables out in an order, from a product f = prod_t f_t, gives each bucket's share of its message,

    P(x_v | x_S) = bucket_v(x_S, x_v) / sum over x_v of bucket_v(x_S, x_v)

where S is the scope of the bucket, variables that are summed out later. The product of these over all variables is
f / sum f: ancestral sampling in the reverse of the order draws from it (Dechter 1999). Everything is in logarithms, so
that nothing underflows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..tables.plan import LARGEST_TABLE, spread
from .buckets import Bucket, BucketTree, bucket_tree
from .order import elimination_order

Array = npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]


class LogFactor(NamedTuple):
    """The logarithm of a function of some variables."""

    scope: tuple[int, ...]
    values: Numbers  # an axis for each


class TableGiven(NamedTuple):
    """P(variable | parents), an axis for each parent, then the variable's."""

    variable: int
    parents: tuple[int, ...]
    table: Numbers


class Product(NamedTuple):
    """Factors, and the buckets in which their variables are summed out: what that takes is known beforehand."""

    factors: Sequence[LogFactor]
    tree: BucketTree
    largest: int  # cells of a bucket

    @property
    def is_too_large(self) -> bool:
        """Whether a table would have more cells than tables have."""
        return self.largest > LARGEST_TABLE


def product_of(factors: Sequence[LogFactor], n_states: Sequence[int]) -> Product:
    """The product of factors of variables 0, 1, ..., each in one of them at least."""
    scopes = tuple(own.scope for own in factors)
    tree = bucket_tree(scopes, n_states, elimination_order(scopes, tuple(n_states)))
    sizes = [n_states[own.variable] * prod(n_states[u] for u in own.scope) for own in tree.buckets]
    return Product(factors, tree, max(sizes, default=0))


def conditional_tables(product: Product) -> tuple[list[TableGiven], float]:
    """The tables, each after those of its parents, and log sum f; where that is -inf the tables mean nothing."""
    tables: list[TableGiven] = []
    messages: dict[int, LogFactor] = {}
    log_total = 0.0
    for bucket in product.tree.buckets:
        log_joint = _log_joint(bucket, product.factors, messages)
        message, table = _normalised(log_joint)
        tables.append(TableGiven(bucket.variable, bucket.scope, table))
        if bucket.scope:
            messages[bucket.variable] = LogFactor(bucket.scope, message)
        else:
            log_total += float(message)
    return tables[::-1], log_total


def _log_joint(bucket: Bucket, factors: Sequence[LogFactor], messages: dict[int, LogFactor]) -> Numbers:
    """The product in a bucket, its own variable last."""
    axes = (*bucket.scope, bucket.variable)
    own = [factors[t] for t in bucket.tables] + [messages.pop(v) for v in bucket.messages]
    aligned = [spread(each.values, each.scope, axes) for each in own]
    total: Numbers = np.zeros(np.broadcast_shapes(*(each.shape for each in aligned)))
    for each in aligned:
        total += each
    return total


def _normalised(log_joint: Numbers) -> tuple[Numbers, Numbers]:
    """log of the sums over the last axis, and the shares; where all are 0 the first state has it all, because a row of
    a table is a distribution, also one that no draw ever comes to."""
    largest = log_joint.max(axis=-1, keepdims=True)
    possible = largest > -np.inf
    shares = np.exp(log_joint - np.where(possible, largest, 0.0))
    shares[..., 0] += ~possible[..., 0]
    sums = shares.sum(axis=-1)
    shares /= sums[..., None]
    return np.where(possible, largest, -np.inf)[..., 0] + np.log(sums), shares
