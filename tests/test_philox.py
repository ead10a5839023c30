"""The random words: Random123's known answers, and which word belongs to which row."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from compiled import compiled
from hypothesis import example, given
from hypothesis import strategies as st

from fastdgm.kernels import philox

pytestmark = [pytest.mark.kernel, pytest.mark.generic_cpu]

# The lines "philox4x32 10" of Random123's kat_vectors: counter, key, answer.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]
FILL_WORDS, ONE_WORD = compiled(philox.fill_words), compiled(philox.one_word)
words_of_32_bits = st.integers(0, 2**32 - 1)
words_of_64_bits = st.integers(0, 2**64 - 1)


def hexadecimal(text: str) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in text.split())


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers_of_the_oracle(counter, key, answer):
    assert reference.philox4x32(hexadecimal(counter), hexadecimal(key)) == hexadecimal(answer)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers_of_the_formula_run_by_python(counter, key, answer):
    arguments = [np.uint64(word) for word in hexadecimal(counter) + hexadecimal(key)]
    assert philox.philox4x32(*arguments) == hexadecimal(answer)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers_of_the_compiled_loop(counter, key, answer):
    c0, c1, c2, c3 = hexadecimal(counter)
    k0, k1 = hexadecimal(key)
    words = np.zeros((4, 1), np.uint32)
    FILL_WORDS(np.uint64(k1 << 32 | k0), np.uint64(c1 << 32 | c0), np.uint64(c2), np.uint64(c3), 1, words)
    assert tuple(words[:, 0].tolist()) == hexadecimal(answer)


def compiled_word(key: int, row: int, word: int, stream: int) -> int:
    return int(ONE_WORD(np.uint64(key), np.uint64(row), np.uint64(word), np.uint64(stream)))


@given(words_of_64_bits, words_of_64_bits, st.integers(0, 2**34 - 1), words_of_32_bits)
@example(2**64 - 1, 2**64 - 1, 2**34 - 1, 2**32 - 1)
@example(0, 2**32 - 1, 5, philox.STREAM_REFINE)
@example(1 << 32, 2**32, 6, philox.STREAM_SAMPLE)
def test_any_word_equals_the_oracle(key, row, word, stream):
    counter = (row & reference.LOW, row >> 32, word // 4, stream)
    answer = reference.philox4x32(counter, (key & reference.LOW, key >> 32))
    assert compiled_word(key, row, word, stream) == answer[word % 4]


@pytest.mark.parametrize("first_row", [0, 2**32 - 100, 2**32, 2**64 - 100])
def test_a_run_of_rows_is_the_words_of_each_row(first_row):
    words = np.zeros((4, 100), np.uint32)
    FILL_WORDS(np.uint64(7), np.uint64(first_row), np.uint64(3), np.uint64(1), 100, words)
    rows = np.arange(100, dtype=np.uint64) + np.uint64(first_row)
    for lane in range(4):
        assert (words[lane] == reference.random_words(7, rows, 12 + lane, 1)).all()
        assert words[lane, 99] == compiled_word(7, first_row + 99, 12 + lane, 1)


def test_streams_are_distinct_and_the_oracle_s():
    streams = {name: value for name, value in vars(philox).items() if name.startswith("STREAM_")}
    assert len(set(streams.values())) == len(streams)
    assert (philox.STREAM_SAMPLE, philox.STREAM_REFINE) == (reference.STREAM_SAMPLE, reference.STREAM_REFINE)
