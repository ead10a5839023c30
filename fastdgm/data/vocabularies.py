"""Sequences of characters and tokens: vocabularies, strings -> streams of codes, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .sequences import (
    Kind,
    Ragged,
    Stream,
    as_ragged,
    codes_as_stream,
    learn_codes,
    no_sequences,
    refuse_no_symbols,
    symbol_type,
)
from .variables import MAX_STATES

Array = npt.NDArray[Any]

BYTE = 256  # values of a byte


class LearntSequences(NamedTuple):
    """Sequences as a stream, and the states that they are known to have."""

    stream: Stream
    n_states: int
    kind: Kind
    vocabulary: tuple[str, ...] | None  # None: the data are codes


def learn_sequences(data: Any, vocabulary: tuple[str, ...] | None, n_states: int | None) -> LearntSequences:
    """Any sequences as a stream; what is not known of their states is taken from them."""
    ragged = as_ragged(data)
    if ragged.kind == "codes":
        assert ragged.values is not None and ragged.offsets is not None
        known = n_states if vocabulary is None else len(vocabulary)
        return LearntSequences(*learn_codes(ragged.values, ragged.offsets, known), "codes", vocabulary)
    words = vocabulary or _learnt_vocabulary(ragged)
    if n_states is not None and n_states != len(words):
        raise ValueError(f"n_states is {n_states}, but {len(words)} different symbols occur")
    return LearntSequences(words_as_stream(ragged, words), len(words), ragged.kind, words)


def _learnt_vocabulary(ragged: Ragged) -> tuple[str, ...]:
    words = learn_vocabulary(ragged)
    refuse_no_symbols(len(words), len(ragged.items or []), "vocabulary")
    return check_vocabulary(words or "?")  # no sequences at all: whoever counts them will say so


def as_stream(data: Any, n_states: int, vocabulary: tuple[str, ...] | None) -> Stream:
    """Any sequences as a stream of known states."""
    ragged = as_ragged(data)
    if ragged.kind == "codes":
        assert ragged.values is not None and ragged.offsets is not None
        return codes_as_stream(ragged.values, ragged.offsets, n_states)
    if not ragged.items:
        return no_sequences(n_states)
    if vocabulary is None:
        raise TypeError("this model was fitted on codes and has no vocabulary for strings")
    return words_as_stream(ragged, vocabulary)


def check_vocabulary(vocabulary: Any) -> tuple[str, ...]:
    """Distinct strings; their places are their codes."""
    if isinstance(vocabulary, set | frozenset):
        raise TypeError(f"vocabulary must have an order, got a set of {len(vocabulary)}")
    tokens = tuple(vocabulary)
    for token in tokens:
        if not isinstance(token, str):
            raise TypeError(f"vocabulary must hold strings, got {token!r:.60}")
    if not 1 <= len(tokens) <= MAX_STATES:
        raise ValueError(f"vocabulary must have between 1 and {MAX_STATES} entries, got {len(tokens)}")
    if len(set(tokens)) != len(tokens):
        repeated = Counter(tokens).most_common(1)[0][0]
        raise ValueError(f"vocabulary must be distinct, got {repeated!r:.60} twice")
    return tokens


def check_characters(vocabulary: Sequence[str]) -> None:
    """Refuse a vocabulary of tokens where strings are read character by character."""
    longer = next((token for token in vocabulary if len(token) != 1), None)
    if longer is not None:
        raise TypeError(
            f"this vocabulary has tokens of several characters, like {longer!r:.60}: give lists of tokens, not strings"
        )


def learn_vocabulary(ragged: Ragged) -> tuple[str, ...]:
    """All characters or tokens that occur, in alphabetical order."""
    items = ragged.items or []
    if ragged.kind == "tokens":
        return tuple(sorted(set(_tokens(items))))
    from ..kernels.streams import mark_seen

    joined = _join("", items)
    seen = np.zeros(256 if _is_latin(joined) else 0x110000, np.uint8)
    mark_seen(_code_points(joined), seen)
    return tuple(map(chr, np.flatnonzero(seen).tolist()))


def words_as_stream(ragged: Ragged, vocabulary: Sequence[str]) -> Stream:
    """Strings or lists of tokens -> stream. Errors name what is unknown, the sequence and the position."""
    items = ragged.items or []
    if ragged.kind == "text":
        check_characters(vocabulary)
        return _text_as_stream(items, vocabulary)
    code = {token: k for k, token in enumerate(vocabulary)}
    try:
        values = np.fromiter(map(code.__getitem__, _tokens(items)), np.int64)
    except KeyError:
        raise _unknown("token", items, code) from None
    offsets = np.concatenate([[0], np.cumsum([len(item) for item in items], dtype=np.int64)])
    return codes_as_stream(values, offsets, len(vocabulary))


def _tokens(items: Sequence[Any]) -> list[str]:
    tokens = list(chain.from_iterable(items))
    for token in tokens:
        if not isinstance(token, str):
            raise TypeError(f"sequences of tokens hold strings, got {token!r:.60}")
    return tokens


def _join(separator: str, strings: Sequence[str]) -> str:
    try:
        return separator.join(strings)
    except TypeError:
        i, item = next((i, item) for i, item in enumerate(strings) if not isinstance(item, str))
        raise TypeError(f"a list of strings holds only strings, but item {i} is {item!r:.60}") from None


def _is_latin(text: str) -> bool:
    return text.isascii() or max(text) < "\u0100"


def _code_points(text: str) -> Array:
    if _is_latin(text):
        return np.frombuffer(text.encode("latin-1"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def separator_of(vocabulary: Sequence[str]) -> str:
    """A character that is not in the vocabulary, to stand for the end symbol."""
    used = set(vocabulary)
    return next(chr(c) for c in range(10, 0x110000) if chr(c) not in used)


def _text_as_stream(strings: Sequence[str], vocabulary: Sequence[str]) -> Stream:
    from ..kernels.streams import translate

    separator, end = separator_of(vocabulary), len(vocabulary)
    text = _join(separator, [*strings, ""])
    if end < BYTE - 1 and text.isascii():
        return _ascii_as_stream(text, strings, [*vocabulary, separator])
    points = _code_points(text)
    symbols, starts = np.empty(len(points), symbol_type(end)), np.zeros(len(strings) + 1, np.int64)
    if translate(points, _table_of([*vocabulary, separator]), end, symbols, starts) != len(strings):
        raise _unknown("character", strings, set(vocabulary))
    return Stream(symbols, starts)


def _ascii_as_stream(text: str, strings: Sequence[str], characters: Sequence[str]) -> Stream:
    """The same for bytes, where one table look-up is all there is to do."""
    from ..kernels.streams import translate_bytes

    end, unknown = len(characters) - 1, BYTE - 1
    table = np.full(BYTE, unknown, np.uint8)
    known = [(ord(character), code) for code, character in enumerate(characters) if ord(character) < BYTE]
    table[[point for point, _ in known]] = [code for _, code in known]
    points = np.frombuffer(text.encode("ascii"), np.uint8)
    symbols = np.empty(len(points), np.uint8)
    largest = translate_bytes(points, table, symbols)
    ends = np.flatnonzero(symbols == end) + 1
    if largest == unknown or len(ends) != len(strings):  # a string that holds the separator has one end too many
        raise _unknown("character", strings, set(characters[:-1]))
    return Stream(symbols, np.concatenate([[0], ends]))


def _table_of(characters: Sequence[str]) -> Array:
    """Code of every code point, -1 for unknown ones; the last entry stands for all beyond."""
    table = np.full(max(map(ord, characters)) + 2, -1, np.int32)
    table[[ord(c) for c in characters]] = np.arange(len(characters))
    return table


def _unknown(noun: str, items: Sequence[Any], known: Any) -> Exception:
    for i, item in enumerate(items):
        for j, token in enumerate(item):
            if token not in known:
                return ValueError(
                    f"unknown {noun} {token!r:.60} at position {j} of sequence {i}: not in the vocabulary"
                )
    raise AssertionError("everything is known")


# --- back ---


def as_strings(stream: Stream, vocabulary: Sequence[str]) -> list[str]:
    """The strings of a stream of characters."""
    separator = separator_of(vocabulary)
    points = np.array([ord(c) for c in (*vocabulary, separator)], np.uint32)
    if points.max() < 256 and stream.symbols.dtype == np.uint8:
        table = bytes(points.astype(np.uint8)) + bytes(256 - len(points))
        text = stream.symbols.tobytes().translate(table).decode("latin-1")
    else:
        text = points[stream.symbols].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    return text.split(separator)[:-1]


def as_lists(stream: Stream, vocabulary: Sequence[str]) -> list[list[str]]:
    """The lists of tokens of a stream."""
    return [[vocabulary[code] for code in stream[i].tolist()] for i in range(len(stream))]


def as_arrays(stream: Stream) -> list[Array]:
    """The codes of every sequence, as arrays of their own memory."""
    return [stream[i].copy() for i in range(len(stream))]


def decoder(kind: Kind, vocabulary: Sequence[str] | None) -> Callable[[Stream], list[Any]]:
    """What turns a stream into what the model was fitted on."""
    if vocabulary is None:
        return as_arrays
    return partial(as_strings if kind == "text" else as_lists, vocabulary=vocabulary)
