"""Alias tables in exact integer arithmetic (Walker 1977; the two moving fronts are Vose's 1991 in one sweep).

Probabilities become multiples of 2**-64 that sum to exactly 1; each of the 2**b slots of a row holds 2**-b of it,
shared by at most two outcomes. Tables are built once per network, on the host: the samplers of the CPU and of the GPU
read the same ones.

A slot is one uint64: threshold (high 32 bits) | second outcome (16 bits) | first outcome (16 bits). The top b bits of a
32-bit word choose the slot, the rest, moved up, is compared with the threshold. The exact threshold has 64 bits: where
the first 32 cannot decide, a second word does.
"""

from __future__ import annotations

import numpy as np
from numba import uint16, uint32, uint64

from .jit import formula, kernel, loop
from .philox import LOW
from .vectors import copy_cells

SCALE = 18446744073709551616.0  # 2**64


@loop
def _weigh(probabilities, weight):
    """weight_k = floor(p_k 2**64), the rounding left over given to the largest.

    Arithmetic is modulo 2**64, so the weight of an only possible outcome reads 0: it is told by the count.
    Returns the number of possible outcomes and the largest one.
    """
    largest = 0
    possible = 0
    left = uint64(0)
    for k in range(probabilities.shape[0]):
        p = probabilities[k]
        weight[k] = uint64(p * SCALE) if p < 1.0 else uint64(0)
        left -= weight[k]
        if weight[k] > uint64(0) or p >= 1.0:
            possible += 1
        if p > probabilities[largest]:
            largest = k
    weight[largest] += left
    return possible, largest


@loop
def _put(slots, fine, slot, share, bits, first, second):
    """The slot gives ``first`` for the lowest ``share`` of its 2**(64-b) fractions, then ``second``."""
    threshold = uint64(share) << bits
    slots[slot] = (threshold & uint64(0xFFFFFFFF00000000)) | (uint64(second) << uint64(16)) | uint64(first)
    fine[slot] = uint32(threshold)


@loop
def _share_slots(weight, own, used, outcomes, bits, slots, fine):
    """Fill every light slot up from the current heavy outcome; when that is spent, the next heavy one fills its own."""
    capacity = uint64(1) << (uint64(64) - bits)
    heavy = 0
    while heavy < used and weight[own[heavy]] <= capacity:
        heavy += 1
    light = -1
    left = weight[own[heavy]] if heavy < used else uint64(0)
    while heavy < used:
        if left > capacity:
            light += 1
            while light < used and weight[own[light]] >= capacity:
                light += 1
            share = weight[own[light]] if light < used else uint64(0)
            first = outcomes[own[light]] if light < used else outcomes[own[heavy]]
            _put(slots, fine, light, share, bits, first, outcomes[own[heavy]])
            left -= capacity - share
        else:
            following = heavy + 1
            while following < used and weight[own[following]] <= capacity:
                following += 1
            if left < capacity:
                _put(slots, fine, heavy, left, bits, outcomes[own[heavy]], outcomes[own[following]])
            if following < used:
                left = weight[own[following]] - (capacity - left)
            heavy = following


@loop
def fill_row(probabilities, outcomes, bits, slots, fine, weight, own):
    """The alias table of one distribution (K,) into ``slots``, ``fine`` (2**b,); ``weight``, ``own`` are scratch (K,).

    Slot s belongs to the s-th possible outcome; one that it fills, or whose rest nobody needs, names it twice.
    """
    possible, largest = _weigh(probabilities, weight)
    used = 0
    for k in range(outcomes.shape[0]):
        if (weight[k] > uint64(0) and possible > 1) or (possible == 1 and k == largest):
            own[used] = k
            used += 1
    for s in range(slots.shape[0]):
        full = outcomes[own[min(s, used - 1)]]
        _put(slots, fine, s, uint64(0), bits, full, full)
    if possible > 1:
        _share_slots(weight, own, used, outcomes, bits, slots, fine)


@kernel
def fill_slots(probabilities, outcomes, bits, slots, fine):
    """One alias table per row of ``probabilities`` (rows, K) into ``slots``, ``fine`` (rows, 2**b).

    ``outcomes`` (K,) are what the slots name, below 2**16.
    """
    weight = np.empty(outcomes.shape[0], np.uint64)
    own = np.empty(outcomes.shape[0], np.int64)
    for row in range(probabilities.shape[0]):
        fill_row(probabilities[row], outcomes, bits, slots[row], fine[row], weight, own)


# --- draws ---


@loop
def gather_slots(place, slots, n, slot):
    """slot = slots[place], places in range."""
    full = n & ~7
    for i in range(0, full, 8):
        copy_cells(slot, slots, place, i)
    for i in range(full, n):
        slot[i] = slots[uint64(place[i])]


@loop
def choose(words, slot, bits, n, outcome):
    """outcome = the slot's first or second; returns whether any word was too close to its threshold to decide."""
    up = bits & uint32(31)
    closest = uint32(LOW)
    for i in range(n):
        fraction = uint32(words[i] << up)
        threshold = uint32(slot[i] >> uint64(32))
        outcome[i] = uint16(slot[i]) if fraction < threshold else uint16(slot[i] >> uint64(16))
        closest = min(closest, uint32(fraction ^ threshold))
    return (closest >> bits) == 0


@formula
def undecided(word, slot, bits):
    """Whether the first word's fraction equals the upper half of the threshold, so that the second word decides."""
    distance = (uint64(word) << uint64(bits)) ^ (slot >> uint64(32))
    return ((distance & uint64(LOW)) >> uint64(bits)) == 0


@formula
def exact_outcome(word, second_word, slot, fine, bits):
    """The outcome of a slot by all 64 bits: first if ((word, second) << b) < (threshold, fine)."""
    fraction = (((uint64(word) << uint64(32)) | uint64(second_word)) << uint64(bits)) & uint64(0xFFFFFFFFFFFFFFFF)
    threshold = (slot & uint64(0xFFFFFFFF00000000)) | uint64(fine)
    return slot & uint64(0xFFFF) if fraction < threshold else (slot >> uint64(16)) & uint64(0xFFFF)
