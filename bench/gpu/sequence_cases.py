"""The loader of ragged sequences that are on the card: codes and offsets checked, and offsets made of lengths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from case import Case

from fastdgm.data.cuda_codes import CHUNKS, LOOPS
from fastdgm.data.sequences import codes_as_stream
from fastdgm.kernels.tiles_cuda import NOTHING_FOUND

N_STATES = 20
NONE = np.empty(0, np.int64)


def sequence_cases(n: int, width: int) -> Iterator[Case]:
    """Padded rows of int64 as codes of a byte, and everything that is done to offsets."""
    rng = np.random.default_rng(0)
    rows, lengths = rng.integers(0, N_STATES, (n, width)), rng.integers(1, width + 1, n)
    offsets = np.concatenate([[0], lengths.cumsum()])
    values = rows[np.arange(width) < lengths[:, np.newaxis]].astype(np.uint8)
    nothing, longest = np.full(3, NOTHING_FOUND), int(lengths.max())
    found = np.array([-longest, NOTHING_FOUND, NOTHING_FOUND])
    chunk = -(-n // CHUNKS)
    sums = np.add.reduceat(lengths, np.arange(0, n, chunk))

    def case(
        verb: str, inputs: tuple[Any, ...], outputs: tuple[Any, ...], expected: tuple[Any, ...], threads: int
    ) -> Case:
        n_bytes = sum(own.nbytes for own in (*inputs, *outputs) if isinstance(own, np.ndarray))
        cells = n * width if verb == "load codes" else n
        name = f"sequences {verb}"

        def cpu() -> Any:
            return codes_as_stream(values, offsets, N_STATES)

        return Case(name, LOOPS[verb], inputs, outputs, expected, 0.0, threads, cells, n_bytes, cpu)

    codes_found = np.array([-int(values.max()), *nothing[1:]])
    outputs = np.zeros_like(values), nothing.copy()
    yield case("load codes", (rows, N_STATES, offsets), outputs, (values, codes_found), n * width)
    outputs = np.zeros_like(offsets), nothing.copy()
    yield case("load offsets", (offsets, len(values)), outputs, (offsets, found), n + 1)
    starts = offsets + np.arange(n + 1)
    yield case("starts", (offsets, 0), (np.zeros_like(starts),), (starts,), n + 1)
    threads = len(sums) * LOOPS["offsets"].threads_per_block
    outputs = np.zeros_like(sums), nothing.copy()
    yield case("sum chunks", (lengths, chunk, NOTHING_FOUND), outputs, (sums, found), threads)
    outputs = np.zeros_like(offsets), nothing.copy()
    total = np.array([NOTHING_FOUND, NOTHING_FOUND, offsets[-1]])
    yield case("offsets", (lengths, chunk, sums), outputs, (offsets, total), threads)
