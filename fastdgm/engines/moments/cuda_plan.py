"""Strata as the CUDA loop reads them: the numbers of a record, each with its factors, and tiles of shared memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...kernels.moments import HEADER
from ...kernels.moments_cuda import NONE, PackedMoments
from .plan import Strata, Stratum

Array = npt.NDArray[Any]
TILE_BYTES = 40_960  # of shared memory to a block: five blocks to a multiprocessor of 228 KB, one on a T4
MOST_ROWS = 128
PARTIAL_BYTES = 1 << 26
MOST_BLOCKS = 1056  # eight to each of 132 multiprocessors; no property of the card, so that sums are those of any


class MomentsLayout(NamedTuple):
    """How a pass over rows is laid out."""

    plan: PackedMoments
    shift_rows: Array  # uint32 (n_sums,): the row of reals whose shift a number of the records is, or NONE
    shared_bytes: int
    blocks: int  # at most

    def blocks_for(self, n: int) -> int:
        """Of n rows."""
        return max(1, min(self.blocks, -(-n // int(self.plan.size))))


def laid_out(strata: Strata) -> MomentsLayout:
    """The layout of the strata of a network.

    Raises ValueError where a row of a tile does not fit into shared memory, or records are too many.
    """
    columns = sorted({column for own in strata.strata for column in own.columns})
    width = len(columns) + 1 + len(strata.strata) | 1
    size = min(MOST_ROWS, TILE_BYTES // (8 * width))
    if size < 1 or strata.n_sums >= NONE:
        raise ValueError(
            f"moments on a GPU are of at most {TILE_BYTES // 8 - 2} real variables and sets of discrete parents, with "
            f"less than 2**32 sums: got {width} and {strata.n_sums}; copy the arrays to the CPU"
        )
    place = {column: k for k, column in enumerate(columns)}
    starts = strata.plan.record_start[:-1].tolist()
    numbers = [
        word for s, own in enumerate(strata.strata) for line in _numbers(own, s, starts[s], place) for word in line
    ]
    plan = PackedMoments(
        np.array(numbers, np.uint32), _packed_strata(strata), np.array(columns, np.uint32), np.int64(size)
    )
    blocks = max(1, min(MOST_BLOCKS, PARTIAL_BYTES // max(8 * strata.n_sums, 1)))
    return MomentsLayout(plan, _shift_rows(strata), 8 * width * size, blocks)


def _numbers(own: Stratum, s: int, start: int, place: dict[int, int]) -> list[tuple[int, ...]]:
    """The words of each number of a record but the shifts."""
    common, d = (start, own.record), len(own.columns)
    nothing = NONE, NONE
    factors = [(place[column], HEADER + j) for j, column in enumerate(own.columns)]
    lines = [(*common, at, s, *nothing, *nothing) for at in range(HEADER)]
    lines += [(*common, HEADER + d + j, s, *factors[j], *nothing) for j in range(d)]
    pairs = enumerate(own.pairs, HEADER + 2 * d)
    return lines + [(*common, at, s, *factors[j], *factors[k]) for at, (j, k) in pairs]


def _packed_strata(strata: Strata) -> Array:
    own = strata.plan
    at, places, words = 1 + len(strata.strata), list[int](), list[int]()
    for s, stratum in enumerate(strata.strata):
        axes = slice(int(own.axis_start[s]), int(own.axis_start[s + 1]))
        pairs = np.stack([own.axis_row[axes], own.axis_stride[axes]], axis=1)
        line = [len(pairs), stratum.n_configurations - 1, *pairs.ravel().tolist()]
        places.append(at)
        words += line
        at += len(line)
    return np.array([len(places), *places, *words], np.uint32)


def _shift_rows(strata: Strata) -> Array:
    rows, starts = np.full(strata.n_sums, NONE, np.uint32), strata.plan.record_start
    for s, own in enumerate(strata.strata):
        records = rows[int(starts[s]) : int(starts[s + 1])].reshape(own.n_configurations, own.record)
        records[:, HEADER : HEADER + len(own.columns)] = own.columns
    return rows
