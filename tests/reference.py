"""The oracle: what the kernels compute, in plain Python and NumPy, obvious and slow. It imports nothing of ours.

A network is two lists indexed by variable: ``parents[v]``, a sequence of variables, and ``tables[v]``, the float64
array P(x_v | parents of v) with one axis per parent and the last for x_v. Codes are columns: ``(n_vars, n)``.

The random contract, which `sample` spells out: cluster number c owns word c of every row. The word and its
refinement are one 64-bit number, uniform on [0, 2**64). Its top b bits choose one of the 2**b slots of the alias
table of the cluster's parent configuration; the other 64 - b bits are a fraction, and the slot gives its first
outcome for fractions below its share and its second for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, ldexp
from typing import Any

import numpy as np

STREAM_SAMPLE = 0
STREAM_REFINE = 1
LOW = 2**32 - 1

Slot = tuple[int, int, int]  # share, first outcome, second outcome


def philox4x32(counter: Sequence[Any], key: Sequence[Any]) -> tuple[Any, Any, Any, Any]:
    """Philox4x32-10 of Salmon et al. 2011 on four counter words and two key words, ints or arrays of uint64."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & LOW, (p0 >> 32) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + 0x9E3779B9) & LOW, (k1 + 0xBB67AE85) & LOW
    return c0, c1, c2, c3


