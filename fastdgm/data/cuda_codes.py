"""The boundary for sequences on a GPU: any accepted form -> codes there, end to end, checked there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..kernels import sequences_cuda
from ..kernels.tiles_cuda import NOTHING_FOUND
from ..runtime.cuda_launch import Twin, launch_on
from ..runtime.cuda_queue import CudaQueue
from .cuda_arrays import is_on_card, memory_of
from .cuda_loading import LOOPS as LOADING
from .cuda_memory import CudaMemory
from .cuda_sequences import CudaCodes, CudaSequences
from .sequences import Stream, bad_code, place, symbol_type
from .variables import MAX_STATES

Array = npt.NDArray[Any]
Empty = Callable[..., Any]  # (shape, dtype) -> memory of the card that holds anything, as numba's array
CHUNKS = 1024

LOOPS = {
    "load codes": Twin(sequences_cuda.load_codes_cuda, threads_per_block=256),
    "load offsets": Twin(sequences_cuda.load_offsets_cuda, threads_per_block=256),
    "sum chunks": Twin(sequences_cuda.sum_chunks_cuda, threads_per_block=sequences_cuda.THREADS),
    "starts": Twin(sequences_cuda.starts_cuda, threads_per_block=256),
    "offsets": Twin(sequences_cuda.offsets_of_cuda, threads_per_block=sequences_cuda.THREADS),
}


class Offsets(NamedTuple):
    """Where sequences begin, on a GPU."""

    array: Any  # int64 (n + 1,)
    size: int
    longest: int


class _Given(NamedTuple):
    """Codes as they came: rows whose lengths the offsets say where they are padded, else one row of all sequences, or
    rows of one length, without offsets."""

    rows: CudaMemory  # (n_rows, width)
    offsets: Offsets | None = None
    is_padded: bool = False


def as_cuda_codes(data: Any, n_states: int, queue: CudaQueue, empty: Empty) -> CudaCodes:
    """Sequences on a GPU as codes of a known number of states.

    Errors are those of the CPU: they name the sequence and the position of a value that is no state.
    """
    if isinstance(data, CudaSequences) and data.n_states == n_states:
        return data.codes
    return _loaded(_given(data, queue, empty), n_states, queue, empty)


def uploaded(stream: Stream, queue: CudaQueue) -> CudaCodes:
    """A copy, on a GPU, of sequences of the CPU."""
    lengths = np.diff(stream.starts) - 1
    values, offsets = np.delete(stream.symbols, stream.starts[1:] - 1), np.append(0, lengths.cumsum())
    arrays = queue.to_device(values), queue.to_device(offsets)
    return CudaCodes(*arrays, len(stream), len(values), int(lengths.max(initial=0)))


def learn_cuda_codes(data: Any, n_states: int | None, queue: CudaQueue, empty: Empty) -> tuple[CudaCodes, int]:
    """The same, and the number of states: one more than the largest code where it is not given, two at least for
    booleans."""
    if n_states is not None:
        return as_cuda_codes(data, n_states, queue, empty), n_states
    given = _given(data, queue, empty)
    largest = _load(given, MAX_STATES, None, queue)
    n_states = max(largest + 1, 2 if given.rows.dtype == np.bool_ else 1)
    return _loaded(given, n_states, queue, empty), n_states


def _loaded(given: _Given, n_states: int, queue: CudaQueue, empty: Empty) -> CudaCodes:
    """Codes where they are, if loops can read that, else a copy."""
    rows, offsets = given.rows, given.offsets
    size = offsets.size if offsets is not None else len(rows) * rows.shape[1]
    dtype = symbol_type(n_states)
    is_plain = rows.dtype == dtype and rows.is_c_contiguous
    if is_plain and not given.is_padded:
        values = replace(rows, shape=(size,), strides=(dtype.itemsize,)).array()
        _load(given, n_states, None, queue)
    else:
        values = empty((size,), dtype)
        _load(given, n_states, values, queue)
    if offsets is None:
        return CudaCodes(values, None, len(rows), size, rows.shape[1])
    return CudaCodes(values, offsets.array, len(offsets.array) - 1, size, offsets.longest)


def _load(given: _Given, n_states: int, out: Any | None, queue: CudaQueue) -> int:
    """Check all codes and copy them, if there is room for that; returns the largest."""
    rows = given.rows
    if not all(rows.shape):
        return 0
    none, flags = queue.empty((0,), np.int64), new_flags(queue)
    offsets = given.offsets.array if given.offsets is not None and given.is_padded else none
    out = queue.empty((0,), np.uint8) if out is None else out
    launch_on(queue, LOOPS["load codes"], len(rows) * rows.shape[1], rows.array(), n_states, offsets, out, flags)
    largest, bad = read_flags(queue, flags)
    if bad is not None:
        raise _bad_code(given, bad, n_states, queue)
    return largest


def new_flags(queue: CudaQueue) -> Any:
    """Flags of the loaders of this module."""
    flags = queue.empty((3,), np.int64)
    launch_on(queue, LOADING["reset flags"], 3, flags)
    return flags


def read_flags(queue: CudaQueue, flags: Any) -> tuple[int, int | None]:
    """The largest number, and the first place of one that is not allowed, None where all are."""
    largest, bad, _ = queue.read_flags(flags).tolist()
    return 0 if largest == NOTHING_FOUND else -largest, None if bad == NOTHING_FOUND else bad


# --- forms of data ---


def _given(data: Any, queue: CudaQueue, empty: Empty) -> _Given:
    if isinstance(data, CudaSequences):
        data = data.codes.values, data.codes.offsets
    if not isinstance(data, tuple):
        rows = _integers(memory_of(data))
        if rows.ndim != 2:
            raise TypeError(f"sequences on a GPU come as rows (n, length), got an array of shape {rows.shape}")
        return _Given(rows)
    if len(data) != 2:
        raise ValueError(f"a tuple must be (values, offsets) or (padded rows, lengths), got {len(data)} items")
    rows = _integers(memory_of(data[0]))
    if rows.ndim == 2:
        return _Given(rows, _offsets_of(data[1], len(rows), rows.shape[1], queue, empty), is_padded=True)
    if rows.ndim != 1:
        raise TypeError(f"values must have one axis, or two where rows are padded, got shape {rows.shape}")
    one = replace(rows, shape=(1, len(rows)), strides=(len(rows) * rows.strides[0], rows.strides[0]))
    return _Given(one, _checked_offsets(data[1], len(rows), queue, empty))


def _integers(memory: CudaMemory) -> CudaMemory:
    if memory.dtype.kind not in "biu":
        raise TypeError(f"sequences hold integer codes, got {memory.dtype}")
    return memory


def _flat_integers(numbers: Any, noun: str) -> CudaMemory | Array:
    found = memory_of(numbers) if is_on_card(numbers) else np.asarray(numbers)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise TypeError(f"{noun} must be integers with one axis, got {found.dtype} of shape {found.shape}")
    return found


def _checked_offsets(numbers: Any, size: int, queue: CudaQueue, empty: Empty) -> Offsets:
    """Offsets that rise from 0 to ``size``."""
    given = _flat_integers(numbers, "offsets")
    if not len(given):
        raise ValueError(f"offsets must rise from 0 to len(values) = {size}, got none")
    if isinstance(given, CudaMemory):
        own, flags = empty(given.shape, np.int64), new_flags(queue)
        launch_on(queue, LOOPS["load offsets"], len(given), given.array(), size, own, flags)
        longest, bad = read_flags(queue, flags)
        if bad is not None:
            value = int(queue.read_flags(given.rows(bad, bad + 1).array())[0])
            raise ValueError(f"offsets must rise from 0 to len(values) = {size}, but offset {bad} is {value}")
        return Offsets(own, size, longest)
    whole = given.astype(np.int64)
    if whole[0] != 0 or whole[-1] != size or (np.diff(whole) < 0).any():
        raise ValueError(f"offsets must rise from 0 to len(values) = {size}, got {whole}")
    return Offsets(queue.to_device(whole), size, int(np.diff(whole).max(initial=0)))


def _offsets_of(numbers: Any, n: int, width: int, queue: CudaQueue, empty: Empty) -> Offsets:
    """Those of rows of such lengths."""
    given = _flat_integers(numbers, "lengths")
    if len(given) != n:
        raise ValueError(f"there must be one length for each of {n} rows, got {len(given)}")
    own = empty((n,), np.int64)
    if isinstance(given, CudaMemory):
        rows, flags = replace(given, shape=(1, n), strides=(n * given.strides[0], given.strides[0])), new_flags(queue)
        none = queue.empty((0,), np.int64)
        launch_on(queue, LOOPS["load codes"], n, rows.array(), width + 1, none, own, flags)
        _, bad = read_flags(queue, flags)
        if bad is not None:
            value = int(queue.read_flags(given.rows(bad, bad + 1).array())[0])
            raise ValueError(f"lengths must be between 0 and {width}, got {value} for row {bad}")
        return offsets_of_lengths(own, queue, empty)[0]
    whole = given.astype(np.int64)
    wrong = (whole < 0) | (whole > width)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"lengths must be between 0 and {width}, got {given[row]} for row {row}")
    return _checked_offsets(np.append(0, whole.cumsum()), int(whole.sum()), queue, empty)


def offsets_of_lengths(
    lengths: Any, queue: CudaQueue, empty: Empty, most: int = NOTHING_FOUND
) -> tuple[Offsets, int | None]:
    """Offsets of sequences of our own whose lengths (n,) are on the card, and the first that has ``most`` codes."""
    n = len(lengths)
    offsets, flags = empty((n + 1,), np.int64), new_flags(queue)
    chunk = -(-max(n, 1) // CHUNKS)
    sums = empty((-(-max(n, 1) // chunk),), np.int64)
    n_threads = len(sums) * sequences_cuda.THREADS
    launch_on(queue, LOOPS["sum chunks"], n_threads, lengths, chunk, most, sums, flags)
    launch_on(queue, LOOPS["offsets"], n_threads, lengths, chunk, sums, offsets, flags)
    longest, first, total = (None if flag == NOTHING_FOUND else flag for flag in queue.read_flags(flags).tolist())
    return Offsets(offsets, total or 0, -(longest or 0)), first


def starts_of(codes: CudaCodes, queue: CudaQueue, empty: Empty) -> Any:
    """Where sequences begin (n + 1,) where each is followed by its end."""
    starts = empty((codes.n + 1,), np.int64)
    offsets = queue.empty((0,), np.int64) if codes.offsets is None else codes.offsets
    launch_on(queue, LOOPS["starts"], codes.n + 1, offsets, codes.longest, starts)
    return starts


# --- errors ---


def _bad_code(given: _Given, cell: int, n_states: int, queue: CudaQueue) -> Exception:
    """The error for a value that is no state; it is copied."""
    rows = given.rows
    i, d = divmod(cell, rows.shape[1])
    value = int(queue.read_flags(rows.rows(i, i + 1).columns(d, d + 1).array()).ravel()[0])
    where = f"position {d} of sequence {i}"
    if given.offsets is not None and not given.is_padded:
        where = place(queue.to_host(given.offsets.array), d)
    return bad_code(value, where, n_states)
