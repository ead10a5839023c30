"""Alias tables are exact: every slot of every table, decoded, against integer arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from random_nets import random_table

from fastdgm.engines.tables.clusters import slot_bits
from fastdgm.kernels.alias import fill_slots
from fastdgm.kernels.cpt import exact_outcome, undecided

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu]

ALL_ONES = 2**32 - 1


def compiled_tables(rows: np.ndarray, bits: int, outcomes: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    names = np.arange(rows.shape[1], dtype=np.uint32) if outcomes is None else outcomes
    slots = np.empty((len(rows), 1 << bits), np.uint64)
    fine = np.empty((len(rows), 1 << bits), np.uint32)
    fill_slots(rows, names, np.uint64(bits), slots, fine)
    return slots, fine


def decode(slots: np.ndarray, fine: np.ndarray, bits: int) -> list[reference.Slot]:
    """The packed slots of one row as (share, first, second)."""
    decoded = []
    for slot, low in zip(slots.tolist(), fine.tolist(), strict=True):
        threshold = (slot >> 32 << 32) | low
        assert threshold % (1 << bits) == 0
        decoded.append((threshold >> bits, slot & 0xFFFF, (slot >> 16) & 0xFFFF))
    return decoded


def check_row(probabilities: np.ndarray, bits: int) -> None:
    """The compiled table equals the oracle's and holds exactly the weights that were asked for."""
    slots, fine = compiled_tables(probabilities[None], bits)
    decoded = decode(slots[0], fine[0], bits)
    assert decoded == reference.alias_slots(probabilities, 1 << bits)
    weights = reference.integer_weights(probabilities)
    assert reference.slot_weights(decoded) == {k: w for k, w in enumerate(weights) if w}


SPECIAL_ROWS = [
    [1.0],
    [0.0, 1.0],
    [1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0],
    [0.5, 0.5],
    [0.25, 0.25, 0.25, 0.25],  # every slot exactly full
    [0.25, 0.5, 0.25],
    [0.5, 0.0, 0.125, 0.375],
    [0.0, 0.3, 0.7],
    [0.3, 0.0, 0.0, 0.7],
    [0.3, 0.7, 0.0, 0.0],
    [1.0 - 2**-53, 2**-53],
    [2**-53, 1.0 - 2**-53],
    [1.0, 1e-13],  # sums to one within the tolerance of a table's rows
    [1.0 + 5e-13, 0.0],
    [1.0 - 5e-13, 0.0],
    [1.0 - 2**-53, 1e-30],
    [1e-6, 1.0 - 1e-6],
    [1e-19, 0.5, 0.5],
    [1e-300, 0.5, 0.0, 0.5],
    [0.1] * 10,
    [1 / 3] * 3,
]


@pytest.mark.parametrize("extra_bits", [0, 1, 3])
@pytest.mark.parametrize("row", SPECIAL_ROWS, ids=str)
def test_special_rows(row, extra_bits):
    check_row(np.array(row), slot_bits(len(row)) + extra_bits)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(0, 2))
def test_random_rows(seed, n_outcomes, extra_bits):
    rng = np.random.default_rng(seed)
    for row in random_table(rng, (8, n_outcomes)):
        check_row(row, slot_bits(n_outcomes) + extra_bits)


@pytest.mark.parametrize("n_outcomes", [255, 256, 257, 4096, 65_535])
def test_many_outcomes(n_outcomes):
    check_row(np.random.default_rng(n_outcomes).dirichlet(np.full(n_outcomes, 0.3)), slot_bits(n_outcomes))


def test_fewer_slots_than_outcomes_where_enough_are_impossible():
    row = np.zeros(300)
    row[[7, 100, 299]] = 0.2, 0.3, 0.5
    check_row(row, 2)


def test_weights_are_the_probabilities_to_64_bits():
    row = np.random.default_rng(0).dirichlet(np.full(50, 0.1))
    weights = reference.integer_weights(row)
    exact = [p * 2.0**64 for p in row]
    assert sum(weights) == 2**64
    off = sorted(abs(w - x) for w, x in zip(weights, exact, strict=True))
    assert off[-2] <= 1.0
    assert off[-1] <= 50 + 2.0**64 * abs(row.sum() - 1.0) + 2**11  # the largest takes up what rounding left


def test_rows_of_a_table_do_not_disturb_each_other():
    rows = random_table(np.random.default_rng(3), (60, 5))
    slots, fine = compiled_tables(rows, 3)
    for row, own_slots, own_fine in zip(rows, slots, fine, strict=True):
        assert decode(own_slots, own_fine, 3) == reference.alias_slots(row, 8)


def test_slots_name_outcomes_as_they_are_packed():
    outcomes = np.array([5, 65_535, 0], np.uint32)
    slots, fine = compiled_tables(np.array([[0.2, 0.5, 0.3]]), 2, outcomes)
    plain = reference.alias_slots([0.2, 0.5, 0.3], 4)
    expected = [(share, int(outcomes[first]), int(outcomes[second])) for share, first, second in plain]
    assert decode(slots[0], fine[0], 2) == expected


@pytest.mark.parametrize("row", SPECIAL_ROWS, ids=str)
@pytest.mark.parametrize("word", [0, 1, 2**31 - 1, 2**31, ALL_ONES - 1, ALL_ONES])
@pytest.mark.parametrize("second", [0, 1, ALL_ONES])
def test_forced_words_give_the_exact_outcome_and_never_an_impossible_one(row, word, second):
    bits = slot_bits(len(row))
    slots, fine = compiled_tables(np.array([row]), bits)
    slot, low = slots[0, word >> (32 - bits)], fine[0, word >> (32 - bits)]
    outcome = int(exact_outcome(np.uint32(word), np.uint32(second), slot, low, np.uint32(bits)))
    assert row[outcome] > 0.0

    table = np.array([reference.alias_slots(row, 1 << bits)], np.uint64)
    draw = np.array([word << 32 | second], np.uint64)
    assert outcome == reference.choose(table, np.array([0]), draw)[0]


@given(st.integers(0, ALL_ONES), st.integers(1, 16), st.integers(0, 2**32 - 1), st.booleans())
def test_undecided_means_that_the_second_word_could_decide(word, bits, other, near):
    top = (word << bits) & ALL_ONES if near else other
    slot = np.uint64(top << 32 | 1 << 16)  # outcome 0, then 1
    outcomes = {
        int(exact_outcome(np.uint32(word), np.uint32(second), slot, np.uint32(fine), np.uint32(bits)))
        for second in (0, ALL_ONES)
        for fine in (0, ALL_ONES)
    }
    assert bool(undecided(np.uint32(word), slot, np.uint32(bits))) == (outcomes == {0, 1})