def random_words(key: int, rows: np.ndarray, word: int, stream: int) -> np.ndarray:
    """Word ``word`` of every row, as uint64: lane word % 4 of block word // 4 under counter (row, block, stream)."""
    block = np.full_like(rows, word // 4)
    counter = (rows & np.uint64(LOW), rows >> np.uint64(32), block, np.full_like(rows, stream))
    return philox4x32(counter, (key & LOW, key >> 32))[word % 4]


def draws(key: int, rows: np.ndarray, word: int) -> np.ndarray:
    """The 64-bit number of every row that belongs to one word."""
    high = random_words(key, rows, word, STREAM_SAMPLE)
    return (high << np.uint64(32)) | random_words(key, rows, word, STREAM_REFINE)


def integer_weights(probabilities: Sequence[float]) -> list[int]:
    """floor(p_k * 2**64), the first largest adjusted so that they sum to 2**64."""
    weights = [floor(ldexp(p, 64)) for p in probabilities]  # a power of two changes no digit
    largest = max(range(len(weights)), key=lambda k: probabilities[k])
    weights[largest] += 2**64 - sum(weights)
    return weights


def alias_slots(probabilities: Sequence[float], n_slots: int) -> list[Slot]:
    """Walker's alias table: slot s belongs to the s-th possible outcome, surplus slots to nobody.

    Every slot holds 2**64 / n_slots. One heavy outcome at a time fills the rest of the light slots, in order; when
    it has no more than a slot left, that goes into its own slot, and the next heavy outcome fills the rest of it.
    """
    capacity = 2**64 // n_slots
    weights = integer_weights(probabilities)
    possible = [k for k, weight in enumerate(weights) if weight > 0]
    owner = possible + [possible[-1]] * (n_slots - len(possible))
    left = [weights[k] for k in possible] + [0] * (n_slots - len(possible))
    slots = [(0, outcome, outcome) for outcome in owner]
    light = (s for s, weight in enumerate(left[:]) if weight < capacity)
    spent = None
    for heavy in [s for s, weight in enumerate(left) if weight > capacity]:
        if spent is not None and left[spent] < capacity:
            slots[spent] = (left[spent], owner[spent], owner[heavy])
            left[heavy] -= capacity - left[spent]
        while left[heavy] > capacity:
            s = next(light)
            slots[s] = (left[s], owner[s] if left[s] else owner[heavy], owner[heavy])
            left[heavy] -= capacity - left[s]
        spent = heavy
    return slots


def slot_weights(slots: Sequence[Slot]) -> dict[int, int]:
    """How many of the 2**64 draws give each outcome."""
    capacity = 2**64 // len(slots)
    weights: dict[int, int] = {}
    for share, first, second in slots:
        weights[first] = weights.get(first, 0) + share
        weights[second] = weights.get(second, 0) + capacity - share
    return {outcome: weight for outcome, weight in weights.items() if weight}


def choose(slots: np.ndarray, context: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Outcome of each 64-bit draw by the alias table of its context; ``slots`` is (contexts, 2**b, 3)."""
    bits = slots.shape[1].bit_length() - 1
    slot, fraction = draw >> np.uint64(64 - bits), draw & np.uint64(2 ** (64 - bits) - 1)
    share, first, second = np.moveaxis(slots[context, slot], -1, 0)
    return np.where(fraction < share, first, second)


def outside_parents(parents: Sequence[Sequence[int]], members: Sequence[int]) -> list[int]:
    """Parents of a cluster's members that are not in it, in ascending order."""
    return sorted({p for v in members for p in parents[v]} - set(members))


def joint_table(parents: Sequence[Sequence[int]], tables: Sequence[np.ndarray], members: Sequence[int]) -> np.ndarray:
    """P(members | outside parents): a row per configuration of the parents, a column per joint state of the members."""
    outside = outside_parents(parents, members)
    scope = [*outside, *members]
    sizes = [n_states(tables, v) for v in scope]
    state = dict(zip(scope, np.indices(sizes), strict=True))
    joint = np.ones(sizes)
    for v in members:
        joint *= tables[v][(*(state[p] for p in parents[v]), state[v])]
    return joint.reshape(int(np.prod(sizes[: len(outside)], dtype=int)), -1)


def n_states(tables: Sequence[np.ndarray], v: int) -> int:
    """Number of states of a variable."""
    return tables[v].shape[-1]


def table_bits(joint: np.ndarray) -> int:
    """The smallest b >= 1 such that 2**b slots suffice for every row of a joint table."""
    possible = int(np.count_nonzero(joint, axis=1).max())
    return max(1, (possible - 1).bit_length())


def sample(
    key: int,
    start: int,
    n: int,
    parents: Sequence[Sequence[int]],
    tables: Sequence[np.ndarray],
    clusters: Sequence[Sequence[int]],
) -> np.ndarray:
    """Rows start .. start + n, drawn cluster by cluster; a joint state of the members is numbered in C order."""
    rows = np.arange(n, dtype=np.uint64) + np.uint64(start % 2**64)
    codes = np.zeros((len(tables), n), np.int64)
    for word, members in enumerate(clusters):
        joint = joint_table(parents, tables, members)
        n_slots = 2 ** table_bits(joint)
        slots = np.array([alias_slots(row, n_slots) for row in joint], np.uint64)
        outside = outside_parents(parents, members)
        context = joint_index(codes, outside, [n_states(tables, v) for v in outside])
        outcome = choose(slots, context, draws(key, rows, word))
        sizes = [n_states(tables, v) for v in members]
        codes[list(members)] = np.unravel_index(outcome.astype(np.int64), sizes)
    return codes


def joint_index(codes: np.ndarray, columns: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
    """Number of every row's joint state of some columns, in C order; 0 if there are no columns."""
    if not columns:
        return np.zeros(codes.shape[1], np.int64)
    return np.ravel_multi_index([codes[v] for v in columns], sizes)


def log_prob_per_variable(
    codes: np.ndarray, parents: Sequence[Sequence[int]], tables: Sequence[np.ndarray]
) -> np.ndarray:
    """log P(x_v | parents of v), nats, ``(n_vars, n)``."""
    with np.errstate(divide="ignore"):
        return np.array([np.log(tables[v][(*(codes[p] for p in parents[v]), codes[v])]) for v in range(len(tables))])


def log_prob(codes: np.ndarray, parents: Sequence[Sequence[int]], tables: Sequence[np.ndarray]) -> np.ndarray:
    """The sum of the terms of every row, ``(n,)``."""
    return log_prob_per_variable(codes, parents, tables).sum(axis=0)


def count(
    codes: np.ndarray,
    parents: Sequence[Sequence[int]],
    sizes: Sequence[int],
    weights: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Number, or summed weight, of the rows in every cell of every variable's table."""
    tables = []
    for v, own in enumerate(parents):
        shape = [sizes[u] for u in (*own, v)]
        cells = joint_index(codes, [*own, v], shape)
        tables.append(np.bincount(cells, weights, int(np.prod(shape))).reshape(shape))
    return tables
