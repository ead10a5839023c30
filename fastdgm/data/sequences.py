"""The boundary for ragged sequences: strings, lists, Arrow arrays, (values, offsets) -> one stream of codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import MissingValuesError
from ..runtime.extras import how_to_install
from .booleans import with_plain_bytes
from .variables import MAX_STATES

Array = npt.NDArray[Any]
Kind = Literal["text", "tokens", "codes"]
FRAMES = ("DataFrame", "LazyFrame", "Table", "RecordBatch")


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


def no_sequences(n_states: int) -> Stream:
    """A stream of none."""
    return Stream(np.empty(0, symbol_type(n_states)), np.zeros(1, np.int64))


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
    _refuse_frame(data)
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


def _refuse_frame(data: Any) -> None:
    """TypeError for a frame of pandas, polars or Arrow: it has columns, of which sequences are one."""
    library, kind = type(data).__module__.partition(".")[0], type(data).__name__
    if library not in ("pandas", "polars", "pyarrow") or kind not in FRAMES:
        return
    if kind == "LazyFrame":
        names, frame = data.collect_schema().names(), "frame.collect()"
    else:
        names, frame = list(data.column_names if library == "pyarrow" else data.columns), "frame"
    example = f", as in {frame}[{names[0]!r:.60}]" if names else ""
    raise TypeError(f"sequences are one column of a frame{example}; got a {kind} of {len(names)} columns")


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
        raise ImportError(f"Arrow sequences need pyarrow: {how_to_install('frames', 'pyarrow')}") from None
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
    from ..kernels.streams import with_ends

    if values.dtype.kind not in "biu" and values.size:
        raise _bad_type(values, offsets)
    if values.dtype == bool:
        values = with_plain_bytes(values).view(np.uint8)
    codes = values.astype(symbol_type(n_states))
    if codes.max(initial=0) >= n_states or (codes.dtype != values.dtype and (codes != values).any()):
        wrong = (codes >= n_states) | (codes != values)
        raise _bad_code(values, offsets, int(wrong.argmax()), n_states)
    starts = offsets + np.arange(len(offsets))
    symbols = np.empty(int(starts[-1]), codes.dtype)
    with_ends(codes, starts, n_states, symbols)
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


def learn_codes(values: Array, offsets: Array, n_states: int | None) -> tuple[Stream, int]:
    """Flat codes as a stream, and the number of states: one more than the largest code where it is not given."""
    if n_states is None:
        refuse_no_symbols(len(values), len(offsets) - 1, "n_states")
        n_states = _learn_n_states(values, offsets)
    if n_states > MAX_STATES:
        raise ValueError(f"codes must be below {MAX_STATES}, got {n_states - 1}")
    return codes_as_stream(values, offsets, n_states), n_states


def _learn_n_states(values: Array, offsets: Array) -> int:
    """One more than the largest code; booleans have two states, whichever occur."""
    if values.dtype.kind not in "biu" and values.size:
        raise _bad_type(values, offsets)
    return max(int(values.max(initial=0)) + 1, 2 if values.dtype == bool else 1)


def _bad_code(values: Array, offsets: Array, i: int, n_states: int) -> Exception:
    value = int(values[i])
    if 0 <= value < n_states:
        return ValueError(f"the code at {place(offsets, i)} was changed by another thread while it was read")
    return bad_code(value, place(offsets, i), n_states)


def bad_code(value: int, where: str, n_states: int) -> Exception:
    """The error for a number that is no state."""
    error = MissingValuesError if value == -1 else ValueError
    return error(f"codes must be between 0 and {n_states - 1}, got {value} at {where}")


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


def refuse_no_symbols(n_symbols: int, n_sequences: int, missing: str) -> None:
    """ValueError where sequences are all empty: they do not say which states there are."""
    if n_sequences and not n_symbols:
        raise ValueError(f"all {n_sequences} sequences are empty, so that no state is known: give {missing}=")
