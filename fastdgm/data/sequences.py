"""The boundary for ragged sequences: strings, lists, Arrow arrays, (values, offsets) -> one stream of codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from .booleans import with_plain_bytes

Array = npt.NDArray[Any]
Kind = Literal["text", "tokens", "codes"]

MAX_STATES = 65_535  # one more code, the end symbol, still fits in uint16


@dataclass(frozen=True)
class Stream:
    """The codes of all sequences end to end, each followed by the end symbol; what the kernels read.

    ``starts`` (n + 1,) says where each sequence begins in ``symbols``, and the length of the whole. Both are ours alone
    and hold what was checked: kernels look up tables with them as they are.
    """

    symbols: Array
    starts: Array

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, i: int) -> Array:
        """The codes of sequence i, without the end symbol."""
        return self.symbols[self.starts[i] : self.starts[i + 1] - 1]


class Ragged(NamedTuple):
    """Sequences whose kind is known and whose values are not checked yet: ``items``, or flat ``values`` in runs."""

    kind: Kind
    items: Sequence[Any] | None = None
    values: Array | None = None
    offsets: Array | None = None


def symbol_type(n_states: int) -> np.dtype[Any]:
    """Type of a stream: uint8 up to 255 states, because the end symbol needs a code too, else uint16."""
    return np.dtype(np.uint8 if n_states < 256 else np.uint16)


# --- what the data is ---


def as_ragged(data: Any) -> Ragged:
    """Find out the kind of sequences; values are checked later, against the states.

    A string is one sequence; a list holds sequences: strings, lists of tokens (str), or lists and arrays of codes; a
    tuple of two arrays is (values, offsets). Arrow list and string arrays (pyarrow, polars, anything with the Arrow C
    interface) need pyarrow. Sets are refused, because results come in the order of sequences, and so are mappings:
    only ``fit`` knows what to do with counts.
    """
    if isinstance(data, str):
        return Ragged("text", [data])
    if isinstance(data, Mapping | set | frozenset):
        raise TypeError(f"sequences come as a list, in an order and without counts, got {type(data).__name__}")
    if isinstance(data, tuple):
        return _from_values(data)
    if hasattr(data, "__arrow_c_array__") or hasattr(data, "__arrow_c_stream__"):
        return _from_arrow(data)
    if isinstance(data, np.ndarray):
        if data.ndim == 2:
            return _from_values((data.ravel(), np.arange(len(data) + 1) * data.shape[1]))
        if data.dtype.kind not in "OUT":
            raise TypeError(f"an array of sequences must be 2-D or hold strings, got {data.dtype} of {data.shape}")
        data = data.tolist()
    try:
        items = list(data)
    except TypeError:
        raise TypeError(f"sequences come as a list, got {type(data).__name__}") from None
    return _from_items(items)


def _from_items(items: list[Any]) -> Ragged:
    if not items or isinstance(items[0], str):
        return Ragged("text", items)
    for i, item in enumerate(items):
        if isinstance(item, str | Mapping | set | frozenset) or not hasattr(item, "__len__"):
            raise TypeError(f"a list of sequences holds only lists or only strings, but item {i} is {item!r:.60}")
    first: Any = next((item for item in items if len(item)), ())
    if len(first) and isinstance(first[0], str):
        return Ragged("tokens", items)
    if any(np.ndim(item) != 1 for item in items):
        i = next(i for i, item in enumerate(items) if np.ndim(item) != 1)
        raise ValueError(f"a sequence of codes has one dimension, sequence {i} has shape {np.shape(items[i])}")
    lengths = np.fromiter(map(len, items), np.int64, len(items))
    arrays = [np.asarray(item) for item in items if len(item)]
    values = np.concatenate(arrays) if arrays else np.empty(0, np.int64)
    return Ragged("codes", values=values, offsets=np.concatenate([[0], lengths.cumsum()]))


def _from_values(pair: Any) -> Ragged:
    if len(pair) != 2:
        raise ValueError(f"a tuple must be (values, offsets), got {len(pair)} items; sequences come as a list")
    values, offsets = np.asarray(pair[0]), np.asarray(pair[1])
    if values.ndim != 1 or offsets.ndim != 1 or offsets.dtype.kind not in "iu":
        raise TypeError(
            "a tuple must be (values, offsets), one-dimensional arrays with integer offsets (sequences come as a "
            f"list), got shapes {values.shape} and {offsets.shape}, types {values.dtype} and {offsets.dtype}"
        )
    offsets = offsets.astype(np.int64)
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != len(values) or (np.diff(offsets) < 0).any():
        raise ValueError(f"offsets must rise from 0 to len(values) = {len(values)}, got {offsets}")
    if values.dtype.kind in "OUT":
        tokens = values.tolist()
        return Ragged("tokens", [tokens[a:b] for a, b in pairwise(offsets.tolist())])
    return Ragged("codes", values=values, offsets=offsets)


def _from_arrow(data: Any) -> Ragged:
    try:
        import pyarrow as pa
    except ImportError:
        raise ImportError('Arrow sequences need pyarrow: pip install "fastdgm[frames]"') from None
    if hasattr(data, "to_arrow"):
        data = data.to_arrow()
    if not isinstance(data, pa.Array):
        data = data if isinstance(data, pa.ChunkedArray) else pa.chunked_array(data)
        data = data.combine_chunks() if data.num_chunks != 1 else data.chunk(0)
    if data.null_count:
        raise MissingValuesError(f"sequences must be complete, got {data.null_count} nulls among {len(data)} sequences")
    types = pa.types
    if types.is_dictionary(data.type):  # categories go by their names
        data = data.dictionary_decode()
    if not len(data):  # of whatever type
        return Ragged("text", [])
    if types.is_string(data.type) or types.is_large_string(data.type) or types.is_string_view(data.type):
        return Ragged("text", data.to_pylist())
    if not (types.is_list(data.type) or types.is_large_list(data.type)):
        raise TypeError(f"an Arrow array of sequences holds lists or strings, got {data.type}")
    offsets = data.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
    values = data.values.slice(offsets[0], offsets[-1] - offsets[0])
    if values.null_count:
        raise MissingValuesError(f"sequences must be complete, got {values.null_count} nulls among their values")
    return _from_values((values.to_numpy(zero_copy_only=False), offsets - offsets[0]))


# --- codes ---


def codes_as_stream(values: Array, offsets: Array, n_states: int) -> Stream:
    """Flat codes -> stream. Errors name the sequence and the position of a value that is no state.

    What is checked is the copy that kernels will read, because another thread may change ``values`` meanwhile.
    """
    if values.dtype.kind not in "biu" and values.size:
        raise _bad_type(values, offsets)
    if values.dtype == bool:
        values = with_plain_bytes(values).view(np.uint8)
    codes = values.astype(symbol_type(n_states))
    wrong = codes >= n_states
    if codes.dtype != values.dtype:
        wrong |= codes != values
    if wrong.any():
        raise _bad_code(values, offsets, int(wrong.argmax()), n_states)
    n = len(offsets) - 1
    starts = offsets + np.arange(n + 1)
    symbols = np.empty(int(starts[-1]), codes.dtype)
    is_end = np.zeros(len(symbols), bool)
    is_end[starts[1:] - 1] = True
    symbols[is_end] = n_states
    symbols[~is_end] = codes
    return Stream(symbols, starts)


def rows_as_stream(codes: Array, n_states: int) -> Stream:
    """Rows of fixed length, each with the end symbol that leads back to the start.

    Codes are checked already, but another thread may have changed them since: the copy that kernels read is checked
    again, which takes next to no time.
    """
    n, n_vars = codes.shape
    symbols = np.empty((n, n_vars + 1), symbol_type(n_states))
    symbols[:, :-1] = codes
    symbols[:, -1] = 0
    if symbols.max(initial=0) >= n_states:
        raise ValueError("rows were changed by another thread while they were read")
    symbols[:, -1] = n_states
    return Stream(symbols.ravel(), np.arange(n + 1) * (n_vars + 1))


def learn_n_states(values: Array, offsets: Array) -> int:
    """One more than the largest code; booleans have two states, whichever occur."""
    if values.dtype.kind not in "biu" and values.size:
        raise _bad_type(values, offsets)
    return max(int(values.max(initial=0)) + 1, 2 if values.dtype == bool else 1)


def _bad_code(values: Array, offsets: Array, i: int, n_states: int) -> Exception:
    value = int(values[i])
    if 0 <= value < n_states:
        return ValueError(f"the code at {place(offsets, i)} was changed by another thread while it was read")
    error = MissingValuesError if value == -1 else ValueError
    return error(f"codes must be between 0 and {n_states - 1}, got {value} at {place(offsets, i)}")


def _bad_type(values: Array, offsets: Array) -> Exception:
    if values.dtype.kind == "f" and np.isnan(values).any():
        return MissingValuesError(
            f"codes must be complete, got nan at {place(offsets, int(np.isnan(values).argmax()))}"
        )
    return TypeError(f"sequences hold integer codes, got {values.dtype}")


def place(offsets: Array, i: int) -> str:
    """Where flat value i is."""
    sequence = int(np.searchsorted(offsets, i, "right")) - 1
    return f"position {i - int(offsets[sequence])} of sequence {sequence}"


def refuse_empty(stream: Stream) -> Stream:
    """The stream; ValueError where a sequence is empty: the chain gives sequences at least one symbol."""
    is_empty = np.diff(stream.starts) < 2
    if is_empty.any():
        raise ValueError(
            f"sequences must not be empty, sequence {int(is_empty.argmax())} is ({int(is_empty.sum())} of "
            f"{len(stream)}): drop empty ones, as in [line for line in lines if line]"
        )
    return stream


# --- tokens and characters ---

BYTE = 256  # values of a byte


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
    from ..kernels.markov import mark_seen

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
    from ..kernels.markov import translate

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
    """The same for bytes, which Python itself translates several times as fast."""
    end, unknown = len(characters) - 1, BYTE - 1
    table = np.full(BYTE, unknown, np.uint8)
    known = [(ord(character), code) for code, character in enumerate(characters) if ord(character) < BYTE]
    table[[point for point, _ in known]] = [code for _, code in known]
    translated = text.encode("ascii").translate(table.tobytes())
    symbols = np.frombuffer(translated, np.uint8)
    ends = np.flatnonzero(symbols == end) + 1
    if unknown in translated or len(ends) != len(strings):  # a string that holds the separator has one end too many
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
